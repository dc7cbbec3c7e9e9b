"""The picture of a schedule has an element for each of its steps, and a writer's mistake has an answer."""

import pytest

from mlp import schedules
from mlp.memory import simulate
from weave import pictures


@pytest.mark.parametrize("call", ["store_all(7)", "binomial(12, slots=2)", "uniform(9, segments=3)"])
def test_an_element_for_each_step(call: str) -> None:
    schedule = pictures.planned(call)
    ledger, drawing = simulate(schedule), pictures.space_time(schedule)
    n = schedules.depth(schedule)
    assert drawing.count('<rect class="role-activation"') == ledger.evaluations
    assert drawing.count('fill="none"') == ledger.recomputed
    assert drawing.count('<path class="role-adjoint"') == n
    assert drawing.count('<rect class="role-checkpoint"') >= ledger.peak_states - 1


@pytest.mark.parametrize(
    "call", ["binomal(10, 2)", "binomial(10, 0)", "binomial(10", "print", "uniform(2, __import__('os'))"]
)
def test_a_call_that_makes_no_schedule_is_refused(call: str) -> None:
    with pytest.raises((ValueError, SyntaxError)):
        pictures.planned(call)
