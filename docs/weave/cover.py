"""The picture of the README: the first page's formulas, their lines of code and their check, side by side.

`python -m weave.cover` draws it anew, docs/figures/cover.svg. Its letters are outlines, since a picture on
another site has no fonts of ours; its colours are the style sheet's, in both schemes.
"""

import html
import re
import textwrap
from functools import cache
from typing import Any

from fontTools.pens.svgPathPen import SVGPathPen
from fontTools.ttLib import TTFont

from weave.book import ROOT, Book, current
from weave.listing import ROLES
from weave.scan import Math

PAGE, TARGET = "index.md", ROOT / "docs" / "figures" / "cover.svg"
WIDTH, HEIGHT, TOP, CODE = 1010, 262, 102, ("code", 13)
COLUMNS = ((26, 232, "The formula"), (290, 352, "Its lines"), (664, 320, "Its check"))
FORMULAS = {  # the first page's, and how each is set: role:letter, * for a bar, and its scripts
    r"\adj{\bar W_k} = \termouter{\adj{\Delta_k}\, \act{X_{k-1}\T}}": (
        "adjoint:W*_k ink:= adjoint:Δ_k activation:X_k-1^T"
    ),
    r"\adj{\bar b_k} = \termsum{\adj{\Delta_k}\, \ones}": "adjoint:b*_k ink:= adjoint:Δ_k ink:1",
    r"\adj{\Delta_{k-1}} = \termpull{\wt{W_k\T} \adj{\Delta_k}} "
    r"\had \termslope{\phi'_{k-1}(\act{Z_{k-1}})}": (
        "adjoint:Δ_k-1 ink:= weight:W_k^T adjoint:Δ_k ink:⊙ ink:ϕ_k-1^' ink:( activation:Z_k-1 ink:)"
    ),
}
USED = ("paper", "ink", "quiet", "rule", "weight", "activation", "adjoint")
ATOM = re.compile(r"(\w+):(\S)(\*?)(?:_([^\s^]+))?(?:\^(\S))?")
BETWEEN = re.compile(r"\\begin\{aligned\}|\\\\\[[^]]*\]|\\end\{aligned\}")  # the rows of a formula
SIGNS = str.maketrans({"-": "\N{MINUS SIGN}", "'": "\N{PRIME}"})
FONTS = {
    "text": "fonts/roman",
    "code": "fonts/mono",
    "italic": "katex/fonts/KaTeX_Math-Italic",
    "upright": "katex/fonts/KaTeX_Main-Regular",
    "bold": "katex/fonts/KaTeX_Main-Bold",
    "sans": "katex/fonts/KaTeX_SansSerif-Regular",
}


@cache
def font(name: str) -> Any:
    """One of the site's own fonts."""
    return TTFont(ROOT / "docs" / "assets" / "vendor" / f"{FONTS[name]}.woff2")


class Canvas:
    """Letters, each outlined once, and lines."""

    def __init__(self) -> None:
        self.outlines: dict[tuple[str, str], str] = {}
        self.drawn: list[str] = []

    def write(self, role: str, style: tuple[str, float], place: tuple[float, float], text: str) -> float:
        """Set a text in a font of a size, its baseline beginning at a place; returns where it ends."""
        (name, size), (x, y), uses, at = style, place, [], 0.0
        glyphs, scale = font(name).getGlyphSet(), size / int(font(name)["head"].unitsPerEm)
        for letter in text:
            glyph = glyphs[font(name).getBestCmap()[ord(letter)]]
            if (name, letter) not in self.outlines:
                glyph.draw(pen := SVGPathPen(glyphs, ntos=lambda number: f"{number:.0f}"))
                self.outlines[name, letter] = pen.getCommands()
            identity = list(self.outlines).index((name, letter))
            uses.append(f'<use href="#g{identity}" x="{at:.0f}"/>')
            at += float(glyph.width)
        place_and_size = f"translate({x:.1f} {y:.1f})scale({scale:.5f} {-scale:.5f})"
        self.drawn.append(f'<g class="{role}" transform="{place_and_size}">{"".join(uses)}</g>')
        return x + at * scale

    def path(self, role: str, outline: str) -> None:
        """A filled outline."""
        self.drawn.append(f'<path class="{role}" d="{outline}"/>')

    def formula(self, atoms: str, x: float, y: float, size: float = 20) -> float:
        """Set a formula; returns where it ends."""
        for role, letter, bar, below, above in ATOM.findall(atoms):
            gap = size * 0.26 * (letter in "=⊙")
            end = self.write(role, (face(letter), size), (x + gap, y), letter) + gap
            if bar:
                width = max(size * 0.3, end - gap - x - size * 0.36)
                begin = (x + end + size * 0.14 - width) / 2
                self.path(role, f"M{begin:.1f} {y - size * 0.82:.1f}h{width:.1f}v1h-{width:.1f}z")
            ends = [end]
            for script, shift in ((below, 0.2), (above, -0.4)):
                at = end - size * 0.12 * (shift > 0 and letter in "WXZ")
                for sign in script.translate(SIGNS):
                    style = "sans" if sign == "T" else "italic" if sign == "k" else "upright"
                    at = self.write(role, (style, size * 0.7), (at, y + shift * size), sign)
                ends.append(at)
            x = max(ends) + size * 0.09
        return x

    def code(self, line: str, x: float, y: float) -> None:
        """Set a line of code, names in the colours of their roles."""
        for word in re.findall(r"\w+|\W+", line):
            x = self.write(ROLES.get(word, "ink"), CODE, (x, y), word)

    def svg(self, words: str) -> str:
        """The drawing, on a ground of its own."""
        outlines = "".join(f'<path id="g{at}" d="{d}"/>' for at, d in enumerate(self.outlines.values()))
        ground = f'<rect class="paper" x=".5" y=".5" width="{WIDTH - 1}" height="{HEIGHT - 1}" rx="7"/>'
        opening = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" role="img">'
        head = f"<title>{html.escape(words)}</title><style>{styles()}</style><defs>{outlines}</defs>"
        return "\n".join((opening, head, ground, *self.drawn, "</svg>\n"))


def face(letter: str) -> str:
    """The font in which a formula has a letter."""
    if letter == "1":
        return "bold"
    return "italic" if letter.isalpha() and letter != "Δ" else "upright"


def styles() -> str:
    """The style sheet's colours as a drawing's own rules, for both schemes."""
    css = (ROOT / "docs" / "assets" / "book.css").read_text(encoding="utf-8")
    blocks = re.findall(r"\{[^\n]*\n\s+(--paper.*?)\}", css, re.DOTALL)
    light, dark = (dict(re.findall(r"--(?:role-)?(\w+): (#\w+);", block)) for block in blocks)
    return f"{rules(light)}@media (prefers-color-scheme:dark){{{rules(dark)}}}"


def rules(colours: dict[str, str]) -> str:
    """One scheme's rules."""
    fills = (f".{name}{{fill:{colour}}}" for name, colour in colours.items() if name in USED)
    return "".join(fills) + f".paper{{stroke:{colours['rule']}}}"


def contents(book: Book) -> tuple[list[str], list[str], list[str]]:
    """The first page's formulas, its first listing without comments, and what its check ends with."""
    page = book.pages[PAGE]
    rows = next(token.tex for token in page.tokens if isinstance(token, Math) and token.display)
    formulas = [row.replace("&", "").strip() for row in BETWEEN.split(rows) if row.strip()]
    shown = next(listing for listing in book.listings if listing.page == PAGE)
    lines = [line.split("  #")[0] for line in textwrap.dedent(shown.piece.text).splitlines()]
    check = [line.removeprefix("    ") for line in next(page.examples()).code.splitlines()]
    return formulas, lines, check[next(at for at, line in enumerate(check) if line.startswith("ours")) :]


def drawing(book: Book) -> str:
    """The picture as SVG: a formula for each row, beside it the lines that compute it."""
    canvas, (formulas, lines, check) = Canvas(), contents(book)
    left, middle, right = (x for x, _, _ in COLUMNS)
    for x, width, heading in COLUMNS:
        canvas.path("ink", f"M{x} 28h{width}v1.5H{x}z")
        canvas.write("quiet", ("text", 15), (x, 52), heading)
    for tex, y in zip(formulas, (0, 44, 110), strict=True):
        end = canvas.formula(FORMULAS[tex], left, TOP + y) + 10
        if end < middle - 40:
            canvas.path("rule", f"M{end:.1f} {TOP + y - 6}H{middle - 12}v1H{end:.1f}z")
    for line, y in zip(lines, (0, 44, 88, 109, 130), strict=True):
        canvas.code(line, middle, TOP + y - 2)
    for line, y in zip(check, range(0, 126, 21), strict=True):
        canvas.code(line, right, TOP + y - 2)
    canvas.path("activation", f"M{right} {TOP + 124}l1.4-1.4 3.2 3.2 7-8 1.5 1.3-8.4 9.8z")
    return canvas.svg("; ".join([*lines, *check]))


if __name__ == "__main__":
    TARGET.write_text(drawing(current()), encoding="utf-8")
