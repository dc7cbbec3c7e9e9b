"""Read a page into tokens: the one scanner that the renderer, Sybil and the gates share.

A page is Markdown plus eight constructs, and each becomes a token that knows its place in the text:

    ```python check=thm:x     a fence              Fence
    ::: theorem | Title       a block's two ends   Open, Close
    $$ ... $$  and  $ ... $   formulas             Math
    ## Title {#sec:x}         a heading            Heading
    [](#thm:x)                a reference          Ref
    [@chen2016]               a citation           Cite
    {{epoch.sklearn:.1f}}     a measured number    Measured
    ::: sheet ... :::         rows of formulas     Sheet

Everything between tokens is plain Markdown and is never looked at again. Because the renderer replaces
exactly these tokens, a fence that it shows and a fence that Sybil runs cannot be different fences.
"""

import html
import re
import shlex
import textwrap
from bisect import bisect_left
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from typing import Any, TypeVar

import yaml

from weave.errors import WeaveError

STATEMENTS = ("theorem", "lemma", "proposition", "corollary", "definition", "remark")
PROVED = ("theorem", "lemma", "proposition", "corollary")
FIGURES = ("figure", "explorer", "sweep")
BLOCKS = {
    **{kind: {"label"} for kind in STATEMENTS},
    "proof": {"of"},
    "exercise": {"label"},
    "solution": set(),
    "wrong": {"label"},
    "aside": set(),
    "figure": {"label", "svg", "schedule", "alt"},
    "listing": {"from", "to", "implements", "again", "light"},
    "source": set(),
    "bibliography": set(),
    "index": set(),
    "sheet": {"columns"},
    **{kind: {"label", "alt"} for kind in FIGURES[1:]},
}
FENCE_OPTIONS = {"check", "raises", "norun", "fold"}
T = TypeVar("T", bound="Token")
PYTHON_LIKE = re.compile(r"\{?\s*\.?(py|python[23]?|py3|pycon|ipython)\b", re.IGNORECASE)


@dataclass(frozen=True)
class Token:
    """A piece of the page's text: characters `start` to `end`, beginning on `line` of the file (1-based)."""

    start: int
    end: int
    line: int


@dataclass(frozen=True)
class Fence(Token):
    """A fenced block: its language, options, dedented code, indentation; code begins on `line` + 1."""

    language: str
    options: dict[str, str]
    code: str
    indent: str

    @property
    def is_example(self) -> bool:
        """Whether Sybil runs it: Python, and not excused with a reason."""
        return self.language == "python" and "norun" not in self.options

    @property
    def is_doctest(self) -> bool:
        """Whether it is an interactive session rather than a program."""
        return self.code.lstrip().startswith(">>>")


@dataclass(frozen=True)
class Open(Token):
    """`::: kind | argument` with its `key: value` lines."""

    kind: str
    argument: str
    options: dict[str, str]

    @property
    def label(self) -> str:
        """Its label ("" if it has none)."""
        return self.options.get("label", "")


@dataclass(frozen=True)
class Close(Token):
    """`:::`, closing the block opened by `opened`."""

    opened: Open


@dataclass(frozen=True)
class Math(Token):
    r"""A formula without its dollars, its \label and the marks of its pieces, which stand apart.

    `pieces` are (name, TeX) of what it has as `\piece{name}{...}`.
    """

    tex: str
    display: bool
    label: str
    pieces: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class Heading(Token):
    """A heading with its level, its text and its label ("" if it has none)."""

    level: int
    text: str
    label: str

    @property
    def words(self) -> str:
        """Its text without marks and entities."""
        return html.unescape(self.text.replace("`", ""))


@dataclass(frozen=True)
class Ref(Token):
    """`[text](#label)`: a reference to a label anywhere in the book; an empty text is filled in."""

    text: str
    label: str


@dataclass(frozen=True)
class Cite(Token):
    """`[@key]` or `[@key, section 3]`; several are parted by semicolons."""

    keys: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Measured(Token):
    """`{{name:form}}`: a number by its name in the results, and the format in which it is printed."""

    name: str
    form: str


@dataclass(frozen=True)
class Sheet(Token):
    """`::: sheet` to `:::`: the columns' names, and (line, name, names of formulas by column) of its rows.

    The last cell of a row is not shown; it names results and listings.
    """

    columns: tuple[str, ...]
    rows: tuple[tuple[int, str, tuple[tuple[str, ...], ...]], ...]


@dataclass
class Page:
    """A scanned page: `path` is relative to the root, `text` the body without its front matter."""

    path: str
    text: str
    first_line: int = 1
    meta: dict[str, Any] = field(default_factory=dict)
    tokens: list[Token] = field(default_factory=list)

    @property
    def address(self) -> str:
        """Where it is under docs/, as the nav names it."""
        return self.path.removeprefix("docs/")

    @cached_property
    def fences(self) -> list[Fence]:
        """Every fence, in order."""
        return [token for token in self.tokens if isinstance(token, Fence)]

    def examples(self) -> Iterator[Fence]:
        """Every block that Sybil runs, in order."""
        return (fence for fence in self.fences if fence.is_example)

    @property
    def title(self) -> Heading:
        """Its first heading."""
        return next(token for token in self.tokens if isinstance(token, Heading))

    @property
    def has_sheet(self) -> bool:
        """Whether a sheet is on it, which on paper needs more width."""
        return any(isinstance(token, Sheet) for token in self.tokens)

    def between(self, begin: int, end: int) -> list[Token]:
        """The tokens that begin between two places of the text."""
        first, last = (bisect_left(self.tokens, at, key=lambda token: token.start) for at in (begin, end))
        return self.tokens[first:last]

    def replaced(self, new: Callable[[Token], str], begin: int = 0, end: int | None = None) -> str:
        """The text between two places, `new` of each token in the token's place."""
        parts, at, end = [], begin, len(self.text) if end is None else end
        for token in self.between(begin, end):
            parts += [self.text[at : token.start], new(token)]
            at = token.end
        return "".join(parts) + self.text[at:end]

    def body(self, opened: Open) -> tuple[int, int]:
        """The characters between a block's opening lines and its closing line."""
        return opened.end, self._ends[opened.start]

    @cached_property
    def _ends(self) -> dict[int, int]:
        return {token.opened.start: token.start for token in self.tokens if isinstance(token, Close)}

    def error(self, line: int, problem: str, remedy: str) -> WeaveError:
        """A mistake on this page."""
        return WeaveError(self.path, line, problem, remedy)


STRANGE = re.compile(r"[\x00-\x09\x0b-\x1f\x7f\ufeff\ue000-\uf8ff]")  # controls, and what the export needs
FRONT = re.compile(r"\A---\n(.*?\n)---\n", re.DOTALL)
FENCE = re.compile(r"^([ ]*)(`{3,}|~{3,})([^`\n]*)$")
BLOCK = re.compile(r"^:::[ ]*(?:([\w-]+)[ ]*(?:\|[ ]*(.*?))?)?[ ]*$")
OPTION = re.compile(r"^([a-z]+):[ ]*(.*)$")
HEADING = re.compile(r"^(#{1,6})[ ]+(.*?)[ ]*(?:\{[ ]*#([\w:.-]+)[ ]*\})?[ ]*#*$")
PIECE = re.compile(r"\\piece\{([\w-]+)\}\{")
BRACES = re.compile(r"\\.|[{}]", re.DOTALL)
LABEL = re.compile(r"\\label\{([^}]*)\}")
PARAGRAPH = re.compile(r"(?:(?!\n[ ]*\n).)+", re.DOTALL)
INLINE = re.compile(
    r"""(?P<code>(?<!`)(`+)(?!`).+?(?<!`)\2(?!`))
      | (?P<escape>\\.)
      | \$(?P<math>[^$\s](?:[^$]*?[^$\s\\])?)\$
      | (?P<dollar>\$)
      | \[(?P<reftext>[^\[\]]*)\]\(\#(?P<ref>[\w:.-]+)\)
      | \[@(?P<cite>[^\[\]]+)\]
      | \{\{(?P<measured>[^{}]+)\}\}
    """,
    re.VERBOSE | re.DOTALL,
)


@lru_cache(maxsize=128)
def scan(path: str, source: str) -> Page:
    """Scan the source of the page at `path` (relative to the root, for messages)."""
    front = FRONT.match(source)
    page = Page(path, source[front.end() :] if front else source)
    if front:
        page.first_line = 1 + source[: front.end()].count("\n")
        page.meta = yaml.safe_load(front.group(1)) or {}
    if strange := STRANGE.search(page.text):
        line = page.first_line + page.text.count("\n", 0, strange.start())
        if strange[0] == "\t":
            raise page.error(line, "a tab", "Indent with spaces, so that every tool sees the same text")
        problem = f"the character U+{ord(strange[0]):04X}, which says nothing"
        raise page.error(line, problem, "Take it out; in code, write it as an escape")
    _Scanner(page).run()
    return page


class _Scanner:
    """Walks over the lines of one page; `at` is the line that is being read."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.lines = page.text.splitlines(keepends=True)
        self.offsets = [0]
        for line in self.lines:
            self.offsets.append(self.offsets[-1] + len(line))
        self.at = 0
        self.stack: list[Open] = []

    def run(self) -> None:
        text_from = 0
        while self.at < len(self.lines):
            begun = self.at
            if self._construct():
                self._inline(text_from, begun)
                text_from = self.at
            else:
                self.at += 1
        self._inline(text_from, self.at)
        if self.stack:
            problem = f"the {self.stack[-1].kind} opened here is never closed"
            raise self.page.error(self.stack[-1].line, problem, "Close it with a line ':::'")
        self.page.tokens.sort(key=lambda token: token.start)

    def _construct(self) -> bool:
        """Read the construct that begins on this line, if one does, and step past it."""
        line = self.lines[self.at].rstrip("\n")
        if match := FENCE.match(line):
            self._fence(match)
        elif line.startswith(":::"):
            self._block(line)
        elif line.lstrip().startswith("$$"):
            self._display()
        elif line.startswith("<!--"):  # nothing in a comment is run or shown
            self.at = self._until(re.compile("-->"), self.at, "the comment", "Close it with -->") + 1
        elif match := HEADING.match(line):
            if re.search(r"(?<!\\)\$", match[2]):
                raise self._error(
                    "a formula in a heading", "Say it in words: headings stand in contents, too"
                )
            self._add(Heading, 1, len(match[1]), match[2], match[3] or "")
        else:
            return False
        return True

    def _line(self, index: int) -> int:
        return self.page.first_line + index

    def _error(self, problem: str, remedy: str) -> WeaveError:
        return self.page.error(self._line(self.at), problem, remedy)

    def _add(self, kind: type[T], count: int, *fields: Any) -> T:
        """Add a token that covers `count` lines, without the last line's end, and step past it."""
        end = self.offsets[self.at + count]
        end -= self.page.text[end - 1 : end] == "\n"
        token = kind(self.offsets[self.at], end, self._line(self.at), *fields)
        self.page.tokens.append(token)
        self.at += count
        return token

    def _until(self, closes: re.Pattern[str], first: int, what: str, remedy: str) -> int:
        """The index of the first line from `first` on that matches `closes`."""
        for index in range(first, len(self.lines)):
            if closes.search(self.lines[index].rstrip("\n")):
                return index
        raise self._error(f"{what} opened here is never closed", remedy)

    def _fence(self, match: re.Match[str]) -> None:
        indent, marks, info = match.groups()
        closing = re.compile(rf"^[ ]*{marks[0]}{{{len(marks)},}}[ ]*$")
        last = self._until(closing, self.at + 1, "the fence", f"Close it with a line {marks}")
        code = "".join(self.lines[self.at + 1 : last])
        language, options = self._info(info)
        self._add(Fence, last + 1 - self.at, language, options, textwrap.dedent(code), indent)

    def _info(self, info: str) -> tuple[str, dict[str, str]]:
        """The language and the options of a fence's first line."""
        if PYTHON_LIKE.match(info) and not re.match(r"python( |$)", info):
            problem = f"the fence header {info!r} would not be run"
            raise self._error(problem, "Write ```python, without a space before it")
        language, *rest = shlex.split(info) or [""]
        options = {name: value for name, _, value in (item.partition("=") for item in rest)}
        for name, value in options.items():
            if name not in FENCE_OPTIONS or language != "python" or not value:
                allowed = ", ".join(f"{option}=..." for option in sorted(FENCE_OPTIONS))
                remedy = f"A python fence may have {allowed}; other fences none"
                raise self._error(f"unknown fence option {name!r}", remedy)
        return language, options

    def _block(self, line: str) -> None:
        match = BLOCK.match(line)
        if not match:
            raise self._error(f"cannot read {line!r}", "Write '::: kind | title', or ':::' to close a block")
        kind, argument = match.groups()
        if kind == "sheet":
            self._sheet()
        elif kind in BLOCKS:
            count, options = self._options(kind)
            self.stack.append(self._add(Open, count, kind, argument or "", options))
        elif kind:
            raise self._error(f"unknown block {kind!r}", f"Known blocks: {', '.join(BLOCKS)}")
        elif self.stack:
            self._add(Close, 1, self.stack.pop())
        else:
            raise self._error("':::' closes nothing", "Remove it, or open a block above with '::: kind'")

    def _sheet(self) -> None:
        """Read a sheet as one token: rows of cells parted by |, in a cell names parted by spaces."""
        last = self._until(re.compile(r"^:::[ ]*$"), self.at + 1, "the sheet", "Close it with a line ':::'")
        count, options = self._options("sheet")
        columns = tuple(cell.strip() for cell in options.get("columns", "").split("|"))
        rows = []
        for index in range(self.at + count, last):
            name, *cells = (cell.strip() for cell in self.lines[index].split("|"))
            if name and len(cells) != len(columns) + 1:
                problem = f"a row with {len(cells)} cells after its name, for {len(columns)} columns"
                remedy = "Write 'name | ' and a cell for each column, then one for results and listings"
                raise self.page.error(self._line(index), problem, f"{remedy}; any may be empty")
            if name:
                rows.append((self._line(index), name, tuple(tuple(cell.split()) for cell in cells)))
        self._add(Sheet, last + 1 - self.at, columns, tuple(rows))

    def _options(self, kind: str) -> tuple[int, dict[str, str]]:
        """The number of lines of a block's head and its options, which end with the first other line."""
        options: dict[str, str] = {}
        for at, line in enumerate(self.lines[self.at + 1 :], self.at + 1):
            match = OPTION.match(line.rstrip("\n"))
            if not match:
                return at - self.at, options
            if match[1] not in BLOCKS[kind]:
                allowed = ", ".join(sorted(BLOCKS[kind])) or "none"
                remedy = f"Its options: {allowed}; leave an empty line before the text"
                raise self.page.error(self._line(at), f"a {kind} has no option {match[1]!r}", remedy)
            options[match[1]] = match[2].strip()
        return len(self.lines) - self.at, options

    def _display(self) -> None:
        first, last = self.lines[self.at].strip(), self.at
        if len(first) < 4 or not first.endswith("$$"):
            last = self._until(re.compile(r"\$\$\s*$"), self.at + 1, "the formula", "Close it with $$")
        tex = "".join(self.lines[self.at : last + 1]).strip()[2:-2].strip()
        labels = LABEL.findall(tex)
        if len(labels) > 1:
            remedy = "Give each its own $$ ... $$, or label the whole once"
            raise self._error(f"a formula with {len(labels)} labels", remedy)
        tex, pieces = _pieces(LABEL.sub("", tex).strip())
        self._add(Math, last + 1 - self.at, tex, True, "".join(labels), pieces)

    def _inline(self, first: int, last: int) -> None:
        """Find what stands within plain text, lines `first` to `last` (excluded): formulas, references."""
        for paragraph in PARAGRAPH.finditer(self.page.text, self.offsets[first], self.offsets[last]):
            self._paragraph(paragraph.start(), paragraph[0])

    def _paragraph(self, begin: int, text: str) -> None:
        first = self._line(self.page.text.count("\n", 0, begin))
        for match in INLINE.finditer(text):
            line = first + text.count("\n", 0, match.start())
            place = (begin + match.start(), begin + match.end(), line)
            if match["math"]:
                tex, pieces = _pieces(match["math"])
                self.page.tokens.append(Math(*place, tex, False, "", pieces))
            elif match["dollar"]:
                remedy = r"Write \$ for a dollar sign; a formula has no space inside its $"
                raise self.page.error(line, "a single $", remedy)
            elif match["ref"]:
                self.page.tokens.append(Ref(*place, match["reftext"], match["ref"]))
            elif match["cite"]:
                self.page.tokens.append(Cite(*place, _citations(match["cite"])))
            elif match["measured"]:
                name, _, form = " ".join(match["measured"].split()).partition(":")
                self.page.tokens.append(Measured(*place, name.strip(), form.strip()))


def _citations(text: str) -> tuple[tuple[str, str], ...]:
    """`a, section 3; @b` as (key, locator) pairs."""
    parts = (part.strip().lstrip("@").partition(",") for part in text.split(";"))
    return tuple((key.strip(), locator.strip()) for key, _, locator in parts)


def _pieces(tex: str) -> tuple[str, tuple[tuple[str, str], ...]]:
    r"""The formula without the marks `\piece{name}{...}`, and what stood in each."""
    found: list[tuple[str, str]] = []
    while mark := PIECE.search(tex):
        depth = 1
        for brace in BRACES.finditer(tex, mark.end()):
            depth += {"{": 1, "}": -1}.get(brace[0], 0)
            if depth == 0:
                break
        else:
            break  # KaTeX says what is wrong with it
        inside, nested = _pieces(tex[mark.end() : brace.start()])
        found += [(mark[1], inside), *nested]
        tex = tex[: mark.start()] + inside + tex[brace.end() :]
    return tex, tuple(found)
