"""The network: its parameters, how they begin, and the way from an input to the logits.

All parameters live in one vector; every W_k and b_k is a view into it. So a step of training is
one subtraction, a copy of the network is one copy, and nothing can get out of step.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np

from mlp import losses, validation
from mlp.activations import Activation
from mlp.arrays import Array, kernel_arithmetic
from mlp.backprop import Buffers, Gradient, backprop
from mlp.layers import Layer, advance, chain, split, workspace
from mlp.losses import Loss


def glorot(d_out: int, d_in: int) -> float:
    """Standard deviation of W (d_out, d_in) that about keeps the variance, both ways, if phi'(0) = 1."""
    return float(np.sqrt(2 / (d_in + d_out)))


def he(d_out: int, d_in: int) -> float:
    """Standard deviation of W (d_out, d_in) that keeps the second moment, of which ReLU drops half."""
    return float(np.sqrt(2 / d_in))


initializations: dict[str, Callable[[int, int], float]] = {"glorot": glorot, "he": he}


@dataclass(frozen=True, eq=False, repr=False)
class Network:
    """A multilayer perceptron; make one with `Network.initialize`.

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
        """A network with normally distributed weights of mean 0, and biases 0.

        sizes : the widths d_0, ..., d_n, for example [784, 30, 10].
        hidden : "sigmoid", "tanh", "relu", "leaky_relu", "elu", "softplus", "softsign", "silu", "gelu",
            "gelu_tanh", "identity", or any object that is an activation.
        loss : "cross_entropy" or "squared_error".
        initialization : "glorot", "he", or "auto", which is "he" for relu and "glorot" otherwise.
        dtype : float32 or float64, of the parameters and of all results.
        rng : a seed or a NumPy generator.

        >>> Network.initialize([784, 30, 10])
        Network([784, 30, 10], hidden='sigmoid', loss='cross_entropy', dtype='float32')
        """
        sizes = validation.layer_sizes(sizes)
        dtype = validation.real_dtype(dtype)
        phi = validation.activation(hidden, dtype)
        chosen_loss = validation.choice("loss", loss, losses.by_name)
        rng = validation.generator(rng)
        auto = he if phi.name == "relu" else glorot
        deviation = validation.choice("initialization", initialization, {"auto": auto, **initializations})
        count = sum(d * (below + 1) for below, d in pairwise(sizes))
        net = cls(sizes, phi, chosen_loss, np.zeros(count, dtype))
        for w in net.weights:
            w[...] = deviation(*w.shape) * rng.standard_normal(w.shape)
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

    def logits(self, x: Array) -> Array:
        """Z_n for the examples in the columns of `x`: (d_0, B) to (d_n, B)."""
        x = validation.columns("x", x, self.sizes[0], self.parameters.dtype)
        with kernel_arithmetic():
            return forward(self.layers, x)

    def predict(self, x: Array) -> Array:
        """What the logits predict, (d_n, B): probabilities for cross-entropy, else the logits."""
        z = self.logits(x)
        self.loss.predict(z)
        return z

    def loss_value(self, x: Array, y: Array) -> float:
        """L, the mean over the columns of `x` (d_0, B) and their labels or targets `y` (d_n, B)."""
        x, y = validation.batch(self, x, y)
        with kernel_arithmetic():
            return self.loss.value_and_delta(forward(self.layers, x), y)

    def backprop(self, x: Array, y: Array) -> Gradient:
        """L and its gradient: `g.loss`, `g.nabla_w`, `g.nabla_b`, for `x` (d_0, B) and `y` (d_n, B).

        Neither the network nor `x` and `y` are changed.
        """
        x, y = validation.batch(self, x, y)
        layers, gradient = self.layers, Gradient.like(self.parameters, self.sizes)
        with kernel_arithmetic():
            backprop(layers, self.loss, x, y, buffers=Buffers(layers, x.shape[1]), out=gradient)
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
