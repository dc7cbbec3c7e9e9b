"""What the site serves of others: made from the lock, small, whole, and nothing but woff2."""

from __future__ import annotations

import html
import json
import re
from pathlib import Path

import pytest
from fontTools.ttLib import TTFont

from weave import vendor
from weave.book import current
from weave.scan import Math
from weave.typeset import typeset


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder, made for this test."""
    folder = tmp_path_factory.mktemp("vendor") / "new"
    folder.mkdir()
    vendor.fill(folder)
    return folder


def test_every_named_font_is_there_and_every_font_is_named(made: Path) -> None:
    for css in (made / "fonts.css", made / "katex" / "katex.min.css"):
        named = set(re.findall(r"url\(([^)]*)\)", css.read_text(encoding="utf-8")))
        fonts = {path.relative_to(css.parent).as_posix() for path in (css.parent / "fonts").glob("*.woff*")}
        assert named == fonts
        assert all(name.endswith(".woff2") for name in named)


def test_text_fonts_are_small(made: Path) -> None:
    sizes = {path.name: path.stat().st_size for path in (made / "fonts").glob("*.woff2")}
    assert len(sizes) == 8
    assert max(sizes.values()) <= 35_000, sizes


def test_faces_of_a_style_divide_the_characters_among_them(made: Path) -> None:
    seen: dict[tuple[str, str], set[int]] = {}
    for face in vendor.FACES:
        characters = set(TTFont(made / "fonts" / f"{face.file}.woff2").getBestCmap())
        others = seen.setdefault((face.family, face.style), set())
        assert not characters & others, f"{face.file} repeats {sorted(map(chr, characters & others))}"
        others |= characters
    for style in ("normal", "italic"):
        prose = "aZ09 \u00fc\u0159\u2013\u201c\u201d\u2026\u2192\u2264\u2212\u00d7\u221a\u2020\u00a7"
        assert set(map(ord, prose)) <= seen["Book", style]


def test_formulas_find_their_characters(made: Path) -> None:
    """What a formula of the book is made of is in the fonts, which are cut down to it."""
    font = set(TTFont(made / "katex" / "fonts" / "KaTeX_Main-Regular.woff2").getBestCmap())
    font |= set(TTFont(made / "katex" / "fonts" / "KaTeX_Math-Italic.woff2").getBestCmap())
    whole = [
        vendor.MODULES / "katex" / "dist" / "fonts" / f"KaTeX_{name}.woff2"
        for name in ("Main-Regular", "Math-Italic")
    ]
    could = set().union(*(TTFont(path).getBestCmap() for path in whole))
    maths = [token for page in current().pages.values() for token in page.tokens if isinstance(token, Math)]
    drawn = {
        character
        for token in maths
        for character in html.unescape(re.sub(r"<[^>]*>", "", typeset(token.tex, token.display)))
    }
    missing = {ord(character) for character in drawn} & could - font
    assert len(maths) > 1000 and not missing, (
        f"add {sorted(map(hex, missing))} to FORMULAS in docs/weave/vendor.py"
    )


def test_text_keeps_its_weights(made: Path) -> None:
    axis = TTFont(made / "fonts" / "roman.woff2")["fvar"].axes[0]
    assert (axis.axisTag, axis.minValue, axis.maxValue) == ("wght", 400, 700)


def test_it_is_the_same_each_time(made: Path) -> None:
    """What `make install` made some time ago is what is made now."""
    assert (vendor.TARGET / ".made").read_text() == vendor.wanted(), "run `make install` first"
    now, then = (
        {path.relative_to(folder): path.read_bytes() for path in folder.rglob("*.*") if path.suffix}
        for folder in (made, vendor.TARGET)
    )
    assert now == then


def test_it_is_made_once_and_again_when_the_lock_changes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(vendor, "TARGET", tmp_path / "vendor")
    monkeypatch.setattr(vendor, "fill", lambda folder: folder.mkdir(parents=True))
    said = []
    for lock in ("one", "one", "two"):
        monkeypatch.setattr(vendor, "wanted", lambda lock=lock: lock)
        vendor.main()
        said.append(capsys.readouterr().out)
    assert [bool(words) for words in said] == [True, False, True]


def test_without_node_modules_the_error_says_what_to_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(vendor, "MODULES", tmp_path)
    with pytest.raises(FileNotFoundError, match="make"):
        vendor.fill(tmp_path / "out")


def test_the_lock_has_a_hash_for_each_package_and_no_address() -> None:
    text = (vendor.HERE / "package-lock.json").read_text(encoding="utf-8")
    packages = {name: lock for name, lock in json.loads(text)["packages"].items() if name}
    assert packages and all(lock["integrity"].startswith("sha512-") for lock in packages.values())
    assert "://" not in text
