"""Run a page's blocks: what Sybil calls for each, and what the record learns from it."""

import ast
import contextlib
import doctest
import io
import math
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from sybil import Document, Example, Region

from weave.book import Book, current
from weave.charts import Chart
from weave.record import Entry, Record, alone, block_key, claim_key, listing_key, today
from weave.scan import Fence, Open, Page, scan
from weave.source import Piece

FLAGS = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE
FINDINGS = {
    "residuals": "residual",
    "exact": "exact",
    "bounded": "within bounds",
    "exhaustive": "exhaustive",
}


class Recorder:
    """Gathers what a test run sees of blocks and listings, and writes it into the record at its end."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.blocks: dict[str, dict[int, Entry | None]] = {}
        self.listings: dict[str, dict[str, Entry]] = {}

    def saw(self, page: Page, fence: Fence, entry: Entry | None) -> None:
        """A block was run; `entry` is None if it failed."""
        self.blocks.setdefault(page.path, {})[fence.start] = entry

    def executed(self, book: Book, piece: Piece, lines: int) -> None:
        """The blocks of its page executed all of a listing's `lines`."""
        entry = Entry("executed", today(), cases=lines)
        self.listings.setdefault(f"mlp:{piece.name}", {})[listing_key(book, piece)] = entry

    def save(self) -> None:
        """Renew the record of every page whose blocks were all run, and of every listing looked at."""
        if self.blocks or self.listings:
            with alone(self.root):
                self._save(current(self.root), Record(self.root))

    def _save(self, book: Book, record: Record) -> None:
        places = {f"mlp:{listing.piece.name}" for listing in book.listings}
        for page in book.pages.values():
            seen = self.blocks.get(page.path, {})
            if all(fence.start in seen for fence in page.examples()):
                found = {block_key(book, page, fence): seen[fence.start] for fence in page.examples()}
                record.replace(page.path, {key: entry for key, entry in found.items() if entry})
            places.add(page.path)
        for place, entries in self.listings.items():
            record.replace(place, entries)
        for page in book.pages.values():
            for token in page.tokens:
                if isinstance(token, Open) and token.label in book.checks:
                    places.add(f"{page.path}#{token.label}")
                    self._claim(book, record, page, token)
        record.save(places)

    def _claim(self, book: Book, record: Record, page: Page, result: Open) -> None:
        """Enter a result if its checks have all passed."""
        blocks = book.checks[result.label]
        found = [entry for block in blocks if (entry := record.block(book, *block))]
        if len(found) == len(blocks):
            cases, worst = sum(each.cases for each in found), max(each.worst for each in found)
            claim = Entry("passed", today(), "claim", cases, worst)
            record.replace(f"{page.path}#{result.label}", {claim_key(book, page, result): claim})


class Parser:
    """A Sybil parser for pages: each example the scanner finds; `report(page, fence, entry)` hears of it."""

    def __init__(self, root: Path, report: Callable[[Page, Fence, Entry | None], None]) -> None:
        self.root, self.report = root, report

    def __call__(self, document: Document) -> Iterable[Region]:
        """A region for each example of the page."""
        path = Path(document.path).resolve().relative_to(self.root).as_posix()
        page = scan(path, document.text)
        shift = len(document.text) - len(page.text)

        def evaluate(example: Example) -> None:
            self.report(page, example.parsed, None)
            self.report(page, example.parsed, run(example.parsed, example.namespace, Path(document.path)))

        for fence in page.examples():
            yield Region(fence.start + shift, fence.end + shift, fence, evaluate)


def run(fence: Fence, namespace: dict[str, Any], path: Path) -> Entry:
    """Run one block in its page's namespace; lines in tracebacks are the page's own.

    Raises what the block raises, and AssertionError when it does not do what its first line promises.
    """
    for name in FINDINGS:
        namespace.pop(name, None)
    output, last = io.StringIO(), None
    with contextlib.redirect_stdout(output):
        if "raises" in fence.options:
            print(_expected_error(fence, namespace, path))
        elif fence.is_doctest:
            _doctest(fence, namespace, path)
        else:
            last = _program(fence, namespace, path)
    kind, cases, worst = _finding(fence, namespace) if "check" in fence.options else ("", 0, 0.0)
    chart = last.printed() if isinstance(last, Chart) else ""
    return Entry("passed", today(), kind, cases, worst, output.getvalue(), chart)


def _program(fence: Fence, namespace: dict[str, Any], path: Path) -> object:
    """Run it; returns the value of its last line if that is an expression, as a notebook would show it."""
    tree = ast.parse("\n" * fence.line + fence.code, str(path))
    last = tree.body[-1] if tree.body else None
    if not isinstance(last, ast.Expr):
        exec(compile(tree, str(path), "exec"), namespace)
        return None
    exec(compile(ast.Module(tree.body[:-1], []), str(path), "exec"), namespace)
    return eval(compile(ast.Expression(last.value), str(path), "eval"), namespace)


def _doctest(fence: Fence, namespace: dict[str, Any], path: Path) -> None:
    test = doctest.DocTestParser().get_doctest(fence.code, namespace, path.name, str(path), fence.line)
    test.globs = namespace
    failures = io.StringIO()
    runner = doctest.DocTestRunner(optionflags=FLAGS, verbose=False)
    if runner.run(test, out=failures.write, clear_globs=False).failed:
        raise AssertionError(failures.getvalue())


def _expected_error(fence: Fence, namespace: dict[str, Any], path: Path) -> str:
    """The message of the error that the block must raise."""
    expected = fence.options["raises"]
    try:
        _program(fence, namespace, path)
    except Exception as error:
        came = f"{type(error).__name__}: {error}"
        if expected not in [kind.__name__ for kind in type(error).__mro__]:
            raise AssertionError(f"{path.name}:{fence.line}: expected {expected}, came {came}") from error
        return came
    raise AssertionError(
        f"{path.name}:{fence.line}: expected {expected}, but the block ran to its end; remove raises="
    )


def _finding(fence: Fence, namespace: dict[str, Any]) -> tuple[str, int, float]:
    """What a check leaves: its cases in `residuals` (numbers), or in another list (truth values)."""
    left = [name for name in FINDINGS if name in namespace]
    if len(left) != 1 or len(namespace[left[0]]) == 0 or "assert " not in fence.code:
        raise AssertionError(
            "a check asserts its bound and leaves its cases, at least one, in exactly one of the lists "
            f"{', '.join(FINDINGS)}; this one left {', '.join(left) or 'none'}"
        )
    cases = list(namespace[left[0]])
    if left[0] == "residuals":
        if not all(map(math.isfinite, cases)):
            raise AssertionError(f"{len(cases)} residuals, and not all are finite: NaN hides from max()")
        return "residual", len(cases), float(max(cases))
    if not all(cases):
        raise AssertionError(f"{cases.count(False)} of {len(cases)} cases of {left[0]} fail")
    return FINDINGS[left[0]], len(cases), 0.0
