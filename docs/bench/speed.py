"""How fast a training step is: against its products alone, PyTorch, scikit-learn; and what was learned."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from statistics import median
from time import perf_counter
from typing import Any

import numpy as np

import mlp
from mlp.arrays import Array, kernel_arithmetic
from mlp.optimizers import descend

STEPS = [
    ([784, 30, 10], 10),
    ([784, 30, 10], 100),
    ([784, 128, 10], 64),
    ([784, 500, 300, 10], 128),
    ([784, 1024, 1024, 10], 256),
    ([64] * 34, 64),
]
PAIRS = 15


def seconds(f: Callable[[Array], Any], chosen: Array) -> float:
    """The time of a call for each row of `chosen`, all together."""
    began = perf_counter()
    for numbers in chosen:
        f(numbers)
    return perf_counter() - began


def ratio(f: Callable[[Array], Any], g: Callable[[Array], Any], chosen: Array) -> tuple[float, float]:
    """The median of f's time over g's in interleaved pairs, and the median time of g."""
    seconds(f, chosen), seconds(g, chosen)
    pairs = [(seconds(f, chosen), seconds(g, chosen)) for _ in range(PAIRS)]
    return median(a / b for a, b in pairs), median(b for _, b in pairs) / len(chosen)


class Problem:
    """A network with random data, one step of `train`, and the matrix products of that step alone."""

    def __init__(self, sizes: list[int], batch: int) -> None:
        rng = np.random.default_rng(0)
        self.sizes, self.batch, self.examples = sizes, batch, 8000
        self.x = rng.random((sizes[0], self.examples), np.float32)
        self.labels = rng.integers(0, sizes[-1], self.examples)
        y = mlp.data.one_hot(self.labels, sizes[-1])
        self.net = mlp.Network.initialize(sizes)
        self.run = mlp.train(self.net, self.x, y, epochs=1, batch_size=batch, learning_rate=0.01)
        self.states = [np.ones((d, batch), np.float32) for d in sizes]
        self.states[0] = np.ascontiguousarray(self.x[:, :batch].T).T
        self.adjoints = [np.full((d, batch), 1e-3, np.float32) for d in sizes]
        self.weights = self.net.weights  # cut out of the vector once, as a run does
        self.nabla = [np.empty_like(w) for w in self.weights]
        work = sum(w.size for w in self.weights) * batch * 6
        count = int(np.clip(2e9 / work, 5, 400))
        self.chosen = rng.integers(0, self.examples, (count, batch))

    def floor(self, _: Any = None) -> None:
        """The products of a step: W X forward, Delta X^T and W^T Delta backward."""
        x, delta = self.states, self.adjoints
        for k, w in enumerate(self.weights):
            np.dot(w, x[k], out=x[k + 1])
        for k in reversed(range(len(self.nabla))):
            np.dot(delta[k + 1], x[k].T, out=self.nabla[k])
            if k:
                np.dot(self.weights[k].T, delta[k + 1], out=delta[k])

    def gather(self, numbers: Array) -> None:
        """A step's own gathering of its examples."""
        x, y, _ = self.run.batches[self.batch]
        self.run.x.take(numbers, axis=0, out=x, mode="clip")
        self.run.y.take(numbers, axis=1, out=y, mode="clip")

    def update(self, _: Any = None) -> None:
        """A step's own update."""
        gradient = self.run.gradient.vector
        descend(self.net.parameters, gradient, 0.0, out=gradient)

    def calls(self) -> list[tuple[Callable[..., Any], tuple[Any, ...]]]:
        """Every call of NumPy that a step makes once it has gathered, with its arguments."""
        x, y, buffers = self.run.batches[self.batch]
        gradient, parameters = self.run.gradient, self.net.parameters
        states, deltas = [x.T, *buffers.states, buffers.deltas[-1]], buffers.deltas
        n, z, sums, one = len(self.weights), deltas[-1], np.empty(self.batch, np.float32), np.float32(1)
        found: list[tuple[Callable[..., Any], tuple[Any, ...]]] = []
        for k, (w, b) in enumerate(zip(self.weights, self.net.biases, strict=True)):
            out = states[k + 1]
            found += [(np.dot, (w, states[k], out)), (np.add, (out, b, out))]
            if k < n - 1:
                found += [(np.negative, (out, out)), (np.exp, (out, out))]
                found += [(np.add, (out, one, out)), (np.reciprocal, (out, out))]
        found += [(np.maximum.reduce, (z, 0, None, sums)), (np.subtract, (z, sums, z))]
        found += [(np.dot, (y.ravel(), z.ravel())), (np.exp, (z, z)), (np.add.reduce, (z, 0, None, sums))]
        found += [(np.divide, (z, sums, z)), (np.subtract, (z, y, z)), (np.divide, (z, self.batch, z))]
        found += [(np.log, (sums, sums)), (np.add.reduce, (sums,))]
        for k in reversed(range(n)):
            delta, state = deltas[k + 1], states[k]
            found += [(np.dot, (delta, state.T, gradient.nabla_w[k]))]
            found += [(np.dot, (delta, buffers.ones, gradient.nabla_b[k]))]
            if k:
                out = deltas[k]
                found += [(np.dot, (self.weights[k].T, delta, out)), (np.multiply, (out, state, out))]
                found += [(np.subtract, (one, state, state)), (np.multiply, (out, state, out))]
        vector = gradient.vector
        found += [(np.multiply, (vector, self.run.learning_rate, vector))]
        return [*found, (np.subtract, (parameters, vector, parameters))]

    def bare(self) -> Callable[[Array], None]:
        """A step that is nothing but those calls, one after the other; it ends in the bits of `train`."""
        calls, chosen, before = self.calls(), self.chosen[0], self.net.parameters.copy()

        def run(numbers: Array) -> None:
            self.gather(numbers)
            for call, arguments in calls:
                call(*arguments)

        ends = []
        for step in (run, self.run.step):
            self.net.parameters[...] = before
            step(chosen)
            ends.append(self.net.parameters.tobytes())
        assert ends[0] == ends[1] != before.tobytes()
        return run


def step() -> dict[str, Any]:
    """Every network of STEPS, with both kinds of kernels where the processor has them."""
    kinds = {"own": {}, "AVX2": {"OPENBLAS_CORETYPE": "Haswell"}}
    found: dict[str, Any] = {}
    for name, settings in kinds.items():
        ran = subprocess.run(
            [sys.executable, __file__],
            env=os.environ | settings,
            stdout=subprocess.PIPE,
            text=True,
            check=True,
            start_new_session=True,  # Ctrl-C reaches this process alone, which ends the other
        )
        found[name] = [dict(zip(FIELDS, line.split("\t"), strict=True)) for line in ran.stdout.splitlines()]
        for row in found[name]:
            row.update({key: float(value) for key, value in row.items() if key != "sizes"})
            print(f"    {name:<5} {row['sizes']:<22} batch {row['batch']:4.0f}: {row['ratio']:.2f} times")
    return {"kernels": found}


FIELDS = ["sizes", "batch", "ratio", "floor_us", "gather", "update", "bare"]


def one(sizes: list[int], batch: int) -> list[Any]:
    """A network's row: its ratio, the floor, gathering, the update and the bare calls."""
    problem = Problem(sizes, batch)
    with kernel_arithmetic():
        found, floor = ratio(problem.run.step, problem.floor, problem.chosen)
        gather, _ = ratio(problem.gather, problem.floor, problem.chosen)
        update, _ = ratio(problem.update, problem.floor, problem.chosen)
        bare, _ = ratio(problem.bare(), problem.floor, problem.chosen)
    return [found, floor * 1e6, gather, update, bare]


def pytorch() -> dict[str, Any] | None:
    """PyTorch's time of a step over ours: a process each, so that neither's threads disturb the other's."""
    if importlib.util.find_spec("torch") is None:
        print("    PyTorch is not installed")
        return None
    rows = []
    for number, (sizes, batch) in enumerate(STEPS):
        with stopwatch("mlp", number) as ours, stopwatch("torch", number) as theirs:
            pairs = [(theirs(), ours()) for _ in range(PAIRS + 1)][1:]  # the first is to warm up
        found = median(a / b for a, b in pairs)
        rows.append({"sizes": shown(sizes), "batch": batch, "ratio": found})
        print(f"    {rows[-1]['sizes']:<22} batch {batch:4}: {found:.2f} times")
    return {"rows": rows}


@contextmanager
def stopwatch(program: str, number: int) -> Iterator[Callable[[], float]]:
    """What lets a process take the steps of a problem, in "mlp" or "torch", and tells the seconds."""
    command = [sys.executable, __file__, program, str(number)]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    with subprocess.Popen(command, text=True, start_new_session=True, **pipes) as process:  # as in `step`

        def once() -> float:
            assert process.stdin and process.stdout
            print(file=process.stdin, flush=True)
            return float(process.stdout.readline())

        try:
            yield once
        finally:
            process.kill()  # it waits for the next line, or nobody waits for it any more


def torch_step(problem: Problem) -> Callable[[Array], None]:
    """The same step in PyTorch, eager: Linear, Sigmoid, CrossEntropyLoss, SGD, gathering by index."""
    import torch  # noqa: PLC0415

    torch.set_num_threads(os.cpu_count() or 1)
    layers: list[Any] = []
    for below, d in zip(problem.sizes, problem.sizes[1:], strict=False):
        layers += [torch.nn.Linear(below, d), torch.nn.Sigmoid()]
    model, loss = torch.nn.Sequential(*layers[:-1]), torch.nn.CrossEntropyLoss()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
    x, labels = torch.from_numpy(np.ascontiguousarray(problem.x.T)), torch.from_numpy(problem.labels)

    def run(numbers: Array) -> None:
        chosen = torch.from_numpy(numbers)
        optimizer.zero_grad()
        loss(model(x[chosen]), labels[chosen]).backward()
        optimizer.step()

    return run


def products() -> dict[str, Any]:
    """The rate of large products with the kernels that OpenBLAS picks and with others."""
    program = (
        "import numpy as np, time\n"
        "a = np.ones((1024, 1024), np.float32); b = a.copy(); c = a.copy()\n"
        "np.dot(a, b, out=c); best = 9\n"
        "for _ in range(30):\n"
        "    t = time.perf_counter(); np.dot(a, b, out=c); best = min(best, time.perf_counter() - t)\n"
        "print(2 * 1024**3 / best / 1e9)\n"
    )
    rates = {}
    for name in ("own", "Haswell", "SkylakeX"):
        settings = {} if name == "own" else {"OPENBLAS_CORETYPE": name}
        ran = subprocess.run(
            [sys.executable, "-c", program],
            env=os.environ | settings,
            capture_output=True,
            text=True,
            check=False,
        )
        if ran.returncode == 0:
            rates[name] = float(ran.stdout)
            print(f"    {name:<9} {rates[name]:.0f} GFLOP/s")
    return {"gflops": rates}


def epoch() -> dict[str, Any] | None:
    """Ten epochs of the origin's task, [784, 30, 10] in batches of 100, against scikit-learn's."""
    try:
        from sklearn.neural_network import MLPClassifier  # noqa: PLC0415
    except ImportError:
        print("    scikit-learn is not installed")
        return None
    problem, epochs = Problem([784, 30, 10], 100), 10
    rows, y = np.ascontiguousarray(problem.x.T), mlp.data.one_hot(problem.labels, 10)
    settings = {
        "hidden_layer_sizes": (30,),
        "activation": "logistic",
        "solver": "sgd",
        "alpha": 0.0,
        "momentum": 0.0,
        "batch_size": 100,
        "learning_rate_init": 0.5,
        "max_iter": epochs,
        "n_iter_no_change": epochs,
        "random_state": 0,
    }

    def theirs(_: Any) -> None:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # that it has not converged is what was asked for
            MLPClassifier(**settings).fit(rows, problem.labels)

    def ours(_: Any) -> None:
        for _ in mlp.train(problem.net, rows.T, y, epochs=epochs, batch_size=100, learning_rate=0.5):
            pass

    found, mine = ratio(theirs, ours, np.arange(1))
    print(f"    scikit-learn takes {found:.2f} times as long")
    return {"sklearn": found, "seconds": mine / epochs, "examples": problem.examples}


def lessons() -> dict[str, Any]:
    """What makes a step of NumPy slow or fast: ways to do the same, each as a ratio to the best."""
    rng = np.random.default_rng(0)
    rows, columns = (rng.random(shape, np.float32) for shape in ((8000, 784), (784, 8000)))
    out, chosen = np.empty((100, 784), np.float32), rng.integers(0, 8000, (200, 100))
    upright = np.empty((784, 100), np.float32)
    w, x, z = (
        rng.random((30, 784), np.float32),
        rng.random((784, 100), np.float32),
        np.empty((30, 100), np.float32),
    )
    b, ones = rng.random((30, 1), np.float32), np.ones((100, 1), np.float32)
    nabla_b, wide = np.empty((30, 1), np.float32), rng.random((1024, 1024), np.float32)
    ways: dict[str, tuple[str, Callable[[Array], Any], str, Callable[[Array], Any]]] = {
        "gathering columns instead of rows": (
            "columns",
            lambda n: columns.take(n, axis=1, out=upright, mode="clip"),
            "rows",
            lambda n: rows.take(n, axis=0, out=out, mode="clip"),
        ),
        "take that checks its indices": (
            "take(out=)",
            lambda n: rows.take(n, axis=0, out=out),
            "take(out=, mode='clip')",
            lambda n: rows.take(n, axis=0, out=out, mode="clip"),
        ),
        "a product into a new array": (
            "w @ x",
            lambda n: w @ x,
            "np.dot(w, x, out=z)",
            lambda n: np.dot(w, x, out=z),
        ),
        "the bias gradient as a sum": (
            "sum(axis=1)",
            lambda n: z.sum(axis=1, keepdims=True, out=nabla_b),
            "product with ones",
            lambda n: np.dot(z, ones, out=nabla_b),
        ),
        "a sigmoid with temporaries": (
            "1 / (1 + exp(-z))",
            lambda n: 1 / (1 + np.exp(-wide)),
            "four passes in place",
            lambda n: sigmoid(wide),
        ),
        "ufunc buffers of 8192": (
            "8192",
            lambda n: buffered(8192, z, b),
            "512",
            lambda n: buffered(512, z, b),
        ),
    }
    found = {}
    for name, (slow, f, fast, g) in ways.items():
        with kernel_arithmetic():
            times = chosen[:10] if "temporaries" in name else chosen
            found[name] = {"slow": slow, "fast": fast, "ratio": ratio(f, g, times)[0]}
        print(f"    {name}: {found[name]['ratio']:.2f}")
    return {"ways": found}


def sigmoid(z: Array) -> None:
    """In place, as the package does it."""
    mlp.activations.by_name["sigmoid"].value(z, z)


def buffered(size: int, z: Array, b: Array) -> None:
    """Add a bias with ufunc buffers of this size."""
    np.setbufsize(size)
    np.add(z, b, out=z)


def shown(sizes: list[int]) -> str:
    """The sizes in a few characters."""
    return str(sizes) if len(set(sizes)) > 1 else f"{len(sizes) - 1} layers of {sizes[0]}"


def serve(program: str, number: int) -> None:
    """For each line that comes, take a problem's steps and print the seconds: see `stopwatch`."""
    problem = Problem(*STEPS[number])
    with kernel_arithmetic():
        f = torch_step(problem) if program == "torch" else problem.run.step
        for _ in sys.stdin:
            print(seconds(f, problem.chosen), flush=True)


if __name__ == "__main__":
    if sys.argv[1:]:
        serve(sys.argv[1], int(sys.argv[2]))
    else:
        for sizes, batch in STEPS:
            print("\t".join(map(str, [shown(sizes), batch, *one(sizes, batch)])), flush=True)
