"""Checks: is the gradient right? Two answers that contain no finite difference.

The *complex step* evaluates an analytic f at theta + ih: Im f / h = f' up to terms of order
h^2, and since nothing is subtracted h may be so small (1e-30) that those vanish. The
*dot-product test* compares <Jv, u> with <v, J^T u>, for a random direction v of the inputs and
u of the outputs: one pair of numbers sees every entry of J, and any lost transpose.

Both run the kernels of the package on complex128; that is why these accept complex numbers.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np

from mlp import validation
from mlp.activations import identity
from mlp.arrays import Array, kernel_arithmetic
from mlp.backprop import Buffers, Gradient, backprop
from mlp.layers import Layer, advance, chain, reverse, workspace
from mlp.network import Network, forward

STEP = 1e-30


def complex_step_gradient(net: Network, x: Array, y: Array) -> Gradient:
    """The gradient of `net.loss_value(x, y)`, one parameter at a time, in float64.

    It costs one evaluation of the loss for each parameter: for small networks. It has the form of
    `net.backprop(x, y)`, with which it should agree to the accuracy of the network's dtype.

    >>> net = Network.initialize([2, 2, 2], dtype=np.float64)
    >>> x, y = np.ones((2, 1)), np.array([[1.0], [0.0]])
    >>> exact, ours = complex_step_gradient(net, x, y), net.backprop(x, y)
    >>> bool(np.allclose(exact.vector, ours.vector, rtol=1e-12, atol=0))
    True
    """
    x, y = validation.batch(net, x, y)
    shadow = replace(net, parameters=net.parameters.astype(np.complex128))
    layers, x, y = shadow.layers, x.astype(np.complex128), y.astype(np.complex128)
    gradient = Gradient.like(net.parameters.astype(np.float64), net.sizes)
    with kernel_arithmetic():
        gradient.loss = net.loss.value_and_delta(forward(layers, x), y).real
        for i, theta in enumerate(net.parameters):
            shadow.parameters[i] = theta + 1j * STEP
            gradient.vector[i] = net.loss.value_and_delta(forward(layers, x), y).imag / STEP
            shadow.parameters[i] = theta
    return gradient


def dot_product_test(
    f: Callable[..., Array],
    adjoint: Callable[[Array], Sequence[Array]],
    at: Sequence[Array],
    rng: int | np.random.Generator = 0,
) -> float:
    """|<Jv, u> - <v, J^T u>| / (|Jv| |u|) for random v and u: a few units in 1e-16 if all is right.

    f : a function of the arrays in `at` that serves complex arrays too; J is its Jacobian there.
    adjoint : maps u, of the shape of f's result, to J^T u: one array for each in `at`, of its shape.

    >>> w, x = np.arange(6.0).reshape(2, 3), np.ones((3, 4))
    >>> dot_product_test(np.matmul, lambda u: (u @ x.T, w.T @ u), (w, x)) < 1e-15
    True
    """
    rng = validation.generator(rng)
    v = [rng.standard_normal(a.shape) for a in at]
    jv = f(*(a + 1j * STEP * d for a, d in zip(at, v, strict=True))).imag / STEP
    u = rng.standard_normal(jv.shape)
    bars = adjoint(u)
    validation.adjoints(at, bars)
    back = sum(np.sum(d * bar) for d, bar in zip(v, bars, strict=True))
    return float(abs(np.sum(jv * u) - back) / (np.linalg.norm(jv) * np.linalg.norm(u)))


def layer_dot_product_test(layer: Layer, z: Array, rng: int | np.random.Generator = 0) -> float:
    """The dot-product test of `reverse` against `advance`, as a map (W, b, Z_{k-1}) -> Z_k.

    `z` (d_{k-1}, B) is where Z_{k-1} stands. Returns the residual, computed in float64.

    >>> net = Network.initialize([3, 5, 2], hidden="tanh")
    >>> layer_dot_product_test(net.layers[1], np.ones((5, 4))) < 1e-15
    True
    """
    z = validation.columns("z", z, layer.w.shape[1], np.dtype(np.float64))
    w, b = layer.w.astype(np.float64), layer.b.astype(np.float64)

    phi, batch = layer.before, z.shape[1]

    def alone(w: Array, b: Array, z: Array) -> tuple[Layer, Array, list[tuple[Array, ...]]]:
        single, state = Layer(w, b, phi, identity), z.copy()
        work = workspace([single], batch)
        if phi.needs == "output":
            phi.value(state, state, *work[0])
        return single, state, work

    def forth(*at: Array) -> Array:
        single, state, work = alone(*at)
        out = np.empty((len(w), batch), state.dtype)
        advance(single, state, out=out, work=work)
        return out

    def back(u: Array) -> Sequence[Array]:
        single, state, work = alone(w, b, z)
        nabla_w, nabla_b, out = (np.empty_like(a) for a in (w, b, z))
        reverse(single, u, state, nabla_w, nabla_b, ones=np.ones((batch, 1)), out=out, work=work[0])
        return nabla_w, nabla_b, out

    with kernel_arithmetic():
        return dot_product_test(forth, back, (w, b, z), rng)


class Linear:
    """L = <y, z>, with dL/dz = y: the loss under which the loop computes J^T y."""

    def value_and_delta(self, z: Array, y: Array) -> float:
        """Return <y, z> and overwrite `z` by `y`."""
        value: float = np.einsum("ij,ij->", y, z).item()
        z[...] = y
        return value


def network_dot_product_test(net: Network, x: Array, rng: int | np.random.Generator = 0) -> float:
    """The dot-product test of the whole loop, as a map from all parameters to the logits of `x`.

    >>> net = Network.initialize([3, 5, 2])
    >>> network_dot_product_test(net, np.ones((3, 4))) < 1e-15
    True
    """
    x = validation.columns("x", x, net.sizes[0], np.dtype(np.float64))
    parameters = net.parameters.astype(np.float64)

    def forth(parameters: Array) -> Array:
        return forward(chain(parameters, net.sizes, net.hidden), x.astype(parameters.dtype))

    def back(u: Array) -> Sequence[Array]:
        layers, gradient = chain(parameters, net.sizes, net.hidden), Gradient.like(parameters, net.sizes)
        backprop(layers, Linear(), x, u, buffers=Buffers(layers, x.shape[1]), out=gradient)
        return [gradient.vector]

    with kernel_arithmetic():
        return dot_product_test(forth, back, [parameters], rng)
