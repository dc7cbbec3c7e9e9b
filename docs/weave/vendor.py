"""Put what the site serves of others (KaTeX's style and fonts, text fonts, a shim) into docs/assets/vendor.

`python -m weave.vendor` makes that folder anew from node_modules when the lock or this module has changed,
and is silent when it has not. The text fonts are cut down to the characters that prose and code use. Their
licences want modified fonts under another name, so the pages know them as "Book" and "Book Mono".
"""

import hashlib
import re
import shutil
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import fontTools
from fontTools.subset import Options, Subsetter
from fontTools.ttLib import TTFont, newTable
from fontTools.ttLib.tables import otTables
from fontTools.ttLib.tables.otConverters import Struct
from fontTools.varLib.instancer import instantiateVariableFont

HERE = Path(__file__).resolve().parent
MODULES = HERE / "node_modules"
TARGET = HERE.parent / "assets" / "vendor"
LICENCE_NAMES = [0, 13, 14]  # the name table's copyright, licence and its address; the fonts' own names go

STIX = "@fontsource-variable/stix-two-text"
CODE = "@fontsource-variable/source-code-pro"
TEXT, MONO = f"{STIX}/files/stix-two-text", f"{CODE}/files/source-code-pro"

LATIN = (*range(0x20, 0x7F), *range(0xA0, 0x100), 0x131, 0x152, 0x153, *range(0x2000, 0x206F), 0x20AC, 0x2212)
NAMES = (*range(0x100, 0x180), *range(0x218, 0x21C), 0x2020, 0x2021)  # letters of authors' names, daggers
# Greek capitals, arrows and signs of mathematics, in the shapes that formulas give them
SYMBOLS = (*range(0x391, 0x3AA), 0x2113, *range(0x2190, 0x2212), *range(0x2213, 0x2300))
# Hexadecimal: ASCII and marks, Greek, spaces, arrows, signs, fences and their pieces, the bar of "not"
FORMULAS = """20-7E A0 B1 D7 2C9 2D9 391-3C9 3D1 3D5 3F5 2002-200B 2019 201C 201D 2026 2032 2061 2113 211D
    2190-2193 21A6 21D2 21D4 2200 2202 2203 2205 2207-2209 220F 2211-2213 2216-221A 221D 221E 2223 2225
    2227-222B 223C 2243 2248 2260 2261 2264 2265 226A 226B 2282 2283 2286 2287 2295-2299 22A4 22A5 22C0-22C5
    22EE-22F1 2308-230B 239B-23B3 25B3 27E8 27E9 E020"""
KATEX_MAIN = "katex/dist/fonts/KaTeX_Main-Regular"

# Where a browser puts scripts, in thousandths of an em: TeX's numbers for a line of text, as KaTeX has them.
# With drops as large as these, the height and depth of the letter itself move nothing.
CONSTANTS = {
    "ScriptPercentScaleDown": 70,
    "ScriptScriptPercentScaleDown": 50,
    "AxisHeight": 250,
    "SubscriptShiftDown": 150,
    "SubscriptTopMax": 344,
    "SubscriptBaselineDropMin": -1000,
    "SuperscriptShiftUp": 363,
    "SuperscriptShiftUpCramped": 289,
    "SuperscriptBottomMin": 108,
    "SuperscriptBaselineDropMax": 1000,
    "SubSuperscriptGapMin": 160,
    "SuperscriptBottomMaxWithSubscript": 344,
    "SpaceAfterScript": 50,
}


@dataclass(frozen=True)
class Face:
    """One font file of the site: where it comes from, which characters it keeps, how pages ask for it.

    `weights` limits the variable weight axis or fixes it, None for a font that has none; `adjust` scales a
    foreign font's letters to the height of its family's.
    """

    file: str
    source: str
    family: str
    style: str
    characters: tuple[int, ...]
    weights: tuple[int, int] | int | None = (400, 700)
    adjust: str = ""


FACES = (
    Face("roman", f"{TEXT}-latin-wght-normal", "Book", "normal", LATIN),
    Face("italic", f"{TEXT}-latin-wght-italic", "Book", "italic", LATIN, weights=400),
    Face("roman-names", f"{TEXT}-latin-ext-wght-normal", "Book", "normal", NAMES),
    Face("italic-names", f"{TEXT}-latin-ext-wght-italic", "Book", "italic", NAMES, weights=400),
    Face("symbols", KATEX_MAIN, "Book", "normal", SYMBOLS, weights=None, adjust="109%"),
    Face("symbols", KATEX_MAIN, "Book", "italic", SYMBOLS, weights=None, adjust="109%"),
    Face("math", KATEX_MAIN, "Book Math", "normal", (0x20,), weights=None),
    Face("mono", f"{MONO}-latin-wght-normal", "Book Mono", "normal", LATIN),
    Face("mono-italic", f"{MONO}-latin-wght-italic", "Book Mono", "italic", LATIN, weights=400),
)


def main() -> None:
    """Make the folder if it is not what the lock says it should be."""
    made = TARGET / ".made"
    key = wanted()
    if made.exists() and made.read_text(encoding="ascii") == key:
        return
    draft = TARGET.with_name("vendor.draft")
    shutil.rmtree(draft, ignore_errors=True)
    fill(draft)
    (draft / ".made").write_text(key, encoding="ascii")
    shutil.rmtree(TARGET, ignore_errors=True)
    draft.rename(TARGET)
    print(f"made {TARGET}: KaTeX and the text fonts")


def wanted() -> str:
    """A hash of all that the folder's contents depend on."""
    lock, module = (HERE / "package-lock.json").read_bytes(), Path(__file__).read_bytes()
    return hashlib.sha256(lock + module + fontTools.version.encode()).hexdigest()


def fill(target: Path) -> None:
    """Write everything into the new folder `target`. Raises FileNotFoundError without node_modules."""
    if not (MODULES / "katex").is_dir():
        raise FileNotFoundError(
            f"expected KaTeX and the fonts in {MODULES}, and they are not installed. Run `make install`"
        )
    katex(target / "katex")
    (target / "iframe-worker").mkdir()
    for name, renamed in (("shim/index.js", "shim.js"), ("LICENSE", "LICENSE.txt")):
        shutil.copyfile(MODULES / "iframe-worker" / name, target / "iframe-worker" / renamed)
    (target / "fonts").mkdir()
    rules = [rule(face, subset(face, target / "fonts" / f"{face.file}.woff2")) for face in FACES]
    (target / "fonts.css").write_text("\n".join(rules) + "\n", encoding="ascii")
    for package in (STIX, CODE):
        shutil.copyfile(MODULES / package / "LICENSE", target / "fonts" / f"LICENSE-{Path(package).name}.txt")


def katex(target: Path) -> None:
    """KaTeX's style sheet, naming woff2 files only, those files cut to FORMULAS, and its licence."""
    dist = MODULES / "katex" / "dist"
    css = (dist / "katex.min.css").read_text(encoding="utf-8")
    css = re.sub(r',url\([^)]*\) format\("(?:woff|truetype)"\)', "", css)
    (target / "fonts").mkdir(parents=True)
    (target / "katex.min.css").write_text(css, encoding="utf-8")
    for name in sorted(set(re.findall(r"url\(fonts/([^)]*)\)", css))):
        whole = re.match(r"KaTeX_(Main-Regular|Math-Italic|AMS|Size)", name)  # other faces are of letters
        kept = characters(FORMULAS if whole else "20-7E 3B1-3C9")
        save(cut(dist / "fonts" / name, kept), target / "fonts" / name)
    shutil.copyfile(MODULES / "katex" / "LICENSE", target / "LICENSE.txt")


def subset(face: Face, target: Path) -> list[int]:
    """Write the face's font with its characters and weights only; returns those characters, in order."""
    font = cut(MODULES / f"{face.source}.woff2", face.characters)
    if face.weights:
        font = instantiateVariableFont(font, {"wght": face.weights})
    if face.file == "math":
        font["MATH"] = mathematics()
    save(font, target)
    return sorted(font.getBestCmap())


def cut(path: Path, characters: Iterable[int]) -> TTFont:
    """The font of a file with these characters only."""
    font = TTFont(path, recalcTimestamp=False)
    cutter = Subsetter(Options(hinting=False, name_IDs=LICENCE_NAMES, notdef_outline=True))
    cutter.populate(unicodes=characters)
    cutter.subset(font)
    return font


def save(font: TTFont, path: Path) -> None:
    """Write a font, packed for the web."""
    font.flavor = "woff2"
    font.save(path)


def mathematics() -> Any:
    """A font's table of mathematics, with CONSTANTS; what is not there plays no part in a line of text."""
    table = otTables.MATH()
    table.Version = 0x00010000
    table.MathGlyphInfo, table.MathVariants = otTables.MathGlyphInfo(), otTables.MathVariants()
    table.MathVariants.MinConnectorOverlap = 0
    table.MathConstants = otTables.MathConstants()
    for field in table.MathConstants.getConverters():
        value: Any = CONSTANTS.get(field.name, 0)
        if isinstance(field, Struct):
            record = otTables.MathValueRecord()
            record.Value, value = value, record
        setattr(table.MathConstants, field.name, value)
    font = newTable("MATH")
    font.table = table
    return font


def rule(face: Face, characters: Iterable[int]) -> str:
    """The @font-face rule of a face."""
    limits = face.weights or (400, 700)
    weights = f"{limits[0]} {limits[1]}" if isinstance(limits, tuple) else limits
    lines = (
        f'font-family: "{face.family}"',
        f"font-style: {face.style}",
        f"font-weight: {weights}",
        "font-display: swap",
        *([f"size-adjust: {face.adjust}"] * bool(face.adjust)),
        f"unicode-range: {ranges(characters)}",
        f'src: url(fonts/{face.file}.woff2) format("woff2")',
    )
    return "@font-face {\n" + "".join(f"  {line};\n" for line in lines) + "}"


def characters(ranges: str) -> list[int]:
    """The characters of hexadecimal ranges such as 20-7E."""
    ends = (each.partition("-") for each in ranges.split())
    return [code for first, _, last in ends for code in range(int(first, 16), int(last or first, 16) + 1)]


def ranges(characters: Iterable[int]) -> str:
    """Ascending characters as CSS writes them: U+20-7E, U+A0."""
    runs: list[list[int]] = []
    for character in characters:
        if runs and character == runs[-1][1] + 1:
            runs[-1][1] = character
        else:
            runs.append([character, character])
    return ", ".join(f"U+{first:X}" if first == last else f"U+{first:X}-{last:X}" for first, last in runs)


if __name__ == "__main__":
    main()
