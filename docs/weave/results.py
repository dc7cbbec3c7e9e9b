"""Results: what `make bench` measured, one file for each part, and how a page speaks of it.

In prose, `{{epoch.sklearn:.1f}}` stands for the entry `sklearn` of docs/bench/results/epoch.json, printed as
Python's format `.1f` would; `{{memory.state:.0f MiB}}` divides by the unit and writes it. In a list, a row is
named by its number or by what one of its columns says: `{{overhead.rows.bisection.time:.2f}}`. What was not
measured yet is said to be so, and what the results do not have is the writer's mistake.
"""

import hashlib
import json
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

from weave import source
from weave.scan import Fence, Math, Measured, Open, Page, Token

ROOT = Path(__file__).resolve().parents[2]
FOLDER = Path("docs") / "bench" / "results"
PARTS = (
    "step", "pytorch", "products", "epoch", "lessons", "memory", "overhead", "pareto", "torch-checkpoint",
    "mnist",
)  # fmt: skip
"""The parts of the benchmark command: a name in prose begins with one."""

UNITS = {"KiB": 2**10, "MiB": 2**20, "GiB": 2**30, "ms": 1e-3, "s": 1}
LOADED = re.compile(r"""(?:results\.load|charts\.measured)\(\s*["']([\w-]+)["']""")


def load(part: str, root: Path = ROOT) -> dict[str, Any] | None:
    """A part's results, None if it was not measured yet."""
    if part not in PARTS:
        raise LookupError(f"there is no part {part!r}; parts: {', '.join(PARTS)}")
    path = root / FOLDER / f"{part}.json"
    found: dict[str, Any] | None = json.loads(path.read_text(encoding="utf-8")) if path.exists() else None
    return found


@cache
def present() -> str:
    """The hash of what `mlp` does now; results carry that of what it did when they were measured."""
    return source.read(ROOT).digest


def trouble(data: dict[str, Any] | None, present: str) -> str:
    """What is to be said of results: that there are none, or that `mlp` has changed since; else ""."""
    if data is None:
        return "not measured yet"
    return "" if data["about"].get("mlp") == present else "older than the code"


def digest(parts: set[str], root: Path = ROOT) -> str:
    """A hash of the parts' results."""
    texts = [json.dumps(load(part, root)) for part in sorted(parts)]
    return hashlib.sha256("\0".join(texts).encode()).hexdigest()[:16]


def origin(data: dict[str, Any] | None, present: str) -> str:
    """Where, when and with what a part was measured, in words, and what is to be said of it."""
    said = trouble(data, present)
    if data is None:
        return said
    about = data["about"]
    versions = ", ".join(f"{name} {number}" for name, number in about["versions"].items())
    return (
        f"Measured on {about['date']} by {about['command']}: {about['processor']}, cores {about['cores']}, "
        f"threads {about['threads']}, Python {about['python']}, {versions}" + f"; {said}" * bool(said)
    )


# ---------------------------------------------------------------- names in prose


def words(page: Page, token: Measured, root: Path = ROOT) -> str:
    """What a name in prose stands for; an unknown name is a mistake on the page."""
    part, *steps = token.name.split(".")
    try:
        data = load(part, root)
        return "(not measured)" if data is None else formatted(entry(data, steps), token.form)
    except (LookupError, ValueError, TypeError) as error:
        problem = f"no number {token.name!r} in the results: {error.args[0]}"
        remedy = f"Write {{{{part.entry.entry:.2f}}}}, as docs/bench/results/{part}.json has it"
        raise page.error(token.line, problem, remedy) from None


def entry(data: Any, steps: list[str]) -> Any:
    """What lies at the end of a path of keys, of numbers of rows, and of what a row says in some column."""
    for step in steps:
        if isinstance(data, dict) and step in data:
            data = data[step]
        elif isinstance(data, list) and re.fullmatch(r"-?\d+", step):
            data = data[int(step)]
        else:
            rows = data if isinstance(data, list) else []
            named = [row for row in rows if isinstance(row, dict) and step in map(str, row.values())]
            if len(named) != 1:
                raise LookupError(f"{step!r} is not there" + " only once" * bool(named))
            data = named[0]
    return data


def formatted(value: Any, form: str) -> str:
    """A value in a format such as `.1f`, or `.1f MiB`, which divides by the unit and writes it."""
    form, _, unit = form.partition(" ")
    if isinstance(value, dict | list):
        raise TypeError("it is no number but a table")
    if not unit:
        return format(value, form)
    if unit not in UNITS:
        raise LookupError(f"{unit!r} is not among the units {', '.join(UNITS)}")
    return f"{format(value / UNITS[unit], form)}\N{NO-BREAK SPACE}{unit}"


def loaded(page: Page) -> set[str]:
    """The parts that the blocks of a page load."""
    return {part for fence in page.examples() for part in _named(fence.code)}


@cache
def _named(code: str) -> list[str]:
    return LOADED.findall(code)


def used(page: Page) -> set[str]:
    """The parts that a page speaks of, in its blocks or in its prose."""
    return loaded(page) | {token.name.split(".")[0] for token in page.tokens if isinstance(token, Measured)}


# ---------------------------------------------------------------- numbers that are typed

CODE = re.compile(r"(?<!`)(`+)(?!`).+?(?<!`)\1(?!`)|\]\([^)]*\)", re.DOTALL)  # and the addresses of links
TYPED = re.compile(
    r"""\d[\d.,]*(?:\s|&nbsp;|[\u2009\u202f-])*
        (?: (?: s | m?secs? | milliseconds? | seconds? | minutes? | [mu\u00b5\u03bc]s
            | [kKMGT]i?B(?:/s)? | [KMGT]?FLOPs?/s | per\ ?cent | times ) (?![\w/])
        | % )""",
    re.VERBOSE,
)


def prose(page: Page) -> str:
    """The text of a page, its fences, formulas, numbers and listings blanked."""

    def shown(token: Token) -> str:
        text = page.text[token.start : token.end]
        code = isinstance(token, Open) and token.kind == "listing"
        return _blank(text) if code or isinstance(token, Fence | Math | Measured) else text

    return page.replaced(shown)


def typed(page: Page) -> Iterator[tuple[int, str]]:
    """(line, text) of each number that stands in prose with a unit of something measured, or with "times"."""
    text = CODE.sub(lambda found: _blank(found[0]), prose(page))
    for found in TYPED.finditer(text):
        yield page.first_line + text.count("\n", 0, found.start()), " ".join(found[0].split())


def _blank(text: str) -> str:
    return re.sub(".", "\N{OBJECT REPLACEMENT CHARACTER}", text)
