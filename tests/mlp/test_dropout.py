# ruff: noqa: E501 (the tables of refusals)
"""Dropout: masks, the gradient under them, and what they cost in memory."""

import itertools
import math
import pickle
from collections.abc import Callable
from fractions import Fraction
from typing import Any

import numpy as np
import pytest

import mlp
from mlp import Dropout
from mlp.arrays import kernel_arithmetic
from mlp.backprop import Buffers, Gradient, backprop
from mlp.checks import complex_step_gradient, layer_dot_product_test, network_dot_product_test
from mlp.dropout import BLOCK, Dropped, stream
from mlp.layers import advance, chain

RATES = [0.1, 0.5, 0.8]


def mask(dropout: Dropout, layer: int, shape: tuple[int, int], dtype: Any = np.float64) -> Any:
    """The mask itself: what becomes of ones."""
    a = np.ones(shape, dtype)
    Dropped(mlp.activations.identity, dropout, layer).drop(a)
    return a


def problem(hidden: Any, loss: str, seed: int = 0, dtype: Any = np.float64) -> Any:
    """A network of four layers with random parameters, and a batch."""
    rng = np.random.default_rng(seed)
    net = mlp.Network.initialize([4, 9, 7, 8, 3], hidden=hidden, loss=loss, dtype=dtype)
    net.parameters[...] = 0.7 * rng.standard_normal(len(net.parameters))
    x, y = rng.standard_normal((4, 6)), rng.random((3, 6)) + 0.1
    return net, x.astype(dtype), (y / y.sum(axis=0)).astype(dtype)


def worst(ours: Gradient, reference: Gradient) -> float:
    """The largest relative difference of an array of the gradient."""
    pairs = zip((*ours.nabla_w, *ours.nabla_b), (*reference.nabla_w, *reference.nabla_b), strict=True)
    return max(abs(a - b).max() / (abs(b).max() or 1) for a, b in pairs)


@pytest.mark.parametrize("rate", RATES)
def test_the_gradient_agrees_with_the_complex_step(hidden: Any, loss: str, rate: float) -> None:
    for seed in range(4):
        net, x, y = problem(hidden, loss, seed)
        dropout = Dropout(rate, seed, step=5)
        ours, reference = net.backprop(x, y, dropout=dropout), complex_step_gradient(net, x, y, dropout)
        assert worst(ours, reference) < 1e-12
        assert ours.loss == pytest.approx(reference.loss, rel=1e-14)
        assert ours.loss == net.loss_value(x, y, dropout) != net.loss_value(x, y)
        assert abs(reference.nabla_b[-1]).max() > 1e-4
        assert rate > 0.5 or abs(reference.nabla_w[0]).max() > 1e-4


@pytest.mark.parametrize("rate", RATES)
def test_dot_product_tests(hidden: Any, rate: float) -> None:
    net, x, _ = problem(hidden, "squared_error")
    dropout = Dropout(rate, 1, 2)
    assert network_dot_product_test(net, x, rng=3, dropout=dropout) < 1e-12
    for layer in net.dropped(dropout):
        z = np.random.default_rng(0).standard_normal((layer.w.shape[1], 5))
        assert layer_dot_product_test(layer, z) < 1e-12


def test_the_checks_see_a_mask_that_is_forgotten_on_the_way_back(monkeypatch: pytest.MonkeyPatch) -> None:
    net, x, y = problem("tanh", "cross_entropy")
    dropout = Dropout(0.5, 0, 0)
    reference = complex_step_gradient(net, x, y, dropout)

    def forgetful(self: Any, delta: Any, state: Any, *work: Any) -> None:
        state *= 1 - self.dropout.rate
        self.phi.multiply_derivative(delta, state, *work)

    monkeypatch.setattr(Dropped, "multiply_derivative", forgetful)
    assert worst(net.backprop(x, y, dropout=dropout), reference) > 0.1
    assert network_dot_product_test(net, x, dropout=dropout) > 1e-3


def test_it_is_the_network_with_the_masks_written_out(hidden: Any, loss: str) -> None:
    """Against a loop that keeps Z, X and the masks as whole arrays, and takes phi' from Z."""
    net, x, y = problem(hidden, loss)
    dropout = Dropout(0.4, 11, 3)
    states, slopes, masks = [x], [], []
    for k, (w, b) in enumerate(zip(net.weights, net.biases, strict=True), start=1):
        z = w @ states[-1] + b
        if k == net.depth:
            break
        beyond = z + 1e-30j
        hidden.value(beyond, beyond, *(np.empty_like(beyond) for _ in range(getattr(hidden, "workspace", 0))))
        masks.append(mask(dropout, k, z.shape))
        slopes.append(beyond.imag / 1e-30)
        states.append(masks[-1] * beyond.real)
    mlp.losses.by_name[loss].value_and_delta(z, y)
    ours = net.backprop(x, y, dropout=dropout)
    for k in reversed(range(net.depth)):
        expected = z @ states[k].T
        assert abs(ours.nabla_w[k] - expected).max() < 1e-12 * abs(expected).max()
        if k:
            z = net.weights[k].T @ z * masks[k - 1] * slopes[k - 1]


@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.complex64, np.complex128])
def test_every_dtype_has_the_same_mask(dtype: Any) -> None:
    dropout = Dropout(0.3, 2, 9)
    expected = mask(dropout, 1, (70, 90))
    found = mask(dropout, 1, (70, 90), dtype)
    assert found.dtype == dtype and np.array_equal(found != 0, expected != 0)
    assert np.array_equal(found, expected.astype(dtype))


def test_float32_agrees_with_float64(hidden: Any, loss: str) -> None:
    net, x, y = problem(hidden, loss, dtype=np.float32)
    dropout = Dropout(0.5, 4, 4)
    ours, reference = net.backprop(x, y, dropout=dropout), complex_step_gradient(net, x, y, dropout)
    assert ours.vector.dtype == np.float32 and worst(ours, reference) < 3e-5


@pytest.mark.parametrize("shape", [(7, 5), (30, 100), (3, BLOCK), (2, BLOCK + 1), (1, 3 * BLOCK), (5, 1)])
def test_a_mask_is_made_of_consecutive_numbers_of_the_stream(shape: tuple[int, int]) -> None:
    dropout = Dropout(0.25, 6, 7)
    whole = stream(dropout, 2).random(math.prod(shape), np.float32).reshape(shape)
    expected = np.where(whole >= 0.25, 1 / 0.75, 0)
    assert np.array_equal(mask(dropout, 2, shape), expected)
    wide = np.ones((2 * shape[0], 3 * shape[1]))[::2, ::3]  # any layout of memory has the same mask
    transposed = np.ones(shape[::-1]).T
    for a in (wide, transposed):
        Dropped(mlp.activations.identity, dropout, 2).drop(a)
        assert np.array_equal(a, expected)


def test_the_stream_is_that_of_philox_at_its_coordinates() -> None:
    """Written without the package: the key is (seed, step), the counter begins at layer 2^192."""
    for seed, step, layer in itertools.product([0, 5, 2**64 - 1], [0, 1, 2**64 - 1], [1, 2, 7]):
        philox = np.random.Philox(key=seed + (step << 64), counter=layer << 192)
        expected = np.random.Generator(philox).random(9, np.float32)
        assert np.array_equal(stream(Dropout(0.5, seed, step), layer).random(9, np.float32), expected)


def test_an_entry_is_dropped_if_its_number_is_less_than_the_rate() -> None:
    """Not if the two are equal: so exactly the share p of the numbers in [0, 1) drops an entry."""
    rate = float(stream(Dropout(0.5, 0, 0), 1).random(1, np.float32)[0])
    assert mask(Dropout(rate, 0, 0), 1, (1, 1)) == 1 / (1 - rate)
    assert mask(Dropout(rate + 2**-24, 0, 0), 1, (1, 1)) == 0


def test_same_key_same_mask_other_key_other_mask() -> None:
    keys = list(itertools.product([0, 1, 2], [0, 1, 2], [1, 2, 3]))
    masks = {key: mask(Dropout(0.5, *key[:2]), key[2], (40, 50)) for key in keys}
    for key in keys:
        assert np.array_equal(masks[key], mask(Dropout(0.5, *key[:2]), key[2], (40, 50)))
    for one, other in itertools.combinations(keys, 2):
        agree = np.count_nonzero(masks[one] == masks[other])  # independent: binomial(2000, 1/2)
        assert abs(agree - 1000) < 5 * math.sqrt(500), (one, other)


@pytest.mark.parametrize("rate", [0.05, 0.3, 0.5, 0.9])
def test_the_frequency_of_what_is_kept(rate: float) -> None:
    counts, n = [], 100_000
    for step in range(20):
        m = mask(Dropout(rate, 1, step), 1, (100, 1000))
        assert set(np.unique(m)) == {0.0, 1 / (1 - rate)}
        counts.append(np.count_nonzero(m))
    deviations = (np.array(counts) - n * (1 - rate)) / math.sqrt(n * rate * (1 - rate))
    assert abs(deviations).max() < 4.5 and abs(deviations.mean()) < 4.5 / math.sqrt(20)
    assert 0.4 < deviations.std() < 1.7  # neither too even nor too scattered


def test_rows_and_columns_are_kept_alike() -> None:
    m = mask(Dropout(0.5, 3, 3), 1, (200, 300)) != 0
    for axis, n in ((0, 200), (1, 300)):
        assert abs(m.sum(axis=axis) - n / 2).max() < 5 * math.sqrt(n / 4)
    neighbours = np.count_nonzero(m[:, 1:] == m[:, :-1]) - 200 * 299 / 2
    assert abs(neighbours) < 5 * math.sqrt(200 * 299 / 4)


def test_the_mean_over_all_masks_of_a_linear_network() -> None:
    """Exact: logits with each of the 2^8 pairs of masks, weighted by their probability, in fractions."""
    rate, keep = Fraction(1, 4), Fraction(3, 4)
    rng = np.random.default_rng(0)
    w = [rng.integers(-9, 10, shape) for shape in [(2, 3), (2, 2), (2, 2)]]
    b = [rng.integers(-9, 10, (len(a), 1)) for a in w]
    fractions = np.vectorize(Fraction, otypes=[object])
    w, b, x = [fractions(a) for a in w], [fractions(a) for a in b], fractions(rng.integers(-9, 10, (3, 2)))
    mean, total = 0, Fraction(0)
    for kept in itertools.product([0, 1], repeat=8):
        masks = fractions(np.array(kept).reshape(2, 2, 2)) / keep
        chance = math.prod(keep if k else rate for k in kept)
        z = w[0] @ x + b[0]
        for m, a, c in zip(masks, w[1:], b[1:], strict=True):
            z = a @ (m * z) + c
        mean, total = mean + chance * z, total + chance
    plain = w[2] @ (w[1] @ (w[0] @ x + b[0]) + b[1]) + b[2]
    assert total == 1 and np.array_equal(mean, plain) and any(plain.ravel())


def test_the_mean_loss_over_many_masks_is_ridge() -> None:
    _, x, y = problem("identity", "squared_error")
    net = mlp.Network.initialize([4, 6, 2], hidden="identity", loss="squared_error", dtype=np.float64)
    y, rate = y[:2], 0.5
    values = [net.loss_value(x, y, Dropout(rate, 0, step)) for step in range(4000)]
    hidden = net.weights[0] @ x + net.biases[0]
    penalty = rate / (1 - rate) / (2 * 6) * np.sum(net.weights[1] ** 2 @ hidden**2)
    expected = net.loss_value(x, y) + penalty
    error = np.std(values) / math.sqrt(len(values))
    assert abs(np.mean(values) - expected) < 4 * error and penalty > 20 * error


def test_predictions_never_drop(hidden: Any) -> None:
    net, x, y = problem(hidden, "cross_entropy")
    before = net.predict(x), net.logits(x)
    net.backprop(x, y, dropout=Dropout(0.5, 0, 0))
    assert np.array_equal(before[0], net.predict(x)) and np.array_equal(before[1], net.logits(x))


def test_without_dropout_the_layers_are_the_very_same(hidden: Any, loss: str) -> None:
    net, x, y = problem(hidden, loss)
    for nothing in (None, Dropout(0, 3, 4), Dropout(0.0, 3, 4)):
        layers = chain(net.parameters, net.sizes, hidden, nothing)
        assert [layer.after for layer in layers] == [layer.after for layer in net.layers]
        assert all(layer.before is hidden for layer in layers[1:])
        assert np.array_equal(net.backprop(x, y, dropout=nothing).vector, net.backprop(x, y).vector)


def test_neither_the_input_nor_the_logits_are_dropped(hidden: Any) -> None:
    net, x, _ = problem(hidden, "squared_error")
    layers = net.dropped(Dropout(0.5, 0, 0))
    assert layers[0].before is layers[-1].after is mlp.activations.identity
    assert all(layer.before.layer == k for k, layer in enumerate(layers[1:], start=1))  # type: ignore[attr-defined]
    single = mlp.Network.initialize([4, 3])
    y = np.eye(3, 6, dtype=np.float32)[:, [0, 1, 2, 0, 1, 2]]
    x = x.astype(np.float32)
    assert single.loss_value(x, y, Dropout(0.5, 0, 0)) == single.loss_value(x, y)


def test_gradient_bits_do_not_depend_on_who_recomputes(hidden: Any, loss: str) -> None:
    """States 2 and 3 computed anew from state 1, before and between the rounds, have the same bits."""
    net, x, y = problem(hidden, loss, dtype=np.float32)
    dropout = Dropout(0.5, 8, 1)
    layers, buffers = net.dropped(dropout), Buffers(net.layers, 6)
    expected = net.backprop(x, y, dropout=dropout)
    assert np.array_equal(net.backprop(x, y, dropout=dropout).vector, expected.vector)
    states, once = [x], []
    with kernel_arithmetic():
        for k, layer in enumerate(layers):
            out = np.empty((len(layer.w), 6), np.float32)
            advance(layer, states[k], out=out, work=buffers.work[k : k + 2])
            states.append(out)
        for k in (1, 2):  # again, out of order
            out = np.empty_like(states[k + 1])
            advance(layers[k], states[k], out=out, work=buffers.work[k : k + 2])
            once.append(np.array_equal(out, states[k + 1]))
    gradient = Gradient.like(net.parameters, net.sizes)
    with kernel_arithmetic():
        backprop(layers, net.loss, x, y, buffers=Buffers(layers, 6), out=gradient)
    assert all(once) and np.array_equal(gradient.vector, expected.vector)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_dropout_allocates_no_state(hidden: Any, dtype: Any, peak: Callable[..., int]) -> None:
    d, batch = 512, 512
    net = mlp.Network.initialize([d] * 5, hidden=hidden, dtype=dtype)
    rng = np.random.default_rng(0)
    x, y = rng.random((d, batch)).astype(dtype), mlp.data.one_hot(rng.integers(0, d, batch), d, dtype)
    plain = peak(lambda: net.backprop(x, y))
    dropping = peak(lambda: net.backprop(x, y, dropout=Dropout(0.5, 0, 0)))
    assert dropping - plain < 32 * BLOCK < x.nbytes / 7


def test_the_checks_of_its_arguments() -> None:
    for rate, error, came in [(1, ValueError, "1"), (1.0, ValueError, "1.0"), (-0.1, ValueError, "-0.1"),
                              (math.nan, ValueError, "nan"), ("half", TypeError, "'half'"), (True, TypeError, "True"),
                              (None, TypeError, "None"), (0.5j, TypeError, "0.5j")]:  # fmt: skip
        with pytest.raises(error, match=f"rate: expected a number from 0 to less than 1, got {came}. "):
            Dropout(rate, 0, 0)  # type: ignore[arg-type]
    for name in ("seed", "step"):
        for value, error in [
            (-1, ValueError),
            (2**64, ValueError),
            (1.0, TypeError),
            (None, TypeError),
            (True, TypeError),
        ]:
            with pytest.raises(
                error, match=rf"{name}: expected an integer from 0 to 2\^64 - 1, got {value}. Count"
            ):
                Dropout(0.5, **{"seed": 0, "step": 0, name: value})
    net, x, y = problem("tanh", "cross_entropy")
    for call in (lambda: net.backprop(x, y, dropout=0.5), lambda: net.loss_value(x, y, 0.5),
                 lambda: complex_step_gradient(net, x, y, 0.5), lambda: network_dot_product_test(net, x, dropout=0.5)):  # fmt: skip
        with pytest.raises(
            TypeError, match=r"dropout: expected None or a Dropout, got 0.5. Write dropout=mlp.Dropout\("
        ):
            call()


@pytest.mark.parametrize("rate", [Fraction(1, 10), np.float16(0.1), np.float32(0.1)])
def test_a_rate_of_any_type_is_its_float(rate: Any) -> None:
    """The mask and what undoes it on the way back are one number, in the precision of the network."""
    net = mlp.Network.initialize([3, 4, 2], hidden="tanh", dtype=np.float64)
    x, y = np.ones((3, 5)), np.eye(2)[:, [0, 1, 0, 1, 1]]
    given, plain = (net.backprop(x, y, dropout=Dropout(each, 3, 0)) for each in (rate, float(rate)))
    assert np.array_equal(given.vector, plain.vector) and plain.vector.any()


def test_it_is_a_value() -> None:
    one = Dropout(0.5, 0, 1)
    assert one == Dropout(0.5, 0, 1) != Dropout(0.5, 0, 2) and hash(one) == hash(Dropout(0.5, 0, 1))
    assert pickle.loads(pickle.dumps(one)) == one
    with pytest.raises(AttributeError):
        one.rate = 0.1  # type: ignore[misc]
    numpy_key = Dropout(np.float64(0.3), np.int64(3), np.uint64(4))
    assert np.array_equal(mask(numpy_key, 1, (9, 9)), mask(Dropout(0.3, 3, 4), 1, (9, 9)))
