"""Backpropagation: all derivatives of the loss in one sweep forward and one sweep backward.

Forward, every layer leaves its state behind. The loss turns the logits into Delta_n = dL/dZ_n.
Then, from the last layer to the first, Delta_{k+1} and state k give the two gradients of layer
k + 1, and Delta_k; after that state k is not needed any more. Python counts from 0, so that
`layers[k]` is layer k + 1: it leads from state k to state k + 1.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from mlp.arrays import Array
from mlp.layers import Layer, advance, reverse, shaped, split, workspace
from mlp.losses import Differentiable


@dataclass
class Gradient:
    """The loss of a batch and its derivatives with respect to all parameters.

    loss : L, a float.
    vector : all derivatives, in the order of `Network.parameters`.
    nabla_w, nabla_b : the same as views; nabla_w[k] has the shape of weights[k], nabla_b[k] of biases[k].
    """

    loss: float
    vector: Array
    nabla_w: tuple[Array, ...]
    nabla_b: tuple[Array, ...]

    @classmethod
    def like(cls, parameters: Array, sizes: Sequence[int]) -> "Gradient":
        """Room for the gradient of a network with these parameters and widths."""
        vector = np.empty_like(parameters)
        return cls(np.nan, vector, *split(vector, sizes))


class Buffers:
    """The arrays of one sweep forward and one backward over a batch of B columns.

    states : the states of the n - 1 hidden layers, each in its own array (d_k, B).
    deltas : None, Delta_1, ..., Delta_n, each (d_k, B): views into two flat arrays that take turns,
        because only two neighbours live at a time. On the way forward they are free, and serve as scratch.
    work : the temporaries of the activation of each state.
    ones : (B, 1), the column 1.

    With equal widths these are n + 1 arrays of the size of a state, for n >= 2; x is one more.
    """

    def __init__(self, layers: Sequence[Layer], batch: int) -> None:
        n, dtype = len(layers), layers[0].w.dtype
        widths = [len(layer.w) for layer in layers]  # d_1, ..., d_n
        turns = [np.empty(batch * max(widths[last::-2], default=0), dtype) for last in (-1, -2)]
        deltas = [shaped(turns[(n - k) % 2], d, batch) for k, d in enumerate(widths, start=1)]
        self.deltas: list[Any] = [None, *deltas]
        self.states = [np.empty((d, batch), dtype) for d in widths[:-1]]
        self.work = workspace(layers, batch)
        self.ones = np.ones((batch, 1), dtype)


def backprop(
    layers: Sequence[Layer], loss: Differentiable, x: Array, y: Array, *, buffers: Buffers, out: Gradient
) -> None:
    """Write L and its derivatives with respect to every W_k and b_k into `out`.

    x, y : (d_0, B) and (d_n, B), read only.
    buffers : for these layers and B columns; all of it is overwritten.
    """
    n, delta, work, ones = len(layers), buffers.deltas, buffers.work, buffers.ones
    state = [x, *buffers.states, delta[n]]  # the logits lie where Delta_n will be
    for k in range(n):
        advance(layers[k], state[k], out=state[k + 1], scratch=delta[k], work=work[k : k + 2])
    out.loss = loss.value_and_delta(state[n], y)  # Z_n becomes Delta_n
    for k in reversed(range(n)):
        gradients = out.nabla_w[k], out.nabla_b[k]
        reverse(layers[k], delta[k + 1], state[k], *gradients, ones=ones, out=delta[k], work=work[k])
