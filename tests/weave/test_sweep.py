"""The figure of both sweeps shows the arrays that `net.backprop` makes, and its formulas come out."""

import importlib
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from bs4 import BeautifulSoup

import mlp
from mlp.checks import complex_step_gradient
from weave import sweep
from weave.book import current

Numbers = Any  # an array of floats
MEANT: dict[str, Callable[..., Numbers]] = {  # what a step makes of the numbers in its formula
    "Z1": lambda w, x, b, row: w @ x + b @ row,
    "X1": lambda z: np.maximum(z, 0),
    "Z2": lambda w, x, b, row: w @ x + b @ row,
    "L": lambda z, y: ((z - y) ** 2).sum() / 4,
    "D2": lambda z, y: (z - y) / 2,
    "W2'": np.matmul,
    "b2'": np.matmul,
    "X1'": np.matmul,
    "D1": np.multiply,
    "W1'": np.matmul,
    "b1'": np.matmul,
}


def case(hidden: str) -> tuple[mlp.Network, Numbers, Numbers]:
    """A network of two layers whose widths and batch are four different numbers."""
    rng = np.random.default_rng(3)
    net = mlp.Network.initialize([3, 4, 2], hidden=hidden, loss="squared_error", dtype=np.float64)
    net.parameters[:] = rng.standard_normal(len(net.parameters))
    return net, rng.standard_normal((3, 5)), rng.standard_normal((2, 5))


def slope(f: Callable[[Numbers], Numbers], a: Numbers) -> Numbers:
    """df/da of a number f(a), entry by entry, by the complex step."""
    found = np.empty(a.shape)
    for i in np.ndindex(a.shape):
        nudged = a.astype(complex)
        nudged[i] += 1e-30j
        found[i] = f(nudged).imag / 1e-30
    return found


@pytest.mark.parametrize(
    ("hidden", "phi"), [("tanh", np.tanh), ("silu", lambda z: z / (1 + np.exp(-z)))]
)  # the state is X_1 for the one and Z_1 for the other
def test_every_array_is_what_its_name_says(hidden: str, phi: Callable[[Numbers], Numbers]) -> None:
    net, x, y = case(hidden)
    seen, (w1, w2), (b1, b2) = sweep.arrays(net, x, y), net.weights, net.biases

    def loss(z: Numbers) -> Numbers:
        return ((z - y) ** 2).sum() / 10

    z1 = w1 @ x + b1
    z2 = w2 @ phi(z1) + b2
    g = complex_step_gradient(net, x, y)
    wanted = {
        "X0": x,
        "Y": y,
        "W1": w1,
        "W2": w2,
        "b1": b1,
        "b2": b2,
        "Z1": z1,
        "X1": phi(z1),
        "Z2": z2,
        "L": np.array([[loss(z2)]]),
        "D2": slope(loss, z2),
        "X1'": slope(lambda a: loss(w2 @ a + b2), phi(z1)),
        "slope": slope(lambda a: phi(a).sum(), z1),
        "D1": slope(lambda a: loss(w2 @ phi(a) + b2), z1),
        "W1'": g.nabla_w[0],
        "W2'": g.nabla_w[1],
        "b1'": g.nabla_b[0],
        "b2'": g.nabla_b[1],
        "ones": np.ones((5, 1)),
    }
    assert seen.keys() == wanted.keys()
    for name, array in wanted.items():
        assert seen[name].shape == array.shape and np.any(array), name
        assert np.allclose(seen[name], array, rtol=1e-12, atol=1e-12), name
    sides = {"d0": 3, "d1": 4, "d2": 2, "B": 5, "1": 1}
    for name, (_, shape) in sweep.TABLE["names"].items():
        assert seen[name].shape == tuple(sides[side] for side in shape.split()), name


def test_the_numbers_are_the_packages_own(monkeypatch: pytest.MonkeyPatch) -> None:
    """A fault in the package's loop shows in the figure."""
    before, loop = sweep.arrays(*case("tanh")), importlib.import_module("mlp.backprop")
    right = loop.reverse

    def wrong(layer: Any, delta: Numbers, *arrays: Numbers, **others: Any) -> None:
        delta *= 2
        right(layer, delta, *arrays, **others)

    monkeypatch.setattr(loop, "reverse", wrong)
    after = sweep.arrays(*case("tanh"))
    for name, factor in {"Z2": 1, "D2": 1, "W2'": 2, "X1'": 2, "D1": 2, "W1'": 4, "b1'": 4}.items():
        assert np.array_equal(after[name], factor * before[name]), name


def read(matrix: Any) -> Numbers:
    """The numbers that a reader sees."""
    entries = [float(entry.text.replace("\N{MINUS SIGN}", "-")) for entry in matrix.find_all("span")]
    return np.array(entries).reshape(-1, int(matrix["style"].removeprefix("--columns:")))


def test_what_a_step_shows_comes_out() -> None:
    """Nothing is rounded: each right side, multiplied out, is the left side, and stands in the map too."""
    page = BeautifulSoup(sweep.markup(*sweep.by_hand(current()), "words"), "html.parser")
    shown = {cell["data-name"]: (cell, read(cell.select_one(".matrix"))) for cell in page.select(".array")}
    given, *steps = page.select("li")
    assert [step["makes"] for step in sweep.TABLE["steps"]] == ["", *MEANT]
    for at, (name, step) in enumerate(zip(MEANT, steps, strict=True), start=1):
        *factors, result = map(read, step.select(".matrix"))
        assert np.array_equal(MEANT[name](*factors), result if result.size > 1 else result[0, 0]), name
        assert np.array_equal(shown[name][1], result) and shown[name][0]["data-step"] == str(at)
        assert all(int(shown[taken][0]["data-step"]) < at for taken in step["data-takes"].split()), name
    assert set(given["data-takes"].split()) == {
        name for name, (cell, _) in shown.items() if cell["data-step"] == "0"
    }
