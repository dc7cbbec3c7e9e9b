"""The explorer's data are the planners' schedules."""

import json

from mlp import schedules
from mlp.memory import simulate
from mlp.schedules import Advance, Reverse, Schedule
from weave import explorer


def read(text: str, n: int) -> Schedule:
    """A schedule from its short text, as the script reads it."""
    actions: list[Advance | Reverse] = []
    at, layer = 0, n
    while at < len(text):
        if text[at] == "-":
            actions.append(Reverse(layer))
            at, layer = at + 1, layer - 1
        else:
            start, stop = (explorer.DIGITS.index(digit) for digit in text[at : at + 2])
            actions.append(Advance(start, stop))
            at += 2
    return tuple(actions)


def test_every_schedule_can_be_read_again() -> None:
    data = json.loads(explorer.data().removeprefix("window.bookSchedules = ").rstrip(";\n"))
    assert len(set(explorer.DIGITS)) == len(explorer.DIGITS) == explorer.DEEPEST + 1
    for n in range(1, explorer.DEEPEST + 1):
        assert read(data["bisection"][n], n) == schedules.bisection(n)
        assert read(data["uniform"][n], n) == schedules.uniform(n)
        for s in explorer.slots(n):
            assert read(data["binomial"][n][s - 1], n) == schedules.binomial(n, s)
            assert data["optimum"][n][s - 1] == simulate(schedules.binomial(n, s)).evaluations
