"""What readers copy: every statement of the book, with its proof, is LaTeX that compiles."""

from __future__ import annotations

import ast
import math
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from pybtex.database import parse_string

from weave import copies, export, paper
from weave.book import Book, current
from weave.errors import WeaveError
from weave.record import Record, block_key
from weave.scan import STATEMENTS, Fence, Heading, Open
from weave.tables import table


def exported(book: Book) -> dict[str, str]:
    """Each statement's LaTeX, by its label."""
    return {
        token.label: export.statement(book, page, token)
        for page in book.pages.values()
        for token in page.tokens
        if isinstance(token, Open) and token.kind in STATEMENTS
    }


def test_a_statement_with_its_proof(write: Callable[..., Book]) -> None:
    assert (
        exported(write())["thm:one"]
        == """\
% Theorem 1.1 of "A book", one.
% Needs: """
        + export.NEEDS
        + r"""
\begin{theorem}[Doubling]\label{thm:one}
Twice $a$ is
\begin{equation}\label{eq:one}
2a = a + a.
\end{equation}
\end{theorem}
\begin{proof}
By \eqref{eq:one}, \emph{twice}. See \texttt{mlp}.
\end{proof}
"""
    )


def test_what_is_special_in_latex_is_escaped(write: Callable[..., Book]) -> None:
    book = write(
        "Twice $a$ is",
        "50% of a_b & {c} # \\$ [a link](https://example.org/~x_y), 1. and **bold**:\n\n- one\n- two `a_b`\n",
    )
    text = exported(book)["thm:one"]
    assert r"50\% of a\_b \& \{c\} \# \$" in text
    assert r"\textbf{bold}" in text and "\\item two \\texttt{a\\_b}" in text


def test_references_out_of_the_statement_become_words(write: Callable[..., Book]) -> None:
    book = write("By [](#eq:one)", "By [](#lst:mlp.code.double), [](#thm:one) and [@chen2016]")
    text = exported(book)["thm:one"]
    assert r"By mlp.code.double, Theorem~\ref{thm:one} and Chen et al. 2016" in text


def compiled(folder: Path, name: str, source: str, most: float = 10) -> str:
    """What pdfLaTeX says in its second run; no line may be `most` points too wide."""
    (folder / f"{name}.tex").write_text(source, encoding="utf-8")
    for _ in range(2):
        ran = subprocess.run(
            ["pdflatex", "-halt-on-error", "-interaction=nonstopmode", f"{name}.tex"],
            cwd=folder,
            capture_output=True,
            text=True,
            errors="replace",
            check=False,
        )
        assert ran.returncode == 0, ran.stdout[-3000:]
    assert "undefined" not in ran.stdout and "multiply defined" not in ran.stdout, ran.stdout[-3000:]
    wide = re.findall(r"Overfull \\hbox \(([\d.]+)pt too wide\) .*", ran.stdout)
    assert all(float(points) < most for points in wide), wide
    return ran.stdout


def test_a_list_ends_before_the_block_in_which_it_stands(write: Callable[..., Book]) -> None:
    text = paper.page(write("By [](#eq:one), *twice*. See `mlp`.\n:::", "1. Once.\n2. Twice.\n:::"), "one.md")
    assert text.index("\\end{enumerate}") < text.index("\\end{proof}")


@pytest.mark.slow
def test_every_statement_compiles(tmp_path: Path) -> None:
    statements = exported(current())
    assert statements
    source = "\\documentclass{article}\n" + export.NEEDS.replace("\\newtheorem", "\n\\newtheorem")
    source += "\n\\begin{document}\n" + "\n\n".join(statements.values()) + "\n\\end{document}\n"
    compiled(tmp_path, "all", source, most=math.inf)  # in whatever width it is pasted


OTHERS = ("notation.md", "reference/derivatives.md")
PAPERS = [address for address in current().pages if address in current().chapters or address in OTHERS]


@pytest.mark.slow
@pytest.mark.parametrize("address", PAPERS)
def test_every_page_compiles_by_itself(address: str, tmp_path: Path) -> None:
    source = paper.page(current(), address)
    compiled(tmp_path, "page", source)
    assert source.count("\\begin{tikzpicture}") == drawings(address)


@pytest.mark.slow
def test_the_whole_book_compiles(tmp_path: Path) -> None:
    source = paper.whole(current())
    compiled(tmp_path, "book", source)
    assert source.count("\\begin{tikzpicture}") == sum(map(drawings, paper.printed(current())))


def drawings(address: str) -> int:
    """How many figures and charts a page has that are drawn; the sweep is a list of formulas."""
    tokens, record = current().pages[address].tokens, Record()
    blocks = [token for token in tokens if isinstance(token, Fence) and token.is_example]
    page = current().pages[address]
    entries = [record.entry(page.path, block_key(current(), page, block)) for block in blocks]
    figures = [token for token in tokens if isinstance(token, Open) and token.kind in ("figure", "explorer")]
    return len(figures) + sum("<svg" in entry.chart for entry in entries if entry)


@pytest.mark.parametrize("address", [address for address in PAPERS if address.startswith("evidence")])
def test_the_record_has_every_chart(address: str) -> None:
    page, record = current().pages[address], Record()
    for block in page.examples():
        entry = record.entry(page.path, block_key(current(), page, block))
        last = ast.unparse(ast.parse(block.code).body[-1])
        assert entry is None or bool(entry.chart) == last.startswith("charts."), last[:60]


def test_a_pages_figures_are_drawn_and_a_sections_are_words() -> None:
    book, address = current(), "derivatives/affine-map.md"
    drawn = paper.page(book, address)
    caption = drawn.split("\\caption[]{")[1]
    assert drawn.count("\\begin{tikzpicture}") == drawings(address) == 1
    assert drawn.index("\\usepackage{tikz}") < drawn.index("\\begin{document}")
    assert not caption[0].isspace() and "}\\label{fig:affine-shapes}\n\\end{figure}" in caption
    heading = next(
        token for token in book.pages[address].tokens if isinstance(token, Heading) and token.level == 2
    )
    words = paper.section(book, address, heading)
    assert "The LaTeX of the whole page draws it.]" in words and "tikzpicture" not in words
    assert "tikz" not in paper.page(book, "network/refusals.md")


def test_a_figure_that_cannot_be_drawn_is_the_pages_mistake(write: Callable[..., Book]) -> None:
    book = write("```python check", "::: figure\nsvg: a.svg\nalt: A.\n\nCaption.\n:::\n\n```python check")
    (book.root / "docs" / "a.svg").write_text('<svg viewBox="0 0 9 9"><image x="1"/></svg>')
    with pytest.raises(WeaveError, match=r"docs/one.md:\d+: a.svg: <image x=.* teach it more"):
        paper.page(book, "one.md")


def test_code_in_prose_has_its_own_signs(write: Callable[..., Book]) -> None:
    assert (
        r"\texttt{a \textless{} b \& c \textgreater{} d}"
        in exported(write("See `mlp`", "See `a < b & c > d`"))["thm:one"]
    )


def test_a_tables_columns_are_as_wide_as_what_they_hold() -> None:
    narrow = table([["a", "b"], ["one", "$x^2$"]])
    assert narrow.startswith("\\begin{longtable}{@{}ll@{}}\n\\toprule\na & b")
    wide = table([["a", "b"], ["one", "many words " * 20]])
    first, second = map(float, re.findall(r"p\{([\d.]+)\\dimexpr", wide))
    assert first < 0.1 < second and abs(first + second - 1) < 0.01


def test_a_wide_listing_is_small_and_a_word_too_long_is_broken() -> None:
    assert "scriptsize" not in paper._lines("a" * 80)
    assert "[basicstyle=\\ttfamily\\scriptsize]" in paper._lines("ab " * 40)
    assert max(map(len, paper._lines("1" + "0" * 300).splitlines())) <= 90


@pytest.mark.slow
@pytest.mark.parametrize("address", ["derivatives/affine-map.md", "notation.md"])
def test_a_page_compiles_with_the_books_macros_too(address: str, tmp_path: Path) -> None:
    source = paper.page(current(), address, kept=True)
    assert "\\newcommand{\\adj}" in source and "\\adj{" in source.split("\\begin{document}")[1]
    compiled(tmp_path, "page", source)


@pytest.mark.slow
@pytest.mark.parametrize("address", [address for address in PAPERS if not address.startswith("evidence")])
def test_a_pages_program_runs(address: str, tmp_path: Path) -> None:
    """Without pytest, in a process of its own."""
    (tmp_path / "page.py").write_text(copies.program(current(), address), encoding="utf-8")
    ran = subprocess.run(
        [sys.executable, "page.py"], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert ran.returncode == 0, ran.stderr[-3000:]


def test_a_page_as_markdown_is_plain(write: Callable[..., Book]) -> None:
    text = copies.markdown(write("with $a^2$", "with [a page](/one.md#sec:x) and $a^2$"), "one.md")
    assert "with a page and $a^2$" in text
    assert "**Theorem 1.1 (Doubling).**" in text and "\\tag{1.1}" in text and ":::" not in text
    assert "def double(a):\n" in text and "    return twice\n```\n" in text
    assert "[](" not in text and "[@" not in text


def test_a_figure_in_markdown_is_its_words(write: Callable[..., Book]) -> None:
    figure = "::: figure\nsvg: a.svg\nalt: A line, rising.\n\nCaption.\n:::\n\n"
    text = copies.markdown(write("```python check", f"{figure}```python check"), "one.md")
    assert "**Figure 1.1.** [A line, rising.]\n\nCaption." in text


def test_formulas_as_the_book_writes_them_are_found_by_their_tex(write: Callable[..., Book]) -> None:
    """For who keeps macros and copies a selection: of those alone that have any."""
    book = write("with $a^2$", r"with $a^2$ and $\adj{b}$ and $\R$")
    assert copies.own(book, "one.md") == {"b": r"\adj{b}", r"\mathbb{R}": r"\R"}


def test_what_is_copied_has_no_macros_of_the_book_unless_they_are_kept(write: Callable[..., Book]) -> None:
    """The displayed formulas are copied by their number, so inline ones do not count."""
    book = write("2a = a + a.", r"\wt{a} = a + a.")
    for kept, formula in ((False, "a = a + a."), (True, r"\wt{a} = a + a.")):
        copied = copies.latex(book, "one.md", kept)
        body = copied["page"].split(r"\begin{document}")[1]
        assert copied["formulas"] == [formula]
        assert all(f"\n{formula}\n" in text for text in (copied["statements"]["thm:one"], body))
    assert "\na = a + a. \\tag{1.1}" in copies.markdown(book, "one.md")


def test_a_page_as_latex_counts_as_the_book_counts(write: Callable[..., Book]) -> None:
    (root := write().root).joinpath("docs/two.md").write_text("# Two\n")
    (root / "mkdocs.yml").write_text("site_name: A book\nnav: [{Part: [one.md, two.md]}]\n")
    assert "\\setcounter{section}{1}\n\\section{Two}" in paper.page(Book(root), "two.md")


def test_a_page_is_cited_with_title_version_and_address(
    write: Callable[..., Book], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The address is that of the build, as the environment gives it to mkdocs.yml; without one, none."""
    root = write().root
    (root / "mkdocs.yml").write_text(
        'site_name: A book\nsite_url: !ENV [SITE_URL, ""]\nslug: !!python/name:a.b\nnav: [{Part: [one.md]}]\n'
    )
    monkeypatch.delenv("SITE_URL", raising=False)
    assert "url" not in copies.bibtex(Book(root), "one.md")
    monkeypatch.setenv("SITE_URL", "https://example.org/")
    lines = copies.bibtex(Book(root), "one.md").splitlines()
    assert lines[:3] == ["@misc{book-one,", "  title = {One},", "  booktitle = {A book},"]
    assert lines[3].startswith("  note = {Version ") and lines[4:] == [
        "  url = {https://example.org/one.html},",
        "}",
    ]


def test_the_works_that_a_page_cites_are_copied_as_their_entries(write: Callable[..., Book]) -> None:
    """Of several entries, those that are cited, whole and under the keys of the page's LaTeX."""
    book = write()
    entry = book.bibliography.text
    book.bibliography.text = (
        f"@misc{{chen20,\n  year = {{2020}},\n}}\n\n{entry}\n@book{{ a1, title = {{@b}} }}\n"
    )
    assert copies.works(book, "one.md") == entry and r"\cite[section 2]{chen2016}" in paper.page(
        book, "one.md"
    )
    assert copies.works(write(" and [@chen2016, section 2]", ""), "one.md") == ""


def test_every_page_has_the_entries_that_it_cites() -> None:
    book = current()
    for address, page in book.pages.items():
        written = parse_string(copies.works(book, address), "bibtex").entries
        assert {*written} == paper.cited(page)
        assert all(str(written[key]) == str(book.bibliography.entries[key]) for key in written)


def test_an_error_that_is_meant_is_caught_in_a_program(write: Callable[..., Book]) -> None:
    book = write(
        "```python check=thm:one", "```python raises=ZeroDivisionError\n1 / 0\n```\n\n```python check=thm:one"
    )
    program = copies.program(book, "one.md")
    assert "try:\n    1 / 0\nexcept ZeroDivisionError as error:\n" in program
    exec(program, {})


def test_a_session_becomes_what_was_typed() -> None:
    assert copies.typed(">>> a = 1\n>>> for i in a:\n...     i\n1\n") == "a = 1\nfor i in a:\n    i"
