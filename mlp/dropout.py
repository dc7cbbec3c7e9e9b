"""Dropout: in training, entries of the hidden layers are set to 0 at random.

With the probability `rate`, p, an entry of X_k is dropped; those that are kept are multiplied by
1 / (1 - p), so that the mean over all masks is X_k itself, and a network that drops nothing needs
no correction. For given masks M_k this is a network with other activations,

    psi_k(z) = M_k (.) phi_k(z),   psi_k'(z) = M_k (.) phi_k'(z),

and everything that runs a network runs it unchanged. A mask is a function of (seed, step, layer)
alone: whoever computes X_k again, backward or from a checkpoint, meets the mask it had before.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np

from mlp import validation
from mlp.activations import Activation
from mlp.arrays import Array

BLOCK = 4096


@dataclass(frozen=True)
class Dropout:
    """Which entries of the hidden layers are dropped, in one step of training.

    rate : the probability of an entry to be dropped, from 0 to less than 1.
    seed, step : integers from 0 to 2^64 - 1; each pair has its own masks.

    >>> Dropout(0.5, seed=0, step=1)
    Dropout(rate=0.5, seed=0, step=1)
    """

    rate: float
    seed: int
    step: int

    def __post_init__(self) -> None:
        rate = validation.number("rate", self.rate, "a number from 0 to less than 1")
        object.__setattr__(self, "rate", rate)  # its float, whatever came
        validation.counter("seed", self.seed)
        validation.counter("step", self.step)

    def after(self, phi: Activation, layer: int) -> Activation:
        """The activation of hidden layer `layer`, from 1: `phi`, then the mask; `phi` itself if p = 0."""
        return phi if self.rate == 0 else Dropped(phi, self, layer)


class Dropped:
    """psi(z) = M (.) phi(z), with psi' = M (.) phi', for the mask M of one layer in one step.

    What it needs and the temporaries it wants are those of phi. If phi' is computed from the
    output x, it must be finite at x = 0 too, which is what a dropped entry leaves behind.
    """

    def __init__(self, phi: Activation, dropout: Dropout, layer: int) -> None:
        self.phi, self.dropout, self.layer = phi, dropout, layer
        self.name, self.needs = phi.name, phi.needs
        self.workspace: int = getattr(phi, "workspace", 0)

    def value(self, z: Array, out: Array, *work: Any) -> None:
        """Write M (.) phi(z) into `out`."""
        self.phi.value(z, out, *work)
        self.drop(out)

    def multiply_derivative(self, delta: Array, state: Array, *work: Any) -> None:
        """Multiply `delta` by M (.) phi'(z); `state` may be destroyed."""
        if self.needs == "output":
            state *= 1 - self.dropout.rate  # phi(z), wherever it was kept
        self.phi.multiply_derivative(delta, state, *work)
        self.drop(delta)

    def drop(self, a: Array) -> None:
        """Multiply `a` (d, B) in place by M, whose entries are 0 and 1 / (1 - p).

        Entry (i, j) goes by number iB + j of a stream of random numbers in [0, 1). A few rows of
        the mask at a time are enough; it is never there as a whole. The numbers are float32 for
        all dtypes, so that all have the same mask.
        """
        rate, (d, batch) = self.dropout.rate, a.shape
        numbers, scale = stream(self.dropout, self.layer), a.dtype.type(1 / (1 - rate))
        rows = max(1, BLOCK // batch)
        for i in range(0, d, rows):
            part = a[i : i + rows]
            kept = numbers.random(part.shape, np.float32) >= rate
            part *= kept * scale


def stream(dropout: Dropout, layer: int) -> np.random.Generator:
    """The random numbers that belong to (seed, step, layer), from the first.

    Philox turns a number, the counter, into random bits, by a key: nothing else decides them. The
    layer is the highest of the counter's four words, so that no two layers ever share a number.
    """
    key = np.array([dropout.seed, dropout.step], np.uint64)
    first = np.array([0, 0, 0, layer], np.uint64)
    return np.random.Generator(np.random.Philox(key=key, counter=first))
