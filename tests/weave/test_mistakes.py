"""A writer's mistakes, planted one at a time: each is answered with the file, the line and the remedy."""

from __future__ import annotations

from collections.abc import Callable
from operator import itemgetter
from pathlib import Path
from typing import Any

import pytest

from weave.book import Book
from weave.errors import WeaveError
from weave.examples import run
from weave.scan import scan

Mistake = tuple[str, str, int, str, str]
"""What is replaced in the chapter, and by what; the line, the problem and the remedy that are named."""

PROBLEM = itemgetter(3)
WHEN_READ: list[Mistake] = [
    ("```python check=thm:one", "```py check=thm:one", 23, "would not be run", "Write ```python"),
    ("```python check=thm:one", "``` python check=thm:one", 23, "would not be run", "Write ```python"),
    ("```python check=thm:one", '```python title="x"', 23, "unknown fence option 'title'", "may have check="),
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
]
WHEN_CHECKED: list[Mistake] = [
    ("and [@chen2016, section 2]", "[](#eq:two)", 6, "reference to 'eq:two'", "Define it"),
    ("and [@chen2016, section 2]", "[@chen2017]", 6, "citation of 'chen2017'", "Add the entry"),
    ("```python check=thm:one", "```python", 8, "no block checks 'thm:one'", "```python check=thm:one"),
    ("check=thm:one", 'check="thm:one thm:two"', 23, "a check of 'thm:two'", "Name the label"),
    ("implements: eq:one", "implements: eq:two", 28, "implements 'eq:two'", "Name the label"),
    ("::: proof\n", "::: remark\nlabel: rem:x\n\n", 8, "has no proof", "::: proof"),
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


def test_fences_in_lists_are_run_and_those_in_longer_fences_and_comments_are_not() -> None:
    item = "- item\n\n    ```python\n    a = 1\n    ```\n\n"
    text = f"{item}````text\n```python\nb\n```\n````\n\n<!--\n```python\nc\n```\n-->\n"
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
