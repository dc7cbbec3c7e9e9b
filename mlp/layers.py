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
from mlp.dropout import Dropout


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
    layer: Layer,
    state: Array,
    *,
    out: Array,
    scratch: Array | None = None,
    work: Sequence[Sequence[Array]] = ((), ()),
) -> None:
    """One layer forward: Z_k = W_k X_{k-1} + b_k 1^T and X_k = phi_k(Z_k).

    state : (d_{k-1}, B), the state of layer k - 1; read only.
    out : (d_k, B), becomes the state of layer k.
    scratch : (d_{k-1}, B), receives X_{k-1} where `state` is Z_{k-1}; may be `state` itself.
    work : the temporaries of the activations before and after, from `workspace`.
    """
    w, b, before, after = layer
    x = state if before.needs == "output" else evaluate(before, state, scratch, work[0])  # X_{k-1}
    np.dot(w, x, out=out)  # Z_k = W_k X_{k-1}
    np.add(out, b, out=out)  # + b_k 1^T
    if after.needs == "output":
        after.value(out, out, *work[1])  # X_k = phi_k(Z_k)


def reverse(
    layer: Layer,
    delta: Array,
    state: Array,
    nabla_w: Array,
    nabla_b: Array,
    *,
    ones: Array,
    out: Array | None,
    work: Sequence[Array] = (),
) -> None:
    """One layer backward: from Delta_k = dL/dZ_k to dL/dW_k, dL/db_k and Delta_{k-1}.

    delta : (d_k, B), Delta_k; read only.
    state : (d_{k-1}, B), the state of layer k - 1; lost, unless `out` is None.
    nabla_w, nabla_b : (d_k, d_{k-1}) and (d_k, 1), become the gradients.
    ones : (B, 1), the column 1.
    out : (d_{k-1}, B), becomes Delta_{k-1}; None for the first layer, which has none.
    work : the temporaries of the activation before.
    """
    w, _, phi, _ = layer
    x = state if phi.needs == "output" else evaluate(phi, state, out, work)  # X_{k-1}
    np.dot(delta, x.T, out=nabla_w)  # dL/dW_k = Delta_k X_{k-1}^T
    np.dot(delta, ones, out=nabla_b)  # dL/db_k = Delta_k 1
    if out is not None:
        np.dot(w.T, delta, out=out)  # W_k^T Delta_k
        phi.multiply_derivative(out, state, *work)  # (.) phi'(Z_{k-1})


def evaluate(phi: Activation, z: Array, out: Array | None, work: Sequence[Array]) -> Array:
    """phi(z), where the state is z: written into `out`, (d, B), or into a new array."""
    x = np.empty_like(z) if out is None else out
    phi.value(z, x, *work)
    return x


def workspace(layers: Sequence[Layer], batch: int) -> list[tuple[Array, ...]]:
    """The temporaries of the activation of each state, 0 to n: as many as it asks for, all (d_k, B).

    They are views into the same flat arrays, since only one activation is at work at a time.
    """
    wants = [(getattr(layer.before, "workspace", 0), layer.w.shape[1]) for layer in layers]
    width = max((d for count, d in wants if count), default=0)
    flats = [np.empty(width * batch, layers[0].w.dtype) for _ in range(max(wants)[0])]
    return [tuple(shaped(flat, d, batch) for flat in flats[:count]) for count, d in wants] + [()]


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


def chain(
    parameters: Array, sizes: Sequence[int], hidden: Activation, dropout: Dropout | None = None
) -> tuple[Layer, ...]:
    """The layers of a network: `hidden` between any two of them, the identity at both ends.

    dropout : the masks that follow `hidden`; without it, none.
    """
    weights, biases = split(parameters, sizes)
    between = [dropout.after(hidden, k) if dropout else hidden for k in range(1, len(weights))]
    phi = [identity, *between, identity]
    return tuple(map(Layer, weights, biases, phi, phi[1:]))
