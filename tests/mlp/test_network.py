"""Networks: their parameters, how they begin, what they predict."""

import pickle
from typing import Any

import numpy as np
import pytest

import mlp
from mlp import Network


def test_shapes_and_names() -> None:
    net = Network.initialize([784, 30, 10])
    assert net.depth == 2 and net.sizes == (784, 30, 10) and net.parameters.shape == (23860,)
    assert [w.shape for w in net.weights] == [(30, 784), (10, 30)]
    assert [b.shape for b in net.biases] == [(30, 1), (10, 1)]
    assert repr(net) == "Network([784, 30, 10], hidden='sigmoid', loss='cross_entropy', dtype='float32')"


def test_weights_and_biases_are_views() -> None:
    net = Network.initialize([3, 2, 2])
    net.weights[1][...] = 5
    net.biases[0][...] = 7
    assert np.array_equal(net.parameters[6:8], [7, 7]) and np.array_equal(net.parameters[8:12], [5] * 4)


def test_a_seed_decides_and_precision_only_rounds() -> None:
    one, two = (Network.initialize([9, 8, 7], rng=seed, dtype=np.float64) for seed in (3, 3))
    assert np.array_equal(one.parameters, two.parameters)
    assert not np.array_equal(
        one.parameters, Network.initialize([9, 8, 7], rng=4, dtype=np.float64).parameters
    )
    assert np.array_equal(one.parameters.astype(np.float32), Network.initialize([9, 8, 7], rng=3).parameters)
    generator = np.random.default_rng(3)
    assert np.array_equal(
        one.parameters, Network.initialize([9, 8, 7], rng=generator, dtype=np.float64).parameters
    )


@pytest.mark.parametrize(
    ("name", "initialization", "variance"),
    [
        ("sigmoid", "auto", 2 / 500),
        ("tanh", "auto", 2 / 500),
        ("identity", "auto", 2 / 500),
        ("relu", "auto", 2 / 300),
        ("relu", "glorot", 2 / 500),
        ("tanh", "he", 2 / 300),
    ],
)
def test_initializations(name: str, initialization: str, variance: float) -> None:
    net = Network.initialize([300, 200], hidden=name, initialization=initialization, dtype=np.float64)
    w = net.weights[0]
    assert w.var() == pytest.approx(variance, rel=0.03)  # five standard errors of 60,000 numbers
    assert abs(w.mean()) < 5 * (variance / w.size) ** 0.5
    assert not net.biases[0].any()


def test_predictions(hidden: Any) -> None:
    x = np.random.default_rng(0).standard_normal((4, 6))
    classifier = Network.initialize([4, 5, 3], hidden=hidden, dtype=np.float64)
    p = classifier.predict(x)
    e = np.exp(classifier.logits(x))
    assert p.shape == (3, 6) and np.allclose(p, e / e.sum(axis=0), rtol=1e-14)
    regressor = Network.initialize([4, 5, 3], hidden=hidden, loss="squared_error", dtype=np.float64)
    assert np.array_equal(regressor.predict(x), regressor.logits(x))


def test_the_loss_is_a_mean_over_columns(loss: str) -> None:
    net = Network.initialize([4, 5, 3], loss=loss, dtype=np.float64)
    x, y = np.random.default_rng(0).standard_normal((4, 6)), np.eye(3)[:, [0, 1, 2, 2, 1, 0]]
    alone = [net.backprop(x[:, [j]], y[:, [j]]) for j in range(6)]
    together, twice = net.backprop(x, y), net.backprop(np.hstack([x, x]), np.hstack([y, y]))
    assert together.loss == pytest.approx(np.mean([g.loss for g in alone]), rel=1e-14)
    assert np.allclose(together.vector, np.mean([g.vector for g in alone], axis=0), rtol=1e-12, atol=1e-16)
    assert np.allclose(together.vector, twice.vector, rtol=1e-12, atol=1e-16)


def test_the_same_arrays_give_the_same_bits(hidden: Any, loss: str) -> None:
    net = Network.initialize([20, 30, 30, 10], hidden=hidden, loss=loss)
    x, y = np.random.default_rng(0).random((20, 50), np.float32), mlp.data.one_hot(np.arange(50) % 10, 10)
    assert np.array_equal(net.backprop(x, y).vector, net.backprop(x, y).vector)


def test_a_gradient_has_the_form_of_the_parameters() -> None:
    net = Network.initialize([3, 4, 2])
    g = net.backprop(np.ones((3, 1), np.float32), np.array([[1], [0]], np.float32))
    assert [a.shape for a in g.nabla_w] == [w.shape for w in net.weights]
    assert [a.shape for a in g.nabla_b] == [b.shape for b in net.biases]
    assert all(np.shares_memory(a, g.vector) for a in (*g.nabla_w, *g.nabla_b))


def test_a_network_can_be_sent_to_another_process() -> None:
    net = Network.initialize([3, 4, 2])
    twin = pickle.loads(pickle.dumps(net))
    assert np.array_equal(twin.parameters, net.parameters) and twin.sizes == net.sizes


def test_a_single_layer_and_a_single_example() -> None:
    net = Network.initialize([3, 2], dtype=np.float64)
    x, y = np.array([[1.0], [2.0], [3.0]]), np.array([[0.0], [1.0]])
    delta = net.predict(x) - y
    g = net.backprop(x, y)
    assert np.allclose(g.nabla_w[0], delta @ x.T, rtol=1e-15) and np.allclose(g.nabla_b[0], delta, rtol=1e-15)
