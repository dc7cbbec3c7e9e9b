"""What must hold of the book (the gates). Each has been seen to fail: test_mistakes.py plants mistakes."""

from __future__ import annotations

import ast
import importlib
import inspect
import re
from functools import reduce
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import coverage
import pytest
from sybil import Sybil

from weave import results
from weave.book import ROOT, Book, current
from weave.examples import Recorder, run
from weave.record import Record
from weave.scan import PROVED, Open, scan
from weave.source import Module, docstring

EXPLAINED = [
    "mlp.activations",
    "mlp.training",
    "mlp.optimizers",
    "mlp.files",
    "mlp.losses",
    "mlp.network",
    "mlp.checks",
    "mlp.curvature",
    "mlp.layers",
    "mlp.backprop",
    "mlp.dropout",
    "mlp.data",
    "mlp.command",
    "mlp.validation",
    "mlp.arrays",
    "mlp.schedules",
    "mlp.checkpointing",
    "mlp.memory",
]
"""Modules whose chapters are done: every line of theirs has a home. This list only grows."""


@pytest.fixture(scope="module")
def book() -> Book:
    return current()


@pytest.mark.parametrize("name", EXPLAINED)
def test_every_line_of_an_explained_module_has_exactly_one_home(book: Book, name: str) -> None:
    module = book.source.modules[name]
    code = _code_lines(module)
    homes: dict[int, list[str]] = {line: [] for line in code}
    for listing in book.listings:
        if listing.piece.module is module and not listing.again:
            for line in range(listing.piece.first, listing.piece.last + 1):
                homes.setdefault(line, []).append(f"docs/{listing.page}:{listing.opened.line}")
    missing = [f"{module.path}:{line}" for line in sorted(code) if not homes[line]]
    double = {f"{module.path}:{line}": where for line, where in homes.items() if len(where) > 1}
    assert not missing, f"no listing shows {missing}: add '::: listing' to the module's chapter"
    assert not double, f"several homes: {double}: mark all but one 'again: yes'"


def test_rendered_fences_are_the_collected_examples(book: Book, site: Path) -> None:
    """The Python blocks in the built pages, and those that the scanner hands to Sybil, are the same texts."""
    for address, page in book.pages.items():
        shown = _Blocks.of(site / address.replace(".md", ".html"))
        wanted = [" ".join(fence.code.split()) for fence in page.fences]
        assert [" ".join(text.split()) for text in shown] == wanted, f"docs/{address}"


def test_sybil_collects_every_example(book: Book, sybils: list[Sybil]) -> None:
    """One Sybil has the care of each page, the README and CONTRIBUTING, and finds what the scanner finds."""
    paths = [book.root / page.path for page in book.pages.values()]
    for path in [*paths, book.root / "README.md", book.root / "CONTRIBUTING.md"]:
        collected = [
            example.parsed.code
            for sybil in sybils
            if sybil.should_parse(path)
            for example in sybil.parse(path).examples()
        ]
        wanted = [fence.code for fence in scan(path.name, path.read_text(encoding="utf-8")).examples()]
        assert collected == wanted, path


def test_sybil_collects_every_docstring(book: Book, sybils: list[Sybil]) -> None:
    """As many sessions are collected from each module as its text has prompts."""
    for module in book.source.modules.values():
        path = book.root / module.path
        collected = [
            example
            for sybil in sybils
            if sybil.should_parse(path)
            for example in sybil.parse(path).examples()
        ]
        assert len(collected) == len(re.findall(r"^ +>>> ", module.text, re.MULTILINE)), path


def test_no_page_shows_code_that_is_no_fence(book: Book, site: Path) -> None:
    """An indented block would be shown as code and run by nobody."""
    for address in book.pages:
        html = (site / address.replace(".md", ".html")).read_text(encoding="utf-8")
        article = html.split("<article", 1)[1].split("</article>")[0]
        stray = re.findall(r'<pre(?! class="(?:block|output)")', article)
        assert not stray, f"docs/{address}: {len(stray)} code blocks without a fence: use ```python"


def test_blocks_that_are_not_run_are_counted(book: Book) -> None:
    """An opt-out carries its reason on the page; this number is their count, and raising it is a decision."""
    unrun = [
        f"docs/{address}:{fence.line}"
        for address, page in book.pages.items()
        for fence in page.fences
        if "norun" in fence.options
    ]
    assert len(unrun) == 0, unrun


def test_listings_show_what_is_imported(book: Book) -> None:
    for listing in book.listings:
        piece = listing.piece
        module = importlib.import_module(piece.module.name)
        local = piece.name.removeprefix(f"{piece.module.name}.").split(".")
        named = reduce(getattr, local, module)
        defined = inspect.isroutine(named) or inspect.isclass(named)
        whole = inspect.getsource(named if defined else module)
        assert piece.text.strip() in whole, f"docs/{listing.page}:{listing.opened.line}: {piece.name}"


@pytest.mark.slow  # it runs every block a second time, traced
def test_a_chapters_blocks_execute_its_listings(book: Book, recorder: Recorder) -> None:
    """Every line of a listing, error branches apart, is executed by the blocks of its own chapter."""
    for address in book.pages:
        listings = [listing for listing in book.listings if listing.page == address]
        if not listings:
            continue
        executed = _executed(book, address)
        for listing in listings:
            piece = listing.piece
            shown = set(range(piece.first, piece.last + 1)) - _raising_lines(piece.module)
            lines = _body_lines(piece.module) & shown
            missed = sorted(lines - executed.get(str(piece.module.path), set()))
            assert not missed, (
                f"docs/{address}:{listing.opened.line}: no block executes {piece.module.path}:{missed}"
            )
            recorder.executed(book, piece, len(lines))


def test_labels_references_checks_and_citations(book: Book) -> None:
    assert [str(mistake) for mistake in book.mistakes()] == []


def test_every_result_is_checked_and_the_record_knows_it(book: Book) -> None:
    record, results = Record(), 0
    for page in book.pages.values():
        for token in page.tokens:
            if isinstance(token, Open) and token.kind in PROVED:
                results += 1
                for block in book.checks[token.label]:
                    entry = record.block(book, *block)
                    assert entry is None or (entry.result == "passed" and entry.cases > 0)
    assert results > 0


@pytest.mark.parametrize("name", ["README.md", "CONTRIBUTING.md"])
def test_no_measured_number_is_typed_outside_the_book(name: str) -> None:
    """A number with a unit comes from the results by its name, or from a block; as on pages."""
    found = [f"{name}:{line}: {text}" for line, text in results.typed(scan(name, (ROOT / name).read_text()))]
    assert not found


def test_the_results_have_the_parts_of_the_benchmark() -> None:
    """The weave's list of parts is the command's own, whose file is not imported to build the site."""
    command = (ROOT / "docs" / "bench" / "__main__.py").read_text(encoding="utf-8")
    listed = command.split("PARTS = {", 1)[1].split("}", 1)[0]
    assert tuple(re.findall(r'"([^"]+)":', listed)) == results.PARTS


def test_a_lab_is_light(site: Path) -> None:
    """A page of evidence weighs at most 150 KB before compression: its drawings are few points, rounded."""
    heavy = {
        path.name: path.stat().st_size
        for path in site.glob("evidence/*.html")
        if path.stat().st_size > 150_000
    }
    assert not heavy, heavy


def test_nothing_is_loaded_from_another_host(site: Path) -> None:
    """No page, style sheet or script of the site makes a browser ask another host for anything."""
    loads = re.compile(
        r"""(?:src|srcset|poster)\s*=\s*["'](?:https?:)?//|<link[^>]+rel="?(?!canonical|next|prev)[^>]*href="(?:https?:)?//|"""
        r"""@import\s+["']?(?:https?:)?//|url\(\s*["']?(?:https?:)?//|fetch\(\s*["']https?://"""
    )
    for path in [*site.rglob("*.html"), *site.rglob("*.css"), *site.glob("assets/*.js")]:
        assert not loads.search(path.read_text(encoding="utf-8")), path.relative_to(site)


def test_third_party_files_come_from_the_lock_alone(site: Path) -> None:
    """Fonts and style sheets of others are not in the repository; the site's are those that the lock gave."""
    tracked = [
        path
        for path in ROOT.glob("docs/**/*")
        if path.suffix in {".woff2", ".ttf", ".woff", ".otf"}
        and "vendor" not in path.parts
        and "node_modules" not in path.parts
    ]
    assert tracked == []
    assert list(site.glob("assets/vendor/**/*.woff2"))


def test_licences_lie_beside_what_is_shipped_of_others(site: Path) -> None:
    """Each is what it should be."""
    marks = {
        "LICENSE-theme.txt": "Martin Donath",
        "vendor/katex/LICENSE.txt": "Khan Academy",
        "vendor/iframe-worker/LICENSE.txt": "Martin Donath",
        "vendor/fonts/LICENSE-stix-two-text.txt": "STIX",
        "vendor/fonts/LICENSE-source-code-pro.txt": "SIL Open Font License",
    }
    for name, mark in marks.items():
        assert mark in (site / "assets" / name).read_text(encoding="utf-8"), name
    assert "Pictogrammers" in (site / "assets" / "LICENSE-theme.txt").read_text(encoding="utf-8")


class _Blocks(HTMLParser):
    """The code of a page's blocks, in order; listings, outputs and whole sources are not blocks."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []
        self.depth, self.inside, self.skip = 0, 0, False

    @staticmethod
    def of(path: Path) -> list[str]:
        parser = _Blocks()
        parser.feed(path.read_text(encoding="utf-8"))
        return parser.found

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        classes = (dict(attributes).get("class") or "").split()
        if tag == "div":
            self.depth += 1
            if "code" in classes and "source" not in classes:
                self.inside = self.depth
        if tag == "pre" and self.inside:
            self.skip = "output" in classes
            if not self.skip:
                self.found.append("")

    def handle_endtag(self, tag: str) -> None:
        if tag == "div":
            self.inside = 0 if self.depth == self.inside else self.inside
            self.depth -= 1
        if tag == "pre":
            self.skip = True

    def handle_data(self, data: str) -> None:
        if self.inside and not self.skip and self.found:
            self.found[-1] += data


def _code_lines(module: Module) -> set[int]:
    """Lines that hold code: not blank, not comment, not docstring, not an import."""
    covered: set[int] = set()
    for node in ast.walk(module.tree):
        if isinstance(node, ast.stmt) and not _only_imports(node):
            covered.update(_own_lines(node))
    for holder in ast.walk(module.tree):
        if (doc := docstring(holder)) is not None:
            covered.difference_update(_lines(doc))
    return {line for line in covered if (text := module.lines[line - 1].strip()) and not text.startswith("#")}


def _body_lines(module: Module) -> set[int]:
    """First lines of the statements inside functions: what running the functions executes."""
    functions = [node for node in ast.walk(module.tree) if isinstance(node, ast.FunctionDef)]
    inner = (node for function in functions for body in function.body for node in ast.walk(body))
    return {node.lineno for node in inner if isinstance(node, ast.stmt)} & _code_lines(module)


def _raising_lines(module: Module) -> set[int]:
    """Lines of error branches: `raise` statements, and the bodies of `if`s and handlers that end in one."""
    lines: set[int] = set()
    for node in ast.walk(module.tree):
        body = getattr(node, "body", None)
        if isinstance(node, ast.If | ast.ExceptHandler) and body and isinstance(body[-1], ast.Raise):
            lines.update(_lines(body[0], body[-1]))
            if isinstance(node, ast.ExceptHandler):
                lines.add(node.lineno)
        if isinstance(node, ast.Raise):
            lines.update(_lines(node))
    return lines


def _only_imports(node: ast.stmt) -> bool:
    """Whether a statement is an import, or an `if` around nothing else, such as `if TYPE_CHECKING:`."""
    body = node.body if isinstance(node, ast.If) and not node.orelse else [node]
    return all(isinstance(inner, ast.Import | ast.ImportFrom) for inner in body)


def _own_lines(node: ast.stmt) -> range:
    """The lines of a statement that are not lines of the statements inside it."""
    first = min([node.lineno, *(each.lineno for each in getattr(node, "decorator_list", []))])
    body = getattr(node, "body", None)
    if body and isinstance(body[0], ast.stmt):
        return range(first, max(first, body[0].lineno - 1) + 1)
    return range(first, _lines(node).stop)


def _lines(first: ast.stmt, last: ast.stmt | None = None) -> range:
    """The lines from one statement to another, or of one."""
    return range(first.lineno, ((last or first).end_lineno or 0) + 1)


def _executed(book: Book, address: str) -> dict[str, set[int]]:
    """The lines of the package that a page's blocks execute, by file."""
    page = scan(f"docs/{address}", (book.root / "docs" / address).read_text(encoding="utf-8"))
    measured = coverage.Coverage(
        data_file=None, config_file=False, include=[str(book.root / "mlp" / "*")], messages=False
    )
    namespace: dict[str, Any] = {}
    measured.start()
    try:
        for fence in page.examples():
            run(fence, namespace, book.root / page.path)
    finally:
        measured.stop()
    data = measured.get_data()
    return {
        str(Path(name).relative_to(book.root)): set(data.lines(name) or ()) for name in data.measured_files()
    }
