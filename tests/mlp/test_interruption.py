"""Ctrl-C: training and the commands end cleanly, and what is finished is kept."""

import hashlib
import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import mlp
from mlp import Network, training

ROOT = Path(mlp.__file__).parents[1]
RNG = np.random.default_rng(0)
X = RNG.random((6, 40))
Y = mlp.data.one_hot(RNG.integers(0, 3, 40), 3, np.float64)
SETTINGS: dict[str, Any] = {
    "batch_size": 10,
    "optimizer": "adam",
    "dropout": 0.2,
    "l2": 0.01,
    "validation": (X, Y),
}


def begun(epochs: int) -> training.Run:
    """A run of six epochs, after so many."""
    net = Network.initialize([6, 5, 3], dtype=np.float64)
    run = mlp.train(net, X, Y, epochs=6, **SETTINGS)
    for _ in range(epochs):
        next(run)
    return run


def resting(run: training.Run) -> Any:
    """All that changes in a run."""
    state = run.state()
    return run.epoch, run.steps, state.parameters.tobytes(), state.moments.tobytes(), state.generator


def interrupting(line: int, seen: list[str]) -> Callable[..., Any]:
    """A tracer that is Ctrl-C at the `line`-th line of the package; `seen` gets the lines' functions."""

    def trace(frame: Any, event: str, _: Any) -> Any:
        if "mlp" not in Path(frame.f_code.co_filename).parts or frame.f_code.co_name == "restore":
            return None
        if event == "line":
            seen.append(frame.f_code.co_name)
            if len(seen) == line:
                raise KeyboardInterrupt
        return trace

    return trace


def traced(run: training.Run, line: int) -> list[str]:
    """Ask for an epoch, with Ctrl-C at a line; the functions in which the lines stand."""
    seen: list[str] = []
    before = sys.gettrace()
    sys.settrace(interrupting(line, seen))
    try:
        with np.errstate():  # between the end of a block and its exit even `with` is no help
            next(run)
    finally:
        sys.settrace(before)
    return seen


@pytest.mark.parametrize("every", [97, pytest.param(1, marks=pytest.mark.slow)])
def test_ctrl_c_at_any_line_of_an_epoch(every: int) -> None:
    """The epoch has happened or has not, as its count says; and what follows is as if nothing had been.

    Always at the lines around the steps, where the epoch is counted, and at some of the others.
    """
    borders = [resting(begun(k)) for k in range(7)]
    lines, kept = traced(begun(2), line=0), set()
    around = ("__next__", "clear", "write")
    for line in (k for k, name in enumerate(lines, 1) if name in around or k % every == 0):
        run = begun(2)
        with pytest.raises(KeyboardInterrupt):
            traced(run, line)
        kept.add(run.epoch)
        assert resting(run) == borders[run.epoch], f"line {line} of {len(lines)}"
        for _ in run:
            pass
        assert resting(run) == borders[6]
    assert len(lines) > 300 and kept == {2, 3}


def pressed() -> None:
    raise KeyboardInterrupt


@pytest.mark.parametrize("presses", [1, 3])
def test_ctrl_c_again_while_all_is_put_back(presses: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Pressed again before any line of `restore`, and before the same line of the next tries."""
    border, then, measuring = resting(begun(2)), resting(begun(3)), sys.gettrace()
    restore, struck, line = training.Run.restore, list[int](), 0

    def impatient(run: training.Run, state: training.State) -> None:
        """`restore`, with Ctrl-C before a line of it, as long as it is pressed."""
        left = [line if len(struck) < presses else 0]

        def trace(frame: Any, event: str, _: Any) -> Any:
            left[0] -= event == "line"
            if event == "line" and left[0] == 0:
                struck.append(line)
                raise KeyboardInterrupt
            return trace

        sys.settrace(lambda frame, event, _: trace if frame.f_code is restore.__code__ else None)
        try:
            restore(run, state)
        finally:
            sys.settrace(measuring)

    monkeypatch.setattr(training.Run, "restore", impatient)
    while len(struck) == presses or line == 0:
        line, run = line + 1, begun(2)
        struck.clear()
        monkeypatch.setattr(run.progress, "tick", pressed)
        with pytest.raises(KeyboardInterrupt):
            next(run)
        assert resting(run) == border, f"line {line}"
        monkeypatch.setattr(run.progress, "tick", lambda: None)
        next(run)
        assert resting(run) == then
    assert line == 6 and not struck  # there is no sixth line


# ---------------------------------------------------------------- in processes of their own


LISTENS = "import signal; signal.signal(signal.SIGINT, signal.default_int_handler)\n"
"""What a shell starts in the background does not hear Ctrl-C, nor do its children."""


def child(program: str, *arguments: str) -> subprocess.Popen[str]:
    """A Python process that runs `program`, as a terminal would start it: the leader of a group."""
    return subprocess.Popen(
        [sys.executable, "-c", LISTENS + program, *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": f"{ROOT}{os.pathsep}{ROOT / 'docs'}"},
        start_new_session=True,
    )


def interrupted(process: subprocess.Popen[str], ready: str, lines: int = 1) -> tuple[int, list[str]]:
    """Press Ctrl-C after so many lines that begin with `ready`; the status, and all that was printed."""
    assert process.stdout is not None and process.stderr is not None
    printed: list[str] = []
    late = threading.Timer(60, os.killpg, (process.pid, signal.SIGKILL))
    late.start()
    try:
        while sum(line.startswith(ready) for line in printed) < lines:
            printed.append(process.stdout.readline())
            assert printed[-1], process.stderr.read()
        os.killpg(process.pid, signal.SIGINT)
        printed += process.stdout.readlines()
        error = process.stderr.read()
        assert "Traceback" not in error and "Error" not in error, error
        return process.wait(), [line.rstrip("\n") for line in printed]
    finally:  # a test that fails leaves nothing behind that trains for a million epochs
        late.cancel()
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
        process.communicate()


COMMAND = """
import json, runpy, sys
import mlp.data
folder, known = sys.argv[1:]
mlp.data.MNIST = {name: (tuple(shape), digest) for name, (shape, digest) in json.loads(known).items()}
sys.argv = ["mlp", folder, "--epochs", "1000000", "--hidden", "40", "40"]
runpy.run_module("mlp", run_name="__main__")
"""


@pytest.fixture
def invented(tmp_path: Path) -> str:
    """Four files in place of MNIST's, and what the package is to know of them."""
    known = {}
    for part, count in (("train", 300), ("t10k", 20)):
        for kind, shape in (("images-idx3", (count, 28, 28)), ("labels-idx1", (count,))):
            sizes = b"".join(size.to_bytes(4, "big") for size in shape)
            entries = RNG.integers(0, 10, shape, dtype=np.uint8).tobytes()
            content = b"\0\0\x08" + bytes([len(shape)]) + sizes + entries
            (tmp_path / f"{part}-{kind}-ubyte").write_bytes(content)
            known[f"{part}-{kind}-ubyte"] = shape, hashlib.sha256(content).hexdigest()
    return json.dumps(known)


@pytest.mark.parametrize("epochs", [3, *(pytest.param(n, marks=pytest.mark.slow) for n in (1, 2, 5, 20, 50))])
def test_ctrl_c_in_the_command(epochs: int, invented: str, tmp_path: Path) -> None:
    status, lines = interrupted(child(COMMAND, str(tmp_path), invented), "epoch", epochs)
    told = [line for line in lines if line.startswith("epoch")]
    finished = int(lines[-1].removeprefix("stopped; ").removesuffix(" of 1000000 epochs are finished"))
    assert status == 130 and len(told) <= finished <= len(told) + 1 and len(told) >= epochs


TRAIN = """
import sys
import numpy as np
import mlp
path, data = sys.argv[1:]
with np.load(data) as stored:
    x, y = stored["x"], stored["y"]
net = mlp.Network.initialize([6, 5, 3], dtype=np.float64)
settings = {"batch_size": 10, "optimizer": "adam", "dropout": 0.2, "l2": 0.01, "validation": (x, y)}
run = mlp.train(net, x, y, epochs=10**6, **settings)
try:
    for record in run:
        print("epoch", record.epoch, flush=True)
except KeyboardInterrupt:
    mlp.save(net, path, training=run)
    print("\\nkept", run.epoch)
"""


@pytest.mark.parametrize(
    "epochs", [2, *(pytest.param(n, marks=pytest.mark.slow) for n in (1, 3, 7, 31, 100))]
)
def test_ctrl_c_in_training_keeps_the_finished_epochs(epochs: int, tmp_path: Path) -> None:
    """What is saved then is the network of the finished epochs, to the bit, and training goes on from it."""
    np.savez(tmp_path / "data.npz", x=X, y=Y)
    path = tmp_path / "net"
    status, lines = interrupted(child(TRAIN, str(path), str(tmp_path / "data.npz")), "epoch", epochs)
    done = int(lines[-1].removeprefix("kept "))
    assert status == 0 and done >= epochs
    twin = Network.initialize([6, 5, 3], dtype=np.float64)
    run = mlp.train(twin, X, Y, epochs=done + 2, **SETTINGS)
    for _ in range(done):
        next(run)
    net = mlp.load(path)
    assert np.array_equal(net.parameters, twin.parameters)
    rest = [record.loss for record in mlp.train(net, X, Y, epochs=done + 2, resume=path, **SETTINGS)]
    assert rest == [record.loss for record in run] and len(rest) == 2


BENCH = """
import importlib.util, pathlib, sys
folder, *parts = sys.argv[1:]
spec = importlib.util.spec_from_file_location("bench", "docs/bench/__main__.py")
bench = importlib.util.module_from_spec(spec)
spec.loader.exec_module(bench)

def endless():
    import mlp
    x = mlp.data.digits().x_train
    net = mlp.Network.initialize([64, 30, 64], loss="squared_error")
    for record in mlp.train(net, x, x, epochs=10**9):
        print("working", flush=True)

bench.RESULTS = pathlib.Path(folder)
bench.PARTS = {"quick": lambda: {"number": 1}, "endless": endless, "step": bench.PARTS["step"]}
sys.argv = ["docs/bench", *parts]
sys.exit(bench.main())
"""


@pytest.mark.parametrize(
    ("part", "ready"), [("endless", "working"), pytest.param("step", "[2/3] step", marks=pytest.mark.slow)]
)
def test_ctrl_c_in_the_benchmark(part: str, ready: str, tmp_path: Path) -> None:
    """A part that is finished has its file; the one that was interrupted has none, and no part follows."""
    status, lines = interrupted(child(BENCH, str(tmp_path), "quick", part, "quick"), ready)
    assert status == 130 and lines[-1].startswith(f"Stopped in {part}; what was finished before is kept in ")
    assert [path.name for path in tmp_path.iterdir()] == ["quick.json"]
    assert json.loads((tmp_path / "quick.json").read_text())["number"] == 1


PLANNING = """
import runpy, sys
sys.argv = ["mlp.memory", *(str(60 + k * 37 % 41) for k in range(250)), "--batch", "64", "--budget", "12MB"]
runpy.run_module("mlp.memory", run_name="__main__")
"""


@pytest.mark.slow
def test_ctrl_c_in_planning() -> None:
    status, lines = interrupted(child(PLANNING), "bytes; in everything")
    assert status == 130 and not any(line.startswith("Within") for line in lines)
