"""Products with J, H and G: against complex steps, against matrices in full, and what they refuse."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import mlp
from mlp.backprop import Buffers, Gradient, backprop
from mlp.checks import STEP, Linear
from mlp.curvature import gauss_newton_product, hvp, jvp
from mlp.layers import chain
from mlp.network import forward

shapes = st.lists(st.integers(2, 9), min_size=2, max_size=6)


class Scored(Linear):
    """The same as the loss of a network, which says what labels it takes."""

    name, distributions, probabilities = "scored", False, False


class Smooth:
    """phi(z) = z s(z), whose state is z, with one temporary array and a second derivative."""

    name, needs, workspace = "smooth", "input", 1

    def value(self, z: Any, out: Any, s: Any) -> None:
        s[...] = 1 / (1 + np.exp(-z))
        np.multiply(z, s, out=out)

    def multiply_derivative(self, delta: Any, z: Any, s: Any) -> None:
        s[...] = 1 / (1 + np.exp(-z))
        delta *= s + z * s * (1 - s)
        z[...] = np.nan  # it may be destroyed

    def second_derivative(self, z: Any, out: Any, s: Any) -> None:
        s[...] = 1 / (1 + np.exp(-z))
        out[...] = s * (1 - s) * (2 + z * (1 - 2 * s))


TWICE = [*mlp.activations.by_name.values(), Smooth()]


def problem(sizes: list[int], batch: int, seed: int, hidden: Any, loss: str) -> Any:
    """A network, random but not so far out that softmax saturates, with a batch and a direction."""
    rng = np.random.default_rng(seed)
    net = mlp.Network.initialize(sizes, hidden=hidden, loss=loss, dtype=np.float64, rng=rng)
    for b in net.biases:
        b[...] = rng.uniform(0.1, 0.5, b.shape) * rng.choice([-1, 1], b.shape)
    x, y = rng.standard_normal((sizes[0], batch)), rng.dirichlet(np.ones(sizes[-1]), batch).T
    return net, x, y, rng.standard_normal(len(net.parameters))


def moved(net: Any, v: Any) -> Any:
    return chain(net.parameters + 1j * STEP * v, net.sizes, net.hidden)


def complex_jvp(net: Any, x: Any, v: Any) -> Any:
    return forward(moved(net, v), x.astype(complex)).imag / STEP


def complex_hvp(net: Any, x: Any, y: Any, v: Any) -> Any:
    """The derivative of the gradient along v: backprop on complex parameters."""
    layers, g = moved(net, v), Gradient.like(net.parameters.astype(complex), net.sizes)
    buffers = Buffers(layers, x.shape[1])
    backprop(layers, net.loss, x.astype(complex), y.astype(complex), buffers=buffers, out=g)
    return g.vector.imag / STEP


def pulled_back(net: Any, x: Any, u: Any) -> Any:
    """J^T u, by backprop with the loss <u, z>."""
    return replace(net, loss=Scored()).backprop(x, u).vector


def relative(a: Any, reference: Any) -> float:
    assert a.shape == reference.shape
    return float(abs(a - reference).max() / abs(reference).max())


@settings(max_examples=30, deadline=None, derandomize=True)
@given(sizes=shapes, batch=st.integers(1, 7), seed=st.integers(0, 2**32))
def test_jvp(sizes: list[int], batch: int, seed: int, hidden: Any) -> None:
    net, x, _, v = problem(sizes, batch, seed, hidden, "cross_entropy")
    reference = complex_jvp(net, x, v)
    assert abs(reference).max() > 1e-6
    assert relative(jvp(net, x, v), reference) < 1e-12


@settings(max_examples=30, deadline=None, derandomize=True)
@given(sizes=shapes, batch=st.integers(1, 7), seed=st.integers(0, 2**32))
def test_gauss_newton_product(sizes: list[int], batch: int, seed: int, hidden: Any, loss: str) -> None:
    net, x, y, v = problem(sizes, batch, seed, hidden, loss)
    jv = complex_jvp(net, x, v)
    u = net.logits(x) + 1j * STEP * jv
    net.loss.value_and_delta(u, y)  # its imaginary part is the Hessian of the loss times J v, over B
    reference = pulled_back(net, x, u.imag / STEP)
    assert abs(reference).max() > 1e-4 * abs(pulled_back(net, x, jv / batch)).max() > 0
    assert relative(gauss_newton_product(net, x, v), reference) < 1e-11
    assert v @ gauss_newton_product(net, x, v) > 0


@pytest.mark.parametrize("phi", TWICE, ids=[phi.name for phi in TWICE])
@settings(max_examples=30, deadline=None, derandomize=True)
@given(sizes=shapes, batch=st.integers(1, 7), seed=st.integers(0, 2**32))
def test_hvp(sizes: list[int], batch: int, seed: int, phi: Any, loss: str) -> None:
    net, x, y, v = problem(sizes, batch, seed, phi, loss)
    reference = complex_hvp(net, x, y, v)
    assert abs(reference).max() > 1e-6
    assert relative(hvp(net, x, y, v), reference) < 1e-11


@pytest.mark.parametrize("phi", TWICE, ids=[phi.name for phi in TWICE])
def test_the_hessian_is_symmetric_and_gauss_newton_has_no_negative_eigenvalue(phi: Any, loss: str) -> None:
    net, x, y, v = problem([3, 4, 3, 3], 5, 1, phi, loss)
    units = np.eye(len(v))
    h, g = (
        np.array([product(e) for e in units])
        for product in (lambda e: hvp(net, x, y, e), lambda e: gauss_newton_product(net, x, e))
    )
    assert relative(h, h.T) < 1e-13 and relative(g, g.T) < 1e-13
    assert np.linalg.eigvalsh(g)[0] > -1e-12 * abs(g).max()
    assert np.linalg.eigvalsh(h)[0] < -1e-2  # the Hessian is another matrix
    assert relative(h @ v, hvp(net, x, y, v)) < 1e-12


def test_one_layer_has_the_gauss_newton_matrix_as_its_hessian(hidden: Any, loss: str) -> None:
    """Also with an activation without second derivative: there is no hidden layer that would ask."""
    net, x, y, v = problem([4, 3], 5, 0, hidden, loss)
    assert relative(hvp(net, x, y, v), gauss_newton_product(net, x, v)) < 1e-14


@pytest.mark.parametrize("phi", TWICE, ids=[phi.name for phi in TWICE])
def test_float32(phi: Any, loss: str) -> None:
    net, x, y, v = problem([5, 7, 4, 3], 6, 2, phi, loss)
    single = replace(net, parameters=net.parameters.astype(np.float32))
    pairs = [
        (jvp(single, x, v), jvp(net, x, v)),
        (hvp(single, x, y, v), hvp(net, x, y, v)),
        (gauss_newton_product(single, x, v), gauss_newton_product(net, x, v)),
    ]
    for ours, reference in pairs:
        assert ours.dtype == np.float32
        assert relative(ours, reference) < 1e-5


def test_nothing_that_was_given_is_changed() -> None:
    net, x, y, v = problem([4, 5, 6, 3], 7, 0, "tanh", "cross_entropy")
    before = [a.copy() for a in (net.parameters, x, y, v)]
    jvp(net, x, v)
    hvp(net, x, y, v)
    gauss_newton_product(net, x, v)
    assert all(map(np.array_equal, before, (net.parameters, x, y, v)))


@pytest.mark.parametrize(
    ("change", "error", "words"),
    [
        ({"v": np.ones(11)}, ValueError, r"v: expected shape \(12,\)"),
        ({"v": np.ones(12, int)}, TypeError, "pass g.vector"),
        ({"v": np.full(12, np.inf)}, ValueError, "NaN or infinity"),
        ({"x": np.ones((3, 2))}, ValueError, r"x: expected shape \(2, B\)"),
        ({"x": np.ones((2, 2), complex)}, TypeError, "float32 or float64"),
    ],
)
def test_refusals(change: Any, error: Any, words: str) -> None:
    net = mlp.Network.initialize([2, 2, 2], hidden="tanh", dtype=np.float64)
    given = {"x": np.ones((2, 2)), "v": np.ones(12), **change}
    for product in (
        lambda x, v: jvp(net, x, v),
        lambda x, v: gauss_newton_product(net, x, v),
        lambda x, v: hvp(net, x, np.eye(2), v),
    ):
        with pytest.raises(error, match=words):
            product(**given)


def test_an_activation_without_second_derivative_is_told_how_to_write_one() -> None:
    class Cube:
        name, needs = "cube", "input"

        def value(self, z: Any, out: Any) -> None:
            out[...] = z**3

        def multiply_derivative(self, delta: Any, z: Any) -> None:
            delta *= 3 * z**2

    net, x, y, v = problem([2, 3, 2], 4, 0, Cube(), "squared_error")
    assert relative(jvp(net, x, v), complex_jvp(net, x, v)) < 1e-13
    with pytest.raises(TypeError, match=r"second_derivative of cube.*def second_derivative"):
        hvp(net, x, y, v)
