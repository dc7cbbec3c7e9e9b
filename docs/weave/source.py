"""The source of `mlp`, read through its syntax tree: pieces by name, folds, links, a hash of its meaning."""

from __future__ import annotations

import ast
import difflib
import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from pathlib import Path

PACKAGE = "mlp"
Documented = ast.Module | ast.ClassDef | ast.FunctionDef
Definition = ast.FunctionDef | ast.ClassDef | ast.Assign | ast.AnnAssign


@dataclass(frozen=True)
class Piece:
    """Lines `first` to `last` (1-based, inclusive) of a module: `name`, the `whole` or a part."""

    module: Module
    name: str
    first: int
    last: int
    whole: bool = True

    @property
    def text(self) -> str:
        """The lines themselves, as they stand in the file."""
        return "\n".join(self.module.lines[self.first - 1 : self.last]) + "\n"


@dataclass
class Module:
    """One file of the package."""

    name: str
    path: Path
    text: str
    tree: ast.Module = field(init=False)

    def __post_init__(self) -> None:
        self.tree = ast.parse(self.text)

    @cached_property
    def lines(self) -> list[str]:
        """The file's lines without their ends."""
        return self.text.splitlines()

    @cached_property
    def definitions(self) -> dict[str, Definition]:
        """Functions, classes, methods and assignments by their name within the module."""
        found: dict[str, Definition] = {}
        for node, prefix in _with_prefix(self.tree):
            if isinstance(node, ast.FunctionDef | ast.ClassDef):
                found[prefix + node.name] = node
            elif isinstance(node, ast.Assign | ast.AnnAssign):
                targets = node.targets if isinstance(node, ast.Assign) else [node.target]
                found.update({prefix + target.id: node for target in targets if isinstance(target, ast.Name)})
        return found

    @cached_property
    def documented(self) -> list[ast.FunctionDef | ast.ClassDef]:
        """Functions and classes, those inside of others too."""
        return [node for node in ast.walk(self.tree) if isinstance(node, ast.FunctionDef | ast.ClassDef)]

    @cached_property
    def imports(self) -> dict[str, str]:
        """What each imported name stands for, for imports from the package."""
        table: dict[str, str] = {}
        for node in ast.walk(self.tree):
            if isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] == PACKAGE:
                table.update(
                    {alias.asname or alias.name: f"{node.module}.{alias.name}" for alias in node.names}
                )
        return table


@dataclass(frozen=True)
class Link:
    """An identifier in a module's text, at (line, first column, end column), that stands for `target`."""

    line: int
    start: int
    end: int
    target: str


class Source:
    """The modules of the package, of (path relative to the root, text) of each; `read` has made it."""

    def __init__(self, files: Iterable[tuple[Path, str]]) -> None:
        self.modules: dict[str, Module] = {}
        for path, text in files:
            name = ".".join(part for part in path.with_suffix("").parts if part != "__init__")
            self.modules[name] = Module(name, path, text)

    @cached_property
    def digest(self) -> str:
        """A hash of what the package does: its syntax trees, docstrings and comments left out."""
        trees = (f"{name}:{said(_without_docstrings(module.text))}" for name, module in self.modules.items())
        return hashlib.sha256("\n".join(trees).encode()).hexdigest()[:16]

    @cached_property
    def names(self) -> dict[str, tuple[Module, str]]:
        """Every definition's full name, such as "mlp.layers.reverse", with its module and its name there."""
        return {
            f"{module.name}.{local}": (module, local)
            for module in self.modules.values()
            for local in module.definitions
        }

    def find(self, name: str) -> tuple[Module, str, Definition]:
        """The module, local name and node that the full `name` stands for.

        Raises LookupError, with the nearest names, if there is none.
        """
        if name not in self.names:
            near = ", ".join(difflib.get_close_matches(name, self.names)) or "nothing"
            raise LookupError(f"there is no {name!r} in the source; near it: {near}")
        module, local = self.names[name]
        return module, local, module.definitions[local]

    def piece(self, name: str, first: str = "", last: str = "") -> Piece:
        """The lines that define `name`, or those from the statement quoted as `first` to that as `last`."""
        module, local, node = self.find(name)
        if not first:
            return Piece(module, f"{module.name}.{local}", _first_line(node), _end(node))
        begin, end = _quoted(node, first), _quoted(node, last or first)
        return Piece(module, f"{module.name}.{local}", _first_line(begin), _end(end), whole=False)

    @cached_property
    def links(self) -> dict[str, list[Link]]:
        """For each module, its identifiers that stand for something defined in the package."""
        return {
            module.name: [
                Link(*place, target)
                for place, dotted in _dotted_names(module.tree)
                if (target := self._meaning(module, dotted)) in self.names
            ]
            for module in self.modules.values()
        }

    def _meaning(self, module: Module, dotted: str) -> str:
        """The full name of what `dotted` stands for in `module`."""
        head, _, rest = dotted.partition(".")
        base = module.imports.get(head, f"{module.name}.{head}" if head in module.definitions else head)
        return f"{base}.{rest}" if rest else base

    @cached_property
    def users(self) -> dict[str, list[str]]:
        """For each definition, the functions and methods that mention it, other than itself."""
        found: dict[str, list[str]] = {name: [] for name in self.names}
        for name, (module, local) in self.names.items():
            if isinstance(node := module.definitions[local], ast.FunctionDef):
                lines = range(_first_line(node), _end(node) + 1)
                for used in {link.target for link in self.links[module.name] if link.line in lines} - {name}:
                    found[used].append(name)
        return found


def read(root: Path) -> Source:
    """The package in the folder `root`/mlp as it is now, parsed anew only when a file has changed."""
    paths = sorted((root / PACKAGE).rglob("*.py"))
    return _parsed(tuple((path.relative_to(root), path.read_text(encoding="utf-8")) for path in paths))


@lru_cache(maxsize=2)
def _parsed(files: tuple[tuple[Path, str], ...]) -> Source:
    return Source(files)


def folds(piece: Piece) -> list[tuple[int, int, str]]:
    """(first line, last line, caption) of what a listing folds: docstrings, and leading argument checks."""
    found = []
    for node in piece.module.documented:
        if not piece.first <= node.lineno <= piece.last:
            continue
        if (doc := docstring(node)) is not None:
            found.append((doc.lineno, _end(doc), "docstring"))
        checks = list(_argument_checks(node)) if isinstance(node, ast.FunctionDef) else []
        if checks:
            found.append((checks[0].lineno, _end(checks[-1]), "argument checks"))
    return sorted(fold for fold in found if piece.first <= fold[0] and fold[1] <= piece.last)


def quoted_lines(piece: Piece, quote: str) -> tuple[int, int]:
    """The first and last line of the statement quoted from a piece."""
    local = piece.name.removeprefix(f"{piece.module.name}.")
    statement = _quoted(piece.module.definitions[local], quote)
    return statement.lineno, _end(statement)


def docstring(node: ast.AST) -> ast.stmt | None:
    """The statement that is the node's docstring, if it has one."""
    first = node.body[0] if isinstance(node, Documented) and node.body else None
    if isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant):
        return first if isinstance(first.value.value, str) else None
    return None


def _argument_checks(function: ast.FunctionDef) -> Iterator[ast.stmt]:
    """What follows the docstring and only checks: statements `validation...(...)` and `if ...: raise`."""
    for statement in function.body[1:] if docstring(function) is not None else function.body:
        value = getattr(statement, "value", None)
        checks = isinstance(value, ast.Call) and ast.unparse(value.func).startswith("validation.")
        if not checks and not (isinstance(statement, ast.If) and isinstance(statement.body[-1], ast.Raise)):
            return
        yield statement


def _with_prefix(tree: ast.Module) -> Iterator[tuple[ast.stmt, str]]:
    for node in tree.body:
        yield node, ""
        if isinstance(node, ast.ClassDef):
            yield from ((inner, f"{node.name}.") for inner in node.body)


def _dotted_names(tree: ast.Module) -> Iterator[tuple[tuple[int, int, int], str]]:
    """Every dotted name, with the line of its last identifier and the columns where that begins and ends."""
    for node in ast.walk(tree):
        parts: list[str] = []
        inner = node
        while isinstance(inner, ast.Attribute):
            parts.append(inner.attr)
            inner = inner.value
        if isinstance(node, ast.Name | ast.Attribute) and isinstance(inner, ast.Name):
            parts.append(inner.id)
            line, end = node.end_lineno or 0, node.end_col_offset or 0
            yield (line, end - len(parts[0]), end), ".".join(reversed(parts))


def _quoted(node: ast.AST, quote: str) -> ast.stmt:
    """The only statement inside `node` that reads like `quote` (of a compound statement, its first line)."""
    wanted = _first_unparsed(ast.parse(quote + (" pass" if quote.endswith(":") else "")).body[0])
    matches = [
        inner for inner in ast.walk(node) if isinstance(inner, ast.stmt) and _first_unparsed(inner) == wanted
    ]
    if len(matches) != 1:
        raise LookupError(f"the quoted statement {quote!r} is found {len(matches)} times, not once")
    return matches[0]


def _first_unparsed(node: ast.stmt) -> str:
    lines = ast.unparse(node).split("\n")
    return next(line for line in lines if not line.startswith("@")).removesuffix(" pass")


def _first_line(node: ast.stmt) -> int:
    decorators: list[ast.expr] = getattr(node, "decorator_list", [])
    return min([node.lineno, *(decorator.lineno for decorator in decorators)])


def _end(node: ast.stmt) -> int:
    assert node.end_lineno is not None
    return node.end_lineno


def said(node: object) -> str:
    """A syntax tree as text, the same in every Python: fields that say nothing come and go with versions."""
    if isinstance(node, ast.JoinedStr):  # into which Python 3.12 puts empty texts
        node = ast.JoinedStr([each for each in node.values if getattr(each, "value", None) != ""])
    if isinstance(node, ast.AST):
        fields = ((name, value) for name, value in ast.iter_fields(node) if value not in (None, []))
        return f"{type(node).__name__}({', '.join(f'{name}={said(value)}' for name, value in fields)})"
    if isinstance(node, list):
        return f"[{', '.join(map(said, node))}]"
    return repr(node)


def _without_docstrings(text: str) -> ast.Module:
    tree = ast.parse(text)
    for node in ast.walk(tree):
        if isinstance(node, Documented) and docstring(node) is not None:
            node.body = node.body[1:]
    return tree
