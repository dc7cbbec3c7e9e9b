"""The network: its parameters, how they begin, and the way from an input to the logits.

All parameters live in one vector; every W_k and b_k is a view into it. So a step of training is
one subtraction, a copy of the network is one copy, and nothing can get out of step.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np

from mlp import losses, validation
from mlp.activations import Activation
from mlp.arrays import Array, kernel_arithmetic
from mlp.backprop import Buffers, Gradient, backprop
from mlp.checkpointing import Observer, Pool, execute
from mlp.dropout import Dropout
from mlp.layers import Layer, advance, chain, split, workspace
from mlp.losses import Loss
from mlp.schedules import Schedule, validate


def normal(rng: np.random.Generator, d_out: int, d_in: int) -> Array:
    """W (d_out, d_in) of independent standard normal numbers, whatever the widths."""
    return rng.standard_normal((d_out, d_in))


def glorot(rng: np.random.Generator, d_out: int, d_in: int) -> Array:
    """W (d_out, d_in), normal, that about keeps the second moment both ways where phi(z) is about z."""
    return math.sqrt(2 / (d_in + d_out)) * normal(rng, d_out, d_in)


def he(rng: np.random.Generator, d_out: int, d_in: int) -> Array:
    """W (d_out, d_in), normal, that keeps the second moment forward where phi drops half of it."""
    return math.sqrt(2 / d_in) * normal(rng, d_out, d_in)


def orthogonal(rng: np.random.Generator, d_out: int, d_in: int) -> Array:
    """W (d_out, d_in) with orthonormal columns, or rows where they are fewer; all such W are as likely.

    The factor Q of a normal matrix A = QR is one. It is unique, and then uniformly distributed, if the
    diagonal of R is positive; LAPACK leaves its signs open.
    """
    q, r = np.linalg.qr(normal(rng, max(d_out, d_in), min(d_out, d_in)))
    q *= np.copysign(1, np.diagonal(r))
    return q if d_out >= d_in else q.T


initializations: dict[str, Callable[[np.random.Generator, int, int], Array]] = {
    "glorot": glorot,
    "he": he,
    "orthogonal": orthogonal,
    "normal": normal,
}


def automatic(phi: Activation) -> str:
    """Name "he" if `phi` passes what is far above 0 and drops what is below it, as ReLU does, or "glorot"."""
    z = np.array([[-9.0, 9.0]])
    phi.value(z, z, *(np.empty_like(z) for _ in range(getattr(phi, "workspace", 0))))
    low, high = z[0]
    return "he" if abs(low) < 9 / 2 < high else "glorot"


@dataclass(frozen=True, eq=False, repr=False)
class Network:
    """A multilayer perceptron; make one with `Network.initialize`, for nothing is checked here.

    sizes : d_0, ..., d_n.
    hidden : the activation between the layers.
    loss : the loss on the logits.
    parameters : W_1, b_1, ..., W_n, b_n as one vector.
    """

    sizes: tuple[int, ...]
    hidden: Activation
    loss: Loss
    parameters: Array

    @classmethod
    def initialize(
        cls,
        sizes: Sequence[int],
        *,
        hidden: str | Activation = "sigmoid",
        loss: str = "cross_entropy",
        initialization: str = "auto",
        dtype: Any = np.float32,
        rng: int | np.random.Generator = 0,
    ) -> "Network":
        """A network with random weights of mean 0, and biases 0.

        sizes : the widths d_0, ..., d_n, for example [784, 30, 10].
        hidden : "sigmoid", "tanh", "relu", "leaky_relu", "elu", "softplus", "softsign", "silu", "gelu",
            "gelu_tanh", "identity", or any object that is an activation.
        loss : "cross_entropy", "binary_cross_entropy" or "squared_error".
        initialization : "glorot", "he", "orthogonal", "normal", or "auto": "he" for a hidden activation
            that drops what is far below 0, as ReLU does, and "glorot" otherwise.
        dtype : float32 or float64, of the parameters and of all results.
        rng : a seed or a NumPy generator.

        Raises TypeError or ValueError for other arguments.

        >>> Network.initialize([784, 30, 10])
        Network([784, 30, 10], hidden='sigmoid', loss='cross_entropy', dtype='float32')
        """
        sizes = validation.layer_sizes(sizes)
        dtype = validation.real_dtype(dtype)
        phi = validation.activation(hidden, dtype)
        chosen_loss = validation.choice("loss", loss, losses.by_name)
        rng = validation.generator(rng)
        choices = {"auto": initializations[automatic(phi)], **initializations}
        draw = validation.choice("initialization", initialization, choices)
        count = sum(d * (below + 1) for below, d in pairwise(sizes))
        validation.addressable("sizes", count * dtype.itemsize)
        net = cls(sizes, phi, chosen_loss, np.zeros(count, dtype))
        for w in net.weights:
            w[...] = draw(rng, *w.shape)
        return net

    def __repr__(self) -> str:
        hidden, loss, dtype = self.hidden.name, self.loss.name, self.parameters.dtype.name
        return f"Network({list(self.sizes)}, hidden={hidden!r}, loss={loss!r}, dtype={dtype!r})"

    @property
    def depth(self) -> int:
        """The number of layers, n."""
        return len(self.sizes) - 1

    @property
    def weights(self) -> tuple[Array, ...]:
        """W_1, ..., W_n, of shapes (d_k, d_{k-1}), as views: write into weights[0][...] to change W_1."""
        return split(self.parameters, self.sizes)[0]

    @property
    def biases(self) -> tuple[Array, ...]:
        """b_1, ..., b_n, of shapes (d_k, 1), as views."""
        return split(self.parameters, self.sizes)[1]

    @property
    def layers(self) -> tuple[Layer, ...]:
        """The layers, for `advance` and `reverse`; they see the parameters as views."""
        return chain(self.parameters, self.sizes, self.hidden)

    def dropped(self, dropout: Dropout | None) -> tuple[Layer, ...]:
        """The layers with the masks of `dropout` behind the hidden ones; as they are if it is None."""
        validation.none_or("dropout", dropout, Dropout, "Write dropout=mlp.Dropout(rate, seed, step).")
        return chain(self.parameters, self.sizes, self.hidden, dropout)

    def logits(self, x: Array) -> Array:
        """Z_n for the examples in the columns of `x`: (d_0, B) to (d_n, B).

        Raises TypeError or ValueError unless `x` holds finite floats in this shape; so do all methods here.
        """
        x = validation.columns("x", x, self.sizes[0], self.parameters.dtype)
        with kernel_arithmetic():
            return forward(self.layers, x)

    def predict(self, x: Array) -> Array:
        """What the logits predict, (d_n, B): probabilities for both cross-entropies, else the logits."""
        z = self.logits(x)
        self.loss.predict(z)
        return z

    def loss_value(self, x: Array, y: Array, dropout: Dropout | None = None) -> float:
        """L, the mean over the columns of `x` (d_0, B) and their labels or targets `y` (d_n, B).

        dropout : the masks of the hidden layers; None drops nothing.
        """
        x, y = validation.batch(self, x, y)
        layers = self.dropped(dropout)
        with kernel_arithmetic():
            return self.loss.value_and_delta(forward(layers, x), y)

    def backprop(
        self,
        x: Array,
        y: Array,
        schedule: Schedule | None = None,
        dropout: Dropout | None = None,
        observer: Observer | None = None,
    ) -> Gradient:
        """L and its gradient: `g.loss`, `g.nabla_w`, `g.nabla_b`, for `x` (d_0, B) and `y` (d_n, B).

        schedule : from `mlp.schedules`, for less memory and the same bits; None keeps every state.
        dropout : the masks of the hidden layers; None drops nothing.
        observer : sees each step of a schedule, see `mlp.checkpointing.execute`.

        Neither the network nor `x` and `y` are changed. Raises TypeError or ValueError for other
        arguments, ValueError for a schedule that does not reverse this network.
        """
        x, y = validation.batch(self, x, y)
        validation.observed(observer, schedule)
        layers, gradient = self.dropped(dropout), Gradient.like(self.parameters, self.sizes)
        with kernel_arithmetic():
            if schedule is None:
                backprop(layers, self.loss, x, y, buffers=Buffers(layers, x.shape[1]), out=gradient)
            else:
                pool = Pool(validate(schedule, self.depth), layers, x.shape[1])
                execute(schedule, layers, self.loss, x, y, pool=pool, out=gradient, observer=observer)
        return gradient


def forward(layers: Sequence[Layer], x: Array) -> Array:
    """Z_n, (d_n, B), keeping no more than one state: each layer's output replaces its input."""
    work = workspace(layers, x.shape[1])
    state = x
    for k, layer in enumerate(layers):
        out = np.empty((len(layer.w), x.shape[1]), layer.w.dtype)
        advance(layer, state, out=out, scratch=state, work=work[k : k + 2])
        state = out
    return state
