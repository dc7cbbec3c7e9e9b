"""Checkpointing: a schedule executed on arrays.

The same two steps, `advance` and `reverse`, that the plain loop takes, in the order that the
schedule says, on states that come from a pool and go back to it. A state that is computed again
has the bits that it had: the same function of the same arrays. So every schedule yields the
gradient of the plain loop, bit for bit.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np

from mlp.arrays import Array
from mlp.backprop import Gradient
from mlp.layers import Layer, advance, reverse, workspace
from mlp.losses import Loss
from mlp.memory import simulate
from mlp.schedules import Action, Advance, Drop, Reverse, Schedule

Observer: TypeAlias = Callable[[Action, Array], None]


class Pool:
    """The arrays of an execution: states and adjoints (d_k, B), temporaries, and the column of ones.

    With equal widths arrays go round, and nothing is allocated twice. With unequal ones a free array of
    the wrong size is given up where the schedule's own peak, counted beforehand, would be exceeded.
    """

    def __init__(self, schedule: Schedule, layers: Sequence[Layer], batch: int) -> None:
        self.schedule = schedule
        self.widths = [layers[0].w.shape[1], *(len(layer.w) for layer in layers)]
        self.batch, self.dtype = batch, layers[0].w.dtype
        sizes = [d * batch * self.dtype.itemsize for d in self.widths]
        ledger = simulate(schedule, sizes, needs=layers[-1].before.needs)
        self.limit = ledger.peak_bytes - sizes[0]  # x is not ours
        self.held, self.free = 0, list[Array]()
        self.work = workspace(layers, batch)
        self.ones = np.ones((batch, 1), self.dtype)

    def take(self, k: int) -> Array:
        """An array for x_k or Delta_k, (d_k, B); what stands in it is anything."""
        size = self.widths[k] * self.batch
        sizes = [flat.size for flat in self.free]  # a loop variable would keep the last array alive
        if size in sizes:
            return self.free.pop(sizes.index(size)).reshape(-1, self.batch)
        wanted = size * self.dtype.itemsize
        while self.free and self.held + wanted > self.limit:
            self.held -= self.free.pop().nbytes
        self.held += wanted
        return np.empty(size, self.dtype).reshape(-1, self.batch)

    def give(self, array: Array) -> None:
        """Take back an array that is not needed any more."""
        self.free.append(array.base)  # type: ignore[arg-type]


@dataclass
class Execution:
    """What is live while a schedule runs.

    states : x_k (or Z_k, where phi_k needs it) by k; x itself is x_0.
    delta : Delta_k of the last layer that was reversed, at first Delta_n.
    """

    layers: Sequence[Layer]
    pool: Pool
    out: Gradient
    states: dict[int, Array]
    delta: Any = None

    def advance(self, k: int, keep: bool) -> None:
        """x_{k+1} from x_k, which is forgotten unless it is to be kept."""
        layer, pool, state, out = self.layers[k], self.pool, self.states[k], self.pool.take(k + 1)
        apart = keep and layer.before.needs == "input"  # then phi(Z_k) must not overwrite Z_k
        scratch = pool.take(k) if apart else state
        advance(layer, state, out=out, scratch=scratch, work=pool.work[k : k + 2])
        if apart:
            pool.give(scratch)
        self.states[k + 1] = out
        if not keep:
            self.forget(k)

    def turn(self, loss: Loss, y: Array) -> None:
        """The loss, and Delta_n in place of the logits."""
        self.delta = self.states.pop(len(self.layers))
        self.out.loss = loss.value_and_delta(self.delta, y)

    def reverse(self, k: int) -> None:
        """The gradients of layer k, and Delta_{k-1} for Delta_k; x_{k-1} is used up."""
        pool, gradients = self.pool, (self.out.nabla_w[k - 1], self.out.nabla_b[k - 1])
        delta, below = self.delta, pool.take(k - 1) if k > 1 else None
        state, work = self.states[k - 1], pool.work[k - 1]
        reverse(self.layers[k - 1], delta, state, *gradients, ones=pool.ones, out=below, work=work)
        self.delta = below
        pool.give(delta)
        if k > 1:
            self.forget(k - 1)

    def forget(self, k: int) -> None:
        """Give the array of x_k back."""
        self.pool.give(self.states.pop(k))


def execute(
    schedule: Schedule,
    layers: Sequence[Layer],
    loss: Loss,
    x: Array,
    y: Array,
    *,
    pool: Pool,
    out: Gradient,
    observer: Observer | None = None,
) -> None:
    """Write L and its derivatives with respect to every W_k and b_k into `out`, as the schedule says.

    schedule : valid for these layers.
    x, y : (d_0, B) and (d_n, B), read only.
    pool : for this schedule, these layers and B columns.
    observer : called with each step, an advance layer by layer, and a read-only view valid during the call:
        of the state that an advance has made, of the Delta that a reverse will use, of what a drop forgets.
    """
    show = observer or (lambda action, array: None)
    run = Execution(layers, pool, out, {0: x})
    for action in schedule:
        match action:
            case Advance(start, stop):
                for k in range(start, stop):
                    run.advance(k, keep=k == start)
                    show(Advance(k, k + 1), view(run.states[k + 1]))
                if stop == len(layers):
                    run.turn(loss, y)
            case Reverse(layer):
                show(action, view(run.delta))
                run.reverse(layer)
            case Drop(state):
                show(action, view(run.states[state]))
                run.forget(state)


def view(array: Array) -> Array:
    """The array, to be read only."""
    seen = array.view()
    seen.flags.writeable = False
    return seen
