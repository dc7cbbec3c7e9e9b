"""Training: stochastic gradient descent over shuffled mini-batches.

A step gathers B examples, runs the loop, and subtracts the gradient times the learning rate; an
epoch is a pass over all examples in random order. That is the only place in the package where
parameters change.
"""

import math
import sys
from dataclasses import dataclass
from time import perf_counter
from typing import NamedTuple

import numpy as np

from mlp import validation as check
from mlp.arrays import Array, all_finite, kernel_arithmetic
from mlp.backprop import Buffers, Gradient, backprop
from mlp.network import Network, forward


@dataclass(frozen=True)
class Record:
    """What an epoch leaves: its number from 1, the mean loss of its batches, accuracy, and seconds.

    accuracy : of the validation data after the epoch, None without such data.
    seconds : spent in the steps, validation not included.
    """

    epoch: int
    loss: float
    accuracy: float | None
    seconds: float


class Diverged(ArithmeticError):
    """The loss of a batch was not finite; the parameters are those from the start of the epoch.

    epoch, batch : where, counted from 1.
    layer : the first layer, counted from 1, whose state or logits are not finite.
    """

    def __init__(self, epoch: int, batch: int, layer: int) -> None:
        super().__init__(
            f"expected a finite loss, got NaN or infinity in epoch {epoch}, batch {batch}, first in layer "
            f"{layer}. The parameters are back at the start of the epoch; try a smaller learning rate."
        )
        self.epoch, self.batch, self.layer = epoch, batch, layer

    def __reduce__(self) -> tuple[type["Diverged"], tuple[int, int, int]]:
        return Diverged, (self.epoch, self.batch, self.layer)


class Batch(NamedTuple):
    """The arrays that a step over B examples needs.

    x : (B, d_0), the examples as rows, so that gathering them copies whole rows.
    y : (d_n, B), their labels or targets as columns.
    buffers : of the loop.
    """

    x: Array
    y: Array
    buffers: Buffers


@dataclass(repr=False)
class Run:
    """Training under way, as `train` returns it: each `next` trains for one more epoch.

    net : the network, changed in place.
    x : (N, d_0), the examples as rows.
    y : (d_n, N), their labels or targets as columns.
    epoch : how many of the `epochs` are done.
    """

    net: Network
    x: Array
    y: Array
    epochs: int
    batch_size: int
    learning_rate: float
    rng: np.random.Generator
    validation: tuple[Array, Array] | None
    epoch: int = 0

    def __post_init__(self) -> None:
        n, size = len(self.x), self.batch_size
        self.layers = self.net.layers
        self.gradient = Gradient.like(self.net.parameters, self.net.sizes)
        self.batches = {count: self.batch(count) for count in {min(size, n), n % size} - {0}}
        self.progress = Progress(self.epochs * math.ceil(n / size))

    def batch(self, count: int) -> Batch:
        """Arrays for a step over `count` examples."""
        x = np.empty((count, self.x.shape[1]), self.x.dtype)
        y = np.empty((self.y.shape[0], count), self.y.dtype)
        return Batch(x, y, Buffers(self.layers, count))

    def __iter__(self) -> "Run":
        return self

    def __next__(self) -> Record:
        """Train for one epoch; if it diverges, put the parameters back."""
        if self.epoch == self.epochs:
            raise StopIteration
        saved = self.net.parameters.copy()
        try:
            loss, seconds = self.train_epoch()
        except Diverged:
            self.net.parameters[...] = saved
            raise
        finally:
            self.progress.clear()
        self.epoch += 1
        measured = None if self.validation is None else accuracy(self.net, *self.validation)
        return Record(self.epoch, loss, measured, seconds)

    def train_epoch(self) -> tuple[float, float]:
        """One pass over all examples in random order; returns the mean batch loss and the seconds."""
        order, size, losses = self.rng.permutation(len(self.x)), self.batch_size, []
        began = perf_counter()
        with kernel_arithmetic(), np.errstate(invalid="ignore"):
            for start in range(0, len(order), size):
                chosen = order[start : start + size]
                losses.append(self.step(chosen))
                if not math.isfinite(losses[-1]):
                    raise Diverged(
                        self.epoch + 1, len(losses), self.diverged_layer(self.batches[len(chosen)])
                    )
                self.progress.tick()
        return float(np.mean(losses)), perf_counter() - began

    def step(self, chosen: Array) -> float:
        """Descend once by the gradient of the loss on the examples numbered in `chosen`; return that loss."""
        x, y, buffers = self.batches[len(chosen)]
        self.x.take(chosen, axis=0, out=x, mode="clip")
        self.y.take(chosen, axis=1, out=y, mode="clip")
        backprop(self.layers, self.net.loss, x.T, y, buffers=buffers, out=self.gradient)
        if math.isfinite(self.gradient.loss):
            descend(self.net.parameters, self.gradient.vector, self.learning_rate)
        return self.gradient.loss

    def diverged_layer(self, batch: Batch) -> int:
        """The first layer, counted from 1, whose state is not finite; the last if only the loss is not."""
        for k in range(1, len(self.layers)):
            if not all_finite(forward(self.layers[:k], batch.x.T)):
                return k
        return len(self.layers)


def descend(parameters: Array, gradient: Array, learning_rate: float) -> None:
    """Descend: theta := theta - eta dL/dtheta. Only here do parameters change; `gradient` is lost."""
    gradient *= learning_rate
    parameters -= gradient


def accuracy(net: Network, x: Array, y: Array) -> float:
    """The share of columns of `x` (d_0, B) whose largest logit is where `y` (d_n, B) is largest.

    With one output, of the binary cross-entropy: whose probability and label are on one side of 1/2.
    """
    x, y = check.held_out(net, (x, y))
    if len(y) == 1:
        return float(np.mean((net.predict(x) > 0.5) == (y > 0.5)))
    return float(np.mean(net.logits(x).argmax(axis=0) == y.argmax(axis=0)))


class Progress:
    """A bar on the terminal, from the first second on; where there is no terminal, nothing."""

    def __init__(self, total: int) -> None:
        self.done, self.total, self.shown = 0, total, perf_counter() + 0.9

    def tick(self) -> None:
        """Count one step; redraw at most ten times a second."""
        self.done += 1
        if perf_counter() - self.shown > 0.1:
            self.shown = perf_counter()
            filled = "#" * (40 * self.done // self.total)
            self.write(f"\r{filled:.<40} {self.done / self.total:4.0%}")

    def clear(self) -> None:
        """Leave the line empty, for what the caller prints next."""
        self.write("\r\x1b[K")

    def write(self, text: str) -> None:
        """Write to the terminal, if there is one."""
        if sys.stderr.isatty():
            print(text, end="", file=sys.stderr, flush=True)


def train(
    net: Network,
    x: Array,
    y: Array,
    *,
    epochs: int,
    batch_size: int = 100,
    learning_rate: float | None = None,
    rng: int | np.random.Generator = 0,
    validation: tuple[Array, Array] | None = None,
) -> Run:
    """Train `net` in place by stochastic gradient descent, one epoch each time you ask for one.

    x, y : (d_0, N) and (d_n, N), the examples and their labels or targets.
    epochs : passes over all examples; ask for fewer by leaving the loop.
    batch_size : examples in a step; the last, smaller batch of an epoch is trained too.
    learning_rate : 1.0 if None.
    rng : a seed or a NumPy generator, for the order of the examples.
    validation : x and y of examples on which each record gives the accuracy.

    Returns an iterator of `Record`. Raises `Diverged` when the loss of a batch is not finite, before
    that update, with the parameters put back to the start of the epoch.

    >>> net = Network.initialize([2, 3, 2], hidden="tanh")
    >>> x = np.array([[0, 0, 1, 1], [0, 1, 0, 1]], np.float32)
    >>> xor = np.array([[1, 0, 0, 1], [0, 1, 1, 0]], np.float32)
    >>> for record in train(net, x, xor, epochs=200, batch_size=4, validation=(x, xor)):
    ...     pass
    >>> record.epoch, record.accuracy
    (200, 1.0)
    """
    x, y = check.batch(net, x, y)
    epochs = check.positive_integer("epochs", epochs)
    batch_size = check.positive_integer("batch_size", batch_size)
    rate = check.positive_number("learning_rate", 1.0 if learning_rate is None else learning_rate)
    rng = check.generator(rng)
    held_out = None if validation is None else check.held_out(net, validation)
    x_rows, y_columns = np.ascontiguousarray(x.T), np.ascontiguousarray(y)
    return Run(net, x_rows, y_columns, epochs, batch_size, rate, rng, held_out)
