"""Charts for labs: SVG in the colours of the roles, with a text alternative and the numbers beneath.

Colours are written as `var(--role-...)`, so that one drawing serves light and dark; text stays text, in the
page's own type.
"""

from __future__ import annotations

import html
import io
import re
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import matplotlib
import numpy as np
import numpy.typing as npt
from matplotlib.figure import Figure

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
DASHES = ["-", "--", ":", "-."]
STYLE: dict[RcKeyType, Any] = {
    "svg.fonttype": "none",
    "svg.hashsalt": "book",
    "font.family": "serif",
    "font.size": 10,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.edgecolor": INKS["quiet"],
    "axes.labelcolor": INKS["ink"],
    "xtick.color": INKS["quiet"],
    "ytick.color": INKS["quiet"],
    "text.color": INKS["ink"],
    "axes.grid": True,
    "grid.color": INKS["rule"],
    "grid.linewidth": 0.6,
    "legend.frameon": False,
    "lines.linewidth": 1.6,
}


class Chart:
    """What a lab's block leaves as its last value: a figure with its text alternative and its data."""

    def __init__(
        self, drawing: str, alternative: str, columns: Mapping[str, Sequence[object]] | None = None
    ) -> None:
        self.drawing, self.alternative, self.columns = drawing, alternative, columns or {}

    def _repr_html_(self) -> str:
        words = html.escape(self.alternative)
        drawing = self.drawing.replace("<svg ", f'<svg role="img" aria-label="{words}" ', 1)
        return (
            f'<figure class="chart"><div class="scroll" tabindex="0">{drawing}</div>{self._table()}</figure>'
        )

    def __repr__(self) -> str:
        return f"Chart: {self.alternative}"

    def _table(self) -> str:
        """The numbers of the chart, folded beneath it."""
        if not self.columns:
            return ""
        head = "".join(f"<th>{html.escape(name)}</th>" for name in self.columns)
        rows = "".join(
            "<tr>" + "".join(f"<td>{_shown(value)}</td>" for value in row) + "</tr>"
            for row in zip(*self.columns.values(), strict=True)
        )
        return (
            f'<details class="numbers"><summary>The numbers</summary><div class="scroll" tabindex="0">'
            f"<table><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table></div></details>"
        )


def lines(
    x: Sequence[float],
    series: Mapping[str, Sequence[float]],
    *,
    roles: Sequence[str],
    x_label: str,
    y_label: str,
    alternative: str,
    log_x: bool = False,
    log_y: bool = False,
) -> Chart:
    """Each of `series` against `x`, in its role's colour and its own dashes; units go into the labels."""
    with matplotlib.rc_context(STYLE):
        figure = Figure(figsize=(6.2, 3.3), layout="constrained")
        axes = figure.subplots()
        for (name, y), role, dash in zip(series.items(), roles, DASHES, strict=False):
            axes.plot(x, y, dash, color=INKS[role], label=name, marker="o", markersize=3.2)
        axes.set(
            xlabel=x_label,
            ylabel=y_label,
            xscale="log" if log_x else "linear",
            yscale="log" if log_y else "linear",
        )
        axes.legend()
        return Chart(_svg(figure), alternative, {x_label: x, **series})


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
    return Chart(drawing, alternative)


def images(pictures: npt.NDArray[np.floating], captions: Sequence[str], *, alternative: str) -> Chart:
    """Square grey pictures (side, side, count), values from 0 to 1, in rows of eight, with captions."""
    side, _, count = pictures.shape
    cell, scale = 78, 60 / side
    parts = []
    for index in range(count):
        left, top = cell * (index % 8) + 9, 92 * (index // 8) + 4
        for row, column in zip(*np.nonzero(pictures[:, :, index] > 0.02), strict=True):
            parts.append(
                f'<rect x="{left + column * scale:.1f}" y="{top + row * scale:.1f}" width="{scale:.2f}" '
                f'height="{scale:.2f}" fill-opacity="{pictures[row, column, index]:.2f}"/>'
            )
        parts.append(_text(html.escape(captions[index]), left + 30, top + 78))
    height = 92 * -(-count // 8)
    drawing = f'<svg viewBox="0 0 {8 * cell} {height}" fill="currentColor">{"".join(parts)}</svg>'
    return Chart(drawing, alternative)


def _text(words: object, x: float, y: float, anchor: str = "middle", kind: str = "label") -> str:
    """Words in a drawing; `anchor` says which part of them is at `x`."""
    return f'<text class="{kind}" x="{x}" y="{y}" text-anchor="{anchor}">{words}</text>'


def _svg(figure: Figure) -> str:
    """A figure as inline SVG without a size of its own, inks replaced by the style sheet's variables."""
    file = io.StringIO()
    figure.savefig(file, format="svg", transparent=True, metadata={"Date": None})
    text = file.getvalue()[file.getvalue().index("<svg") :]
    text = re.sub(r"<metadata>.*?</metadata>", "", text, flags=re.DOTALL)
    for size in ("height", "width"):
        text = re.sub(rf'(<svg [^>]*?) {size}="[^"]*"', r"\1", text, count=1)
    for role, ink in INKS.items():
        name = f"--role-{role}" if role in ("weight", "activation", "adjoint", "checkpoint") else f"--{role}"
        text = text.replace(ink, f"var({name})")
    return text


def _shown(value: object) -> str:
    return f"{value:.4g}" if isinstance(value, float | np.floating) else html.escape(str(value))
