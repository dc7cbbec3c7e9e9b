"""Optimisers: what is made of the gradient before the parameters move.

An optimiser turns the gradient g_t of step t into a direction d_t; then

    theta_t = theta_{t-1} - eta d_t,

and `descend` is the only place in the package where parameters change. What an optimiser
remembers of earlier gradients are its *moments*: sums in which old gradients fade, in arrays of
the size of the parameters, allocated once. Everything here happens in place.
"""

from collections.abc import Sequence
from typing import Protocol

import numpy as np

from mlp import validation
from mlp.arrays import Array
from mlp.backprop import Gradient
from mlp.layers import split


class Optimizer(Protocol):
    """What training asks of an optimiser.

    name : as in `train`.
    momentum : mu.
    default_rate : the learning rate where none is given.
    moments : (count, P), all that it remembers, for P parameters.
    """

    name: str
    momentum: float
    default_rate: float
    moments: Array

    def __init__(self, momentum: float, parameters: Array) -> None:
        """Make room for the moments; refuse a momentum that has no use here."""

    def direction(self, gradient: Array, step: int, /) -> Array:
        """Return d_t, (P,), for g_t, (P,), and t = `step`, from 1; `gradient` may be destroyed."""


class SGD:
    """Steepest descent, d_t = g_t, or with momentum mu the sum d_t = v_t = mu v_{t-1} + g_t."""

    name = "sgd"
    default_rate = 1.0

    def __init__(self, momentum: float, parameters: Array) -> None:
        self.momentum = momentum
        count = 1 if momentum else 0
        self.moments = np.zeros((count, parameters.size), parameters.dtype)

    def direction(self, gradient: Array, step: int) -> Array:
        """Return g_t itself, or v_t."""
        if not self.momentum:
            return gradient
        v: Array = self.moments[0]
        v *= self.momentum
        v += gradient
        return v


class Nesterov:
    """Nesterov's momentum: v_t = mu v_{t-1} + g_t and d_t = g_t + mu v_t. It remembers u_t = mu v_t."""

    name = "nesterov"
    default_rate = 1.0

    def __init__(self, momentum: float, parameters: Array) -> None:
        if momentum == 0:
            came, remedy = f"{momentum} for nesterov", "Try 0.9, or optimizer='sgd'."
            raise ValueError(validation.message("momentum", "more than 0", came, remedy))
        self.momentum = momentum
        self.moments = np.zeros((1, parameters.size), parameters.dtype)

    def direction(self, gradient: Array, step: int) -> Array:
        """Turn g_t into g_t + u_t with u_t = mu (u_{t-1} + g_t)."""
        u = self.moments[0]
        u += gradient
        u *= self.momentum
        gradient += u
        return gradient


class Adam:
    """Adam: the mean of the gradients over the root of the mean of their squares, entry by entry.

    Both means are over all steps so far, with weights that fall by beta_1 and beta_2 a step:

        M_t = beta_1 M_{t-1} + g_t,     m_t = M_t (1 - beta_1) / (1 - beta_1^t),
        S_t = beta_2 S_{t-1} + g_t^2,   s_t = S_t (1 - beta_2) / (1 - beta_2^t),
        d_t = m_t / (sqrt(s_t) + epsilon).

    It remembers the sums M_t and S_t, before they are divided by the sums of their weights.
    """

    name = "adam"
    default_rate = 0.001
    beta_1, beta_2, epsilon = 0.9, 0.999, 1e-8

    def __init__(self, momentum: float, parameters: Array) -> None:
        if momentum != 0:
            remedy = "Leave it out: beta_1 = 0.9 does its work."
            raise ValueError(validation.message("momentum", "0 for adam", momentum, remedy))
        self.momentum = momentum
        self.moments = np.zeros((2, parameters.size), parameters.dtype)

    def direction(self, gradient: Array, step: int) -> Array:
        """Turn g_t into d_t."""
        sums, squares = self.moments
        sums *= self.beta_1
        sums += gradient
        np.square(gradient, out=gradient)
        squares *= self.beta_2
        squares += gradient
        scale = (1 - self.beta_2) / (1 - self.beta_2**step)
        np.multiply(squares, scale, out=gradient)  # s_t
        np.sqrt(gradient, out=gradient)
        gradient += self.epsilon
        np.divide(sums, gradient, out=gradient)
        gradient *= (1 - self.beta_1) / (1 - self.beta_1**step)  # M_t becomes m_t
        return gradient


by_name: dict[str, type[Optimizer]] = {kind.name: kind for kind in (SGD, Nesterov, Adam)}


def descend(parameters: Array, direction: Array, learning_rate: float, out: Array) -> None:
    """Descend: theta := theta - eta d. Only here does a step change parameters.

    out : (P,), receives eta d; may be `direction` itself.
    """
    np.multiply(direction, learning_rate, out=out)
    parameters -= out


class Penalty:
    """The L2 penalty lambda/2 (||W_1||^2 + ... + ||W_n||^2); biases are left alone.

    parameters, sizes : of the network, W_1, b_1, ..., W_n, b_n as one vector.
    l2 : lambda.
    """

    def __init__(self, parameters: Array, sizes: Sequence[int], l2: float) -> None:
        self.parameters = parameters
        self.pull, self.strength = np.empty_like(parameters), np.zeros_like(parameters)
        for w in split(self.strength, sizes)[0]:
            w[...] = l2

    def add_to(self, gradient: Gradient) -> None:
        """Add the penalty to the loss and lambda W_k to dL/dW_k; not divided by the size of the batch."""
        np.multiply(self.strength, self.parameters, out=self.pull)  # lambda W_k
        gradient.vector += self.pull
        gradient.loss += np.dot(self.pull, self.parameters).item() / 2
