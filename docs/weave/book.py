"""The book as a whole: its pages in order, what every label names, and which block checks which result."""

import hashlib
import os
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
    Token,
    scan,
)
from weave.source import Piece, quoted_lines

ROOT = results.ROOT
PREFIXES = {
    "thm": "theorem", "lem": "lemma", "prp": "proposition", "cor": "corollary", "def": "definition",
    "rem": "remark", "ex": "exercise", "wrong": "wrong", "eq": "equation", "fig": "figure", "sec": "section",
}  # fmt: skip
NAME, WRITABLE = re.compile(r"[\w:.-]+"), "letters, digits, and - . : _ only"
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
    def words(self) -> str:
        """How a reference reads: "Theorem 2.1", "(2.3)", or a section's title."""
        if self.kind == "equation":
            return f"({self.number})"
        return self.title if self.kind in ("section", "listing") else f"{noun(self.kind)} {self.number}"


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
        self.config = yaml.load((root / "mkdocs.yml").read_text(encoding="utf-8"), _Loader)
        self.source = source.read(root)
        self.bibliography = Bibliography(root / "docs" / "references.bib")
        self.pages: dict[str, Page] = {}
        self.chapters: dict[str, int] = {}
        self.parts: dict[str, str] = {}
        for address, part in _nav(self.config["nav"]):
            self.pages[address] = scan(f"docs/{address}", self._read_page(address))
            if part not in ("", "Reference"):
                self.chapters[address] = len(self.chapters) + 1
                self.parts.setdefault(part, address)
        self.labels: dict[str, Target] = {}
        self.numbers: dict[tuple[str, int], str] = {}
        self.listings: list[Listing] = []
        self.formulas: dict[str, Formula] = {}
        for page in self.pages.values():
            self._number(page)
            self._name(page)

    def _read_page(self, address: str) -> str:
        path = self.root / "docs" / address
        if not path.is_file():
            nav = (self.root / "mkdocs.yml").read_text(encoding="utf-8").splitlines()
            line = next(number for number, text in enumerate(nav, 1) if address in text)
            problem = f"the nav names {address}, which docs/ does not have"
            raise WeaveError("mkdocs.yml", line, problem, "Write the page, or take it out")
        return path.read_text(encoding="utf-8")

    # ---------------------------------------------------------------- numbering

    def _number(self, page: Page) -> None:
        counters: dict[str, int] = {}
        for token in page.tokens:
            if isinstance(token, Math) and token.label:
                self._label(page, token, "equation", "", counters)
            elif isinstance(token, Heading) and token.label:
                self._add(page, Target(token.label, page.address, token.line, "section", "", token.text))
            elif isinstance(token, Open) and token.kind in (*STATEMENTS, *FIGURES, "exercise", "wrong"):
                kind = "figure" if token.kind in FIGURES else token.kind
                self._label(page, token, kind, token.argument, counters)
            elif isinstance(token, Open) and token.kind == "listing":
                self._listing(page, token)

    def _label(self, page: Page, token: Math | Open, kind: str, title: str, counters: dict[str, int]) -> None:
        """Number a token in its chapter, and enter its label."""
        if page.address not in self.chapters:
            remedy = "Move the page into a section of the nav in mkdocs.yml, or leave the label out"
            raise page.error(token.line, f"a numbered {kind} on a page that is no chapter", remedy)
        counter = "statement" if kind in STATEMENTS else kind
        counters[counter] = counters.get(counter, 0) + 1
        number = f"{self.chapters[page.address]}.{counters[counter]}"
        self.numbers[page.path, token.start] = number
        if token.label:
            self._add(page, Target(token.label, page.address, token.line, kind, number, title))
        elif kind in STATEMENTS:
            remedy = f"Add a line 'label: {KINDS[kind]}:...'"
            raise page.error(token.line, f"a {kind} without a label", remedy)

    def _listing(self, page: Page, token: Open) -> None:
        quote = token.options
        try:
            piece = self.source.piece(token.argument, quote.get("from", ""), quote.get("to", ""))
            items = filter(None, quote.get("light", "").split(";;"))
            named = [item.strip().partition(" = ") for item in items]
            lights = [(name, *quoted_lines(piece, statement)) for name, _, statement in named]
        except (LookupError, SyntaxError) as error:
            problem = f"listing {token.argument!r}: {error}"
            remedy = "Name a function, class, method or assignment of mlp; quote whole statements"
            raise page.error(token.line, problem, remedy) from None
        listing = Listing(token, page.address, piece, lights)
        if not listing.again and not self.home(piece.name):
            label, title = f"lst:{piece.name}", f"`{piece.name}`"
            self._add(page, Target(label, page.address, token.line, "listing", "", title))
        self.listings.append(listing)

    def _add(self, page: Page, target: Target) -> None:
        prefix, problem = target.label.partition(":")[0], f"label {target.label!r}"
        if target.kind != "listing" and PREFIXES.get(prefix) != target.kind:
            remedy = f"Begin it with '{KINDS[target.kind]}:'"
            raise page.error(target.line, f"{problem} on a {target.kind}", remedy)
        if not NAME.fullmatch(target.label):
            problem += ", which would not fit into an address"
            raise page.error(target.line, problem, f"Write {WRITABLE}")
        if target.label in self.labels:
            first = self.labels[target.label]
            problem += f" stands already at docs/{first.page}:{first.line}"
            raise page.error(target.line, problem, "Labels are unique in the book: choose another")
        self.labels[target.label] = target

    def _name(self, page: Page) -> None:
        """Enter the labelled formulas of a page, and the marked pieces of all."""
        near: list[Open | Heading] = []
        for token in page.tokens:
            if isinstance(token, Open) and token.label in self.labels:
                near.append(token)
            elif isinstance(token, Heading) and token.label:
                near = [token]
            elif isinstance(token, Close) and token.opened in near:
                near.remove(token.opened)
            elif isinstance(token, Math):
                self._formulas(page, token, near)

    def _formulas(self, page: Page, token: Math, near: list[Open | Heading]) -> None:
        label = token.label or (near[-1].label if near else "")
        named = [*token.pieces, *[(token.label, token.tex)] * bool(token.label)]
        for name, tex in named:
            if name in self.formulas:
                problem = f"piece {name!r} is marked already, near {self.formulas[name].around.label}"
                raise page.error(token.line, problem, "Names are unique in the book: choose another")
            if not label:
                problem = f"piece {name!r} stands under no heading with a label"
                raise page.error(token.line, problem, "Give the section a label: '## Title {#sec:name}'")
            self.formulas[name] = Formula(tex, self.labels[label])

    # ---------------------------------------------------------------- looking up

    def number(self, page: Page, token: Token) -> str:
        """The number of a statement, a formula or a figure, "" if it has none."""
        return self.numbers.get((page.path, token.start), "")

    def home(self, name: str) -> Target | None:
        """The listing at which a definition of the package is at home."""
        return self.labels.get(f"lst:{name}")

    def listing(self, opened: Open) -> Listing:
        """The listing that a token opens."""
        return next(listing for listing in self.listings if listing.opened is opened)

    def resolve(self, page: Page, ref: Ref) -> Target:
        """What a reference names."""
        if ref.label not in self.labels:
            start = ref.label.split(":")[-1][:4]
            near = ", ".join(label for label in self.labels if label.split(":")[-1][:4] == start)
            remedy = f"Define it, or name one that exists{f' ({near})' if near else ''}"
            raise page.error(ref.line, f"reference to {ref.label!r}, which no page defines", remedy)
        return self.labels[ref.label]

    def cited(self, page: Page, cite: Cite) -> list[str]:
        """How each of the works that a citation names is cited."""
        if unknown := [repr(key) for key, _ in cite.keys if key not in self.bibliography.entries]:
            problem = f"citation of {', '.join(unknown)}, which docs/references.bib does not have"
            raise page.error(cite.line, problem, "Add the entry, or correct the key")
        return [self.bibliography.cited_as(*each) for each in cite.keys]

    def words(self, page: Page, token: Ref | Cite | Measured) -> str:
        """What a reference, a citation or a measured number reads like without links."""
        match token:
            case Ref():
                return token.text or self.resolve(page, token).words
            case Cite():
                return "; ".join(self.cited(page, token))
            case Measured():
                return results.words(page, token, self.root)

    @cached_property
    def old(self) -> dict[str, list[str]]:
        """The released labels whose place each label has taken."""
        found: dict[str, list[str]] = {}
        for before, now in labels.released(self.root).items():
            if before != now:
                found.setdefault(now, []).append(before)
        return found

    @cached_property
    def checks(self) -> dict[str, list[tuple[Page, Fence]]]:
        """The blocks that check each label, with their pages."""
        found: dict[str, list[tuple[Page, Fence]]] = {}
        for page in self.pages.values():
            for fence in page.fences:
                for label in fence.options.get("check", "").split():
                    found.setdefault(label, []).append((page, fence))
        return found

    def check_anchor(self, fence: Fence) -> str:
        """The anchor of a block that checks: its first label, and a number if it is not the first."""
        label = fence.options["check"].split()[0]
        place = [other for _, other in self.checks[label]].index(fence)
        return f"check-{label.replace(':', '-')}" + (f"-{place + 1}" if place else "")

    def checks_of(self, label: str) -> list[tuple[Page, Fence]]:
        """The blocks that check a result, or the result in which a labelled equation stands."""
        result = self.results.get(label)
        return self.checks.get(result.label if result else label, [])

    @cached_property
    def results(self) -> dict[str, Open]:
        """The result with a label, or in which a labelled equation stands."""
        found: dict[str, Open] = {}
        for page in self.pages.values():
            for token in page.tokens:
                if isinstance(token, Open) and token.kind in PROVED:
                    inside = LABEL.findall(page.text[slice(*page.body(token))])
                    found |= dict.fromkeys([token.label, *inside], token)
        return found

    def formula(self, page: Page, line: int, name: str) -> Formula:
        """The formula that a sheet names: an equation's label, or the name of a marked piece."""
        if name not in self.formulas:
            near = ", ".join(each for each in self.formulas if each[:4] == name[:4])
            remedy = f"Name an equation's label, or mark the piece in its chapter: \\piece{{{name}}}{{...}}"
            remedy += f" (there are {near})" if near else ""
            raise page.error(line, f"the sheet names {name!r}, and no formula has this name", remedy)
        return self.formulas[name]

    def proof_of(self, page: Page, statement: Open) -> Open | None:
        """The proof that follows a statement, or that names it with `of:`."""
        before: Open | None = None
        for token in page.tokens:
            if isinstance(token, Open) and token.kind in STATEMENTS:
                before = token
            elif isinstance(token, Open) and token.kind == "proof":
                named = token.options.get("of")
                if named == statement.label or (named is None and before is statement):
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

    def code(self, label: str) -> list[Target]:
        """The homes of what implements a result or an equation."""
        names = dict.fromkeys(listing.piece.name for listing in self.implementations.get(label, []))
        return list(filter(None, map(self.home, names)))

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
                try:
                    if isinstance(token, Ref | Cite | Measured):
                        self.words(page, token)
                    elif isinstance(token, Sheet):
                        list(sheet.rows(self, page, token))
                    elif isinstance(token, Open):
                        yield from self._incomplete(page, token)
                except WeaveError as error:
                    yield error
        for label, ((page, fence), *_) in self.checks.items():
            if label not in self.labels:
                remedy = "Name the label of the result that the block checks"
                yield page.error(fence.line, f"a check of {label!r}, which no page defines", remedy)
        yield from self._entries()
        yield from labels.lost(self.root, self.labels)

    def _entries(self) -> Iterator[WeaveError]:
        """The mistakes in entries of the bibliography."""
        tokens = (token for page in self.pages.values() for token in page.tokens)
        cited = {key for token in tokens if isinstance(token, Cite) for key, _ in token.keys}
        for key, entry in self.bibliography.entries.items():
            before, *_ = re.split(rf"\{{\s*{re.escape(key)}\s*,", self.bibliography.text)
            url = entry.fields.get("url", "https://")
            for well, problem, remedy in [
                (NAME.fullmatch(key), "whose key would not fit into an address", f"Write {WRITABLE}"),
                (re.match("https?://", url), f"whose url is {url!r}", "Begin it with https://"),
                (key in cited, "which no page cites", f"Cite it, [@{key}], or take it out"),
            ]:
                if not well:
                    line = 1 + before.count("\n")
                    yield WeaveError("docs/references.bib", line, f"entry {key!r}, {problem}", remedy)

    def _incomplete(self, page: Page, token: Open) -> Iterator[WeaveError]:
        if token.kind in PROVED and token.label not in self.checks:
            remedy = f"Add a block that begins ```python check={token.label}"
            yield page.error(token.line, f"no block checks {token.label!r}", remedy)
        if token.kind in PROVED and self.proof_of(page, token) is None:
            yield page.error(token.line, f"{token.label!r} has no proof", "Let a ::: proof follow it")
        drawn = token.options.get("svg") or token.options.get("schedule")
        if token.kind == "figure" and not (token.options.get("alt") and drawn):
            remedy = "Add a line 'svg: ...' or 'schedule: ...', and 'alt: ...'"
            yield page.error(token.line, "a figure without a drawing or a text alternative", remedy)
        for label in token.options.get("implements", "").split():
            if label not in self.labels:
                problem = f"a listing implements {label!r}, which no page defines"
                yield page.error(token.line, problem, "Name the label of an equation or a result")


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


def _nav(entries: list[Any], part: str = "") -> Iterator[tuple[str, str]]:
    """(address, part of the book) for each page: the pages of all parts but Reference are chapters."""
    for entry in entries:
        for title, value in (entry if isinstance(entry, dict) else {"": entry}).items():
            if isinstance(value, list):
                yield from _nav(value, part or title)
            else:
                yield value, part


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
        remedy = "Name it in the results, {{part.entry:.1f}}, or print it in a block"
        yield page.error(line, f"a measured number, {text!r}, is typed", remedy)
    for pattern, problem, remedy in [
        (FOREIGN, "is loaded from another host", "Put the file under docs/ and name it from there"),
        (WORDLESS, "has no text alternative", "Say in words what is to be seen: ![a line that rises](a.svg)"),
        (FENCELESS, "would be shown as code and run by nobody", "Write ```python, or indent it less"),
    ]:
        for found in pattern.finditer(results.prose(page)):
            what = found.lastgroup or 0
            line = page.first_line + page.text.count("\n", 0, found.start(what))
            yield page.error(line, f"{found[what].strip()!r} {problem}", remedy)


def noun(kind: str) -> str:
    """What a kind of block is called where it is numbered or named."""
    return "Wrong turn" if kind == "wrong" else kind.capitalize()


class _Loader(yaml.SafeLoader):
    """Reads mkdocs.yml. Of its tags the weave needs !ENV alone; the others (!!python/name:...) are None."""

    def environment(self, node: yaml.SequenceNode) -> Any:
        """What `!ENV [NAME, default]` stands for."""
        name, default = self.construct_sequence(node)
        return os.environ.get(name, default)


_Loader.add_multi_constructor("", lambda loader, suffix, node: None)
_Loader.add_constructor("!ENV", _Loader.environment)
