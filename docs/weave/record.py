"""The record: what the last test run saw of each block, listing and claim, in one committed JSON file.

An entry is kept under a key, a hash of the text that was run and of what `mlp` does. It changes only when its
key does, so a test run on another machine, or on another day, leaves the file as it is. A page whose key has
no entry says so: its blocks have changed since they were last run.
"""

import ast
import datetime
import fcntl
import hashlib
import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from functools import cache, lru_cache
from pathlib import Path
from typing import Any

from weave import results
from weave.book import ROOT, Book
from weave.scan import Fence, Open, Page
from weave.source import Piece, said

PATH = Path("docs") / "record.json"
CHARTS = Path(__file__).with_name("charts.py")


@dataclass(frozen=True)
class Entry:
    """What was seen: a result, the date; a check's kind, number of cases and worst residual; what was shown.

    `output` is what a block printed, `chart` the HTML of what it drew, as `Chart.printed` makes it.
    """

    result: str
    date: str
    kind: str = ""
    cases: int = 0
    worst: float = 0.0
    output: str = ""
    chart: str = ""

    @property
    def finding(self) -> str:
        """A check's finding in words."""
        if self.kind == "residual":
            return f"largest residual {self.worst:.1e} in {self.cases} cases"
        return f"{self.kind} in {self.cases} cases"


class Record:
    """The entries of the record file, by place (a page, or a listing's name) and key."""

    def __init__(self, root: Path = ROOT) -> None:
        self.path = root / PATH
        text = self.path.read_text(encoding="utf-8") if self.path.exists() else ""
        self.places = dict(_stored(text))

    def entry(self, place: str, key: str) -> Entry | None:
        """The entry for this key, or None if what it would describe has changed."""
        found = self.places.get(place, {}).get(key)
        return Entry(**found) if found else None

    def block(self, book: Book, page: Page, fence: Fence) -> Entry | None:
        """The entry of a block, or None if it has changed since it was run."""
        return self.entry(page.path, block_key(book, page, fence))

    def claim(self, book: Book, page: Page, statement: Open) -> Entry | None:
        """The entry of a result, or None if it or its checks have changed since they passed."""
        return self.entry(f"{page.path}#{statement.label}", claim_key(book, page, statement))

    def replace(self, place: str, seen: dict[str, Entry]) -> None:
        """Let `seen` be all that is known of a place; an entry whose key is there already stays as it is."""
        known = self.places.get(place, {})
        self.places[place] = {key: known.get(key) or _compact(entry) for key, entry in seen.items()}

    def save(self, places: set[str]) -> None:
        """Write what is known of these places, all that the book has, if the file says something else."""
        kept = {place: entries for place, entries in self.places.items() if place in places}
        text = json.dumps(kept, indent=1, sort_keys=True, ensure_ascii=True) + "\n"
        if not self.path.exists() or self.path.read_text(encoding="utf-8") != text:
            self.path.write_text(text, encoding="utf-8")


@lru_cache(maxsize=1)
def _stored(text: str) -> dict[str, dict[str, dict[str, Any]]]:
    """What a record file says; a `Record` puts other entries in place of these, and changes none."""
    stored: dict[str, dict[str, dict[str, Any]]] = json.loads(text) if text else {}
    return stored


@contextmanager
def alone(root: Path) -> Iterator[None]:
    """While the record is read, changed and written, other processes of a test run wait."""
    path = root / PATH
    path.touch()
    with path.open() as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def today() -> str:
    """The date of a new entry."""
    return datetime.datetime.now(datetime.UTC).date().isoformat()


def block_key(book: Book, page: Page, fence: Fence) -> str:
    """The key of a block: what `mlp` does, the blocks of its page up to itself, the results they load.

    Where charts are drawn, how they are drawn belongs to it.
    """
    before = [example.code for example in page.examples() if example.start <= fence.start]
    parts = results.loaded(page)
    drawing = [CHARTS.read_text(encoding="utf-8")] * any("charts." in code for code in before)
    return _hash(book.source.digest, *before, *[results.digest(parts, book.root)] * bool(parts), *drawing)


def claim_key(book: Book, page: Page, statement: Open) -> str:
    """The key of a result: its text, and the keys of the blocks that check it."""
    begin, end = page.body(statement)
    keys = [block_key(book, *block) for block in book.checks.get(statement.label, [])]
    return _hash(page.text[begin:end].strip(), *keys)


def listing_key(book: Book, piece: Piece) -> str:
    """The key of a listing: its own lines, and what `mlp` does."""
    return _hash(book.source.digest, _meaning(piece.text))


@cache
def _meaning(text: str) -> str:
    return said(ast.parse("if 1:\n" + text if text[0] == " " else text))


@cache
def _hash(*texts: str) -> str:
    return hashlib.sha256("\0".join(texts).encode()).hexdigest()[:16]


def _compact(entry: Entry) -> dict[str, Any]:
    """Without the fields that say nothing."""
    return {name: value for name, value in asdict(entry).items() if value not in ("", 0)}
