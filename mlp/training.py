"""Training: stochastic gradient descent over shuffled mini-batches.

A step gathers B examples, runs the loop, lets the optimiser turn the gradient into a direction,
and descends; an epoch is a pass over all examples in random order. What changes on the way is
the *state* of the run, and it is all there is to save: the same state, with the same data and
settings, trains on to the same bits.
"""

import math
import sys
from dataclasses import dataclass
from os import PathLike
from time import perf_counter
from typing import Any, NamedTuple

import numpy as np

from mlp import files
from mlp import validation as check
from mlp.arrays import Array, all_finite, kernel_arithmetic
from mlp.backprop import Buffers, Gradient, backprop
from mlp.checkpointing import Pool, execute
from mlp.dropout import Dropout
from mlp.network import Network, forward
from mlp.optimizers import Optimizer, Penalty, by_name, descend
from mlp.schedules import Schedule, validate


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
    """The loss of a batch, or a parameter, was not finite; all is back at the start of the epoch.

    epoch, batch : where, counted from 1.
    layer : the first layer, counted from 1, whose parameters, state or logits are not finite;
        the last one where only the loss or a moment is not.
    """

    def __init__(self, epoch: int, batch: int, layer: int) -> None:
        super().__init__(
            f"expected a finite loss and finite parameters, got NaN or infinity in epoch {epoch}, batch "
            f"{batch}, first in layer {layer}. All is back at the start of the epoch; try a smaller "
            "learning rate."
        )
        self.epoch, self.batch, self.layer = epoch, batch, layer

    def __reduce__(self) -> tuple[type["Diverged"], tuple[int, int, int]]:
        return Diverged, (self.epoch, self.batch, self.layer)


class Batch(NamedTuple):
    """The arrays that a step over B examples needs.

    x : (B, d_0), the examples as rows, so that gathering them copies whole rows.
    y : (d_n, B), their labels or targets as columns.
    buffers : of the loop, or the pool of a schedule.
    """

    x: Array
    y: Array
    buffers: Buffers | Pool


class State(NamedTuple):
    """All that changes while a run trains. With data and settings it decides everything that follows.

    epoch : how many are done.
    parameters : (P,).
    moments : (count, P), the memory of the optimiser.
    generator : the state of the random numbers.
    """

    epoch: int
    parameters: Array
    moments: Array
    generator: Any


@dataclass(repr=False)
class Run:
    """Training under way, as `train` returns it: each `next` trains for one more epoch.

    net : the network, changed in place.
    x : (N, d_0), the examples as rows.
    y : (d_n, N), their labels or targets as columns.
    learning_rate : eta; may be changed between two epochs.
    dropout : the rate; the masks of a step have a seed drawn for its epoch, and the step's number.
    schedule : what the steps keep and compute again; None keeps all.
    epoch : how many of the `epochs` are done.
    """

    net: Network
    x: Array
    y: Array
    epochs: int
    batch_size: int
    optimizer: Optimizer
    learning_rate: float
    l2: float
    dropout: float
    schedule: Schedule | None
    rng: np.random.Generator
    validation: tuple[Array, Array] | None
    epoch: int = 0

    def __post_init__(self) -> None:
        net, n, size = self.net, len(self.x), self.batch_size
        counts = {min(size, n), n % size} - {0}
        self.layers = net.layers
        self.gradient = Gradient.like(net.parameters, net.sizes)
        self.penalty = Penalty(net.parameters, net.sizes, self.l2) if self.l2 else None
        self.batches = {count: self.batch(count) for count in counts}
        self.steps, self.seed, self.steps_per_epoch = 0, 0, math.ceil(n / size)
        self.progress = Progress(self.epochs * self.steps_per_epoch)

    def batch(self, count: int) -> Batch:
        """Arrays for a step over `count` examples."""
        x = np.empty((count, self.x.shape[1]), self.x.dtype)
        y = np.empty((self.y.shape[0], count), self.y.dtype)
        if self.schedule is None:
            return Batch(x, y, Buffers(self.layers, count))
        return Batch(x, y, Pool(self.schedule, self.layers, count))

    def __iter__(self) -> "Run":
        return self

    def __next__(self) -> Record:
        """Train for one epoch; if it diverges or is interrupted, put everything back."""
        if self.epoch == self.epochs:
            raise StopIteration
        self.learning_rate = check.number("learning_rate", self.learning_rate, "a positive, finite number")
        before = self.state()
        try:
            loss, seconds = self.train_epoch()
            self.epoch += 1  # here, because Ctrl-C must not come between an epoch and its count
        except BaseException:
            while True:
                try:
                    self.restore(before)
                    break
                except KeyboardInterrupt:  # Ctrl-C once more: what was put back by half is put back anew
                    continue
            raise
        finally:
            self.progress.clear()
        measured = None if self.validation is None else accuracy(self.net, *self.validation)
        return Record(self.epoch, loss, measured, seconds)

    def train_epoch(self) -> tuple[float, float]:
        """One pass over all examples in random order; returns the mean batch loss and the seconds."""
        order, size, losses = self.rng.permutation(len(self.x)), self.batch_size, []
        self.seed = int(self.rng.integers(2**63)) if self.dropout else 0
        began = perf_counter()
        with kernel_arithmetic(), np.errstate(invalid="ignore"):
            for start in range(0, len(order), size):
                chosen = order[start : start + size]
                losses.append(self.step(chosen))
                if not math.isfinite(losses[-1]):
                    raise self.diverged(len(losses), chosen)
                self.progress.tick()
            seconds = perf_counter() - began
            if not all(map(all_finite, (self.net.parameters, *self.optimizer.moments))):
                raise self.diverged(len(losses), chosen)
        return float(np.mean(losses)), seconds

    def step(self, chosen: Array) -> float:
        """Descend once by the gradient of the loss on the examples numbered in `chosen`; return that loss."""
        x, y, buffers = self.batches[len(chosen)]
        self.x.take(chosen, axis=0, out=x, mode="clip")
        self.y.take(chosen, axis=1, out=y, mode="clip")
        layers, gradient = self.layers, self.gradient
        if self.dropout:
            layers = self.net.dropped(Dropout(self.dropout, self.seed, self.steps))
        if isinstance(buffers, Buffers):
            backprop(layers, self.net.loss, x.T, y, buffers=buffers, out=gradient)
        else:
            execute(buffers.schedule, layers, self.net.loss, x.T, y, pool=buffers, out=gradient)
        if self.penalty is not None:
            self.penalty.add_to(gradient)
        self.steps += 1
        if math.isfinite(gradient.loss):
            direction = self.optimizer.direction(gradient.vector, self.steps)
            descend(self.net.parameters, direction, self.learning_rate, out=gradient.vector)
        return gradient.loss

    def diverged(self, batch: int, chosen: Array) -> Diverged:
        """The error to raise in batch number `batch`; it names the first layer that is not finite."""
        state = self.batches[len(chosen)].x.T
        for k, layer in enumerate(self.layers[:-1], start=1):
            state = forward([layer], state)
            if not all(map(all_finite, (layer.w, layer.b, state))):
                return Diverged(self.epoch + 1, batch, k)
        return Diverged(self.epoch + 1, batch, len(self.layers))

    def state(self) -> State:
        """A copy of the state, between two epochs."""
        parameters, moments = self.net.parameters.copy(), self.optimizer.moments.copy()
        return State(self.epoch, parameters, moments, self.rng.bit_generator.state)

    def restore(self, state: State) -> None:
        """Be in `state` again; the arrays are copied."""
        self.epoch = state.epoch
        self.steps = self.progress.done = state.epoch * self.steps_per_epoch
        self.net.parameters[...] = state.parameters
        self.optimizer.moments[...] = state.moments
        self.rng.bit_generator.state = state.generator

    @property
    def settings(self) -> dict[str, Any]:
        """What must agree, beside the network, if another run is to continue this one."""
        return {
            "examples": len(self.x),
            "batch_size": self.batch_size,
            "optimizer": self.optimizer.name,
            "momentum": self.optimizer.momentum,
            "learning_rate": self.learning_rate,
            "l2": self.l2,
            "dropout": self.dropout,
            "moments": len(self.optimizer.moments),
        }

    def resume(self, path: str | PathLike[str]) -> None:
        """Take the state of the run that was saved in `path`; refuse one of other settings or networks."""
        saved = files.read(path)
        files.refuse_other(path, saved, {**files.description(self.net), **self.settings})
        epoch, generator = saved.training["epoch"], saved.training["generator"]
        if epoch > self.epochs:
            expected, remedy = f"at least {epoch}, done in {path}", "Count the epochs of the file, too."
            raise ValueError(check.message("epochs", expected, self.epochs, remedy))
        self.rng = np.random.default_rng()
        self.restore(State(epoch, saved.parameters, saved.moments, generator))


def accuracy(net: Network, x: Array, y: Array) -> float:
    """The share of columns of `x` (d_0, B) whose largest logit is where `y` (d_n, B) is largest.

    With one output, of the binary cross-entropy: whose probability and label are on one side of 1/2.
    Raises TypeError or ValueError for other arguments, and for one output under another loss.
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
    optimizer: str = "sgd",
    learning_rate: float | None = None,
    momentum: float = 0.0,
    l2: float = 0.0,
    dropout: float = 0.0,
    rng: int | np.random.Generator = 0,
    schedule: Schedule | None = None,
    validation: tuple[Array, Array] | None = None,
    resume: str | PathLike[str] | None = None,
) -> Run:
    """Train `net` in place by stochastic gradient descent, one epoch each time you ask for one.

    x, y : (d_0, N) and (d_n, N), the examples and their labels or targets.
    epochs : passes over all examples; ask for fewer by leaving the loop.
    batch_size : examples in a step; the last, smaller batch of an epoch is trained too.
    optimizer : "sgd", "nesterov" or "adam".
    learning_rate : if None, 1.0, and 0.001 for Adam.
    momentum : of "sgd" and "nesterov", from 0 to less than 1.
    l2 : lambda of the penalty lambda/2 sum ||W_k||^2, which is part of the loss in each record.
    dropout : the rate at which hidden units are dropped in a step, from 0 to less than 1.
    rng : a seed or a NumPy generator, for the order of the examples and the masks of dropout; not used
        with `resume`.
    schedule : from `mlp.schedules`, for less memory in a step and the same bits; None keeps every state.
    validation : x and y of examples on which each record gives the accuracy.
    resume : a file that `mlp.save(net, path, training=run)` wrote. Training continues after the
        epochs done there, to the same bits as if it had not been interrupted; `net` becomes the
        network of the file. Everything but `epochs`, `schedule` and `validation` must be as it was.

    Returns an iterator of `Record`. Raises TypeError or ValueError for other arguments, at once; and
    `Diverged` when the loss of a batch is not finite, before that update, with everything put back to
    the start of the epoch.

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
    kind = check.choice("optimizer", optimizer, by_name)
    method = kind(check.number("momentum", momentum, "a number from 0 to less than 1"), net.parameters)
    given = kind.default_rate if learning_rate is None else learning_rate
    rate = check.number("learning_rate", given, "a positive, finite number")
    l2 = check.number("l2", l2, "a finite number from 0 up")
    l2 = check.at_most("l2", l2, float(np.finfo(net.parameters.dtype).max))
    dropout = check.number("dropout", dropout, "a number from 0 to less than 1")
    rng = check.generator(rng)
    schedule = None if schedule is None else validate(schedule, net.depth)
    held_out = None if validation is None else check.held_out(net, validation)
    x_rows, y_columns = np.ascontiguousarray(x.T), np.ascontiguousarray(y)
    run = Run(net, x_rows, y_columns, epochs, batch_size, method, rate, l2, dropout, schedule, rng, held_out)
    if resume is not None:
        run.resume(resume)
    return run
