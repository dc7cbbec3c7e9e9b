"""Statements and proofs as LaTeX that compiles where it is pasted: macros expanded, colours dropped, references in words."""

from __future__ import annotations

import re
from xml.etree.ElementTree import Element

from markdown import Markdown

from weave.book import Book
from weave.scan import STATEMENTS, Cite, Close, Math, Open, Page, Ref, Token
from weave.typeset import expand

PRIVATE = 0xE000
ESCAPES = {
    "\\": r"\textbackslash{}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    **{character: f"\\{character}" for character in "%&#_{}$"},
}
NEEDS = r"\usepackage{amsmath,amssymb,amsthm}" + "".join(
    rf"\newtheorem{{{kind}}}{{{kind.capitalize()}}}" for kind in STATEMENTS
)


def statement(book: Book, here: str, page: Page, opened: Open) -> str:
    """The statement that `opened` begins, with its proof if it has one.

    Its own labels become \\label and \\eqref; a reference to something outside it becomes words, so that nothing
    is undefined where the text is pasted.
    """
    number = book.numbers[here, opened.start]
    blocks = [opened, *filter(None, [book.proof_of(page, opened)])]
    spans = [page.body(block) for block in blocks]
    inside = {
        opened.options["label"],
        *(token.label for token in _within(page, spans) if isinstance(token, Math) and token.label),
    }
    parts = [
        f'% {opened.kind.capitalize()} {number} of "{book.config["site_name"]}", {here.removesuffix(".md")}.',
        f"% Needs: {NEEDS}",
    ]
    for block, (begin, end) in zip(blocks, spans, strict=True):
        body = _Fragment(book, page, inside).latex(begin, end)
        if block is opened:
            title = f"[{_escaped(opened.argument)}]" if opened.argument else ""
            parts.append(
                f"\\begin{{{opened.kind}}}{title}\\label{{{opened.options['label']}}}\n{body}\n\\end{{{opened.kind}}}"
            )
        else:
            parts.append(f"\\begin{{proof}}\n{body}\n\\end{{proof}}")
    return "\n".join(parts) + "\n"


class _Fragment:
    """Turns a span of a page into LaTeX: tokens become private characters, Markdown a tree, the tree LaTeX."""

    def __init__(self, book: Book, page: Page, inside: set[str]) -> None:
        self.book, self.page, self.inside = book, page, inside
        self.held: list[str] = []
        self.line = 0

    def latex(self, begin: int, end: int) -> str:
        parts, at = [], begin
        for token in _within(self.page, [(begin, end)]):
            self.line = token.line
            parts += [self.page.text[at : token.start], chr(PRIVATE + len(self.held))]
            self.held.append(self.token(token))
            at = token.end
        tree = _tree("".join(parts) + self.page.text[at:end])
        text = re.sub(r"\n{3,}", "\n\n", "".join(self.element(child) for child in tree)).strip()
        text = re.sub(
            f"[{chr(PRIVATE)}-{chr(PRIVATE + 0x1000)}]",
            lambda found: self.held[ord(found[0]) - PRIVATE],
            text,
        )
        return re.sub(r"\n\n(?=\\\[|\\begin\{equation)|(?<=\\\])\n\n(?=[a-z])", "\n", text)

    def token(self, token: Token) -> str:
        match token:
            case Math(display=False):
                return f"${expand(token.tex)}$"
            case Math(label=""):
                return f"\\[\n{expand(token.tex)}\n\\]"
            case Math():
                return f"\\begin{{equation}}\\label{{{token.label}}}\n{expand(token.tex)}\n\\end{{equation}}"
            case Ref():
                return self.reference(token)
            case Cite():
                return _escaped("; ".join(self.book.bibliography.cited_as(*key) for key in token.keys))
            case Open(kind="listing"):
                piece = next(listing.piece for listing in self.book.listings if listing.opened is token)
                return f"\\begin{{verbatim}}\n{piece.text}\\end{{verbatim}}"
            case Close(opened=Open(kind="listing")):
                return ""
        what = token.kind if isinstance(token, Open) else type(token).__name__.lower()
        raise self.page.error(
            token.line,
            f"a {what} inside a statement or a proof",
            "Only paragraphs, emphasis, lists, links, formulas, references, citations and listings may "
            "stand there, so that all of it can be copied as LaTeX",
        )

    def reference(self, ref: Ref) -> str:
        target = self.book.resolve(self.page, ref)
        if ref.label not in self.inside or ref.text:
            return _escaped(ref.text or target.words.replace("`", ""))
        return (
            f"\\eqref{{{ref.label}}}"
            if target.kind == "equation"
            else f"{target.kind.capitalize()}~\\ref{{{ref.label}}}"
        )

    def element(self, node: Element) -> str:
        inner = _escaped(node.text or "") + "".join(
            self.element(child) + _escaped(child.tail or "") for child in node
        )
        match node.tag:
            case "p":
                return f"{inner}\n\n"
            case "em":
                return f"\\emph{{{inner}}}"
            case "strong":
                return f"\\textbf{{{inner}}}"
            case "code":
                return f"\\texttt{{{inner}}}"
            case "a":
                return f"{inner} (\\texttt{{{_escaped(node.get('href', ''))}}})"
            case "ul" | "ol":
                name = {"ul": "itemize", "ol": "enumerate"}[node.tag]
                return f"\\begin{{{name}}}\n{inner.strip()}\n\\end{{{name}}}\n\n"
            case "li":
                return f"\\item {inner.strip()}\n"
        raise self.page.error(
            self.line,
            f"<{node.tag}> inside a statement or a proof",
            "Use paragraphs, emphasis, lists and links only",
        )


def _within(page: Page, spans: list[tuple[int, int]]) -> list[Token]:
    return [token for token in page.tokens if any(begin <= token.start < end for begin, end in spans)]


def _tree(text: str) -> Element:
    """Python-Markdown's tree of a text, inline patterns done."""
    md = Markdown()
    md.ESCAPED_CHARS.append("$")
    lines = text.split("\n")
    for preprocessor in md.preprocessors:
        lines = preprocessor.run(lines)
    root = md.parser.parseDocument(lines).getroot()
    for processor in md.treeprocessors:
        root = processor.run(root) or root
    return root


def _escaped(text: str) -> str:
    return "".join(ESCAPES.get(character, character) for character in text)
