"""The picture of a schedule has an element for each of its steps, and a writer's mistake has an answer.

Every drawing is legible on a phone as it stands there, and none has to be scrolled.
"""

import re
from pathlib import Path

import pytest

from mlp import schedules
from mlp.memory import simulate
from weave import pictures
from weave.book import ROOT

PHONE = 348  # pixels for a drawing on a screen of 360
LETTERS = re.compile(r'font-size[=:]"?([\d.]+)|font: [a-z ]*([\d.]+)px')
PAGES = (ROOT / "docs").rglob("*.md")
SCHEDULES = [
    words for page in PAGES for words in re.findall("^schedule: (.+)$", page.read_text("utf-8"), re.M)
]
FIGURES = sorted(path for path in (ROOT / "docs" / "figures").glob("*.svg") if path.stem != "cover")


@pytest.mark.parametrize("call", ["store_all(7)", "binomial(12, slots=2)", "uniform(9, segments=3)"])
def test_an_element_for_each_step(call: str) -> None:
    schedule = pictures.planned(call)
    ledger, drawing = simulate(schedule), pictures.space_time(schedule)
    n = schedules.depth(schedule)
    assert drawing.count('<rect class="role-activation"') == ledger.evaluations
    assert drawing.count('fill="none"') == ledger.recomputed
    assert drawing.count('<path class="role-adjoint"') == n
    assert drawing.count('<rect class="role-checkpoint"') >= ledger.peak_states - 1


def smallest(drawing: str) -> float:
    """The size of the smallest letters, in pixels of a phone."""
    width = float(drawing.split('viewBox="0 0 ')[1].split(maxsplit=1)[0])
    sizes = [float(one or other) for one, other in LETTERS.findall(drawing)]
    plain = re.search(r'class="label"(?![^>]*font[-:])', drawing)  # as large as the style sheet has it
    return min([*sizes, *[13] * bool(plain)]) * min(1, PHONE / width)


@pytest.mark.parametrize("path", FIGURES, ids=lambda path: path.stem)
def test_a_figure_is_legible_on_a_phone(path: Path) -> None:
    assert smallest(path.read_text(encoding="utf-8")) > 9.7


@pytest.mark.parametrize("words", SCHEDULES)
def test_a_schedule_is_legible_on_a_phone(words: str) -> None:
    assert smallest(pictures.space_time(*map(pictures.planned, words.split(" ;; ")))) > 9.7


def test_schedules_stand_side_by_side_and_a_drop_is_a_cross() -> None:
    """The two of the figure that shows what persistence is; the second is the one that its page runs."""
    page = (ROOT / "docs" / "checkpointing" / "budget.md").read_text(encoding="utf-8")
    first, second = map(pictures.planned, next(words for words in SCHEDULES if "Drop" in words).split(" ;; "))
    assert pictures.planned(page.split("\nbest = ")[1].split("\nledger")[0]) == second
    ledgers = [simulate(each, [2, 1, 2, 1, 2]) for each in (first, second)]
    assert [(each.evaluations, each.peak_bytes) for each in ledgers] == [(7, 7), (6, 7)]
    drawing = pictures.space_time(first, second)
    assert drawing.count('<rect class="role-activation"') == 7 + 6
    assert drawing.count('<path class="role-checkpoint"') == 1 and drawing.count("translate") == 1


@pytest.mark.parametrize(
    "call",
    [
        "binomal(10, 2)",
        "binomial(10, 0)",
        "binomial(10",
        "print",
        "uniform(2, __import__('os'))",
        "Advance(0, 1), Reverse(2)",
        "Advance(0, 1), walk(3)",
    ],
)
def test_a_call_that_makes_no_schedule_is_refused(call: str) -> None:
    with pytest.raises((ValueError, SyntaxError)):
        pictures.planned(call)
