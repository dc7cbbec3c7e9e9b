"""The chapter in CONTRIBUTING.md is one that works."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from weave import copies
from weave.book import ROOT, Book, current
from weave.examples import run
from weave.scan import Close, Fence, scan


def example() -> str:
    """The page that CONTRIBUTING.md shows."""
    guide = scan("CONTRIBUTING.md", (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8"))
    (fence,) = [token for token in guide.tokens if isinstance(token, Fence) and token.language == "markdown"]
    return fence.code


def test_the_chapter_in_the_guide_works(tmp_path: Path, weave: Callable[[Book], str]) -> None:
    """In a book of its own, over the package as it is: without mistakes, rendered, copied, and run."""
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs" / "one.md").write_text(example())
    (tmp_path / "mkdocs.yml").write_text("site_name: A book\nnav: [{Part: [one.md]}]\n")
    (tmp_path / "mlp").symlink_to(ROOT / "mlp")
    book = Book(tmp_path)
    page, names = book.pages["one.md"], dict[str, Any]()
    assert list(book.mistakes()) == []
    assert not {label for label in book.labels if not label.startswith("lst:")} & set(current().labels)
    found = [run(fence, names, tmp_path / page.path) for fence in page.examples()]
    assert [entry.kind for entry in found] == ["residual", "", ""] and found[0].cases == 100
    assert "probabilities sum to 1.46" in found[1].output
    html = weave(book)
    for label in ("prp:two-logits", "eq:two-logits", "wrong:two-logits", "ex:two-logits"):
        assert f'id="{label}"' in html, label
    assert "mlp/losses.py" in html and "Checks" in html
    assert "**Proposition 1.1" in copies.markdown(book, "one.md")


def test_the_chapter_in_the_guide_has_one_of_everything() -> None:
    kinds = {token.opened.kind for token in scan("one.md", example()).tokens if isinstance(token, Close)}
    assert kinds == {"proposition", "proof", "listing", "wrong", "exercise", "solution"}
