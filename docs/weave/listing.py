"""Code as HTML: role colours and one grey, links on identifiers of `mlp`, folds, a header that says where."""

import html
import posixpath
from collections.abc import Iterable
from functools import cache
from typing import TypeAlias
from urllib.parse import quote

from pygments.lexers import get_lexer_by_name
from pygments.token import Comment, Generic, Keyword, Name, Operator, String, Token, is_token_subtype
from pygments.token import _TokenType as Kind
from pygments.util import ClassNotFound

from weave.book import Book, Listing, Target
from weave.record import Entry
from weave.source import Link, Module, Piece, folds

ROLES = {
    name: role
    for role, names in {
        "weight": "w b W weights biases parameters weight bias",
        "activation": "x z X Z X0 X1 state states logits",
        "adjoint": "delta Delta adjoint adjoints nabla_w nabla_b gradient",
        "checkpoint": "checkpoint checkpoints slots",
    }.items()
    for name in names.split()
}
USERS = 4  # more than these are counted, not named
CLASSES = {
    **dict.fromkeys((Name.Function, Name.Class), "d"),
    Comment: "c",
    String: "s",
    Keyword: "k",
    Operator.Word: "k",
    Generic: "g",
}
Links: TypeAlias = tuple[tuple[tuple[int, int], tuple[int, str]], ...]
"""(line, column) in a text and (end column, address) of what leads somewhere."""

PRE = '<pre class="block"><code>'  # the class tells it from code that Markdown itself would show


def href(here: str, there: str, anchor: str = "") -> str:
    """The relative address from page `here` to `there`, both as in the nav; pages are flat .html files."""
    path = posixpath.relpath(there.removesuffix(".md") + ".html", posixpath.dirname(here) or ".")
    path = quote(path)
    return (path if there != here else "") + (f"#{anchor}" if anchor else "")


def source_page(module: Module) -> str:
    """The page that shows a whole module."""
    return f"source/{module.name.removeprefix('mlp.')}.md"


def code(text: str, language: str) -> str:
    """A block's code as one <pre>."""
    session = language == "python" and text.startswith(">>>")
    return f"{PRE}{''.join(lines(text, 'pycon' if session else language))}</code></pre>"


@cache
def lines(text: str, language: str = "python", links: Links = ()) -> tuple[str, ...]:
    """Each line of `text` as HTML."""
    linked, found, column = dict(links), [""], 0
    for kind, value in _tokens(text, language):
        for part in value.splitlines(keepends=True):
            end, address = linked.get((len(found), column), (0, ""))
            shown = _styled(kind, part)
            found[-1] += f'<a href="{address}">{shown}</a>' if end == column + len(part) else shown
            column += len(part)
            if part.endswith("\n"):
                found.append("")
                column = 0
    return tuple(found if found[-1] else found[:-1])


def _tokens(text: str, language: str) -> Iterable[tuple[Kind, str]]:
    try:
        return get_lexer_by_name(language, stripnl=False, ensurenl=False).get_tokens(text)
    except ClassNotFound:
        return [(Token.Text, text)]


@cache
def _styled(kind: Kind, value: str) -> str:
    """A token in its colour: a role, the one grey, or none."""
    shown = html.escape(value, quote=False)
    if is_token_subtype(kind, Name) and value in ROLES:
        return f'<span class="role-{ROLES[value]}">{shown}</span>'
    for known, name in CLASSES.items():
        if is_token_subtype(kind, known) and value.strip():
            return f'<span class="{name}">{shown}</span>'
    return shown


def _links(book: Book, here: str, piece: Piece) -> Links:
    """Where the identifiers of a piece lead: their home listing, or else their module's page."""
    return tuple(
        ((link.line - piece.first + 1, link.start), (link.end, _home(book, here, link)))
        for link in book.source.links[piece.module.name]
        if piece.first <= link.line <= piece.last and link.target != piece.name
    )


def _home(book: Book, here: str, link: Link) -> str:
    if target := book.home(link.target):
        return href(here, target.page, target.label)
    module, _, node = book.source.find(link.target)
    return href(here, source_page(module), f"L{node.lineno}")


def whole_module(book: Book, here: str, name: str) -> str:
    """A module's whole file, each line with its number and anchor."""
    module = book.source.modules[name]
    piece = Piece(module, name, 1, len(module.lines))
    rows = (
        f'<span class="line" id="L{number}"><a class="number" href="#L{number}">{number}</a>{line}</span>'
        for number, line in enumerate(lines(piece.text, links=_links(book, here, piece)), 1)
    )
    return f'<div class="code source" data-search-exclude>{PRE}{"".join(rows)}</code></pre></div>'


def markup(book: Book, listing: Listing, executed: Entry | None) -> str:
    """What stands in a listing: header, code, footer; docstring and argument checks folded.

    `executed` is the record's entry if the blocks of the listing's page run all of its lines.
    """
    piece, here = listing.piece, listing.page
    indent = len(piece.text) - len(piece.text.lstrip(" "))
    shown = [line.removeprefix(" " * indent) for line in lines(piece.text, links=_links(book, here, piece))]
    for name, first, last in listing.lights:
        for index in range(first - piece.first, last - piece.first + 1):
            shown[index] = f'<span class="term-{name}">{shown[index]}</span>'
    return _header(piece, here) + _segments(piece, shown) + _footer(book, listing, executed)


def _header(piece: Piece, here: str) -> str:
    last = f"\N{EN DASH}{piece.last}" * (piece.last > piece.first)
    where = f"{piece.module.path.as_posix()}:{piece.first}{last}"
    link = href(here, source_page(piece.module), f"L{piece.first}")
    part = "" if piece.whole else " <em>(part)</em>"
    name = f'<span class="name">{piece.name}{part}</span>'
    return f'<figcaption>{name}<a class="where" href="{link}">{where}</a></figcaption>'


def _segments(piece: Piece, shown: list[str]) -> str:
    """The lines as <pre>s, with a closed <details> for each fold."""
    out, at = [], 0
    for first, last, caption in folds(piece):
        begin, end = first - piece.first, last - piece.first + 1
        margin = len(shown[begin]) - len(shown[begin].lstrip(" "))
        out.append(f"{PRE}{''.join(shown[at:begin])}</code></pre>")
        out.append(
            f'<details class="fold"><summary style="--margin:{margin}">{caption}</summary>'
            f"{PRE}{''.join(shown[begin:end])}</code></pre></details>"
        )
        at = end
    out.append(f"{PRE}{''.join(shown[at:])}</code></pre>")
    return f'<div class="body">{"".join(part for part in out if "<code></code>" not in part)}</div>'


def _footer(book: Book, listing: Listing, executed: Entry | None) -> str:
    """What the listing implements, what checks that, where it goes on, what uses it, and that it was run."""
    labels = [label for label in listing.opened.options.get("implements", "").split() if label in book.labels]
    said = {
        "implements": [reference(listing.page, book.labels[label]) for label in labels],
        "checked by": _checks(book, listing.page, labels),
        "continued in": _continued(book, listing),
        "used by": _users(book, listing),
    }
    parts = [f"{verb} {', '.join(links)}" for verb, links in said.items() if links]
    if executed and executed.cases:
        parts.append(
            f"all {executed.cases} lines run on this page" if executed.cases > 1 else "run on this page"
        )
    return f'<div class="notes">{" &middot; ".join(parts)}</div>' if parts else ""


def _checks(book: Book, here: str, labels: list[str]) -> list[str]:
    """The blocks that check what the listing implements."""
    blocks = [block for label in labels for block in book.checks_of(label)]
    anchors = dict.fromkeys(href(here, page.address, book.check_anchor(fence)) for page, fence in blocks)
    return [f'<a href="{anchor}">block {number}</a>' for number, anchor in enumerate(anchors, 1)]


def _continued(book: Book, listing: Listing) -> list[str]:
    """The pages that show other parts of what this listing shows a part of."""
    name, here = listing.piece.name, listing.page
    parts = (other for other in book.listings if other.piece.name == name and not other.again)
    pages = dict.fromkeys(part.page for part in parts if part.page != here and not listing.piece.whole)
    return [titled(book, here, page, f"lst:{name}") for page in pages]


def _users(book: Book, listing: Listing) -> list[str]:
    """The functions that use what this listing shows; more than a few are counted, not named."""
    users = book.source.users[listing.piece.name]
    more = [f"{len(users) - USERS} more"] if len(users) > USERS else []
    return [definition(listing.page, name, book.home(name)) for name in users[:USERS]] + more


def definition(here: str, name: str, home: Target | None = None) -> str:
    """A definition's name, linked to its home if that is given."""
    short = f"<code>{name.removeprefix('mlp.')}</code>"
    return f'<a href="{href(here, home.page, home.label)}">{short}</a>' if home else short


def reference(here: str, target: Target) -> str:
    """A link to a target in its own words."""
    words = target.words
    shown = html.escape(words.strip("`"))
    shown = f"<code>{shown}</code>" if words.startswith("`") else shown
    return f'<a href="{href(here, target.page, target.label)}">{shown}</a>'


def titled(book: Book, here: str, address: str, anchor: str = "") -> str:
    """A link to a page, or a place on it, by the page's title."""
    return f'<a href="{href(here, address, anchor)}">{html.escape(book.pages[address].title.text)}</a>'
