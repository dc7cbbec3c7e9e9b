"""Statements and proofs as LaTeX that compiles anywhere: macros expanded, no colours, references in words."""

from __future__ import annotations

import html
import re
import unicodedata
from bisect import bisect_left
from xml.etree.ElementTree import Element

from markdown import Markdown
from markdown.util import HTML_PLACEHOLDER_RE

from weave import results
from weave.book import Book
from weave.scan import STATEMENTS, Cite, Close, Math, Measured, Open, Page, Ref, Token
from weave.typeset import expand

PRIVATE = 0xE000
ESCAPES = str.maketrans(
    {
        "\\": r"\textbackslash{}",
        "~": r"\textasciitilde{}",
        "^": r"\textasciicircum{}",
        "<": r"\textless{}",
        ">": r"\textgreater{}",
        **{character: f"\\{character}" for character in "%&#_{}$"},
    }
)
STRANGE = re.compile(  # what a LaTeX without further packages would not print
    "[^\n\\x20-\\x7e\\xa0-\\u0125\\u0128-\\u0137\\u0139-\\u013e\\u0141-\\u0148\\u014a-\\u0165\\u0168-\\u017e"
    "\u2013\u2014\u2018\u2019\u201a\u201c\u201d\u201e\u2020-\u2022\u2026\u20ac\ue000-\uf8ff]"
)
MADE: dict[tuple[type, str], str] = {}
"""The LaTeX of a text whose tokens are private characters, by the class that knows how: macros kept or not,
alone or in its section, it is made once."""

HELD = re.compile(f"[{chr(PRIVATE)}-{chr(PRIVATE + 0x1000)}]")
NEEDS = r"\usepackage{amsmath,amssymb,amsthm}" + "".join(
    rf"\newtheorem{{{kind}}}{{{kind.capitalize()}}}" for kind in STATEMENTS
)


def statement(book: Book, here: str, page: Page, opened: Open, kept: bool = False) -> str:
    r"""The statement that `opened` begins, with its proof if it has one; `kept` leaves the book's macros.

    Its own labels become \label and \eqref; a reference to something outside it becomes words, so that
    nothing is undefined where the text is pasted.
    """
    number = book.numbers[here, opened.start]
    blocks = [opened, *filter(None, [book.proof_of(page, opened)])]
    spans = [page.body(block) for block in blocks]
    inside = {
        opened.options["label"],
        *(token.label for token in within(page, spans) if isinstance(token, Math) and token.label),
    }
    parts = [
        f'% {opened.kind.capitalize()} {number} of "{book.config["site_name"]}", {here.removesuffix(".md")}.',
        f"% Needs: {NEEDS}",
    ]
    for block, (begin, end) in zip(blocks, spans, strict=True):
        body = Fragment(book, page, inside, kept).latex(begin, end)
        if block is opened:
            title = optional(opened.argument) if opened.argument else ""
            label = f"\\label{{{opened.options['label']}}}"
            parts.append(environment(opened.kind, body, title + label))
        else:
            parts.append(environment("proof", body))
    return "\n".join(parts) + "\n"


# A displayed formula belongs to the paragraph before it, and to the next one if that goes on in lower case.
RUN_ON = re.compile(r"\n\n(?=\\\[|\\begin\{equation)|(?:(?<=\\\])|(?<=\\end\{equation\}))\n\n(?=[a-z(])")


class Fragment:
    """Makes LaTeX of a span of a page: tokens become private characters, Markdown a tree, the tree LaTeX."""

    def __init__(self, book: Book, page: Page, inside: set[str], kept: bool = False) -> None:
        self.book, self.page, self.inside = book, page, inside
        self.tex = str if kept else expand
        self.held: list[str] = []
        self.line = 0

    def latex(self, begin: int, end: int) -> str:
        """The characters from `begin` to `end` of the page as LaTeX."""
        parts, at = [], begin
        for token in within(self.page, [(begin, end)]):
            self.line = token.line
            gap = "\n\n" if isinstance(token, Close) else ""  # a block's end ends a list before it
            parts += [self.page.text[at : token.start], gap, chr(PRIVATE + len(self.held))]
            self.held.append(self.token(token))
            at = token.end
        key = type(self), "".join(parts) + self.page.text[at:end]
        if key not in MADE:
            made = "".join(self.element(child) for child in _tree(key[1]))
            MADE[key] = re.sub(r"\n{3,}", "\n\n", made).strip()
        text = HELD.sub(lambda found: self.held[ord(found[0]) - PRIVATE], MADE[key])
        return RUN_ON.sub("\n", text)

    def token(self, token: Token) -> str:
        """A token as LaTeX."""
        match token:
            case Math(display=False):
                latex = f"${self.tex(token.tex)}$"
            case Math(label=""):
                latex = f"\\[\n{self.tex(token.tex)}\n\\]"
            case Math():
                latex = environment("equation", self.tex(token.tex), f"\\label{{{token.label}}}")
            case Ref():
                latex = self.reference(token)
            case Cite():
                latex = escaped("; ".join(self.book.bibliography.cited_as(*key) for key in token.keys))
            case Measured():
                latex = escaped(results.words(self.page, token, self.book.root))
            case Open(kind="listing"):
                piece = next(listing.piece for listing in self.book.listings if listing.opened is token)
                latex = f"\\begin{{verbatim}}\n{verbatim(piece.text)}\\end{{verbatim}}"
            case Close(opened=Open(kind="listing")):
                latex = ""
            case _:
                what = token.kind if isinstance(token, Open) else type(token).__name__.lower()
                raise self.page.error(
                    token.line,
                    f"a {what} inside a statement or a proof",
                    "Only paragraphs, emphasis, lists, links, formulas, references, citations and listings "
                    "may stand there, so that all of it can be copied as LaTeX",
                )
        return latex

    def reference(self, ref: Ref) -> str:
        """A reference: by its label inside of what is exported, in words outside."""
        target = self.book.resolve(self.page, ref)
        if ref.label not in self.inside or ref.text:
            return escaped(ref.text or target.words.replace("`", ""))
        if target.kind == "equation":
            return f"\\eqref{{{ref.label}}}"
        return f"{target.kind.capitalize()}~\\ref{{{ref.label}}}"

    def element(self, node: Element) -> str:
        """A node of Markdown's tree as LaTeX."""
        children = "".join(self.element(child) + escaped(child.tail or "") for child in node)
        inner = escaped(node.text or "") + children
        match node.tag:
            case "p":
                latex = f"{inner}\n\n"
            case "em":
                latex = f"\\emph{{{inner}}}"
            case "strong":
                latex = f"\\textbf{{{inner}}}"
            case "code":
                latex = f"\\texttt{{{inner}}}"
            case "a":
                address = node.get("href", "")
                latex = inner if address.startswith("/") else f"{inner} (\\texttt{{{escaped(address)}}})"
            case "ul":
                latex = environment("itemize", inner.strip()) + "\n\n"
            case "ol":
                latex = environment("enumerate", inner.strip()) + "\n\n"
            case "li":
                latex = f"\\item {unbracketed(inner.strip())}\n"
            case _:
                raise self.page.error(
                    self.line,
                    f"<{node.tag}> inside a statement or a proof",
                    "Use paragraphs, emphasis, lists and links only",
                )
        return latex


def environment(name: str, body: str, head: str = "") -> str:
    """Wrap `body` in an environment; `head` follows its beginning."""
    return f"\\begin{{{name}}}{head}\n{body}\n\\end{{{name}}}"


def within(page: Page, spans: list[tuple[int, int]]) -> list[Token]:
    """The tokens that begin in one of the spans."""
    places = [[bisect_left(page.tokens, place, key=_start) for place in span] for span in spans]
    return [token for first, last in places for token in page.tokens[first:last]]


def _start(token: Token) -> int:
    return token.start


def _tree(text: str) -> Element:
    """Python-Markdown's tree of a text, inline patterns done."""
    md = Markdown(extensions=["tables", "md_in_html"])
    md.ESCAPED_CHARS.append("$")
    lines = text.split("\n")
    for preprocessor in md.preprocessors:
        lines = preprocessor.run(lines)
    root = md.parser.parseDocument(lines).getroot()
    assert root is not None
    for processor in md.treeprocessors:
        new = processor.run(root)
        root = root if new is None else new
    for node in root.iter():
        node.text = html.unescape(node.text or "") if node.tag == "code" else _restored(md, node.text or "")
        node.tail = _restored(md, node.tail or "")
    return root


def _restored(md: Markdown, text: str) -> str:
    """Text with its entities, which Markdown has put by, as characters; tags, which it has too, go."""
    kept = (str(block) for block in md.htmlStash.rawHtmlBlocks)
    plain = [html.unescape(re.sub(r"<[^>]*>", "", block)) for block in kept]
    return HTML_PLACEHOLDER_RE.sub(lambda found: plain[int(found[1])], text)


def escaped(text: str) -> str:
    """Text with the characters that are special in LaTeX, or unknown to it, written out."""
    text = STRANGE.sub(named, unicodedata.normalize("NFC", text))
    return text.translate(ESCAPES)


def named(character: re.Match[str]) -> str:
    """A character by its number."""
    return f"<U+{ord(character[0]):04X}>"


def optional(text: str) -> str:
    """Text as an optional argument, which the first bracket would end."""
    return f"[{{{escaped(text)}}}]" if set("[]") & set(text) else f"[{escaped(text)}]"


def unbracketed(latex: str) -> str:
    r"""LaTeX that is not taken for an argument of the `\item` or the `\\` before it."""
    return f"{{}}{latex}" if latex.startswith(("[", "*")) else latex


def verbatim(code: str) -> str:
    r"""Code as it stands, but for what pdfLaTeX does not know, and for an `\end` that would be obeyed."""
    plain = re.sub(r"[^\n\x20-\x7e]", named, code)
    return re.sub(r"\\end(?=\{(?:verbatim|lstlisting)\})", "<U+005C>end", plain)
