# ruff: noqa: E501 (the table of refusals)
"""What the package refuses: type, the three parts of the message, and that nothing has changed."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import mlp
from mlp import Network

smooth = mlp.losses.smooth_labels
X, Y = np.linspace(0, 1, 12, dtype=np.float32).reshape(3, 4), np.eye(2, dtype=np.float32)[:, [0, 1, 0, 1]]


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


class Idle(mlp.activations.Softsign):
    name = "idle"

    def multiply_derivative(self, delta: Any, x: Any, rest: Any) -> Any:
        return delta * (1 - abs(x)) ** 2


class Needless(Returns):
    name, needs = "needless", "nothing"


class Nameless:
    needs = "input"


def initialize(**options: Any) -> Callable[[Network], Any]:
    """A call of `Network.initialize` with these options."""
    return lambda net: Network.initialize(**{"sizes": [3, 4, 2], **options})


def with_(x: Any, y: Any = Y) -> Callable[[Network], Any]:
    """A call of `backprop` with these arrays."""
    return lambda net: net.backprop(x, y)


def binary() -> Network:
    """A network whose labels must be probabilities, but no distributions."""
    return Network.initialize([3, 4, 2], loss="binary_cross_entropy")


def train(x: Any = X, y: Any = Y, **options: Any) -> Callable[[Network], Any]:
    """A call of `train`, which is never iterated."""
    return lambda net: mlp.train(net, x, y, **{"epochs": 1, **options})


def spoilt(value: float) -> Any:
    """X with one entry that is no number."""
    x = X.copy()
    x[1, 2] = value
    return x


WRONG = {  # name: (call, error, what, expected, came, remedy)
    "one size": (initialize(sizes=[3]), ValueError, "sizes", "an input and an output", "[3]", "[784, 30, 10]"),
    "sizes a number": (initialize(sizes=3), ValueError, "sizes", "widths", "3", "[784, 30, 10]"),
    "size zero": (initialize(sizes=[3, 0, 2]), ValueError, "sizes[1]", "positive", "0", "at least 1"),
    "size a float": (initialize(sizes=[3, 4.0, 2]), TypeError, "sizes[1]", "integer", "4.0", "int"),
    "size a truth": (initialize(sizes=[3, True, 2]), TypeError, "sizes[1]", "integer", "True", "int"),
    "hidden misspelt": (initialize(hidden="sigmiod"), ValueError, "hidden", "sigmoid or tanh", "'sigmiod'", "Write 'sigmoid'"),
    "hidden without name": (initialize(hidden=Nameless()), TypeError, "hidden", "'name'", "Nameless", "add it"),
    "hidden returns": (initialize(hidden=Returns()), TypeError, "returns", "written into out", "left as it was", "out[...] ="),
    "hidden destroys z": (initialize(hidden=Destroys()), TypeError, "destroys", "z left", "a changed z", "Work in out"),
    "hidden returns its derivative": (initialize(hidden=Idle()), TypeError, "multiply_derivative of idle", "in place", "left as it was", "delta *="),
    "hidden needs": (initialize(hidden=Needless()), ValueError, "needless", "'output' or 'input'", "'nothing'", "Say"),
    "loss misspelt": (initialize(loss="squared"), ValueError, "loss", "cross_entropy or", "'squared'", "'squared_error'"),
    "initialization": (initialize(initialization="xavier"), ValueError, "initialization", "glorot", "'xavier'", "Write"),
    "dtype integer": (initialize(dtype=np.int64), TypeError, "dtype", "float32 or float64", "int64", "np.float32"),
    "dtype complex": (initialize(dtype=np.complex128), TypeError, "dtype", "float32", "complex128", "np.float32"),
    "dtype None": (initialize(dtype=None), TypeError, "dtype", "float32", "None", "np.float32"),
    "rng None": (initialize(rng=None), TypeError, "rng", "seed", "None", "rng=0"),
    "rng negative": (initialize(rng=-1), TypeError, "rng", "seed", "-1", "rng=0"),
    "rng legacy": (initialize(rng=np.random.RandomState(0)), TypeError, "rng", "Generator", "RandomState", "rng=0"),
    "x transposed": (with_(X.T), ValueError, "x", "(3, B)", "(4, 3)", "x.T"),
    "x a vector": (with_(X[:, 0]), ValueError, "x", "(3, B)", "(3,)", "x[:, np.newaxis]"),
    "x of other rows": (with_(np.ones((5, 4), np.float32)), ValueError, "x", "(3, B)", "(5, 4)", "sizes"),
    "x empty": (with_(X[:, :0], Y[:, :0]), ValueError, "x", "B >= 1", "(3, 0)", "at least one example"),
    "x integer": (with_(np.ones((3, 4), int)), TypeError, "x", "float32 or float64", "int64 of shape (3, 4)", "x.astype(np.float32)"),
    "x boolean": (with_(np.ones((3, 4), bool)), TypeError, "x", "float32", "bool", "x.astype"),
    "x object": (with_(np.ones((3, 4), object)), TypeError, "x", "float32", "object", "x.astype"),
    "x complex": (with_(X.astype(complex)), TypeError, "x", "float32", "complex128", "x.astype"),
    "x half": (with_(X.astype(np.float16)), TypeError, "x", "float32", "float16", "x.astype"),
    "x NaN": (with_(spoilt(np.nan)), ValueError, "x", "finite", "NaN or infinity", "Clean"),
    "x infinite": (with_(spoilt(-np.inf)), ValueError, "x", "finite", "NaN or infinity", "Clean"),
    "x too large": (with_(X.astype(float) * 1e300), ValueError, "x", "finite in float32", "infinity in float64", "Clean"),
    "y NaN": (with_(X, np.full((2, 4), np.nan)), ValueError, "y", "finite", "NaN", "Clean"),
    "y of other rows": (with_(X, np.ones((3, 4))), ValueError, "y", "(2, B)", "(3, 4)", "sizes"),
    "y of another batch": (with_(X, Y[:, :3]), ValueError, "y", "as many columns as x, 4", "(2, 3)", "its label"),
    "y integer": (with_(X, Y.astype(int)), TypeError, "y", "float32", "int64", "y.astype(np.float32)"),
    "y no distribution": (with_(X, Y * 1.001), ValueError, "y", "sum to one within 1e-06", "off by 0.001", "one_hot"),
    "one column of y": (with_(X, np.where(np.arange(4) == 2, 0.3, Y)), ValueError, "y", "sum to one", "off by 0.4", "one_hot"),
    "y float64 off": (with_(X, Y.astype(float) + 1e-9), ValueError, "y", "within 1e-12", "off by 2e-09", "one_hot"),
    "y negative": (with_(X, np.array([[-0.5], [1.5]]) * np.ones(4)), ValueError, "y", "from 0 to 1", "-0.5 to 1.5", "squared_error"),
    "y no probability": (lambda net: binary().backprop(X, Y * 2), ValueError, "y", "from 0 to 1", "0 to 2", "squared_error"),
    "y below 0": (lambda net: binary().loss_value(X, Y - 1), ValueError, "y", "from 0 to 1", "-1 to 0", "squared_error"),
    "smooth a list": (lambda net: smooth([[1.0], [0.0]], 0.1), TypeError, "y", "float32 or float64", "list", "np.asarray(y"),
    "smooth integers": (lambda net: smooth(Y.astype(int), 0.1), TypeError, "y", "float32 or float64", "int64", "np.asarray(y"),
    "smooth complex": (lambda net: smooth(Y.astype(complex), 0.1), TypeError, "y", "float32 or float64", "complex128", "np.asarray(y"),
    "smooth a vector": (lambda net: smooth(Y[:, 0], 0.1), ValueError, "y", "a matrix", "(2,)", "y[:, np.newaxis]"),
    "smooth nothing": (lambda net: smooth(Y[:, :0], 0.1), ValueError, "y", "a matrix", "(2, 0)", "y[:, np.newaxis]"),
    "smooth no distribution": (lambda net: smooth(Y * 2, 0.1), ValueError, "y", "sum to one", "off by 1", "one_hot"),
    "smooth too much": (lambda net: smooth(Y, 1.5), ValueError, "amount", "from 0 to 1", "1.5", "0.1"),
    "smooth below": (lambda net: smooth(Y, -0.1), ValueError, "amount", "from 0 to 1", "-0.1", "0.1"),
    "smooth NaN": (lambda net: smooth(Y, np.nan), ValueError, "amount", "from 0 to 1", "nan", "0.1"),
    "smooth text": (lambda net: smooth(Y, "0.1"), TypeError, "amount", "from 0 to 1", "'0.1'", "float"),
    "logsumexp": (lambda net: mlp.losses.logsumexp(X[0]), ValueError, "z", "a matrix", "(4,)", "z[:, np.newaxis]"),
    "logsumexp half": (lambda net: mlp.losses.logsumexp(X.astype(np.float16)), TypeError, "z", "complex128", "float16", "np.asarray(z"),
    "logsumexp NaN": (lambda net: mlp.losses.logsumexp(spoilt(np.nan)), ValueError, "z", "finite", "NaN", "Clean"),
    "log_softmax infinite": (lambda net: mlp.losses.log_softmax(spoilt(-np.inf)), ValueError, "z", "finite", "infinity", "Clean"),
    "log_softmax a list": (lambda net: mlp.losses.log_softmax([[1.0]]), TypeError, "z", "float32", "list", "np.asarray(z"),
    "logits": (lambda net: net.logits(X.T), ValueError, "x", "(3, B)", "(4, 3)", "x.T"),
    "predict": (lambda net: net.predict(X.T), ValueError, "x", "(3, B)", "(4, 3)", "x.T"),
    "loss_value": (lambda net: net.loss_value(X, Y[:, :1]), ValueError, "y", "as many", "(2, 1)", "its label"),
    "epochs zero": (train(epochs=0), ValueError, "epochs", "positive", "0", "at least 1"),
    "epochs float": (train(epochs=1.5), TypeError, "epochs", "integer", "1.5", "int"),
    "batch_size": (train(batch_size=-5), ValueError, "batch_size", "positive", "-5", "at least 1"),
    "rate zero": (train(learning_rate=0), ValueError, "learning_rate", "positive", "0", "1.0"),
    "rate negative": (train(learning_rate=-1), ValueError, "learning_rate", "positive", "-1", "1.0"),
    "rate infinite": (train(learning_rate=np.inf), ValueError, "learning_rate", "finite", "inf", "1.0"),
    "rate NaN": (train(learning_rate=np.nan), ValueError, "learning_rate", "finite", "nan", "1.0"),
    "rate text": (train(learning_rate="fast"), TypeError, "learning_rate", "number", "'fast'", "float"),
    "train rng": (train(rng="seed"), TypeError, "rng", "seed", "'seed'", "rng=0"),
    "train x": (train(x=X.T), ValueError, "x", "(3, B)", "(4, 3)", "x.T"),
    "train y": (train(y=Y[:, :2]), ValueError, "y", "as many", "(2, 2)", "its label"),
    "validation a list": (train(validation=[X, Y]), TypeError, "validation", "(x, y)", "list", "validation=(x, y)"),
    "validation x": (train(validation=(X.T, Y)), ValueError, "x", "(3, B)", "(4, 3)", "x.T"),
    "labels of floats": (lambda net: mlp.data.one_hot(Y[0], 2), TypeError, "labels", "integers", "float32", "astype(int)"),
    "labels a matrix": (lambda net: mlp.data.one_hot(Y.astype(int), 2), TypeError, "labels", "(N,)", "(2, 4)", "ravel"),
    "label too large": (lambda net: mlp.data.one_hot(np.array([0, 2]), 2), ValueError, "labels", "0 to 1", "0 to 2", "raise classes"),
    "label negative": (lambda net: mlp.data.one_hot(np.array([-1]), 2), ValueError, "labels", "0 to 1", "-1", "from 0"),
    "no labels": (lambda net: mlp.data.one_hot(np.array([], int), 2), TypeError, "labels", "N >= 1", "(0,)", "astype"),
    "classes": (lambda net: mlp.data.one_hot(np.array([0]), 0), ValueError, "classes", "positive", "0", "at least 1"),
    "one_hot dtype": (lambda net: mlp.data.one_hot(np.array([0]), 1, int), TypeError, "dtype", "float32", "int", "np.float32"),
    "digits rng": (lambda net: mlp.data.digits(rng=1.5), TypeError, "rng", "seed", "1.5", "rng=0"),
    "accuracy": (lambda net: mlp.accuracy(net, X.T, Y), ValueError, "x", "(3, B)", "(4, 3)", "x.T"),
    "complex step": (lambda net: mlp.checks.complex_step_gradient(net, X.T, Y), ValueError, "x", "(3, B)", "(4, 3)", "x.T"),
    "dot product": (lambda net: mlp.checks.network_dot_product_test(net, X.T), ValueError, "x", "(3, B)", "(4, 3)", "x.T"),
    "layer": (lambda net: mlp.checks.layer_dot_product_test(net.layers[0], X.T), ValueError, "z", "(3, B)", "(4, 3)", "z.T"),
}  # fmt: skip


@pytest.mark.parametrize("name", WRONG)
def test_what_is_refused(name: str) -> None:
    call, error, what, expected, came, remedy = WRONG[name]
    net = Network.initialize([3, 4, 2])
    before = net.parameters.copy()
    with pytest.raises(error) as caught:
        call(net)
    text = str(caught.value)
    subject, _, rest = text.partition(": expected ")
    middle, _, end = rest.partition(", got ")
    assert what in subject and expected in middle + end and came in end and remedy in end, text
    assert text.endswith(".") and np.array_equal(net.parameters, before)


def test_large_numbers_are_finite_although_their_sum_is_not() -> None:
    assert mlp.arrays.all_finite(np.full(2, np.finfo(np.float32).max))


def test_accuracy_needs_two_outputs() -> None:
    net, y = Network.initialize([3, 1], loss="squared_error"), np.ones((1, 4), np.float32)
    with pytest.raises(ValueError, match="two outputs or more"):
        mlp.train(net, X, y, epochs=1, validation=(X, y))


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
    assert binary().loss_value(X, np.array([[1], [0.3]]) * np.ones(4)) > 0  # two questions, not two classes
    assert Network.initialize([3, 1], loss="squared_error").loss_value(X, np.full((1, 4), 7.0)) > 0
