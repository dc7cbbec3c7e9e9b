# ruff: noqa: E501 (the table)
"""Bad input: every public function and both commands, what they answer, and that nothing has changed.

The table has a row for each case: the public name that is called and what is wrong with the call; the call, given
a world of things that it could change; the type of the error; and words that must stand in the four parts of its
message: what is wrong, what was expected, what came, and what to do. The call must pass through the function that
the row names. After every row the whole world is as it was: parameters, moments, arrays, random states, files,
NumPy's own settings, and the tables of names.
"""

import gzip
import importlib
import inspect
import os
import pickle
import pkgutil
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import replace
from fractions import Fraction
from io import StringIO
from pathlib import Path
from types import ModuleType
from typing import Any
from unittest.mock import patch

import numpy as np
import pytest

import mlp
from mlp import Dropout, Network, checks, curvature, data, files, losses, memory, schedules, validation
from mlp.command import main
from mlp.memory.__main__ import main as memory_main
from mlp.optimizers import Adam, Nesterov
from mlp.schedules import Advance, Drop, Reverse

X, Y = np.linspace(0, 1, 12, dtype=np.float32).reshape(3, 4), np.eye(2, dtype=np.float32)[:, [0, 1, 0, 1]]
V, SQUARE = np.linspace(-1, 1, 26, dtype=np.float32), np.eye(2)
ROOT = Path(mlp.__file__).parents[1]


class World:
    """Whatever a call gets hold of, and could change."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.x, self.y, self.v, self.z = folder, X.copy(), Y.copy(), V.copy(), X.astype(float)
        self.net, self.rng, self.schedule = (
            Network.initialize([3, 4, 2]),
            np.random.default_rng(5),
            schedules.binomial(2, 1),
        )
        self.run = mlp.train(self.net, self.x, self.y, epochs=3, optimizer="adam", rng=self.rng)
        next(self.run)
        mlp.save(self.net, folder / "net", training=self.run)
        good = (folder / "net").read_bytes()
        (folder / "alone").mkdir()
        mlp.save(self.net, folder / "alone" / "net")
        os.mkfifo(folder / "pipe")
        (folder / "loop").symlink_to(folder / "loop")
        contents = {
            "cut": good[:-30],
            "tampered": good.replace(b"Adam", b"mdam").replace(b"sigmoid", b"softsig"),
            "pickled": pickle.dumps({"parameters": 1}),
            "labels": b"\0\0\x08\x01\0\0\0\x02\x05\x07",
            "image.png": b"\x89PNG\r\n\x1a\n",
            "labels.gz": b"no gzip",
            "bomb.gz": gzip.compress(b"\0\0\x08\x01\0\0\0\x02" + bytes(10**6)),
        }
        for name, content in contents.items():
            (folder / name).write_bytes(content)

    def path(self, name: str = "net") -> str:
        return str(self.folder / name)

    def resting(self) -> Any:
        """All of it, as something that can be compared."""
        state = self.run.state()
        arrays = self.net.parameters, state.moments, self.run.gradient.vector, self.x, self.y, self.v, self.z
        paths = sorted(self.folder.rglob("*"))
        names = mlp.activations.by_name, losses.by_name, mlp.optimizers.by_name, data.MNIST
        return (
            [array.tobytes() for array in arrays],
            [path.read_bytes() if path.is_file() else None for path in paths],
            [str(path) for path in paths],
            (self.run.epoch, self.run.steps, self.run.learning_rate, state.generator),
            (self.rng.bit_generator.state, str(np.random.get_state(legacy=False))),
            (np.geterr(), np.getbufsize(), os.getcwd(), [dict(table) for table in names]),
        )  # fmt: skip


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> World:
    return World(tmp_path_factory.mktemp("world"))


# ---------------------------------------------------------------- what goes wrong in the rows


class Returns:
    name, needs = "returns", "input"

    def value(self, z: Any, out: Any) -> Any:
        return np.sin(z)

    def multiply_derivative(self, delta: Any, z: Any) -> None:
        delta *= np.cos(z)


class Destroys(Returns):
    name = "destroys"

    def value(self, z: Any, out: Any) -> None:
        np.sin(z, out=z)
        out[...] = z


class Forgetful(Returns):
    name = "forgetful"

    def value(self, z: Any, out: Any) -> None:
        np.tanh(z, out=out)
        out *= z


class Noisy(Returns):
    name = "noisy"

    def value(self, z: Any, out: Any) -> None:
        np.add(z, np.random.default_rng().standard_normal(z.shape), out=out)


class Idle(mlp.activations.Softsign):
    name = "idle"

    def multiply_derivative(self, delta: Any, x: Any, rest: Any) -> Any:
        return delta * (1 - abs(x)) ** 2


class Needless(Returns):
    name, needs = "needless", "nothing"


class Nameless:
    needs = "input"


class Numbered(mlp.activations.Tanh):
    name = 5  # type: ignore[assignment]


class Pretender(mlp.activations.Tanh):
    name = "relu"


class Greedy(mlp.activations.Tanh):
    name, workspace = "greedy", -1


class Own(losses.SquaredError):
    name = "own"


class Plain:
    """An activation without a second derivative."""

    name, needs = "plain", "output"

    def value(self, z: Any, out: Any) -> None:
        np.tanh(z, out=out)

    def multiply_derivative(self, delta: Any, x: Any) -> None:
        delta *= 1 - x * x


class Exit(Exception):
    """A command that ended with status 2, and what it wrote to stderr."""


def command(*arguments: str) -> None:
    """`python -m mlp`, with invented images where the folder is called `invented`."""
    x = np.zeros((784, 4), np.float32)
    invented = data.Examples(x, np.arange(4), x, np.arange(4), "invented")
    read = (lambda folder: invented) if "invented" in arguments else data.mnist
    with (
        patch("mlp.command.mnist", read),
        redirect_stderr(StringIO()) as said,
        redirect_stdout(StringIO()) as out,
        pytest.raises(SystemExit, match="2"),
    ):
        main(arguments)
    assert out.getvalue() == ""
    raise Exit(said.getvalue().partition("error: ")[2].strip())


def planning(*arguments: str) -> None:
    """`python -m mlp.memory`."""
    with redirect_stderr(StringIO()) as said, redirect_stdout(StringIO()) as out:
        status = memory_main(list(arguments))
    assert status == 2 and out.getvalue() == ""
    raise Exit(said.getvalue().strip())


def initialize(**options: Any) -> Callable[[World], Any]:
    """A call of `Network.initialize` with these options."""
    return lambda w: Network.initialize(**{"sizes": [3, 4, 2], "rng": w.rng, **options})


def on(x: Any, y: Any = Y, **options: Any) -> Callable[[World], Any]:
    """A call of `backprop` with these arrays."""
    return lambda w: w.net.backprop(x, y, **options)


def binary(w: World) -> Network:
    """A network whose labels must be probabilities, but no distributions."""
    return Network.initialize([3, 4, 2], loss="binary_cross_entropy")


def train(**options: Any) -> Callable[[World], Any]:
    """A call of `train`, which is never iterated."""
    return lambda w: mlp.train(**{"net": w.net, "x": w.x, "y": w.y, "epochs": 1, "rng": w.rng, **options})


def resume(name: str = "net", **options: Any) -> Callable[[World], Any]:
    """A call of `train` that resumes from a file."""
    settings = {"epochs": 3, "optimizer": "adam", **options}
    return lambda w: mlp.train(w.net, w.x, w.y, resume=w.path(name), **settings)


def dot(
    f: Any = np.matmul, adjoint: Any = lambda u: (u,), at: Any = (SQUARE, SQUARE)
) -> Callable[[World], Any]:
    """A call of `dot_product_test`, by default of a map with two arguments and an adjoint for one."""
    return lambda w: checks.dot_product_test(f, adjoint, at)


def square(x: Any) -> float:
    return float(np.sum(x**2))


def rates(**options: Any) -> Callable[[World], Any]:
    """A call of `taylor_rates`."""
    one = np.ones(2)
    return lambda w: checks.taylor_rates(**{"f": square, "gradient": 2 * one, "x": one, "v": one, **options})


def budget(net: Any = None, batch: Any = 4, **options: Any) -> Callable[[World], Any]:
    """A call of `for_budget`."""
    return lambda w: schedules.for_budget(
        w.net if net is None else net, batch, **{"budget": "1MB", **options}
    )


def spoilt(value: float) -> Any:
    """X with one entry that is no number."""
    x = X.copy()
    x[1, 2] = value
    return x


def locked(a: Any) -> Any:
    """A copy that cannot be written."""
    a = a.copy()
    a.flags.writeable = False
    return a


def matrix() -> Any:
    """X as what NumPy does not recommend any more."""
    with pytest.warns(PendingDeprecationWarning):
        return np.matrix(X)


def odd(w: World) -> Any:
    """A run whose generator no file can continue."""
    return mlp.train(w.net, w.x, w.y, epochs=1, rng=np.random.Generator(np.random.Philox(0)))


end = Reverse(2), Advance(0, 1), Reverse(1)

TABLE: dict[str, tuple[Callable[[World], Any], type[BaseException], str, str, str, str]] = {
    # public name: what is wrong       (call, error, what, expected, came, remedy)
    # ------------------------------------------------------------ network
    "network.Network.initialize: one size": (initialize(sizes=[3]), ValueError, "sizes", "an input and an output", "[3]", "[784, 30, 10]"),
    "network.Network.initialize: sizes a number": (initialize(sizes=3), ValueError, "sizes", "widths", "3", "[784, 30, 10]"),
    "network.Network.initialize: sizes an array of no axis": (initialize(sizes=np.array(5)), ValueError, "sizes", "widths", "array(5)", "[784, 30, 10]"),
    "network.Network.initialize: sizes bytes": (initialize(sizes=b"ab"), ValueError, "sizes", "widths", "b'ab'", "[784, 30, 10]"),
    "network.Network.initialize: sizes a matrix": (initialize(sizes=np.ones((2, 2), int)), TypeError, "sizes[0]", "integer", "[1, 1]", "int"),
    "network.Network.initialize: size zero": (initialize(sizes=[3, 0, 2]), ValueError, "sizes[1]", "positive", "0", "at least 1"),
    "network.Network.initialize: size a float": (initialize(sizes=[3, 4.0, 2]), TypeError, "sizes[1]", "integer", "4.0", "int"),
    "network.Network.initialize: size a truth": (initialize(sizes=[3, True, 2]), TypeError, "sizes[1]", "integer", "True", "int"),
    "network.Network.initialize: more than there is": (initialize(sizes=[10**10, 10**10]), ValueError, "sizes", "fewer than 2^60 bytes", "2^68 or more", "smaller"),
    "network.Network.initialize: beyond all numbers": (initialize(sizes=[10**400, 2]), ValueError, "sizes", "fewer than 2^60 bytes", "2^1331", "smaller"),
    "network.Network.initialize: hidden misspelt": (initialize(hidden="sigmiod"), ValueError, "hidden", "sigmoid or tanh", "'sigmiod'", "Write 'sigmoid'"),
    "network.Network.initialize: hidden in capitals": (initialize(hidden="ReLU"), ValueError, "hidden", "relu", "'ReLU'", "Write 'relu'"),
    "network.Network.initialize: hidden a novel": (initialize(hidden="x" * 10**6), ValueError, "hidden", "relu", "xxx...", "Choose one"),
    "network.Network.initialize: hidden a class": (initialize(hidden=mlp.activations.Tanh), TypeError, "hidden", "a name or an activation", "class 'mlp.activations.Tanh'", "Write hidden=Tanh()"),
    "network.Network.initialize: hidden without name": (initialize(hidden=Nameless()), TypeError, "hidden", "'name'", "Nameless", "add it"),
    "network.Network.initialize: hidden with a number for a name": (initialize(hidden=Numbered()), TypeError, "name of hidden", "a str", "5", "by this name"),
    "network.Network.initialize: hidden returns": (initialize(hidden=Returns()), TypeError, "returns", "written into out", "left as it was", "out[...] ="),
    "network.Network.initialize: hidden destroys z": (initialize(hidden=Destroys()), TypeError, "destroys", "z left", "a changed z", "Work in out"),
    "network.Network.initialize: hidden reads what it has written": (initialize(hidden=Forgetful()), TypeError, "value of forgetful", "where out is z", "another one", "workspace = 1"),
    "network.Network.initialize: hidden draws": (initialize(hidden=Noisy()), TypeError, "value of noisy", "where out is z", "another one", "no random numbers"),
    "network.Network.initialize: hidden returns its derivative": (initialize(hidden=Idle()), TypeError, "multiply_derivative of idle", "in place", "left as it was", "delta *="),
    "network.Network.initialize: hidden needs": (initialize(hidden=Needless()), ValueError, "needless", "'output' or 'input'", "'nothing'", "Say"),
    "network.Network.initialize: hidden workspace": (initialize(hidden=Greedy()), ValueError, "workspace of greedy", "from 0", "-1", "Count"),
    "network.Network.initialize: loss misspelt": (initialize(loss="squared"), ValueError, "loss", "cross_entropy or", "'squared'", "'squared_error'"),
    "network.Network.initialize: loss an object": (initialize(loss=losses.SquaredError()), ValueError, "loss", "cross_entropy or", "SquaredError object", "Choose one"),
    "network.Network.initialize: initialization": (initialize(initialization="xavier"), ValueError, "initialization", "glorot", "'xavier'", "Choose one"),
    "network.Network.initialize: dtype integer": (initialize(dtype=np.int64), TypeError, "dtype", "float32 or float64", "int64", "np.float32"),
    "network.Network.initialize: dtype complex": (initialize(dtype=np.complex128), TypeError, "dtype", "float32", "complex128", "np.float32"),
    "network.Network.initialize: dtype None": (initialize(dtype=None), TypeError, "dtype", "float32", "None", "np.float32"),
    "network.Network.initialize: dtype an array": (initialize(dtype=np.ones(2)), TypeError, "dtype", "float32", "array([1., 1.])", "np.float32"),
    "network.Network.initialize: dtype big-endian": (initialize(dtype=np.dtype(">f4")), TypeError, "dtype", "float32", "'>f4'", "np.float32"),
    "network.Network.initialize: rng None": (initialize(rng=None), TypeError, "rng", "seed", "None", "rng=0"),
    "network.Network.initialize: rng negative": (initialize(rng=-1), TypeError, "rng", "seed", "-1", "rng=0"),
    "network.Network.initialize: rng legacy": (initialize(rng=np.random.RandomState(0)), TypeError, "rng", "Generator", "RandomState", "rng=0"),
    "network.Network.backprop: x transposed": (on(X.T), ValueError, "x", "(3, B)", "(4, 3)", "x.T"),
    "network.Network.backprop: x a vector": (on(X[:, 0]), ValueError, "x", "(3, B)", "(3,)", "x[:, np.newaxis]"),
    "network.Network.backprop: x of other rows": (on(np.ones((5, 4), np.float32)), ValueError, "x", "(3, B)", "(5, 4)", "sizes"),
    "network.Network.backprop: x empty": (on(X[:, :0], Y[:, :0]), ValueError, "x", "B >= 1", "(3, 0)", "at least one example"),
    "network.Network.backprop: x of three axes": (on(X[np.newaxis]), ValueError, "x", "(3, B)", "(1, 3, 4)", "sizes"),
    "network.Network.backprop: x ragged": (on([[1.0], [1.0, 2.0], [3.0]]), ValueError, "x", "rows of one length", "a list with rows of unequal lengths", "as many entries"),
    "network.Network.backprop: x masked": (on(np.ma.masked_array(X, X > 0.5)), TypeError, "x", "without a mask", "a masked array", "x.filled(0)"),
    "network.Network.backprop: x None": (on(None), TypeError, "x", "float32 or float64", "object of shape ()", "x.astype"),
    "network.Network.backprop: x text": (on("data.csv"), TypeError, "x", "float32 or float64", "<U8 of shape ()", "x.astype"),
    "network.Network.backprop: x integer": (on(np.ones((3, 4), int)), TypeError, "x", "float32 or float64", "int64 of shape (3, 4)", "x.astype(np.float32)"),
    "network.Network.backprop: x boolean": (on(np.ones((3, 4), bool)), TypeError, "x", "float32", "bool", "x.astype"),
    "network.Network.backprop: x object": (on(np.ones((3, 4), object)), TypeError, "x", "float32", "object", "x.astype"),
    "network.Network.backprop: x complex": (on(X.astype(complex)), TypeError, "x", "float32", "complex128", "x.astype"),
    "network.Network.backprop: x half": (on(X.astype(np.float16)), TypeError, "x", "float32", "float16", "x.astype"),
    "network.Network.backprop: x long double": (on(X.astype(np.longdouble)), TypeError, "x", "float32", np.dtype(np.longdouble).name, "x.astype"),
    "network.Network.backprop: x big-endian": (on(X.astype(">f4")), TypeError, "x", "float32", ">f4", "x.astype(np.float32)"),
    "network.Network.backprop: x NaN": (on(spoilt(np.nan)), ValueError, "x", "finite", "NaN or infinity", "Clean"),
    "network.Network.backprop: x infinite": (on(spoilt(-np.inf)), ValueError, "x", "finite", "NaN or infinity", "Clean"),
    "network.Network.backprop: x too large": (on(X.astype(float) * 1e300), ValueError, "x", "finite in float32", "infinity in float64", "Clean"),
    "network.Network.backprop: y NaN": (on(X, np.full((2, 4), np.nan)), ValueError, "y", "finite", "NaN", "Clean"),
    "network.Network.backprop: y of other rows": (on(X, np.ones((3, 4))), ValueError, "y", "(2, B)", "(3, 4)", "sizes"),
    "network.Network.backprop: y of another batch": (on(X, Y[:, :3]), ValueError, "y", "as many columns as x, 4", "(2, 3)", "its label"),
    "network.Network.backprop: y one column for all": (on(X, Y[:, :1]), ValueError, "y", "as many columns as x, 4", "(2, 1)", "its label"),
    "network.Network.backprop: y integer": (on(X, Y.astype(int)), TypeError, "y", "float32", "int64", "y.astype(np.float32)"),
    "network.Network.backprop: y class numbers": (on(X, np.array([0, 1, 0, 1])), TypeError, "y", "float32", "int64 of shape (4,)", "mlp.data.one_hot"),
    "network.Network.backprop: y class numbers as floats": (on(X, np.ones(4)), ValueError, "y", "shape (2, B)", "(4,)", "mlp.data.one_hot"),
    "network.Network.backprop: y class numbers in a row": (on(X, np.ones((1, 4))), ValueError, "y", "shape (2, B)", "(1, 4)", "mlp.data.one_hot"),
    "network.Network.backprop: y no distribution": (on(X, Y * 1.001), ValueError, "y", "sum to one within 1e-06", "off by 0.001", "one_hot"),
    "network.Network.backprop: one column of y": (on(X, np.where(np.arange(4) == 2, 0.3, Y)), ValueError, "y", "sum to one", "off by 0.4", "one_hot"),
    "network.Network.backprop: y float64 off": (on(X, Y.astype(float) + 1e-9), ValueError, "y", "within 1e-12", "off by 2e-09", "one_hot"),
    "network.Network.backprop: y negative": (on(X, np.array([[-0.5], [1.5]]) * np.ones(4)), ValueError, "y", "from 0 to 1", "-0.5 to 1.5", "squared_error"),
    "network.Network.backprop: y no probability": (lambda w: binary(w).backprop(X, Y * 2), ValueError, "y", "from 0 to 1", "0 to 2", "squared_error"),
    "network.Network.backprop: schedule a name": (on(X, schedule="store_all"), TypeError, "schedule", "a tuple of actions", "str", "a planner of mlp.schedules"),
    "network.Network.backprop: schedule for another depth": (on(X, schedule=schedules.store_all(3)), ValueError, "schedule", "keeps the rules", "Advance(start=2, stop=3) as action 2", "for depth 2"),
    "network.Network.backprop: schedule empty": (on(X, schedule=()), ValueError, "schedule", "reverses 2 layers", "ends before layer 2", "complete it"),
    "network.Network.backprop: dropout a rate": (on(X, dropout=0.5), TypeError, "dropout", "None or a Dropout", "0.5", "mlp.Dropout(rate, seed, step)"),
    "network.Network.backprop: observer without schedule": (on(X, observer=print), ValueError, "observer", "a schedule", "schedule=None", "store_all(net.depth)"),
    "network.Network.backprop: observer no function": (on(X, schedule=schedules.store_all(2), observer=3), TypeError, "observer", "a function", "3", "Pass one"),
    "network.Network.loss_value: one label": (lambda w: w.net.loss_value(w.x, w.y[:, :1]), ValueError, "y", "as many", "(2, 1)", "its label"),
    "network.Network.loss_value: y below 0": (lambda w: binary(w).loss_value(w.x, w.y - 1), ValueError, "y", "from 0 to 1", "-1 to 0", "squared_error"),
    "network.Network.loss_value: dropout a rate": (lambda w: w.net.loss_value(w.x, w.y, dropout=0.5), TypeError, "dropout", "a Dropout", "0.5", "mlp.Dropout"),
    "network.Network.logits: x transposed": (lambda w: w.net.logits(w.x.T), ValueError, "x", "(3, B)", "(4, 3)", "x.T"),
    "network.Network.predict: x transposed": (lambda w: w.net.predict(w.x.T), ValueError, "x", "(3, B)", "(4, 3)", "x.T"),
    "network.Network.dropped: a rate": (lambda w: w.net.dropped(0.5), TypeError, "dropout", "None or a Dropout", "0.5", "mlp.Dropout"),
    # ------------------------------------------------------------ dropout
    "dropout.Dropout: all": (lambda w: Dropout(1.0, seed=0, step=0), ValueError, "rate", "less than 1", "1.0", "0.5"),
    "dropout.Dropout: NaN": (lambda w: Dropout(np.nan, seed=0, step=0), ValueError, "rate", "from 0", "nan", "0.5"),
    "dropout.Dropout: a fraction whose float is 1": (lambda w: Dropout(1 - Fraction(1, 10**30), seed=0, step=0), ValueError, "rate", "less than 1", "Fraction(9999", "0.5"),
    "dropout.Dropout: text": (lambda w: Dropout("half", seed=0, step=0), TypeError, "rate", "a number", "'half'", "float"),
    "dropout.Dropout: seed": (lambda w: Dropout(0.5, seed=None, step=0), TypeError, "seed", "an integer", "None", "Count from 0"),
    "dropout.Dropout: seed too large": (lambda w: Dropout(0.5, seed=2**64, step=0), ValueError, "seed", "2^64 - 1", "18446744073709551616", "Count from 0"),
    "dropout.Dropout: step": (lambda w: Dropout(0.5, seed=0, step=1.0), TypeError, "step", "an integer", "1.0", "Count from 0"),
    # ------------------------------------------------------------ losses
    "losses.smooth_labels: a list": (lambda w: losses.smooth_labels([[1.0], [0.0]], 0.1), TypeError, "y", "float32 or float64", "list", "np.asarray(y"),
    "losses.smooth_labels: integers": (lambda w: losses.smooth_labels(Y.astype(int), 0.1), TypeError, "y", "float32 or float64", "int64", "np.asarray(y"),
    "losses.smooth_labels: complex": (lambda w: losses.smooth_labels(Y.astype(complex), 0.1), TypeError, "y", "float32 or float64", "complex128", "np.asarray(y"),
    "losses.smooth_labels: masked": (lambda w: losses.smooth_labels(np.ma.masked_array(Y, Y > 0), 0.1), TypeError, "y", "an array", "MaskedArray", "np.asarray(y"),
    "losses.smooth_labels: a vector": (lambda w: losses.smooth_labels(w.y[:, 0], 0.1), ValueError, "y", "a matrix", "(2,)", "y[:, np.newaxis]"),
    "losses.smooth_labels: nothing": (lambda w: losses.smooth_labels(w.y[:, :0], 0.1), ValueError, "y", "a matrix", "(2, 0)", "y[:, np.newaxis]"),
    "losses.smooth_labels: no distribution": (lambda w: losses.smooth_labels(w.y * 2, 0.1), ValueError, "y", "sum to one", "off by 1", "one_hot"),
    "losses.smooth_labels: too much": (lambda w: losses.smooth_labels(w.y, 1.5), ValueError, "amount", "from 0 to 1", "1.5", "0.1"),
    "losses.smooth_labels: below": (lambda w: losses.smooth_labels(w.y, -0.1), ValueError, "amount", "from 0 to 1", "-0.1", "0.1"),
    "losses.smooth_labels: NaN": (lambda w: losses.smooth_labels(w.y, np.nan), ValueError, "amount", "from 0 to 1", "nan", "0.1"),
    "losses.smooth_labels: text": (lambda w: losses.smooth_labels(w.y, "0.1"), TypeError, "amount", "from 0 to 1", "'0.1'", "float"),
    "losses.logsumexp: a vector": (lambda w: losses.logsumexp(w.z[0]), ValueError, "z", "a matrix", "(4,)", "z[:, np.newaxis]"),
    "losses.logsumexp: half": (lambda w: losses.logsumexp(X.astype(np.float16)), TypeError, "z", "complex128", "float16", "np.asarray(z"),
    "losses.logsumexp: np.matrix": (lambda w: losses.logsumexp(matrix()), TypeError, "z", "complex128", "matrix", "np.asarray(z"),
    "losses.logsumexp: NaN": (lambda w: losses.logsumexp(spoilt(np.nan)), ValueError, "z", "finite", "NaN", "Clean"),
    "losses.softmax: a list": (lambda w: losses.softmax([[1.0]]), TypeError, "z", "float32", "list", "np.asarray(z"),
    "losses.softmax: integers": (lambda w: losses.softmax(np.array([[3, 1], [1, 5]])), TypeError, "z", "float32", "int64", "np.asarray(z"),
    "losses.softmax: a vector": (lambda w: losses.softmax(np.ones(3)), ValueError, "z", "in each column", "(3,)", "np.newaxis"),
    "losses.softmax: infinite": (lambda w: losses.softmax(spoilt(-np.inf)), ValueError, "z", "finite", "infinity", "Clean"),
    "losses.softmax: read only": (lambda w: losses.softmax(locked(X)), ValueError, "z", "to write into", "read only", "z.copy()"),
    "losses.log_softmax: infinite": (lambda w: losses.log_softmax(spoilt(-np.inf)), ValueError, "z", "finite", "infinity", "Clean"),
    "losses.log_softmax: a list": (lambda w: losses.log_softmax([[1.0]]), TypeError, "z", "float32", "list", "np.asarray(z"),
    "losses.log_softmax: read only": (lambda w: losses.log_softmax(locked(X)), ValueError, "z", "to write into", "read only", "z.copy()"),
    "losses.log_softmax: one row seen as three": (lambda w: losses.log_softmax(np.broadcast_to(w.z[:1], (3, 4))), ValueError, "z", "to write into", "read only", "z.copy()"),
    # ------------------------------------------------------------ training
    "training.train: no network": (train(net=X), TypeError, "net", "a Network", "numpy.ndarray", "Network.initialize"),
    "training.train: the class": (train(net=Network), TypeError, "net", "a Network", "type", "Network.initialize"),
    "training.train: epochs zero": (train(epochs=0), ValueError, "epochs", "positive", "0", "at least 1"),
    "training.train: epochs float": (train(epochs=1.5), TypeError, "epochs", "integer", "1.5", "int"),
    "training.train: epochs beyond all writing": (train(epochs=-(10**5000)), ValueError, "epochs", "positive", "int, too long to be written", "at least 1"),
    "training.train: momentum a fraction whose float is 1": (train(momentum=1 - Fraction(1, 10**30)), ValueError, "momentum", "less than 1", "Fraction(9999", "0.5"),
    "training.train: batch_size": (train(batch_size=-5), ValueError, "batch_size", "positive", "-5", "at least 1"),
    "training.train: batch_size None": (train(batch_size=None), TypeError, "batch_size", "integer", "None", "int"),
    "training.train: optimizer": (train(optimizer="addam"), ValueError, "optimizer", "sgd or nesterov or adam", "'addam'", "'adam'"),
    "training.train: rate zero": (train(learning_rate=0), ValueError, "learning_rate", "positive", "0", "1.0"),
    "training.train: rate negative": (train(learning_rate=-1), ValueError, "learning_rate", "positive", "-1", "1.0"),
    "training.train: rate infinite": (train(learning_rate=np.inf), ValueError, "learning_rate", "finite", "inf", "1.0"),
    "training.train: rate NaN": (train(learning_rate=np.nan), ValueError, "learning_rate", "finite", "nan", "1.0"),
    "training.train: rate text": (train(learning_rate="fast"), TypeError, "learning_rate", "number", "'fast'", "float"),
    "training.train: rate beyond floats": (train(learning_rate=10**400), ValueError, "learning_rate", "finite", "1000", "1.0"),
    "training.train: rate below floats": (train(learning_rate=Fraction(1, 10**400)), ValueError, "learning_rate", "positive", "Fraction", "1.0"),
    "training.train: momentum": (train(momentum=1), ValueError, "momentum", "less than 1", "1", "0.5"),
    "training.train: momentum for Adam": (train(optimizer="adam", momentum=0.5), ValueError, "momentum", "0 for adam", "0.5", "Leave it out"),
    "training.train: no momentum for Nesterov": (train(optimizer="nesterov"), ValueError, "momentum", "more than 0", "0.0 for nesterov", "optimizer='sgd'"),
    "training.train: l2 negative": (train(l2=-0.1), ValueError, "l2", "from 0 up", "-0.1", "0.0"),
    "training.train: l2 text": (train(l2="a bit"), TypeError, "l2", "a finite number", "'a bit'", "float"),
    "training.train: dropout": (train(dropout=1.0), ValueError, "dropout", "less than 1", "1.0", "0.5"),
    "training.train: dropout an object": (train(dropout=Dropout(0.5, 0, 0)), TypeError, "dropout", "a number", "Dropout(", "float"),
    "training.train: rng": (train(rng="seed"), TypeError, "rng", "seed", "'seed'", "rng=0"),
    "training.train: schedule": (train(schedule=schedules.store_all(5)), ValueError, "schedule", "keeps the rules", "stop=3", "for depth 2"),
    "training.train: x": (train(x=X.T), ValueError, "x", "(3, B)", "(4, 3)", "x.T"),
    "training.train: y": (train(y=Y[:, :2]), ValueError, "y", "as many", "(2, 2)", "its label"),
    "training.train: one NaN": (train(x=spoilt(np.nan)), ValueError, "x", "finite", "NaN", "Clean"),
    "training.train: validation a list": (train(validation=[X, Y]), TypeError, "validation", "(x, y)", "list", "validation=(x, y)"),
    "training.train: validation of three": (train(validation=(X, Y, Y)), TypeError, "validation", "(x, y)", "a tuple of 3", "validation=(x, y)"),
    "training.train: validation x": (train(validation=(X.T, Y)), ValueError, "x", "(3, B)", "(4, 3)", "x.T"),
    "training.train: resume a number": (train(resume=5), TypeError, "file", "the path of a file", "5", "a str"),
    "training.train: resume nothing": (resume("nowhere"), FileNotFoundError, "nowhere", "a file", "nothing there", "Look"),
    "training.train: resume a folder": (resume("alone"), FileNotFoundError, "alone", "a file", "a folder", "Look"),
    "training.train: resume a cut file": (resume("cut"), ValueError, "cut", "a file that mlp.save wrote", "not a zip file", "another copy"),
    "training.train: resume a network alone": (resume("alone/net"), ValueError, "alone", "with its training", "a network alone", "training=run"),
    "training.train: resume with another batch": (resume(batch_size=3), ValueError, "batch_size", "100, as in", "3", "leave out resume"),
    "training.train: resume with another optimiser": (resume(optimizer="sgd"), ValueError, "optimizer", "'adam', as in", "'sgd'", "leave out resume"),
    "training.accuracy: no network": (lambda w: mlp.accuracy("net", w.x, w.y), TypeError, "net", "a Network", "str", "pass it first"),
    "training.accuracy: x": (lambda w: mlp.accuracy(w.net, w.x.T, w.y), ValueError, "x", "(3, B)", "(4, 3)", "x.T"),
    "training.accuracy: one output": (lambda w: mlp.accuracy(Network.initialize([3, 1], loss="squared_error"), w.x, w.y[:1]), ValueError, "validation", "two outputs", "[3, 1]", "loss_value"),
    "optimizers.Nesterov: no momentum": (lambda w: Nesterov(0.0, w.net.parameters), ValueError, "momentum", "more than 0", "0.0", "0.9"),
    "optimizers.Adam: momentum": (lambda w: Adam(0.5, w.net.parameters), ValueError, "momentum", "0 for adam", "0.5", "Leave it out"),
    # ------------------------------------------------------------ files
    "files.save: turned round": (lambda w: mlp.save(w.path(), w.net), TypeError, "net", "a Network", "'/", "mlp.save(net, path)"),
    "files.save: path None": (lambda w: mlp.save(w.net, None), TypeError, "file", "the path of a file", "None", "a str"),
    "files.save: no such folder": (lambda w: mlp.save(w.net, w.path("nowhere/net")), FileNotFoundError, "nowhere", "a folder", "no such folder", "Make it first"),
    "files.save: into a file": (lambda w: mlp.save(w.net, w.path("net/net")), FileNotFoundError, "net/net", "a folder", "no such folder", "Make it first"),
    "files.save: on a folder": (lambda w: mlp.save(w.net, w.path("alone")), FileExistsError, "alone", "a file or nothing", "a folder", "another name"),
    "files.save: on a pipe": (lambda w: mlp.save(w.net, w.path("pipe")), FileExistsError, "pipe", "a file or nothing", "something else", "another name"),
    "files.save: a name that ends too soon": (lambda w: mlp.save(w.net, w.path("a\0b")), ValueError, "file", "can exist", "null byte", "another name"),
    "files.save: a name too long": (lambda w: mlp.save(w.net, w.path("n" * 300)), ValueError, "file", "can exist", "name too long", "another name"),
    "files.save: a name of half a character": (lambda w: mlp.save(w.net, w.path("\ud800")), ValueError, "file", "can exist", "surrogates", "another name"),
    "files.save: a link to itself": (lambda w: mlp.save(w.net, w.path("loop")), ValueError, "file", "can exist", "symbolic links", "another name"),
    "files.save: a stranger's run": (lambda w: mlp.save(Network.initialize([3, 2]), w.path(), w.run), ValueError, "training", "the run that trains net", "Run", "mlp.train"),
    "files.save: another generator": (lambda w: mlp.save(w.net, w.path(), odd(w)), ValueError, "rng of training", "PCG64", "Philox", "default_rng"),
    "files.save: a borrowed name": (lambda w: mlp.save(replace(w.net, hidden=Pretender()), w.path()), ValueError, "hidden", "a name of its own", "'relu'", "otherwise"),
    "files.save: a loss of one's own": (lambda w: mlp.save(replace(w.net, loss=Own()), w.path()), ValueError, "loss", "cross_entropy or", "'own'", "numpy.save"),
    "files.load: path None": (lambda w: mlp.load(None), TypeError, "file", "the path of a file", "None", "a str"),
    "files.load: nothing": (lambda w: mlp.load(w.path("nowhere")), FileNotFoundError, "nowhere", "a file", "nothing there", "Look"),
    "files.load: a folder": (lambda w: mlp.load(w.folder), FileNotFoundError, "world", "a file", "a folder", "Look"),
    "files.load: a pipe": (lambda w: mlp.load(w.path("pipe")), FileNotFoundError, "pipe", "a file", "something else", "Look"),
    "files.load: a name too long": (lambda w: mlp.load("n" * 5000), ValueError, "file", "can exist", "name too long", "another name"),
    "files.load: a picture": (lambda w: mlp.load(w.path("image.png")), ValueError, "image.png", "a file that mlp.save wrote", "not a zip file", "another copy"),
    "files.load: a pickle": (lambda w: mlp.load(w.path("pickled")), ValueError, "pickled", "a file that mlp.save wrote", "not a zip file", "another copy"),
    "files.load: cut": (lambda w: mlp.load(w.path("cut")), ValueError, "cut", "a file that mlp.save wrote", "fault", "another copy"),
    "files.load: tampered": (lambda w: mlp.load(w.path("tampered")), ValueError, "tampered", "a file that mlp.save wrote", "CRC", "another copy"),
    "files.load: activations a list": (lambda w: mlp.load(w.path(), activations=["tanh"]), TypeError, "activations", "a Mapping", "['tanh']", "{name: activation}"),
    "files.load: activations of a class": (lambda w: mlp.load(w.path(), activations={"sigmoid": mlp.activations.Sigmoid}), TypeError, "hidden", "an activation", "class", "Sigmoid()"),
    "files.read: nothing": (lambda w: files.read(w.folder / "nowhere"), FileNotFoundError, "nowhere", "a file", "nothing there", "Look"),
    # ------------------------------------------------------------ data
    "data.one_hot: floats": (lambda w: data.one_hot(w.y[0], 2), TypeError, "labels", "integers", "float32", "astype(int)"),
    "data.one_hot: truths": (lambda w: data.one_hot(w.y[0] > 0, 2), TypeError, "labels", "integers", "bool", "astype(int)"),
    "data.one_hot: a matrix": (lambda w: data.one_hot(w.y.astype(int), 2), TypeError, "labels", "(N,)", "(2, 4)", "ravel"),
    "data.one_hot: ragged": (lambda w: data.one_hot([[1], [1, 2]], 3), ValueError, "labels", "rows of one length", "unequal", "as many"),
    "data.one_hot: masked": (lambda w: data.one_hot(np.ma.masked_array([0, 1], [True, False]), 2), TypeError, "labels", "without a mask", "a masked array", "labels.filled"),
    "data.one_hot: too large": (lambda w: data.one_hot(np.array([0, 2]), 2), ValueError, "labels", "0 to 1", "0 to 2", "raise classes"),
    "data.one_hot: negative": (lambda w: data.one_hot(np.array([-1]), 2), ValueError, "labels", "0 to 1", "-1", "from 0"),
    "data.one_hot: none": (lambda w: data.one_hot(np.array([], int), 2), TypeError, "labels", "N >= 1", "(0,)", "astype"),
    "data.one_hot: classes": (lambda w: data.one_hot(np.array([0]), 0), ValueError, "classes", "positive", "0", "at least 1"),
    "data.one_hot: more classes than there is memory": (lambda w: data.one_hot(np.array([0]), 10**18), ValueError, "classes", "fewer than 2^60 bytes", "2^61", "smaller"),
    "data.one_hot: dtype": (lambda w: data.one_hot(np.array([0]), 1, int), TypeError, "dtype", "float32", "int", "np.float32"),
    "data.digits: rng": (lambda w: data.digits(rng=1.5), TypeError, "rng", "seed", "1.5", "rng=0"),
    "data.mnist: None": (lambda w: data.mnist(None), TypeError, "folder", "the path of a folder", "None", "a str"),
    "data.mnist: nothing": (lambda w: data.mnist(w.path("nowhere")), FileNotFoundError, "nowhere", "a folder", "nothing there", "holds the files"),
    "data.mnist: a file": (lambda w: data.mnist(w.path()), FileNotFoundError, "net", "a folder", "a file", "holds the files"),
    "data.mnist: a name that ends too soon": (lambda w: data.mnist("a\0b"), ValueError, "folder", "can exist", "null byte", "another name"),
    "data.mnist: no such files": (lambda w: data.mnist(w.folder), FileNotFoundError, "world", "t10k-images-idx3-ubyte or", "neither", "Put MNIST's files there"),
    "data.read_idx: nothing": (lambda w: data.read_idx(w.path("nowhere"), (2,)), FileNotFoundError, "nowhere", "a file", "nothing there", "Look"),
    "data.read_idx: shape a number": (lambda w: data.read_idx(w.path("labels"), 2), TypeError, "shape", "a tuple of integers", "2", "(60000,)"),
    "data.read_idx: shape negative": (lambda w: data.read_idx(w.path("labels"), (-9,)), TypeError, "shape", "from 0 up", "(-9,)", "(60000,)"),
    "data.read_idx: shape beyond all memory": (lambda w: data.read_idx(w.path("labels"), (10**9, 10**30)), ValueError, "shape", "fewer than 2^60 bytes", "2^129", "smaller"),
    "data.read_idx: another shape": (lambda w: data.read_idx(w.path("labels"), (3,)), ValueError, "labels", "shape (3,)", "(2,)", "another file"),
    "data.read_idx: a picture": (lambda w: data.read_idx(w.path("image.png"), (3,)), ValueError, "image.png", "00 00 08 first", "89 50 4e 47", "Get it again"),
    "data.read_idx: no gzip": (lambda w: data.read_idx(w.path("labels.gz"), (2,)), ValueError, "labels.gz", "a whole gzip file", "Not a gzipped file", "Get it again"),
    "data.read_idx: a bomb": (lambda w: data.read_idx(w.path("bomb.gz"), (2,)), ValueError, "bomb.gz", "10 bytes", "more", "Get it again"),
    "data.read_idx: wrong checksum": (lambda w: data.read_idx(w.path("labels"), (2,), "0" * 64), ValueError, "labels", "SHA-256 0000", "9355fbc0", "get it again"),
    # ------------------------------------------------------------ checks
    "checks.complex_step_gradient: no network": (lambda w: checks.complex_step_gradient(None, w.x, w.y), TypeError, "net", "a Network", "NoneType", "Network.initialize"),
    "checks.complex_step_gradient: x": (lambda w: checks.complex_step_gradient(w.net, w.x.T, w.y), ValueError, "x", "(3, B)", "(4, 3)", "x.T"),
    "checks.complex_step_gradient: dropout": (lambda w: checks.complex_step_gradient(w.net, w.x, w.y, 0.5), TypeError, "dropout", "a Dropout", "0.5", "mlp.Dropout"),
    "checks.directional_derivative: v": (lambda w: checks.directional_derivative(w.net, w.x, w.y, w.v[1:]), ValueError, "v", "(26,)", "(25,)", "W_1, b_1"),
    "checks.directional_derivative: x": (lambda w: checks.directional_derivative(w.net, w.x[:2], w.y, w.v), ValueError, "x", "(3, B)", "(2, 4)", "rows"),
    "checks.network_dot_product_test: no network": (lambda w: checks.network_dot_product_test(5, w.x, w.rng), TypeError, "net", "a Network", "int", "Network.initialize"),
    "checks.network_dot_product_test: x": (lambda w: checks.network_dot_product_test(w.net, w.x.T, w.rng), ValueError, "x", "(3, B)", "(4, 3)", "x.T"),
    "checks.network_dot_product_test: rng": (lambda w: checks.network_dot_product_test(w.net, w.x, "seed"), TypeError, "rng", "seed", "'seed'", "rng=0"),
    "checks.network_dot_product_test: dropout, and rng untouched": (lambda w: checks.network_dot_product_test(w.net, w.x, w.rng, 0.5), TypeError, "dropout", "a Dropout", "0.5", "mlp.Dropout"),
    "checks.layer_dot_product_test: no layer": (lambda w: checks.layer_dot_product_test(w.net, w.x, w.rng), TypeError, "layer", "a Layer", "Network", "net.layers"),
    "checks.layer_dot_product_test: z": (lambda w: checks.layer_dot_product_test(w.net.layers[0], w.x.T, w.rng), ValueError, "z", "(3, B)", "(4, 3)", "z.T"),
    "checks.dot_product_test: f no function": (dot(f=5), TypeError, "f", "a function", "int", "the function itself"),
    "checks.dot_product_test: adjoint no function": (dot(adjoint=np.ones(3)), TypeError, "adjoint", "a function", "array", "the function itself"),
    "checks.dot_product_test: at an array": (dot(at=np.eye(2)), TypeError, "at", "a tuple of arrays", "ndarray", "at=(x,)"),
    "checks.dot_product_test: at nothing": (dot(at=()), TypeError, "at", "a tuple of arrays", "tuple of none", "at=(x,)"),
    "checks.dot_product_test: at lists": (dot(at=([[1.0]], [[1.0]])), TypeError, "at[0]", "an array of real numbers", "list", "np.asarray"),
    "checks.dot_product_test: at complex": (dot(at=(np.eye(2), 1j * np.eye(2))), TypeError, "at[1]", "real", "complex128", "np.asarray"),
    "checks.dot_product_test: at NaN": (dot(at=(np.eye(2), np.full((2, 2), np.nan))), ValueError, "at[1]", "finite", "NaN", "another point"),
    "checks.dot_product_test: at an empty array": (dot(at=(np.eye(2), np.ones((2, 0)))), ValueError, "at[1]", "at least one", "(2, 0)", "another point"),
    "checks.dot_product_test: f not analytic": (dot(f=lambda a, b: np.abs(a @ b)), ValueError, "f", "that a complex step moves", "derivative of 0", "abs, real and conj"),
    "checks.dot_product_test: adjoint of one": (dot(), ValueError, "adjoint", "[(2, 2), (2, 2)]", "[(2, 2)]", "one array for each"),
    "checks.dot_product_test: adjoint of none": (dot(adjoint=lambda u: None), ValueError, "adjoint", "[(2, 2), (2, 2)]", "NoneType", "one array for each"),
    "checks.dot_product_test: rng": (lambda w: checks.dot_product_test(np.matmul, print, (X,), rng=None), TypeError, "rng", "seed", "None", "rng=0"),
    "checks.taylor_rates: f no function": (rates(f=2.0), TypeError, "f", "a function", "float", "the function itself"),
    "checks.taylor_rates: f of more than a number": (rates(f=lambda x: x**2), TypeError, "f(x)", "a finite number", "array(", "float"),
    "checks.taylor_rates: f complex": (rates(f=lambda x: complex(square(x))), TypeError, "f(x)", "a finite number", "(2+0j)", "float"),
    "checks.taylor_rates: gradient of another shape": (rates(gradient=np.ones(3)), ValueError, "adjoint", "[(2,), (2,)]", "[(3,), (2,)]", "one array for each"),
    "checks.taylor_rates: x complex": (rates(x=np.ones(2) + 0j), TypeError, "x", "real", "complex128", "np.asarray"),
    "checks.taylor_rates: x NaN": (rates(x=np.full(2, np.nan)), ValueError, "x", "finite", "NaN", "another point"),
    "checks.taylor_rates: v a list": (rates(v=[1.0, 1.0]), TypeError, "v", "an array", "list", "np.asarray"),
    "checks.taylor_rates: f straight": (rates(f=lambda x: float(x.sum()), gradient=np.ones(2), step=0.5), ValueError, "f", "bend along v", "a straight line", "another v"),
    "checks.taylor_rates: step zero": (rates(step=0.0), ValueError, "step", "positive", "0.0", "Try"),
    "checks.taylor_rates: halvings": (rates(halvings=0), ValueError, "halvings", "positive", "0", "at least 1"),
    "checks.taylor_rates: halvings beyond all numbers": (rates(halvings=10**15), ValueError, "halvings", "at most 1000", "1000000000000000", "halvings=1000"),
    "checks.taylor_rates: f a truth": (rates(f=lambda x: bool(x[0] > 0)), TypeError, "f(x)", "a finite number", "True", "float"),
    "checks.taylor_rates: f NaN": (rates(f=lambda x: float("nan")), ValueError, "f(x)", "finite", "nan", "another point"),
    "checks.taylor_rates: f a number once only": (rates(f=lambda x: square(x) if x[0] == 1 else None), TypeError, "f(x)", "a finite number", "None", "float"),
    "checks.taylor_rates: v zero": (rates(v=np.zeros(2)), ValueError, "f", "change along v", "f(x + hv) = f(x)", "another v"),
    "checks.taylor_rates: step below all rounding": (rates(step=1e-300), ValueError, "f", "change along v", "f(x + hv) = f(x)", "a larger step"),
    "checks.taylor_rates: halvings float": (rates(halvings=1.5), TypeError, "halvings", "integer", "1.5", "int"),
    # ------------------------------------------------------------ curvature
    "curvature.jvp: no network": (lambda w: curvature.jvp(w.x, w.x, w.v), TypeError, "net", "a Network", "ndarray", "Network.initialize"),
    "curvature.jvp: v": (lambda w: curvature.jvp(w.net, w.x, w.v[:3]), ValueError, "v", "(26,)", "(3,)", "W_1, b_1"),
    "curvature.jvp: v a gradient": (lambda w: curvature.jvp(w.net, w.x, w.net.backprop(w.x, w.y)), TypeError, "v", "float32", "object", "g.vector"),
    "curvature.jvp: v ragged": (lambda w: curvature.jvp(w.net, w.x, [[1.0], [1.0, 2.0]]), ValueError, "v", "rows of one length", "unequal", "as many"),
    "curvature.hvp: v NaN": (lambda w: curvature.hvp(w.net, w.x, w.y, np.full(26, np.nan)), ValueError, "v", "finite", "NaN", "Clean"),
    "curvature.hvp: v too large": (lambda w: curvature.hvp(w.net, w.x, w.y, np.full(26, 1e300)), ValueError, "v", "finite in float32", "infinity in float64", "Clean"),
    "curvature.hvp: y": (lambda w: curvature.hvp(w.net, w.x, w.y * 2, w.v), ValueError, "y", "sum to one", "off by 1", "one_hot"),
    "curvature.hvp: no second derivative": (lambda w: curvature.hvp(replace(w.net, hidden=Plain()), w.x, w.y, w.v), TypeError, "hidden", "second_derivative", "none", "phi''(z)"),
    "curvature.gauss_newton_product: no network": (lambda w: curvature.gauss_newton_product(None, w.x, w.v), TypeError, "net", "a Network", "NoneType", "Network.initialize"),
    "curvature.gauss_newton_product: v integer": (lambda w: curvature.gauss_newton_product(w.net, w.x, np.ones(26, int)), TypeError, "v", "float32", "int64", "floats"),
    # ------------------------------------------------------------ schedules
    "schedules.store_all: text": (lambda w: schedules.store_all("3"), TypeError, "n", "integer", "'3'", "int"),
    "schedules.uniform: too many segments": (lambda w: schedules.uniform(10, segments=11), ValueError, "segments", "at most 10", "11", "segments=10"),
    "schedules.uniform: segments beyond all writing": (lambda w: schedules.uniform(10, segments=10**5000), ValueError, "segments", "at most 10", "too long to be written", "segments=10"),
    "schedules.uniform: no segment": (lambda w: schedules.uniform(10, segments=0), ValueError, "segments", "positive", "0", "at least 1"),
    "schedules.triangular: a truth": (lambda w: schedules.triangular(True), TypeError, "n", "integer", "True", "int"),
    "schedules.bisection: negative": (lambda w: schedules.bisection(-1), ValueError, "n", "positive", "-1", "at least 1"),
    "schedules.binomial: no slot": (lambda w: schedules.binomial(10, slots=0), ValueError, "slots", "positive", "0", "at least 1"),
    "schedules.binomial: a float": (lambda w: schedules.binomial(10, slots=2.0), TypeError, "slots", "integer", "2.0", "int"),
    "schedules.validate: a list": (lambda w: schedules.validate(list(w.schedule), 2), TypeError, "schedule", "a tuple", "list", "tuple(...)"),
    "schedules.validate: depth zero": (lambda w: schedules.validate(w.schedule, 0), ValueError, "n", "positive", "0", "at least 1"),
    "schedules.validate: depth a float": (lambda w: schedules.validate(w.schedule, 2.0), TypeError, "n", "integer", "2.0", "int"),
    "schedules.validate: no action": (lambda w: schedules.validate((*w.schedule, "drop"), 2), ValueError, "schedule", "the rules", "drop as action", "correct the action"),
    "schedules.validate: text in an action": (lambda w: schedules.validate((Advance("a", 1),), 2), ValueError, "schedule", "the rules", "Python's integers", "correct the action"),
    "schedules.validate: floats in an action": (lambda w: schedules.validate((Advance(0.0, 1.0),), 1), ValueError, "schedule", "the rules", "Python's integers", "correct the action"),
    "schedules.validate: a list in an action": (lambda w: schedules.validate((Drop([]),), 2), ValueError, "schedule", "the rules", "Python's integers", "correct the action"),
    "schedules.validate: an action that goes too far": (lambda w: schedules.validate((Advance(0, 10**15),), 2), ValueError, "schedule", "the rules", "at most to x_2", "correct the action"),
    "schedules.validate: more layers than there is memory": (lambda w: schedules.validate((Advance(0, 10**15),), 10**15), ValueError, "schedule", "reverses 1000000000000000 layers", "ends before layer", "complete it"),
    "schedules.validate: numbers of NumPy in an action": (lambda w: schedules.validate((Advance(np.int64(0), np.int64(1)),), 1), ValueError, "schedule", "the rules", "Python's integers", "correct the action"),
    "schedules.validate: backwards": (lambda w: schedules.validate((Advance(2, 0), *end), 2), ValueError, "schedule", "the rules", "leads upward", "correct the action"),
    "schedules.validate: from nowhere": (lambda w: schedules.validate((Advance(1, 2), *end), 2), ValueError, "schedule", "the rules", "x_1 is not live", "correct the action"),
    "schedules.validate: reversed too early": (lambda w: schedules.validate((Reverse(2),), 2), ValueError, "schedule", "the rules", "there is no Delta_2", "correct the action"),
    "schedules.validate: x_0 dropped": (lambda w: schedules.validate((Drop(0),), 2), ValueError, "schedule", "the rules", "x_0 is not a live state", "correct the action"),
    "schedules.validate: unfinished": (lambda w: schedules.validate((Advance(0, 1), Advance(1, 2), Reverse(2)), 2), ValueError, "schedule", "reverses 2 layers", "ends before layer 1", "complete it"),
    "schedules.validate: a plan": (lambda w: schedules.validate(schedules.for_budget([2, 1, 2], budget=7), 2), TypeError, "schedule", "a tuple of actions", "a Plan", ".schedule"),
    "schedules.plan: a split at its start": (lambda w: schedules.plan(3, lambda i, j, room: i), ValueError, "split", "0 < k < 3", "0", "split(0, 3, 0)"),
    "schedules.plan: a split at its end": (lambda w: schedules.plan(3, lambda i, j, room: j), ValueError, "split", "0 < k < 3", "3", "split(0, 3, 0)"),
    "schedules.in_segments: too short": (lambda w: schedules.in_segments(5, [2, 2]), ValueError, "lengths", "the sum 5", "[2, 2]", "its segment"),
    "schedules.in_segments: too long": (lambda w: schedules.in_segments(5, [2, 2, 9]), ValueError, "lengths", "the sum 5", "[2, 2, 9]", "its segment"),
    "schedules.in_segments: an empty one": (lambda w: schedules.in_segments(5, [0, 5]), ValueError, "lengths", "positive", "[0, 5]", "its segment"),
    "schedules.depth: a number": (lambda w: schedules.depth(5), TypeError, "schedule", "a tuple", "int", "a planner"),
    "schedules.picture: None": (lambda w: schedules.picture(None), TypeError, "schedule", "a tuple", "NoneType", "a planner"),
    "schedules.picture: broken": (lambda w: schedules.picture((Advance(0, 1), Reverse(5))), ValueError, "schedule", "the rules", "layer 1 is the next", "correct the action"),
    "schedules.for_budget: too little": (budget([5, 7, 3], None, budget=14), ValueError, "budget", "at least 22 bytes", "14", "smaller batch"),
    "schedules.for_budget: words": (budget(budget="64 megs"), ValueError, "budget", "a number of bytes", "'64 megs'", "64MB"),
    "schedules.for_budget: a float": (budget(budget=1e6), TypeError, "budget", "integer", "1000000.0", "int"),
    "schedules.for_budget: digits beyond all writing": (budget(budget="9" * 5000 + "B"), ValueError, "budget", "a number of bytes", "999...", "64MB"),
    "schedules.for_budget: nothing": (budget(budget=""), ValueError, "budget", "a number of bytes", "''", "64MB"),
    "schedules.for_budget: batch forgotten": (budget(batch=None), TypeError, "batch", "a positive integer", "None", "int"),
    "schedules.for_budget: batch zero": (budget(batch=0), ValueError, "batch", "positive", "0", "at least 1"),
    "schedules.for_budget: batch beyond all memory": (budget(batch=2**61), ValueError, "batch", "fewer than 2^60 bytes", "2^66", "smaller"),
    "schedules.for_budget: sizes with a batch": (budget([5, 7, 3], 4), TypeError, "net", "a Network", "list", "Network.initialize"),
    "schedules.for_budget: sizes beyond all memory": (budget([2**62] * 3, None), ValueError, "sizes", "fewer than 2^60 bytes", "2^63", "smaller"),
    "schedules.for_budget: one size": (budget([5], None), ValueError, "sizes", "an input and an output", "[5]", "[784, 30, 10]"),
    "schedules.for_budget: too few costs": (budget([5, 7, 3], None, costs=[1]), ValueError, "costs", "2 finite numbers", "[1]", "each layer"),
    "schedules.for_budget: costs a number": (budget([5, 7, 3], None, costs=1), ValueError, "costs", "2 finite numbers", "1", "each layer"),
    "schedules.for_budget: a cost of words": (budget([5, 7, 3], None, costs=["a", 1]), TypeError, "costs[0]", "a finite number", "'a'", "float"),
    "schedules.for_budget: a cost NaN": (budget([5, 7, 3], None, costs=[1, np.nan]), ValueError, "costs[1]", "finite", "nan", "Try"),
    "schedules.for_budget: moments negative": (budget(moments=-1), ValueError, "moments", "from 0", "-1", "Count"),
    "schedules.for_budget: moments a float": (budget(moments=1.5), TypeError, "moments", "an integer", "1.5", "Count"),
    # ------------------------------------------------------------ memory
    "memory.simulate: None": (lambda w: memory.simulate(None), TypeError, "schedule", "a tuple", "NoneType", "a planner"),
    "memory.simulate: empty": (lambda w: memory.simulate(()), ValueError, "schedule", "reverses 1 layers", "ends before layer 1", "complete it"),
    "memory.simulate: text in an action": (lambda w: memory.simulate((Advance(0, "a"),)), ValueError, "schedule", "the rules", "Python's integers", "correct the action"),
    "memory.simulate: needs": (lambda w: memory.simulate(w.schedule, needs="inptu"), ValueError, "needs", "output or input", "'inptu'", "'input'"),
    "memory.simulate: sizes of another depth": (lambda w: memory.simulate(w.schedule, [3, 4], 5), ValueError, "sizes", "3 sizes", "2", "2 layers"),
    "memory.simulate: batch without sizes": (lambda w: memory.simulate(w.schedule, batch=5), ValueError, "sizes", "the widths", "None", "leave out batch"),
    "memory.simulate: batch": (lambda w: memory.simulate(w.schedule, [3, 4, 2], 0), ValueError, "batch", "positive", "0", "at least 1"),
    "memory.simulate: dtype": (lambda w: memory.simulate(w.schedule, [3, 4, 2], 5, int), TypeError, "dtype", "float32", "int", "np.float32"),
    "memory.predict: no network": (lambda w: memory.predict(5, 4), TypeError, "net", "a Network", "int", "Network.initialize"),
    "memory.predict: batch None": (lambda w: memory.predict(w.net, None), TypeError, "batch", "integer", "None", "int"),
    "memory.predict: batch beyond all memory": (lambda w: memory.predict(w.net, 2**61), ValueError, "batch", "fewer than 2^60 bytes", "2^66", "smaller"),
    "memory.predict: batch beyond all numbers": (lambda w: memory.predict(w.net, 10**30), ValueError, "batch", "fewer than 2^60 bytes", "2^104", "smaller"),
    "memory.predict: moments": (lambda w: memory.predict(w.net, 4, moments=-1), ValueError, "moments", "from 0", "-1", "Count"),
    "memory.predict: schedule": (lambda w: memory.predict(w.net, 4, schedules.store_all(3)), ValueError, "schedule", "the rules", "stop=3", "depth 2"),
    "memory.measure: a result": (lambda w: memory.measure(w.net.logits(w.x)), TypeError, "f", "a function", "array", "lambda"),
    # ------------------------------------------------------------ the commands
    "command.main: no folder": (lambda w: command(w.path("nowhere")), Exit, "nowhere", "a folder", "nothing there", "holds the files"),
    "command.main: a file for a folder": (lambda w: command(w.path()), Exit, "net", "a folder", "a file", "holds the files"),
    "command.main: no files": (lambda w: command(w.path()[:-4]), Exit, "world", "t10k-images-idx3-ubyte or", "neither", "Put MNIST's files there"),
    "command.main: epochs": (lambda w: command("invented", "--epochs", "0"), Exit, "epochs", "positive", "0", "at least 1"),
    "command.main: rate": (lambda w: command("invented", "--rate", "-1"), Exit, "learning_rate", "positive", "-1", "1.0"),
    "command.main: rate infinite": (lambda w: command("invented", "--rate", "1e999"), Exit, "learning_rate", "finite", "inf", "1.0"),
    "command.main: hidden": (lambda w: command("invented", "--hidden", "30", "0"), Exit, "sizes[2]", "positive", "0", "at least 1"),
    "command.main: hidden beyond all memory": (lambda w: command("invented", "--hidden", str(10**17)), Exit, "sizes", "fewer than 2^60 bytes", "2^68", "smaller"),
    "command.main: seed": (lambda w: command("invented", "--seed", "-1"), Exit, "--seed", "from 0", "-1", "Count"),
    "memory.__main__.main: one width": (lambda w: planning("784", "--batch", "4"), Exit, "sizes", "an input and an output", "[784]", "[784, 30, 10]"),
    "memory.__main__.main: width zero": (lambda w: planning("784", "0", "10", "--batch", "4"), Exit, "sizes[1]", "positive", "0", "at least 1"),
    "memory.__main__.main: widths beyond all memory": (lambda w: planning(str(10**10), str(10**10), "--batch", "4"), Exit, "widths", "fewer than 2^60 bytes", "2^68", "smaller"),
    "memory.__main__.main: batch": (lambda w: planning("784", "10", "--batch", "0"), Exit, "--batch", "positive", "0", "at least 1"),
    "memory.__main__.main: batch beyond all memory": (lambda w: planning("784", "10", "--batch", str(10**20)), Exit, "batch", "fewer than 2^60 bytes", "2^78", "smaller"),
    "memory.__main__.main: budget": (lambda w: planning("784", "10", "--batch", "4", "--budget", "much"), Exit, "--budget", "a number of bytes", "'much'", "64MB"),
    "memory.__main__.main: budget empty": (lambda w: planning("784", "10", "--batch", "4", "--budget", ""), Exit, "--budget", "a number of bytes", "''", "64MB"),
    "memory.__main__.main: hidden": (lambda w: planning("784", "10", "--batch", "4", "--hidden", "rleu"), Exit, "--hidden", "sigmoid or", "'rleu'", "'relu'"),
    "memory.__main__.main: moments": (lambda w: planning("784", "10", "--batch", "4", "--moments", "-1"), Exit, "--moments", "from 0", "-1", "Count"),
}  # fmt: skip

KERNEL = "below the border: it trusts the arrays that a public function has checked, and promises no error"
PART = (
    "a step of the public function before it, which passes on what is checked; its callers are in the table"
)
RESULT = "made by the package and handed out: there is nothing to check"
PROTOCOL = "a list of members for readers of types; who has them is tried by `validation.activation`"
VALUE = "plain data that means nothing until a function takes it, and then that function checks it"

SAFE = {  # what is public and not in the table, by the reason why it cannot be misused
    KERNEL: """activations.Sigmoid activations.Tanh activations.ReLU activations.LeakyReLU activations.ELU
        activations.Softplus activations.Softsign activations.SiLU activations.GELU activations.GELUTanh
        activations.Identity activations.horner activations.normal_cdf arrays.all_finite arrays.kernel_arithmetic
        backprop.Buffers backprop.backprop checkpointing.Pool checkpointing.Execution checkpointing.execute
        checkpointing.view checks.Linear curvature.Moving curvature.sweep curvature.derivative curvature.pull_back
        curvature.moving_pull_back dropout.Dropped dropout.stream layers.Layer layers.advance layers.reverse
        layers.evaluate layers.workspace layers.shaped layers.split layers.chain losses.shift losses.normalize
        losses.top_and_rest losses.CrossEntropy losses.BinaryCrossEntropy losses.SquaredError
        network.forward optimizers.SGD optimizers.descend optimizers.Penalty""",
    PART: """command.parser command.prepare data.fifth_of_each_digit data.split data.pair data.find data.unpack
        files.description files.refuse_unnamed files.refuse_stranger files.write files.replacing files.digest
        files.unpack files.short files.examine files.examine_training files.entries files.refuse_other
        memory.state_bytes memory.__main__.parser memory.__main__.shape memory.__main__.table
        memory.__main__.planned memory.__main__.row memory.__main__.recommend network.normal network.glorot
        network.he network.orthogonal network.automatic schedules.walk schedules.sequence schedules.broken_rule
        schedules.first_checkpoint schedules.most_held schedules.held
        schedules.transients schedules.least_bytes schedules.bottlenecks schedules.thriftiest schedules.cheapest
        schedules.demands training.Batch training.Progress validation.listed validation.message
        validation.shown validation.shape_remedy validation.class_numbers validation.to_float validation.try_derivative validation.try_value""",
    RESULT: """backprop.Gradient data.Examples files.Saved memory.Moment memory.Ledger memory.Bytes schedules.Step
        schedules.Plan schedules.OverBudget training.Record training.Diverged training.State training.Run
        network.Network""",
    PROTOCOL: "activations.Activation losses.Differentiable losses.Loss optimizers.Optimizer",
    VALUE: "schedules.Advance schedules.Reverse schedules.Drop",
}


def passed(error: BaseException) -> Iterator[str]:
    """The functions of the package that an error came through, as `module.name`."""
    trace = error.__traceback__
    while trace is not None:
        module, code = trace.tb_frame.f_globals["__name__"], trace.tb_frame.f_code
        if module.startswith("mlp."):
            yield f"{module.removeprefix('mlp.')}.{code.co_qualname.partition('.<')[0]}"
        trace = trace.tb_next


def refused(case: str, world: World) -> BaseException:
    """The error of a row, after everything has been looked at but who refused."""
    call, kind, what, expected, came, remedy = TABLE[case]
    before = world.resting()
    with pytest.raises(kind) as caught:
        call(world)
    assert type(caught.value) is (
        kind if case != "schedules.for_budget: too little" else schedules.OverBudget
    )
    text = str(caught.value)
    subject, _, rest = text.partition(": expected ")
    middle, _, last = rest.partition(", got ")
    assert what in subject and expected in middle + last and came in last and remedy in last, text
    assert text.endswith((".", "?")) and "\n" not in text and len(text) < 1200
    assert world.resting() == before
    return caught.value


CHANGES: dict[str, Callable[[World], Any]] = {
    "a parameter": lambda w: w.net.parameters.put(25, 7.0),
    "a moment": lambda w: w.run.optimizer.moments.put(0, 7.0),
    "an entry of x": lambda w: w.x.put(0, 7.0),
    "the generator": lambda w: w.rng.random(),
    "NumPy's own generator": lambda w: np.random.random(),
    "a setting of NumPy": lambda w: np.setbufsize(np.getbufsize() + 16),
    "a byte in a file": lambda w: (w.folder / "cut").write_bytes(b"cut"),
    "one file more": lambda w: (w.folder / "net.tmp").touch(),
    "a name in a table": lambda w: mlp.activations.by_name.update(plain=Plain()),
    "the run": lambda w: next(w.run),
}


@pytest.mark.parametrize("change", CHANGES)
def test_a_change_of_the_world_is_seen(change: str, tmp_path: Path) -> None:
    world, size = World(tmp_path), np.getbufsize()
    before = world.resting()
    assert world.resting() == before
    CHANGES[change](world)
    assert world.resting() != before
    np.setbufsize(size)
    mlp.activations.by_name.pop("plain", None)


@pytest.mark.parametrize("case", TABLE)
def test_what_is_refused(case: str, world: World) -> None:
    error, name = refused(case, world), case.partition(":")[0]
    if not isinstance(error, Exit):  # then the command has caught the error, and told it
        assert any(at == name or at.startswith(f"{name}.") for at in passed(error)), list(passed(error))


def modules() -> Iterator[ModuleType]:
    """The modules of the package, its commands among them."""
    for found in pkgutil.walk_packages(mlp.__path__, "mlp."):
        if found.name != "mlp.__main__":  # which runs the command when it is imported
            yield importlib.import_module(found.name)


def public() -> set[str]:
    """Every function and class that the package defines without an underscore, and the methods of `Network`."""
    names = set()
    for module in modules():
        for name, thing in vars(module).items():
            own = getattr(thing, "__module__", None) == module.__name__
            if own and not name.startswith("_") and (inspect.isfunction(thing) or inspect.isclass(thing)):
                names.add(f"{module.__name__.removeprefix('mlp.')}.{name}")
    methods = {name for name, thing in vars(Network).items() if inspect.isroutine(thing) and name[0] != "_"}
    return names | {f"network.Network.{name}" for name in methods}


def test_every_public_name_is_in_the_table_or_has_a_reason(world: World) -> None:
    tried = {case.partition(":")[0] for case in TABLE}
    excused = Counter(name for names in SAFE.values() for name in names.split())
    refusing = {at for case in TABLE for at in passed(refused(case, world)) if at.startswith("validation.")}
    rules = {name for name in public() if name.startswith("validation.")}
    assert len(TABLE) >= 100 and max(excused.values()) == 1
    assert not tried & set(excused)
    assert public() - rules == (tried | set(excused)) - rules
    assert rules == refusing | (rules & set(excused)), "a rule that nobody has seen refuse"
    assert not refusing & set(excused) - {"validation.try_value", "validation.try_derivative"}


def test_what_the_package_offers_is_among_the_public_names() -> None:
    """The names of `mlp` itself are its modules, or stand under their module's name."""
    here = {module.__name__ for module in modules()}
    for name in mlp.__all__:
        thing = getattr(mlp, name)
        if inspect.ismodule(thing):
            assert thing.__name__ in here
        else:
            assert f"{thing.__module__.removeprefix('mlp.')}.{thing.__name__}" in public()


def test_the_documentation_of_what_is_safe_promises_no_error() -> None:
    """What is excused as a kernel or a part says in no docstring that it raises or refuses."""
    for name in (SAFE[KERNEL] + " " + SAFE[VALUE]).split():
        module, _, local = name.rpartition(".")
        text = inspect.getdoc(getattr(importlib.import_module(f"mlp.{module}"), local)) or ""
        assert "Raises" not in text and "refuse" not in text.lower(), name


def test_large_numbers_are_finite_although_their_sum_is_not() -> None:
    assert mlp.arrays.all_finite(np.full(2, np.finfo(np.float32).max))


def test_accuracy_of_one_yes_or_no_question() -> None:
    net = Network.initialize([1, 1], loss="binary_cross_entropy")
    net.parameters[...] = 1, 0
    x, y = np.array([[-2, -1, 1, 2]], np.float32), np.array([[0, 1, 0.7, 0.5]], np.float32)
    assert mlp.accuracy(net, x, y) == 0.5
    assert next(mlp.train(net, x, y, epochs=1, learning_rate=1e-9, validation=(x, y))).accuracy == 0.5


def test_what_is_accepted() -> None:
    net = Network.initialize(np.array([3, 4, 2]), dtype="float64", rng=np.int64(0))
    assert net.backprop(X, Y).loss == net.backprop(X.astype(float), Y.tolist()).loss
    soft = np.array([[0.1], [0.9]], np.float32)  # sums to one in float32 only, and is judged in float32
    assert np.isfinite(net.loss_value(X[:, :1], soft))
    two = Network.initialize([3, 4, 2], loss="binary_cross_entropy")
    assert two.loss_value(X, np.array([[1], [0.3]]) * np.ones(4)) > 0  # two questions, not two classes
    assert Network.initialize([3, 1], loss="squared_error").loss_value(X, np.full((1, 4), 7.0)) > 0
    big = schedules.for_budget([5, 7, 3], budget="9" * 400 + "B")  # whatever there is, more does no harm
    assert big.schedule == schedules.store_all(2)
    assert validation.byte_count("budget", "9007199254740993B") == 2**53 + 1  # no float in between
    planned = schedules.for_budget([5, 7, 3], budget=1000, costs=np.array([2.0, 1.0]))
    assert planned.cost == 3.0
    huge = memory.predict(net, 2**50)
    assert huge.total > 2**55 and min(huge) >= 0
