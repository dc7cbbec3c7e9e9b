"""Activations: the elementwise functions phi between two affine maps, and their derivatives.

The Jacobian of an elementwise function is diagonal, so its transpose acts on an adjoint as the
Hadamard product with phi'(Z). For sigmoid, tanh and ReLU that derivative is a function of the
output alone: then X = phi(Z) is all that has to be kept (`needs = "output"`). Where it is not,
Z is kept and phi(Z) evaluated again (`needs = "input"`). Either way one array per layer.
"""

from typing import Any, Literal, Protocol, TypeAlias

import numpy as np

from mlp.arrays import Array

Needs: TypeAlias = Literal["output", "input"]


class Activation(Protocol):
    """What a network asks of an activation; any object with these members will do.

    Two more are optional. `workspace` says how many temporary arrays of the state's shape the methods
    want; they are allocated beforehand and passed as further positional arguments.
    `second_derivative(state, out, *work)` writes phi''(z) into `out`, another array than `state`, and
    leaves `state` as it is; only products with the Hessian ask for it.
    """

    @property
    def name(self) -> str:
        """How messages and files call it."""

    @property
    def needs(self) -> Needs:
        """What phi'(z) is computed from, and so what the state is: "output" for phi(z), "input" for z."""

    def value(self, z: Array, out: Array, /, *work: Any, **_: Any) -> None:
        """Write phi(z) into `out`, which has the shape of `z` and may be `z`; nothing is returned."""

    def multiply_derivative(self, delta: Array, state: Array, /, *work: Any, **_: Any) -> None:
        """Multiply `delta` in place by phi'(z), elementwise; `state` may be destroyed."""


class Sigmoid:
    """phi(z) = 1 / (1 + e^-z), with phi' = x (1 - x) from the output x.

    The value has a relative error of at most 2 eps where it is a normal number, and is exactly 0
    where e^-z overflows (z < -88.7 in float32, -709.8 in float64). The derivative has an absolute
    error of at most eps, and is exactly 0 where x is rounded to 1 (z > 36.7 in float64).
    """

    name = "sigmoid"
    needs: Needs = "output"

    def value(self, z: Array, out: Array) -> None:
        """Write 1 / (1 + e^-z) into `out`, in four passes without a temporary array."""
        np.negative(z, out=out)
        np.exp(out, out=out)
        np.add(out, 1, out=out)
        np.reciprocal(out, out=out)

    def multiply_derivative(self, delta: Array, x: Array) -> None:
        """Multiply `delta` by x (1 - x); `x` is left as 1 - x."""
        delta *= x
        np.subtract(1, x, out=x)
        delta *= x

    def second_derivative(self, x: Array, out: Array) -> None:
        """Write x (1 - x) (1 - 2x) = x (1 + x (2x - 3)) into `out`."""
        np.multiply(x, 2, out=out)
        out -= 3
        out *= x
        out += 1
        out *= x


class Tanh:
    """phi(z) = tanh z, with phi' = 1 - x^2 from the output x."""

    name = "tanh"
    needs: Needs = "output"

    def value(self, z: Array, out: Array) -> None:
        """Write tanh z into `out`."""
        np.tanh(z, out=out)

    def multiply_derivative(self, delta: Array, x: Array) -> None:
        """Multiply `delta` by 1 - x^2; `x` is left as that derivative."""
        np.square(x, out=x)
        np.subtract(1, x, out=x)
        delta *= x

    def second_derivative(self, x: Array, out: Array) -> None:
        """Write -2 x (1 - x^2) into `out`."""
        np.square(x, out=out)
        out -= 1
        out *= x
        out *= 2


class ReLU:
    """phi(z) = max(z, 0), with phi' = 1 where x > 0 and 0 elsewhere.

    At the kink z = 0 there is no derivative; 0 is the choice that the output alone can make. NumPy
    orders complex numbers by their real parts, so off the kink both methods go by the real part.
    """

    name = "relu"
    needs: Needs = "output"

    def value(self, z: Array, out: Array) -> None:
        """Write max(z, 0) into `out`."""
        np.maximum(z, 0, out=out)

    def multiply_derivative(self, delta: Array, x: Array) -> None:
        """Multiply `delta` by 1 where x > 0, by 0 elsewhere; `x` is left as that derivative."""
        np.greater(x, 0, out=x)
        delta *= x

    def second_derivative(self, x: Array, out: Array) -> None:
        """Write 0 into `out`: off the kink."""
        out[...] = 0


class Identity:
    """phi(z) = z, with phi' = 1: what stands before the first layer and after the last."""

    name = "identity"
    needs: Needs = "output"

    def value(self, z: Array, out: Array) -> None:
        """Copy `z` into `out`, unless they are the same array."""
        if out is not z:
            np.copyto(out, z)

    def multiply_derivative(self, delta: Array, x: Array) -> None:
        """Leave `delta` as it is."""

    def second_derivative(self, x: Array, out: Array) -> None:
        """Write 0 into `out`."""
        out[...] = 0


identity = Identity()
by_name: dict[str, Activation] = {phi.name: phi for phi in (Sigmoid(), Tanh(), ReLU(), identity)}
