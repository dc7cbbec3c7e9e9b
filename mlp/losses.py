"""Losses: functions of the logits, whose derivative starts the way back.

A loss sums over the outputs and averages over the columns of a batch. The factor 1/B of that
average enters Delta_n = dL/dZ_n here, once, and nowhere else in the package. Value and
derivative are computed together, because they share the exponentials; a gradient check of the
pair is a check of exactly what training uses.
"""

from typing import Protocol

import numpy as np

from mlp import validation
from mlp.activations import sigmoid
from mlp.arrays import Array, kernel_arithmetic


class Differentiable(Protocol):
    """What the loop of backpropagation asks of a loss."""

    def value_and_delta(self, z: Array, y: Array, /) -> float:
        """Return L(z, y) and overwrite `z` by dL/dz; complex logits have a complex loss."""


class Loss(Differentiable, Protocol):
    """What a network asks of a loss beyond that."""

    @property
    def name(self) -> str:
        """How `Network.initialize` and messages call it."""

    @property
    def distributions(self) -> bool:
        """True if each column of labels must sum to one."""

    @property
    def probabilities(self) -> bool:
        """True if each label must lie in [0, 1]."""

    def multiply_hessian(self, z: Array, v: Array, /) -> None:
        """Overwrite each column of `v` by the Hessian of L at that column of `z`, times it; `z` may be lost.

        For all losses here that Hessian does not depend on the labels.
        """

    def predict(self, z: Array, /) -> None:
        """Overwrite the logits `z` by what they predict."""


def shift(z: Array) -> None:
    """Subtract its maximum (by the real part) from each column of `z`, (d, B), in place.

    The softmax of a column does not change, and no exponential can overflow any more.
    """
    np.subtract(z, np.maximum.reduce(z.real, axis=0), out=z)


def normalize(z: Array) -> Array:
    """Overwrite each column of `z`, (d, B), by e^z / sum e^z and return the sums, (B,)."""
    np.exp(z, out=z)
    sums: Array = np.add.reduce(z, axis=0)
    np.divide(z, sums, out=z)
    return sums


def softmax(z: Array) -> None:
    """Overwrite each column of `z`, (d, B), by its softmax e^z / sum e^z, free of overflow.

    Raises TypeError or ValueError, with `z` as it was, unless it is a matrix of finite numbers.

    >>> z = np.array([[1000.0], [1000.0]])
    >>> softmax(z); z.ravel()
    array([0.5, 0.5])
    """
    validation.matrix("z", z, "fdFD")
    validation.writeable("z", z)
    with kernel_arithmetic():
        shift(z)
        normalize(z)


def top_and_rest(z: Array) -> tuple[Array, Array]:
    """The largest entry t of each column (by the real part), and the sum of e^(z-t) over the others.

    `z` (d, B) stays as it is; both results have shape (1, B).
    """
    place = np.argmax(z.real, axis=0)[np.newaxis]
    top = np.take_along_axis(z, place, axis=0)
    powers = np.exp(z - top)
    np.put_along_axis(powers, place, 0, axis=0)
    return top, np.add.reduce(powers, axis=0, keepdims=True)


def logsumexp(z: Array) -> Array:
    """Take log sum e^z of each column of `z`, (d, B) to (B,), free of overflow; `z` stays as it is.

    The largest power, e^0 = 1, is left to log1p, so that what the others add to it is not lost. The
    dtype of `z`, real or complex, is kept. Raises TypeError or ValueError unless `z` is a matrix of
    finite numbers.

    >>> logsumexp(np.array([[0.0, 1000.0], [-40.0, 1000.0]]))
    array([4.24835426e-18, 1.00069315e+03])
    """
    validation.matrix("z", z, "fdFD")
    with kernel_arithmetic():
        top, rest = top_and_rest(z)
        value: Array = (top + np.log1p(rest))[0]
    return value


def log_softmax(z: Array) -> None:
    """Overwrite each column of `z`, (d, B), by the logarithms of its softmax, z - log sum e^z.

    They are finite where a probability underflows, and keep their relative accuracy where one rounds
    to 1. Raises TypeError or ValueError, with `z` as it was, unless it is a matrix of finite numbers.

    >>> z = np.array([[0.0], [-800.0]])
    >>> log_softmax(z); z.ravel()
    array([   0., -800.])
    """
    validation.matrix("z", z, "fdFD")
    validation.writeable("z", z)
    with kernel_arithmetic():
        top, rest = top_and_rest(z)
        np.subtract(z, top, out=z)
        np.subtract(z, np.log1p(rest), out=z)


def smooth_labels(y: Array, amount: float) -> Array:
    """Move the share `amount` of each column of labels evenly to all K classes: (1 - a) y + a/K.

    y : (K, B), float32 or float64, columns that sum to one; those of the result do so again, and y stays.
    amount : a, from 0 to 1. It goes to all K classes, so the right one keeps 1 - a + a/K, not 1 - a.

    Raises TypeError or ValueError for other arguments.

    >>> smooth_labels(np.array([[1.0], [0.0], [0.0], [0.0]]), 0.2).ravel()
    array([0.85, 0.05, 0.05, 0.05])
    """
    validation.matrix("y", y, "fd")
    validation.distributions("y", y)
    amount = validation.number("amount", amount, "a number from 0 to 1")
    smooth: Array = (1 - amount) * y + amount / len(y)
    return smooth


class CrossEntropy:
    """L = mean over columns of log sum e^z - <y, z>: softmax and log-loss in one function.

    `y` (d_n, B) holds one-hot or soft labels. Its columns must sum to one; then the maximum m
    that is subtracted from z cancels, L = log sum e^(z-m) - <y, z-m>, and dL/dz = (softmax(z) - y)/B.
    The value of a column is accurate to a few units in the last place of max(1, L), not relative
    to L: for a confident, right prediction with loss below one unit (1e-7 in float32) it is 0.
    The derivative, a difference of two numbers in [0, 1], does not suffer from this.
    """

    name = "cross_entropy"
    distributions = True
    probabilities = True

    def value_and_delta(self, z: Array, y: Array) -> float:
        """Return the loss of the logits `z` and overwrite them by Delta_n = (softmax(z) - y)/B."""
        batch = z.shape[1]
        shift(z)
        score = np.dot(y.ravel(), z.ravel())
        sums = normalize(z)
        np.subtract(z, y, out=z)
        np.divide(z, batch, out=z)
        value: float = (np.add.reduce(np.log(sums, out=sums)) - score).item() / batch
        return value

    def multiply_hessian(self, z: Array, v: Array) -> None:
        """Overwrite `v` by (Diag p - p p^T) v / B = p (v - <p, v>) / B, column by column, p = softmax(z)."""
        shift(z)
        normalize(z)
        np.subtract(v, np.einsum("ij,ij->j", z, v), out=v)
        np.multiply(v, z, out=v)
        np.divide(v, z.shape[1], out=v)

    def predict(self, z: Array) -> None:
        """Overwrite the logits `z` by the probabilities softmax(z)."""
        with kernel_arithmetic():
            shift(z)
            normalize(z)


class BinaryCrossEntropy:
    """L = mean over columns of sum log(1 + e^z) - y z: each output is a yes-or-no question of its own.

    `y` (d_n, B) holds labels in [0, 1]; with the sigmoid s, dL/dz = (s(z) - y)/B. With t = e^-|z| and
    the gap g = [z > 0] - y, a term is g z + log(1 + t), and its derivative is g - t/(1 + t) where
    z > 0, else g + t/(1 + t). Nothing overflows, and in the value nothing cancels: it is accurate
    relative to itself. |z| goes by the real part.
    """

    name = "binary_cross_entropy"
    distributions = False
    probabilities = True

    def value_and_delta(self, z: Array, y: Array) -> float:
        """Return the loss of the logits `z` and overwrite them by Delta_n = (s(z) - y)/B."""
        total = 0.0
        # Row by row, so that all temporary arrays are rows.
        for row, labels in zip(z, y, strict=True):
            positive = row.real > 0
            gap = positive - labels
            total += np.dot(gap, row).item()
            np.negative(row, out=row, where=positive)
            np.exp(row, out=row)
            total += np.add.reduce(np.log1p(row)).item()
            np.divide(row, row + 1, out=row)
            np.negative(row, out=row, where=positive)
            np.add(row, gap, out=row)
        np.divide(z, z.shape[1], out=z)
        value: float = total / z.shape[1]
        return value

    def multiply_hessian(self, z: Array, v: Array) -> None:
        """Overwrite `v` by s (1 - s) v / B = t v / (1 + t)^2 / B, with t = e^-|z|."""
        np.negative(z, out=z, where=z.real > 0)
        np.exp(z, out=z)
        np.multiply(v, z, out=v)
        np.add(z, 1, out=z)
        np.divide(v, z, out=v)
        np.divide(v, z, out=v)
        np.divide(v, z.shape[1], out=v)

    def predict(self, z: Array) -> None:
        """Overwrite the logits `z` by the probabilities s(z), an output each."""
        with kernel_arithmetic():
            sigmoid.value(z, z)


class SquaredError:
    """L = mean over columns of 1/2 ||z - y||^2, with dL/dz = (z - y)/B."""

    name = "squared_error"
    distributions = False
    probabilities = False

    def value_and_delta(self, z: Array, y: Array) -> float:
        """Return the loss of the outputs `z` and overwrite them by Delta_n = (z - y)/B."""
        batch = z.shape[1]
        z -= y
        value: float = np.einsum("ij,ij->", z, z).item() / (2 * batch)
        z /= batch
        return value

    def multiply_hessian(self, z: Array, v: Array) -> None:
        """Overwrite `v` by v / B: the Hessian of a column is the identity."""
        np.divide(v, z.shape[1], out=v)

    def predict(self, z: Array) -> None:
        """Leave the outputs as they are: they are the prediction."""


by_name: dict[str, Loss] = {
    loss.name: loss for loss in (CrossEntropy(), BinaryCrossEntropy(), SquaredError())
}
