"""Pages as papers: a page, a section of it, or the whole book, as LaTeX that compiles by itself.

What a statement may contain is made by `export.Fragment`; here it learns the rest of a page. Numbers are
those of the site: LaTeX counts as the book counts. What was run is quoted with what it printed.
"""

import re
import sys
from pathlib import Path
from xml.etree import ElementTree
from xml.etree.ElementTree import Element

from weave import explorer, pictures, sheet, sweep, tikz
from weave.book import Book, current
from weave.document import BOOK, LANDSCAPE, document, front
from weave.export import Fragment, environment, escaped, optional, verbatim
from weave.record import Record
from weave.scan import FIGURES, Cite, Close, Fence, Heading, Math, Open, Page, Sheet, Token
from weave.tables import table
from weave.typeset import preamble

BEFORE, BEHIND = "notation.md", "reference/derivatives.md"
MOVING = r"\emph{(On the site this figure can be operated.)} "


def page(book: Book, address: str, kept: bool = False) -> str:
    """The page at `address` as one LaTeX file; `kept` leaves the book's macros and defines them."""
    source = book.pages[address]
    body = Paper(book, source, labels(source), kept).latex(0, len(source.text))
    number = book.chapters.get(address)
    counter = f"\\setcounter{{section}}{{{number - 1}}}\n" if number else ""
    macros = (preamble() if kept else "") + "\\geometry{landscape,margin=12mm}\n" * source.has_sheet
    return document(book, [counter + body], cited(source), macros)


def whole(book: Book) -> str:
    """The whole book as one LaTeX file: title, contents, notation, chapters, the sheet, bibliography."""
    sources = {address: book.pages[address] for address in printed(book)}
    inside = {label for source in sources.values() for label in labels(source)}
    keys = {key for source in sources.values() for key in cited(source)}
    parts, bodies = {first: part for part, first in book.parts.items()}, [front(book)]
    for address, source in sources.items():
        paper = Paper(book, source, inside)
        highest = "chapter" if address in book.chapters else "unnumbered"
        paper.levels = (highest, "section", *paper.levels[1:3])
        part = f"\\part{{{escaped(parts[address])}}}\n" if address in parts else ""
        body = paper.latex(0, len(source.text))
        bodies.append(part + (LANDSCAPE.replace("@", body) if source.has_sheet else body))
    return document(book, bodies, keys, BOOK, "report")


def printed(book: Book) -> list[str]:
    """The pages that make the book on paper: chapters, before them the notation, behind them the sheet."""
    return [address for address in (BEFORE, *book.chapters, BEHIND) if address in book.pages]


def section(book: Book, address: str, heading: Heading, kept: bool = False) -> str:
    """A section of a page, down to the next heading of its level, as LaTeX to be pasted into another text."""
    source = book.pages[address]
    end = len(source.text)
    following = (token for token in source.between(heading.end, end) if isinstance(token, Heading))
    end = next((token.start for token in following if token.level <= heading.level), end)
    paper = Paper(book, source, labels(source, heading.start, end), kept)
    paper.drawing = False
    origin = f'% "{heading.text}", from "{book.config["site_name"]}", {address.removesuffix(".md")}.'
    needs = "% Needs: the preamble of the whole page's LaTeX, and the .bib of the works that it cites."
    return f"{origin}\n{needs}\n{paper.latex(heading.start, end)}\n"


def labels(source: Page, begin: int = 0, end: int | None = None) -> set[str]:
    """The labels that are defined between two places of a page."""
    tokens = source.between(begin, len(source.text) if end is None else end)
    return {token.label for token in tokens if isinstance(token, Math | Heading | Open) and token.label}


def cited(source: Page) -> set[str]:
    """The keys that a page cites."""
    return {key for token in source.tokens if isinstance(token, Cite) for key, _ in token.keys}


class Paper(Fragment):
    """A `Fragment` that knows headings, code, exercises, figures and tables as well.

    Where it is not `drawing`, words stand for drawings.
    """

    drawing = True
    levels: tuple[str, ...] = ("section", "subsection*", "subsubsection*", "paragraph*")

    def __init__(self, book: Book, source: Page, inside: set[str], kept: bool = False) -> None:
        super().__init__(book, source, inside, kept)
        self.record = Record(book.root)

    def latex(self, begin: int, end: int) -> str:
        """The characters from `begin` to `end` of the page as LaTeX, no empty paragraph at a block's end."""
        return LAST.sub("\n", CAPTION.sub(r"\1\2\3", super().latex(begin, end)))

    def token(self, token: Token) -> str:
        """A token as LaTeX: here also headings, code, figures and blocks of all kinds."""
        match token:
            case Heading():
                latex = self.heading(token)
            case Fence():
                latex = self.program(token)
            case Open(kind="listing"):
                piece = self.book.listing(token).piece
                latex = f"\\named{{{escaped(piece.name)}}}\n{_lines(piece.text, 'aboveskip=0.4em')}"
            case Open(kind="source" | "bibliography") | Close(opened=Open(kind="source" | "bibliography")):
                latex = ""
            case Open():
                latex = self.figure(token) if token.kind in FIGURES else self.opening(token)
            case Close(opened=Open(kind=kind)) if kind in FIGURES:
                latex = f"}}{labelled(token.opened.label)}\n\\end{{{NAMES[kind]}}}"
            case Close(opened=Open(kind=kind)) if kind != "listing":
                latex = f"\\end{{{NAMES.get(kind, kind)}}}"
            case Sheet():
                latex = self.sheet(token)
            case Cite():
                latex = "; ".join(f"\\cite{optional(where)}{{{key}}}" for key, where in token.keys)
            case _:
                latex = super().token(token)
        return latex

    def heading(self, heading: Heading) -> str:
        """A heading; only those of chapters are numbered, as on the site."""
        below = labelled(heading.label)
        return f"\\{self.levels[heading.level - 1]}{{{escaped(heading.words)}}}{below}"

    def figure(self, token: Open) -> str:
        """The beginning of a figure: the drawing, then its caption."""
        if token.kind == "sweep":
            steps = sweep.latex(*sweep.by_hand(self.book))
            return f"{{\\small\n{steps}\n}}\n\\begin{{center}}\n\\captionof{{figure}}[]{{{MOVING}"
        if token.kind == "explorer":
            svg, name, note = explorer.drawing(), "its first schedule", MOVING
        else:
            svg, note = pictures.drawing(self.book, self.page, token), ""
            name = token.options.get("svg", "its schedule")
        drawn = self.drawn(svg, token.options.get("alt", ""), token.line, name)
        return f"\\begin{{figure}}[htbp]\n\\centering\n{drawn}\n\\caption[]{{{note}"

    def drawn(self, svg: str, words: str, line: int, name: str = "", chart: bool = False) -> str:
        """A drawing as TikZ, or the words for it."""
        if not self.drawing:
            instead = f"[{escaped(words)} The LaTeX of the whole page draws it.]"
            return f"\\parbox{{0.9\\linewidth}}{{\\small {instead}}}\\par"
        try:
            return f"% {' '.join(words.split())}\n{tikz.picture(svg, chart)}"
        except tikz.UnknownError as error:
            remedy = "Draw it with what docs/weave/tikz.py knows, or teach it more"
            raise self.page.error(line, f"{name}: {error}", remedy) from None

    def chart(self, fence: Fence, markup: str) -> str:
        """A chart: the drawing, or the table if there is none, and below it its caption."""
        figure = ElementTree.fromstring(markup)
        svg, table = figure.find("svg"), figure.find(".//table")
        if svg is None:
            assert table is not None
            shown = self.table(table)
        else:
            text = ElementTree.tostring(svg, encoding="unicode")
            shown = self.drawn(text, figure.get("aria-label", ""), fence.line, "the chart", chart=True)
        caption = escaped(figure.findtext("figcaption", ""))
        below = f"\\par\\nobreak\\smallskip\n{{\\small {caption}\\par}}" if caption else ""
        return f"\n\\begin{{center}}\n{shown}{below}\n\\end{{center}}"

    def program(self, fence: Fence) -> str:
        """A block, and what it printed."""
        shown = self.record.block(self.book, self.page, fence) if fence.is_example else None
        latex = _lines(fence.code)
        if shown and shown.output:
            latex += _lines(shown.output, "frame=none", shape="\\itshape")
        return latex + (self.chart(fence, shown.chart) if shown and shown.chart else "")

    def opening(self, token: Open) -> str:
        """The beginning of a statement, a proof, an exercise, a solution, a wrong turn or a note."""
        name, title = NAMES.get(token.kind, token.kind), optional(token.argument)
        if token.kind == "proof" and token.options.get("of"):
            target = self.book.labels[token.options["of"]]
            title = f"[Proof of {escaped(target.words)}]"
        return f"\\begin{{{name}}}{title}{labelled(token.label)}"

    def sheet(self, token: Sheet) -> str:
        """A sheet: a table of formulas, and of the code and the checks in words."""
        rows = [["", *map(escaped, token.columns), "code", "check"]]
        for row in sheet.rows(self.book, self.page, token):
            formulas = [r"\par ".join(f"${self.tex(each)}$" for each in cell) for cell in row.shown]
            code = ", ".join(target.words.strip("`").removeprefix("mlp.") for target in row.code)
            found = sheet.found(self.book, self.record, row)
            checks = r"\par ".join(f"{target.words}: {said}" for target, said in found)
            names = escaped(code).replace("\\_", "\\_\\allowbreak ")
            rows.append([escaped(row.name), *formulas, f"\\texttt{{{names}}}", checks])
        return f"{{\\footnotesize\n{table(rows, letters=WIDE)}\n}}"

    def element(self, node: Element) -> str:
        """A node of Markdown's tree as LaTeX, tables and plain boxes included."""
        if node.tag == "table":
            return self.table(node)
        if node.tag in ("div", "section", "span", "br", "hr", "details", "summary"):
            return self.inner(node)
        if node.tag == "blockquote":
            return environment("quote", self.inner(node).strip()) + "\n\n"
        return super().element(node)

    def table(self, node: Element) -> str:
        """A table that may break across pages, its columns as wide as the text allows."""
        return table([[self.inner(cell) for cell in row] for row in node.iter("tr")]) + "\n\n"


COLUMNS, WIDE = 88, 118  # letters of code in a line, and letters in a line across the paper
NAMES = {"aside": "quote", "figure": "figure", "explorer": "figure", "sweep": "center"}
CAPTION = re.compile(
    r"(\\caption(?:of\{figure\})?\[\]\{(?:\\emph\{\([^}]*\} )?)\s*(.*?)\s*"
    r"(\}(?:\\label\{[^}]*\})?\n\\end\{(?:figure|center)\})",
    re.DOTALL,
)
LAST = re.compile(r"\n\s*\n(?=\\end\{\w+\})")  # a paragraph's end before a block's


def labelled(label: str) -> str:
    """The label of what stands before it, if it has one."""
    return f"\\label{{{label}}}" if label else ""


def _lines(text: str, *options: str, shape: str = "") -> str:
    """Code as it stands, smaller if it is wide; characters that listings do not know are written out."""
    text = re.sub(r"(\S{90})(?=\S)", r"\1\n", text)  # no line breaks inside of a word
    plain = verbatim(text)
    size = "scriptsize" if max(map(len, plain.splitlines()), default=0) > COLUMNS else "footnotesize"
    if shape or size == "scriptsize":
        options = (*options, f"basicstyle=\\ttfamily\\{size}{shape}")
    given = f"[{','.join(options)}]" * bool(options)
    return f"\\begin{{lstlisting}}{given}\n{plain.rstrip()}\n\\end{{lstlisting}}"


if __name__ == "__main__":
    Path(sys.argv[1]).write_text(whole(current()), encoding="utf-8")
