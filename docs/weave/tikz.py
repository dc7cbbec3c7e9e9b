"""Drawings for paper: the SVG that figures and charts are made of, as TikZ that stands inside a .tex file.

Only what the book's drawings use is known, and anything else is a mistake that is named, never left out.
Looks come from the style sheet, in its light scheme; a unit of the drawing is at most `UNIT` points.
"""

import re
from collections.abc import Iterator
from typing import TypeAlias
from xml.etree import ElementTree
from xml.etree.ElementTree import Element

from weave.book import ROOT
from weave.charts import FILLS
from weave.export import escaped

Style: TypeAlias = dict[str, str]

UNIT, WIDEST = 0.74, 436  # points to a unit; the points of a line of text
CSS = (ROOT / "docs" / "assets" / "book.css").read_text(encoding="utf-8")
COLOURS = dict(re.findall(r"--(?:role-)?(\w+): #(\w{6});", CSS.split("slate")[0])) | {"paper": "ffffff"}
RULE = re.compile(r"^(\.chart )?svg (?:\.(\w+)|:is\((.*?)\)|(text)) \{ (.*?) \}$", re.MULTILINE)
FONT = re.compile(r"(?P<style>italic )?(?P<size>[\d.]+)px (?P<family>.+)")
FAMILIES = {"mono": "tt", "serif": "rm", "KaTeX_Main": "rm", "KaTeX_Math": "rm", "KaTeX_SansSerif": "sf"}
ANCHORS = {"start": "base west", "middle": "base", "end": "base east"}
PATTERNS = dict(zip(FILLS, ("", "north east lines", "horizontal lines", "north west lines"), strict=True))
TIP = "M0 0.8 L7 4 L0 7.2"  # the one marker: an open arrow
SHAPES = {
    "rect": "({x},{y}) rectangle ++({width},{height})",
    "circle": "({cx},{cy}) circle[radius={r}]",
    "ellipse": "({cx},{cy}) ellipse[x radius={rx},y radius={ry}]",
    "line": "({x1},{y1}) -- ({x2},{y2})",
    "path": 'svg "{d}"',
    "polyline": "{points}",
    "polygon": "{points} -- cycle",
}
DEFINING = {"defs", "pattern"}  # drawn where something points to them
PROPERTIES = re.compile(
    "color|fill(-opacity)?|stroke(-opacity|-width|-dasharray|-linejoin)?"
    "|font-(family|size|style|weight)|text-anchor|transform|clip-path|marker-end"
)
WITHOUT_LOOKS = {"class", "id", "style", "viewBox", "data-series", "turned", "grown"}
UNSEEN = {"paint-order", "font-feature-settings", "max-width", "margin"}  # what print does without
SIGNS = {
    "\N{MULTIPLICATION SIGN}": r"\times", "\N{MINUS SIGN}": "-", "\N{SET MINUS}": r"\setminus",
    "\N{GREEK CAPITAL LETTER DELTA}": r"\Delta", "\N{GREEK SMALL LETTER BETA}": r"\beta",
    "\N{GREEK PHI SYMBOL}": r"\phi", "\N{SCRIPT SMALL L}": r"\ell", "\N{CIRCLED DOT OPERATOR}": r"\odot",
    "\N{PRIME}": r"\prime",
}  # fmt: skip


class UnknownError(ValueError):
    """A drawing has something that is not translated."""


def preamble() -> str:
    """What a document with drawings needs: TikZ, and the colours."""
    colours = "\n".join(f"\\definecolor{{{name}}}{{HTML}}{{{value}}}" for name, value in COLOURS.items())
    return f"\\usepackage{{tikz}}\n\\usetikzlibrary{{svg.path,patterns,arrows.meta}}\n{colours}\n"


def picture(drawing: str, chart: bool = False) -> str:
    """The SVG text as a tikzpicture; charts have a few looks of their own. Raises `UnknownError`."""
    root = ElementTree.fromstring(re.sub(r' xmlns="[^"]*"', "", drawing))
    *_, width, height = root.get("viewBox", "").split()
    unit = min(UNIT, WIDEST / float(width))
    body = Drawing(root, unit, looks(chart)).inside(root, {"color": "ink", "fill": "black", "stroke": "none"})
    options = f"x=1pt,y=1pt,scale={unit:.4f},yscale=-1"
    frame = f"\\clip (0,0) rectangle ({width},{height});"
    return f"\\begin{{tikzpicture}}[{options}]\n{frame}\n{body}\\end{{tikzpicture}}"


def looks(chart: bool) -> dict[str, Style]:
    """The style sheet's rules for drawings, by class, or by `text`."""
    known: dict[str, Style] = {name: {} for name in ("hole", "sign", "sup")}
    known |= {f"role-{name}": {"color": name} for name in COLOURS}
    for of_charts, one, several, element, rules in RULE.findall(CSS):
        for name in re.findall(r"\w+", one or several or element) if chart or not of_charts else ():
            known.setdefault(name, {}).update(declared(rules))
    return known


def declared(rules: str) -> Style:
    """The declarations of a rule or of a style attribute, `font` taken apart."""
    found: Style = {}
    for name, value in re.findall(r"([\w-]+):\s*([^;]+)", rules):
        if name == "font" and (font := FONT.fullmatch(value)):
            slant = "italic" if font["style"] else "normal"
            found |= {"font-style": slant, "font-size": font["size"], "font-family": font["family"]}
        elif name not in UNSEEN:
            found[name] = value
    return found


def number(value: float) -> str:
    """A number, to hundredths, as short as it goes."""
    return f"{value + 0.0:.2f}".rstrip("0").rstrip(".")  # + 0.0: no minus before a nought


class Drawing:
    """One drawing: its elements become TikZ, each with the style that it inherits, has and is given."""

    def __init__(self, root: Element, unit: float, known: dict[str, Style]) -> None:
        self.named = {node.get("id"): node for node in root.iter() if node.get("id")}
        self.unit, self.known = unit, known

    def inside(self, node: Element, style: Style) -> str:
        """The children of an element."""
        own = self.styled(node, style)
        return "".join(self.element(child, own) for child in node)

    def element(self, node: Element, style: Style) -> str:
        """An element as TikZ, in a scope if it is moved or clipped."""
        if node.tag in DEFINING:
            return ""
        own = self.styled(node, style)
        move, clip = own.pop("transform", ""), own.pop("clip-path", "")
        options = self.moved(node, move, own)
        if node.tag == "g":
            drawn = "".join(self.element(child, own) for child in node)
        else:
            drawn = self.words(node, own) if node.tag == "text" else self.shape(node, own)
        if clip:
            drawn = f"\\clip {self.outline(self.pointed(node, clip)[0])};\n{drawn}"
        return f"\\begin{{scope}}[{options}]\n{drawn}\\end{{scope}}\n" if options or clip else drawn

    def styled(self, node: Element, style: Style) -> Style:
        """What an element looks like: attributes give way to classes, and these to its own style."""
        own, classes = dict(style), node.get("class", "").split()
        if strange := [name for name in classes if name not in self.known]:
            raise self.unknown(node, f"the class {strange[0]!r}")
        own |= {name: value for name, value in node.attrib.items() if PROPERTIES.fullmatch(name)}
        for name in [*classes, *["text"] * (node.tag == "text" and "text" in self.known)]:
            own |= self.known[name]
        own |= declared(node.get("style", ""))
        places = re.findall(r"{(\w+)}", SHAPES.get(node.tag, "{x}{y}{dx}{dy}"))
        for name in [*node.attrib, *own]:
            if name not in {*WITHOUT_LOOKS, *places, "rx"} and not PROPERTIES.fullmatch(name):
                raise self.unknown(node, f"{name!r}")
        return own

    def moved(self, node: Element, transform: str, own: Style) -> str:
        """A transformation as options of a scope; what it does to lines and letters is noted in the style."""
        options = []
        for name, numbers in re.findall(r"(\w+)\((.*?)\)", transform):
            x, *y = re.split(r"[ ,]+", numbers)
            if name == "translate":
                options.append(f"shift={{({x},{(y or ['0'])[0]})}}")
            elif name == "scale" and not y:
                options.append(f"scale={x}")
                own["grown"] = str(float(own.get("grown", 1)) * float(x))
            elif name == "rotate" and not y:
                options.append(f"rotate={x}")
                own["turned"] = str(float(own.get("turned", 0)) - float(x))
            else:
                raise self.unknown(node, f"the transformation {name}({numbers})")
        return ",".join(options)

    def shape(self, node: Element, own: Style) -> str:
        """A filled or drawn outline; nothing, if it is neither."""
        options = [*self.filled(node, own), *self.drawn(node, own)]
        if options and "rx" in node.attrib and node.tag == "rect":
            options.append(f"rounded corners={self.length(node.attrib['rx'], own)}")
        return f"\\path[{','.join(options)}] {self.outline(node)};\n" if options else ""

    def outline(self, node: Element) -> str:
        """The outline of a shape, as TikZ writes it."""
        if node.tag not in SHAPES:
            raise self.unknown(node, f"<{node.tag}>")
        given = {"x": "0", "y": "0", **node.attrib}
        pairs = re.findall(r"([-\d.]+)[ ,]+([-\d.]+)", given.get("points", ""))
        given["points"] = " -- ".join(f"({x},{y})" for x, y in pairs)
        try:
            return SHAPES[node.tag].format(**given)
        except KeyError as missing:
            raise self.unknown(node, f"no {missing}") from None

    def filled(self, node: Element, own: Style) -> list[str]:
        """How a shape is filled."""
        if own["fill"] == "none":
            return []
        if not own["fill"].startswith("url"):
            return [f"fill={self.colour(node, own, 'fill')}", *self.faint(own, "fill")]
        ground, strokes = self.pointed(node, own["fill"])
        name = PATTERNS[strokes.get("d", "")]
        colour = self.colour(node, own | {"fill": "currentColor"}, "fill")
        lines = [f"postaction={{pattern={name},pattern color={colour},fill opacity=1}}"] * bool(name)
        return [f"fill={colour}", f"fill opacity={ground.get('fill-opacity')}", *lines]

    def drawn(self, node: Element, own: Style) -> list[str]:
        """How a shape's line is drawn."""
        if own["stroke"] == "none":
            return []
        options = [f"draw={self.colour(node, own, 'stroke')}", *self.faint(own, "draw")]
        options.append(f"line width={self.length(own.get('stroke-width', '1'), own)}")
        if dashes := own.get("stroke-dasharray", "").split():
            words = zip(("on", "off") * len(dashes), dashes, strict=False)
            options.append("dash pattern=" + " ".join(f"{w} {self.length(each, own)}" for w, each in words))
        if "stroke-linejoin" in own:
            options.append(f"line join={own['stroke-linejoin']}")
        if "marker-end" in own:
            if self.pointed(node, own["marker-end"])[0].get("d") != TIP:
                raise self.unknown(node, "another marker than the open arrow")
            length, width = self.length("5", own), self.length("6", own)
            options.append(f"-{{Straight Barb[length={length},width={width}]}}")
        return options

    def faint(self, own: Style, what: str) -> list[str]:
        """An opacity, if there is one."""
        opacity = own.get(f"{what.replace('draw', 'stroke')}-opacity")
        return [f"{what} opacity={opacity}"] if opacity else []

    def colour(self, node: Element, own: Style, what: str) -> str:
        """The name of a colour."""
        name = own[what].removeprefix("var(--").removesuffix(")").removeprefix("role-")
        name = own["color"] if name == "currentColor" else name
        if name not in {*COLOURS, "black"}:
            raise self.unknown(node, f"the colour {own[what]!r}")
        return name

    def length(self, value: str, own: Style) -> str:
        """A length that TikZ does not scale, in points."""
        return number(float(value.removesuffix("px")) * self.unit * float(own.get("grown", 1))) + "pt"

    def pointed(self, node: Element, url: str) -> Element:
        """What `url(#...)` points to."""
        target = self.named.get(url.removeprefix("url(#").removesuffix(")"))
        if target is None or len(target) == 0:
            raise self.unknown(node, f"{url}, and nothing there")
        return target

    def words(self, node: Element, own: Style) -> str:
        """A text: its baseline at its place, its parts raised and lowered against each other."""
        parts, depth = [], 0.0
        for text, style, right, down in self.runs(node, own):
            depth += down
            space = f"\\kern{self.length(str(right), own)}" if right else ""
            height, letters = self.length(str(-depth), own), self.run(node, text, style)
            parts.append(f"{space}\\raisebox{{{height}}}{{{letters}}}")
        options = [f"anchor={ANCHORS[own.get('text-anchor', 'start')]}", "inner sep=0pt"]
        options.append(f"text={self.colour(node, own, 'fill')}")
        if "turned" in own:
            options.append(f"rotate={own['turned']}")
        if own["stroke"] != "none":  # letters with a rim, so that they can be read on a line
            options.append("fill=paper,fill opacity=.75,text opacity=1")
        place = f"({node.get('x', '0')},{node.get('y', '0')})"
        return f"\\node[{','.join(options)}] at {place} {{{''.join(parts)}}};\n"

    def runs(self, node: Element, own: Style) -> Iterator[tuple[str, Style, float, float]]:
        """The parts of a text, each with its style and how far it is moved to the right and down."""
        if node.text:
            yield node.text, own, 0, 0
        for part in node:
            if part.tag != "tspan" or len(part):
                raise self.unknown(part, "a text's parts are <tspan>, and these have none")
            moved = float(part.get("dx", 0)), float(part.get("dy", 0))
            yield part.text or "", self.styled(part, own), *moved
            if part.tail:
                yield part.tail, own, 0, 0

    def run(self, node: Element, text: str, style: Style) -> str:
        """Letters of one font; letters that lean are mathematics."""
        family = style.get("font-family", "serif").split(",")[0].removeprefix("var(--").removesuffix(")")
        if family not in FAMILIES:
            raise self.unknown(node, f"the font {family}")
        size = self.length(style.get("font-size", "16"), style)
        heavy = "\\bfseries" if style.get("font-weight") == "bold" else ""
        slanted, parts = style.get("font-style") == "italic", []
        for letter in re.sub(r"^-(?=\d)", "\N{MINUS SIGN}", re.sub(r"\s+", " ", text)):
            if letter not in SIGNS and ord(letter) > 127 and letter != "\N{EN DASH}":
                raise self.unknown(node, f"the letter {letter!r}")
            sign = SIGNS.get(letter) or (letter if slanted and letter.isalpha() else "")
            parts.append(f"${{{sign}}}$" if sign else escaped(letter).replace(" ", "~"))
        font = f"\\fontsize{{{size}}}{{{size}}}\\{FAMILIES[family]}family{heavy}\\selectfont"
        return f"{font} {''.join(parts).replace('$$', '')}" if parts else ""

    def unknown(self, node: Element, what: str) -> UnknownError:
        """The mistake that an element has something which is not translated."""
        given = "".join(f' {name}="{value[:40]}"' for name, value in node.attrib.items())
        return UnknownError(f"<{node.tag}{given}> has {what}, which is not known in print")
