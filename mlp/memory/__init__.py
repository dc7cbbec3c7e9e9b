"""Memory: what a schedule holds, counted beforehand and measured.

`simulate` runs a schedule on integers and returns its ledger. `predict` splits the bytes of a
whole gradient computation by what they are for. `measure` says what NumPy has really allocated.
They agree, but for the small objects of Python.

`python -m mlp.memory 784 1000 1000 10 --batch 4096 --budget 64MB` prints them for a network of yours.
"""

from __future__ import annotations

import gc
import tracemalloc
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from mlp import validation
from mlp.activations import Needs
from mlp.dropout import BLOCK
from mlp.schedules import Action, Advance, Reverse, Schedule, demands, depth, held, validate, walk

if TYPE_CHECKING:
    from mlp.network import Network


class Moment(NamedTuple):
    """What is held while one step is taken.

    action : the step; an advance goes one layer at a time.
    states, arrays : how many states, and how many states and adjoints.
    state_bytes, adjoint_bytes : their bytes; 0 if widths are not known.
    """

    action: Action
    states: int
    arrays: int
    state_bytes: int
    adjoint_bytes: int

    @property
    def bytes(self) -> int:
        """Of states and adjoints together."""
        return self.state_bytes + self.adjoint_bytes


@dataclass(frozen=True)
class Ledger:
    """What a schedule costs and holds; x_0 is included everywhere.

    evaluations : affine maps evaluated on the way forward, and again.
    recomputed : of these, the ones that plain backpropagation would not make.
    activation_calls : of `value`, where the state is Z_k; where it is X_k they are `evaluations` - 1.
    peak_states : the most states live at a reversal, P.
    peak_arrays : the most states and adjoints live at any time; P + 2 for two layers or more, if no state
        is dropped before its reversal.
    peak_bytes : the most bytes of states and adjoints at any time; 0 if no widths were given.
    trace : each step with what was held.
    """

    evaluations: int
    recomputed: int
    activation_calls: int
    peak_states: int
    peak_arrays: int
    peak_bytes: int
    trace: tuple[Moment, ...]


def simulate(
    schedule: Schedule,
    sizes: Sequence[int] | None = None,
    batch: int | None = None,
    dtype: Any = np.float32,
    *,
    needs: Needs = "output",
) -> Ledger:
    """The ledger of a schedule.

    sizes, batch, dtype : the widths d_0, ..., d_n, the columns B and the type, for bytes. Without
        `batch` the sizes are bytes already, and `dtype` has no use.
    needs : "input" counts the array for phi(Z_k) beside a kept Z_k.

    Raises TypeError or ValueError for other arguments, ValueError for a schedule that breaks a rule.

    >>> from mlp import schedules
    >>> ledger = simulate(schedules.binomial(10, slots=2))
    >>> ledger.evaluations, ledger.recomputed, ledger.peak_states, ledger.peak_arrays
    (21, 11, 3, 5)
    """
    n = depth(schedule)
    validate(schedule, max(n, 1))
    beside = validation.choice("needs", needs, {"output": False, "input": True})
    bytes_of = state_bytes(sizes, batch, dtype, n)
    trace, inner, peak_states, peak_arrays = [], n - 1, 0, 0
    for step in walk(schedule):
        states, arrays = len(step.states), len(step.states) + len(step.adjoints)
        arrays += beside and step.keeps
        trace.append(Moment(step.action, states, arrays, *held(step, bytes_of, beside)))
        inner += isinstance(step.action, Advance) and step.action.start > 0
        peak_states = max(peak_states, states if isinstance(step.action, Reverse) else 0)
        peak_arrays = max(peak_arrays, arrays)
    evaluations = sum(isinstance(moment.action, Advance) for moment in trace)
    peak_bytes = max(moment.bytes for moment in trace)
    return Ledger(evaluations, evaluations - n, inner, peak_states, peak_arrays, peak_bytes, tuple(trace))


def state_bytes(sizes: Sequence[int] | None, batch: int | None, dtype: Any, n: int) -> list[int]:
    """The bytes of x_0, ..., x_n; without `batch` the sizes are bytes already, without sizes all is 0."""
    if sizes is None and batch is not None:
        remedy = "Pass them, or leave out batch."
        raise ValueError(validation.message("sizes", "the widths, for bytes of a batch", "None", remedy))
    if sizes is None:
        return [0] * (n + 1)
    widths = validation.layer_sizes(sizes)
    if len(widths) != n + 1:
        remedy = f"Give the widths of {n} layers, or plan for {len(widths) - 1}."
        raise ValueError(validation.message("sizes", f"{n + 1} sizes", len(widths), remedy))
    columns = 1 if batch is None else validation.positive_integer("batch", batch)
    item = 1 if batch is None else validation.real_dtype(dtype).itemsize
    return [d * columns * item for d in widths]


class Bytes(NamedTuple):
    """What a gradient computation holds at its peak, by what it is for; labels and Python's objects apart.

    Only states and adjoints depend on the schedule. `states` has x in it, which is to be contiguous, as
    the labels are: NumPy copies a slice of columns before it multiplies.
    """

    parameters: int
    gradients: int
    moments: int
    states: int
    adjoints: int
    masks: int
    workspace: int

    @property
    def total(self) -> int:
        """All of it."""
        return sum(self)


def predict(
    net: Network, batch: int, schedule: Schedule | None = None, *, moments: int = 0, dropout: bool = False
) -> Bytes:
    """The bytes of `net.backprop` for `batch` columns, and of `moments` arrays of an optimiser.

    schedule : None for the plain loop, whose adjoints take turns in two arrays as long as the widest.

    >>> from mlp import Network, schedules
    >>> deep, state = Network.initialize([64] * 101), 64 * 4096 * 4
    >>> predict(deep, 4096, schedules.binomial(100, slots=8)).states // state
    9
    """
    sizes, _, beside, keeps = demands(net, batch, None, moments)
    parameters = net.parameters.nbytes
    if schedule is None:
        layers = sizes[1:].tolist()
        states, adjoints = int(sizes[:-1].sum()), sum(max(layers[last::-2], default=0) for last in (-1, -2))
    else:
        validate(schedule, net.depth)
        states, adjoints = max((held(step, sizes.tolist(), keeps) for step in walk(schedule)), key=sum)
    workspace = beside - (2 + moments) * parameters
    entries = batch * min(max(net.sizes[1:-1], default=0), max(1, BLOCK // batch))  # of a mask, at a time
    masks = entries * max(6, 1 + net.parameters.itemsize) if dropout else 0  # numbers, and what they decide
    return Bytes(parameters, parameters, moments * parameters, states, adjoints, masks, workspace)


def measure(f: Callable[[], Any]) -> int:
    """The bytes that Python and NumPy hold at the peak of `f()`, above those that they held before.

    Measured by tracemalloc, in a run of its own: call `f` once before, so that nothing is made for the
    first time, and do not take the time of it. Threads and BLAS have memory that it does not see.

    >>> 800_000 <= measure(lambda: np.zeros(100_000)) < 801_000
    True
    """
    validation.function("f", f, "Write measure(lambda: ...), with the call inside.")
    gc.collect()
    tracing = tracemalloc.is_tracing()
    if not tracing:
        tracemalloc.start()
    try:
        tracemalloc.reset_peak()
        before = tracemalloc.get_traced_memory()[0]
        f()
        return tracemalloc.get_traced_memory()[1] - before
    finally:
        if not tracing:
            tracemalloc.stop()
