"""Schedules: what is computed, what is kept and what is dropped, and when. Pure data, no arrays.

Backpropagation needs the states x_0, ..., x_{n-1} in the order n - 1, ..., 0. Whoever does not keep
them all computes some of them again, from the nearest one that was kept. A schedule says how: it
is a tuple of actions, which can be compared, printed, checked (`validate`), drawn (`picture`),
counted (`mlp.memory.simulate`) and executed (`mlp.checkpointing.execute`).

All planners are one recursion: to reverse layers j, ..., i + 1 from x_i, advance to
some x_k, reverse j, ..., k + 1 while x_i is held, then reverse k, ..., i + 1. They differ in k.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate, pairwise
from math import isqrt
from typing import Any, NamedTuple, TypeAlias

import numpy as np

from mlp import validation
from mlp.arrays import Array


@dataclass(frozen=True, slots=True)
class Advance:
    """From x_start, which stays, compute x_{start+1}, ..., x_stop; only the last of them stays.

    x_n are the logits: the loss turns them into Delta_n where they lie.
    """

    start: int
    stop: int


@dataclass(frozen=True, slots=True)
class Reverse:
    """From Delta_layer and x_{layer-1} compute the gradients of the layer and Delta_{layer-1}.

    Delta_layer and x_{layer-1} are gone afterwards.
    """

    layer: int


@dataclass(frozen=True, slots=True)
class Drop:
    """Forget x_state before it was used in its own reversal."""

    state: int


Action: TypeAlias = Advance | Reverse | Drop
Schedule: TypeAlias = tuple[Action, ...]


# ---------------------------------------------------------------- what holds of every schedule


class Step(NamedTuple):
    """One step of a schedule, and what is held while it is taken.

    action : an advance goes one layer at a time.
    states : the numbers of the live states; the same set object all the while.
    adjoints : the k of each Delta_k.
    keeps : an advance from a hidden state that stays.
    """

    action: Action
    states: set[int]
    adjoints: tuple[int, ...]
    keeps: bool


def walk(schedule: Schedule) -> Iterator[Step]:
    """The steps of a valid schedule."""
    n, states = depth(schedule), {0}
    adjoints: tuple[int, ...] = ()
    for action in schedule:
        match action:
            case Advance(start, stop):
                for k in range(start + 1, stop + 1):
                    if k < n:
                        states.add(k)
                    else:
                        adjoints = (n,)
                    yield Step(Advance(k - 1, k), states, adjoints, keeps=k - 1 == start > 0)
                    if k - 1 > start:
                        states.discard(k - 1)
            case Reverse(layer):
                below = (layer - 1,) if layer > 1 else ()
                yield Step(action, states, (layer, *below), keeps=False)
                states.discard(layer - 1)
                adjoints = below
            case Drop(state):
                yield Step(action, states, adjoints, keeps=False)
                states.discard(state)


def depth(schedule: Schedule) -> int:
    """The number of layers that a schedule reverses."""
    stops = [action.stop for action in sequence(schedule) if isinstance(action, Advance)]
    return max((stop for stop in stops if isinstance(stop, int)), default=0)


def sequence(schedule: Schedule) -> Schedule:
    """The schedule, if it is a tuple of actions."""
    if isinstance(schedule, Plan):
        remedy = "Pass the .schedule of what for_budget returned."
        raise TypeError(validation.message("schedule", "a tuple of actions", "a Plan", remedy))
    if not isinstance(schedule, tuple):
        remedy = "Make one with a planner of mlp.schedules, or write tuple(...)."
        raise TypeError(validation.message("schedule", "a tuple of actions", type(schedule), remedy))
    return schedule


def validate(schedule: Schedule, n: int) -> Schedule:
    """The schedule, if it reverses n layers.

    Raises ValueError with the index, the action and the broken rule, TypeError if it is no tuple.
    """
    n = validation.positive_integer("n", n)
    states, pending = {0}, n + 1  # the last layer reversed; n + 1 until the logits are there, then n
    turned = False
    for index, action in enumerate(sequence(schedule)):
        rule = broken_rule(action, states, pending - 1, n, turned)
        if rule:
            expected = "a schedule that keeps the rules"
            came = f"{action} as action {index}, but {rule}"
            remedy = f"Use a planner of mlp.schedules for depth {n}, or correct the action."
            raise ValueError(validation.message("schedule", expected, came, remedy))
        match action:
            case Advance(_, stop):
                states, turned = states | {stop} if stop < n else states, turned or stop == n
            case Reverse(layer):
                states, pending = states - {layer - 1}, layer
            case Drop(state):
                states = states - {state}
    if pending > 1:  # else no state is left: the reversal of layer k + 1 uses x_k up, for good
        came = f"one that ends before layer {pending - 1} is reversed"
        remedy = f"Use a planner of mlp.schedules for depth {n}, or complete it."
        raise ValueError(validation.message("schedule", f"one that reverses {n} layers", came, remedy))
    return schedule


def broken_rule(action: Action, states: set[int], layer: int, n: int, turned: bool) -> str:
    """What forbids an action when `states` are live and `layer` is the next to be reversed; else ""."""
    last = n if not turned else layer - 1
    match action:
        case Advance(int(start), int(stop)):
            again = {k for k in states if start < k <= stop}
            rules = [
                (not 0 <= start < stop <= last, f"an advance leads upward, at most to x_{last} now"),
                (start not in states, f"x_{start} is not live"),
                (bool(again), f"x_{min(again, default=0)} is live already"),
            ]
        case Reverse(int(k)):
            rules = [
                (not turned, f"there is no Delta_{n} before layer {n} is evaluated"),
                (k != layer, f"layer {layer} is the next to be reversed"),
                (k - 1 not in states, f"x_{k - 1} is not live"),
            ]
        case Drop(int(state)):
            rules = [
                (state == 0 or state not in states, f"x_{state} is not a live state that can be dropped")
            ]
        case _:
            rules = [(True, "an action is an Advance, a Reverse or a Drop, of Python's integers")]
    return next((words for broken, words in rules if broken), "")


def picture(schedule: Schedule) -> str:
    """The schedule in space and time: a column for each state, a line for each action.

    o is a state that is kept, > one that is passed, * the one that is reached, < the one that is used up in
    its reversal; nothing stands where all is done.

    >>> print(picture(binomial(4, slots=1)))
    o>>*.  Advance(start=0, stop=3)
    o..o*  Advance(start=3, stop=4)
    o..<   Reverse(layer=4)
    o>*.   Advance(start=0, stop=2)
    o.<    Reverse(layer=3)
    o*.    Advance(start=0, stop=1)
    o<     Reverse(layer=2)
    <      Reverse(layer=1)
    """
    n, lines = depth(schedule), []
    validate(schedule, max(n, 1))
    states, end = {0}, n
    for action in schedule:
        row = ["o" if k in states else "." for k in range(end + 1)]
        match action:
            case Advance(start, stop):
                row[start + 1 : stop + 1] = [">"] * (stop - start - 1) + ["*"]
                states = states | {stop}
            case Reverse(layer):
                row[layer - 1 :] = ["<"]
                states, end = states - {layer - 1, layer}, layer - 1
            case Drop(state):
                row[state] = "x"
                states = states - {state}
        lines.append(f"{''.join(row):{n + 1}}  {action}")
    return "\n".join(lines)


# ---------------------------------------------------------------- planners


def plan(
    n: int, split: Callable[[int, int, int], int], room: int = 0, charge: Callable[[int], int] = lambda k: 1
) -> Schedule:
    """The schedule of depth n whose recursion advances from x_i to x_k, k = split(i, j, room), i < k < j.

    room : what the planner counts; it is less by charge(k) while x_k is held.

    Raises ValueError where a split is not between its ends.
    """
    actions: list[Action] = []
    stack = [(0, n, room)]
    while stack:
        i, j, room = stack.pop()
        if j > i + 1:
            k = split(i, j, room)
            if not i < k < j:
                expected, remedy = f"a k with {i} < k < {j}", f"Correct what split({i}, {j}, {room}) returns."
                raise ValueError(validation.message("split", expected, validation.shown(k), remedy))
            actions.append(Advance(i, k))
            stack += [(i, k, room), (k, j, room - charge(k))]
        else:
            actions += [Advance(i, j), Reverse(j)] if j == n else [Reverse(j)]
    return tuple(actions)


def store_all(n: int) -> Schedule:
    """Keep every state: n states, n evaluations; what the plain loop does.

    >>> store_all(2)
    (Advance(start=0, stop=1), Advance(start=1, stop=2), Reverse(layer=2), Reverse(layer=1))
    """
    return plan(validation.positive_integer("n", n), lambda i, j, room: i + 1)


def uniform(n: int, segments: int | None = None) -> Schedule:
    """Equal segments, the longer ones first; None takes the smallest number of segments that needs least.

    Peak: segments + floor(n/segments) - 1 states, at best floor(sqrt(4n + 1)) - 1. All layers are
    evaluated twice, but for those of the last segment and the last of each other one.
    """
    n = validation.positive_integer("n", n)
    count = min(range(1, n + 1), key=lambda k: k + n // k) if segments is None else segments
    count = validation.at_most("segments", validation.positive_integer("segments", count), n)
    length, longer = divmod(n, count)
    return in_segments(n, [length + 1] * longer + [length] * (count - longer))


def triangular(n: int) -> Schedule:
    """Decreasing segments P, P - 1, ..., 1, cut short to a sum of n, for the least P with P(P + 1)/2 >= n.

    Peak: P = ceil((sqrt(8n + 1) - 1)/2) states; n - P layers are evaluated a second time, none a third:
    the least memory for that price.
    """
    n = validation.positive_integer("n", n)
    p = (isqrt(8 * n - 7) + 1) // 2
    lengths: list[int] = []
    for rest in reversed(range(p)):  # so many segments follow, of at least one layer each
        lengths.append(min(rest + 1, n - sum(lengths) - rest))
    return in_segments(n, lengths)


def in_segments(n: int, lengths: Sequence[int]) -> Schedule:
    """Segments of these lengths: their starts are kept, and a segment keeps all when its turn comes.

    Raises ValueError unless the lengths are positive and their sum is n.
    """
    if sum(lengths) != n or min(lengths) < 1:
        came, remedy = validation.shown(lengths), "Give each layer its segment."
        raise ValueError(validation.message("lengths", f"positive integers with the sum {n}", came, remedy))
    ends = list(accumulate(lengths))
    following = [end for end, length in zip(ends, lengths, strict=True) for _ in range(length)]
    return plan(n, lambda i, j, room: following[i] if following[i] < j else i + 1)


def bisection(n: int) -> Schedule:
    """Halves, halves of halves, and so on: ceil(log2 n) + 1 states.

    The number of advances is that of the binary ones in 0, ..., n - 1, for a power of two (n/2) log2 n.
    """
    return plan(validation.positive_integer("n", n), lambda i, j, room: (i + j) // 2)


def binomial(n: int, slots: int) -> Schedule:
    """The fewest evaluations with `slots` stored checkpoints, x_0 among them: t(n, slots) + 1.

    t(n, s) = rn - C(s + r, r - 1), for the least r with C(s + r, s) >= n (Griewank and Walther 2000).
    The peak is slots + 1 states, or n if that is less.

    >>> sum(action.stop - action.start for action in binomial(10, slots=2) if isinstance(action, Advance))
    21
    """
    n, slots = validation.positive_integer("n", n), validation.positive_integer("slots", slots)
    return plan(n, lambda i, j, room: i + first_checkpoint(j - i, room), room=slots)


def first_checkpoint(n: int, s: int) -> int:
    """The largest m for which advancing to x_m first is optimal for n >= 2 layers and s >= 1 slots."""
    if s == 1:
        return n - 1
    r, reach, before = 0, 1, 0  # reach = C(s + r, s), before = C(s + r - 1, s)
    while reach < n:
        r, before = r + 1, reach
        reach = reach * (s + r) // r
    return min(n - 1, before, n - before * s // (s + r - 1))  # C(s + r - 2, s - 1) = before s/(s + r - 1)


# ---------------------------------------------------------------- a byte budget


class Plan(NamedTuple):
    """The cheapest persistent schedule for a budget; where rounding leaves none, the one that holds least.

    schedule : persistent: a state that is kept stays until its own reversal.
    cost : the sum of the costs of its evaluations.
    bytes : all that is held at its peak.
    unit : bytes; sizes are rounded up to multiples of it. Where it divides them all, nothing is lost.
    """

    schedule: Schedule
    cost: float
    bytes: int
    unit: int


class OverBudget(ValueError):
    """No persistent schedule fits; `least` bytes are the least budget for which one does."""

    def __init__(self, least: int, wanted: int) -> None:
        remedy = "Take that, a smaller batch, or narrower layers."
        super().__init__(validation.message("budget", f"at least {least} bytes", wanted, remedy))
        self.least, self.wanted = least, wanted

    def __reduce__(self) -> tuple[type["OverBudget"], tuple[int, int]]:
        return OverBudget, (self.least, self.wanted)


UNITS = 2000  # a budget of more units than these is counted in coarser ones


def for_budget(
    net: Any,
    batch: int | None = None,
    *,
    budget: int | str,
    costs: Sequence[float] | None = None,
    moments: int = 0,
) -> Plan:
    """The cheapest persistent schedule that fits into `budget` bytes, counted in the unit of the plan.

    Where sizes rounded up to that unit leave none, it is the persistent one that holds least.
    Where hidden widths do not increase from layer to layer it is the cheapest of all schedules, whether
    states are X_k or Z_k. Otherwise one that drops a checkpoint early may be cheaper, or the only one.

    net : a network; the budget then bounds all that a gradient computation for `batch` columns holds:
        parameters, gradients, `moments` more arrays of that size, x, states, adjoints, workspace;
        not the copy that NumPy makes of an x or y that is not contiguous, such as a slice of columns.
        Or the sizes of x_0, ..., x_n in bytes, without `batch`; then it bounds states and adjoints.
    budget : bytes, or a text such as "64MB" (of 10^6 bytes) or "64MiB" (of 2^20).
    costs : of evaluating layers 1 to n; if None d_k d_{k-1}, and 1 for mere sizes.

    Raises OverBudget, a ValueError with the least budget that works, if this one does not; TypeError or
    ValueError for other arguments.

    >>> for_budget([2, 1, 2, 1, 2], budget=7).cost
    7.0
    """
    sizes, costs, beside, keeps = demands(net, batch, costs, moments)
    wanted, n = validation.byte_count("budget", budget), len(costs)
    sweeps = transients(sizes, keeps)
    need = least_bytes(sizes, sweeps)
    room, least = wanted - beside, int(sizes[0] + need[0, n])
    if room < least:
        raise OverBudget(beside + least, wanted)
    schedule, unit = store_all(n), int(np.gcd.reduce(sizes))
    if most_held(schedule, sizes, keeps) > room:  # else nothing is cheaper
        units = max(100, min(UNITS, 20_000_000 // n**2))  # the tables take 8 n^2 bytes for each unit
        unit = unit if room // unit <= units else -(-room // units)
        schedule = cheapest(-(-sizes // unit), costs, room // unit, keeps) or thriftiest(sizes, sweeps, need)
    layers = [action.stop for action, *_ in walk(schedule) if isinstance(action, Advance)]
    total = beside + most_held(schedule, sizes, keeps)
    return Plan(schedule, float(sum(costs[k - 1] for k in layers)), total, unit)


def most_held(schedule: Schedule, sizes: Array, keeps_input: bool) -> int:
    """The bytes of states and adjoints at the peak of a schedule."""
    return max(sum(held(step, sizes.tolist(), keeps_input)) for step in walk(schedule))


def held(step: Step, sizes: Sequence[int], keeps_input: bool) -> tuple[int, int]:
    """The bytes of states, and of adjoints, that are held while a step is taken."""
    states = sum(sizes[k] for k in step.states)
    if keeps_input and step.keeps and isinstance(step.action, Advance):
        states += sizes[step.action.start]  # phi(Z_k) beside Z_k
    return int(states), int(sum(sizes[k] for k in step.adjoints))


def transients(sizes: Array, keeps_input: bool) -> list[Array]:
    """For each i, and k = i + 1, ..., n: the most that the sweep from x_i to x_k holds beside x_i.

    That is x_{l-1} and x_l on the way, x_{i+1} at its start, and there phi(Z_i) where a kept state is Z_i.
    """
    table = []
    for i in range(len(sizes) - 1):
        pairs = sizes[i:-1] + sizes[i + 1 :]
        pairs[0] = sizes[i + 1] + (sizes[i] if keeps_input and i else 0)
        table.append(np.maximum.accumulate(pairs))
    return table


def least_bytes(sizes: Array, sweeps: Sequence[Array]) -> Array:
    """need[i, j]: the least with which layers j, ..., i + 1 can be reversed persistently, x_i not counted."""
    n = len(sizes) - 1
    need = np.zeros((n + 1, n + 1), np.int64)
    for i in reversed(range(n)):
        need[i, i + 1] = sizes[i + 1] + (sizes[i] if i else 0)
        for j in range(i + 2, n + 1):
            need[i, j] = bottlenecks(i, j, sizes, sweeps, need).min()
    return need


def bottlenecks(i: int, j: int, sizes: Array, sweeps: Sequence[Array], need: Array) -> Array:
    """For k = i + 1, ..., j - 1: the least that is needed if the first checkpoint is x_k."""
    k = np.arange(i + 1, j)
    delta = 0 if j == len(sizes) - 1 else sizes[j]  # in the first sweep there is no adjoint yet
    least: Array = np.maximum(sizes[k] + need[k, j], need[i, k])
    np.maximum(least, delta + sweeps[i][: j - i - 1], out=least)
    return least


def thriftiest(sizes: Array, sweeps: Sequence[Array], need: Array) -> Schedule:
    """A persistent schedule that holds as little as any."""
    split = lambda i, j, room: i + 1 + int(bottlenecks(i, j, sizes, sweeps, need).argmin())  # noqa: E731
    return plan(len(sizes) - 1, split)


def cheapest(sizes: Array, costs: Sequence[float], budget: int, keeps_input: bool) -> Schedule | None:
    """The cheapest persistent schedule within `budget` units, or None if there is none.

    C(i, j, m), the least cost to reverse layers j, ..., i + 1 from x_i within m units, x_i not counted and
    Delta_j counted, is the least over i < k < j of f(i, k) + C(k, j, m - a_k) + C(i, k, m), where the sweep
    must fit. In column n no Delta is there yet during the sweeps, and layer n costs its evaluation.
    """
    n, most = len(costs), int(budget - sizes[0])
    before = np.concatenate([[0.0], np.cumsum(costs)])
    sweeps = transients(sizes, keeps_input)
    left = [np.empty((n - 1 - i, most + 1)) for i in range(n)]  # f(i, k) + C(i, k, m), by k and m
    right = [np.empty((j, most + 1)) for j in range(n + 1)]  # C(k, j, m - a_k), by k and m

    def candidates(i: int, j: int) -> Array:
        total: Array = left[i][: j - i - 1] + right[j][i + 1 : j]
        for row, least in zip(total, sweeps[i] + (sizes[j] if j < n else 0), strict=False):
            row[:least] = np.inf
        return total

    for i in reversed(range(n)):
        for j in range(i + 1, n + 1):
            if j > i + 1:
                row = candidates(i, j).min(axis=0)
            else:
                row = np.full(most + 1, costs[-1] if j == n else 0.0)
                row[: sizes[j] + (sizes[i] if i else 0)] = np.inf
            if j < n:
                left[i][j - i - 1] = before[j] - before[i] + row
            shift = min(int(sizes[i]), most + 1)
            right[j][i, :shift], right[j][i, shift:] = np.inf, row[: most + 1 - shift]
    if not np.isfinite(row[most]):
        return None
    choose = lambda i, j, m: i + 1 + int(candidates(i, j)[:, m].argmin())  # noqa: E731
    return plan(n, choose, room=most, charge=lambda k: int(sizes[k]))


def demands(
    net: Any, batch: int | None, costs: Sequence[float] | None, moments: int
) -> tuple[Array, Sequence[float], int, bool]:
    """Sizes of the states and costs of the layers; bytes of all else; whether states are Z_k."""
    moments = validation.counter("moments", moments)
    if batch is None and not hasattr(net, "parameters"):
        sizes = validation.layer_sizes(net)
        validation.addressable("sizes", sum(sizes))
        return np.array(sizes), validation.costs(costs, [1.0] * (len(sizes) - 1)), 0, False
    validation.network(net)
    batch = validation.positive_integer("batch", batch)  # type: ignore[arg-type]
    item, widths = net.parameters.dtype.itemsize, np.array(net.sizes)
    work = getattr(net.hidden, "workspace", 0) * max(net.sizes[1:-1], default=0)
    rows = 3 if net.loss.distributions else 1  # the column of ones, and the two rows of cross-entropy
    beside = (2 + moments) * net.parameters.nbytes + (work + rows) * batch * item
    validation.addressable("batch", sum(net.sizes) * batch * item)
    products = [float(d * below) for below, d in pairwise(net.sizes)]
    return widths * batch * item, validation.costs(costs, products), beside, net.hidden.needs == "input"
