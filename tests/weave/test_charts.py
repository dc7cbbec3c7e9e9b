"""Charts: what is drawn lies where its values say, is well formed, and can be read without the drawing."""

from __future__ import annotations

import csv
import re
from collections.abc import Sequence
from itertools import pairwise
from urllib.parse import unquote
from xml.etree import ElementTree

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from weave import charts, results
from weave.charts import Axis, Chart, Series

POSITIVE = st.lists(st.floats(1e-6, 1e9), min_size=1, max_size=20)


@settings(deadline=None, derandomize=True)
@given(POSITIVE, st.booleans())
def test_an_axis_keeps_order_and_stays_within_its_ends(values: list[float], log: bool) -> None:
    axis = Axis(values, 300, 20, log)  # as upright axes are: larger values further up
    places = [axis(value) for value in sorted(values)]
    assert all(20 <= place <= 300 for place in places)
    assert all(above <= below + 1e-9 for below, above in pairwise(places))
    for value in axis.ticks():
        assert 20 - 1e-6 <= axis(value) <= 300 + 1e-6


@settings(deadline=None, derandomize=True)
@given(st.floats(-1e6, 1e6), st.floats(1e-3, 1e6))
def test_a_linear_axis_names_a_few_round_values(low: float, width: float) -> None:
    ticks = Axis([low, low + width], 0, 100, log=False).ticks()
    assert 2 <= len(ticks) <= 8
    step = ticks[1] - ticks[0]
    assert f"{step:.0e}"[0] in "125"


def test_a_logarithmic_axis_names_powers_or_more() -> None:
    assert Axis([4, 1024], 0, 1, log=True).ticks() == [10, 100, 1000]
    assert Axis([2, 100], 0, 1, log=True).ticks() == [2, 5, 10, 20, 50, 100]


def lines() -> Chart:
    return charts.plot(
        {
            "a & b": Series([1, 2, 4], [1, 2, 3], "weight", "--", "s", spread=[0.1, 0.2, 0.3]),
            "c": Series([2, 4], [9.25, 3.051234], "adjoint", "", "^"),
            "d": Series([1, 4], [1, 3], "ink", "-", "", ""),
        },
        x_label="n",
        y_label="bytes",
        caption="What to see <here>.",
        alternative='Lines "drawn"',
    )


def stacked(alternative: str = "Bars", form: str = ".2f") -> Chart:
    return charts.bars(
        ["one", "two & three"],
        {"x": [1.0, 0.0], "y": [0.5, 4.0]},
        roles=["weight", "adjoint"],
        x_label="times",
        caption="Longer is slower.",
        alternative=alternative,
        mark=1,
        form=form,
    )


def every() -> list[Chart]:
    return [
        lines(),
        stacked(),
        charts.counts(np.array([[3, 1], [0, 4]]), rows="written", columns="read", alternative="Counts"),
        charts.images(np.eye(8)[:, :, np.newaxis] * np.ones(9), ["1 < 2"] * 9, alternative="Images"),
    ]


@pytest.mark.parametrize("chart", every(), ids=str)
def test_a_chart_is_well_formed_and_says_itself_in_words(chart: Chart) -> None:
    figure = ElementTree.fromstring(chart._repr_html_())
    (drawing,) = figure.iter("svg")
    assert drawing.get("role") == "img" and drawing.get("aria-label") == chart.alternative
    assert not re.search(r"\d\.\d{3}", chart.drawing), "coordinates are rounded"
    assert not re.search("#[0-9a-f]{6}|rgb", chart.drawing), "colours are the style sheet's"


@pytest.mark.parametrize("chart", every()[:3], ids=str)
def test_the_numbers_stand_beneath_and_can_be_taken_away(chart: Chart) -> None:
    html = chart._repr_html_()
    (address,) = re.findall(r'href="data:text/csv;charset=utf-8,([^"]*)"', html)
    head, *rows = csv.reader(unquote(address).splitlines())
    assert head == list(chart.columns)
    values = list(zip(*chart.columns.values(), strict=True))
    assert len(rows) == len(values) == html.count("<tr>") - 1
    for row, value in zip(rows, values, strict=True):
        assert row == [f"{cell:.6g}" if isinstance(cell, float) else str(cell) for cell in value]


def test_series_of_different_x_share_a_table() -> None:
    assert lines().columns == {"n": [1, 2, 4], "a & b": [1, 2, 3], "c": ["", 9.25, 3.051234], "d": [1, "", 3]}


def placed(chart: Chart, role: str, kind: str) -> list[tuple[float, float]]:
    """The places of the marks or of the corners of the line of a role."""
    (group,) = re.findall(rf'<g class="role-{role}"><path.*?</g>', chart.drawing)
    path = re.findall(r'<path fill="currentColor" d="([^"]*)"|stroke="currentColor"[^>]* d="([^"]*)"', group)
    text = "".join(marks if kind == "marks" else line for marks, line in path)
    return [(float(x), float(y)) for x, y in re.findall(r"[ML]([\d.]+) ([\d.]+)", text)]


def test_marks_and_lines_lie_where_the_values_say() -> None:
    marks, corners = placed(lines(), "weight", "marks"), placed(lines(), "weight", "line")
    assert marks == corners and len(marks) == 3
    (x1, y1), (x2, y2), (x3, y3) = marks
    assert (x3 - x2) / (x2 - x1) == pytest.approx(2, rel=1e-2) and y2 - y3 == pytest.approx(y1 - y2, abs=0.2)
    (left, top), (right, below) = placed(lines(), "adjoint", "marks")
    assert (left, right) == (x2, x3) and (top < below)
    assert (y3 - below) / (y2 - y3) == pytest.approx(0.05, abs=0.01)


def test_a_band_stays_inside_the_axes() -> None:
    series = {"a": Series([1, 2], [1, 2], line="", mark="", spread=[5, 0])}
    chart = charts.plot(series, x_label="", y_label="", caption="", alternative="")
    (band,) = re.findall(r'fill-opacity=".15" d="M([^z]*)z"', chart.drawing)
    heights = [float(place.split()[1]) for place in band.split("L")]
    assert max(heights) - min(heights) > 200 and min(heights) >= 28 and max(heights) <= charts.HIGH - 46


def test_names_at_the_ends_do_not_lie_on_each_other() -> None:
    series = {f"series {k}": Series([1, 2], [1, 1 + k / 50]) for k in range(6)} | {
        "far": Series([1, 2], [1, 99])
    }
    chart = charts.plot(series, x_label="", y_label="", caption="", alternative="")
    heights = sorted(float(y) for y in re.findall(r'class="end" x="[\d.]+" y="([\d.]+)"', chart.drawing))
    assert len(heights) == 7 and min(np.diff(heights)) >= charts.APART - 0.2


@pytest.mark.parametrize("long", [Series([1, 2], [1, 2]), Series([1, 1.2], [1, 2])])
def test_every_name_has_room(long: Series) -> None:
    name = "a name of many letters"
    chart = charts.plot(
        {name: long, "x": Series([1, 2], [1, 1])}, x_label="", y_label="", caption="", alternative=""
    )
    (x,) = re.findall(rf'class="end" x="([\d.]+)"[^>]*>{name}', chart.drawing)
    assert float(x) + charts.LETTER * len(name) <= charts.WIDE


def lengths(chart: Chart, role: str) -> list[float]:
    (group,) = re.findall(rf'<g class="role-{role}"><pattern.*?</g></g>', chart.drawing)
    return [float(width) for width in re.findall(r"h([\d.]+)v17", group)]


def test_bars_are_as_long_as_their_values() -> None:
    chart = stacked()
    (first,), (second, third) = lengths(chart, "weight"), lengths(chart, "adjoint")
    assert first == pytest.approx(2 * second, abs=0.2) and third == pytest.approx(8 * second, abs=0.5)
    starts = re.findall(r"M([\d.]+) \d+h[\d.]+v17", chart.drawing)
    left, beside, below = map(float, starts)
    assert beside == pytest.approx(left + first, abs=0.2) and below == left
    assert ">1.50<" in chart.drawing and ">4.00<" in chart.drawing


def test_two_charts_of_a_page_do_not_share_a_filling() -> None:
    names: Sequence[set[str]] = [
        set(re.findall(r'<pattern id="([^"]*)"', stacked(words).drawing)) for words in ("one", "two")
    ]
    assert len(names[0]) == len(names[1]) == 2 and not names[0] & names[1]


def test_what_is_not_measured_yet_is_said_in_a_plain_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(results, "load", lambda part: None)
    shown = charts.measured("step", lambda data: pytest.fail("there is nothing to draw"))
    assert "not measured yet: run <code>make bench</code>" in shown._repr_html_()


@pytest.mark.parametrize("old", [True, False])
def test_a_measured_chart_says_where_its_data_come_from_and_if_they_are_old(
    monkeypatch: pytest.MonkeyPatch, old: bool
) -> None:
    about = {
        "mlp": "another" if old else results.present(), "date": "2022-06-01", "command": "bench",
        "processor": "abacus", "cores": 1, "threads": "1", "python": "3", "versions": {"numpy": "2"},
    }  # fmt: skip
    monkeypatch.setattr(results, "load", lambda part: {"about": about})
    html = charts.measured("step", lambda data: lines())._repr_html_()
    assert "Measured on 2022-06-01 by bench: abacus" in html and ("older than the code" in html) == old


def test_words_in_a_drawing_are_words() -> None:
    """Of every kind of chart, wherever somebody writes: the drawing is well formed, and says that."""
    words, two = 'a </text></svg><evil onevil="1"> & b', np.array([[3, 1], [0, 2]])
    say = {"caption": words, "alternative": words}
    parts: dict[str, Sequence[float]] = {words: [1.0], words + words: [2.0]}
    for chart, times in (
        (charts.plot({words: Series([1, 2], [1, 2])}, x_label=words, y_label=words, **say), 3),
        (charts.bars([words], parts, roles=["ink", "quiet"], x_label=words, **say), 5),
        (charts.counts(two, rows=words, columns=words, alternative=words), 2),
        (charts.images(np.ones((2, 2, 1)), [words], alternative=words), 1),
    ):
        whole = ElementTree.fromstring(chart._repr_html_())
        drawn = "".join(text for svg in whole.iter("svg") for text in svg.itertext())
        assert drawn.count(words) == times and not list(whole.iter("evil"))
        assert whole.find(".//svg").get("aria-label") == words  # type: ignore[union-attr]
