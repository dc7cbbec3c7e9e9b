"""What a reader takes away from a page, and the bundle of it all.

Formulas, statements, sections and the page as LaTeX, each with the book's macros expanded or kept; the page
as Markdown; its blocks as one program; a BibTeX entry. The bundle is a script beside the page, loaded when
something is first copied, since a page that was opened from a file may not fetch anything.
"""

import ast
import html
import json
import re
import textwrap
from importlib.metadata import version
from typing import Any
from urllib.parse import quote

from weave import export, paper, sheet
from weave.book import Book, noun
from weave.record import Record
from weave.scan import (
    FIGURES,
    STATEMENTS,
    Cite,
    Close,
    Fence,
    Heading,
    Math,
    Measured,
    Open,
    Page,
    Ref,
    Sheet,
    Token,
)
from weave.typeset import expand


def bundle(book: Book, address: str) -> str:
    """The script of a page: everything that its buttons copy."""
    taken: dict[str, Any] = {
        "expanded": latex(book, address, kept=False),
        "kept": latex(book, address, kept=True),
        "md": markdown(book, address),
        "py": program(book, address),
        "bib": bibtex(book, address),
        "works": works(book, address),
        "places": places(book, address),
        "own": own(book, address),
    }
    return f"window.bookCopies = {json.dumps(taken)};\n"


def latex(book: Book, address: str, kept: bool) -> dict[str, Any]:
    """The LaTeX of a page, of its sections, statements and displayed formulas."""
    source = book.pages[address]
    tokens = source.tokens
    headings = [token for token in tokens if isinstance(token, Heading) and token.label and token.level > 1]
    statements = [token for token in tokens if isinstance(token, Open) and token.kind in STATEMENTS]
    tex = str if kept else expand
    return {
        "page": paper.page(book, address, kept),
        "sections": {heading.label: paper.section(book, address, heading, kept) for heading in headings},
        "statements": {token.label: export.statement(book, source, token, kept) for token in statements},
        "formulas": [tex(token.tex) for token in tokens if isinstance(token, Math) and token.display],
    }


def markdown(book: Book, address: str) -> str:
    """The page as plain Markdown: $ and $$ for formulas, listings expanded, references in words."""
    source = book.pages[address]
    text = source.replaced(lambda token: _plain(book, source, token))
    # An address within the book leads nowhere from a copy: of such a link the words stay.
    text = re.sub(r"\[([^\[\]]*)\]\(/[\w/.#:-]+\)", r"\1", text)
    return re.sub(r"\n{3,}", "\n\n", text).strip() + "\n"


def _plain(book: Book, source: Page, token: Token) -> str:
    """A token as plain Markdown."""
    match token:
        case Fence():
            plain = textwrap.indent(_fenced(token.code, token.language), token.indent)
        case Math(display=False):
            plain = f"${expand(token.tex)}$"
        case Math():
            number = book.number(source, token)
            tag = f" \\tag{{{number}}}" if number else ""
            plain = f"$$\n{expand(token.tex)}{tag}\n$$"
        case Heading():
            plain = f"{'#' * token.level} {token.text}"
        case Ref() | Cite() | Measured():
            plain = book.words(source, token)
        case Sheet():
            plain = _sheet(book, source, token)
        case Open():
            plain = _head(book, source, token)
        case Close(opened=Open(kind="proof")):
            plain = "\N{END OF PROOF}"
        case _:
            plain = ""
    return plain


def _sheet(book: Book, source: Page, token: Sheet) -> str:
    """A sheet as a table."""
    record = Record(book.root)
    lines = [["", *token.columns, "code", "check"], ["---"] * (len(token.columns) + 3)]
    for row in sheet.rows(book, source, token):
        formulas = [
            ", ".join(f"${expand(tex)}$" for tex in cell).replace("|", "\\vert ") for cell in row.shown
        ]
        code = ", ".join(target.words for target in row.code)
        checks = (f"{target.words}: {said}" for target, said in sheet.found(book, record, row))
        lines.append([row.name, *formulas, code, "; ".join(checks)])
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _head(book: Book, source: Page, token: Open) -> str:
    """What stands for the beginning of a block: a listing's code, else its name, number and title in bold."""
    number = book.number(source, token)
    if token.kind == "listing":
        piece = book.listing(token).piece
        return f"`{piece.name}`:\n\n{_fenced(textwrap.dedent(piece.text), 'python')}"
    if token.kind in FIGURES:
        return f"**Figure {number}.** [{_said(token.options.get('alt', ''))}]"
    nouns = {"aside": "Note", "source": "", "bibliography": ""}
    named = f"{nouns.get(token.kind, noun(token.kind))} {number}".strip()
    title = f" ({_said(token.argument)})" if token.argument else ""
    return f"**{named}{title}.**" if named else ""


def _fenced(code: str, language: str) -> str:
    """Code between marks that do not occur in it."""
    marks = "`" * (1 + max(2, *map(len, re.findall("`+", code)), 0))
    return f"{marks}{language}\n{code}{marks}"


def _said(text: str) -> str:
    """Plain words, in which Markdown is to see no tags, entities or marks of its own."""
    return re.sub(r"([\\`*_\[\]])", r"\\\1", html.escape(text, quote=False))


def program(book: Book, address: str) -> str:
    """The blocks of a page as one program: sessions typed out, errors that are meant caught and printed."""
    source = book.pages[address]
    parts = [f'# The blocks of "{source.title.text}", in their order.']
    for token in source.tokens:
        if isinstance(token, Heading) and token.level > 1:
            parts.append(f"# {token.text}")
        elif isinstance(token, Fence) and token.is_example:
            parts.append(_runnable(token))
    return "\n\n".join(parts) + "\n"


def _runnable(fence: Fence) -> str:
    """A block as part of a program."""
    code = typed(fence.code) if fence.is_doctest else fence.code.rstrip()
    if "raises" not in fence.options:
        return code
    error = fence.options["raises"]
    return f"try:\n{_indented(code)}\nexcept {error} as error:\n    print(type(error).__name__, error)"


def _indented(code: str) -> str:
    """Code one level deeper, the insides of its texts as they were."""
    texts = (node for node in ast.walk(ast.parse(code)) if isinstance(node, ast.Constant | ast.JoinedStr))
    inside = {line for node in texts for line in range(node.lineno + 1, (node.end_lineno or 0) + 1)}
    lines = enumerate(code.splitlines(), start=1)
    return "\n".join(line if number in inside or not line else f"    {line}" for number, line in lines)


def typed(session: str) -> str:
    """What was typed in a session, its expressions printed."""
    return "\n".join(line[4:] for line in session.splitlines() if line.startswith((">>>", "...")))


def bibtex(book: Book, address: str) -> str:
    """An entry that cites the page."""
    key = re.sub(r"[^a-z]+", "-", address.removesuffix(".md")).strip("-")
    site = book.config.get("site_url") or ""
    fields = {
        "title": f"{{{_bibtex(book.pages[address].title.words)}}}",
        "booktitle": f"{{{_bibtex(book.config['site_name'])}}}",
        "note": f"{{Version {version('mlp')}}}",
        "url": f"{{{site.rstrip('/')}/{quote(address.removesuffix('.md'))}.html}}" if site else "",
    }
    body = "".join(f"  {name} = {value},\n" for name, value in fields.items() if value)
    return f"@misc{{book-{key},\n{body}}}\n"


def own(book: Book, address: str) -> dict[str, str]:
    """The formulas of a page that the book's macros write in another way, by what they stand for."""
    source = book.pages[address]
    written = [token.tex for token in source.tokens if isinstance(token, Math)]
    for token in source.tokens:
        if isinstance(token, Sheet):
            written += [tex for row in sheet.rows(book, source, token) for cell in row.shown for tex in cell]
    known = {expand(tex).strip(): tex.strip() for tex in written}
    return {meant: tex for meant, tex in known.items() if tex != meant}


def works(book: Book, address: str) -> str:
    """The entries of the works that the page cites, under the keys that its LaTeX cites."""
    keys = sorted(paper.cited(book.pages[address]))
    return "\n".join(map(book.bibliography.written, keys))


def places(book: Book, address: str) -> dict[str, str]:
    """What an entry says to cite a section: its title and its anchor."""
    headings = [token for token in book.pages[address].tokens if isinstance(token, Heading) and token.label]
    return {
        each.label: f'{{Section "{_bibtex(each.words)}", \\texttt{{{_bibtex(f"#{each.label}")}}}}}'
        for each in headings
    }


def _bibtex(text: str) -> str:
    r"""Text in a field of BibTeX, which counts braces even behind a backslash."""
    return export.escaped(text).replace(r"\{", r"\textbraceleft{}").replace(r"\}", r"\textbraceright{}")
