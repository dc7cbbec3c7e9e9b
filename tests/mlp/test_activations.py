"""Activations: values, derivatives and second derivatives, against three other means.

Warnings are errors in every test (pyproject.toml), so none of these kernels warns.
"""

import ast
import copy
import re
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import Any

import mpmath
import numpy as np
import pytest
import sympy

import mlp
from mlp.activations import by_name, normal_cdf
from mlp.arrays import kernel_arithmetic

NAMES = [
    "sigmoid",
    "tanh",
    "relu",
    "leaky_relu",
    "elu",
    "softplus",
    "softsign",
    "silu",
    "gelu",
    "gelu_tanh",
    "identity",
]
OUTPUT = {*NAMES} - {"silu", "gelu", "gelu_tanh"}
KINKED = {"relu", "leaky_relu"}
H = 1e-30

t = sympy.Symbol("t", real=True)
cubic = sympy.sqrt(2 / sympy.pi) * (t + sympy.Rational(44715, 10**6) * t**3)
DEFINITIONS: dict[str, tuple[Any, Any]] = {  # phi(t) for t > 0 and for t < 0, without any rewriting
    "sigmoid": (1 / (1 + sympy.exp(-t)),) * 2,
    "tanh": (sympy.sinh(t) / sympy.cosh(t),) * 2,
    "relu": (t, 0 * t),
    "leaky_relu": (t, t / 100),
    "elu": (t, sympy.exp(t) - 1),
    "softplus": (sympy.log(1 + sympy.exp(t)),) * 2,
    "softsign": (t / (1 + t), t / (1 - t)),
    "silu": (t / (1 + sympy.exp(-t)),) * 2,
    "gelu": (t * (1 + sympy.erf(t / sympy.sqrt(2))) / 2,) * 2,
    "gelu_tanh": (t * (1 + sympy.tanh(cubic)) / 2,) * 2,
    "identity": (t, t),
}

BOUNDS = {  # of the errors of phi, phi' and phi'', in units of eps (of 1 where the reference is smaller)
    "sigmoid": (1, 1, 2),
    "tanh": (1, 2, 3),
    "relu": (0, 0, 0),
    "leaky_relu": (1, 1, 0),
    "elu": (1, 1, 1),
    "softplus": (2, 1, 1),
    "softsign": (1, 1, 2),
    "silu": (2, 20, 20),
    "gelu": (2, 2, 2),
    "gelu_tanh": (2, 3, 4),
    "identity": (0, 0, 0),
}


def work(phi: Any, like: Any) -> list[Any]:
    """Its temporaries, full of NaN: what is not written first must not be read."""
    return [np.full_like(like, np.nan) for _ in range(getattr(phi, "workspace", 0))]


def state(phi: Any, z: Any) -> Any:
    """What the sweep forward leaves: phi(z), or z."""
    x = z.copy()
    if phi.needs == "output":
        phi.value(x, x, *work(phi, x))
    return x


def three(phi: Any, z: Any) -> tuple[Any, Any, Any]:
    """phi(z), phi'(z) and phi''(z), from the kernels."""
    with kernel_arithmetic():
        value, second, slope = np.empty_like(z), np.full_like(z, np.nan), np.ones_like(z)
        phi.value(z, value, *work(phi, z))
        kept = state(phi, z)
        phi.second_derivative(kept, second, *work(phi, z))
        assert np.array_equal(kept, state(phi, z))  # left as it was
        phi.multiply_derivative(slope, kept, *work(phi, z))
    return value, slope, second


def test_the_names_are_these() -> None:
    assert list(by_name) == NAMES
    assert {name for name, phi in by_name.items() if phi.needs == "output"} == OUTPUT
    assert all(name == phi.name for name, phi in by_name.items())
    assert all(mlp.Network.initialize([2, 3, 1], hidden=name).hidden is by_name[name] for name in NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_derivatives_against_the_complex_step(name: str) -> None:
    phi, z = by_name[name], np.random.default_rng(0).uniform(-8, 8, 2000)
    _, slope, second = three(phi, z)
    beyond, slopes = z + 1j * H, np.ones(z.shape, complex)
    value = np.empty_like(beyond)
    phi.value(beyond, value, *work(phi, value))
    kept = state(phi, beyond)
    phi.multiply_derivative(slopes, kept, *work(phi, kept))
    assert abs(slope - value.imag / H).max() < 1e-13
    assert abs(second - slopes.imag / H).max() < 1e-13
    assert name == "identity" or np.ptp(slope) > 0.1


@pytest.mark.parametrize("name", NAMES)
def test_derivatives_against_symbols(name: str) -> None:
    """The definition, differentiated by SymPy and evaluated to 30 digits."""
    points = [Fraction(k, 7) for k in range(1, 60, 3)]
    for definition, sign in zip(DEFINITIONS[name], (1, -1), strict=True):
        z = np.array([float(sign * p) for p in points])
        for order, ours in enumerate(three(by_name[name], z)):
            f = sympy.diff(definition, t, order)
            exact = [float(f.subs(t, sympy.Rational(float(p))).evalf(30)) for p in z]
            scale = np.maximum(1, np.abs(exact)) * np.finfo(np.float64).eps
            assert (abs(ours - exact) <= BOUNDS[name][order] * scale).all()
            assert order == 2 or name == "relu" or abs(np.array(exact)).max() > 0.009  # 0.01 is a slope


def digits(name: str) -> list[Callable[[Any], Any]]:
    """phi, phi' and phi'' for mpmath, in forms that keep the tails; each takes a number."""
    m = mpmath
    c, a = m.sqrt(2 / m.pi), m.mpf(44715) / 10**6

    def s(z: Any) -> Any:
        return 1 / (1 + m.exp(-z))

    def density(z: Any) -> Any:
        return m.exp(-z * z / 2) / m.sqrt(2 * m.pi)

    def cdf(z: Any) -> Any:
        return m.erfc(-z / m.sqrt(2)) / 2

    def gate(z: Any) -> Any:
        return s(2 * c * (z + a * z**3))

    def rate(z: Any) -> Any:
        return 2 * c * (1 + 3 * a * z * z)

    def bend(z: Any) -> Any:
        """The second derivative of z gate(z), by the product rule."""
        g, r = gate(z), rate(z)
        first = g * (1 - g) * r
        return 2 * first + z * (first * (1 - 2 * g) * r + g * (1 - g) * 12 * c * a * z)

    table: dict[str, list[Callable[[Any], Any]]] = {
        "sigmoid": [s, lambda z: s(z) * s(-z), lambda z: s(z) * s(-z) * (s(-z) - s(z))],
        "tanh": [m.tanh, lambda z: m.sech(z) ** 2, lambda z: -2 * m.tanh(z) * m.sech(z) ** 2],
        "relu": [lambda z: max(z, 0), lambda z: int(z > 0), lambda z: 0],
        "leaky_relu": [lambda z: max(z, z / 100), lambda z: 1 if z > 0 else m.mpf(1) / 100, lambda z: 0],
        "elu": [
            lambda z: z if z > 0 else m.expm1(z),
            lambda z: m.exp(min(z, 0)),
            lambda z: m.exp(z) if z < 0 else 0,
        ],
        "softplus": [lambda z: max(z, 0) + m.log1p(m.exp(-abs(z))), s, lambda z: s(z) * s(-z)],
        "softsign": [
            lambda z: z / (1 + abs(z)),
            lambda z: (1 + abs(z)) ** -2,
            lambda z: -2 * m.sign(z) * (1 + abs(z)) ** -3,
        ],
        "silu": [
            lambda z: z * s(z),
            lambda z: s(z) + z * s(z) * s(-z),
            lambda z: s(z) * s(-z) * (2 + z * (s(-z) - s(z))),
        ],
        "gelu": [lambda z: z * cdf(z), lambda z: cdf(z) + z * density(z), lambda z: (2 - z * z) * density(z)],
        "gelu_tanh": [
            lambda z: z * gate(z),
            lambda z: gate(z) + z * gate(z) * (1 - gate(z)) * rate(z),
            bend,
        ],
        "identity": [lambda z: z, lambda z: 1, lambda z: 0],
    }
    return table[name]


def errors(name: str, count: int) -> Any:
    """The largest errors of phi, phi', phi'' in eps, for float64 and float32: an array (2, 3)."""
    rng = np.random.default_rng(1)
    third = count // 3
    z = np.concatenate(
        [
            np.linspace(-45, 45, third),
            2 * rng.standard_normal(third),
            rng.choice([-1, 1], count - 2 * third) * np.geomspace(1e-8, 1e4, count - 2 * third),
        ]
    ).astype(np.float32)
    both = [three(by_name[name], z.astype(dtype)) for dtype in (np.float64, np.float32)]
    worst = np.zeros((2, 3))
    with mpmath.workdps(30):
        for order, f in enumerate(digits(name)):
            references = [mpmath.mpf(f(mpmath.mpf(float(p)))) for p in z]
            for row, ours in enumerate(both):
                eps = float(np.finfo(ours[order].dtype).eps)
                off = [
                    abs(mpmath.mpf(float(a)) - r) / max(1, abs(r))
                    for a, r in zip(ours[order], references, strict=True)
                ]
                worst[row, order] = float(max(off)) / eps
    return worst


def test_the_bounds_are_those_that_the_chapter_prints() -> None:
    chapter = Path(__file__).parents[2] / "docs" / "derivatives" / "activations.md"
    printed = re.search(
        r"^bounds = (\{.*?^\})", chapter.read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE
    )
    assert printed is not None and ast.literal_eval(printed[1]) == BOUNDS


@pytest.mark.parametrize("name", NAMES)
def test_errors_are_within_their_bounds(name: str) -> None:
    assert (errors(name, 10_000) <= BOUNDS[name]).all()


def test_the_distribution_function_at_ten_thousand_points() -> None:
    z = np.random.default_rng(2).uniform(-10, 10, 10_000)
    phi, density, q = (np.empty_like(z) for _ in range(3))
    normal_cdf(z, phi, density, q)
    with mpmath.workdps(25):
        exact = np.array([float(mpmath.erfc(-p / mpmath.sqrt(2)) / 2) for p in z])
    assert abs(phi - exact).max() < 2**-51
    assert abs(density - np.exp(-z * z / 2)).max() < 2**-52


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("name", NAMES)
def test_nothing_overflows_up_to_ten_thousand(name: str, dtype: Any) -> None:
    z = np.concatenate([np.linspace(-1e4, 1e4, 4001), np.geomspace(1e-30, 1e4, 500)]).astype(dtype)
    z = np.concatenate([z, -z])
    value, slope, second = three(by_name[name], z)
    assert value.dtype == slope.dtype == second.dtype == dtype
    assert np.isfinite(value).all() and np.isfinite(slope).all() and np.isfinite(second).all()
    far = abs(z) > 200
    assert abs(second[far]).max() <= 1e-4 and (abs(value) <= abs(z) + 0.7).all()


@pytest.mark.parametrize("dtype", [np.complex64, np.complex128])
@pytest.mark.parametrize("name", NAMES)
def test_complex_numbers_stay_finite(name: str, dtype: Any) -> None:
    """Up to 1e4, but for the sigmoid's e^-z, which must not overflow: inf - inf i has no reciprocal."""
    lowest = {np.complex64: -80, np.complex128: -700}[dtype] if name in ("sigmoid", "silu") else -1e4
    z = (np.linspace(lowest, 1e4, 4001) + 1j * H).astype(dtype)
    for array in three(by_name[name], z):
        assert array.dtype == dtype and np.isfinite(array).all()


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_nothing_overflows_at_all(dtype: Any) -> None:
    """For every finite number; far out value and derivatives have reached their limits."""
    most = np.finfo(dtype).max
    far = np.append(np.geomspace(1e5, most / 10, 299), most).astype(dtype)
    for name in NAMES:
        value, slope, second = three(by_name[name], np.concatenate([far, -far]))
        level = name in ("sigmoid", "tanh", "softsign")
        low = {"tanh": -1, "softsign": -1, "elu": -1, "leaky_relu": -0.01 * far, "identity": -far}.get(
            name, 0
        )
        assert np.allclose(
            value, np.concatenate([np.ones(300) if level else far, low * np.ones(300)]), atol=1e-4
        )
        left = {"leaky_relu": 0.01, "identity": 1}.get(name, 0)
        assert np.allclose(slope, np.repeat([0 if level else 1, left], 300), atol=1e-9)
        assert np.allclose(second, 0, atol=1e-9)


def test_choices_at_the_kinks() -> None:
    slopes = {name: float(three(by_name[name], np.zeros(1))[1][0]) for name in NAMES}
    assert slopes["relu"] == 0 and slopes["leaky_relu"] == 0.01
    assert slopes["elu"] == slopes["softsign"] == 1 and slopes["gelu"] == slopes["silu"] == 0.5
    seconds = {name: float(three(by_name[name], np.zeros(1))[2][0]) for name in NAMES}
    assert all(seconds[name] == 0 for name in ("relu", "leaky_relu", "elu", "softsign", "tanh", "sigmoid"))
    assert seconds["softplus"] == 0.25 and seconds["silu"] == 0.5


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("slope", [0.1, 0.25, 0.7, 1.0])
def test_a_subclass_has_another_slope(slope: float, dtype: Any) -> None:
    """Exactly that slope up to the kink, and exactly 1 above it."""

    class Other(mlp.activations.LeakyReLU):
        name = "other"

    leaky, z = Other(), np.linspace(-3, 3, 61, dtype=dtype)
    leaky.slope = slope
    value, slopes, second = three(leaky, z)
    below = dtype(slope)
    assert np.array_equal(value, np.where(z > 0, z, below * z))
    assert np.array_equal(slopes, np.where(z > 0, 1, below)) and not second.any()


def test_rational_functions_are_exact_in_fractions() -> None:
    """The kernel of softsign on fractions, against the quotient rule for z / (1 + |z|)."""
    z = np.array([Fraction(a, b) for a in range(-6, 7) for b in (3, 4, 5)], object)
    phi, size, rest, x = by_name["softsign"], z.copy(), z.copy(), z.copy()
    phi.value(z, x, size)
    assert all(a == b / (1 + abs(b)) for a, b in zip(x, z, strict=True))
    delta = np.full(z.shape, Fraction(2, 3), object)
    phi.multiply_derivative(delta, x, rest)
    assert all(a == Fraction(2, 3) / (1 + abs(b)) ** 2 for a, b in zip(delta, z, strict=True))


@pytest.mark.parametrize("name", sorted({*NAMES} - OUTPUT))
def test_equal_outputs_with_slopes_of_opposite_sign(name: str) -> None:
    """Why these need their input: -0.1 is an output on either side of the minimum."""
    roots = []
    for side in (np.linspace(-9, -1.3, 400_001), np.linspace(-0.7, 0, 400_001)):
        roots.append(side[abs(three(by_name[name], side)[0] + 0.1).argmin()])
    value, slope, _ = three(by_name[name], np.array(roots))
    assert abs(value + 0.1).max() < 1e-5 and slope[0] < -0.01 and slope[1] > 0.01


def test_the_two_gelus_are_two_functions() -> None:
    z = np.linspace(-10, 10, 200_001)
    exact, other = (three(by_name[name], z) for name in ("gelu", "gelu_tanh"))
    assert abs(exact[0] - other[0]).max() == pytest.approx(4.7325e-4, rel=1e-3)
    assert 5e-4 < abs(exact[1] - other[1]).max() < 5e-3


@pytest.mark.parametrize("name", NAMES)
def test_second_derivatives_allocate_no_state(name: str, peak: Callable[..., int]) -> None:
    phi, z = by_name[name], np.random.default_rng(0).standard_normal((64, 2048)).astype(np.float32)
    kept, out, arrays = state(phi, z), np.empty_like(z), work(phi, z)
    with kernel_arithmetic():
        assert peak(lambda: phi.second_derivative(kept, out, *arrays)) < 16 * 1024 < z.nbytes


def test_an_activation_survives_a_copy() -> None:
    for phi in by_name.values():
        assert copy.deepcopy(phi).name == phi.name
