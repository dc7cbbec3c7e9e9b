"""What is made of the labels: claims, indexes, stamps and previews."""

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from weave import previews
from weave.book import Book, current
from weave.errors import WeaveError
from weave.scan import PROVED, Open


def results(book: Book) -> list[str]:
    return [
        token.options["label"]
        for page in book.pages.values()
        for token in page.tokens
        if isinstance(token, Open) and token.kind in PROVED
    ]


def test_the_page_of_claims_has_every_result(site: Path) -> None:
    text = (site / "reference/claims.html").read_text(encoding="utf-8")
    article = text[text.index("<article") :]
    for label in results(current()):
        assert f'#{label}"' in article, label


def test_the_indexes_have_every_statement_equation_and_definition(site: Path) -> None:
    text, book = (site / "reference/indexes.html").read_text(encoding="utf-8"), current()
    for target in book.labels.values():
        if target.kind not in ("section", "exercise", "figure", "wrong"):
            assert f'#{target.label}"' in text, target
    for name in book.source.names:
        assert name.removeprefix("mlp.") in text
    assert "(1.1)</a> in <a" in text and not re.search(r"\([\d.]+\)</a>\s*</li>", text)  # no number alone


def test_an_unknown_index_is_refused(write: Callable[..., Book], weave: Callable[[Book], str]) -> None:
    book = write("Text with", "::: index | nothing\n:::\n\nText with")
    with pytest.raises(WeaveError, match=r"no index .nothing.\..*Indexes: claims, statements"):
        weave(book)


def test_an_element_is_cut_out_whole() -> None:
    html = '<div id="a"><div id="eq:x" class="equation"><div>1</div><button>copy</button></div></div>'
    assert previews.element(html, "eq:x") == '<div class="equation"><div>1</div></div>'
    assert previews.element(html, "eq:y") == ""


def test_pages_carry_a_stamp(site: Path) -> None:
    for address, page in current().pages.items():
        text = (site / address.replace(".md", ".html")).read_text(encoding="utf-8")
        assert ('<p class="stamp">' in text) == bool(list(page.examples())), address
