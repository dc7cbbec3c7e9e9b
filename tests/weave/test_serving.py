"""While the book is served, much is kept from build to build, and what is shown is what a new build shows."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from material.plugins.search.plugin import SearchIndex

from weave import explorer, hooks, pictures, sweep
from weave.book import Book
from weave.extension import OUTPUTS, STALE

BUILDER = """
import sys
from mkdocs.commands.build import build
from mkdocs.config import load_config

address = "http://127.0.0.1:8000/"
for number, folder in enumerate(sys.stdin):
    config = load_config(site_dir=folder.strip())
    config.site_url = address
    if number == 0:
        config.plugins.on_startup(command="serve", dirty=False)
    try:
        build(config, serve_url=address)
        print("done", flush=True)
    except (Exception, SystemExit) as problem:
        print("done", repr(problem), repr(problem.__context__), flush=True)
"""


@pytest.fixture(scope="module")
def process(copy: Path) -> Iterator[Callable[[], subprocess.Popen[str]]]:
    """A function that starts a process which builds the copy into each folder that it is told."""
    started: list[subprocess.Popen[str]] = []

    def start() -> subprocess.Popen[str]:
        names = {"PYTHONPATH": f"{copy / 'docs'}:{copy}", "NO_MKDOCS_2_WARNING": "1"}
        pipe = subprocess.PIPE
        command = [sys.executable, "-c", BUILDER]
        started.append(
            subprocess.Popen(command, cwd=copy, env=os.environ | names, stdin=pipe, stdout=pipe, text=True)
        )
        return started[-1]

    yield start
    for each in started:
        each.communicate()


def built(process: subprocess.Popen[str], folder: Path) -> str:
    """What is said of a build: nothing if it ends well."""
    assert process.stdin and process.stdout
    print(folder, file=process.stdin, flush=True)
    return next(line for line in process.stdout if line.startswith("done"))[5:].strip()


@pytest.fixture(scope="module")
def serving(process: Any, tmp_path_factory: pytest.TempPathFactory) -> tuple[Any, dict[str, bytes]]:
    """A process that serves the copy, and what it showed at first."""
    started, folder = process(), tmp_path_factory.mktemp("first")
    assert built(started, folder) == ""
    return started, files(folder)


def files(site: Path) -> dict[str, bytes]:
    """All that a site consists of; an archive has the time of its making."""
    paths = (path for path in site.rglob("*") if path.is_file() and path.suffix != ".gz")
    return {path.relative_to(site).as_posix(): path.read_bytes() for path in paths}


def differing(one: dict[str, bytes], other: dict[str, bytes]) -> set[str]:
    """The files that are not the same in both."""
    return {name for name in {**one, **other} if one.get(name) != other.get(name)}


@contextmanager
def edited(path: Path, old: str, new: str) -> Iterator[None]:
    """A file with its first `old` replaced, for a while."""
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), encoding="utf-8")
    try:
        yield
    finally:
        path.write_text(text, encoding="utf-8")


AFFINE = "docs/derivatives/affine-map.md"
EDITS = {
    "a title": (AFFINE, "# The affine map", "# The affine map, edited", "reference/claims.html"),
    "the numbers of labels": (
        AFFINE,
        "::: theorem",
        "::: remark | New\nlabel: rem:new\n\nNew.\n:::\n\n::: theorem",
        "derivatives/backpropagation.html",
    ),
    "a listing": ("mlp/layers.py", "def advance(", "def advance(  # new", "source/layers.html"),
    "the record": ("docs/record.json", '"cases": ', '"cases": 1', "reference/claims.html"),
    "an entry": ("docs/references.bib", "year = {1", "year = {2", "reference/bibliography.html"),
    "a macro": ("docs/weave/macros.toml", r"\\mathbb{R}", r"\\mathbf{R}", "notation.html"),
}


@pytest.mark.slow
@pytest.mark.parametrize("what", EDITS)
def test_an_edit_shows_wherever_a_new_build_shows_it(
    what: str, serving: Any, process: Any, copy: Path, tmp_path: Path
) -> None:
    name, old, new, where = EDITS[what]
    with edited(copy / name, old, new):
        assert built(serving[0], tmp_path / "served") == ""
        assert built(process(), tmp_path / "new") == ""
    served = files(tmp_path / "served")
    assert where in differing(serving[1], served)
    assert differing(served, files(tmp_path / "new")) == set()


@pytest.mark.slow
def test_what_mlp_does_now_is_drawn_and_labs_say_that_they_have_not_seen_it(
    serving: Any, copy: Path, tmp_path: Path
) -> None:
    longer = "[length + 1] * longer + [length] * (count - longer)"
    shorter = "[length] * (count - longer) + [length + 1] * longer"
    with edited(copy / "mlp/schedules.py", longer, shorter):
        assert built(serving[0], tmp_path / "served") == ""
        command = [sys.executable, "-c", "from weave import explorer; print(explorer.data(), end='')"]
        names = {"PYTHONPATH": f"{copy / 'docs'}:{copy}"}
        fresh = subprocess.run(command, cwd=copy, env=os.environ | names, capture_output=True, check=True)
    served = files(tmp_path / "served")
    assert served["assets/schedules.js"] == fresh.stdout != serving[1]["assets/schedules.js"]
    for name in ("index.html", "evidence/memory.html", "evidence/time.html", "evidence/learning.html"):
        assert STALE.encode() in served[name]
        assert STALE.encode() not in serving[1][name]
    assert built(serving[0], tmp_path / "restored") == ""
    assert differing(serving[1], files(tmp_path / "restored")) == set()


@pytest.mark.slow
@pytest.mark.parametrize(
    "mistake",
    [
        (AFFINE, "# The affine map", "# The affine map\n\n[](#eq:nowhere)", "eq:nowhere"),
        (AFFINE, "# The affine map", "# The affine map\n\n$\\frac$", "TeX does not parse"),
        ("mlp/layers.py", "def advance(", "def (", "invalid syntax"),
        ("mlp/schedules.py", "def uniform(", "nothing\n\n\ndef uniform(", "'nothing' is not defined"),
    ],
)
def test_a_mistake_is_named_and_once_mended_forgotten(
    mistake: tuple[str, str, str, str], serving: Any, copy: Path, tmp_path: Path
) -> None:
    name, old, new, said = mistake
    with edited(copy / name, old, new):
        assert said in built(serving[0], tmp_path)
    assert built(serving[0], tmp_path) == ""
    assert differing(serving[1], files(tmp_path)) == set()


# ---------------------------------------------------------------- what is kept, piece by piece


def page(content: str, url: str = "one.html", title: str = "One") -> Any:
    return SimpleNamespace(url=url, title=title, content=content, meta={}, toc=[])


def test_the_search_reads_a_page_only_if_it_says_something_new(monkeypatch: pytest.MonkeyPatch) -> None:
    read: list[str] = []
    add = SearchIndex.add_entry_from_context
    monkeypatch.setattr(
        SearchIndex, "add_entry_from_context", lambda self, page: (read.append(page.content), add(self, page))
    )
    pages = [page("<h1>One</h1><p>one"), page("<h1>Two</h1><p>two", "two.html", "Two")]
    edited = [pages[0], page("<h1>Two</h1><p>new", "two.html", "Two")]
    for shown in (pages, pages, edited, pages):
        index, wanted = hooks.Index(), SearchIndex()
        for each in shown:
            index.add_entry_from_context(each)
            add(wanted, each)
        assert index.entries == wanted.entries != []
    assert [text[-3:] for text in read] == ["one", "two", "new", "two"]


def test_a_lab_is_executed_once_while_it_is_served(
    write: Callable[..., Book], weave: Callable[..., str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its prose may change; a block that changes says so, until it is again what it was."""
    config: Any = SimpleNamespace(plugins={"mkdocs-jupyter": SimpleNamespace(config={"cache_dir": "key"})})
    monkeypatch.setattr(hooks, "served", True)
    monkeypatch.setattr(hooks, "EXECUTED", {})
    monkeypatch.setitem(OUTPUTS, "one.md", [("printed", "<b>displayed</b>")])

    def shown(book: Book) -> bool:
        """Whether what the block showed is shown, and the lab not executed."""
        monkeypatch.setattr(hooks, "current", lambda: book)
        lab: Any = SimpleNamespace(file=SimpleNamespace(src_uri="one.md"), render="mkdocs-jupyter's")
        assert not hasattr(hooks.on_pre_page(lab, config, Any), "render")
        html = weave(book)
        assert ("printed" in html) == ("<b>displayed</b>" in html) != (STALE in html)
        return STALE not in html

    book = write()
    monkeypatch.setattr(hooks, "current", lambda: book)
    hooks.EXECUTED["one.md"] = hooks._blocks("one.md", config), OUTPUTS["one.md"]
    assert shown(book)
    assert shown(write("Text with", "Words with"))
    assert not shown(write("range(3)", "range(4)"))
    assert shown(book)
    config.plugins["mkdocs-jupyter"].config["cache_dir"] = "another"
    assert not shown(book)


def test_modules_that_draw_are_all_imported_again() -> None:
    """No other module of the weave draws with the package: if one begins to, it has to be in the list."""
    folder = Path(hooks.__file__).parent
    imports = re.compile(r"^(from|import) mlp\b", re.MULTILINE)
    drawing = {path.stem for path in folder.glob("*.py") if imports.search(path.read_text(encoding="utf-8"))}
    assert drawing == {module.__name__.split(".")[-1] for module in (pictures, explorer, sweep)}
