"""Checks: is the gradient right? Three answers, each with something that the others have not.

The *complex step* evaluates an analytic f at theta + ih: Im f / h = f' up to terms of order
h^2, and since nothing is subtracted h may be so small (1e-30) that those vanish. The
*dot-product test* compares <Jv, u> with <v, J^T u>, for a random direction v of the inputs and
u of the outputs: one pair of numbers sees every entry of J, and any lost transpose. The *Taylor
test* halves a real step and looks how fast what the gradient does not explain vanishes.

The first two run the kernels of the package on complex128; that is why these accept complex
numbers. The third needs nothing but values of f.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np

from mlp import validation
from mlp.activations import identity
from mlp.arrays import Array, kernel_arithmetic
from mlp.backprop import Buffers, Gradient, backprop
from mlp.dropout import Dropout
from mlp.layers import Layer, advance, reverse, workspace
from mlp.network import Network, forward

STEP = 1e-30


def complex_step_gradient(net: Network, x: Array, y: Array, dropout: Dropout | None = None) -> Gradient:
    """The gradient of `net.loss_value(x, y, dropout)`, one parameter at a time, in float64.

    x, y : (d_0, B) and (d_n, B). It costs one evaluation of the loss for each parameter: for small
    networks. It has the form of `net.backprop(x, y, dropout=dropout)`, with which it should agree to the
    accuracy of the network's dtype. Raises TypeError or ValueError for other arguments.

    >>> net = Network.initialize([2, 2, 2], dtype=np.float64)
    >>> x, y = np.ones((2, 1)), np.array([[1.0], [0.0]])
    >>> exact, ours = complex_step_gradient(net, x, y), net.backprop(x, y)
    >>> bool(np.allclose(exact.vector, ours.vector, rtol=1e-12, atol=0))
    True
    """
    x, y = validation.batch(net, x, y)
    shadow = replace(net, parameters=net.parameters.astype(np.complex128))
    layers, x, y = shadow.dropped(dropout), x.astype(np.complex128), y.astype(np.complex128)
    gradient = Gradient.like(net.parameters.astype(np.float64), net.sizes)
    with kernel_arithmetic():
        gradient.loss = net.loss.value_and_delta(forward(layers, x), y).real
        for i, theta in enumerate(net.parameters):
            shadow.parameters[i] = theta + 1j * STEP
            value = net.loss.value_and_delta(forward(layers, x), y)
            gradient.vector[i] = value.imag / STEP
            shadow.parameters[i] = theta
    return gradient


def directional_derivative(net: Network, x: Array, y: Array, v: Array) -> float:
    """The derivative of L(theta + t v) by t at t = 0, in float64: the complex step of all parameters at once.

    x, y : (d_0, B) and (d_n, B). v : (N,), one number for each of the N parameters of `net`.

    It is <g, v> for the gradient g, and costs one evaluation of the loss however large N is.

    >>> net = Network.initialize([2, 2, 2], dtype=np.float64)
    >>> x, y, v = np.ones((2, 1)), np.array([[1.0], [0.0]]), np.arange(12.0)
    >>> bool(np.isclose(directional_derivative(net, x, y, v), net.backprop(x, y).vector @ v, rtol=1e-14))
    True
    """
    x, y = validation.batch(net, x, y)
    v = validation.direction(net, v)
    moved = net.parameters + STEP * 1j * v.astype(np.complex128)
    with kernel_arithmetic():
        z = forward(replace(net, parameters=moved).layers, x.astype(np.complex128))
        return net.loss.value_and_delta(z, y.astype(np.complex128)).imag / STEP


def dot_product_test(
    f: Callable[..., Array],
    adjoint: Callable[[Array], Sequence[Array]],
    at: Sequence[Array],
    rng: int | np.random.Generator = 0,
) -> float:
    """|<Jv, u> - <v, J^T u>| / (|Jv| |u|) for random v and u: a few units in 1e-16 if all is right.

    f : a function of the arrays in `at` that serves complex arrays too; J is its Jacobian there.
    adjoint : maps u, of the shape of f's result, to J^T u: one array for each in `at`, of its shape.

    Raises TypeError or ValueError for other arguments, and where a complex step does not move f.

    >>> w, x = np.arange(6.0).reshape(2, 3), np.ones((3, 4))
    >>> dot_product_test(np.matmul, lambda u: (u @ x.T, w.T @ u), (w, x)) < 1e-15
    True
    """
    for name, function in (("f", f), ("adjoint", adjoint)):
        validation.function(name, function, "Pass the function itself, not what it returns.")
    validation.point(at)
    rng = validation.generator(rng)
    v = [rng.standard_normal(a.shape) for a in at]
    jv = np.imag(f(*(a + 1j * STEP * d for a, d in zip(at, v, strict=True)))) / STEP
    validation.moving(jv)
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
    if not isinstance(layer, Layer):
        raise TypeError(validation.message("layer", "a Layer", type(layer), "Pass one of net.layers."))
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


def network_dot_product_test(
    net: Network, x: Array, rng: int | np.random.Generator = 0, dropout: Dropout | None = None
) -> float:
    """The dot-product test of the whole loop, as a map from all parameters to the logits of `x`.

    dropout : the masks of the hidden layers, the same both ways; None drops nothing.

    >>> net = Network.initialize([3, 5, 2])
    >>> network_dot_product_test(net, np.ones((3, 4))) < 1e-15
    True
    """
    validation.network(net)
    x = validation.columns("x", x, net.sizes[0], np.dtype(np.float64))
    parameters = net.parameters.astype(np.float64)
    layers = replace(net, parameters=parameters).dropped(dropout)

    def forth(parameters: Array) -> Array:
        return forward(replace(net, parameters=parameters).dropped(dropout), x.astype(parameters.dtype))

    def back(u: Array) -> Sequence[Array]:
        gradient = Gradient.like(parameters, net.sizes)
        backprop(layers, Linear(), x, u, buffers=Buffers(layers, x.shape[1]), out=gradient)
        return [gradient.vector]

    with kernel_arithmetic():
        return dot_product_test(forth, back, [parameters], rng)


def taylor_rates(
    f: Callable[[Array], float],
    gradient: Array,
    x: Array,
    v: Array,
    *,
    step: float = 0.01,
    halvings: int = 4,
) -> tuple[Array, Array]:
    """The rates at which two remainders vanish along `v` as h is halved: near 1 and 2 if all is right.

    R0(h) = |f(x + hv) - f(x)| and R1(h) = |f(x + hv) - f(x) - h <gradient, v>|; a rate is
    log2(R(h) / R(h/2)). Of R1 it is 1 where the gradient is wrong.

    f : a real function of an array of the shape of `x`; nothing else is asked of it.
    gradient, x, v : of one shape, in float64; |v| about 1.
    step, halvings : h = step, step/2, ..., step/2^halvings.

    Returns the rates of R0 and of R1, each (halvings,). Raises ValueError where f does not change along v,
    or is straight there, so that nothing remains to vanish; TypeError or ValueError for other arguments.

    >>> x = np.array([0.5, -1.0])
    >>> first, second = taylor_rates(lambda x: float(np.exp(x).sum()), np.exp(x), x, np.ones(2))
    >>> bool(abs(first - 1).max() < 0.05 and abs(second - 2).max() < 0.05)
    True
    """
    validation.function("f", f, "Pass the function itself, not its value.")
    for name, a in (("x", x), ("gradient", gradient), ("v", v)):
        validation.real(name, a)
    validation.adjoints((x, x), (gradient, v))
    count = validation.at_most("halvings", validation.positive_integer("halvings", halvings), 1000)
    steps = validation.number("step", step, "a positive, finite number") / 2.0 ** np.arange(count + 1)
    points = (x, *(x + h * v for h in steps))
    here, *there = (validation.number("f(x)", f(at), "a finite number") for at in points)
    change = np.array(there) - here
    if not change.all():
        remedy = "Take another v, a larger step, or fewer halvings."
        raise ValueError(validation.message("f", "values that change along v", "f(x + hv) = f(x)", remedy))
    remainders = np.abs([change, change - steps * np.sum(gradient * v)])
    if not remainders[1].all():
        remedy = "The gradient is right there, but nothing remains to vanish: take another v."
        raise ValueError(validation.message("f", "values that bend along v", "a straight line", remedy))
    rates: Array = np.log2(remainders[:, :-1] / remainders[:, 1:])
    return rates[0], rates[1]
