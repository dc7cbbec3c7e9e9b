"""The indexes at the back of the book, and the page of all claims: made from the labels, never typed."""

from __future__ import annotations

import html
import re
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from weave import listing
from weave.book import Book, Target
from weave.scan import PROVED, STATEMENTS, Close, Heading, Math, Open, Page, Token
from weave.typeset import expand, typeset

if TYPE_CHECKING:
    from weave.extension import Weaver

CLAIMS = "reference/claims.md"
NOTATION = "notation.md"
SHORT = 90  # formulas of more characters are not shown in the index of equations
USERS = 12  # more than these are counted, not named


def claims(weaver: Weaver) -> str:
    """Every result with what checks it, of what kind, in how many cases, how well, and when."""
    rows: list[list[str]] = []
    for page in weaver.book.pages.values():
        for token in page.tokens:
            if isinstance(token, Open) and token.kind in PROVED:
                stale = weaver.record.claim(weaver.book, page, token) is None
                rows += _claim(weaver, weaver.book.labels[token.label], stale)
    return _table(["result", "checked by", "kind", "cases", "largest residual", "date"], rows, "claims")


def _claim(weaver: Weaver, target: Target, stale: bool) -> Iterator[list[str]]:
    """A row for each check of a result."""
    book, here = weaver.book, weaver.here
    words = f"{listing.reference(here, target)} {html.escape(target.title)}"
    for number, (page, fence) in enumerate(book.checks.get(target.label, [])):
        entry = weaver.record.block(book, page, fence)
        link = listing.titled(book, here, page.address, book.check_anchor(fence))
        shown = words if number == 0 else ""
        if entry is None or stale:
            yield [shown, link, "changed since it was last checked", "", "", ""]
        else:
            worst = f"{entry.worst:.1e}" if entry.kind == "residual" else ""
            yield [shown, link, entry.kind, str(entry.cases), worst, entry.date]


def statements(weaver: Weaver) -> str:
    """Every statement by chapter."""
    return _by_chapter(weaver, lambda target: target.kind in STATEMENTS)


def equations(weaver: Weaver) -> str:
    """Every numbered formula by chapter, with the code that implements it."""
    return _by_chapter(weaver, lambda target: target.kind == "equation", _coded)


def _coded(weaver: Weaver, target: Target) -> str:
    """A short formula itself, and the listings that implement it; without either, where it stands."""
    page = weaver.book.pages[target.page]
    formula = next(t for t in page.tokens if isinstance(t, Math) and t.label == target.label)
    tex, around = formula.tex, weaver.book.labels[_around(weaver.book, page, formula)]
    short = len(tex) < SHORT and "\\begin" not in tex and "&" not in tex
    shown = typeset(tex.rstrip(".,;")) if short else ""
    code = ", ".join(listing.reference(weaver.here, each) for each in weaver.book.code(target.label))
    return f"{shown}\u2003{code}".strip() or f"in {listing.reference(weaver.here, around)}"


def _around(book: Book, page: Page, formula: Math) -> str:
    """The label of the statement that a formula stands in, or else of the section."""
    labels = [each.label for each in book.labels.values() if each.kind in ("section", *STATEMENTS)]
    closed = list[Token]()
    for token in reversed([each for each in page.tokens if each.start < formula.start]):
        if isinstance(token, Close):
            closed.append(token.opened)
        elif isinstance(token, Heading | Open) and token.label in labels and token not in closed:
            return token.label
    return formula.label


def _by_chapter(
    weaver: Weaver,
    wanted: Callable[[Target], bool],
    after: Callable[[Weaver, Target], str] = lambda weaver, target: html.escape(target.title),
) -> str:
    """The targets of a kind, chapter by chapter."""
    items = dict[str, list[str]]()
    for address in weaver.book.chapters:
        title = html.escape(weaver.book.pages[address].title.text)
        for target in weaver.book.labels.values():
            if target.page == address and wanted(target):
                entry = f"<li>{listing.reference(weaver.here, target)} {after(weaver, target)}</li>"
                items.setdefault(title, []).append(entry)
    return _lists(items)


def listings(weaver: Weaver) -> str:
    """Every listing at its home, by module and line, with the chapter that explains it."""
    book, items = weaver.book, dict[str, list[str]]()
    homes = [shown for shown in book.listings if not shown.again]
    for shown in sorted(homes, key=lambda each: (each.piece.module.name, each.piece.first)):
        if target := book.home(shown.piece.name):
            where = f"line {shown.piece.first}, {html.escape(book.pages[shown.page].title.text)}"
            entry = f"<li>{listing.reference(weaver.here, target)}, {where}</li>"
            items.setdefault(f"<code>{shown.piece.module.path.as_posix()}</code>", []).append(entry)
    return _lists(items)


def identifiers(weaver: Weaver) -> str:
    """Every definition of the package, module by module, with its home and with what uses it."""
    book, items = weaver.book, dict[str, list[str]]()
    for name in sorted(book.source.names):
        home = book.home(name) or book.home(name.rpartition(".")[0])
        users = [f"<code>{user.removeprefix('mlp.')}</code>" for user in book.source.users[name]]
        users[USERS:] = [f"{len(users) - USERS} more"] * (len(users) > USERS)
        used = f", used by {', '.join(users)}" if users else ""
        entry = f"<li>{listing.definition(weaver.here, name, home)}{used}</li>"
        items.setdefault(f"<code>{book.source.names[name][0].name}</code>", []).append(entry)
    return _lists(items)


def symbols(weaver: Weaver) -> str:
    """The symbols of the page on notation, each with the first other page that uses it."""
    book, rows = weaver.book, []
    for tex, meaning in _notation(book.pages[NOTATION]):
        first = _first_use(book, expand(tex))
        rows.append([typeset(tex), meaning, listing.titled(book, weaver.here, first) if first else ""])
    return _table(["symbol", "meaning", "first used in"], rows, "symbols")


def _notation(page: Page) -> Iterator[tuple[str, str]]:
    """The symbol and the meaning in each row of the tables of notation."""
    for line in page.text.splitlines():
        cells = [cell.strip() for cell in line.strip().strip("|").split("|")]
        found = re.match(r"\$(.+?)\$", cells[0])
        if line.startswith("|") and found:
            words = html.escape(cells[-1].partition(": `")[0], quote=False)
            yield found[1].split(" = ")[0], re.sub(r"\$([^$]+)\$", lambda tex: typeset(tex[1]), words)


def _first_use(book: Book, symbol: str) -> str:
    """The first page after the notation on which a formula has the symbol."""
    pattern = re.compile(rf"(?<![A-Za-z\\]){re.escape(symbol)}(?![A-Za-z])")
    for address in book.chapters:
        for token in book.pages[address].tokens:
            if isinstance(token, Math) and pattern.search(expand(token.tex)):
                return address
    return ""


def _table(head: list[str], rows: list[list[str]], kind: str = "") -> str:
    cells = "".join(f"<th>{name}</th>" for name in head)
    body = "".join("<tr>" + "".join(f"<td>{cell}</td>" for cell in row) + "</tr>" for row in rows)
    table = f"<table><thead><tr>{cells}</tr></thead><tbody>{body}</tbody></table>"
    return f'<div class="{f"scroll index {kind}".strip()}" tabindex="0" data-search-exclude>{table}</div>'


def _lists(items: dict[str, list[str]]) -> str:
    """A heading and a list for each key."""
    return "".join(
        f'<h3>{heading}</h3><ul class="index">{"".join(each)}</ul>' for heading, each in items.items()
    )


MAKERS = {make.__name__: make for make in (claims, statements, equations, listings, identifiers, symbols)}
