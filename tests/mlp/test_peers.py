"""Derivatives a third time: against JAX and PyTorch, with functions of theirs, differentiated by them.

Each runs where its library can be imported. `make jax` installs JAX, and `.ci/run` asks for it.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import mlp
from mlp.arrays import kernel_arithmetic

pytestmark = pytest.mark.slow

KINDS = ["hard", "soft", "smooth"]


class Jax:
    """JAX in double precision."""

    def __init__(self) -> None:
        jax = pytest.importorskip("jax", reason="`make jax` installs it")
        jax.config.update("jax_enable_x64", True)
        np, nn, self.jax = jax.numpy, jax.nn, jax
        self.sum, self.array = np.sum, np.asarray
        self.activations: dict[str, Callable[[Any], Any]] = {
            **{
                name: getattr(nn, name) for name in ("sigmoid", "relu", "elu", "softplus", "silu", "identity")
            },
            "tanh": np.tanh,
            "leaky_relu": nn.leaky_relu,
            "softsign": nn.soft_sign,
            "gelu": lambda z: nn.gelu(z, approximate=False),
            "gelu_tanh": lambda z: nn.gelu(z, approximate=True),
            "swish": lambda z: z * nn.sigmoid(z / 2),
            "sine": np.sin,
        }
        self.losses: dict[str, Callable[[Any, Any], Any]] = {  # of rows, summed over all
            "cross_entropy": lambda z, y: -np.sum(y * nn.log_softmax(z, axis=1)),
            "binary_cross_entropy": lambda z, y: (
                -np.sum(y * nn.log_sigmoid(z) + (1 - y) * nn.log_sigmoid(-z))
            ),
            "squared_error": lambda z, y: np.sum((z - y) ** 2) / 2,
        }

    def gradients(self, f: Callable[..., Any], *arrays: Any) -> list[Any]:
        """The derivative of f by each of its arguments."""
        return [np.asarray(g) for g in self.jax.grad(f, argnums=tuple(range(len(arrays))))(*arrays)]

    def directional(self, f: Callable[[Any], Any], at: Any, v: Any) -> Any:
        """The derivative of the gradient of f along v: forward over reverse."""
        return np.asarray(self.jax.jvp(self.jax.grad(f), (at,), (v,))[1])


class Torch:
    """PyTorch in double precision."""

    def __init__(self) -> None:
        torch = pytest.importorskip("torch", reason="the extras do not bring it: it is large")
        f, self.torch = torch.nn.functional, torch
        self.sum, self.array = torch.sum, torch.tensor
        names = ("sigmoid", "tanh", "relu", "leaky_relu", "elu", "softplus", "softsign", "silu", "gelu")
        self.activations: dict[str, Callable[[Any], Any]] = {
            **{name: getattr(f, name) for name in names},
            "gelu_tanh": lambda z: f.gelu(z, approximate="tanh"),
            "identity": torch.nn.Identity(),
            "swish": lambda z: z * torch.sigmoid(z / 2),
            "sine": torch.sin,
        }
        total = {"reduction": "sum"}
        self.losses: dict[str, Callable[[Any, Any], Any]] = {
            "cross_entropy": lambda z, y: f.cross_entropy(z, y, **total),
            "binary_cross_entropy": lambda z, y: f.binary_cross_entropy_with_logits(z, y, **total),
            "squared_error": lambda z, y: f.mse_loss(z, y, **total) / 2,
        }

    def gradients(self, f: Callable[..., Any], *arrays: Any) -> list[Any]:
        """The derivative of f by each of its arguments."""
        tensors = [self.torch.tensor(a, requires_grad=True) for a in arrays]
        return [g.numpy() for g in self.torch.autograd.grad(f(*tensors), tensors)]

    def directional(self, f: Callable[[Any], Any], at: Any, v: Any) -> Any:
        """The derivative of the gradient of f along v: reverse over reverse."""
        tensor = self.torch.tensor(at, requires_grad=True)
        [slope] = self.torch.autograd.grad(f(tensor), tensor, create_graph=True)
        if not slope.requires_grad:  # f is affine, where PyTorch keeps nothing to differentiate
            return np.zeros_like(at)
        [moved] = self.torch.autograd.grad(
            (slope * self.torch.tensor(v)).sum(), tensor, allow_unused=True, materialize_grads=True
        )
        return moved.numpy()


@pytest.fixture(scope="module", params=[Jax, Torch], ids=["jax", "torch"])
def peer(request: pytest.FixtureRequest) -> Any:
    """Each of the libraries."""
    return request.param()


def labels(loss: str, kind: str, shape: tuple[int, int], rng: np.random.Generator) -> Any:
    """Labels (d, B): one-hot ones, distributions of any kind, or one-hot ones that are smoothed."""
    hard = np.eye(shape[0])[:, rng.integers(0, shape[0], shape[1])]
    soft = rng.random(shape)
    if loss == "cross_entropy":
        soft /= soft.sum(axis=0)
    return {"hard": hard, "soft": soft, "smooth": mlp.losses.smooth_labels(hard, 0.2)}[kind]


def test_all_functions_are_compared(peer: Any, activations: dict[str, Any]) -> None:
    assert set(peer.activations) == set(activations) and set(peer.losses) == set(mlp.losses.by_name)


def test_an_activation_and_its_two_derivatives(peer: Any, hidden: Any) -> None:
    rng, f = np.random.default_rng(3), peer.activations[hidden.name]
    z = np.concatenate([rng.uniform(-12, 12, 4000), 2 * rng.standard_normal(4000)])
    work = [np.empty_like(z) for _ in range(getattr(hidden, "workspace", 0))]
    x, kept, slope, second = np.empty_like(z), z.copy(), np.ones_like(z), np.zeros_like(z)
    with kernel_arithmetic():
        hidden.value(z, x, *work)
        if hidden.needs == "output":
            kept = x.copy()
        if hasattr(hidden, "second_derivative"):
            hidden.second_derivative(kept, second, *work)
        hidden.multiply_derivative(slope, kept, *work)
    [theirs] = peer.gradients(lambda a: peer.sum(f(a)), z)
    assert abs(x - np.asarray(f(peer.array(z)))).max() < 2e-14 and abs(x).max() > 0.9
    assert abs(slope - theirs).max() < 1e-13 and abs(theirs).max() > 0.2
    if hasattr(hidden, "second_derivative"):
        bends = peer.directional(lambda a: peer.sum(f(a)), z, np.ones_like(z))
        assert abs(second - bends).max() < 1e-12  # theirs is the less exact one; see test_activations.py
        assert hidden.name in ("relu", "leaky_relu", "identity") or abs(bends).max() > 0.05


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("scale", [0.1, 1, 20])
def test_a_loss_and_its_two_derivatives(peer: Any, loss: str, kind: str, scale: float) -> None:
    rng, f = np.random.default_rng(4), peer.losses[loss]
    z, v = scale * rng.standard_normal((5, 7)), rng.standard_normal((5, 7))
    y, ours, product = labels(loss, kind, z.shape, rng), z.copy(), v.copy()
    value = mlp.losses.by_name[loss].value_and_delta(ours, y)
    mlp.losses.by_name[loss].multiply_hessian(z.copy(), product)
    rows, target = np.ascontiguousarray(z.T), peer.array(np.ascontiguousarray(y.T))
    [delta] = peer.gradients(lambda a: f(a, target) / 7, rows)
    moved = peer.directional(lambda a: f(a, target) / 7, rows, np.ascontiguousarray(v.T))
    assert value == pytest.approx(float(f(peer.array(rows), target)) / 7, rel=1e-13) and value > 0
    assert abs(ours - delta.T).max() < 1e-14 and abs(delta).max() > 0.01
    assert abs(product - moved.T).max() < 1e-14 and abs(moved).max() > 1e-4


@pytest.mark.parametrize("kind", KINDS)
def test_a_network(peer: Any, hidden: Any, loss: str, kind: str) -> None:
    """Examples are rows, as both libraries have them."""
    rng, phi, f = np.random.default_rng(5), peer.activations[hidden.name], peer.losses[loss]
    net = mlp.Network.initialize([6, 5, 7, 4], hidden=hidden, loss=loss, dtype=np.float64, rng=rng)
    net.parameters[...] *= 1.5
    for b in net.biases:
        b[...] = rng.uniform(0.1, 0.5, b.shape) * rng.choice([-1, 1], b.shape)
    x, y = rng.standard_normal((6, 8)), labels(loss, kind, (4, 8), rng)
    rows, target = peer.array(np.ascontiguousarray(x.T)), peer.array(np.ascontiguousarray(y.T))

    def value(*parameters: Any) -> Any:
        states, n = rows, net.depth
        for k in range(n):
            states = states @ parameters[k].T + parameters[n + k].reshape(-1)
            states = phi(states) if k < n - 1 else states
        return f(states, target) / 8

    ours, theirs = net.backprop(x, y), peer.gradients(value, *net.weights, *net.biases)
    assert ours.loss == pytest.approx(float(value(*map(peer.array, (*net.weights, *net.biases)))), rel=1e-13)
    for a, b in zip((*ours.nabla_w, *ours.nabla_b), theirs, strict=True):
        assert abs(a - b).max() < 1e-12 * abs(b).max() and abs(b).max() > 1e-4


@pytest.mark.parametrize("amount", [0.0, 0.1, 0.5, 1.0])
def test_label_smoothing_is_that_of_pytorch(amount: float) -> None:
    torch = pytest.importorskip("torch")
    rng = np.random.default_rng(6)
    z, classes = rng.standard_normal((5, 9)), rng.integers(0, 5, 9)
    ours = z.copy()
    y = mlp.losses.smooth_labels(mlp.data.one_hot(classes, 5, np.float64), amount)
    value = mlp.losses.by_name["cross_entropy"].value_and_delta(ours, y)
    rows = torch.tensor(np.ascontiguousarray(z.T), requires_grad=True)
    theirs = torch.nn.functional.cross_entropy(rows, torch.tensor(classes), label_smoothing=amount)
    [delta] = torch.autograd.grad(theirs, rows)
    assert value == pytest.approx(theirs.item(), rel=1e-14)
    assert abs(ours - delta.numpy().T).max() < 1e-15
