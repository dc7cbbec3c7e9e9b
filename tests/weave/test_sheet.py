"""The sheet of derivatives: what it names, and that nothing which belongs there is missing."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from mlp.activations import by_name
from weave import copies, paper, sheet
from weave.book import Book, current
from weave.scan import PROVED, Math, Open, Sheet

ADDRESS = "reference/derivatives.md"
APART = {
    "lem:unique": "what a differential is",
    "lem:carry": "the tool of the proofs; its two cases are the rows of the products",
    "lem:vec": "the tool of the proofs; the Kronecker products of the rows follow from it",
    "prp:agree": "that the two forms of the affine rows agree",
    "prp:two-slopes": "why three activations keep their input",
    "prp:kink": "what to take where there is no derivative",
    "prp:shift": "an identity",
    "prp:smooth": "where a loss is least",
    "prp:loop": "an invariant of the code",
    "cor:twice": "a count",
    "cor:recompute": "a count",
    "thm:cheap-gradient": "a count",
    "prp:sigmoid-error": "rounding",
    "thm:logsumexp-error": "rounding",
    "prp:log-softmax-error": "rounding",
    "thm:quotients": "an approximation",
    "thm:complex-step": "an approximation",
    "lem:dot-test": "a test",
    "thm:taylor-rate": "a test",
    "thm:variance": "moments at the beginning",
    "lem:half": "moments at the beginning",
    "thm:he": "moments at the beginning",
    "thm:orthogonal": "lengths at the beginning",
    "prp:uniform": "a distribution",
    "prp:decay": "a bound",
}
"""Results of the chapters on derivatives that are not on the sheet, and why."""


def rows(book: Book) -> Iterator[sheet.Row]:
    page = book.pages[ADDRESS]
    for token in page.tokens:
        if isinstance(token, Sheet):
            yield from sheet.rows(book, page, token)


def test_every_derivative_is_on_the_sheet() -> None:
    """Each result of the chapters is in some row, or apart with a reason; so a new one asks to be placed."""
    book = current()
    shown = {label for row in rows(book) for label in row.results}
    proved = {
        token.options["label"]
        for address, page in book.pages.items()
        for token in page.tokens
        if isinstance(token, Open) and token.kind in PROVED and address.startswith("derivatives/")
    }
    missing = proved - shown - set(APART)
    assert not missing, f"{missing}: write a row in docs/{ADDRESS}, or a reason in APART"
    assert set(APART) == proved - shown, "reasons that are not needed"


def test_every_piece_that_is_marked_is_on_the_sheet() -> None:
    book = current()
    marked = {
        name
        for page in book.pages.values()
        for token in page.tokens
        if isinstance(token, Math)
        for name, _ in token.pieces
    }
    tokens = (token for token in book.pages[ADDRESS].tokens if isinstance(token, Sheet))
    named = {name for token in tokens for _, _, cells in token.rows for cell in cells for name in cell}
    assert marked <= named, f"{marked - named}: marked for nobody"


def test_what_an_activation_keeps_is_what_the_package_keeps() -> None:
    kept = {"output": "x", "input": "z"}
    for name, activation in by_name.items():
        piece = current().formulas[f"{name.replace('_', '-')}-state"]
        assert piece.tex == kept[activation.needs], name


PLANTED = """::: sheet
columns: map | Jacobian

doubling | once | eq:one |
:::

Text with $\\piece{once}{x = a^2},$"""


def test_code_and_checks_follow_from_the_formulas(
    write: Callable[..., Book], weave: Callable[[Book], str]
) -> None:
    """The piece leads to its section, the equation to itself; its listing and its check are found."""
    book = write("Text with", f"## S {{#sec:s}}\n\n{PLANTED} and")
    html = weave(book).split('class="sheet"')[1].split("</table>")[0]
    for part in ("#sec:s", "#eq:one", "#lst:mlp.code.double", "#check-thm-one", "changed since"):
        assert f'{part}"' in html or f">{part}<" in html, part
    assert 'data-tex="x = a^2"' in html and "piece" not in html


def test_a_piece_stands_by_itself() -> None:
    """What aligned it with its neighbours goes, and its stop; lines of its own stay."""
    assert sheet.inline("x\n&= a^2,") == "x = a^2"
    assert sheet.inline(r"\frac{a}{b} &= 1") == r"\displaystyle \frac{a}{b} = 1"
    assert sheet.inline(r"a &= b\\[1ex]& + c") == r"\begin{aligned}&a = b\\[1ex]& + c\end{aligned}"
    assert sheet.inline(r"\begin{aligned} a &= b. \end{aligned}") == r"\begin{aligned} a &= b \end{aligned}"


def test_a_sheet_is_copied_as_a_table(write: Callable[..., Book]) -> None:
    book = write("Text with", f"## S {{#sec:s}}\n\n{PLANTED} and")
    assert (
        "| doubling | $x = a^2$ | $2a = a + a$ | `mlp.code.double` | Theorem 1.1: changed since |\n"
        in copies.markdown(book, "one.md")
    )
    latex = paper.page(book, "one.md")
    assert "doubling & $x = a^2$ & $2a = a + a$ & \\texttt{code.double}" in latex
    assert "\\geometry{landscape" in latex


def test_the_sheet_as_markdown_has_straight_tables() -> None:
    """A formula with a line break or a bar would tear its row."""
    lines = copies.markdown(current(), ADDRESS).splitlines()
    heads = [index for index, line in enumerate(lines) if line.startswith("| ---")]
    assert heads
    for index in heads:
        for line in lines[index - 1 :]:
            if not line:
                break
            assert line.count("|") == lines[index].count("|"), line
