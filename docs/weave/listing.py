"""Code as HTML: role colours and one grey, links on the package's identifiers, folds, and a header that says where."""

from __future__ import annotations

import html
import posixpath
from collections.abc import Iterator

from pygments.lexers import get_lexer_by_name
from pygments.token import Comment, Keyword, Name, Operator, String, Token, _TokenType
from pygments.util import ClassNotFound

from weave.book import Book, Listing, Target
from weave.scan import Heading
from weave.source import Link, Module, Piece, folds, quoted_lines

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
PLAIN = {Comment: "c", String: "s", Keyword: "k", Operator.Word: "k"}


def href(here: str, there: str, anchor: str = "") -> str:
    """The relative address from page `here` to page `there`, both as in the nav; pages are flat .html files."""
    path = posixpath.relpath(there.removesuffix(".md") + ".html", posixpath.dirname(here) or ".")
    return (path if there != here else "") + (f"#{anchor}" if anchor else "")


def source_page(module: Module) -> str:
    """The page that shows a whole module."""
    return f"source/{module.name.removeprefix('mlp.') if module.name != 'mlp' else 'mlp'}.md"


def code(text: str, language: str) -> str:
    """A block's code as one <pre>."""
    return f"<pre><code>{''.join(lines(text, language))}</code></pre>"


def lines(
    text: str, language: str = "python", links: dict[tuple[int, int], tuple[int, str]] | None = None
) -> list[str]:
    """Each line of `text` as HTML; `links` maps (line, column) in it to (end column, address)."""
    found: list[str] = [""]
    column = 0
    for kind, value in _tokens(text, language):
        for part in value.splitlines(keepends=True):
            end, address = (links or {}).get((len(found), column), (0, ""))
            shown = _styled(kind, part)
            found[-1] += (
                f'<a href="{address}">{shown}</a>' if address and end == column + len(part) else shown
            )
            column += len(part)
            if part.endswith("\n"):
                found.append("")
                column = 0
    return found if found[-1] else found[:-1]


def _tokens(text: str, language: str) -> Iterator[tuple[_TokenType, str]]:
    try:
        lexer = get_lexer_by_name(language, stripnl=False, ensurenl=False) if language else None
    except ClassNotFound:
        lexer = None
    if lexer is None:
        return iter([(Token.Text, text)])
    return iter((kind, value) for kind, value in lexer.get_tokens(text))


def _styled(kind: _TokenType, value: str) -> str:
    """A token in its colour: a role, the one grey, or none."""
    shown = html.escape(value, quote=False)
    if kind in Name and value in ROLES:
        return f'<span class="role-{ROLES[value]}">{shown}</span>'
    if kind in Name.Function or kind in Name.Class:
        return f'<span class="d">{shown}</span>'
    for known, name in PLAIN.items():
        if kind in known and value.strip():
            return f'<span class="{name}">{shown}</span>'
    return shown


def _links(book: Book, here: str, piece: Piece) -> dict[tuple[int, int], tuple[int, str]]:
    """Where the identifiers of a piece lead: their home listing if they have one, else their module's page."""
    found = {}
    for link in book.source.links(piece.module):
        if piece.first <= link.line <= piece.last and link.target != piece.name:
            found[link.line - piece.first + 1, link.start] = (link.end, _home(book, here, link))
    return found


def _home(book: Book, here: str, link: Link) -> str:
    target = book.labels.get(f"lst:{link.target}")
    if target:
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
    return f'<div class="code source" data-search-exclude><pre><code>{"".join(rows)}</code></pre></div>'


def figure(book: Book, listing: Listing) -> str:
    """A listing with its header and footer, docstring and argument checks folded."""
    piece, here = listing.piece, listing.page
    indent = len(piece.text) - len(piece.text.lstrip(" "))
    shown = [line.removeprefix(" " * indent) for line in lines(piece.text, links=_links(book, here, piece))]
    _light(listing, shown)
    anchor = book.labels.get(f"lst:{piece.name}")
    is_home = anchor is not None and (anchor.page, anchor.line) == (here, listing.opened.line)
    identity = f' id="lst:{piece.name}"' if is_home else ""
    return (
        f'<figure class="listing code"{identity}>{_header(piece, here)}{_segments(piece, shown)}'
        f"{_footer(book, listing)}</figure>"
    )


def _header(piece: Piece, here: str) -> str:
    where = f"{piece.module.path.as_posix()}:{piece.first}\N{EN DASH}{piece.last}"
    link = href(here, source_page(piece.module), f"L{piece.first}")
    part = "" if piece.whole else " <em>(part)</em>"
    return f'<figcaption><span class="name">{piece.name}{part}</span><a class="where" href="{link}">{where}</a></figcaption>'


def _segments(piece: Piece, shown: list[str]) -> str:
    """The lines as <pre>s, with a closed <details> for each fold."""
    out, at = [], 0
    for first, last, caption in folds(piece):
        begin, end = first - piece.first, last - piece.first + 1
        margin = len(shown[begin]) - len(shown[begin].lstrip(" "))
        out.append(f"<pre><code>{''.join(shown[at:begin])}</code></pre>")
        out.append(
            f'<details class="fold"><summary style="--margin:{margin}">{caption}</summary>'
            f"<pre><code>{''.join(shown[begin:end])}</code></pre></details>"
        )
        at = end
    out.append(f"<pre><code>{''.join(shown[at:])}</code></pre>")
    return f'<div class="body">{"".join(part for part in out if "<code></code>" not in part)}</div>'


def _light(listing: Listing, shown: list[str]) -> None:
    """Mark the lines of quoted statements with a class, so that terms of formulas and lines can light each other."""
    for item in filter(None, listing.opened.options.get("light", "").split(";;")):
        name, _, quote = item.strip().partition(" = ")
        first, last = quoted_lines(listing.piece, quote)
        for index in range(first - listing.piece.first, last - listing.piece.first + 1):
            shown[index] = f'<span class="term-{name}">{shown[index]}</span>'


def _footer(book: Book, listing: Listing) -> str:
    """What the listing implements, where it goes on, and what uses it."""
    here, piece = listing.page, listing.piece
    parts = []
    labels = [
        book.labels[label]
        for label in listing.opened.options.get("implements", "").split()
        if label in book.labels
    ]
    if labels:
        parts.append(f"implements {', '.join(reference(here, target) for target in labels)}")
    others = [
        other
        for other in book.listings
        if other.piece.name == piece.name and other is not listing and not piece.whole
    ]
    if others:
        pages = dict.fromkeys(other.page for other in others)
        parts.append(
            "continued in "
            + ", ".join(
                f'<a href="{href(here, page, f"lst:{piece.name}")}">{title(book, page)}</a>' for page in pages
            )
        )
    users = book.source.users(piece.name)
    if users:
        shown = [_user(book, here, name) for name in users[:USERS]]
        parts.append("used by " + ", ".join(shown) + (f" and {len(users) - USERS} more" if len(users) > USERS else ""))
    return f'<div class="notes">{" &middot; ".join(parts)}</div>' if parts else ""


def _user(book: Book, here: str, name: str) -> str:
    target = book.labels.get(f"lst:{name}")
    short = f"<code>{name.removeprefix('mlp.')}</code>"
    return f'<a href="{href(here, target.page, target.label)}">{short}</a>' if target else short


def reference(here: str, target: Target) -> str:
    """A link to a target in its own words."""
    words = target.words
    shown = f"<code>{words.strip('`')}</code>" if words.startswith("`") else html.escape(words)
    return f'<a href="{href(here, target.page, target.label)}">{shown}</a>'


def title(book: Book, address: str) -> str:
    """A page's title: its first heading."""
    return next(token.text for token in book.pages[address].tokens if isinstance(token, Heading))
