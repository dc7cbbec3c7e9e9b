"""What schedules hold and cost, measured: bytes against depth, time, and PyTorch's checkpointing."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from math import isqrt
from statistics import median
from time import perf_counter
from typing import Any

import numpy as np

import mlp
from mlp import schedules
from mlp.arrays import kernel_arithmetic
from mlp.backprop import Buffers, Gradient, backprop
from mlp.checkpointing import Pool, execute
from mlp.memory import measure, simulate
from mlp.schedules import Schedule

DEPTHS = [4, 8, 16, 32, 64, 128, 256, 512, 1024]
WIDTH, BATCH = 64, 4096  # a state has 1 MiB


def planned(n: int) -> dict[str, Schedule]:
    """Each planner's schedule of a depth; the binomial one with about log2 n slots."""
    return {
        "store all": schedules.store_all(n),
        "uniform": schedules.uniform(n),
        "triangular": schedules.triangular(n),
        "bisection": schedules.bisection(n),
        "binomial": schedules.binomial(n, n.bit_length()),
    }


def network(n: int, width: int) -> mlp.Network:
    """Square tanh layers that keep the size of what goes through them."""
    net = mlp.Network.initialize([width] * (n + 1), hidden="tanh", loss="squared_error")
    rng = np.random.default_rng(1)
    for w in net.weights:
        w[...] = np.linalg.qr(rng.standard_normal((width, width)))[0]
    return net


def runner(net: mlp.Network, x: Any, schedule: Schedule | None) -> Any:
    """A function that computes a gradient; all that it holds but the gradient itself is its own."""
    layers, gradient = net.layers, Gradient.like(net.parameters, net.sizes)

    def run() -> None:
        if schedule is None:
            backprop(layers, net.loss, x, x, buffers=Buffers(layers, x.shape[1]), out=gradient)
        else:
            pool = Pool(schedule, layers, x.shape[1])
            execute(schedule, layers, net.loss, x, x, pool=pool, out=gradient)

    return run


def against_depth() -> dict[str, Any]:
    """The measured peak of each planner's schedule, in bytes and in states, beside the counted one."""
    x = np.random.default_rng(0).standard_normal((WIDTH, BATCH)).astype(np.float32)
    rows = []
    for n in DEPTHS:
        net = network(n, WIDTH)
        for name, schedule in planned(n).items():
            run, ledger = runner(net, x, schedule), simulate(schedule)
            with kernel_arithmetic():
                run()
                held = measure(run)
            states = held // x.nbytes  # x itself was there before
            rows.append(
                {
                    "planner": name,
                    "n": n,
                    "bytes": held,
                    "arrays": states + 1,
                    "counted": ledger.peak_arrays,
                    "states": ledger.peak_states,
                    "evaluations": ledger.evaluations,
                    "parameters": net.parameters.nbytes,
                }
            )
            print(f"    n = {n:4} {name:<10} {held:>12,} bytes: {states + 1} arrays of {ledger.peak_arrays}")
    return {"state": x.nbytes, "rows": rows}


def overhead() -> dict[str, Any]:
    """Time of a checkpointed gradient over that of the plain loop, beside the ratio of their products."""
    n, width, batch = 100, 256, 256
    net = network(n, width)
    x = np.random.default_rng(0).standard_normal((width, batch)).astype(np.float32)
    plain, rows = runner(net, x, None), []
    for name, schedule in {
        "uniform": schedules.uniform(n),
        "triangular": schedules.triangular(n),
        "bisection": schedules.bisection(n),
        "binomial": schedules.binomial(n, 8),
    }.items():
        run, ledger = runner(net, x, schedule), simulate(schedule)
        with kernel_arithmetic():
            run(), plain()
            pairs = [(timed(run), timed(plain)) for _ in range(9)]
        flops = (3 * n - 1 + ledger.recomputed) / (3 * n - 1)
        found = median(a / b for a, b in pairs)
        rows.append(
            {
                "planner": name,
                "time": found,
                "flops": flops,
                "over": found / flops,
                "evaluations": ledger.evaluations,
                "states": ledger.peak_states,
            }
        )
        print(f"    {name:<10} {found:.3f} times the plain loop, {flops:.3f} of its products")
    return {"n": n, "width": width, "batch": batch, "rows": rows}


def timed(f: Any) -> float:
    """The time of one call."""
    began = perf_counter()
    f()
    return perf_counter() - began


def pareto() -> dict[str, Any]:
    """For n = 100: states at the peak against evaluations, optimal ones and those of other schemes. Exact."""
    n = 100
    front = [simulate(schedules.binomial(n, s)) for s in range(1, n)]
    others = {name: simulate(schedule) for name, schedule in planned(n).items() if name != "binomial"}
    k = isqrt(n)
    torch_states = k - 1 + n - (k - 1) * (n // k)
    points = {name: [ledger.peak_states, ledger.evaluations] for name, ledger in others.items()}
    points["checkpoint_sequential"] = [torch_states, 2 * n - (n - (k - 1) * (n // k))]
    return {"n": n, "front": [[led.peak_states, led.evaluations] for led in front], "points": points}


TORCH = """
import ctypes, json, sys, torch
from torch.utils.checkpoint import checkpoint_sequential
n, width, batch, segments = map(int, sys.argv[1:])
torch.manual_seed(0)
layers = [torch.nn.Sequential(torch.nn.Linear(width, width), torch.nn.Tanh()) for _ in range(n)]
for layer in layers:
    torch.nn.init.orthogonal_(layer[0].weight)
model = torch.nn.Sequential(*layers)
x = torch.randn(batch, width, requires_grad=True)

def status(name):
    return next(int(line.split()[1]) * 1024 for line in open("/proc/self/status") if line.startswith(name))

def run():
    model.zero_grad(set_to_none=False)
    out = checkpoint_sequential(model, segments, x, use_reentrant=False) if segments else model(x)
    out.square().sum().backward()

import time
run(); run()
ctypes.CDLL(None).malloc_trim(0)  # what is free goes back to the system, so that its next use is seen
open("/proc/self/clear_refs", "w").write("5")
before = status("VmRSS")
run()
held, times = status("VmHWM") - before, []
for _ in range(5):
    began = time.perf_counter()
    run()
    times.append(time.perf_counter() - began)
print(json.dumps({"bytes": held, "seconds": sorted(times)[2]}))
"""


RETURNING = {"MALLOC_MMAP_THRESHOLD_": "65536", "MALLOC_TRIM_THRESHOLD_": "65536"}  # glibc keeps no reserve


def torch_checkpoint() -> dict[str, Any] | None:
    """PyTorch's checkpoint_sequential and its plain backward pass on such a network, by segments.

    Bytes and seconds are of separate runs: for the bytes, the allocator returns what is freed at once.
    """
    if subprocess.run([sys.executable, "-c", "import torch"], capture_output=True, check=False).returncode:
        print("    PyTorch is not installed")
        return None
    n, width, batch, rows = 100, 256, 4096, []
    for segments in (0, 2, 5, 10, 20):
        command = [sys.executable, "-c", TORCH, *map(str, (n, width, batch, segments))]
        frugal, usual = (
            json.loads(subprocess.check_output(command, env=os.environ | settings, text=True))
            for settings in (RETURNING, {})
        )
        rows.append({"segments": segments, "bytes": frugal["bytes"], "seconds": usual["seconds"]})
        print(f"    {segments or 'no'} segments: {rows[-1]['bytes']:,} bytes, {rows[-1]['seconds']:.3f} s")
    net = network(n, width)
    x = np.random.default_rng(0).standard_normal((width, batch)).astype(np.float32)
    ours = []
    for name, schedule in {
        "plain": None,
        "triangular": schedules.triangular(n),
        "binomial": schedules.binomial(n, 8),
    }.items():
        run = runner(net, x, schedule)
        with kernel_arithmetic():
            run()
            seconds = median(timed(run) for _ in range(5))
            ours.append({"planner": name, "seconds": seconds, "bytes": measure(run)})
    return {"n": n, "width": width, "batch": batch, "state": x.nbytes, "torch": rows, "ours": ours}
