"""Optimisers: their recurrences against other forms of them, by hand, and against other libraries."""

import math
from collections.abc import Callable
from decimal import Decimal, getcontext
from fractions import Fraction
from typing import Any

import numpy as np
import pytest

import mlp
from mlp import Network
from mlp.optimizers import SGD, Adam, Nesterov, Penalty, by_name, descend

RNG = np.random.default_rng(1)
X = RNG.random((6, 25))
Y = mlp.data.one_hot(RNG.integers(0, 3, 25), 3, np.float64)

KINDS: list[dict[str, Any]] = [
    {"optimizer": "sgd", "learning_rate": 0.3},
    {"optimizer": "sgd", "learning_rate": 0.1, "momentum": 0.75},
    {"optimizer": "nesterov", "learning_rate": 0.1, "momentum": 0.75},
    {"optimizer": "adam", "learning_rate": 0.02},
]
NAMES = ["sgd", "momentum", "nesterov", "adam"]


def network(**options: Any) -> Network:
    return Network.initialize([6, 5, 3], **{"dtype": np.float64, **options})


Gradient = Callable[[list[float], int], list[float]]


def plain(theta: list[float], gradient: Gradient, steps: int, rate: float) -> list[float]:
    for t in range(1, steps + 1):
        theta = [p - rate * g for p, g in zip(theta, gradient(theta, t), strict=True)]
    return theta


def heavy_ball(theta: list[float], gradient: Gradient, steps: int, rate: float, mu: float) -> list[float]:
    """Polyak's form: a step down, and mu times the step before."""
    before = theta
    for t in range(1, steps + 1):
        g = gradient(theta, t)
        rows = zip(theta, before, g, strict=True)
        theta, before = [p - rate * d + mu * (p - q) for p, q, d in rows], theta
    return theta


def look_ahead(theta: list[float], gradient: Gradient, steps: int, rate: float, mu: float) -> list[float]:
    """Nesterov's form in two sequences: a step down from x gives y, and x goes on beyond y."""
    x, y = theta, theta
    for t in range(1, steps + 1):
        below = [p - rate * d for p, d in zip(x, gradient(x, t), strict=True)]
        x, y = [p + mu * (p - q) for p, q in zip(below, y, strict=True)], below
    return x


def adam(theta: list[float], gradient: Gradient, steps: int, rate: float) -> list[float]:
    """Means by their definition, as weighted sums over all gradients so far; nothing is carried along."""
    seen: list[list[float]] = []
    for t in range(1, steps + 1):
        seen.append(gradient(theta, t))

        def mean(beta: float, i: int, power: int, t: int = t) -> float:
            weights = [beta ** (t - 1 - j) for j in range(t)]
            return sum(w * g[i] ** power for w, g in zip(weights, seen, strict=True)) / sum(weights)

        theta = [
            p - rate * mean(0.9, i, 1) / (math.sqrt(mean(0.999, i, 2)) + 1e-8) for i, p in enumerate(theta)
        ]
    return theta


REFERENCES: list[Any] = [plain, heavy_ball, look_ahead, adam]


@pytest.mark.parametrize("l2", [0.0, 0.05])
@pytest.mark.parametrize(("settings", "reference"), list(zip(KINDS, REFERENCES, strict=True)), ids=NAMES)
def test_training_follows_the_recurrence(settings: dict[str, Any], reference: Any, l2: float) -> None:
    ours, theirs, epochs, batch = network(rng=3), network(rng=3), 4, 10
    list(mlp.train(ours, X, Y, epochs=epochs, batch_size=batch, rng=5, l2=l2, **settings))
    rng = np.random.default_rng(5)
    orders = [rng.permutation(25) for _ in range(epochs)]
    batches = [order[start : start + batch] for order in orders for start in range(0, 25, batch)]
    decays = Network((6, 5, 3), theirs.hidden, theirs.loss, np.zeros_like(theirs.parameters))
    for w in decays.weights:
        w[...] = l2

    def gradient(theta: list[float], t: int) -> list[float]:
        theirs.parameters[:] = theta
        g = theirs.backprop(X[:, batches[t - 1]], Y[:, batches[t - 1]]).vector
        pairs = zip(g.tolist(), decays.parameters.tolist(), theta, strict=True)
        return [d + strength * p for d, strength, p in pairs]

    momentum = {"mu": settings["momentum"]} if "momentum" in settings else {}
    start = network(rng=3).parameters.tolist()
    end = reference(start, gradient, len(batches), settings["learning_rate"], **momentum)
    moved = np.abs(np.array(end) - start).max()
    assert moved > 0.01
    assert np.abs(ours.parameters - end).max() < 1e-12 * moved


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_adam_by_hand(dtype: Any) -> None:
    """g = 3, then 4: m_2 = (0.9 * 3 + 4) / 1.9 = 67/19, and s_2 = (0.999 * 9 + 16) / 1.999 = 24991/1999."""
    getcontext().prec = 40
    method = Adam(0.0, np.zeros(1, dtype))
    first = method.direction(np.array([3.0], dtype), 1).item()
    second = method.direction(np.array([4.0], dtype), 2).item()
    assert Fraction(67, 19) == (Fraction(9, 10) * 3 + 4) * Fraction(1, 10) / (1 - Fraction(9, 10) ** 2)
    root = (Decimal(24991) / Decimal(1999)).sqrt() + Decimal("1e-8")
    exact = Decimal(67) / Decimal(19) / root
    tolerance = 4 * float(np.finfo(dtype).eps)
    assert first == pytest.approx(3 / (3 + 1e-8), rel=tolerance)
    assert second == pytest.approx(float(exact), rel=tolerance * (1 if dtype == np.float64 else 4))


def test_momentum_and_nesterov_by_hand() -> None:
    """With mu = 1/2 and g = 8, 4, 2: v = 8, 8, 6, and g + v/2 = 12, 8, 5."""
    heavy, ahead = SGD(0.5, np.zeros(1)), Nesterov(0.5, np.zeros(1))
    gradients = [8.0, 4.0, 2.0]
    assert [heavy.direction(np.array([g]), t).item() for t, g in enumerate(gradients, 1)] == [8, 8, 6]
    assert [ahead.direction(np.array([g]), t).item() for t, g in enumerate(gradients, 1)] == [12, 8, 5]


def test_adam_does_not_divide_by_zero() -> None:
    method = Adam(0.0, np.zeros(3, np.float32))
    for t in range(1, 4):
        assert np.array_equal(method.direction(np.zeros(3, np.float32), t), np.zeros(3))


def test_plain_descent_keeps_nothing_and_takes_two_calls() -> None:
    parameters, gradient = np.ones(4), np.full(4, 2.0)
    method = SGD(0.0, parameters)
    assert method.direction(gradient, 1) is gradient and method.moments.shape == (0, 4)
    descend(parameters, gradient, 0.25, out=gradient)
    assert np.array_equal(parameters, np.full(4, 0.5))


def test_descend_leaves_a_moment_alone() -> None:
    parameters, moment, scratch = np.ones(3), np.full(3, 2.0), np.empty(3)
    descend(parameters, moment, 0.5, out=scratch)
    assert np.array_equal(moment, np.full(3, 2.0)) and np.array_equal(parameters, np.zeros(3))


def test_the_penalty_is_in_loss_and_gradient(loss: str) -> None:
    """The complex step of the penalised loss, through the kernels of the unpenalised one."""
    l2, net = 0.3, network(loss=loss, rng=2)
    net.parameters[:] = RNG.standard_normal(len(net.parameters))
    ours = net.backprop(X, Y)
    Penalty(net.parameters, net.sizes, l2).add_to(ours)
    exact = mlp.checks.complex_step_gradient(net, X, Y)
    parts = [(w, b) for w, b in zip(net.weights, net.biases, strict=True)]
    flat = np.concatenate([np.append(w.ravel(), 0 * b) for w, b in parts])

    def penalty(theta: Any) -> Any:
        return l2 / 2 * np.sum((theta * (flat != 0)) ** 2)

    steps = 1e-30j * np.eye(len(flat))
    slopes = [penalty(net.parameters + step).imag / 1e-30 for step in steps]
    reference = exact.vector + slopes
    assert np.linalg.norm(slopes) > 0.1
    assert np.abs(ours.vector - reference).max() < 1e-13 * np.abs(reference).max()
    assert ours.loss == pytest.approx(exact.loss + l2 / 2 * sum((w**2).sum() for w in net.weights), rel=1e-14)


def test_the_penalty_is_not_divided_by_the_batch_and_spares_the_biases() -> None:
    net = network(loss="squared_error")
    net.biases[0][...] = 5.0
    for count in (1, 5, 25):
        g = net.backprop(X[:, :count], Y[:, :count])
        before = [a.copy() for a in (*g.nabla_w, *g.nabla_b)]
        Penalty(net.parameters, net.sizes, 0.5).add_to(g)
        for k, w in enumerate(net.weights):
            assert np.allclose(g.nabla_w[k] - before[k], 0.5 * w, rtol=1e-12)
            assert np.array_equal(g.nabla_b[k], before[net.depth + k])


def test_the_record_has_the_penalised_loss() -> None:
    net = network()
    g = net.backprop(X, Y)
    penalty = 0.2 / 2 * sum(float((w**2).sum()) for w in net.weights)
    (record,) = mlp.train(net, X, Y, epochs=1, batch_size=25, l2=0.2)
    assert record.loss == pytest.approx(g.loss + penalty, rel=1e-12)


def test_a_plain_step_with_the_penalty_shrinks_the_weights_first() -> None:
    net, rate, l2 = network(), 0.5, 0.1
    g, start = net.backprop(X, Y), network()
    next(mlp.train(net, X, Y, epochs=1, batch_size=25, learning_rate=rate, l2=l2))
    for k in range(net.depth):
        shrunk = (1 - rate * l2) * start.weights[k] - rate * g.nabla_w[k]
        assert np.allclose(net.weights[k], shrunk, rtol=1e-12, atol=1e-15)
        assert np.allclose(net.biases[k], start.biases[k] - rate * g.nabla_b[k], rtol=1e-12, atol=1e-15)


@pytest.mark.parametrize("settings", KINDS, ids=NAMES)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_a_step_allocates_nothing_of_the_size_of_the_parameters(
    settings: dict[str, Any], dtype: Any, peak: Callable[..., int]
) -> None:
    net = Network.initialize([300, 200, 3], dtype=dtype)
    x = np.random.default_rng(0).random((300, 8)).astype(dtype)
    y = mlp.data.one_hot(np.arange(8) % 3, 3, dtype)
    run = mlp.train(net, x, y, epochs=1, batch_size=4, l2=0.1, **settings)
    chosen = np.arange(4)
    with mlp.arrays.kernel_arithmetic():
        assert peak(lambda: run.step(chosen)) < 20_000 < net.parameters.nbytes / 10
    assert run.optimizer.moments.dtype == dtype


@pytest.mark.parametrize(
    ("options", "error", "words"),
    [
        ({"optimizer": "adma"}, ValueError, "Write 'adam'"),
        ({"optimizer": None}, ValueError, "optimizer: expected sgd or nesterov or adam"),
        ({"momentum": 1.0}, ValueError, "momentum"),
        ({"momentum": -0.1}, ValueError, "momentum"),
        ({"momentum": math.nan}, ValueError, "momentum"),
        ({"momentum": "0.9"}, TypeError, "momentum"),
        ({"optimizer": "nesterov"}, ValueError, "Try 0.9"),
        ({"optimizer": "adam", "momentum": 0.9}, ValueError, "Leave it out"),
        ({"l2": -1e-3}, ValueError, "l2"),
        ({"l2": math.inf}, ValueError, "l2"),
        ({"l2": "1"}, TypeError, "l2"),
        ({"l2": True}, TypeError, "l2"),
    ],
)
def test_what_is_refused(options: dict[str, Any], error: type[Exception], words: str) -> None:
    net = network()
    before = net.parameters.copy()
    with pytest.raises(error, match=words):
        mlp.train(net, X, Y, epochs=1, **options)
    assert np.array_equal(net.parameters, before)


@pytest.mark.parametrize(("name", "rate"), [("sgd", 1.0), ("nesterov", 1.0), ("adam", 0.001)])
def test_default_rates(name: str, rate: float) -> None:
    options = {"optimizer": name, "momentum": 0.5 if name == "nesterov" else 0.0}
    assert mlp.train(network(), X, Y, epochs=1, **options).learning_rate == rate
    assert set(by_name) == {"sgd", "nesterov", "adam"}


def test_adam_against_autograd() -> None:
    optimizers = pytest.importorskip("autograd.misc.optimizers")
    ours = network(rng=3)
    start = ours.parameters.copy()

    def gradient(theta: Any, _: int) -> Any:
        net = network()
        net.parameters[:] = theta
        return net.backprop(X, Y).vector

    end = optimizers.adam(gradient, start, num_iters=30, step_size=0.02)
    list(mlp.train(ours, X, Y, epochs=30, batch_size=25, optimizer="adam", learning_rate=0.02))
    assert np.abs(ours.parameters - end).max() < 1e-11 * np.abs(end - start).max()


@pytest.mark.slow
@pytest.mark.parametrize("settings", KINDS, ids=NAMES)
def test_against_torch(settings: dict[str, Any]) -> None:
    torch = pytest.importorskip("torch")
    l2, ours, theirs = 0.01, network(rng=3), network(rng=3)
    start = ours.parameters.copy()
    list(mlp.train(ours, X, Y, epochs=20, batch_size=25, l2=l2, **settings))
    arrays = [torch.from_numpy(a) for a in (*theirs.weights, *theirs.biases)]  # views of theirs.parameters
    groups = [{"params": arrays[:2], "weight_decay": l2}, {"params": arrays[2:]}]
    rate, mu = settings["learning_rate"], settings.get("momentum", 0.0)
    if settings["optimizer"] == "adam":
        method = torch.optim.Adam(groups, lr=rate)
    else:
        method = torch.optim.SGD(groups, lr=rate, momentum=mu, nesterov=settings["optimizer"] == "nesterov")
    for _ in range(20):
        g = theirs.backprop(X, Y)
        for array, slope in zip(arrays, (*g.nabla_w, *g.nabla_b), strict=True):
            array.grad = torch.from_numpy(slope.copy())
        method.step()
    assert np.abs(ours.parameters - theirs.parameters).max() < 1e-12 * np.abs(ours.parameters - start).max()
