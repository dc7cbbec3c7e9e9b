"""Kernels write where they are told, serve four dtypes, keep the dtype, and allocate nothing large.

Warnings are errors in every test (pyproject.toml), so none of these kernels warns.
"""

import copy
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import mlp
from mlp.arrays import kernel_arithmetic
from mlp.backprop import Buffers, Gradient, backprop
from mlp.layers import advance, chain, reverse, workspace
from mlp.network import forward

DTYPES = [np.float32, np.float64, np.complex64, np.complex128]
ROWS = {"cross_entropy": 2, "binary_cross_entropy": 2.5, "squared_error": 0}  # of B numbers, for the loss


def frozen(a: Any) -> Any:
    """The array, which from now on cannot be written."""
    a.flags.writeable = False
    return a


def numbers(shape: tuple[int, ...], dtype: Any, seed: int = 0) -> Any:
    """Random numbers, with an imaginary part if the dtype has one."""
    rng = np.random.default_rng(seed)
    a = rng.standard_normal(shape).astype(np.float64)
    return (
        (a + 1j * rng.standard_normal(shape)).astype(dtype)
        if np.dtype(dtype).kind == "c"
        else a.astype(dtype)
    )


def work(hidden: Any, like: Any) -> list[Any]:
    """The temporaries that an activation wants."""
    return [np.empty_like(like) for _ in range(getattr(hidden, "workspace", 0))]


@pytest.mark.parametrize("dtype", DTYPES)
def test_an_activation_may_work_in_place(hidden: Any, dtype: Any) -> None:
    z = numbers((5, 4), dtype)
    out = np.empty_like(z)
    hidden.value(frozen(z.copy()), out, *work(hidden, z))
    hidden.value(z, z, *work(hidden, z))
    assert np.array_equal(z, out) and np.isfinite(z).all()


@pytest.mark.parametrize("dtype", DTYPES)
def test_the_derivative_multiplies(hidden: Any, dtype: Any) -> None:
    z, h = numbers((5, 4), np.float64), 1e-30
    beyond, state = (z + 1j * h).astype(np.complex128), z.astype(dtype)
    hidden.value(beyond, beyond, *work(hidden, beyond))
    if hidden.needs == "output":
        hidden.value(state, state, *work(hidden, state))
    delta = np.full_like(state, 2)
    hidden.multiply_derivative(delta, state, *work(hidden, state))
    tolerance = 1e-5 if np.dtype(dtype).itemsize / (1 + (delta.dtype.kind == "c")) == 4 else 1e-14
    assert np.allclose(delta, 2 * beyond.imag / h, rtol=tolerance, atol=tolerance)
    assert hidden.name == "identity" or len(np.unique(delta)) > 1


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_sigmoid_at_the_far_ends(dtype: Any) -> None:
    z = np.array([-1e4, -750, -100, -40, 0, 40, 100, 1e4], dtype)
    x = np.empty_like(z)
    with kernel_arithmetic():
        mlp.activations.by_name["sigmoid"].value(z, x)
    assert x[0] == 0 and x[1] == 0 and x[4] == 0.5 and x[7] == 1
    assert x[3] == pytest.approx(
        4.248354255291589e-18, rel=4 * float(np.finfo(dtype).eps), abs=0
    )  # e^-40 / (1 + e^-40)


def test_the_tail_of_the_sigmoid_derivative_is_lost_where_the_docstring_says() -> None:
    z = np.array([36.7, 36.8])
    sigmoid, delta = mlp.activations.by_name["sigmoid"], np.ones(2)
    sigmoid.value(z, z)
    sigmoid.multiply_derivative(delta, z)
    assert delta[0] > 0 and delta[1] == 0


def test_relu_goes_by_the_real_part() -> None:
    z = np.array([1 - 2j, -1 + 2j, 1e-300 - 1j])
    relu, delta = mlp.activations.by_name["relu"], np.ones(3, complex)
    relu.value(z, z)
    assert np.array_equal(z, [1 - 2j, 0, 1e-300 - 1j])
    relu.multiply_derivative(delta, z)
    assert np.array_equal(delta, [1, 0, 1])


@pytest.mark.parametrize("dtype", DTYPES)
def test_softmax(dtype: Any) -> None:
    p = np.array([[0, -25, 1000], [1, 0, 1000], [2, 25, 1000], [3, 50, 999]], dtype)
    golden = [0.03205860328008499, 0.08714431874203256, 0.23688281808991013, 0.6439142598879722]
    mlp.losses.softmax(p)
    assert p.dtype == dtype and np.allclose(p[:, 0], golden, rtol=1e-6 if p.itemsize == 4 else 2e-7)
    assert np.allclose(p.sum(axis=0), 1) and p[0, 2] == p[1, 2] == p[2, 2]


@pytest.mark.parametrize("dtype", DTYPES)
def test_a_loss_writes_the_logits_only(loss: str, dtype: Any) -> None:
    z, y = numbers((3, 5), dtype), np.abs(numbers((3, 5), np.float64, 1)).astype(dtype)
    y = frozen(y / y.sum(axis=0))
    expected = z.copy()
    mlp.losses.by_name[loss].predict(expected)
    value = mlp.losses.by_name[loss].value_and_delta(z, y)
    assert isinstance(value, complex if np.dtype(dtype).kind == "c" else float)
    assert z.dtype == dtype and np.allclose(z, (expected - y) / 5, atol=1e-6)


@pytest.mark.parametrize("dtype", DTYPES)
def test_the_two_steps_write_where_they_are_told(hidden: Any, dtype: Any) -> None:
    sizes = [3, 4, 2]
    layers = chain(frozen(numbers((26,), dtype)), sizes, hidden)
    temporaries, ones = workspace(layers, 5), frozen(np.ones((5, 1), dtype))
    x, states = frozen(numbers((3, 5), dtype)), [np.empty((d, 5), dtype) for d in (4, 2)]
    scratch, delta = np.empty((4, 5), dtype), frozen(numbers((2, 5), dtype, 1))
    advance(layers[0], x, out=states[0], work=temporaries[:2])
    kept = states[0].copy()
    advance(layers[1], frozen(states[0]), out=states[1], scratch=scratch, work=temporaries[1:])
    gradients = [np.empty_like(a) for a in layers[1][:2]]
    states[0] = kept.copy()
    reverse(layers[1], delta, states[0], *gradients, ones=ones, out=scratch, work=temporaries[1])
    x_1 = kept.copy()
    if hidden.needs == "input":
        hidden.value(x_1, x_1, *work(hidden, x_1))
    assert np.allclose(states[1], layers[1].w @ x_1 + layers[1].b, atol=1e-5)
    assert np.allclose(gradients[0], delta @ x_1.T, atol=1e-5)
    assert np.allclose(gradients[1], delta.sum(axis=1, keepdims=True), atol=1e-5)
    gradients = [np.empty_like(a) for a in layers[0][:2]]
    reverse(layers[0], frozen(scratch), x, *gradients, ones=ones, out=None)


def test_scratch_is_allocated_if_it_is_not_given(activations: dict[str, Any]) -> None:
    layer = chain(numbers((26,), np.float64), [3, 4, 2], activations["sine"])[1]
    z, out, given = frozen(numbers((4, 5), np.float64)), np.empty((2, 5)), np.empty((2, 5))
    advance(layer, z, out=out)
    advance(layer, z, out=given, scratch=np.empty((4, 5)))
    assert np.array_equal(out, given) and np.array_equal(out, layer.w @ np.sin(z) + layer.b)


@pytest.mark.parametrize("dtype", DTYPES)
def test_the_loop_serves_real_and_complex_alike(hidden: Any, loss: str, dtype: Any) -> None:
    sizes, rng = [5, 4, 6, 3], np.random.default_rng(0)
    parameters, x = rng.standard_normal(75), rng.standard_normal((5, 7))
    y = np.eye(3)[:, rng.integers(0, 3, 7)]
    gradients = []
    for kind in (np.float64, dtype):
        layers = chain(frozen(parameters.astype(kind)), sizes, hidden)
        gradient = Gradient.like(parameters.astype(kind), sizes)
        arrays = frozen(x.astype(kind)), frozen(y.astype(kind))
        backprop(layers, mlp.losses.by_name[loss], *arrays, buffers=Buffers(layers, 7), out=gradient)
        gradients.append(gradient)
    reference, ours = gradients
    assert ours.vector.dtype == dtype and abs(reference.vector).max() > 1e-3
    assert np.allclose(ours.vector, reference.vector, rtol=1e-3, atol=1e-5)
    assert ours.loss == pytest.approx(reference.loss, rel=1e-5)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_results_have_the_dtype_of_the_network_and_inputs_stay(hidden: Any, loss: str, dtype: Any) -> None:
    net = mlp.Network.initialize([4, 6, 3], hidden=hidden, loss=loss, dtype=dtype)
    before = net.parameters.copy()
    for kind in (np.float32, np.float64):
        x, y = frozen(numbers((4, 5), kind)), frozen(np.eye(3, 5, dtype=kind)[:, [0, 1, 2, 0, 1]])
        x_before = x.copy()
        g = net.backprop(x, y)
        assert net.logits(x).dtype == net.predict(x).dtype == g.vector.dtype == dtype
        assert isinstance(g.loss, float) and isinstance(net.loss_value(x, y), float)
        assert all(a.dtype == dtype for a in (*g.nabla_w, *g.nabla_b, *net.weights, *net.biases))
        assert np.array_equal(x, x_before) and np.array_equal(net.parameters, before)


def test_any_memory_layout_is_read(hidden: Any) -> None:
    net = mlp.Network.initialize([4, 6, 3], hidden=hidden, dtype=np.float64)
    x, y = numbers((4, 5), np.float64), np.eye(3)[:, [0, 1, 2, 0, 1]]
    wide = np.zeros((8, 10))
    wide[::2, ::2] = x
    reference = net.backprop(x, y).vector
    for layout in (np.asfortranarray(x), wide[::2, ::2], np.ascontiguousarray(x[:, ::-1])[:, ::-1]):
        assert np.allclose(net.backprop(layout, np.asfortranarray(y)).vector, reference, rtol=1e-13)


def test_a_training_step_allocates_no_state(hidden: Any, loss: str, peak: Callable[..., int]) -> None:
    d, b = 64, 4096  # a state has 1 MiB in float32
    net = mlp.Network.initialize([d, d, d, d], hidden=hidden, loss=loss)
    rng = np.random.default_rng(0)
    x, y = rng.random((d, b), np.float32), mlp.data.one_hot(rng.integers(0, d, b), d)
    run = mlp.train(net, x, y, epochs=1, batch_size=b, learning_rate=0.01)
    chosen = rng.permutation(b)
    with kernel_arithmetic():
        above = peak(lambda: run.step(chosen))
    assert above < ROWS[loss] * 4 * b + 8 * 1024


def test_backprop_holds_n_plus_2_states(hidden: Any, loss: str, peak: Callable[..., int]) -> None:
    d, b, n = 512, 512, 6
    net = mlp.Network.initialize([d] * (n + 1), hidden=hidden, loss=loss, dtype=np.float64)
    rng = np.random.default_rng(0)
    x, y = rng.random((d, b)), mlp.data.one_hot(rng.integers(0, d, b), d, np.float64)
    state, rows = x.nbytes, ROWS[loss] * 8 * b
    work = getattr(hidden, "workspace", 0)
    arrays, views = n + 1 + work, 1024 * work  # and x itself; temporaries are n views each
    above = peak(lambda: net.backprop(x, y)) - net.parameters.nbytes
    assert arrays * state <= above <= arrays * state + rows + views + 16 * 1024


def test_logits_hold_two_states(hidden: Any, peak: Callable[..., int]) -> None:
    d, b = 64, 4096
    net = mlp.Network.initialize([d] * 7, hidden=hidden)
    x = np.random.default_rng(0).random((d, b), np.float32)
    arrays = 2 + getattr(hidden, "workspace", 0)
    assert arrays * x.nbytes <= peak(lambda: net.logits(x)) <= arrays * x.nbytes + 16 * 1024


def test_buffers_of_unequal_widths() -> None:
    net = mlp.Network.initialize([9, 7, 2, 5, 3])
    buffers = Buffers(net.layers, 4)
    assert [a.shape for a in buffers.states] == [(7, 4), (2, 4), (5, 4)]
    assert [a.shape for a in buffers.deltas[1:]] == [(7, 4), (2, 4), (5, 4), (3, 4)]
    for k in range(1, 4):
        assert not np.shares_memory(buffers.deltas[k], buffers.deltas[k + 1])
    owners = {id(a.base): a.base.size for a in buffers.deltas[1:]}
    assert sorted(owners.values()) == [4 * 3, 4 * 7]


def test_temporaries_are_as_long_as_the_widest_layer_that_wants_them(activations: dict[str, Any]) -> None:
    work = Buffers(chain(np.empty(4 * 101 + 6 * 5 + 3 * 7), [100, 4, 6, 3], activations["swish"]), 5).work
    assert [[a.shape for a in views] for views in work] == [[], [(4, 5)], [(6, 5)], []]
    assert work[1][0].base is work[2][0].base and work[1][0].base.size == 6 * 5
    assert Buffers(chain(np.empty(3 * 101), [100, 3], activations["swish"]), 5).work == [(), ()]


def test_the_callers_environment_is_restored() -> None:
    before = np.getbufsize(), np.geterr()
    with kernel_arithmetic():
        assert np.getbufsize() == 512 and np.geterr()["over"] == "ignore"
    assert (np.getbufsize(), np.geterr()) == before


def test_forward_equals_the_definition(hidden: Any) -> None:
    net = mlp.Network.initialize([3, 4, 5, 2], hidden=hidden, dtype=np.float64)
    net.parameters[...] = numbers(net.parameters.shape, np.float64, 1)  # biases that are not 0
    x = z = frozen(numbers((3, 6), np.float64))
    for k, (w, b) in enumerate(zip(net.weights, net.biases, strict=True)):
        if k:
            hidden.value(z, z, *work(hidden, z))
        z = w @ z + b
    assert np.allclose(net.logits(x), z, rtol=1e-13)
    assert np.array_equal(net.logits(x), forward(net.layers, x))


def test_a_copy_of_a_network_is_independent_and_whole() -> None:
    net = mlp.Network.initialize([3, 4, 2])
    twin = copy.deepcopy(net)
    twin.weights[0][0, 0] = 7
    assert twin.parameters[0] == 7 and net.parameters[0] != 7
