r"""Sheets: rows that name formulas of the chapters; code and checks follow from the names.

    ::: sheet
    columns: map | Jacobian | adjoint

    softmax | eq:softmax | eq:softmax-jacobian | eq:softmax-product | lst:mlp.losses.softmax
    :::

A cell names labelled equations, or pieces that are marked in their chapter as `\piece{name}{...}`. The last
cell is not shown. It may name results whose checks count too, and listings, if not all are wanted that
implement something in the row.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from weave.scan import Open, Page, Sheet

if TYPE_CHECKING:
    from weave.book import Book, Formula, Target
    from weave.record import Record


CHANGED = "changed since"


@dataclass(frozen=True)
class Row:
    """A row: its line and name, the formulas of each column, their code, the results they belong to."""

    line: int
    name: str
    cells: list[list[Formula]]
    code: list[Target]
    results: dict[str, Open]

    @property
    def shown(self) -> list[list[str]]:
        """The TeX of each column's formulas."""
        return [[inline(formula.tex) for formula in cell] for cell in self.cells]

    @property
    def labels(self) -> list[str]:
        """The labels of what the formulas stand in."""
        return [formula.around.label for cell in self.cells for formula in cell]


def rows(book: Book, page: Page, token: Sheet) -> Iterator[Row]:
    """The rows of a sheet. What they name and the book does not have is a mistake on the page."""
    for line, name, (*cells, more) in token.rows:
        found = [[book.formula(page, line, each) for each in cell] for cell in cells]
        row = Row(line, name, found, [], {})
        chosen = [each for each in more if each.startswith("lst:")]
        for label in [*row.labels, *(each for each in more if each not in chosen)]:
            if label not in book.labels:
                raise page.error(line, f"the sheet names {label!r}, which no page defines", "Name a result")
            if result := book.results.get(label):
                row.results[result.label] = result
        row.code.extend(_code(book, page, line, row, chosen))
        yield row


def found(book: Book, record: Record, row: Row) -> Iterator[tuple[Target, str]]:
    """Each result of a row, and what its checks found: the largest residual, and the number of cases."""
    for label, result in row.results.items():
        target = book.labels[label]
        entry = record.claim(book, book.pages[target.page], result)
        worst = f"{entry.worst:.0e}" if entry and entry.worst else "exact"
        yield target, f"{worst}, {entry.cases}" if entry else CHANGED


ALIGN = re.compile(r"(?<!\\)&")
FRACTION = re.compile(r"\\pd\b|\\frac\{")  # one of more than digits, which would be too small in a line
STOP = re.compile(r"[.,;](?=\s*\\end\{\w+\}$)")
BREAK = re.compile(r"(?:\\\\|\\qquad)(\[[^\]]*\])?")  # in a cell what stands apart stands below


def inline(tex: str) -> str:
    """A formula as it stands in a line: without what aligns it with others, and without its stop."""
    tex = " ".join(tex.split())
    if "\\begin{" in tex:
        return STOP.sub("", tex)
    tex = ALIGN.sub("", tex).rstrip(" .,;")
    lines = BREAK.sub(r"\\\\\1&", tex)
    if lines != tex:
        return rf"\begin{{aligned}}&{lines}\end{{aligned}}"
    return rf"\displaystyle {tex}" if FRACTION.search(tex) else tex


def _code(book: Book, page: Page, line: int, row: Row, chosen: list[str]) -> list[Target]:
    """The listings that implement the row's equations, or else its results; of these the chosen ones."""
    equations, results = (
        {code.label: code for label in labels for code in book.code(label)}
        for labels in (row.labels, row.results)
    )
    known = equations | results
    for label in chosen:
        if label not in known:
            remedy = "Name a listing that says 'implements: ' with a label of the row's formulas or results"
            raise page.error(line, f"{label!r} implements nothing of this row", remedy)
    return [known[label] for label in chosen or equations or results]
