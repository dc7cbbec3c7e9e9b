"""Activations: the elementwise functions phi between two affine maps, and their derivatives.

The Jacobian of an elementwise function is diagonal, so its transpose acts on an adjoint as the
Hadamard product with phi'(Z). Where equal outputs have equal slopes, that derivative is a function
of the output: then X = phi(Z) is all that has to be kept (`needs = "output"`). Where not, Z is kept
and phi(Z) evaluated again (`needs = "input"`). Either way one array per layer.

|z|, max and the sign of a complex number go by its real part: that continues each branch of a
function into the complex plane, where the complex step looks for the derivative.
"""

import math
from collections.abc import Sequence
from typing import Any, Literal, Protocol, TypeAlias

import numpy as np

from mlp.arrays import Array

Needs: TypeAlias = Literal["output", "input"]


class Activation(Protocol):
    """What a network asks of an activation; any object with these members will do.

    Two more are optional. `workspace` says how many temporary arrays of the state's shape the
    methods want; they are allocated beforehand and passed as further positional arguments.
    `second_derivative(state, out, *work)` writes phi''(z) into `out`, which is not the state's
    array, and leaves the state as it is. Keywords are never passed: `**_` is for type checkers alone.
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

    The value has a relative error of at most eps and that of exp together, 2 eps in float64, where
    it is a normal number, and is exactly 0 where e^-z overflows (z < -88.7 in float32, -709.8 in
    float64). The derivative has an absolute error of at most eps, and is exactly 0 where x is
    rounded to 1 (z > 16.6 in float32, 36.7 in float64).
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
        """Write x (1 - x) (1 - 2x) = ((2x - 3) x + 1) x into `out`."""
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
        """Write -2x (1 - x^2) into `out`."""
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
        """Write 0 into `out`."""
        out[...] = 0


class LeakyReLU:
    """phi(z) = max(z, a z), with phi' = 1 where x > 0 and a elsewhere, for a = `slope`.

    For 0 <= a <= 1. A subclass may have another slope, and should have another name: a file knows
    an activation by its name. At the kink z = 0 the choice is a.
    """

    name = "leaky_relu"
    needs: Needs = "output"
    workspace = 1
    slope = 0.01

    def value(self, z: Array, out: Array, low: Array) -> None:
        """Write max(z, a z) into `out`."""
        np.multiply(z, self.slope, out=low)
        np.maximum(z, low, out=out)

    def multiply_derivative(self, delta: Array, x: Array, _: Array) -> None:
        """Multiply `delta` by 1 where x > 0, by a elsewhere; `x` is left as that derivative."""
        np.greater(x, 0, out=x)
        np.maximum(x, self.slope, out=x)
        delta *= x

    def second_derivative(self, x: Array, out: Array, _: Array) -> None:
        """Write 0 into `out`."""
        out[...] = 0


class ELU:
    """phi(z) = z where z > 0 and e^z - 1 elsewhere, with phi' = 1 + min(x, 0) from the output x."""

    name = "elu"
    needs: Needs = "output"
    workspace = 1

    def value(self, z: Array, out: Array, low: Array) -> None:
        """Write max(z, 0) + (e^min(z, 0) - 1) into `out`: one of the two is 0."""
        np.minimum(z, 0, out=low)
        np.expm1(low, out=low)
        np.maximum(z, 0, out=out)
        out += low

    def multiply_derivative(self, delta: Array, x: Array, _: Array) -> None:
        """Multiply `delta` by 1 + min(x, 0); `x` is left as that derivative."""
        np.minimum(x, 0, out=x)
        x += 1
        delta *= x

    def second_derivative(self, x: Array, out: Array, slope: Array) -> None:
        """Write 1 + x where x < 0, and 0 elsewhere, into `out`."""
        np.less(x, 0, out=out)
        np.add(x, 1, out=slope)
        out *= slope


class Softplus:
    """phi(z) = log(1 + e^z), with phi' = 1 - e^-x from the output x."""

    name = "softplus"
    needs: Needs = "output"
    workspace = 1

    def value(self, z: Array, out: Array, e: Array) -> None:
        """Write max(z, 0) + log(1 + e^-|z|) into `out`."""
        np.negative(z, out=e)
        np.minimum(z, e, out=e)
        np.exp(e, out=e)
        np.log1p(e, out=e)
        np.maximum(z, 0, out=out)
        out += e

    def multiply_derivative(self, delta: Array, x: Array, _: Array) -> None:
        """Multiply `delta` by 1 - e^-x; `x` is left as that derivative."""
        np.negative(x, out=x)
        np.expm1(x, out=x)
        np.negative(x, out=x)
        delta *= x

    def second_derivative(self, x: Array, out: Array, slope: Array) -> None:
        """Write e^-x (1 - e^-x) into `out`."""
        np.negative(x, out=out)
        np.expm1(out, out=slope)
        np.exp(out, out=out)
        out *= slope
        np.negative(out, out=out)


class Softsign:
    """phi(z) = z / (1 + |z|), with phi' = (1 - |x|)^2 from the output x."""

    name = "softsign"
    needs: Needs = "output"
    workspace = 1

    def value(self, z: Array, out: Array, size: Array) -> None:
        """Write z / (1 + |z|) into `out`."""
        np.negative(z, out=size)
        np.maximum(z, size, out=size)
        size += 1
        np.divide(z, size, out=out)

    def multiply_derivative(self, delta: Array, x: Array, rest: Array) -> None:
        """Multiply `delta` by (1 - |x|)^2; `x` is left as it was."""
        np.negative(x, out=rest)
        np.maximum(x, rest, out=rest)
        np.subtract(1, rest, out=rest)
        delta *= rest
        delta *= rest

    def second_derivative(self, x: Array, out: Array, rest: Array) -> None:
        """Write -2 sign(x) (1 - |x|)^3 into `out`; it jumps at 0, where 0 is the choice."""
        np.negative(x, out=rest)
        np.maximum(x, rest, out=rest)
        np.subtract(1, rest, out=rest)
        np.sign(x.real, out=out)
        out *= -2
        for _ in range(3):
            out *= rest


class SiLU:
    """phi(z) = z s, with phi' = s (1 + z (1 - s)), where s is the sigmoid of z."""

    name = "silu"
    needs: Needs = "input"
    workspace = 1

    def value(self, z: Array, out: Array, s: Array) -> None:
        """Write z s into `out`."""
        sigmoid.value(z, s)
        np.multiply(z, s, out=out)

    def multiply_derivative(self, delta: Array, z: Array, s: Array) -> None:
        """Multiply `delta` by s and by 1 + z (1 - s), which is left in `z`."""
        sigmoid.value(z, s)
        delta *= s
        np.subtract(1, s, out=s)
        z *= s
        z += 1
        delta *= z

    def second_derivative(self, z: Array, out: Array, s: Array) -> None:
        """Write s (1 - s) (2 + z (1 - 2s)) into `out`."""
        sigmoid.value(z, s)
        np.multiply(s, -2, out=out)
        out += 1
        out *= z
        out += 2
        out *= s
        np.subtract(1, s, out=s)
        out *= s


# Hart and others, Computer Approximations (1968), number 5666, for x >= 0: the upper tail of the
# normal distribution, 1 - Phi(x), is e^(-x^2/2) P(x) / Q(x) to within 5e-17. Highest power first.
HART_P = (
    0.03526249659989109,
    0.7003830644436881,
    6.37396220353165,
    33.912866078383,
    112.0792914978709,
    221.2135961699311,
    220.2068679123761,
)
HART_Q = (
    0.08838834764831844,
    1.755667163182642,
    16.06417757920695,
    86.78073220294608,
    296.5642487796737,
    637.3336333788311,
    793.8265125199484,
    440.4137358247522,
)


def horner(coefficients: Sequence[float], x: Array, out: Array) -> None:
    """Write the polynomial with these coefficients, highest power first, at `x` into `out`."""
    out[...] = coefficients[0]
    for c in coefficients[1:]:
        out *= x
        out += c


def normal_cdf(z: Array, phi: Array, e: Array, q: Array) -> None:
    """Write Phi(z) into `phi` and e^(-z^2/2) into `e`; `q` is a temporary of the same shape.

    Phi(z) is |T - [z > 0]|, with the upper tail T at |z|, and has an absolute error of about eps.
    """
    np.negative(z, out=e)
    np.maximum(z, e, out=e)  # |z|
    np.minimum(e, 40, out=e)  # beyond, T is 0
    horner(HART_P, e, phi)
    horner(HART_Q, e, q)
    phi /= q
    np.square(e, out=e)
    e *= -0.5
    np.exp(e, out=e)
    phi *= e  # T
    np.greater(z, 0, out=q)
    phi -= q
    np.negative(phi, out=q)
    np.maximum(phi, q, out=phi)


class GELU:
    """phi(z) = z Phi(z), with phi' = Phi(z) + z Phi'(z); Phi is the normal distribution function."""

    name = "gelu"
    needs: Needs = "input"
    workspace = 3
    peak = 1 / math.sqrt(2 * math.pi)  # Phi'(0)

    def value(self, z: Array, out: Array, *work: Array) -> None:
        """Write z Phi(z) into `out`."""
        normal_cdf(z, *work)
        np.multiply(z, work[0], out=out)

    def multiply_derivative(self, delta: Array, z: Array, *work: Array) -> None:
        """Multiply `delta` by Phi(z) + z Phi'(z), which is left in `z`."""
        normal_cdf(z, *work)
        phi, e, _ = work
        z *= e
        z *= self.peak
        z += phi
        delta *= z

    def second_derivative(self, z: Array, out: Array, *work: Array) -> None:
        """Write (2 - z^2) Phi'(z) into `out`."""
        e = work[0]
        np.square(z, out=out)
        np.minimum(out, 1600, out=out)  # beyond, Phi' is 0
        np.multiply(out, -0.5, out=e)
        np.exp(e, out=e)
        np.subtract(2, out, out=out)
        out *= e
        out *= self.peak


class GELUTanh:
    """phi(z) = z (1 + tanh u) / 2 = z s, with u = c (z + 0.044715 z^3), c = sqrt(2 / pi).

    s is the sigmoid of 2u, and phi' = s (1 + 2 z u' (1 - s)). It resembles GELU; function and
    derivative are others.
    """

    name = "gelu_tanh"
    needs: Needs = "input"
    workspace = 2
    scale = math.sqrt(2 / math.pi)
    cubic = 0.044715

    def gate(self, z: Array, s: Array, e: Array) -> None:
        """Write e^-2u into `e` and s = 1 / (1 + e^-2u) into `s`."""
        np.square(z, out=e)
        e *= self.cubic
        e += 1
        e *= z
        e *= -2 * self.scale
        np.minimum(e, 80, out=e)  # beyond, s is below 2e-35, and complex numbers might overflow
        np.exp(e, out=e)
        np.add(e, 1, out=s)
        np.reciprocal(s, out=s)

    def clip(self, z: Array, out: Array) -> None:
        """Write `z` into `out`, but no more than 10 and no less than -10: beyond, s is 1 or below 2e-35."""
        np.minimum(z, 10, out=out)
        np.maximum(out, -10, out=out)

    def rate(self, z: Array, out: Array) -> None:
        """Write u' into `out`."""
        np.square(z, out=out)
        out *= 3 * self.cubic * self.scale
        out += self.scale

    def value(self, z: Array, out: Array, s: Array, e: Array) -> None:
        """Write z s into `out`."""
        self.gate(z, s, e)
        np.maximum(z, -10, out=out)
        out *= s

    def multiply_derivative(self, delta: Array, z: Array, s: Array, e: Array) -> None:
        """Multiply `delta` by s and by 1 + 2 z u' (1 - s), which is left in `z`; 1 - s is s e^-2u."""
        self.clip(z, z)  # a large power of z times what is almost 0 must be 0
        self.gate(z, s, e)
        delta *= s
        s *= e
        self.rate(z, e)
        z *= e
        z *= s
        z *= 2
        z += 1
        delta *= z

    def second_derivative(self, z: Array, out: Array, s: Array, e: Array) -> None:
        """Write 4 s (1 - s) (u' + z u'' / 2 + z u'^2 (1 - 2s)) into `out`."""
        self.gate(z, s, e)
        np.multiply(s, -2, out=out)
        out += 1
        np.square(s, out=s)
        s *= e  # s (1 - s)
        self.clip(z, e)
        self.rate(e, e)
        out *= e
        out *= e
        self.clip(z, e)
        out *= e  # z u'^2 (1 - 2s)
        np.square(e, out=e)
        e *= 6 * self.cubic * self.scale
        e += self.scale
        out += e  # and u' + z u'' / 2
        out *= s
        out *= 4


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


sigmoid = Sigmoid()
identity = Identity()
by_name: dict[str, Activation] = {
    phi.name: phi
    for phi in (
        sigmoid,
        Tanh(),
        ReLU(),
        LeakyReLU(),
        ELU(),
        Softplus(),
        Softsign(),
        SiLU(),
        GELU(),
        GELUTanh(),
        identity,
    )
}
