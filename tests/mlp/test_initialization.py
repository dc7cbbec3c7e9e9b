"""How a network begins: the sizes of the weights, orthogonal ones, and what "auto" chooses."""

from typing import Any

import numpy as np
import pytest

import mlp
from mlp import Network
from mlp.network import automatic, initializations, orthogonal

SHAPES = [(1, 1), (1, 7), (7, 1), (5, 5), (3, 8), (8, 3), (40, 31)]


@pytest.mark.parametrize(("m", "d"), SHAPES)
def test_orthogonal_weights_are_orthonormal(m: int, d: int) -> None:
    w = orthogonal(np.random.default_rng(m + 10 * d), m, d)
    assert w.shape == (m, d)
    short = w.T @ w if m >= d else w @ w.T
    assert np.allclose(short, np.eye(min(m, d)), rtol=0, atol=1e-14)


def test_orthogonal_weights_have_no_preferred_sign() -> None:
    rng = np.random.default_rng(0)
    for m, d in [(1, 1), (3, 3), (4, 2), (2, 4)]:
        drawn = np.array([orthogonal(rng, m, d) for _ in range(2000)])
        # each entry has mean 0 and variance 1 / max(m, d)
        assert abs(drawn.mean(axis=0)).max() < 5 / np.sqrt(2000 * max(m, d))
        assert np.allclose((drawn**2).mean(axis=0), 1 / max(m, d), rtol=0.2)


def test_a_linear_orthogonal_network_keeps_every_norm() -> None:
    net = Network.initialize(
        [12] * 41, hidden="identity", loss="squared_error", initialization="orthogonal", dtype=np.float64
    )
    x, y = np.random.default_rng(1).standard_normal((2, 12, 5))
    assert np.allclose(np.linalg.norm(net.logits(x), axis=0), np.linalg.norm(x, axis=0), rtol=1e-13)
    norms = [np.linalg.norm(w) for w in net.weights]
    assert np.allclose(norms, np.sqrt(12), rtol=1e-14)
    x, y = x[:, :1], y[:, :1]
    deltas = [np.linalg.norm(b) for b in net.backprop(x, y).nabla_b]
    assert np.allclose(deltas, np.linalg.norm(net.logits(x) - y), rtol=1e-13)


@pytest.mark.parametrize(
    ("initialization", "variance"),
    [("normal", 1.0), ("glorot", 2 / 500), ("he", 2 / 300), ("orthogonal", 1 / 300)],
)
def test_variances(initialization: str, variance: float) -> None:
    net = Network.initialize([300, 200], initialization=initialization, dtype=np.float64)
    w = net.weights[0]
    assert w.var() == pytest.approx(variance, rel=0.03)  # five standard errors of 60,000 numbers
    assert abs(w.mean()) < 5 * (variance / w.size) ** 0.5
    assert not net.biases[0].any()


@pytest.mark.parametrize("initialization", initializations)
def test_a_seed_decides_and_precision_only_rounds(initialization: str) -> None:
    nets = [
        Network.initialize([9, 8, 7], initialization=initialization, dtype=dtype, rng=3)
        for dtype in (np.float32, np.float64, np.float64)
    ]
    assert np.array_equal(nets[1].parameters, nets[2].parameters)
    assert np.array_equal(nets[0].parameters, nets[1].parameters.astype(np.float32))
    other = Network.initialize([9, 8, 7], initialization=initialization, dtype=np.float64, rng=4)
    assert not np.array_equal(nets[1].weights[0], other.weights[0])


def test_auto_looks_at_what_an_activation_does(hidden: Any) -> None:
    halves = {"relu", "leaky_relu", "elu", "softplus", "silu", "gelu", "gelu_tanh"}
    chosen = "he" if hidden.name in halves else "glorot"
    assert automatic(hidden) == chosen
    auto, named = (
        Network.initialize([5, 4, 3], hidden=hidden, initialization=initialization)
        for initialization in ("auto", chosen)
    )
    assert np.array_equal(auto.parameters, named.parameters)


def test_every_initialization_is_named_when_one_is_unknown() -> None:
    with pytest.raises(ValueError, match="auto or glorot or he or orthogonal or normal") as caught:
        Network.initialize([3, 2], initialization="orthagonal")
    assert "Write 'orthogonal'." in str(caught.value)


def test_the_second_moment_is_kept_where_it_should_be() -> None:
    x = np.random.default_rng(0).standard_normal((400, 50))
    for hidden in ("relu", "identity"):
        net = Network.initialize([400] * 6, hidden=hidden, dtype=np.float64)
        state = mlp.network.forward(net.layers[:4], x)
        assert np.mean(state**2) == pytest.approx(np.mean(x**2), rel=0.5)
