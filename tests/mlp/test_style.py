"""The shape of the code: short functions, a docstring on every public one, and nothing but ASCII."""

import ast
import sys
from pathlib import Path
from statistics import median

import mlp

MODULES = sorted(Path(mlp.__file__).parent.glob("*.py"))
Function = ast.FunctionDef | ast.AsyncFunctionDef


TREES = {path.stem: ast.parse(path.read_text()) for path in MODULES}
FUNCTIONS = [
    (f"{module}.{node.name}", node)
    for module, tree in TREES.items()
    for node in ast.walk(tree)
    if isinstance(node, Function)
]


def length(function: Function) -> int:
    """Lines of code below the signature, without docstring, comments and blank lines."""
    body = function.body[1:] if ast.get_docstring(function) else function.body
    return len({line for node in body for part in ast.walk(node) for line in lines(part)})


def lines(node: ast.AST) -> range:
    """The lines on which a leaf of the syntax tree stands; none for what only encloses others."""
    leaf = isinstance(node, ast.expr | ast.keyword | ast.Return | ast.Pass | ast.Raise | ast.arg)
    return range(node.lineno, (node.end_lineno or node.lineno) + 1) if leaf else range(0)


def test_functions_are_short() -> None:
    lengths = {name: length(function) for name, function in FUNCTIONS}
    assert median(lengths.values()) <= 8 and len(lengths) > 50
    assert not {name: count for name, count in lengths.items() if count > 30}


def test_public_functions_say_what_they_do() -> None:
    inner = {id(n) for _, f in FUNCTIONS for n in ast.walk(f) if n is not f and isinstance(n, Function)}
    public = [(name, f) for name, f in FUNCTIONS if not f.name.startswith("_") and id(f) not in inner]
    assert public and not [name for name, function in public if not ast.get_docstring(function)]


def test_modules_are_ascii() -> None:
    assert all(path.read_text().isascii() for path in MODULES)


def test_the_package_needs_numpy_only() -> None:
    foreign = set()
    for tree in TREES.values():
        for node in ast.walk(tree):
            if isinstance(node, ast.ImportFrom):
                foreign.add((node.module or "").split(".")[0])
            elif isinstance(node, ast.Import):
                foreign |= {name.name.split(".")[0] for name in node.names}
    standard = set(sys.stdlib_module_names)
    assert foreign - standard == {"numpy", "mlp"}
