"""The memory of a network: bytes against evaluations, and the schedule for a budget."""

import argparse
import sys
from itertools import pairwise

import numpy as np

from mlp import activations, losses, schedules, validation
from mlp.memory import Bytes, predict, simulate
from mlp.network import Network
from mlp.schedules import Schedule


def main(arguments: list[str]) -> int:
    """Print the table for the network that the arguments describe.

    Returns 0, or 1 if no schedule fits the budget, 2 for a mistake in the arguments, 130 after Ctrl-C.
    """
    given = parser().parse_args(arguments)
    try:
        net = shape(given.widths, given.hidden, given.dtype)
        budget = None if given.budget is None else validation.byte_count("--budget", given.budget)
        batch = validation.positive_integer("--batch", given.batch)
        print(table(net, batch, validation.counter("--moments", given.moments), budget), flush=True)
        return 0 if budget is None else recommend(net, batch, given.moments, budget)
    except (TypeError, ValueError) as error:
        print(error, file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("stopped", file=sys.stderr)
        return 130


def parser() -> argparse.ArgumentParser:
    """What the command understands."""
    reader = argparse.ArgumentParser(prog="python -m mlp.memory", description=__doc__)
    reader.add_argument("widths", type=int, nargs="+", help="d_0, ..., d_n, for example 784 1000 1000 10")
    reader.add_argument("--batch", type=int, required=True, help="columns of a batch")
    reader.add_argument("--budget", help="bytes for everything: 64MB (of 10^6 bytes), 64MiB (of 2^20)")
    reader.add_argument("--hidden", default="sigmoid", help="the activation; sigmoid if left out")
    reader.add_argument("--dtype", default="float32", choices=["float32", "float64"])
    reader.add_argument("--moments", type=int, default=0, help="arrays of the optimiser: momentum 1, Adam 2")
    return reader


def shape(widths: list[int], hidden: str, dtype: str) -> Network:
    """A network of these widths with all parameters zero: one zero, seen as many."""
    sizes = validation.layer_sizes(widths)
    count = sum(d * below + d for below, d in pairwise(sizes))
    phi = validation.choice("--hidden", hidden, activations.by_name)
    validation.addressable("widths", count * np.dtype(dtype).itemsize)
    zeros = np.broadcast_to(np.zeros(1, dtype), count)
    return Network(sizes, phi, losses.by_name["cross_entropy"], zeros)


def table(net: Network, batch: int, moments: int, budget: int | None) -> str:
    """A row for the plain loop and each planner: what it computes and holds, and if that is too much."""
    rows = [f"{'schedule':<20}{'evaluations':>12}{'states':>8}{'states and adjoints':>21}{'everything':>16}"]
    for name, schedule in [("plain loop", None), *planned(net.depth).items()]:
        held = predict(net, batch, schedule, moments=moments)
        mark = "  too much" if budget is not None and held.total > budget else ""
        rows.append(row(name, schedule or schedules.store_all(net.depth), held) + mark)
    fixed = predict(net, batch, None, moments=moments)
    parts = [
        f"{name} {value:,}" for name, value in fixed._asdict().items() if name not in ("states", "adjoints")
    ]
    return "\n".join([*rows, "bytes; in everything: " + ", ".join(parts)])


def planned(n: int) -> dict[str, Schedule]:
    """The planners' schedules for n layers, binomial ones for a few numbers of slots."""
    slots = sorted({s for s in (1, 2, 3, 4, 6, 8, 12, 16, 24, 32) if s < n})
    return {
        "uniform": schedules.uniform(n),
        "triangular": schedules.triangular(n),
        "bisection": schedules.bisection(n),
        **{f"binomial, {s} slots": schedules.binomial(n, s) for s in slots},
    }


def row(name: str, schedule: Schedule, held: Bytes) -> str:
    """A line of the table."""
    ledger = simulate(schedule)
    counts = f"{ledger.evaluations:>12,}{ledger.peak_states:>8,}"
    return f"{name:<20}{counts}{held.states + held.adjoints:>21,}{held.total:>16,}"


def recommend(net: Network, batch: int, moments: int, budget: int) -> int:
    """Print the cheapest schedule that fits; if none does, say so, and print the one that holds least: 1."""
    try:
        plan, fits = schedules.for_budget(net, batch, budget=budget, moments=moments), True
    except schedules.OverBudget as error:
        print(f"\n{error}")
        budget, fits = error.least, False
        plan = schedules.for_budget(net, batch, budget=budget, moments=moments)
    evaluations = simulate(plan.schedule).evaluations
    print(f"\nWithin {budget:,} bytes: {evaluations:,} evaluations, {plan.bytes:,} bytes at the peak")
    print(f"(the cheapest persistent schedule, sizes in units of {plan.unit:,} bytes):")
    print(schedules.picture(plan.schedule) if net.depth <= 24 else f"{len(plan.schedule)} actions")
    return 0 if fits else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
