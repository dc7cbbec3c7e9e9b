"""What a page becomes: numbers, references, listings, the bibliography; and what the record knows of it."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from markdown import Markdown
from mkdocs.config.defaults import MkDocsConfig
from mkdocs.exceptions import Abort, PluginError
from mkdocs.structure.files import File, Files
from mkdocs.structure.nav import Navigation

from weave import hooks, indexes, listing, record
from weave.book import Book
from weave.citations import Bibliography
from weave.errors import WeaveError
from weave.examples import Recorder, run
from weave.extension import Weaver
from weave.record import Entry, Record, block_key, claim_key
from weave.scan import PROVED, Open
from weave.source import folds

Write, Weave = Callable[..., Book], Callable[..., str]
BLOCK = "```python check=thm:one"


def statement(book: Book) -> Open:
    """The theorem of the chapter."""
    (found,) = (
        token for token in book.pages["one.md"].tokens if isinstance(token, Open) and token.kind in PROVED
    )
    return found


# ---------------------------------------------------------------- numbers and references


def test_statements_of_all_kinds_share_their_numbers(write: Write) -> None:
    lemma = "::: lemma\nlabel: lem:two\n\nText.\n:::\n\n::: proof\n\nText.\n:::\n\n"
    labels = write("::: theorem", f"{lemma}::: theorem").labels
    assert [labels[name].words for name in ("lem:two", "thm:one", "eq:one")] == [
        "Lemma 1.1",
        "Theorem 1.2",
        "(1.1)",
    ]


def test_a_reference_leads_to_the_page_of_its_label(write: Write, weave: Weave) -> None:
    root = write().root
    (root / "docs/part").mkdir()
    (root / "docs/part/two.md").write_text("# Two\n\nSee [](#thm:one).\n\n$$\n1 \\label{eq:two}\n$$\n")
    (root / "mkdocs.yml").write_text("site_name: A book\nnav: [{Part: [one.md, part/two.md]}]\n")
    book = Book(root)
    assert '<a class="ref" href="../one.md#thm:one">Theorem 1.1</a>' in weave(book, "part/two.md")
    assert book.labels["eq:two"].words == "(2.1)"
    assert listing.href("part/two.md", "one.md", "thm:one") == "../one.html#thm:one"
    assert listing.href("one.md", "one.md", "thm:one") == "#thm:one"


def test_each_block_that_checks_a_result_has_an_anchor_of_its_own(write: Write, weave: Weave) -> None:
    html = weave(write(BLOCK, f"{BLOCK}\nexact = [True]\nassert exact\n```\n\n{BLOCK}"))
    assert html.count('id="check-thm-one"') == html.count('id="check-thm-one-2"') == 1


def test_a_figure_is_drawn_and_says_itself_in_words(write: Write, weave: Weave) -> None:
    figure = '::: figure\nschedule: store_all(2)\nalt: a "b" & c\n\nCaption.\n:::\n\nText with'
    html = weave(write("Text with", figure))
    assert 'aria-label="a &quot;b&quot; &amp; c"' in html and "<strong>Figure 1.1.</strong>" in html


# ---------------------------------------------------------------- code


def test_code_is_escaped_and_listings_are_whole(write: Write, weave: Weave) -> None:
    html = weave(write("Text with", "::: listing | mlp.code.double\nagain: yes\n:::\n\nText with"))
    assert "(residuals) &lt; " in html and "< " not in html
    assert html.count("twice\n</code>") == 2


def test_a_listing_says_what_it_implements_and_what_checks_that(write: Write, weave: Weave) -> None:
    """The equation stands in the theorem, so that a check of this is one of that."""
    source = "def double(a):\n    return a + a\n\n\ndef four(a):\n    return double(double(a))\n"
    html = weave(write(source=source))
    assert 'implements <a href="#eq:one">(1.1)</a>' in html
    assert 'checked by <a href="#check-thm-one">block 1</a>' in html
    assert "used by <code>code.four</code>" in html
    assert 'in code: <a href="#lst:mlp.code.double"><code>code.double</code></a>' in html


def test_a_listing_begins_with_its_decorators_and_folds_what_is_long(write: Write) -> None:
    head = '@property\ndef double(a):\n    """Twice.\n\n    The number.\n    """\n'
    book = write(source=f"{head}    if not a:\n        raise ValueError\n    return a + a\n")
    piece = book.source.piece("mlp.code.double")
    assert piece.text.startswith("@property\n") and piece.text.endswith("return a + a\n")
    assert folds(piece) == [(3, 6, "docstring"), (7, 8, "argument checks")]


def test_a_quoted_statement_stands_there_once(write: Write) -> None:
    book = write(source="def double(a):\n    a = a + a\n    a = a + a\n    return a\n")
    with pytest.raises(LookupError, match="'a = a \\+ a' is found 2 times, not once"):
        book.source.piece("mlp.code.double", "a = a + a")


def test_a_block_that_is_not_run_says_why(write: Write, weave: Weave) -> None:
    book = write("Text with", '```python norun="it takes <weeks>"\n1 / 0\n```\n\nText with')
    assert len(list(book.pages["one.md"].examples())) == 1
    assert "Not run: it takes &lt;weeks&gt;" in weave(book)


# ---------------------------------------------------------------- the record


def recorded(book: Book, failing: tuple[int, ...] = (), missing: tuple[int, ...] = ()) -> Record:
    """The record after a run of the chapter's blocks, of which some fail, and some are not reached."""
    recorder, page, names = Recorder(book.root), book.pages["one.md"], dict[str, Any]()
    for number, fence in enumerate(page.examples()):
        if number not in missing:
            seen = run(fence, names, book.root / page.path)
            recorder.saw(page, fence, None if number in failing else seen)
    recorder.save()
    return Record(book.root)


def test_a_page_shows_what_was_seen_of_it(write: Write, weave: Weave) -> None:
    book = write("residuals =", 'print("<a> & b")\nresiduals =')
    before = weave(book)
    assert "1 block changed since" in before and "have changed since it was last checked" in before
    recorded(book)
    after = weave(book)
    assert "1 block run, 1 result checked, last on 20" in after and "changed since" not in after
    assert '<pre class="output"><code>&lt;a&gt; &amp; b\n</code></pre>' in after
    assert "largest residual 0.0e+00 in 3 cases" in after


def test_a_chart_is_recorded_as_paper_shows_it(write: Write) -> None:
    drawn = "from weave.charts import Chart\nChart('<svg/>', 'A < b.', caption='C & d.')"
    book = write(BLOCK, f"```python\n{drawn}\n```\n\n```python\n1\n```\n\n{BLOCK}")
    charts = [entry["chart"] for entry in recorded(book).places["docs/one.md"].values() if "chart" in entry]
    assert charts == ['<figure aria-label="A &lt; b."><svg/><figcaption>C &amp; d.</figcaption></figure>']


def test_a_block_that_draws_is_stale_when_charts_are_drawn_anew(
    write: Write, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    page = (book := write(BLOCK, f"```python\ncharts.plot\n```\n\n```python\n1\n```\n\n{BLOCK}")).pages[
        "one.md"
    ]
    plain = (other := write()).pages["one.md"]
    keys = []
    for text in ("a", "b"):
        (tmp_path / "charts.py").write_text(text)
        monkeypatch.setattr(record, "CHARTS", tmp_path / "charts.py")
        keys.append([block_key(book, page, fence) for fence in page.examples()])
        keys[-1] += [block_key(other, plain, fence) for fence in plain.examples()]
    assert [a == b for a, b in zip(*keys, strict=True)] == [False, False, False, True]


def test_a_result_is_checked_when_all_its_checks_have_passed(write: Write) -> None:
    book = write(BLOCK, f"{BLOCK}\nexact = [True]\nassert exact\n```\n\n{BLOCK}")
    page, theorem = book.pages["one.md"], statement(book)
    for failing in ((0,), (1,)):
        assert recorded(book, failing).claim(book, page, theorem) is None
    claim = recorded(book).claim(book, page, theorem)
    assert claim is not None and claim.cases == 1 + 3


def test_a_page_is_recorded_when_all_its_blocks_were_run(write: Write) -> None:
    book = write(BLOCK, f"```python\nb = 1\n```\n\n{BLOCK}")
    assert "docs/one.md" not in recorded(book, missing=(0,)).places
    assert len(recorded(book).places["docs/one.md"]) == 2


def test_an_entry_keeps_its_date(write: Write) -> None:
    record = Record(write().root)
    for date in ("2022-06-01", "2022-06-02"):
        record.replace("docs/one.md", {"key": Entry("passed", date)})
    entry = record.entry("docs/one.md", "key")
    assert entry is not None and entry.date == "2022-06-01"


TWO_BLOCKS = "```python\nb = 1\n```\n\n" + BLOCK
SOURCE = 'def double(a):\n    """Twice a."""\n    return a + a\n'
KEYS = [  # of the chapter, or of the source, what is changed; whether the keys of block and claim are others
    ("b = 1", "b = 2", True, True),
    ("residuals =", "residuals  =", True, True),
    ("return a + a", "return 2 * a", True, True),
    ("Twice $a$", "Two times $a$", False, True),
    ("Text with", "More text with", False, False),
    ('"""Twice a."""', '"""Two times a."""', False, False),
    ("    return", "    # a comment\n    return", False, False),
]


@pytest.mark.parametrize(("old", "new", "block_changes", "claim_changes"), KEYS)
def test_what_has_to_be_run_again(
    write: Write, old: str, new: str, block_changes: bool, claim_changes: bool
) -> None:
    """What was changed, or stands below a change, or runs changed code; a claim also for its words."""
    keys = []
    for change in (lambda text: text, lambda text: text.replace(old, new)):
        book = write(BLOCK, TWO_BLOCKS, source=change(SOURCE))
        path = book.root / "docs/one.md"
        path.write_text(change(path.read_text()))
        book = Book(book.root)
        page = book.pages["one.md"]
        keys.append((block_key(book, page, list(page.examples())[1]), claim_key(book, page, statement(book))))
    (block, claim), (block_after, claim_after) = keys
    assert (block != block_after, claim != claim_after) == (block_changes, claim_changes)


# ---------------------------------------------------------------- indexes, bibliography, hooks


def test_an_index_is_sorted_and_says_what_is_stale(write: Write) -> None:
    source = "def first(a):\n    return a\n\n\ndef double(a):\n    return a + a\n"
    book = write(
        "::: listing | mlp.code.double",
        "::: listing | mlp.code.double\n:::\n\n::: listing | mlp.code.first",
        source,
    )
    weaver = Weaver(Markdown(), book, "one.md", book.pages["one.md"])
    places = [indexes.listings(weaver).index(f"mlp.code.{name}<") for name in ("first", "double")]
    assert all(one < two for one, two in pairwise(places))
    assert indexes.claims(weaver).count("changed since it was last checked") == 1
    recorded(book)
    seen = indexes.claims(Weaver(Markdown(), book, "one.md", book.pages["one.md"]))
    assert "<td>residual</td><td>3</td><td>0.0e+00</td>" in seen and "changed since" not in seen


def test_a_changed_statement_has_no_claim_although_its_checks_pass(write: Write) -> None:
    recorded(write())
    book = write("Twice $a$", "Thrice $a$")
    claims = indexes.claims(Weaver(Markdown(), book, "one.md", book.pages["one.md"]))
    assert "changed since it was last checked" in claims


REVOLVE = r"""@article{griewank2000,
  author = {Griewank, Andreas and Walther, Andr{\'e}a}, title = {Algorithm 799: {revolve}}, year = {2000},
  journal = {ACM Transactions}, volume = {26}, number = {1}, pages = {19--45}, doi = {10.1145/347837.347846}
}
"""


def test_an_entry_of_the_bibliography_is_printed_whole(tmp_path: Path) -> None:
    (tmp_path / "a.bib").write_text(REVOLVE)
    bibliography = Bibliography(tmp_path / "a.bib")
    assert bibliography.cited_as("griewank2000", "section 3") == "Griewank & Walther 2000, section 3"
    assert bibliography.printed("griewank2000") == (
        "Andreas Griewank, Andr\u00e9a Walther. Algorithm 799: revolve. <em>ACM Transactions</em>, 26(1), "
        '19\u201345, 2000. <a href="https://doi.org/10.1145/347837.347846">10.1145/347837.347846</a>.'
    )


def test_a_book_with_mistakes_is_not_built(write: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    book = write("Text with", "Text with [](#eq:two) and [@chen2017]")
    monkeypatch.setattr(hooks, "current", lambda: book)
    with pytest.raises(PluginError, match=r"(?s)'eq:two'.*'chen2017'"):
        hooks.on_pre_build(MkDocsConfig())


def test_a_page_that_the_nav_leaves_out_is_named(write: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    book = write()
    monkeypatch.setattr(hooks, "current", lambda: book)
    config = MkDocsConfig()
    config.load_dict({"docs_dir": str(book.root / "docs"), "site_dir": str(book.root / "site")})
    listed, other = (File(name, config.docs_dir, config.site_dir, False) for name in ("one.md", "two.md"))
    hooks.on_nav(Navigation([], []), config, Files([listed]))
    with pytest.raises(PluginError, match=r"^docs/two\.md:1: a page that the nav does not name\. Add it"):
        hooks.on_nav(Navigation([], []), config, Files([listed, other]))


def test_a_mistake_that_weaving_finds_is_said_without_a_trace() -> None:
    mistake = WeaveError("docs/one.md", 6, "TeX does not parse", "Correct the formula")
    with pytest.raises(Abort, match=r"^docs/one\.md:6: ") as caught:
        hooks.on_build_error(mistake)
    assert caught.value.__suppress_context__
    hooks.on_build_error(ValueError("of the program"))
