"""Planners keep their promises exactly: counts and peaks are the proved formulas, optima are optima."""

import heapq
import pickle
import random
from collections.abc import Callable, Iterator
from itertools import pairwise
from math import ceil, comb, inf, isqrt, log2
from typing import Any

import numpy as np
import pytest

import mlp
from mlp import schedules
from mlp.memory import simulate
from mlp.schedules import Advance, Drop, OverBudget, Reverse, Schedule, validate

DEPTHS = [*range(1, 65), 100, 127, 128, 255, 500, 777, 1000]


def t(n: int, s: int) -> int:
    """The least number of advances with s slots, by the sum form of the theorem."""
    return sum(max(0, n - comb(s + r, r)) for r in range(n + 1))


def counts(schedule: Schedule) -> tuple[int, int]:
    """Evaluations and peak, by a simulator that shares nothing with the package's."""
    live, evaluations, peak = {0}, 0, 0
    for action in schedule:
        if isinstance(action, Advance):
            evaluations += action.stop - action.start
            live.add(action.stop)
        elif isinstance(action, Reverse):
            live.discard(action.layer)  # Delta, not a state
            peak = max(peak, len(live))
            live.remove(action.layer - 1)
        else:
            live.remove(action.state)
    return evaluations, peak


def everything(n: int) -> Iterator[Schedule]:
    """A schedule of each kind."""
    yield from (schedules.store_all(n), schedules.triangular(n), schedules.bisection(n))
    yield from (schedules.uniform(n, k) for k in range(1, n + 1))
    yield from (schedules.binomial(n, s) for s in range(1, n + 2))


@pytest.mark.parametrize("n", range(1, 17))
def test_the_two_simulators_agree_and_every_schedule_is_valid(n: int) -> None:
    for schedule in everything(n):
        ledger = simulate(validate(schedule, n))
        assert (ledger.evaluations, ledger.peak_states) == counts(schedule)
        assert ledger.recomputed == ledger.evaluations - n
        assert ledger.peak_arrays == (ledger.peak_states + 2 if n > 1 else 2)
        assert schedules.depth(schedule) == n and hash(schedule) == hash(pickle.loads(pickle.dumps(schedule)))


@pytest.mark.slow
@pytest.mark.parametrize("n", DEPTHS)
def test_the_two_simulators_agree_on_many_layers(n: int) -> None:
    """What the tests below find by `counts` is what the package's ledger says."""
    few = {1, 2, 3, 10, isqrt(n), n // 2, n} & {*range(1, n + 1)}
    many = [schedules.store_all(n), schedules.triangular(n), schedules.bisection(n), schedules.uniform(n)]
    many += [schedules.uniform(n, k) for k in few]
    for schedule in everything(n) if n <= 64 else [*many, *(schedules.binomial(n, s) for s in few if s > 1)]:
        ledger = simulate(schedule)
        assert (ledger.evaluations, ledger.peak_states) == counts(schedule)


@pytest.mark.parametrize("n", DEPTHS)
def test_store_all(n: int) -> None:
    assert counts(schedules.store_all(n)) == (n, n)


@pytest.mark.parametrize("n", DEPTHS)
def test_uniform(n: int) -> None:
    for k in range(1, n + 1) if n <= 64 else (1, 2, isqrt(n), n // 2, n):
        last = n // k
        assert counts(schedules.uniform(n, k)) == (n + n - k - last + 1, k + n // k - 1)
    ledger, best = simulate(schedules.uniform(n)), min(k + n // k for k in range(1, n + 1))
    fewest = next(k for k in range(1, n + 1) if k + n // k == best)
    assert schedules.uniform(n) == schedules.uniform(n, fewest)
    assert ledger.peak_states == isqrt(4 * n + 1) - 1
    assert ledger.recomputed == n - ledger.peak_states  # no scheme does better at that peak


@pytest.mark.parametrize("n", DEPTHS)
def test_triangular(n: int) -> None:
    evaluations, peak = counts(schedules.triangular(n))
    assert peak * (peak + 1) // 2 >= n > peak * (peak - 1) // 2
    assert evaluations == n + (n - peak)


@pytest.mark.parametrize("n", DEPTHS)
def test_bisection(n: int) -> None:
    evaluations, peak = counts(schedules.bisection(n))
    assert peak == (ceil(log2(n)) if n > 1 else 0) + 1
    assert evaluations - 1 == sum(j.bit_count() for j in range(n))


@pytest.mark.parametrize("n", DEPTHS)
def test_binomial(n: int) -> None:
    for s in range(1, n + 2) if n <= 64 else (1, 2, 3, 5, 10, 44, n - 1, n, 2 * n):
        assert counts(schedules.binomial(n, s)) == (t(n, s) + 1, min(s + 1, n))


def test_the_numbers_of_the_design() -> None:
    assert simulate(schedules.binomial(10, slots=2)).evaluations == 21
    assert simulate(schedules.binomial(1000, slots=10)).evaluations == 3637


def test_deep_plans_are_quick_and_short() -> None:
    assert len(schedules.binomial(10_000, slots=17)) == 20_000
    assert len(schedules.binomial(1000, slots=1)) == 2000


Node = tuple[frozenset[int], int]
"""What is live, and k if Delta_k is there; n + 1 while layer n is not evaluated yet, 0 at the end."""


def shortest(n: int, moves: Callable[[frozenset[int], int], Iterator[tuple[int, Node]]]) -> float:
    """The least cost from x_0 alone to the end, over all plays: Dijkstra."""
    start = (frozenset({0}), n + 1)
    best: dict[Node, float] = {start: 0}
    heap, order = [(0, 0, start)], 1
    while heap:
        cost, _, (live, k) = heapq.heappop(heap)
        if k == 0:
            return cost
        if cost > best[live, k]:
            continue
        for step, node in moves(live, k):
            if cost + step < best.get(node, inf):
                best[node] = cost + step
                heapq.heappush(heap, (cost + step, order, node))
                order += 1
    return inf


def pebbles(n: int, p: int) -> float:
    """The least number of evaluations with p pebbles, an advance being allowed to slide."""

    def moves(live: frozenset[int], k: int) -> Iterator[tuple[int, Node]]:
        yield from ((0, (live - {j}, k)) for j in live if j)
        if k == n + 1 and n - 1 in live:
            yield 1, (live, n)
        if k <= n and k - 1 in live:
            yield 0, (live - {k - 1}, k - 1)
        for j in live:
            if j + 1 < n and j + 1 not in live:
                if len(live) < p:
                    yield 1, (live | {j + 1}, k)
                if j:
                    yield 1, (live - {j} | {j + 1}, k)

    return shortest(n, moves)


@pytest.mark.parametrize("n", range(1, 11))
def test_binomial_is_the_shortest_path(n: int) -> None:
    for s in range(1, n + 1):
        assert simulate(schedules.binomial(n, s)).evaluations == pebbles(n, s + 1)


@pytest.mark.slow
def test_binomial_agrees_with_checkpoint_schedules() -> None:
    multistage = pytest.importorskip("checkpoint_schedules.multistage", reason="in the extra 'peers'")
    for n in [*range(2, 41), 50, 77, 100, 150, 200, 300]:
        for s in {1, 2, 3, 5, 8, n // 3, n - 1} - {0}:
            ours = simulate(schedules.binomial(n, s)).evaluations
            assert ours == multistage.optimal_extra_steps(n, min(s, n - 1)) + 1


@pytest.mark.slow
def test_what_others_count() -> None:
    multistage = pytest.importorskip("checkpoint_schedules.multistage", reason="in the extra 'peers'")
    tables = pytest.importorskip("checkpoint_schedules.hrevolve_sequences.revolve_1d")
    assert multistage.optimal_extra_steps(10, 2) == 20 and multistage.optimal_steps_binomial(10, 2) == 30
    table = tables.get_opt_0_table(40, 5, 1, 1000)  # an evaluation costs 1, a step backward 1000
    for s in range(1, 6):
        for n in range(1, 41):
            assert table[s][n - 1] == t(n, s) + 1000 * n


# ---------------------------------------------------------------- a budget


def cheapest_of_all(a: list[int], f: list[int], budget: int) -> float:
    """The least cost of any schedule, persistent or not, within the budget."""
    n = len(a) - 1

    def moves(live: frozenset[int], k: int) -> Iterator[tuple[int, Node]]:
        held = sum(a[j] for j in live) + (a[k] if k <= n else 0)
        yield from ((0, (live - {j}, k)) for j in live if j)
        for j in live:
            if j + 1 < min(n, k) and j + 1 not in live and held + a[j + 1] <= budget:
                yield f[j], (live | {j + 1}, k)
        if k == n + 1 and n - 1 in live and held + a[n] <= budget:
            yield f[n - 1], (live, n)
        if k <= n and k - 1 in live and held + (a[k - 1] if k > 1 else 0) <= budget:
            yield 0, (live - {k - 1}, k - 1)

    return shortest(n, moves)


def budgeted(a: list[int], f: list[int], budget: int) -> float:
    """What the planner's schedule costs, inf if it finds none; its ledger is checked on the way."""
    try:
        plan = schedules.for_budget(a, budget=budget, costs=f)
    except OverBudget:
        return inf
    ledger = simulate(validate(plan.schedule, len(f)), a)
    assert plan.bytes == ledger.peak_bytes <= budget
    assert plan.cost == sum(f[m.action.stop - 1] for m in ledger.trace if isinstance(m.action, Advance))
    return plan.cost


def instances(count: int, most: int) -> Iterator[tuple[list[int], list[int]]]:
    rng = random.Random(7)
    for _ in range(count):
        n = rng.randint(1, most)
        yield [rng.randint(1, 6) for _ in range(n + 1)], [rng.randint(0, 5) for _ in range(n)]


def test_no_schedule_is_cheaper_where_hidden_widths_do_not_increase() -> None:
    finite = 0
    for a, f in instances(60, 5):
        a[1:-1] = sorted(a[1:-1], reverse=True)
        for budget in range(4, 24):
            cost = budgeted(a, f, budget)
            assert cost == cheapest_of_all(a, f, budget)
            finite += cost < inf
    assert finite > 300


def test_the_witnesses_of_what_persistence_loses() -> None:
    a, f = [2, 1, 2, 1, 2], [2] * 4
    assert [budgeted(a, f, m) for m in (7, 8, 9)] == [14, 10, 8]
    assert [cheapest_of_all(a, f, m) for m in (7, 8, 9)] == [12, 10, 8]
    a = [1, 3, 4, 1, 3, 4, 1]
    f = [x * y for x, y in pairwise(a)]
    assert budgeted(a, f, 11) == inf and cheapest_of_all(a, f, 11) == 63
    assert budgeted(a, f, 12) < inf


def test_the_least_budget_in_the_error_works() -> None:
    for a, f in instances(200, 6):
        with pytest.raises(OverBudget) as raised:
            schedules.for_budget(a, budget=1, costs=f)
        least = raised.value.least
        assert budgeted(a, f, least) < inf and budgeted(a, f, least - 1) == inf
        assert str(least) in str(raised.value) and pickle.loads(pickle.dumps(raised.value)).least == least


def test_equal_sizes_give_the_binomial_optimum() -> None:
    for n in range(2, 12):
        for s in range(1, n):
            for first in (1, 2, 9):  # the input is held throughout, whatever its size
                assert budgeted([first] + [1] * n, [1] * n, first + s + 2) == t(n, s) + 1


def test_coarse_units_are_said_and_still_fit(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = random.Random(2)
    a = [rng.randint(10_000, 20_000) | 1 for _ in range(31)]
    plan = schedules.for_budget(a, budget=120_000)
    assert plan.unit == 60 and plan.bytes <= 120_000
    exact = schedules.for_budget([60 * -(-size // 60) for size in a], budget=120_000)
    assert plan.cost == exact.cost and exact.unit == 60
    monkeypatch.setattr(schedules, "UNITS", 100)
    for budget in range(110_000, 260_000, 30_000):
        assert schedules.for_budget(a, budget=budget).bytes <= budget
    least = budget_error(a).least
    assert schedules.for_budget(a, budget=least).bytes == least  # even where rounding up would not fit


@pytest.mark.parametrize("n", [80, 100])
def test_where_all_fits_nothing_is_computed_twice(n: int) -> None:
    rng = random.Random(n)
    a = [rng.randint(900_000, 1_100_000) for _ in range(n + 1)]
    enough = simulate(schedules.store_all(n), a).peak_bytes
    for budget in (10**13, enough):
        plan = schedules.for_budget(a, budget=budget)
        assert plan.cost == n and plan.bytes == enough
    assert schedules.for_budget(a, budget=enough - 1).cost > n


def budget_error(a: list[int]) -> OverBudget:
    with pytest.raises(OverBudget) as raised:
        schedules.for_budget(a, budget=1)
    return raised.value


def test_a_hundred_layers_are_planned_in_the_time_of_one_look() -> None:
    rng = random.Random(5)
    a = [rng.randint(20, 200) for _ in range(101)]
    plan = schedules.for_budget(a, budget=2000)
    assert 100 < plan.cost < 400


@pytest.mark.parametrize("name", ["tanh", "gelu"])
def test_a_network_bounds_everything(name: str) -> None:
    net = mlp.Network.initialize([30, *[64, 48, 32, 16] * 5, 10], hidden=name)
    with pytest.raises(OverBudget) as raised:
        schedules.for_budget(net, 256, budget=1, moments=2)
    plain, least = sum(w.size for w in net.weights), raised.value.least
    state = 64 * 256 * 4
    for budget in range(least, least + 5 * state, state // 2):
        plan = schedules.for_budget(net, 256, budget=budget, moments=2)
        assert plan.bytes == mlp.memory.predict(net, 256, plan.schedule, moments=2).total <= budget
        assert plan.cost > plain == schedules.for_budget(net, 256, budget="1GB").cost


# ---------------------------------------------------------------- what a validator refuses


@pytest.mark.parametrize(
    ("schedule", "index", "words"),
    [
        ((Advance(0, 1), Advance(0, 1)), 1, "x_1 is live already"),
        ((Advance(0, 2), Advance(1, 2)), 1, "x_1 is not live"),
        ((Advance(0, 3), Advance(3, 4)), 1, "at most to x_2"),
        ((Advance(1, 0),), 0, "leads upward"),
        ((Reverse(3),), 0, "no Delta_3"),
        ((Advance(0, 2), Advance(2, 3), Reverse(2)), 2, "layer 3 is the next"),
        ((Advance(0, 3), Reverse(3)), 1, "x_2 is not live"),
        ((Advance(0, 2), Advance(2, 3), Reverse(3), Advance(0, 2)), 3, "at most to x_1"),
        ((Advance(0, 2), Drop(0)), 1, "x_0 is not a live state"),
        ((Advance(0, 2), Drop(1)), 1, "x_1 is not a live state"),
        (("advance",), 0, "an Advance, a Reverse or a Drop"),
    ],
)
def test_broken_rules(schedule: Any, index: int, words: str) -> None:
    with pytest.raises(ValueError, match=f"as action {index}, but .*{words}"):
        validate(schedule, 3)


def test_unfinished_schedules_and_other_depths() -> None:
    whole = schedules.store_all(3)
    for cut in range(len(whole)):
        with pytest.raises(ValueError, match="ends before layer"):
            validate(whole[:cut], 3)
    for depth in (1, 2, 4):
        with pytest.raises(ValueError, match="schedule: expected"):
            validate(whole, depth)
    with pytest.raises(TypeError, match="a tuple of actions"):
        validate(list(whole), 3)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: schedules.uniform(5, 6), "segments: expected at most 5, got 6"),
        (lambda: schedules.uniform(5, 0), "segments: expected a positive integer"),
        (lambda: schedules.binomial(5, 0), "slots: expected a positive integer"),
        (lambda: schedules.binomial(0, 1), "n: expected a positive integer"),
        (lambda: schedules.for_budget([1, 2], budget="64 MEGS"), "budget: expected a number of bytes"),
        (lambda: schedules.for_budget([1, 2], budget=9, costs=[1, 2]), "costs: expected 1 finite numbers"),
        (lambda: schedules.for_budget([1, 2], budget=9, costs=[-1]), r"costs\[0\]: expected a finite number"),
    ],
)
def test_planners_refuse_what_they_cannot_plan(call: Any, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        call()


def test_pictures_show_each_action_once() -> None:
    for schedule in everything(7):
        lines = schedules.picture(schedule).splitlines()
        assert len(lines) == len(schedule)
        assert sum(line.split("  ")[0].count("<") for line in lines) == 7
        assert np.sum([line[:8].count(">") + line[:8].count("*") for line in lines]) == counts(schedule)[0]
