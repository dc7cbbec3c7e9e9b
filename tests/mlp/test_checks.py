"""The checks themselves: they pass what is right, refuse what is not theirs, and see what is wrong."""

import math
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import mlp
from mlp.checks import complex_step_gradient, directional_derivative, taylor_rates
from weave.examples import run
from weave.scan import scan

ROOT = Path(__file__).parents[2]


def problem(hidden: Any = "tanh", loss: str = "cross_entropy", dtype: Any = np.float64) -> Any:
    """A network of 82 random parameters, seven examples, their labels, and a direction of length 1."""
    rng = np.random.default_rng(82)
    net = mlp.Network.initialize([4, 5, 6, 3], hidden=hidden, loss=loss, dtype=dtype)
    net.parameters[:] = rng.standard_normal(82)
    x, y, v = rng.standard_normal((4, 7)), rng.dirichlet(np.ones(3), 7).T, rng.standard_normal(82)
    return net, x.astype(dtype), np.eye(3, dtype=dtype)[:, y.argmax(axis=0)], v / np.linalg.norm(v)


def test_the_directional_derivative_is_that_of_backprop(hidden: Any, loss: str) -> None:
    net, x, y, v = problem(hidden, loss)
    slope = directional_derivative(net, x, y, v)
    assert slope == pytest.approx(net.backprop(x, y).vector @ v, rel=1e-12)
    assert slope == pytest.approx(complex_step_gradient(net, x, y).vector @ v, rel=1e-12)
    assert abs(slope) > 1e-3


def test_the_directional_derivative_of_a_float32_network_is_computed_in_float64() -> None:
    net, x, y, v = problem(dtype=np.float32)
    double = replace(net, parameters=net.parameters.astype(np.float64))
    v = v.astype(np.float32)
    ours = directional_derivative(net, x, y, v)
    assert ours == pytest.approx(directional_derivative(double, x, y, v), rel=1e-14)


@pytest.mark.parametrize(
    ("v", "error", "words"),
    [
        (np.ones(81), ValueError, r"\(82,\)"),
        (np.ones((82, 1)), ValueError, "order is that of net.parameters"),
        (np.ones(82, int), TypeError, "vector of floats"),
        (np.ones(82, complex), TypeError, "complex128"),
        (np.full(82, np.nan), ValueError, "NaN or infinity"),
    ],
)
def test_a_direction_is_checked(v: Any, error: Any, words: str) -> None:
    net, x, y, _ = problem()
    with pytest.raises(error, match=words):
        directional_derivative(net, x, y, v)


def test_a_direction_too_large_for_float32_is_refused() -> None:
    net, x, y, _ = problem(dtype=np.float32)
    with pytest.raises(ValueError, match="finite in float32"):
        directional_derivative(net, x, y, np.full(82, 1e300))


def test_a_gradient_is_no_direction_but_its_vector_is() -> None:
    net, x, y, _ = problem()
    g = net.backprop(x, y)
    with pytest.raises(TypeError, match=r"pass g\.vector"):
        directional_derivative(net, x, y, g)  # type: ignore[arg-type]
    assert directional_derivative(net, x, y, g.vector) == pytest.approx(g.vector @ g.vector)


def value(net: Any, x: Any, y: Any) -> Any:
    return lambda parameters: replace(net, parameters=parameters).loss_value(x, y)


def test_taylor_rates_of_a_right_gradient(hidden: Any, loss: str) -> None:
    net, x, y, v = problem(hidden, loss)
    zeroth, first = taylor_rates(value(net, x, y), net.backprop(x, y).vector, net.parameters, v, step=1e-3)
    assert zeroth.shape == first.shape == (4,)
    assert abs(zeroth - 1).max() < 0.05 and abs(first - 2).max() < 0.05


def test_taylor_rates_see_an_error_of_one_per_cent_in_any_single_entry() -> None:
    net, x, y, v = problem()
    f, g, w = value(net, x, y), net.backprop(x, y).vector, net.parameters
    seen = 0
    for i in range(82):
        wrong = g.copy()
        wrong[i] *= 1.01
        seen += abs(taylor_rates(f, wrong, w, v)[1] - 2).max() > 0.05
    assert seen > 70  # of 82; the others have next to no part in <g, v>


def test_taylor_rates_refuse_a_gradient_of_another_shape() -> None:
    with pytest.raises(ValueError, match="shapes"):
        taylor_rates(lambda x: float(x.sum()), np.ones((3, 1)), np.ones(3), np.ones(3))


def test_the_figure_draws_what_its_page_computes() -> None:
    """Where the theory's first term rules, the points agree; where rounding rules, they obey its bound."""
    path = ROOT / "docs/derivatives/checking.md"
    names: dict[str, Any] = {}
    for fence in scan(str(path), path.read_text(encoding="utf-8")).examples():
        run(fence, names, path)
        if "bounds" in names:
            break
    drawing = (ROOT / "docs/figures/step-error.svg").read_text(encoding="utf-8")
    for name, errors in names["errors"].items():
        group = drawing.split(f'<g data-series="{name}"')[1].split("</g>")[0]
        points = re.findall(r'cx="([\d.]+)" cy="([\d.]+)"', group)
        assert len(points) == len(errors) == 50
        for (cx, cy), step, error, j in zip(points, names["steps"], errors, range(50), strict=True):
            assert (float(cx) - 40) / 18 - 15.5 == pytest.approx(math.log10(step), abs=0.01)
            drawn = 10 ** ((18 - float(cy)) / 16.5)
            if abs(error) > {"forward": 1e-6, "central": 1e-8, "complex": 1e-15}[name] and step > 1e-8:
                assert drawn == pytest.approx(abs(error), rel=0.03)
            elif name == "complex":
                assert drawn < 1e-15
            else:
                assert drawn <= names["bounds"][name][j] * 1.03
