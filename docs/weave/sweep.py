"""Both sweeps over a small network, step by step: an interactive figure of the arrays of `net.backprop`.

Nothing is computed here: an activation and a loss that keep what passes through them see the arrays while the
package works. The script (assets/sweep.js) only says which of them are shown.
"""

import html
import re
import tomllib
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np

import mlp
from mlp.arrays import Array
from weave.book import Book
from weave.typeset import expand, typeset

NETWORK = "sec:by-hand"  # the first program of this section makes `net`, `x` and `y`
TABLE = tomllib.loads(Path(__file__).with_name("sweep.toml").read_text(encoding="utf-8"))
FIRST = "D2"  # made by the step that is shown before a reader chooses one
MOST_DECIMALS = 5
WAYS = '<p class="way forward">forward</p><p class="way backward"><span>backward</span></p>'
SIDE, FORMULA = re.compile(r"([A-Za-z])(\d?)"), re.compile(r"\$(.+?)\$")
Seen: TypeAlias = dict[str, Array]


class Watched:
    """An activation or a loss that keeps copies of what passes through it, and is as it was otherwise."""

    def __init__(self, inner: Any, seen: Seen) -> None:
        self.inner, self.seen = inner, seen

    def __getattr__(self, name: str) -> Any:
        return getattr(self.inner, name)

    def value(self, z: Array, out: Array, *work: Any) -> None:
        """X_1 from Z_1."""
        self.seen["Z1"] = z.copy()
        self.inner.value(z, out, *work)
        self.seen["X1"] = out.copy()

    def multiply_derivative(self, delta: Array, state: Array, *work: Any) -> None:
        """Delta_1 from X-bar_1; and phi', which is what becomes of ones."""
        self.seen["X1'"], self.seen["slope"] = delta.copy(), np.ones_like(delta)
        self.inner.multiply_derivative(self.seen["slope"], state.copy(), *work)
        self.inner.multiply_derivative(delta, state, *work)
        self.seen["D1"] = delta.copy()

    def value_and_delta(self, z: Array, y: Array) -> float:
        """L and Delta_2 from Z_2."""
        self.seen["Z2"] = z.copy()
        loss: float = self.inner.value_and_delta(z, y)
        self.seen["L"], self.seen["D2"] = np.array([[loss]]), z.copy()
        return loss


def arrays(net: mlp.Network, x: Array, y: Array) -> Seen:
    """Every array of both sweeps over a network of two layers, by its name; a prime stands for a bar."""
    seen = {"X0": x, "Y": y, "ones": np.ones((x.shape[1], 1))}
    hidden: Any = Watched(net.hidden, seen)
    loss: Any = Watched(net.loss, seen)
    g = replace(net, hidden=hidden, loss=loss).backprop(x, y)
    for k, (w, b) in enumerate(zip(net.weights, net.biases, strict=True), start=1):
        seen |= {f"W{k}": w, f"b{k}": b, f"W{k}'": g.nabla_w[k - 1], f"b{k}'": g.nabla_b[k - 1]}
    return seen


def by_hand(book: Book) -> tuple[mlp.Network, Array, Array]:
    """The network by hand with its batch, made by the program that the book shows for it."""
    place = book.labels[NETWORK]
    programs = (fence for fence in book.pages[place.page].examples() if not fence.is_doctest)
    names: dict[str, Any] = {"np": np, "mlp": mlp}
    exec(next(fence.code for fence in programs if fence.line > place.line), names)
    return names["net"], names["x"], names["y"]


# ---------------------------------------------------------------- what is shown


def markup(net: mlp.Network, x: Array, y: Array, alternative: str) -> str:
    """The figure as it stands without a script: all arrays, and all steps one below the other."""
    seen, steps = arrays(net, x, y), TABLE["steps"]
    made = {step["makes"]: at for at, step in enumerate(steps)}
    cells = [
        f'<div class="{row}">{"".join(array(name, seen[name], made.get(name, 0)) for name in names)}</div>'
        for column in zip(TABLE["map"]["above"], TABLE["map"]["below"], strict=True)
        for row, names in zip(("above", "below"), map(str.split, column), strict=True)
    ]
    return (
        f'<section class="sweep" data-first="{made[FIRST]}" data-search-exclude>'
        f'<div class="map" tabindex="0" role="group" aria-label="{html.escape(alternative)}">'
        f"{WAYS}{''.join(cells)}</div>"
        f'<ol class="steps" start="0">{"".join(item(step, seen) for step in steps)}</ol></section>'
    )


def array(name: str, numbers: Array, step: int) -> str:
    """An array with its name above it and its shape below; `step` makes it."""
    tex, shape = TABLE["names"][name]
    sides = "\N{MULTIPLICATION SIGN}".join(
        SIDE.sub(r"<i>\1</i><sub>\2</sub>", side) for side in shape.split()
    )
    return (
        f'<div class="array" data-name="{name}" data-step="{step}">{typeset(tex)}{matrix(numbers)}'
        f'<span class="shape">{sides}</span></div>'
    )


def entries(numbers: Array) -> list[list[str]]:
    """Rows of numbers, all with the decimals that the longest needs."""
    exact = (places for places in range(MOST_DECIMALS) if np.array_equal(numbers.round(places), numbers))
    places = next(exact, MOST_DECIMALS)
    return [[f"{entry + 0.0:.{places}f}" for entry in row] for row in numbers]


def matrix(numbers: Array) -> str:
    """The numbers; in brackets if they are several."""
    kind = "matrix" if numbers.size > 1 else "matrix single"
    written = (entry.replace("-", "\N{MINUS SIGN}") for row in entries(numbers) for entry in row)
    cells = "".join(f"<span>{entry}</span> " for entry in written)
    return f'<span class="{kind}" style="--columns:{numbers.shape[1]}">{cells}</span>'


def item(step: dict[str, str], seen: Seen) -> str:
    """A step: its formula, the same in numbers, and its words."""
    words = FORMULA.sub(lambda found: typeset(found[1]), step["words"])
    sides = []
    if step["makes"]:
        equals, product = typeset("="), "".join(factors(step, seen, typeset, matrix))
        sides = [typeset(step["tex"]), equals + product, equals + matrix(seen[step["makes"]])]
    formula = "".join(f'<span class="part">{side}</span>' for side in sides)
    return (
        f'<li data-takes="{step["takes"]}" data-lines="{step["lines"]}">'
        f'<p class="formula">{formula}</p><p class="words">{words}</p></li>'
    )


def factors(
    step: dict[str, str], seen: Seen, tex: Callable[[str], str], shown: Callable[[Array], str]
) -> Iterator[str]:
    """What a step multiplies: an array's numbers, as `shown`, or `tex` in which B is a number."""
    for part in step["numbers"].split():
        name, _, transposed = part.partition(".")
        if name in seen:
            yield shown(seen[name].T if transposed else seen[name])
        else:
            yield tex(re.sub(r"\bB\b", str(seen["X0"].shape[1]), part))


# ---------------------------------------------------------------- on paper


def latex(net: mlp.Network, x: Array, y: Array) -> str:
    """All steps as a numbered list: the words, below them the formula, in letters and in numbers."""
    seen = arrays(net, x, y)
    words = [FORMULA.sub(lambda found: f"${expand(found[1])}$", step["words"]) for step in TABLE["steps"]]
    formulas = [_formula(step, seen) for step in TABLE["steps"]]
    items = "\n".join(f"\\item {said}\n\\[{tex}\\]" for said, tex in zip(words, formulas, strict=True))
    return f"\\begin{{enumerate}}\\setcounter{{enumi}}{{-1}}\n{items}\n\\end{{enumerate}}"


def _formula(step: dict[str, str], seen: Seen) -> str:
    """A step in letters and in numbers; of the first, which makes nothing, what is given."""
    if not step["makes"]:
        names = step["takes"].split()
        given = [f"{expand(TABLE['names'][name][0])} = {_matrix(seen[name])}" for name in names]
        lines = ",\\\\".join(",\\quad ".join(given[at : at + 3]) for at in range(0, len(given), 3))
        return f"\\begin{{gathered}}{lines}\\end{{gathered}}"
    numbers = " ".join(factors(step, seen, expand, _matrix))
    return f"{expand(step['tex'])} = {numbers} = {_matrix(seen[step['makes']])}"


def _matrix(numbers: Array) -> str:
    rows = r" \\ ".join(" & ".join(row) for row in entries(numbers))
    return rf"\begin{{pmatrix}}{rows}\end{{pmatrix}}" if numbers.size > 1 else rows
