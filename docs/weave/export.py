"""Statements and proofs as LaTeX that compiles anywhere: macros expanded, no colours, references in words."""

import html
import re
import unicodedata
from xml.etree.ElementTree import Element

from markdown import Markdown
from markdown.util import HTML_PLACEHOLDER_RE

from weave.book import Book, noun
from weave.scan import STATEMENTS, Cite, Close, Math, Measured, Open, Page, Ref, Token
from weave.typeset import expand

PRIVATE = 0xE000
WORDS = {"\\": "backslash", "~": "asciitilde", "^": "asciicircum", "<": "less", ">": "greater"}
ESCAPES = str.maketrans(
    {sign: f"\\text{word}{{}}" for sign, word in WORDS.items()} | {sign: f"\\{sign}" for sign in "%&#_{}$"}
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


def statement(book: Book, page: Page, opened: Open, kept: bool = False) -> str:
    r"""The statement that `opened` begins, with its proof if it has one; `kept` leaves the book's macros.

    Its own labels become \label and \eqref; a reference to something outside it becomes words, so that
    nothing is undefined where the text is pasted.
    """
    proof = book.proof_of(page, opened)
    spans = [page.body(block) for block in (opened, proof) if block]
    tokens = (token for span in spans for token in page.between(*span))
    inside = {opened.label, *(token.label for token in tokens if isinstance(token, Math) and token.label)}
    said, *proved = (Fragment(book, page, inside, kept).latex(*span) for span in spans)
    name = f"{noun(opened.kind)} {book.number(page, opened)}"
    parts = [
        f'% {name} of "{book.config["site_name"]}", {page.address.removesuffix(".md")}.',
        f"% Needs: {NEEDS}",
        environment(opened.kind, said, f"{optional(opened.argument)}\\label{{{opened.label}}}"),
        *(environment("proof", body) for body in proved),
    ]
    return "\n".join(parts) + "\n"


# A displayed formula belongs to the paragraph before it, and to the next one if that goes on in lower case.
RUN_ON = re.compile(r"\n\n(?=\\\[|\\begin\{equation)|(?:(?<=\\\])|(?<=\\end\{equation\}))\n\n(?=[a-z(])")


SHAPES = {"em": "emph", "strong": "textbf", "code": "texttt"}
LISTS = {"ul": "itemize", "ol": "enumerate"}


class Fragment:
    """Makes LaTeX of a span of a page: tokens become private characters, Markdown a tree, the tree LaTeX."""

    def __init__(self, book: Book, page: Page, inside: set[str], kept: bool = False) -> None:
        self.book, self.page, self.inside = book, page, inside
        self.tex = str if kept else expand
        self.held: list[str] = []
        self.line = 0

    def latex(self, begin: int, end: int) -> str:
        """The characters from `begin` to `end` of the page as LaTeX."""
        key = type(self), self.page.replaced(self.hold, begin, end)
        if key not in MADE:
            made = "".join(self.element(child) for child in _tree(key[1]))
            MADE[key] = re.sub(r"\n{3,}", "\n\n", made).strip()
        text = HELD.sub(lambda found: self.held[ord(found[0]) - PRIVATE], MADE[key])
        return RUN_ON.sub("\n", text)

    def hold(self, token: Token) -> str:
        """The private character that stands for a token; a block's end ends a list before it."""
        self.line = token.line
        self.held.append(self.token(token))
        return "\n\n" * isinstance(token, Close) + chr(PRIVATE + len(self.held) - 1)

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
            case Cite() | Measured():
                latex = escaped(self.book.words(self.page, token))
            case Open(kind="listing"):
                code = verbatim(self.book.listing(token).piece.text)
                latex = f"\\begin{{verbatim}}\n{code}\\end{{verbatim}}"
            case Close(opened=Open(kind="listing")):
                latex = ""
            case _:
                what = token.kind if isinstance(token, Open) else type(token).__name__.lower()
                allowed = "paragraphs, emphasis, lists, links, formulas, references, citations and listings"
                remedy = f"Only {allowed} may stand there, so that all of it can be copied as LaTeX"
                raise self.page.error(token.line, f"a {what} inside a statement or a proof", remedy)
        return latex

    def reference(self, ref: Ref) -> str:
        """A reference: by its label inside of what is exported, in words outside."""
        target = self.book.resolve(self.page, ref)
        if ref.label not in self.inside or ref.text:
            return escaped(ref.text or target.words.replace("`", ""))
        if target.kind == "equation":
            return f"\\eqref{{{ref.label}}}"
        return f"{noun(target.kind)}~\\ref{{{ref.label}}}"

    def element(self, node: Element) -> str:
        """A node of Markdown's tree as LaTeX."""
        inner = self.inner(node)
        match node.tag:
            case "p":
                return f"{inner}\n\n"
            case "em" | "strong" | "code":
                return f"\\{SHAPES[node.tag]}{{{inner}}}"
            case "a":
                address = node.get("href", "")
                return inner if address.startswith("/") else f"{inner} (\\texttt{{{escaped(address)}}})"
            case "ul" | "ol":
                return environment(LISTS[node.tag], inner.strip()) + "\n\n"
            case "li":
                return f"\\item {unbracketed(inner.strip())}\n"
        problem = f"<{node.tag}> inside a statement or a proof"
        raise self.page.error(self.line, problem, "Use paragraphs, emphasis, lists and links only")

    def inner(self, node: Element) -> str:
        """What stands in a node, as LaTeX."""
        children = (self.element(child) + escaped(child.tail or "") for child in node)
        return escaped(node.text or "") + "".join(children)


def environment(name: str, body: str, head: str = "") -> str:
    """Wrap `body` in an environment; `head` follows its beginning."""
    return f"\\begin{{{name}}}{head}\n{body}\n\\end{{{name}}}"


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
    """Text as an optional argument, which the first bracket would end; without text none."""
    inner = f"{{{escaped(text)}}}" if set("[]") & set(text) else escaped(text)
    return f"[{inner}]" if text else ""


def unbracketed(latex: str) -> str:
    r"""LaTeX that is not taken for an argument of the `\item` or the `\\` before it."""
    return f"{{}}{latex}" if latex.startswith(("[", "*")) else latex


def verbatim(code: str) -> str:
    r"""Code as it stands, but for what pdfLaTeX does not know, and for an `\end` that would be obeyed."""
    plain = re.sub(r"[^\n\x20-\x7e]", named, code)
    return re.sub(r"\\end(?=\{(?:verbatim|lstlisting)\})", "<U+005C>end", plain)
