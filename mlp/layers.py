"""Layers: the affine map Z = W X + b 1^T with an activation on either side, both ways.

`advance` takes one layer forward, `reverse` takes it backward. What they read is the *state* of
the layer below: of layer k that is X_k where phi'_k is a function of the output, and Z_k where
it needs the input. They allocate nothing and write only where they are told to. Everything that
runs a network, with or without checkpoints, is made of these two steps.
"""

from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple

import numpy as np

from mlp.activations import Activation, identity
from mlp.arrays import Array


class Layer(NamedTuple):
    """Layer k: its affine map, and the activations before and after it.

    w : W_k, (d_k, d_{k-1}).
    b : b_k, (d_k, 1).
    before : phi_{k-1}, the identity for k = 1.
    after : phi_k, the identity for k = n.
    """

    w: Array
    b: Array
    before: Activation
    after: Activation


def advance(
    layer: Layer, state: Array, *, out: Array, scratch: Array | None = None, work: Sequence[Array] = ()
) -> None:
    """One layer forward: Z_k = W_k X_{k-1} + b_k 1^T and X_k = phi_k(Z_k).

    state : (d_{k-1}, B), the state of layer k - 1; read only.
    out : (d_k, B), becomes the state of layer k.
    scratch : (d_{k-1}, B), receives X_{k-1} where `state` is Z_{k-1}; may be `state` itself.
    work : flat arrays for the temporaries of the activations.
    """
    x = enter(layer.before, state, scratch, work)  # X_{k-1}
    np.dot(layer.w, x, out=out)  # Z_k = W_k X_{k-1}
    out += layer.b  # + b_k 1^T
    leave(layer.after, out, work)  # X_k = phi_k(Z_k)


def reverse(
    layer: Layer,
    delta: Array,
    state: Array,
    nabla_w: Array,
    nabla_b: Array,
    *,
    out: Array | None,
    work: Sequence[Array] = (),
) -> None:
    """One layer backward: from Delta_k = dL/dZ_k to dL/dW_k, dL/db_k and Delta_{k-1}.

    delta : (d_k, B), Delta_k; read only.
    state : (d_{k-1}, B), the state of layer k - 1; lost, unless `out` is None.
    nabla_w, nabla_b : (d_k, d_{k-1}) and (d_k, 1), become the gradients.
    out : (d_{k-1}, B), becomes Delta_{k-1}; None for the first layer, which has none.
    work : flat arrays for the temporaries of the activation.
    """
    x = enter(layer.before, state, out, work)  # X_{k-1}
    np.dot(delta, x.T, out=nabla_w)  # dL/dW_k = Delta_k X_{k-1}^T
    delta.sum(axis=1, keepdims=True, out=nabla_b)  # dL/db_k = Delta_k 1
    if out is not None:
        np.dot(layer.w.T, delta, out=out)  # W_k^T Delta_k
        differentiate(layer.before, out, state, work)  # (.) phi'(Z_{k-1}) = Delta_{k-1}


def enter(phi: Activation, state: Array, scratch: Array | None, work: Sequence[Array]) -> Array:
    """X_{k-1}, which layer k multiplies: the state itself, or phi(Z_{k-1}) written into `scratch`."""
    if phi.needs == "output":
        return state
    x = np.empty_like(state) if scratch is None else scratch
    phi.value(state, x, *temporaries(phi, state, work))
    return x


def leave(phi: Activation, z: Array, work: Sequence[Array]) -> None:
    """Turn Z_k into the state of layer k: phi(Z_k) in its place, or nothing if Z_k is the state."""
    if phi.needs == "output":
        phi.value(z, z, *temporaries(phi, z, work))


def differentiate(phi: Activation, delta: Array, state: Array, work: Sequence[Array]) -> None:
    """Multiply `delta`, (d_k, B), elementwise by phi'(Z_k), from the state of layer k, which is lost."""
    phi.multiply_derivative(delta, state, *temporaries(phi, delta, work))


def temporaries(phi: Activation, like: Array, work: Sequence[Array]) -> list[Array]:
    """As many views of the flat arrays in `work`, in the shape of `like`, as `phi` asks for."""
    if not work:
        return []
    count = getattr(phi, "workspace", 0)
    return [shaped(flat, *like.shape) for flat in work[:count]]


def workspace(layers: Sequence[Layer], batch: int) -> list[Array]:
    """Flat arrays, as many and as long as the activations between `layers` want for B columns."""
    wants = [(getattr(layer.before, "workspace", 0), layer.w.shape[1]) for layer in layers]
    width = max((d for count, d in wants if count), default=0)
    return [np.empty(width * batch, layers[0].w.dtype) for _ in range(max(wants)[0])]


def shaped(flat: Array, rows: int, columns: int) -> Array:
    """The first entries of a flat array, seen as a matrix."""
    return flat[: rows * columns].reshape(rows, columns)


def split(vector: Array, sizes: Sequence[int]) -> tuple[tuple[Array, ...], tuple[Array, ...]]:
    """All matrices and all columns as views into one vector: W_1, b_1, ..., W_n, b_n.

    >>> weights, biases = split(np.arange(9.0), [2, 2, 1])
    >>> weights[1], biases[1]
    (array([[6., 7.]]), array([[8.]]))
    """
    shapes = [shape for below, d in pairwise(sizes) for shape in ((d, below), (d, 1))]
    ends = np.cumsum([rows * columns for rows, columns in shapes])
    pieces = [part.reshape(shape) for part, shape in zip(np.split(vector, ends[:-1]), shapes, strict=True)]
    return tuple(pieces[::2]), tuple(pieces[1::2])


def chain(parameters: Array, sizes: Sequence[int], hidden: Activation) -> tuple[Layer, ...]:
    """The layers of a network: `hidden` between any two of them, the identity at both ends."""
    weights, biases = split(parameters, sizes)
    phi = [identity, *[hidden] * (len(weights) - 1), identity]
    return tuple(map(Layer, weights, biases, phi, phi[1:]))
