"""The book as a whole: its pages in order, what every label names, and which block checks which result."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any

import yaml

from weave import labels, results, sheet, source
from weave.citations import Bibliography
from weave.errors import WeaveError
from weave.scan import (
    BLOCKS,
    FIGURES,
    LABEL,
    PROVED,
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
    scan,
)
from weave.source import Piece, quoted_lines

ROOT = results.ROOT
PREFIXES = {
    "eq": "equation",
    "thm": "theorem",
    "lem": "lemma",
    "prp": "proposition",
    "cor": "corollary",
    "def": "definition",
    "rem": "remark",
    "ex": "exercise",
    "fig": "figure",
    "sec": "section",
    "wrong": "wrong",
}
NAME = re.compile(r"[\w:.-]+")
KINDS = {kind: prefix for prefix, kind in PREFIXES.items()}


@dataclass(frozen=True)
class Target:
    """What a label names: the page and line where it stands, its kind, its number ("2.1") and its words."""

    label: str
    page: str
    line: int
    kind: str
    number: str
    title: str

    @property
    def at(self) -> tuple[str, int]:
        """The page and line where it stands."""
        return self.page, self.line

    @property
    def words(self) -> str:
        """How a reference reads: "Theorem 2.1", "(2.3)", or a section's title."""
        if self.kind == "equation":
            return f"({self.number})"
        return self.title if self.kind in ("section", "listing") else f"{_noun(self.kind)} {self.number}"


@dataclass(frozen=True)
class Listing:
    """A listing on a page: its opening token, the page's address, the piece of source that it shows.

    `lights` are (name, first line, last line) of statements that light up together with terms of formulas.
    """

    opened: Open
    page: str
    piece: Piece
    lights: list[tuple[str, int, int]]

    @property
    def again(self) -> bool:
        """Whether the piece has its home elsewhere."""
        return "again" in self.opened.options


@dataclass(frozen=True)
class Formula:
    """A formula, or a marked piece of one: its TeX, and the nearest thing around it that has an address."""

    tex: str
    around: Target


class Book:
    """Pages, labels, statements, checks, listings and citations of the book whose root folder is `root`."""

    def __init__(self, root: Path = ROOT) -> None:
        self.root = root
        self.config = yaml.load((root / "mkdocs.yml").read_text(encoding="utf-8"), _TolerantLoader)
        self.source = source.read(root)
        self.bibliography = Bibliography(root / "docs" / "references.bib")
        self.pages: dict[str, Page] = {}
        self.chapters: dict[str, int] = {}
        for address, numbered in _nav(self.config["nav"]):
            self.pages[address] = scan(f"docs/{address}", self._read_page(address))
            if numbered:
                self.chapters[address] = len(self.chapters) + 1
        self.labels: dict[str, Target] = {}
        self.numbers: dict[tuple[str, int], str] = {}
        self.listings: list[Listing] = []
        self.formulas: dict[str, Formula] = {}
        for address, page in self.pages.items():
            self._number(address, page)
            self._name(page)

    def _read_page(self, address: str) -> str:
        path = self.root / "docs" / address
        if not path.is_file():
            nav = (self.root / "mkdocs.yml").read_text(encoding="utf-8").splitlines()
            line = next(number for number, text in enumerate(nav, 1) if address in text)
            raise WeaveError(
                "mkdocs.yml",
                line,
                f"the nav names {address}, which docs/ does not have",
                "Write the page, or take it out",
            )
        return path.read_text(encoding="utf-8")

    # ---------------------------------------------------------------- numbering

    def _number(self, address: str, page: Page) -> None:
        counters: dict[str, int] = {}
        for token in page.tokens:
            if isinstance(token, Math) and token.label:
                self._label(address, page, token, counters)
            elif isinstance(token, Heading) and token.label:
                self._add(page, Target(token.label, address, token.line, "section", "", token.text))
            elif isinstance(token, Open) and token.kind in (*STATEMENTS, *FIGURES, "exercise", "wrong"):
                self._label(address, page, token, counters)
            elif isinstance(token, Open) and token.kind == "listing":
                self._listing(address, page, token)

    def _label(self, address: str, page: Page, token: Math | Open, counters: dict[str, int]) -> None:
        """Number a token in its chapter, and enter its label."""
        if isinstance(token, Math):
            kind, label, title = "equation", token.label, ""
        else:
            kind, label, title = token.kind, token.options.get("label", ""), token.argument
            kind = "figure" if kind in FIGURES else kind
        if address not in self.chapters:
            raise page.error(
                token.line,
                f"a numbered {kind} on a page that is no chapter",
                "Move the page into a section of the nav in mkdocs.yml, or leave the label out",
            )
        counter = "statement" if kind in STATEMENTS else kind
        counters[counter] = counters.get(counter, 0) + 1
        number = f"{self.chapters[address]}.{counters[counter]}"
        self.numbers[address, token.start] = number
        if label:
            self._add(page, Target(label, address, token.line, kind, number, title))
        elif kind in STATEMENTS:
            raise page.error(
                token.line, f"a {kind} without a label", f"Add a line 'label: {KINDS[kind]}:...'"
            )

    def _listing(self, address: str, page: Page, token: Open) -> None:
        quote = token.options
        try:
            piece = self.source.piece(token.argument, quote.get("from", ""), quote.get("to", ""))
            items = filter(None, quote.get("light", "").split(";;"))
            named = [item.strip().partition(" = ") for item in items]
            lights = [(name, *quoted_lines(piece, statement)) for name, _, statement in named]
        except (LookupError, SyntaxError) as problem:
            raise page.error(
                token.line,
                f"listing {token.argument!r}: {problem}",
                "Name a function, class, method or assignment of mlp; quote whole statements",
            ) from None
        listing = Listing(token, address, piece, lights)
        at_home = {other.piece.name for other in self.listings if not other.again}
        if not listing.again and piece.name not in at_home:
            label, title = f"lst:{piece.name}", f"`{piece.name}`"
            self._add(page, Target(label, address, token.line, "listing", "", title))
        self.listings.append(listing)

    def _add(self, page: Page, target: Target) -> None:
        prefix = target.label.partition(":")[0]
        if target.kind != "listing" and PREFIXES.get(prefix) != target.kind:
            raise page.error(
                target.line,
                f"label {target.label!r} on a {target.kind}",
                f"Begin it with '{KINDS[target.kind]}:'",
            )
        if not NAME.fullmatch(target.label):
            raise page.error(
                target.line,
                f"label {target.label!r}, which would not fit into an address",
                "Write letters, digits, and - . : _ only",
            )
        if target.label in self.labels:
            first = self.labels[target.label]
            raise page.error(
                target.line,
                f"label {target.label!r} stands already at docs/{first.page}:{first.line}",
                "Labels are unique in the book: choose another",
            )
        self.labels[target.label] = target

    def _name(self, page: Page) -> None:
        """Enter the labelled formulas of a page, and the marked pieces of all."""
        near: list[Open | Heading] = []
        for token in page.tokens:
            if isinstance(token, Open) and token.options.get("label") in self.labels:
                near.append(token)
            elif isinstance(token, Heading) and token.label:
                near = [token]
            elif isinstance(token, Close) and token.opened in near:
                near.remove(token.opened)
            elif isinstance(token, Math):
                self._formulas(page, token, near)

    def _formulas(self, page: Page, token: Math, near: list[Open | Heading]) -> None:
        around = [each.label if isinstance(each, Heading) else each.options["label"] for each in near]
        label = token.label or next(reversed(around), "")
        named = [*token.pieces, *[(token.label, token.tex)] * bool(token.label)]
        for name, tex in named:
            if name in self.formulas:
                raise page.error(
                    token.line,
                    f"piece {name!r} is marked already, near {self.formulas[name].around.label}",
                    "Names of pieces are unique in the book: choose another",
                )
            if not label:
                raise page.error(
                    token.line,
                    f"piece {name!r} stands under no heading with a label",
                    "Give the section a label: '## Title {#sec:name}'",
                )
            self.formulas[name] = Formula(tex, self.labels[label])

    # ---------------------------------------------------------------- looking up

    def resolve(self, page: Page, ref: Ref) -> Target:
        """What a reference names."""
        if ref.label not in self.labels:
            start = ref.label.split(":")[-1][:4]
            near = ", ".join(label for label in self.labels if label.split(":")[-1][:4] == start)
            raise page.error(
                ref.line,
                f"reference to {ref.label!r}, which no page defines",
                f"Define it, or name one that exists{f' ({near})' if near else ''}",
            )
        return self.labels[ref.label]

    @cached_property
    def old(self) -> dict[str, list[str]]:
        """The released labels whose place each label has taken."""
        found: dict[str, list[str]] = {}
        for before, now in labels.released(self.root).items():
            if before != now:
                found.setdefault(now, []).append(before)
        return found

    @cached_property
    def checks(self) -> dict[str, list[tuple[str, Fence]]]:
        """The blocks that check each label, as (page's address, fence)."""
        found: dict[str, list[tuple[str, Fence]]] = {}
        for address, page in self.pages.items():
            for fence in page.fences():
                for label in fence.options.get("check", "").split():
                    found.setdefault(label, []).append((address, fence))
        return found

    def check_anchor(self, fence: Fence) -> str:
        """The anchor of a block that checks: its first label, and a number if it is not the first."""
        label = fence.options["check"].split()[0]
        place = [other for _, other in self.checks[label]].index(fence)
        return f"check-{label.replace(':', '-')}" + (f"-{place + 1}" if place else "")

    def checks_of(self, label: str) -> list[tuple[str, Fence]]:
        """The blocks that check a result, or the result in which a labelled equation stands."""
        result = self.results.get(label)
        return self.checks.get(result.options["label"] if result else label, [])

    @cached_property
    def results(self) -> dict[str, Open]:
        """The result with a label, or in which a labelled equation stands."""
        found: dict[str, Open] = {}
        for page in self.pages.values():
            for token in page.tokens:
                if isinstance(token, Open) and token.kind in PROVED:
                    inside = LABEL.findall(page.text[slice(*page.body(token))])
                    found |= dict.fromkeys([token.options["label"], *inside], token)
        return found

    def formula(self, page: Page, line: int, name: str) -> Formula:
        """The formula that a sheet names: an equation's label, or the name of a marked piece."""
        if name not in self.formulas:
            near = ", ".join(each for each in self.formulas if each[:4] == name[:4])
            raise page.error(
                line,
                f"the sheet names {name!r}, and no formula has this name",
                f"Name an equation's label, or mark the piece in its chapter: \\piece{{{name}}}{{...}}"
                + (f" (there are {near})" if near else ""),
            )
        return self.formulas[name]

    def proof_of(self, page: Page, statement: Open) -> Open | None:
        """The proof that follows a statement, or that names it with `of:`."""
        before: Open | None = None
        for token in page.tokens:
            if isinstance(token, Open) and token.kind in STATEMENTS:
                before = token
            elif isinstance(token, Open) and token.kind == "proof":
                named = token.options.get("of")
                if named == statement.options["label"] or (named is None and before is statement):
                    return token
        return None

    @cached_property
    def implementations(self) -> dict[str, list[Listing]]:
        """The listings that say they implement each result or equation."""
        found: dict[str, list[Listing]] = {}
        for listing in self.listings:
            for label in dict.fromkeys(listing.opened.options.get("implements", "").split()):
                found.setdefault(label, []).append(listing)
        return found

    @cached_property
    def bodies(self) -> dict[str, str]:
        """The address of each page by the fingerprint of its body."""
        return {fingerprint(page.text): address for address, page in reversed(self.pages.items())}

    # ---------------------------------------------------------------- what must hold

    def mistakes(self) -> Iterator[WeaveError]:
        """What is named and does not exist; what lacks a check, a proof or an alternative; what is typed."""
        for page in self.pages.values():
            yield from _in_prose(page)
            for token in page.tokens:
                if isinstance(token, Ref) and token.label not in self.labels:
                    yield _caught(self.resolve, page, token)
                elif isinstance(token, Cite):
                    yield from self._unknown_citations(page, token)
                elif isinstance(token, Measured):
                    yield from self._unknown_number(page, token)
                elif isinstance(token, Open):
                    yield from self._incomplete(page, token)
                elif isinstance(token, Sheet):
                    yield from self._unknown_rows(page, token)
        for label, blocks in self.checks.items():
            if label not in self.labels:
                address, fence = blocks[0]
                yield self.pages[address].error(
                    fence.line,
                    f"a check of {label!r}, which no page defines",
                    "Name the label of the result that the block checks",
                )
        yield from self._unfit()
        yield from self._uncited()
        yield from labels.lost(self.root, self.labels)

    def _unknown_citations(self, page: Page, cite: Cite) -> Iterator[WeaveError]:
        for key, _ in cite.keys:
            if key not in self.bibliography.entries:
                yield page.error(
                    cite.line,
                    f"citation of {key!r}, which docs/references.bib does not have",
                    "Add the entry, or correct the key",
                )

    def _entry_error(self, key: str, problem: str, remedy: str) -> WeaveError:
        """A mistake in an entry of the bibliography."""
        before, *_ = re.split(rf"\{{\s*{re.escape(key)}\s*,", self.bibliography.text)
        return WeaveError("docs/references.bib", 1 + before.count("\n"), f"entry {key!r}{problem}", remedy)

    def _unfit(self) -> Iterator[WeaveError]:
        for key, entry in self.bibliography.entries.items():
            if not NAME.fullmatch(key):
                problem = ", whose key would not fit into an address"
                yield self._entry_error(key, problem, "Write letters, digits, and - . : _ only")
            if not re.match("https?://", entry.fields.get("url", "https://")):
                problem = f", whose url is {entry.fields['url']!r}"
                yield self._entry_error(key, problem, "Begin it with https://")

    def _uncited(self) -> Iterator[WeaveError]:
        tokens = (token for page in self.pages.values() for token in page.tokens)
        cited = {key for token in tokens if isinstance(token, Cite) for key, _ in token.keys}
        for key in self.bibliography.entries:
            if key not in cited:
                yield self._entry_error(key, ", which no page cites", f"Cite it, [@{key}], or take it out")

    def _unknown_number(self, page: Page, token: Measured) -> Iterator[WeaveError]:
        try:
            results.words(page, token, self.root)
        except WeaveError as error:
            yield error

    def _unknown_rows(self, page: Page, token: Sheet) -> Iterator[WeaveError]:
        try:
            list(sheet.rows(self, page, token))
        except WeaveError as error:
            yield error

    def _incomplete(self, page: Page, token: Open) -> Iterator[WeaveError]:
        if token.kind in PROVED and token.options["label"] not in self.checks:
            yield page.error(
                token.line,
                f"no block checks {token.options['label']!r}",
                f"Add a block that begins ```python check={token.options['label']}",
            )
        if token.kind in PROVED and self.proof_of(page, token) is None:
            yield page.error(
                token.line, f"{token.options['label']!r} has no proof", "Let a ::: proof follow it"
            )
        drawn = token.options.get("svg") or token.options.get("schedule")
        if token.kind == "figure" and not (token.options.get("alt") and drawn):
            yield page.error(
                token.line,
                "a figure without a drawing or a text alternative",
                "Add a line 'svg: ...' or 'schedule: ...', and 'alt: ...'",
            )
        for label in token.options.get("implements", "").split():
            if label not in self.labels:
                yield page.error(
                    token.line,
                    f"a listing implements {label!r}, which no page defines",
                    "Name the label of an equation or a result",
                )


def fingerprint(text: str) -> str:
    """A hash of a text that does not see white space at the ends of lines."""
    return hashlib.sha256("\n".join(line.rstrip() for line in text.strip().splitlines()).encode()).hexdigest()


def current(root: Path = ROOT) -> Book:
    """The book as its files are now, scanned anew only when one of them has changed."""
    files = [root / "mkdocs.yml", *sorted((root / "mlp").glob("**/*.py"))]
    for path in sorted((root / "docs").iterdir()):
        if path.suffix in (".md", ".bib", ".txt"):
            files.append(path)
        elif path.is_dir() and path.name != "weave":
            files += sorted(path.glob("**/*.md"))
    digest = hashlib.sha256()
    for path in files:
        digest.update(path.read_bytes())
    return _read(root, digest.hexdigest())


@lru_cache(maxsize=2)
def _read(root: Path, digest: str) -> Book:
    return Book(root)


def _nav(entries: list[Any], numbered: bool | None = None) -> Iterator[tuple[str, bool]]:
    """(address, whether it is a numbered chapter) for each page: sections except Reference number theirs."""
    for entry in entries:
        for title, value in (entry if isinstance(entry, dict) else {"": entry}).items():
            if isinstance(value, list):
                yield from _nav(value, title != "Reference" if numbered is None else numbered)
            else:
                yield value, bool(numbered)


FOREIGN = re.compile(
    r"""(?:\b(?:src|srcset|poster)\s*=\s*["']?|<link\b[^>]*?|!\[[^\]]*\]\(|@import\s+["']|\burl\(\s*["']?)"""
    r"""(?:https?:)?//[^\s"')>]+"""
)
FENCELESS = re.compile(
    r"<pre\b|(?<=\n)(?![ <\ufffc]|[-*+][ ]|\d+[.)][ ])[^\n]+\n(?:[ ]*\n)+(?P<code>[ ]{4,}\S[^\n]*)"
)
WORDLESS = re.compile(r"""!\[\s*\]\(|<img\b(?![^>]*\balt=["'][^"'])""")


def _in_prose(page: Page) -> Iterator[WeaveError]:
    """A missing title; numbers that are typed; pictures, scripts and code that prose should not have."""
    if not any(isinstance(token, Heading) for token in page.tokens):
        yield page.error(page.first_line, "a page without a title", "Begin it with '# Title'")
    for line, text in results.typed(page):
        yield page.error(
            line,
            f"a measured number, {text!r}, is typed",
            "Name it in the results, {{part.entry:.1f}}, or print it in a block",
        )
    for pattern, problem, remedy in [
        (FOREIGN, "is loaded from another host", "Put the file under docs/ and name it from there"),
        (WORDLESS, "has no text alternative", "Say in words what is to be seen: ![a line that rises](a.svg)"),
        (FENCELESS, "would be shown as code and run by nobody", "Write ```python, or indent it less"),
    ]:
        for found in pattern.finditer(results.prose(page)):
            what = found.lastgroup or 0
            line = page.first_line + page.text.count("\n", 0, found.start(what))
            yield page.error(line, f"{found[what].strip()!r} {problem}", remedy)


def _noun(kind: str) -> str:
    return "Wrong turn" if kind == "wrong" else kind.capitalize()


def _caught(function: Any, *arguments: Any) -> WeaveError:
    try:
        function(*arguments)
    except WeaveError as error:
        return error
    raise AssertionError("expected a mistake")


class _TolerantLoader(yaml.SafeLoader):
    """Reads mkdocs.yml without knowing its tags (!ENV, !!python/name:...), which the weave does not need."""


_TolerantLoader.add_multi_constructor("", lambda loader, suffix, node: None)
assert set(STATEMENTS) <= set(BLOCKS)
