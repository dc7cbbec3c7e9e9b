"""Activations that the package does not have, to see that it serves those of its readers."""

import tracemalloc
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import mlp

ALIKE = {"leaky_relu", "elu", "softplus", "softsign", "silu", "gelu_tanh"}
"""Activations whose cases run in the slow group only; those of `activations.md` run always."""


class Swish:
    """phi(z) = z s(z/2), an input-type activation that wants one temporary array."""

    name = "swish"
    needs = "input"
    workspace = 1

    def value(self, z: Any, out: Any, s: Any) -> None:
        """Write z s(z/2) into `out`."""
        np.multiply(z, 0.5, out=s)
        mlp.activations.by_name["sigmoid"].value(s, s)
        np.multiply(z, s, out=out)

    def multiply_derivative(self, delta: Any, z: Any, s: Any) -> None:
        """Multiply `delta` by s (1 + z/2 (1 - s))."""
        np.multiply(z, 0.5, out=s)
        mlp.activations.by_name["sigmoid"].value(s, s)
        delta *= s
        np.subtract(1, s, out=s)
        z *= s
        z *= 0.5
        z += 1
        delta *= z


class Sine:
    """phi(z) = sin z, an input-type activation without temporaries."""

    name = "sine"
    needs = "input"

    def value(self, z: Any, out: Any) -> None:
        """Write sin z into `out`."""
        np.sin(z, out=out)

    def multiply_derivative(self, delta: Any, z: Any) -> None:
        """Multiply `delta` by cos z."""
        np.cos(z, out=z)
        delta *= z


@pytest.fixture(scope="session")
def activations() -> dict[str, Any]:
    """Every activation of the package, and two of a reader."""
    return {**mlp.activations.by_name, "swish": Swish(), "sine": Sine()}


@pytest.fixture(scope="session")
def peak() -> Callable[[Callable[[], Any]], int]:
    """Of a function, the bytes that its second run holds at its peak, above those held before."""

    def peak(f: Callable[[], Any]) -> int:
        f()
        tracemalloc.start()
        before = tracemalloc.get_traced_memory()[0]
        f()
        above = tracemalloc.get_traced_memory()[1] - before
        tracemalloc.stop()
        return above

    return peak


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Run a test that takes `hidden` once for each activation, one that takes `loss` once for each loss.

    Of the activations that work alike, one stands for the others where time is short.
    """
    if "hidden" in metafunc.fixturenames:
        everything = [*mlp.activations.by_name.values(), Swish(), Sine()]
        marks = {phi.name: [pytest.mark.slow] if phi.name in ALIKE else [] for phi in everything}
        metafunc.parametrize(
            "hidden", [pytest.param(phi, id=phi.name, marks=marks[phi.name]) for phi in everything]
        )
    if "loss" in metafunc.fixturenames:
        metafunc.parametrize("loss", list(mlp.losses.by_name))
