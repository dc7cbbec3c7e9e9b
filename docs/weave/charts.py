"""Charts for labs: SVG in the colours of the roles, with a caption, a text alternative, the numbers beneath.

Colours are written as `var(--role-...)`, so that one drawing serves light and dark; text stays text, in the
page's own type. What a chart shows can be taken away: the numbers as CSV, the drawing as SVG (book.js).
"""

from __future__ import annotations

import csv
import html
import io
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import matplotlib
import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, LogLocator, NullLocator

from weave import results

if TYPE_CHECKING:
    from matplotlib.typing import RcKeyType

INKS = {
    "weight": "#1a5c9e",
    "activation": "#0b6e55",
    "adjoint": "#b0331f",
    "checkpoint": "#7441a0",
    "ink": "#1d1b18",
    "quiet": "#6a655c",
    "rule": "#d9d3c4",
}
STYLE: dict[RcKeyType, Any] = {
    "svg.fonttype": "none",
    "font.family": "serif",
    "font.size": 10,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.edgecolor": INKS["quiet"],
    "axes.labelcolor": INKS["ink"],
    "axes.axisbelow": True,
    "xtick.color": INKS["quiet"],
    "ytick.color": INKS["quiet"],
    "text.color": INKS["ink"],
    "axes.grid": True,
    "grid.color": INKS["rule"],
    "grid.linewidth": 0.6,
    "hatch.linewidth": 0.7,
    "legend.frameon": False,
    "lines.linewidth": 1.6,
}
APART, WIDE = 12, 90  # points that a name takes in height, and in width
HATCHES = ["", "////", "....", "xxxx", ""]

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

    def __repr__(self) -> str:
        return f"Chart: {self.alternative}"

    def _numbers(self) -> str:
        """The numbers of the chart, folded beneath it, and as a file."""
        if not self.columns:
            return ""
        file = f'<a download="chart.csv" href="data:text/csv;charset=utf-8,{quote(self.csv())}">CSV</a>'
        return (
            f'<details class="numbers" data-search-exclude><summary>The numbers</summary>{self.table()}'
            f'</details><p class="take">Download: {file}</p>'
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
        """The numbers as comma-separated values, in full."""
        file = io.StringIO()
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(self.columns)
        writer.writerows(zip(*self.columns.values(), strict=True))
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


def measured(part: str, draw: Callable[[dict[str, Any]], Chart]) -> Chart | Missing:
    """What `draw` makes of the results of a part, with their origin; a plain line if there are none yet."""
    data = results.load(part)
    if data is None:
        return Missing()
    chart = draw(data)
    chart.origin = results.origin(data, results.present())
    return chart


@dataclass(frozen=True)
class Series:
    """`y` against `x` in a role's colour.

    line, mark : matplotlib's signs for dashes and markers, "" for none. end : what is written beside the last
    point, the series' name if None. spread : half the height of a band around the line.
    """

    x: Sequence[float]
    y: Sequence[float]
    role: str = "ink"
    line: str = "-"
    mark: str = "o"
    end: str | None = None
    spread: Sequence[float] = ()


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
    with matplotlib.rc_context({**STYLE, "svg.hashsalt": alternative}):
        figure = Figure(figsize=(6.2, 3.5), layout="constrained")
        axes = figure.subplots()
        for each in series.values():
            ink = INKS[each.role]
            axes.plot(each.x, each.y, each.line, color=ink, marker=each.mark, markersize=4)
            if each.spread:
                low, high = (np.add(each.y, np.multiply(side, each.spread)) for side in (-1, 1))
                axes.fill_between(each.x, low, high, color=ink, alpha=0.15, linewidth=0)
        axes.set(xlabel=x_label, ylabel=y_label)
        _scales(axes, log_x, log_y)
        _name_ends(figure, axes, series)
        return Chart(_svg(figure), alternative, columns or _joined(x_label, series), caption)


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
    with matplotlib.rc_context({**STYLE, "svg.hashsalt": alternative, "axes.grid.axis": "x"}):
        figure = Figure(figsize=(6.2, 0.7 + 0.29 * len(rows) + 0.25 * (len(parts) > 1)), layout="constrained")
        axes = figure.subplots()
        places, ends = np.arange(len(rows))[::-1], np.zeros(len(rows))
        for (name, lengths), role, hatch in zip(parts.items(), roles, HATCHES, strict=False):
            axes.barh(
                places, lengths, 0.62, left=ends, label=name, color=INKS[role] + "66", edgecolor=INKS[role],
                hatch=hatch, linewidth=0.8,
            )  # fmt: skip
            ends = ends + lengths
        for place, end in zip(places, ends, strict=True):
            axes.annotate(format(end, form), (end, place), (4, 0), textcoords="offset points", va="center")
        if mark is not None:
            axes.axvline(mark, color=INKS["ink"], linewidth=1, linestyle=(0, (4, 3)))
        axes.set_yticks(places, rows, color=INKS["ink"])
        axes.tick_params(axis="y", length=0)
        axes.set(xlabel=x_label, xlim=(0, 1.1 * max(ends)))
        if len(parts) > 1:
            figure.legend(loc="outside upper left", ncols=len(parts), handlelength=1.4, columnspacing=1.4)
        return Chart(_svg(figure), alternative, columns or {"": rows, **parts}, caption)


def counts(matrix: npt.NDArray[np.integer], *, rows: str, columns: str, alternative: str) -> Chart:
    """A square table of counts, its diagonal quiet and the rest shaded by size."""
    size, cell = len(matrix), 34
    middle = cell * (size + 2) / 2
    peak = max(1, int((matrix * (1 - np.eye(size, dtype=int))).max()))
    parts = [
        _text(columns, middle, 14),
        f'<text class="label" transform="translate(14 {middle}) rotate(-90)" '
        f'text-anchor="middle">{rows}</text>',
    ]
    for i in range(size):
        place = cell * (i + 1.5) + 5
        parts += [_text(i, place, cell), _text(i, cell - 8, place + 5, anchor="end")]
        for j in range(size):
            shade = 0.08 if i == j else 0.75 * int(matrix[i, j]) / peak
            role = "role-activation" if i == j else "role-adjoint"
            x, y = cell * (j + 1) + 6, cell * (i + 1) + 6
            parts.append(
                f'<rect class="{role}" x="{x}" y="{y}" width="{cell - 2}" height="{cell - 2}" '
                f'fill="currentColor" fill-opacity="{shade:.2f}"/>'
            )
            if matrix[i, j]:
                parts.append(_text(matrix[i, j], cell * (j + 1.5) + 5, y + 21, kind="count"))
    side = cell * (size + 1) + 8
    drawing = f'<svg viewBox="0 0 {side} {side}" style="max-width:{side}px">{"".join(parts)}</svg>'
    table = {f"{rows}, {columns}": range(size), **{str(j): matrix[:, j].tolist() for j in range(size)}}
    return Chart(drawing, alternative, table)


def images(pictures: npt.NDArray[np.floating], captions: Sequence[str], *, alternative: str) -> Chart:
    """Square grey pictures (side, side, count), values from 0 to 1, in rows of eight, with captions.

    Pixels of one shade, of sixteen, are one path: a page of digits is light.
    """
    side, _, count = pictures.shape
    cell, scale = 78, 60 / side
    squares: dict[int, list[str]] = {}
    parts = []
    for index in range(count):
        left, top = cell * (index % 8) + 9, 92 * (index // 8) + 4
        for row, column in zip(*np.nonzero(pictures[:, :, index] > 1 / 32), strict=True):
            shade = round(16 * float(pictures[row, column, index]))
            place = f"M{left + column * scale:g} {top + row * scale:g}"
            squares.setdefault(shade, []).append(f"{place}h{scale:g}v{scale:g}h-{scale:g}z")
        parts.append(_text(html.escape(captions[index]), left + 30, top + 78))
    paths = [f'<path fill-opacity="{shade / 16:g}" d="{"".join(each)}"/>' for shade, each in squares.items()]
    height = 92 * -(-count // 8)
    drawing = f'<svg viewBox="0 0 {8 * cell} {height}" fill="currentColor">{"".join(paths + parts)}</svg>'
    return Chart(drawing, alternative)


def _text(words: object, x: float, y: float, anchor: str = "middle", kind: str = "label") -> str:
    """Words in a drawing; `anchor` says which part of them is at `x`."""
    return f'<text class="{kind}" x="{x}" y="{y}" text-anchor="{anchor}">{words}</text>'


def _scales(axes: Axes, log_x: bool, log_y: bool) -> None:
    """Logarithmic axes with plain numbers at 1, 2 and 5 of each power of ten."""
    axes.set(xscale="log" if log_x else "linear", yscale="log" if log_y else "linear")
    for axis, log in ((axes.xaxis, log_x), (axes.yaxis, log_y)):
        if log:
            axis.set_major_locator(LogLocator(subs=(1, 2, 5)))
            axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,g}"))
            axis.set_minor_locator(NullLocator())


def _name_ends(figure: Figure, axes: Axes, series: Mapping[str, Series]) -> None:
    """Write each name beside its last point, pushed upward where it would lie on another."""
    figure.canvas.draw()
    ends = []
    for name, each in series.items():
        words = name if each.end is None else each.end
        if words:
            point = (each.x[-1], each.y[-1])
            ends.append((*(axes.transData.transform(point) * 72 / figure.dpi), words, point, each.role))
    taken: list[tuple[float, float]] = []
    for x, y, words, point, role in sorted(ends, key=lambda end: (end[1], end[0])):
        height = y
        for other, level in taken:
            if abs(other - x) < WIDE and level - APART < height < level + APART:
                height = level + APART
        taken.append((x, height))
        axes.annotate(
            words, point, (6, height - y), textcoords="offset points", va="center", color=INKS[role]
        )


def _joined(x_label: str, series: Mapping[str, Series]) -> dict[str, Sequence[object]]:
    """A table of all series: a row for each x, empty where a series has no point."""
    places = sorted({x for each in series.values() for x in each.x})
    known = {name: dict(zip(each.x, each.y, strict=True)) for name, each in series.items()}
    return {x_label: places, **{name: [points.get(x, "") for x in places] for name, points in known.items()}}


IDLE = re.compile(
    r"<metadata>.*?</metadata>|<defs>\s*<style.*?</style>\s*</defs>| font-family: [^;\"]*;", re.DOTALL
)
GROUP = re.compile(r'<g id="[^"]*"')
PLACES = re.compile(r' (?:d|x|y|transform|viewBox)="[^"]*"')


def _svg(figure: Figure) -> str:
    """A figure as inline SVG, light: no size and no type of its own, inks as the style sheet's variables."""
    file = io.StringIO()
    figure.savefig(file, format="svg", transparent=True, metadata={"Date": None})
    text = file.getvalue()[file.getvalue().index("<svg") :]
    text = IDLE.sub("", text).replace("xlink:href", "href")
    for size in ("height", "width"):
        text = re.sub(rf'(<svg [^>]*?) {size}="[^"]*"', r"\1", text, count=1)
    text = GROUP.sub("<g", PLACES.sub(lambda found: re.sub(r"\d+\.\d+", _rounded, found[0]), text))
    for role, ink in INKS.items():
        name = f"--role-{role}" if role in ("weight", "activation", "adjoint", "checkpoint") else f"--{role}"
        text = text.replace(ink, f"var({name})")
    return re.sub(r"\s*\n\s*", " ", text)


def _rounded(number: re.Match[str]) -> str:
    return f"{float(number[0]):.1f}".removesuffix(".0")


def _shown(value: object) -> str:
    return f"{value:.4g}" if isinstance(value, float | np.floating) else html.escape(str(value))
