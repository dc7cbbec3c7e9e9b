"""The picture of the README shows what the first page shows."""

from weave import cover
from weave.book import ROOT, current


def test_the_picture_is_up_to_date() -> None:
    """A formula, a line of code or a colour has changed: draw it anew."""
    assert cover.TARGET.read_text(encoding="utf-8") == cover.drawing(current()), "run `python -m weave.cover`"
    assert f"]({cover.TARGET.relative_to(ROOT).as_posix()})" in (ROOT / "README.md").read_text(
        encoding="utf-8"
    )
