"""A writer's mistakes, planted one at a time: each is answered with the file, the line and the remedy."""

from __future__ import annotations

import json
from collections.abc import Callable
from operator import itemgetter
from pathlib import Path
from typing import Any

import pytest

from weave import copies, labels, paper, results
from weave.book import Book
from weave.errors import WeaveError
from weave.examples import run
from weave.export import escaped
from weave.record import block_key
from weave.scan import scan

Mistake = tuple[str, str, int, str, str]
"""What is replaced in the chapter, and by what; the line, the problem and the remedy that are named."""

PROBLEM = itemgetter(3)


def sheet(cells: str) -> str:
    """A sheet of one row before the chapter's text."""
    return f"::: sheet\ncolumns: map\n\na | {cells}\n:::\n\nText with"


WHEN_READ: list[Mistake] = [
    ("```python check=thm:one", "```py check=thm:one", 23, "would not be run", "Write ```python"),
    ("```python check=thm:one", "``` python check=thm:one", 23, "would not be run", "Write ```python"),
    ("```python check=thm:one", '```python title="x"', 23, "unknown fence option 'title'", "may have check="),
    (
        "```python check=thm:one",
        "```text check=thm:one",
        23,
        "unknown fence option 'check'",
        "other fences none",
    ),
    ("```python check=thm:one", "```python check=", 23, "unknown fence option 'check'", "may have check=..."),
    ("```python check=thm:one", "```{.python .annotate}", 23, "would not be run", "Write ```python"),
    ("1e-12\n```\n", "1e-12\n", 23, "fence opened here is never closed", "Close it"),
    ("::: proof\n", "::: prof\n", 18, "unknown block 'prof'", "Known blocks"),
    ("\n:::\n\n```python", "\n\n```python", 18, "proof opened here is never closed", "':::'"),
    ("label: thm:one\n", "lable: thm:one\n", 9, "no option 'lable'", "Its options: label"),
    ("label: thm:one\n", "", 8, "a theorem without a label", "label: thm:"),
    ("label: thm:one\n", "label: eq:two\n", 8, "label 'eq:two' on a theorem", "Begin it with 'thm:'"),
    (
        "label: thm:one\n",
        "label: thm:one\n\n:::\n::: lemma\nlabel: thm:one\n",
        12,
        "label 'thm:one' on a lemma",
        "'lem:'",
    ),
    (
        "::: proof\n",
        "$$\n1 \\label{eq:one}\n$$\n\n::: proof\n",
        18,
        "'eq:one' stands already at docs/one.md:13",
        "unique",
    ),
    ("mlp.code.double", "mlp.code.duoble", 28, "near it: mlp.code.double", "Name a function"),
    ("implements: eq:one", "from: twice = a - a", 28, "is found 0 times, not once", "quote whole statements"),
    ("with $a^2$", "with $ a", 6, "a single $", r"Write \$"),
    ("# One\n", "# One\n\n\tcode\n", 6, "a tab", "Indent with spaces"),
    ("# One\n", "# One\n\n```text\na\tb\n```\n", 7, "a tab", "Indent with spaces"),
    ("# One\n", "\ufeff# One\n", 4, "the character U+FEFF", "Take it out"),
    ("# One\n", "# One and $a$\n", 4, "a formula in a heading", "in words"),
    (
        "Text with",
        "::: sheet\ncolumns: map\n\na | eq:one\n:::\n\nText with",
        9,
        "1 cells after",
        "a cell for each",
    ),
    (
        "2a = a + a.",
        r"2a = \piece{x}{a} + \piece{x}{a}.",
        13,
        "piece 'x' is marked already",
        "choose another",
    ),
    ("with $a^2$", r"with $\piece{x}{a}$", 6, "under no heading with a label", "## Title {#sec:name}"),
]
WHEN_CHECKED: list[Mistake] = [
    ("with $a^2$", "{{spoch.seconds}}", 6, "no part 'spoch'", "{{part.entry.entry:.2f}}"),
    ("with $a^2$", "{{epoch.secnds:.1f}}", 6, "'secnds' is not there", "results/epoch.json"),
    ("with $a^2$", "{{epoch.rows.7.time}}", 6, "index out of range", "results/epoch.json"),
    (
        "with $a^2$",
        "{{epoch.rows.uniform.time}}",
        6,
        "'uniform' is not there only once",
        "results/epoch.json",
    ),
    ("with $a^2$", "{{epoch.rows}}", 6, "no number but a table", "results/epoch.json"),
    ("with $a^2$", "{{epoch.seconds:.1q}}", 6, "format", "results/epoch.json"),
    ("with $a^2$", "{{epoch.seconds:.1f miles}}", 6, "'miles' is not among the units", "results/epoch.json"),
    ("and [@chen2016, section 2]", "[](#eq:two)", 6, "reference to 'eq:two'", "Define it"),
    ("and [@chen2016, section 2]", "[@chen2017]", 6, "citation of 'chen2017'", "Add the entry"),
    ("```python check=thm:one", "```python", 8, "no block checks 'thm:one'", "```python check=thm:one"),
    ("check=thm:one", 'check="thm:one thm:two"', 23, "a check of 'thm:two'", "Name the label"),
    ("implements: eq:one", "implements: eq:two", 28, "implements 'eq:two'", "Name the label"),
    ("with $a^2$", "of 3 ms", 6, "'3 ms', is typed", "{{part.entry:.1f}}"),
    ("with $a^2$", "![a](https://a.org/a.png)", 6, "from another host", "under docs/"),
    ("with $a^2$", '<script src="//a.org/a.js"></script>', 6, "from another host", "under docs/"),
    ("with $a^2$", '<img alt="a" srcset="https://a.org/a.png 2x">', 6, "from another host", "under docs/"),
    ("with $a^2$", "<style>@import url(https://a.org/a.css)</style>", 6, "from another host", "under docs/"),
    ("with $a^2$", "![](a.png)", 6, "has no text alternative", "in words"),
    ("Text with", "Text.\n\n    a = 1\n\nText with", 8, "'a = 1' would be shown as code", "Write ```python"),
    ("Text with", "<pre>a = 1</pre>\n\nText with", 6, "'<pre' would be shown as code", "Write ```python"),
    ("# One\n", "One\n", 4, "a page without a title", "'# Title'"),
    ("Text with", sheet("eq:two |"), 9, "the sheet names 'eq:two'", r"\piece{eq:two}{...}"),
    ("Text with", sheet("eq:one | thm:two"), 9, "the sheet names 'thm:two'", "Name a result"),
    ("Text with", sheet("eq:one | lst:mlp.two"), 9, "'lst:mlp.two' implements nothing", "'implements: '"),
    ("::: proof\n", "::: remark\nlabel: rem:x\n\n", 8, "has no proof", "::: proof"),
    (
        "```python check=thm:one",
        '::: lemma\nlabel: lem:two\n\nText.\n:::\n\n```python check="thm:one lem:two"',
        23,
        "'lem:two' has no proof",
        "::: proof",
    ),
    (
        "::: listing | mlp.code.double\nimplements: eq:one",
        "::: figure\nlabel: fig:a\nsvg: a.svg",
        28,
        "text alternative",
        "alt:",
    ),
]
WHEN_WOVEN: list[Mistake] = [
    ("2a = a + a.", r"2a = \frac{a.", 13, "TeX does not parse", "Correct the formula"),
    ("2a = a + a.", r"2a = \unknown", 13, "TeX does not parse", "macros.toml"),
    ("with $a^2$", r"with $a^{2$", 6, "TeX does not parse", "Correct the formula"),
    ("Twice $a$ is", "```python\npass\n```\n", 11, "a fence inside a statement", "copied as LaTeX"),
    (
        "Text with",
        r"## S {#sec:s}" "\n\n" r"$\left(\piece{x}{a\right)}$" "\n\n" + sheet("x |"),
        13,
        "TeX does not parse",
        "formula by itself",
    ),
    ("Twice $a$ is", "> Twice", 13, "<blockquote> inside a statement", "paragraphs"),
]


@pytest.mark.parametrize("mistake", WHEN_READ, ids=PROBLEM)
def test_found_when_the_page_is_read(write: Callable[..., Book], mistake: Mistake) -> None:
    old, new, line, problem, remedy = mistake
    with pytest.raises(WeaveError) as caught:
        write(old, new)
    expect(caught.value, line, problem, remedy)


@pytest.mark.parametrize("mistake", WHEN_CHECKED, ids=PROBLEM)
def test_found_when_the_book_is_checked(write: Callable[..., Book], mistake: Mistake) -> None:
    old, new, line, problem, remedy = mistake
    first = next(write(old, new).mistakes())
    expect(first, line, problem, remedy)


@pytest.mark.parametrize("mistake", WHEN_WOVEN, ids=PROBLEM)
def test_found_when_the_page_is_woven(
    write: Callable[..., Book], weave: Callable[[Book], str], mistake: Mistake
) -> None:
    old, new, line, problem, remedy = mistake
    with pytest.raises(WeaveError) as caught:
        weave(write(old, new))
    expect(caught.value, line, problem, remedy)


@pytest.mark.parametrize(
    "prose",
    [
        "- item\n\n    more",
        "1. item\n\n    more",
        "Text\n    goes on",
        "- a\n\n    ```python\n    1\n    ```\n\n    b",
    ],
)
def test_what_is_indented_and_no_code_is_left_alone(write: Callable[..., Book], prose: str) -> None:
    assert list(write("Text with", f"{prose}\n\nText with").mistakes()) == []


def test_an_entry_that_is_not_cited_is_found(write: Callable[..., Book]) -> None:
    (mistake,) = write(" and [@chen2016, section 2]", "").mistakes()
    assert str(mistake).startswith("docs/references.bib:1: entry 'chen2016', which no page cites. Cite it")


def test_a_label_that_was_released_is_missed(
    write: Callable[..., Book], weave: Callable[[Book], str], tmp_path: Path
) -> None:
    """Its address is kept by naming the label that took its place; new labels are appended."""
    (tmp_path / "docs").mkdir()
    path = tmp_path / labels.PATH
    path.write_text("eq:one\nthm:gone\neq:gone\n")
    book = write()
    first, second = map(str, book.mistakes())
    assert first.startswith("docs/labels.txt:2: label 'thm:gone' was released") and "Restore it" in first
    assert second.startswith("docs/labels.txt:3: label 'eq:gone'")
    path.write_text("eq:one\nthm:gone thm:one\neq:gone eq:one\n")
    book = write()
    html = weave(book)
    assert list(book.mistakes()) == [] and 'id="thm:gone"' in html and 'id="eq:gone"' in html
    labels.keep(tmp_path, book.labels)
    assert path.read_text() == "eq:one\nthm:gone thm:one\neq:gone eq:one\nthm:one\n"


def test_a_book_without_mistakes_has_none(write: Callable[..., Book], weave: Callable[[Book], str]) -> None:
    book = write()
    assert list(book.mistakes()) == []
    html = weave(book)
    for part in (
        "Theorem 1.1",
        'id="thm:one"',
        'id="eq:one"',
        "(1.1)",
        "Chen et al. 2016, section 2",
        "mlp/code.py:4",
        "katex",
    ):
        assert part in html, part


NUMBERS = [
    ("{{epoch.seconds:.1f}}", "0.2"),
    ("{{epoch.seconds:.0f ms}}", "250\N{NO-BREAK SPACE}ms"),
    ("{{epoch.rows.0.time:.0%}}", "150%"),
    ("{{epoch.rows.-1.time}}", "2.5"),
    ("{{epoch.rows.two words, and\nmore.time:.1f}}", "2.5"),
    ("{{step.kernels.own.0.ratio:.2f}}", "(not measured)"),
]


@pytest.mark.parametrize(("written", "shown"), NUMBERS)
def test_a_measured_number_is_shown_and_copied(
    write: Callable[..., Book], weave: Callable[[Book], str], written: str, shown: str
) -> None:
    """By its name, on the page and in what is copied from it; data older than the code are said to be so."""
    book = write("with $a^2$", written)
    html = weave(book)
    assert f">{shown}</span>" in html and list(book.mistakes()) == []
    assert shown in copies.markdown(book, "one.md") and escaped(shown) in paper.page(book, "one.md")
    assert ("older than the code: epoch" in html) == (shown != "(not measured)")
    assert ("not measured yet: step" in html) == (shown == "(not measured)")


def test_a_statement_with_a_measured_number_is_copied(write: Callable[..., Book]) -> None:
    book = write("Twice $a$ is", "In {{epoch.seconds:.0f ms}}, twice $a$ is")
    (statement, *_) = copies.latex(book, "one.md", kept=False)["statements"].values()
    assert "In 250\N{NO-BREAK SPACE}ms, twice $a$ is" in statement


def test_a_number_follows_its_data_and_their_age_the_code(
    write: Callable[..., Book], weave: Callable[[Book], str]
) -> None:
    book = write("with $a^2$", "{{epoch.seconds:.2f}}")
    path = book.root / "docs/bench/results/epoch.json"
    data = json.loads(path.read_text()) | {"seconds": 0.75}
    data["about"]["mlp"] = book.source.digest
    path.write_text(json.dumps(data))
    html = weave(book)
    assert ">0.75</span>" in html and "older than the code" not in html and "Measured: epoch" in html
    assert "older than the code" in weave(
        write("with $a^2$", "{{epoch.seconds}}", source="a = 1\n\n\ndef double(a):\n    return a\n")
    )


def test_a_block_that_loads_results_is_run_again_when_they_change(write: Callable[..., Book]) -> None:
    keys = []
    for seconds in (1, 2):
        book = write("residuals =", 'data = results.load("epoch")\nresiduals =')
        path = book.root / "docs/bench/results/epoch.json"
        path.write_text(json.dumps(json.loads(path.read_text()) | {"seconds": seconds}))
        keys.append(block_key(book, book.pages["one.md"], next(book.pages["one.md"].examples())))
    assert keys[0] != keys[1]


TYPED = [
    ("It takes 1.5 s.", "1.5 s"),
    ("It takes 1.5&nbsp;ms.", "1.5&nbsp;ms"),
    ("a 3-second run", "3-second"),
    ("1,200\ntimes", "1,200 times"),
    ("some 40 MB/s", "40 MB/s"),
    ("| 30 % |", "30 %"),
    ("*5%* of it", "5%"),
    ("150 GFLOP/s", "150 GFLOP/s"),
    ("12 \N{MICRO SIGN}s, `3 s`, $4$ states", "12 \N{MICRO SIGN}s"),
    ("::: wrong | All of 64 MiB\n\n:::", "64 MiB"),
    ("::: figure\nalt: after 3 minutes\n\n:::", "3 minutes"),
]
UNTYPED = [
    "`3 s` and $3$ s",
    "{{epoch.seconds:.0f}} s",
    "3 states, 10 sets, 64 bytes",
    "```python\n# 3 s\n```",
]


@pytest.mark.parametrize(("prose", "number"), TYPED)
def test_a_typed_number_is_found(prose: str, number: str) -> None:
    (found,) = results.typed(scan("one.md", f"---\ntitle: 3 s\n---\n# One\n\n{prose}\n"))
    assert found == (6 + prose.count("\n", 0, prose.find(number[:2])), number)


@pytest.mark.parametrize("prose", UNTYPED)
def test_what_is_no_typed_number_is_left_alone(prose: str) -> None:
    assert list(results.typed(scan("one.md", f"# One\n\n{prose}\n"))) == []


BLOCKS = [
    ("1 / 0\n", "", ZeroDivisionError, "division"),
    ("1 + 1\n", " raises=ValueError", AssertionError, "ran to its end"),
    ("1 / 0\n", " raises=ValueError", AssertionError, "expected ValueError, came ZeroDivisionError"),
    (">>> 1 + 1\n3\n", "", AssertionError, "Expected"),
    ("residuals = [0.0]\n", " check=thm:x", AssertionError, "asserts its bound"),
    ("assert 1 == 1\n", " check=thm:x", AssertionError, "this one left none"),
    ("residuals = []\nassert True\n", " check=thm:x", AssertionError, "at least one"),
    ("residuals = [0, 1e999 - 1e999]\nassert [] == []\n", " check=thm:x", AssertionError, "NaN hides"),
    ("exact = [True, False]\nassert exact\n", " check=thm:x", AssertionError, "1 of 2 cases"),
]


@pytest.mark.parametrize(("code", "options", "error", "message"), BLOCKS)
def test_a_block_that_breaks_its_promise_fails(
    tmp_path: Path, code: str, options: str, error: type[Exception], message: str
) -> None:
    (fence,) = scan("one.md", f"# One\n\n```python{options}\n{code}```\n").examples()
    with pytest.raises(error, match=message):
        run(fence, {}, tmp_path / "one.md")


def test_a_traceback_points_at_the_pages_own_line(tmp_path: Path) -> None:
    (fence,) = scan("one.md", "---\ntitle: x\n---\n# One\n\n```python\na = 1\nb = a / 0\n```\n").examples()
    with pytest.raises(ZeroDivisionError) as caught:
        run(fence, {}, tmp_path / "one.md")
    entry = caught.traceback[-1]
    assert (Path(str(entry.path)).name, entry.lineno + 1) == ("one.md", 8)


def test_blocks_of_a_page_share_their_names(tmp_path: Path) -> None:
    names: dict[str, Any] = {}
    for fence in scan("one.md", "```python\na = 20\n```\n\n```python\n>>> a + 1\n21\n```\n").examples():
        run(fence, names, tmp_path / "one.md")
    assert names["a"] == 20


def test_a_check_cannot_live_on_what_an_earlier_one_has_left(tmp_path: Path) -> None:
    names: dict[str, Any] = {"residuals": [0.0]}
    (fence,) = scan("one.md", "```python check=thm:x\nassert 1 == 1\n```\n").examples()
    with pytest.raises(AssertionError, match="this one left none"):
        run(fence, names, tmp_path / "one.md")


def test_fences_in_lists_are_run_and_those_in_longer_fences_and_comments_are_not() -> None:
    item = "- item\n\n    ```python\n    a = 1\n    ```\n\n"
    text = f"{item}````text\n```text\n```\n```python\nb\n```\n````\n\n<!--\n```python\nc\n```\n-->\n"
    assert [fence.code for fence in scan("one.md", text).examples()] == ["a = 1\n"]


def expect(error: WeaveError, line: int, problem: str, remedy: str) -> None:
    """The message names the file and the line, what was found, and what to do."""
    assert str(error).startswith(f"docs/one.md:{line}: "), str(error)
    assert problem in str(error) and remedy in str(error), str(error)


def test_pages_below_reference_are_no_chapters(write: Callable[..., Book], tmp_path: Path) -> None:
    book = write()
    for name in ("two", "three"):
        (tmp_path / f"docs/{name}.md").write_text(f"# {name}\n")
    nav = "site_name: A book\nnav: [{Part: [one.md]}, {Reference: [two.md, {Source: [three.md]}]}]\n"
    (tmp_path / "mkdocs.yml").write_text(nav)
    assert Book(tmp_path).chapters == book.chapters == {"one.md": 1}
