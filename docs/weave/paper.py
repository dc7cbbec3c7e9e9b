"""Pages as papers: a page, a section of it, or the whole book, as LaTeX that compiles by itself.

What a statement may contain is made by `export.Fragment`; here it learns the rest of a page. Numbers are
those of the site: LaTeX counts as the book counts. What was run is quoted with what it printed.
"""

from __future__ import annotations

import html
import re
import sys
from pathlib import Path
from xml.etree.ElementTree import Element

from weave import sheet
from weave.book import Book, current
from weave.export import Fragment, environment, escaped, within
from weave.record import Record, block_key
from weave.scan import FIGURES, STATEMENTS, Cite, Close, Fence, Heading, Math, Open, Page, Ref, Sheet, Token
from weave.typeset import preamble

PREAMBLE = r"""\documentclass[11pt]{article}
\usepackage[T1]{fontenc}
\usepackage[utf8]{inputenc}
\usepackage[a4paper,margin=28mm]{geometry}
\usepackage{lmodern,microtype,amsmath,amssymb,amsthm,graphicx,longtable,booktabs,array}
\usepackage{listings}
\usepackage[hidelinks]{hyperref}
\numberwithin{equation}{section}
\newtheorem{theorem}{Theorem}[section]
\newtheorem{lemma}[theorem]{Lemma}
\newtheorem{proposition}[theorem]{Proposition}
\newtheorem{corollary}[theorem]{Corollary}
\theoremstyle{definition}
\newtheorem{definition}[theorem]{Definition}
\newtheorem{remark}[theorem]{Remark}
\newtheorem{exercise}{Exercise}[section]
\newtheorem{wrong}{Wrong turn}[section]
\newcounter{bookfigure}[section]\renewcommand{\thebookfigure}{\thesection.\arabic{bookfigure}}
\lstset{basicstyle=\ttfamily\footnotesize,columns=fullflexible,keepspaces=true,breaklines=true,
  upquote=true,frame=leftline,xleftmargin=1em,aboveskip=1em,belowskip=1em,literate={…}{...}1}
"""


def page(book: Book, address: str, kept: bool = False) -> str:
    """The page at `address` as one LaTeX file; `kept` leaves the book's macros and defines them."""
    source = book.pages[address]
    inside = labels(source)
    body = Paper(book, address, source, inside, kept).latex(0, len(source.text))
    number = book.chapters.get(address)
    counter = f"\\setcounter{{section}}{{{number - 1}}}\n" if number else ""
    wide = any(isinstance(token, Sheet) for token in source.tokens)
    macros = (preamble() if kept else "") + "\\geometry{landscape,margin=12mm}\n" * wide
    return _document(book, [counter + body], cited(source), macros)


def whole(book: Book) -> str:
    """The whole book as one LaTeX file: title, contents, chapters, bibliography."""
    inside = {label for address in book.chapters for label in labels(book.pages[address])}
    bodies = [
        Paper(book, address, book.pages[address], inside).latex(0, len(book.pages[address].text))
        for address in book.chapters
    ]
    keys = {key for address in book.chapters for key in cited(book.pages[address])}
    name = escaped(book.config["site_name"])
    title = f"\\title{{{name}}}\\author{{}}\\date{{}}\n\\maketitle\n\\tableofcontents\n"
    return _document(book, [title, *bodies], keys)


def section(book: Book, address: str, heading: Heading, kept: bool = False) -> str:
    """A section of a page, down to the next heading of its level, as LaTeX to be pasted into another text."""
    source = book.pages[address]
    following = [
        token.start
        for token in source.tokens
        if isinstance(token, Heading) and token.start > heading.start and token.level <= heading.level
    ]
    end = following[0] if following else len(source.text)
    inside = labels(source, heading.start, end)
    body = Paper(book, address, source, inside, kept).latex(heading.start, end)
    return f'% "{heading.text}", from "{book.config["site_name"]}", {address.removesuffix(".md")}.\n{body}\n'


def labels(source: Page, begin: int = 0, end: int | None = None) -> set[str]:
    """The labels that are defined between two places of a page."""
    end = len(source.text) if end is None else end
    found = set()
    for token in within(source, [(begin, end)]):
        if isinstance(token, Math | Heading) and token.label:
            found.add(token.label)
        elif isinstance(token, Open) and "label" in token.options:
            found.add(token.options["label"])
    return found


def cited(source: Page) -> set[str]:
    """The keys that a page cites."""
    return {key for token in source.tokens if isinstance(token, Cite) for key, _ in token.keys}


def _document(book: Book, parts: list[str], keys: set[str], macros: str = "") -> str:
    entries = "\n".join(
        f"\\bibitem[{escaped(book.bibliography.cited_as(key))}]{{{key}}} {entry(book, key)}"
        for key in sorted(keys)
    )
    bibliography = environment("thebibliography", entries, "{99}") + "\n" if entries else ""
    body = "\n\n".join(parts)
    return f"{PREAMBLE}{macros}\\begin{{document}}\n{body}\n\n{bibliography}\\end{{document}}\n"


def entry(book: Book, key: str) -> str:
    """An entry of the bibliography as LaTeX."""
    plain = re.sub(r"<em>(.*?)</em>", "\0\\1\1", book.bibliography.printed(key))
    text = escaped(html.unescape(re.sub(r"<[^>]*>", "", plain)))
    return text.replace("\0", r"\emph{").replace("\1", "}")


class Paper(Fragment):
    """A `Fragment` that knows headings, code, exercises, figures and tables as well."""

    def __init__(self, book: Book, address: str, source: Page, inside: set[str], kept: bool = False) -> None:
        super().__init__(book, source, inside, kept)
        self.address, self.record = address, Record(book.root)

    def token(self, token: Token) -> str:
        """A token as LaTeX: here also headings, code, figures and blocks of all kinds."""
        match token:
            case Heading():
                latex = self.heading(token)
            case Fence():
                latex = self.program(token)
            case Open(kind="listing"):
                shown = next(listing for listing in self.book.listings if listing.opened is token)
                latex = f"\\noindent\\texttt{{{escaped(shown.piece.name)}}}\n{_lines(shown.piece.text)}"
            case Open(kind="source" | "bibliography") | Close(opened=Open(kind="source" | "bibliography")):
                latex = ""
            case Open():
                latex = self.figure(token) if token.kind in FIGURES else self.opening(token)
            case Close(opened=Open(kind=kind)) if kind != "listing":
                latex = f"\\end{{{NAMES.get(kind, kind)}}}"
            case Sheet():
                latex = self.sheet(token)
            case Cite():
                latex = "; ".join(_cite(key, where) for key, where in token.keys)
            case _:
                latex = super().token(token)
        return latex

    def heading(self, heading: Heading) -> str:
        """A heading: of a page a section, below it unnumbered as on the site."""
        commands = {1: "section", 2: "subsection*", 3: "subsubsection*"}
        text, label = escaped(heading.text.replace("`", "")), heading.label
        below = f"\\label{{{label}}}" if label else ""
        return f"\\{commands.get(heading.level, 'paragraph*')}{{{text}}}{below}"

    def figure(self, token: Open) -> str:
        """The beginning of a figure: what is drawn in words, then its caption."""
        label = f"\\label{{{token.options['label']}}}" if "label" in token.options else ""
        drawn = f"[{escaped(token.options.get('alt', ''))}]\\par"
        head = r"\begin{quote}\small\refstepcounter{bookfigure}"
        return f"{head}{label}{drawn}\\textbf{{Figure \\thebookfigure.}} "

    def program(self, fence: Fence) -> str:
        """A block, and what it printed."""
        key = block_key(self.book, self.page, fence) if fence.is_example else ""
        shown = self.record.entry(self.page.path, key)
        style = "[frame=none,basicstyle=\\ttfamily\\footnotesize\\itshape]"
        return _lines(fence.code) + (_lines(shown.output, style) if shown and shown.output else "")

    def opening(self, token: Open) -> str:
        """The beginning of a statement, a proof, an exercise, a solution, a wrong turn or a note."""
        name = NAMES.get(token.kind, token.kind)
        title = f"[{escaped(token.argument)}]" if token.argument else ""
        if token.kind == "proof" and token.options.get("of"):
            target = self.book.labels[token.options["of"]]
            title = f"[Proof of {escaped(target.words)}]"
        if token.kind == "solution":
            title = "[Solution]"
        label = f"\\label{{{token.options['label']}}}" if "label" in token.options else ""
        return f"\\begin{{{name}}}{title}{label}"

    def sheet(self, token: Sheet) -> str:
        """A sheet: a table of formulas, and of the code and the checks in words."""
        rows = [["", *map(escaped, token.columns), "code", "check"]]
        for row in sheet.rows(self.book, self.page, token):
            formulas = [r"\par ".join(f"${self.tex(each)}$" for each in cell) for cell in row.shown]
            code = ", ".join(target.words.strip("`").removeprefix("mlp.") for target in row.code)
            found = sheet.found(self.book, self.record, row)
            checks = r"\par ".join(f"{target.words}: {said}" for target, said in found)
            rows.append([escaped(row.name), *formulas, f"\\texttt{{{escaped(code)}}}", checks])
        return f"{{\\footnotesize\n{_table(rows)}\n}}"

    def reference(self, ref: Ref) -> str:
        """A reference, exercises, figures and wrong turns included."""
        target = self.book.resolve(self.page, ref)
        if (
            ref.label in self.inside
            and not ref.text
            and target.kind in (*STATEMENTS, "exercise", "figure", "wrong")
        ):
            noun = "Wrong turn" if target.kind == "wrong" else target.kind.capitalize()
            return f"{noun}~\\ref{{{ref.label}}}"
        return super().reference(ref)

    def element(self, node: Element) -> str:
        """A node of Markdown's tree as LaTeX, tables and plain boxes included."""
        if node.tag == "table":
            return self.table(node)
        if node.tag in ("div", "section", "span", "br", "hr", "details", "summary"):
            inner = escaped(node.text or "")
            return inner + "".join(self.element(child) + escaped(child.tail or "") for child in node)
        if node.tag == "blockquote":
            return environment("quote", "".join(self.element(child) for child in node)) + "\n\n"
        return super().element(node)

    def table(self, node: Element) -> str:
        """A table that may break across pages, its columns as wide as the text allows."""
        return _table([[self.cell(cell) for cell in row] for row in node.iter("tr")]) + "\n\n"

    def cell(self, cell: Element) -> str:
        """The contents of a cell."""
        inner = "".join(self.element(child) + escaped(child.tail or "") for child in cell)
        return escaped(cell.text or "") + inner


def _table(rows: list[list[str]]) -> str:
    """Rows as a table with a head, its columns equally wide."""
    count = max(map(len, rows))
    columns = f"*{{{count}}}{{>{{\\raggedright\\arraybackslash}}p{{{0.92 / count:.3f}\\linewidth}}}}"
    lines = [" & ".join(row) + r" \\" for row in rows]
    body = "\n".join([r"\toprule", lines[0], r"\midrule", *lines[1:], r"\bottomrule"])
    return environment("longtable", body, f"{{@{{}}{columns}@{{}}}}")


NAMES = {"solution": "proof", "aside": "quote", **dict.fromkeys(FIGURES, "quote")}


def _cite(key: str, where: str) -> str:
    return f"\\cite{f'[{escaped(where)}]' if where else ''}{{{key}}}"


def _lines(text: str, options: str = "") -> str:
    """Code as it stands; characters that pdfLaTeX's listings do not know are written out."""
    plain = re.sub(r"[^\x00-\x7f]", lambda found: f"<U+{ord(found[0]):04X}>", text)
    return f"\\begin{{lstlisting}}{options}\n{plain.rstrip()}\n\\end{{lstlisting}}"


if __name__ == "__main__":
    Path(sys.argv[1]).write_text(whole(current()), encoding="utf-8")
