"""Backpropagation: all derivatives of the loss in one sweep forward and one sweep backward.

Forward, every layer leaves its state behind. The loss turns the logits into Delta_n = dL/dZ_n.
Then, from the last layer to the first, Delta_k and the state below give the two gradients of
layer k and Delta_{k-1}; after that the state is not needed any more.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from mlp.arrays import Array
from mlp.layers import Layer, advance, reverse, shaped, split, workspace
from mlp.losses import Loss


@dataclass
class Gradient:
    """The loss of a batch and its derivatives with respect to all parameters.

    loss : L, the mean over the batch.
    vector : all derivatives as one vector, in the order of `Network.parameters`.
    nabla_w, nabla_b : views into it; nabla_w[k] has the shape of weights[k], nabla_b[k] of biases[k].
    """

    loss: float
    vector: Array
    nabla_w: tuple[Array, ...]
    nabla_b: tuple[Array, ...]

    @classmethod
    def like(cls, parameters: Array, sizes: Sequence[int]) -> "Gradient":
        """A gradient for these parameters, not yet computed."""
        vector = np.empty_like(parameters)
        return cls(np.nan, vector, *split(vector, sizes))


class Buffers:
    """The arrays of one sweep forward and one backward over a batch of B columns.

    states : state k of the n - 1 hidden layers, each in its own array (d_k, B).
    deltas : Delta_0 = None, Delta_1, ..., Delta_n, (d_k, B): views into two flat arrays that take
        turns, because only two neighbours live at a time.
    work : flat arrays for the temporaries of the activations.

    If all layers have the same width, these are n + 1 arrays of the size of a state; x is one more.
    """

    def __init__(self, layers: Sequence[Layer], batch: int) -> None:
        n, dtype = len(layers), layers[0].w.dtype
        widths = [len(layer.w) for layer in layers]  # d_1, ..., d_n
        turns = [np.empty(batch * max(widths[last::-2], default=0), dtype) for last in (-1, -2)]
        deltas = [shaped(turns[(n - k) % 2], d, batch) for k, d in enumerate(widths, start=1)]
        self.deltas: list[Any] = [None, *deltas]
        self.states = [np.empty((d, batch), dtype) for d in widths[:-1]]
        self.work = workspace(layers, batch)


def backprop(
    layers: Sequence[Layer], loss: Loss, x: Array, y: Array, *, buffers: Buffers, out: Gradient
) -> None:
    """L and its derivatives with respect to every W_k and b_k, written into `out`.

    x, y : (d_0, B) and (d_n, B), read only. All of `buffers` is overwritten.
    """
    n, g = len(layers), out
    delta, work = buffers.deltas, buffers.work
    state = [x, *buffers.states, delta[n]]  # Z_n lies where Delta_n will be
    for k in range(n):
        advance(layers[k], state[k], out=state[k + 1], scratch=delta[k], work=work)
    g.loss = loss.value_and_delta(state[n], y)  # Z_n becomes Delta_n
    for k in reversed(range(n)):
        reverse(layers[k], delta[k + 1], state[k], g.nabla_w[k], g.nabla_b[k], out=delta[k], work=work)
