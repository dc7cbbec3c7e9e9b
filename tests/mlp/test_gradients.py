"""The gradient is right: against the complex step, the dot-product test, exact values, and autograd."""

from decimal import Decimal, getcontext
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import mlp
from mlp.checks import (
    complex_step_gradient,
    dot_product_test,
    layer_dot_product_test,
    network_dot_product_test,
)

getcontext().prec = 50
widths = st.integers(1, 17)
shapes = st.lists(widths, min_size=2, max_size=7)  # depth 1 to 6


def problem(sizes: list[int], batch: int, seed: int, *options: Any, dtype: Any = np.float64) -> Any:
    """A network whose every parameter is random, away from the kinks of relu, with examples and labels."""
    hidden, loss = options
    if loss == "cross_entropy":
        sizes = [*sizes[:-1], sizes[-1] + 1]  # a single class has probability 1 and derivative 0
    rng = np.random.default_rng(seed)
    net = mlp.Network.initialize(sizes, hidden=hidden, loss=loss, dtype=dtype, rng=rng)
    net.parameters[...] *= 1.5
    for b in net.biases:
        b[...] = rng.uniform(0.1, 0.5, b.shape) * rng.choice([-1, 1], b.shape)
    x, y = rng.standard_normal((sizes[0], batch)), rng.random((sizes[-1], batch)) + 0.1
    if loss == "cross_entropy":
        y /= y.sum(axis=0)
    if loss == "binary_cross_entropy":
        y -= 0.1
    return net, x.astype(dtype), y.astype(dtype)


def worst(ours: mlp.backprop.Gradient, reference: mlp.backprop.Gradient) -> float:
    """The largest relative difference of an array of `ours`."""
    pairs = [
        *zip(ours.nabla_w, reference.nabla_w, strict=True),
        *zip(ours.nabla_b, reference.nabla_b, strict=True),
    ]
    return max(abs(a - b).max() / (abs(b).max() or 1) for a, b in pairs)


def norms(g: mlp.backprop.Gradient) -> list[float]:
    """The largest entry of every array of the gradient."""
    return [float(abs(a).max()) for a in (*g.nabla_w, *g.nabla_b)]


@settings(max_examples=30, deadline=None, derandomize=True)
@given(sizes=shapes, batch=st.integers(1, 9), seed=st.integers(0, 2**32))
def test_backprop_agrees_with_the_complex_step(
    sizes: list[int], batch: int, seed: int, hidden: Any, loss: str
) -> None:
    net, x, y = problem(sizes, batch, seed, hidden, loss)
    ours, reference = net.backprop(x, y), complex_step_gradient(net, x, y)
    assert worst(ours, reference) < 1e-12
    assert ours.loss == pytest.approx(reference.loss, rel=1e-14)
    assert norms(reference)[-1] > 1e-4  # the derivative by the last bias is never 0
    assert hidden.name == "relu" or min(norms(reference)) > 1e-9  # dead units of relu have none


def test_the_loss_value_is_that_of_backprop(hidden: Any, loss: str) -> None:
    net, x, y = problem([5, 7, 4, 3], 6, 1, hidden, loss)
    assert net.loss_value(x, y) == net.backprop(x, y).loss


def test_float32_agrees_with_float64(hidden: Any, loss: str) -> None:
    net, x, y = problem([5, 7, 4, 3], 6, 1, hidden, loss, dtype=np.float32)
    ours, reference = net.backprop(x, y), complex_step_gradient(net, x, y)
    assert ours.vector.dtype == np.float32 and reference.vector.dtype == np.float64
    assert worst(ours, reference) < 1e-5 and min(norms(reference)) > 1e-5


@settings(max_examples=30, deadline=None, derandomize=True)
@given(sizes=shapes, batch=st.integers(1, 9), seed=st.integers(0, 2**32))
def test_dot_product_test_of_the_network(sizes: list[int], batch: int, seed: int, hidden: Any) -> None:
    net, x, _ = problem(sizes, batch, seed, hidden, "squared_error")
    assert network_dot_product_test(net, x, rng=seed) < 1e-12


@settings(max_examples=10, deadline=None, derandomize=True)
@given(sizes=shapes, batch=st.integers(1, 9), seed=st.integers(0, 2**32))
def test_dot_product_test_of_every_layer(sizes: list[int], batch: int, seed: int, hidden: Any) -> None:
    net, _, _ = problem(sizes, batch, seed, hidden, "squared_error")
    for layer in net.layers:
        z = np.random.default_rng(seed).standard_normal((layer.w.shape[1], batch))
        assert layer_dot_product_test(layer, z, rng=seed) < 1e-12


def test_dot_product_test_sees_a_lost_transpose() -> None:
    w, x = np.random.default_rng(0).standard_normal((2, 4, 4))
    assert dot_product_test(np.matmul, lambda u: (u @ x.T, w.T @ u), (w, x)) < 1e-15
    assert dot_product_test(np.matmul, lambda u: (u @ x.T, w @ u), (w, x)) > 1e-3
    assert dot_product_test(np.matmul, lambda u: (u @ x, w.T @ u), (w, x)) > 1e-3


def test_dot_product_test_sees_exchanged_entries() -> None:
    """What has the right sums is wrong all the same: so neither v nor u may have equal entries."""
    w, x = np.random.default_rng(0).standard_normal((2, 4, 4))
    assert dot_product_test(np.matmul, lambda u: (u[::-1] @ x.T, w.T @ u[::-1]), (w, x)) > 1e-3
    assert dot_product_test(np.matmul, lambda u: ((u @ x.T)[::-1], (w.T @ u)[::-1]), (w, x)) > 1e-3


def test_every_check_sees_a_wrong_derivative() -> None:
    class Wrong(type(mlp.activations.by_name["tanh"])):  # type: ignore[misc]
        def multiply_derivative(self, delta: Any, x: Any) -> None:
            super().multiply_derivative(delta, x)
            delta *= 1.001

    net, x, y = problem([4, 5, 3], 3, 0, Wrong(), "squared_error")
    assert worst(net.backprop(x, y), complex_step_gradient(net, x, y)) > 5e-4
    assert network_dot_product_test(net, x) > 1e-6
    assert layer_dot_product_test(net.layers[1], np.ones((5, 2))) > 1e-6


def exact_cross_entropy(z: Any, y: Any) -> tuple[float, list[list[float]]]:
    """The loss and its derivative to 50 digits, from the definition, without any shift."""
    columns, total, delta = z.shape[1], Decimal(0), np.empty_like(z)
    for j in range(columns):
        powers = [Decimal(float(t)).exp() for t in z[:, j]]
        for i, power in enumerate(powers):
            p, label = power / sum(powers), Decimal(float(y[i, j]))
            total -= label * p.ln()
            delta[i, j] = float((p - label) / columns)
    return float(total / columns), delta


@pytest.mark.parametrize("scale", [0.01, 1, 30, 1000])
def test_cross_entropy_against_exact_values(scale: float) -> None:
    rng = np.random.default_rng(0)
    z, y = scale * rng.standard_normal((4, 5)), np.eye(4)[:, [0, 1, 2, 3, 0]]
    value, delta = exact_cross_entropy(z, y)
    assert mlp.losses.CrossEntropy().value_and_delta(z, y) == pytest.approx(value, rel=1e-15, abs=1e-15)
    assert np.allclose(z, delta, rtol=1e-13, atol=1e-17)


def test_a_confident_loss_is_accurate_absolutely_only() -> None:
    z, y = np.array([[40.0], [0.0], [-3.0]]), np.array([[1.0], [0.0], [0.0]])
    value, delta = exact_cross_entropy(z, y)
    assert value == pytest.approx(4.4599e-18, rel=1e-4, abs=0)
    assert mlp.losses.CrossEntropy().value_and_delta(z, y) == 0.0
    assert z[1:] == pytest.approx(delta[1:], rel=1e-14, abs=0)


def test_squared_error_against_exact_values() -> None:
    z, y = np.array([[1.0, 2.0], [3.0, 5.0]]), np.array([[0.0, 2.0], [1.0, 1.0]])
    assert mlp.losses.SquaredError().value_and_delta(z, y) == 0.5 * (1 + 4 + 0 + 16) / 2
    assert np.array_equal(z, [[0.5, 0.0], [1.0, 2.0]])


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(10))
def test_backprop_agrees_with_autograd(hidden: Any, loss: str, seed: int) -> None:
    import autograd.numpy as anp  # noqa: PLC0415
    from autograd import grad  # noqa: PLC0415
    from autograd.scipy.stats import norm  # noqa: PLC0415

    def gelu_tanh(z: Any) -> Any:
        return z * (1 + anp.tanh(anp.sqrt(2 / anp.pi) * (z + 0.044715 * z**3))) / 2

    phi = {
        "sigmoid": lambda z: 1 / (1 + anp.exp(-z)),
        "tanh": anp.tanh,
        "relu": lambda z: anp.where(z > 0, z, 0),
        "leaky_relu": lambda z: anp.where(z > 0, z, 0.01 * z),
        "elu": lambda z: anp.where(z > 0, z, anp.exp(z) - 1),
        "softplus": lambda z: anp.log(1 + anp.exp(z)),
        "softsign": lambda z: z / (1 + anp.abs(z)),
        "silu": lambda z: z / (1 + anp.exp(-z)),
        "gelu": lambda z: z * norm.cdf(z),
        "gelu_tanh": gelu_tanh,
        "identity": lambda z: z,
        "swish": lambda z: z / (1 + anp.exp(-z / 2)),
        "sine": anp.sin,
    }[hidden.name]
    net, x, y = problem([6, 5, 7, 4], 8, seed, hidden, loss)

    def value(parameters: tuple[Any, ...]) -> Any:
        """The loss, restated from the definitions: examples are rows, parameters a tuple of pairs."""
        rows = x.T
        for k, (w, b) in enumerate(parameters, start=1):
            rows = anp.dot(rows, anp.transpose(w)) + anp.reshape(b, -1)
            rows = phi(rows) if k < net.depth else rows
        if loss == "squared_error":
            return anp.mean(anp.sum((rows - y.T) ** 2, axis=1)) / 2
        if loss == "binary_cross_entropy":
            return anp.mean(anp.sum(anp.log(1 + anp.exp(rows)) - y.T * rows, axis=1))
        return -anp.mean(
            anp.sum(y.T * anp.log(anp.exp(rows) / anp.sum(anp.exp(rows), axis=1, keepdims=True)), axis=1)
        )

    parameters = tuple(zip(net.weights, net.biases, strict=True))
    ours, theirs = net.backprop(x, y), grad(value)(parameters)
    assert ours.loss == pytest.approx(value(parameters), rel=1e-13)
    for k, (w, b) in enumerate(theirs):
        assert abs(ours.nabla_w[k] - w).max() < 1e-12 * abs(w).max() and abs(w).max() > 1e-4
        assert abs(ours.nabla_b[k] - b).max() < 1e-12 * abs(b).max() and abs(b).max() > 1e-4


def test_the_dot_product_test_refuses_an_adjoint_of_another_shape() -> None:
    """Broadcasting would hide that the sum over the batch was forgotten."""
    w, b, x = np.ones((2, 3)), np.ones((2, 1)), np.ones((3, 4))
    with pytest.raises(ValueError, match="sum over every axis that was broadcast"):
        mlp.checks.dot_product_test(lambda w, b: w @ x + b, lambda u: (u @ x.T, u), (w, b))
