"""Losses: functions of the logits, whose derivative starts the way back.

A loss sums over the outputs and averages over the columns of a batch. The factor 1/B of that
average enters Delta_n = dL/dZ_n here, once, and nowhere else in the package. Value and
derivative are computed together, because they share the exponentials; a gradient check of the
pair is a check of exactly what training uses.
"""

from typing import Protocol

import numpy as np

from mlp.arrays import Array


class Loss(Protocol):
    """What a network asks of a loss."""

    @property
    def name(self) -> str:
        """How `Network.initialize` and messages call it."""
        ...

    @property
    def distributions(self) -> bool:
        """True if each column of labels must sum to one."""
        ...

    def value_and_delta(self, z: Array, y: Array, /) -> float:
        """Return L(z, y) and overwrite `z` by dL/dz; complex logits have a complex loss."""
        ...

    def multiply_hessian(self, z: Array, v: Array, /) -> None:
        """Overwrite each column v_j of `v`, (d_n, B), by H_j v_j / B; `z` may be destroyed.

        H_j is the second derivative of the loss of one column at the logits z_j.
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

    >>> z = np.array([[1000.0], [1000.0]])
    >>> softmax(z); z.ravel()
    array([0.5, 0.5])
    """
    shift(z)
    normalize(z)


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
        """Overwrite `v` by p (.) (v - <p, v>) / B, column by column, and `z` by p = softmax(z)."""
        softmax(z)
        v -= np.einsum("ij,ij->j", z, v)
        v *= z
        v /= z.shape[1]

    def predict(self, z: Array) -> None:
        """Overwrite the logits `z` by the probabilities softmax(z)."""
        softmax(z)


class SquaredError:
    """L = mean over columns of 1/2 ||z - y||^2, with dL/dz = (z - y)/B."""

    name = "squared_error"
    distributions = False

    def value_and_delta(self, z: Array, y: Array) -> float:
        """Return the loss of the outputs `z` and overwrite them by Delta_n = (z - y)/B."""
        batch = z.shape[1]
        z -= y
        value: float = np.einsum("ij,ij->", z, z).item() / (2 * batch)
        z /= batch
        return value

    def multiply_hessian(self, z: Array, v: Array) -> None:
        """Overwrite `v` by v / B."""
        v /= z.shape[1]

    def predict(self, z: Array) -> None:
        """Leave the outputs as they are: they are the prediction."""


by_name: dict[str, Loss] = {loss.name: loss for loss in (CrossEntropy(), SquaredError())}
