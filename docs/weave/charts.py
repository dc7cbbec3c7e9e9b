"""Charts for labs: SVG in the colours of the roles, with a caption, a text alternative, the numbers beneath.

A drawing takes its colours and its type from the style sheet, so that it serves light and dark and is light
itself. What a chart shows can be taken away: the numbers as CSV, the drawing as SVG (book.js).
"""

from __future__ import annotations

import csv
import html
import io
import zlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from math import ceil, floor, log10
from typing import Any
from urllib.parse import quote

import numpy as np
import numpy.typing as npt

from weave import results

Columns = Mapping[str, Sequence[object]]


class Chart:
    """What a lab's block leaves as its last value: a drawing, what to see in it, and its data.

    alternative : the drawing in words. columns : the numbers, by the heads of a table's columns.
    """

    def __init__(
        self, drawing: str, alternative: str, columns: Columns | None = None, caption: str = ""
    ) -> None:
        self.drawing, self.alternative, self.columns = drawing, alternative, columns or {}
        self.caption, self.origin = caption, ""

    def _repr_html_(self) -> str:
        words = html.escape(self.alternative)
        drawing = self.drawing.replace("<svg ", f'<svg role="img" aria-label="{words}" ', 1)
        scroll = f'<div class="scroll" tabindex="0">{drawing}</div>' if drawing else ""
        origin = f'<span class="origin">{html.escape(self.origin)}.</span>' if self.origin else ""
        caption = f"<figcaption>{html.escape(self.caption)} {origin}</figcaption>" if self.caption else ""
        return f'<figure class="chart">{scroll}{caption}{self._numbers()}</figure>'

    def printed(self) -> str:
        """What paper shows of it: the drawing, or the table where there is none, and the caption."""
        words = " ".join(filter(None, (self.caption, self.origin and f"{self.origin}.")))
        caption = f"<figcaption>{html.escape(words)}</figcaption>" if words else ""
        shown = f"{self.drawing or self.table()}{caption}"
        return f'<figure aria-label="{html.escape(self.alternative)}">{shown}</figure>'

    def __repr__(self) -> str:
        return f"Chart: {self.alternative}"

    def _numbers(self) -> str:
        """The numbers of the chart, folded beneath it, and as a file."""
        if not self.columns:
            return ""
        data = quote(self.csv(), safe=",")
        file = f'<a download="chart.csv" href="data:text/csv;charset=utf-8,{data}">CSV</a>'
        return (
            f'<p class="take">Download: {file}</p><details class="numbers" data-search-exclude="">'
            f"<summary>The numbers</summary>{self.table()}</details>"
        )

    def table(self) -> str:
        """The numbers as a table, rounded."""
        head = "".join(f"<th>{html.escape(name)}</th>" for name in self.columns)
        rows = "".join(
            "<tr>" + "".join(f"<td>{_shown(value)}</td>" for value in row) + "</tr>"
            for row in zip(*self.columns.values(), strict=True)
        )
        table = f"<table><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table>"
        return f'<div class="scroll" tabindex="0">{table}</div>'

    def csv(self) -> str:
        """The numbers as comma-separated values, to six digits."""
        file = io.StringIO()
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(self.columns)
        for row in zip(*self.columns.values(), strict=True):
            writer.writerow([f"{value:.6g}" if isinstance(value, float) else value for value in row])
        return file.getvalue()


class Table(Chart):
    """Numbers without a drawing: the table itself is shown."""

    def __init__(self, columns: Columns, caption: str) -> None:
        super().__init__("", caption, columns, caption)

    def _numbers(self) -> str:
        return self.table()


class Missing:
    """What stands in place of a chart whose data were not measured yet."""

    def _repr_html_(self) -> str:
        return "<p><em>not measured yet: run <code>make bench</code></em></p>"


def measured(part: str, draw: Callable[[dict[str, Any]], Chart | Any]) -> Chart | Missing:
    """What `draw` makes of the results of a part, with their origin; a plain line if it makes nothing."""
    data = results.load(part)
    chart = draw(data) if data else None
    if not isinstance(chart, Chart):
        return Missing()
    assert data
    chart.origin = results.origin(data, results.present())
    return chart


# ---------------------------------------------------------------- lines and points

WIDE, HIGH, LETTER = 620, 340, 8.6  # a drawing's size; a letter's width in a name, as large as on a phone
APART = 17  # between two names at the ends of lines
DASHES = {"-": "", "--": "7 4", ":": "1.5 3.5", "-.": "8 3.5 1.5 3.5"}
MARKS = {
    "o": "m-3 0a3 3 0 1 0 6 0a3 3 0 1 0-6 0",
    "s": "m-2.8-2.8h5.6v5.6h-5.6z",
    "^": "m0-3.6l3.4 6h-6.8z",
    "v": "m0 3.6l3.4-6h-6.8z",
    "D": "m0-3.8l3.8 3.8l-3.8 3.8l-3.8-3.8z",
    "+": "m-1-4h2v3h3v2h-3v3h-2v-3h-3v-2h3z",
    ".": "m-1.4 0a1.4 1.4 0 1 0 2.8 0a1.4 1.4 0 1 0-2.8 0",
}


@dataclass(frozen=True)
class Series:
    """`y` against `x` in a role's colour ("ink" and "quiet" are two more).

    line, mark : keys of DASHES and MARKS, "" for none.
    end : what is written beside the last point, the name of the series if None.
    spread : half the height of a band around the line.
    """

    x: Sequence[float]
    y: Sequence[float]
    role: str = "ink"
    line: str = "-"
    mark: str = "o"
    end: str | None = None
    spread: Sequence[float] = ()


class Axis:
    """Where the values of an axis lie, between the places `first` and `last`, and which of them are named."""

    def __init__(self, values: Iterable[float], first: float, last: float, log: bool) -> None:
        self.log = log
        low, high = (f(map(self.turned, values)) for f in (min, max)) if (values := list(values)) else (0, 1)
        margin = 0.03 * (high - low or 1)
        self.low, self.high = low - margin, high + margin
        self.first, self.last = first, last

    def turned(self, value: float) -> float:
        """The logarithm of a value, if the axis is logarithmic."""
        return log10(value) if self.log else value

    def __call__(self, value: float) -> float:
        """The place of a value."""
        share = (self.turned(value) - self.low) / (self.high - self.low)
        return self.first + share * (self.last - self.first)

    def ticks(self) -> list[float]:
        """Round values, seven at most: multiples of 1, 2 or 5, or these times powers of ten."""
        if self.log:
            every = (1, 2, 5) if self.high - self.low < 2.4 else (1,)
            powers = range(floor(self.low), ceil(self.high))
            found = [factor * 10.0**power for power in powers for factor in every]
        else:
            least = (self.high - self.low) / 7
            step = next(
                s for k in (0, 1) for f in (1, 2, 5) if (s := f * 10.0 ** (floor(log10(least)) + k)) >= least
            )
            found = [step * k for k in range(ceil(self.low / step), floor(self.high / step) + 1)]
        return [value for value in found if self.low <= self.turned(value) <= self.high]


def plot(
    series: Mapping[str, Series],
    *,
    x_label: str,
    y_label: str,
    caption: str,
    alternative: str,
    log_x: bool = False,
    log_y: bool = False,
    columns: Columns | None = None,
) -> Chart:
    """Lines and points, each named at its end; units go into the labels.

    columns : the table, if it is not to be `x_label` and a column for each series.
    """
    ends = {name: name if each.end is None else each.end for name, each in series.items()}
    across = [value for each in series.values() for value in each.x]
    share = Axis(across, 0, 1, log_x)
    rooms = [48 + (WIDE - 58 - LETTER * len(ends[name])) / share(each.x[-1]) for name, each in series.items()]
    right = min([WIDE - 8, *rooms])  # so that every name has room
    x = Axis(across, 48, right, log_x)
    edges = [edge for each in series.values() for edge in _edges(each)]
    y = Axis((value for edge in edges for value in edge), HIGH - 46, 28, log_y)
    drawn = [
        *_grid(x, y),
        _text(y_label, 0, 13, "start"),
        _text(x_label, right, HIGH - 4, "end"),
    ]
    for each in series.values():
        drawn.append(f'<g class="role-{each.role}">{"".join(_series(each, x, y))}</g>')
    drawn += _names([(x(each.x[-1]), y(each.y[-1]), ends[name], each.role) for name, each in series.items()])
    drawing = f'<svg viewBox="0 0 {WIDE} {HIGH}">{"".join(drawn)}</svg>'
    return Chart(drawing, alternative, columns or _joined(x_label, series), caption)


def _grid(x: Axis, y: Axis) -> list[str]:
    """Lines at the ticks, and their numbers."""
    drawn = []
    for value in x.ticks():
        drawn.append(f'<path class="grid" d="M{x(value):.1f} {y.last}V{y.first}"/>')
        drawn.append(_text(f"{value:,.10g}", x(value), y.first + 18))
    for value in y.ticks():
        drawn.append(f'<path class="grid" d="M{x.first} {y(value):.1f}H{x.last:.1f}"/>')
        drawn.append(_text(f"{value:,.10g}", x.first - 7, y(value) + 4.5, "end"))
    return drawn


def _edges(each: Series) -> list[list[float]]:
    """The lower and the upper edge of a band; without one, twice the line."""
    return [np.add(each.y, np.multiply(sign, each.spread or 0)).tolist() for sign in (-1, 1)]


def _series(each: Series, x: Axis, y: Axis) -> list[str]:
    """A band, a line and marks."""
    places = [f"{x(a):.1f} {y(b):.1f}" for a, b in zip(each.x, each.y, strict=True)]
    drawn = []
    if each.spread:
        low, high = _edges(each)
        band = [*zip(each.x, low, strict=True), *reversed([*zip(each.x, high, strict=True)])]
        points = "L".join(f"{x(a):.1f} {y(b):.1f}" for a, b in band)
        drawn.append(f'<path fill="currentColor" fill-opacity=".15" d="M{points}z"/>')
    if each.line:
        dashes = f' stroke-dasharray="{DASHES[each.line]}"' * bool(DASHES[each.line])
        drawn.append(
            f'<path fill="none" stroke="currentColor" stroke-width="1.8"{dashes} d="M{"L".join(places)}"/>'
        )
    if each.mark:
        marks = "".join(f"M{place}{MARKS[each.mark]}" for place in places)
        drawn.append(f'<path fill="currentColor" d="{marks}"/>')
    return drawn


def _names(ends: list[tuple[float, float, str, str]]) -> list[str]:
    """Names beside the last points (x, y, words, role), moved up where one would lie on another."""
    drawn: list[str] = []
    taken: list[tuple[float, float, float]] = []
    for x, y, words, role in sorted(ends, key=lambda end: -end[1]):
        height, right = y, x + LETTER * len(words)
        for left, level, end in taken:
            if x < end and left < right and level - APART < height < level + APART:
                height = level - APART
        taken.append((x, height, right) if words else (0, -99, 0))
        drawn.append(f'<g class="role-{role}">{_text(words, x + 8, height + 4.5, "start", "end")}</g>')
    return drawn


def _joined(x_label: str, series: Mapping[str, Series]) -> dict[str, Sequence[object]]:
    """A table of all series: a row for each x, empty where a series has no point."""
    places = sorted({x for each in series.values() for x in each.x})
    known = {name: dict(zip(each.x, each.y, strict=True)) for name, each in series.items()}
    return {x_label: places, **{name: [points.get(x, "") for x in places] for name, points in known.items()}}


# ---------------------------------------------------------------- bars

FILLS = ["", "M0 6L6 0", "M0 3H6", "M0 0L6 6"]  # strokes on a square of six


def bars(
    rows: Sequence[str],
    parts: Mapping[str, Sequence[float]],
    *,
    roles: Sequence[str],
    x_label: str,
    caption: str,
    alternative: str,
    mark: float | None = None,
    form: str = ".2f",
    columns: Columns | None = None,
) -> Chart:
    """A bar for each row, made of `parts` in their roles' colours, its whole length written at its end.

    mark : where a vertical line stands for what the bars are compared with.
    """
    fills = _Fills(alternative)
    ends = np.sum([list(lengths) for lengths in parts.values()], axis=0)
    left, top, pitch = LETTER * max(map(len, rows)) + 12, 30 if len(parts) > 1 else 8, 26
    scale = (WIDE - left - 62) / max([*ends, mark or 0])
    bottom = top + pitch * len(rows)
    drawn, x = [], [left] * len(rows)
    for place, (name, lengths) in enumerate(parts.items()):
        pieces = [
            _piece(x[row], top + pitch * row + 4, scale * length, 17)
            for row, length in enumerate(lengths)
            if length
        ]
        if len(parts) > 1:
            key = place * WIDE / len(parts)
            pieces.append(_piece(key, 4, 14, 13))
            drawn.append(_text(name, key + 20, 15, "start"))
        drawn.append(fills.group(place, roles[place], pieces))
        x = [before + scale * length for before, length in zip(x, lengths, strict=True)]
    for row, words in enumerate(rows):
        y = top + pitch * row + 17
        drawn.append(_text(words, left - 8, y, "end", "row"))
        drawn.append(_text(format(ends[row], form), x[row] + 5, y, "start", "row"))
    if mark is not None:
        drawn.append(
            f'<path class="line" stroke-dasharray="4 3" d="M{left + scale * mark:.1f} {top}V{bottom}"/>'
        )
    drawn.append(f'<path class="line" d="M{left:.1f} {top}V{bottom}"/>')
    drawn.append(_text(x_label, left, bottom + 18, "start"))
    drawing = f'<svg viewBox="0 0 {WIDE} {bottom + 24}">{"".join(drawn)}</svg>'
    return Chart(drawing, alternative, columns or {"": rows, **parts}, caption)


def _piece(x: float, y: float, width: float, height: float) -> str:
    return f'<path d="M{x:.1f} {y}h{width:.1f}v{height}h-{width:.1f}z"/>'


class _Fills:
    """How the parts of bars are filled: strokes too, so that colour is not all that tells them apart."""

    def __init__(self, alternative: str) -> None:
        self.name = f"p{zlib.crc32(alternative.encode()):x}"  # another chart on the page has another

    def group(self, place: int, role: str, pieces: list[str]) -> str:
        """The pieces of the part at `place`."""
        name = f"{self.name}-{place}"
        return (
            f'<g class="role-{role}"><pattern id="{name}" width="6" height="6" patternUnits="userSpaceOnUse">'
            f'<path fill="currentColor" fill-opacity=".4" d="M0 0h6v6h-6z"/>'
            f'<path stroke="currentColor" d="{FILLS[place]}"/></pattern>'
            f'<g fill="url(#{name})" stroke="currentColor">{"".join(pieces)}</g></g>'
        )


# ---------------------------------------------------------------- tables of counts, and pictures


def counts(matrix: npt.NDArray[np.integer], *, rows: str, columns: str, alternative: str) -> Chart:
    """A square table of counts, its diagonal quiet and the rest shaded by size."""
    size, cell = len(matrix), 34
    middle = cell * (size + 2) / 2
    peak = max(1, int((matrix * (1 - np.eye(size, dtype=int))).max()))
    parts = [
        _text(columns, middle, 14),
        f'<text class="label" transform="translate(14 {middle}) rotate(-90)" '
        f'text-anchor="middle">{html.escape(rows)}</text>',
    ]
    for i in range(size):
        place = cell * (i + 1.5) + 5
        parts += [_text(i, place, cell), _text(i, cell - 8, place + 5, anchor="end")]
        for j in range(size):
            shade = 0.08 if i == j else 0.75 * int(matrix[i, j]) / peak
            role = "role-activation" if i == j else "role-adjoint"
            x, y = cell * (j + 1) + 6, cell * (i + 1) + 6
            if i == j or matrix[i, j]:
                parts.append(
                    f'<rect class="{role}" x="{x}" y="{y}" width="{cell - 2}" height="{cell - 2}" '
                    f'fill="currentColor" fill-opacity="{shade:.2f}"/>'
                )
                parts.append(_text(matrix[i, j], cell * (j + 1.5) + 5, y + 21, kind="count"))
    side = cell * (size + 1) + 8
    drawing = f'<svg viewBox="0 0 {side} {side}" style="max-width:{1.4 * side:.0f}px">{"".join(parts)}</svg>'
    table = {f"{rows}, {columns}": range(size), **{str(j): matrix[:, j].tolist() for j in range(size)}}
    return Chart(drawing, alternative, table)


def images(pictures: npt.NDArray[np.floating], captions: Sequence[str], *, alternative: str) -> Chart:
    """Square grey pictures (side, side, count), values from 0 to 1, in rows of eight, with captions.

    Pixels of one shade, of sixteen, are one path: a page of digits is light.
    """
    side, _, count = pictures.shape
    cell, scale = 78, 60 / side
    squares: dict[int, list[str]] = {}
    for index in range(count):
        left, top = cell / scale * (index % 8) + 1, 92 / scale * (index // 8) + 1
        for row, column in zip(*np.nonzero(pictures[:, :, index] > 1 / 32), strict=True):
            shade = round(16 * float(pictures[row, column, index]))
            squares.setdefault(shade, []).append(f"M{left + column:g} {top + row:.4g}h1v1h-1z")
    shades = [f'<path fill-opacity="{shade / 16:g}" d="{"".join(each)}"/>' for shade, each in squares.items()]
    words = [
        _text(caption, cell * (index % 8) + 37.5, 92 * (index // 8) + 82)
        for index, caption in enumerate(captions)
    ]
    drawing = (
        f'<svg viewBox="0 0 {8 * cell} {92 * -(-count // 8)}" fill="currentColor">'
        f'<g transform="scale({scale:g})">{"".join(shades)}</g>{"".join(words)}</svg>'
    )
    return Chart(drawing, alternative)


def _text(words: object, x: float, y: float, anchor: str = "middle", kind: str = "label") -> str:
    """Words in a drawing; `anchor` says which part of them is at `x`."""
    shown = html.escape(str(words))
    return f'<text class="{kind}" x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">{shown}</text>'


def _shown(value: object) -> str:
    return f"{value:.4g}" if isinstance(value, float | np.floating) else html.escape(str(value))
