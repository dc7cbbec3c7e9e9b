"""Curvature: how logits and gradient change along a direction in the space of all parameters.

The Hessian of a network with N parameters has N^2 entries, and nobody writes it down. Its product
with one direction v costs a few sweeps. Let the parameters move, theta + t v, and let R be the
derivative by t at t = 0. Then R theta = v, R of the logits is J v, R of the gradient is H v, and R
goes through every line of both sweeps by the rules of calculus: beside each X_k travels R X_k, beside
each Delta_k travels R Delta_k.

Directions and products are vectors (N,) in the order of `Network.parameters`; `split(v, net.sizes)`
of `mlp.layers` shows them as matrices V_k, of the shape of W_k, and columns c_k, of that of b_k.
"""

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple, cast

import numpy as np

from mlp import validation
from mlp.activations import Activation, identity
from mlp.arrays import Array, kernel_arithmetic
from mlp.backprop import Gradient
from mlp.layers import advance, chain, evaluate, reverse, workspace
from mlp.network import Network


class Moving(NamedTuple):
    """The state of layer k and how it moves along v; all arrays are (d_k, B).

    state : X_k, or Z_k where phi'_k needs the input.
    slope : phi'_k(Z_k).
    rz, rx : R Z_k and R X_k = phi'_k(Z_k) (.) R Z_k.

    For k = 0 there is the state alone: the batch does not move.
    """

    state: Array
    slope: Any = None
    rz: Any = None
    rx: Any = None


def jvp(net: Network, x: Array, v: Array) -> Array:
    """J v = R Z_n, (d_n, B): how the logits of `x` change along `v`; J is their Jacobian.

    x : (d_0, B).
    v : (N,), one number for each of the N parameters of `net`.

    Forward mode: there is no sweep backward, and no state is kept. `x` and `v` are float32 or
    float64, and the result has the type of the network; NaN, infinity and other shapes are refused.

    >>> net = Network.initialize([3, 5, 2], dtype=np.float64)
    >>> jvp(net, np.ones((3, 4)), np.ones(32)).shape
    (2, 4)
    """
    validation.network(net)
    x = validation.columns("x", x, net.sizes[0], net.parameters.dtype)
    v = validation.direction(net, v)
    with kernel_arithmetic():
        for moving in sweep(net, x, v):
            jv: Array = moving.rz
    return jv


def hvp(net: Network, x: Array, y: Array, v: Array) -> Array:
    """H v, (N,); H is the Hessian of `net.loss_value(x, y)` by all N parameters.

    x, y : (d_0, B) and (d_n, B), as for `net.backprop`.
    v : (N,), one number for each parameter.

    No step size, and no error but rounding. Types and refusals are those of `jvp`; moreover
    TypeError if the hidden activation has no `second_derivative`.

    >>> net = Network.initialize([3, 5, 2], dtype=np.float64)
    >>> x, y = np.ones((3, 4)), np.full((2, 4), 0.5)
    >>> u, v = np.random.default_rng(0).standard_normal((2, 32))
    >>> bool(np.isclose(u @ hvp(net, x, y, v), v @ hvp(net, x, y, u)))
    True
    """
    x, y = validation.batch(net, x, y)
    v = validation.direction(net, v)
    validation.twice_differentiable(net)
    with kernel_arithmetic():
        *below, last = sweep(net, x, v)
        delta, rdelta = last.state, last.rz
        net.loss.multiply_hessian(delta.copy(), rdelta)  # R Z_n becomes R Delta_n
        net.loss.value_and_delta(delta, y)  # Z_n becomes Delta_n
        return moving_pull_back(net, v, below, delta, rdelta)


def gauss_newton_product(net: Network, x: Array, v: Array) -> Array:
    """G v, (N,); G = J^T H J with the Hessian H of the loss by the logits.

    x : (d_0, B). There is no y, because H does not depend on the labels.
    v : (N,), one number for each of the N parameters.

    G is symmetric, without negative eigenvalues. Types and refusals are those of `jvp`.

    >>> net = Network.initialize([3, 5, 2], dtype=np.float64)
    >>> v = np.random.default_rng(0).standard_normal(32)
    >>> bool(v @ gauss_newton_product(net, np.ones((3, 4)), v) > 0)
    True
    """
    validation.network(net)
    x = validation.columns("x", x, net.sizes[0], net.parameters.dtype)
    v = validation.direction(net, v)
    with kernel_arithmetic():
        *below, last = sweep(net, x, v)
        net.loss.multiply_hessian(last.state, last.rz)  # J v becomes H J v
        return pull_back(net, [at.state for at in below], last.rz)


def sweep(net: Network, x: Array, v: Array) -> Iterator[Moving]:
    """Forward: the states 0 to n and their tangents, R Z_k = W_k R X_{k-1} + V_k X_{k-1} + c_k 1^T.

    Two neighbours are in use at a time; who needs more keeps what is yielded.
    """
    moves, work = chain(v, net.sizes, identity), workspace(net.layers, x.shape[1])
    at = Moving(x)
    yield at
    for k, (layer, move) in enumerate(zip(net.layers, moves, strict=True)):
        phi, below = layer.before, at.state
        if phi.needs == "input":
            below = evaluate(phi, at.state, None, work[k])  # X_{k-1}
        state, rz = np.empty((2, len(layer.w), x.shape[1]), x.dtype)
        advance(layer._replace(before=identity), below, out=state, work=work[k : k + 2])
        advance(move, below, out=rz)  # V_k X_{k-1} + c_k 1^T
        if k > 0:
            rz += np.dot(layer.w, at.rx)
        slope = derivative(layer.after, state, work[k + 1])
        at = Moving(state, slope, rz, slope * rz)
        yield at


def derivative(phi: Activation, state: Array, work: Sequence[Array]) -> Array:
    """phi'(z) as an array; `state` stays as it is."""
    slope = np.ones_like(state)
    phi.multiply_derivative(slope, state.copy(), *work)
    return slope


def pull_back(net: Network, states: Sequence[Array], delta: Array) -> Array:
    """J^T u, (N,), for u = `delta`, (d_n, B): the backward loop of `mlp.backprop`, begun at u.

    states : 0 to n - 1; all but the first are lost.
    """
    layers, batch = net.layers, delta.shape[1]
    ones, work = np.ones((batch, 1), delta.dtype), workspace(layers, batch)
    product = Gradient.like(net.parameters, net.sizes)
    gradients = list(zip(product.nabla_w, product.nabla_b, strict=True))
    for k in reversed(range(net.depth)):
        out: Any = np.empty_like(states[k]) if k > 0 else None
        reverse(layers[k], delta, states[k], *gradients[k], ones=ones, out=out, work=work[k])
        delta = out
    return product.vector


def moving_pull_back(net: Network, v: Array, below: Sequence[Moving], delta: Array, rdelta: Array) -> Array:
    """R of the gradient, (N,), from Delta_n and R Delta_n; the states are lost.

    The loop is that of `pull_back`, on R Delta. Each round adds what comes from the weights, the
    states and the slopes, which move too:

        R dL/dW_k = R Delta_k X_{k-1}^T + Delta_k R X_{k-1}^T,   R dL/db_k = R Delta_k 1,
        R Delta_{k-1} = (W_k^T R Delta_k + V_k^T Delta_k) (.) phi'(Z_{k-1})
                        + W_k^T Delta_k (.) phi''(Z_{k-1}) (.) R Z_{k-1}.
    """
    layers, moves, batch = net.layers, chain(v, net.sizes, identity), delta.shape[1]
    ones, work = np.ones((batch, 1), delta.dtype), workspace(layers, batch)
    product, phi = Gradient.like(net.parameters, net.sizes), cast(Any, net.hidden)
    gradients = list(zip(product.nabla_w, product.nabla_b, strict=True))
    for k in reversed(range(1, net.depth)):
        layer, at, (nabla_w, _) = layers[k], below[k], gradients[k]
        out, rslope = np.empty((2, *at.state.shape), delta.dtype)
        phi.second_derivative(at.state, rslope, *work[k])
        rslope *= at.rz  # R phi'(Z_{k-1})
        reverse(layer, rdelta, at.state, *gradients[k], ones=ones, out=out, work=work[k])
        nabla_w += np.dot(delta, at.rx.T)
        u = np.dot(layer.w.T, delta)
        rdelta = out + at.slope * np.dot(moves[k].w.T, delta) + rslope * u
        delta = at.slope * u
    reverse(layers[0], rdelta, below[0].state, *gradients[0], ones=ones, out=None)
    return product.vector
