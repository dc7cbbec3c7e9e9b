"""Losses to 50 digits: values, first and second derivatives, deep tails; softmax and its logarithm."""

from decimal import Decimal, getcontext, localcontext
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
import sympy

import mlp
from mlp.losses import by_name, log_softmax, logsumexp, smooth_labels, softmax

getcontext().prec = 50
getcontext().Emax, getcontext().Emin = 10**9, -(10**9)
REAL = [np.float32, np.float64]
DTYPES = [*REAL, np.complex64, np.complex128]
one, half = Decimal(1), Decimal("0.5")


def exact(a: Any) -> list[list[Decimal]]:
    """The columns of a matrix as lists of decimals, without rounding."""
    return [[Decimal(float(entry)) for entry in column] for column in a.T]


def floats(columns: list[list[Decimal]]) -> Any:
    """Columns of decimals as a matrix, rounded once."""
    return np.array([[float(entry) for entry in column] for column in columns]).T


def logarithm(z: list[Decimal]) -> Decimal:
    """Log sum e^z by the definition."""
    return sum((t.exp() for t in z), Decimal(0)).ln()


def cross_entropy(z: list[Decimal], y: list[Decimal]) -> tuple[Decimal, list[Decimal], list[list[Decimal]]]:
    """-sum y log p with the derivatives p - y and Diag p - p p^T, for labels that sum to one."""
    p = [(t - logarithm(z)).exp() for t in z]
    hessian = [[(a if i == j else Decimal(0)) - a * b for j, b in enumerate(p)] for i, a in enumerate(p)]
    value = -sum(label * (t - logarithm(z)) for t, label in zip(z, y, strict=True))
    return Decimal(value), [a - label for a, label in zip(p, y, strict=True)], hessian


def binary(z: list[Decimal], y: list[Decimal]) -> tuple[Decimal, list[Decimal], list[list[Decimal]]]:
    """-sum y log s + (1 - y) log(1 - s), by the probabilities s and 1 - s = 1/(1 + e^z)."""
    s, other = [1 / (1 + (-t).exp()) for t in z], [1 / (1 + t.exp()) for t in z]
    value = -sum(label * a.ln() + (1 - label) * b.ln() for label, a, b in zip(y, s, other, strict=True))
    hessian = [[a * b if i == j else Decimal(0) for j in range(len(z))]
               for i, (a, b) in enumerate(zip(s, other, strict=True))]  # fmt: skip
    slope = [(1 - label) * a - label * b for a, b, label in zip(s, other, y, strict=True)]
    return Decimal(value), slope, hessian


def squared(z: list[Decimal], y: list[Decimal]) -> tuple[Decimal, list[Decimal], list[list[Decimal]]]:
    """Half the sum of squares."""
    gap = [a - b for a, b in zip(z, y, strict=True)]
    unit = [[one if i == j else Decimal(0) for j in range(len(z))] for i in range(len(z))]
    return half * sum((a * a for a in gap), Decimal(0)), gap, unit


EXACT = {"cross_entropy": cross_entropy, "binary_cross_entropy": binary, "squared_error": squared}


def labels(loss: str, kind: str, shape: tuple[int, int], rng: np.random.Generator) -> Any:
    """Hard, soft or smoothed labels in sixteenths, which sum without rounding."""
    hard = np.eye(shape[0])[:, rng.integers(0, shape[0], shape[1])]
    if kind == "hard":
        return hard
    if kind == "smooth":
        return 0.75 * hard + 0.25 / shape[0]
    if loss == "binary_cross_entropy":
        return rng.integers(0, 17, shape) / 16
    return rng.multinomial(16, np.full(shape[0], 1 / shape[0]), shape[1]).T / 16


@pytest.mark.parametrize("kind", ["hard", "soft", "smooth"])
@pytest.mark.parametrize("scale", [0.01, 1, 30, 1000])
def test_value_and_derivatives_against_exact_values(loss: str, kind: str, scale: float) -> None:
    rng = np.random.default_rng(0)
    z, v = scale * rng.standard_normal((4, 6)), rng.standard_normal((4, 6))
    y = labels(loss, kind, z.shape, rng)
    results = [EXACT[loss](a, b) for a, b in zip(exact(z), exact(y), strict=True)]
    value = float(sum(result[0] for result in results) / 6)
    delta = floats([[slope / 6 for slope in result[1]] for result in results])
    product = floats([
        [sum((a * b for a, b in zip(row, column, strict=True)), Decimal(0)) / 6 for row in result[2]]
        for result, column in zip(results, exact(v), strict=True)
    ])  # fmt: skip
    ours, moved = v.copy(), z.copy()
    by_name[loss].multiply_hessian(z.copy(), ours)
    found = by_name[loss].value_and_delta(moved, y)
    assert found == pytest.approx(value, rel=1e-14, abs=1e-15 if loss == "cross_entropy" else 0) and value > 0
    assert abs(moved - delta).max() < 1e-14 * abs(delta).max() and abs(delta).max() > 1e-3
    assert abs(ours - product).max() < 1e-14 * max(abs(product).max(), 1e-3)
    assert scale > 100 or abs(product).max() > 1e-6


def test_derivatives_against_symbols(loss: str) -> None:
    """The definition of the loss of a column, differentiated twice by SymPy and evaluated to 30 digits."""
    t, points = sympy.symbols("t:3", real=True), [Fraction(3, 2), Fraction(-5, 4), Fraction(3, 8)]
    y, at = (
        [Fraction(1, 2), Fraction(3, 8), Fraction(1, 8)],
        dict(zip(t, map(sympy.Rational, points), strict=True)),
    )
    pairs = [(a, sympy.Rational(label)) for a, label in zip(t, y, strict=True)]
    p, s = [sympy.exp(a) / sum(map(sympy.exp, t)) for a in t], [1 / (1 + sympy.exp(-a)) for a in t]
    definition = {
        "cross_entropy": -sum(label * sympy.log(a) for a, (_, label) in zip(p, pairs, strict=True)),
        "binary_cross_entropy": -sum(
            label * sympy.log(a) + (1 - label) * sympy.log(1 - a)
            for a, (_, label) in zip(s, pairs, strict=True)
        ),
        "squared_error": sum((a - label) ** 2 for a, label in pairs) / 2,
    }[loss]
    slope = [float(definition.diff(a).subs(at).evalf(30)) for a in t]
    bend = [[float(definition.diff(a, b).subs(at).evalf(30)) for b in t] for a in t]
    column = np.array(points, float)[:, np.newaxis]
    delta, hessian = column.copy(), np.eye(3)
    value = by_name[loss].value_and_delta(delta, np.array(y, float)[:, np.newaxis])
    by_name[loss].multiply_hessian(np.repeat(column, 3, axis=1), hessian)  # divides by its three columns
    assert value == pytest.approx(float(definition.subs(at).evalf(30)), rel=1e-15)
    assert np.allclose(delta[:, 0], slope, rtol=1e-14, atol=0) and min(map(abs, slope)) > 1e-2
    assert np.allclose(3 * hessian, bend, rtol=1e-14, atol=1e-17) and np.diag(bend).min() > 1e-2


def test_the_hessian_is_the_derivative_of_the_derivative(loss: str) -> None:
    rng = np.random.default_rng(1)
    z, v = 2 * rng.standard_normal((5, 7)), rng.standard_normal((5, 7))
    for kind in ("hard", "soft"):  # it does not depend on the labels
        moved, ours = z + 1e-30j * v, v.copy()
        by_name[loss].value_and_delta(moved, labels(loss, kind, z.shape, rng).astype(complex))
        by_name[loss].multiply_hessian(z.copy(), ours)
        assert abs(ours).max() > 1e-2 and np.allclose(ours, moved.imag / 1e-30, rtol=1e-13, atol=1e-16)


@pytest.mark.parametrize("dtype", DTYPES)
def test_the_hessian_writes_v_only_and_keeps_the_dtype(loss: str, dtype: Any) -> None:
    rng = np.random.default_rng(2)
    z, v = rng.standard_normal((3, 5)), rng.standard_normal((3, 5))
    reference = v.copy()
    by_name[loss].multiply_hessian(z.copy(), reference)
    ours = v.astype(dtype)
    by_name[loss].multiply_hessian(z.astype(dtype), ours)
    assert ours.dtype == dtype and np.allclose(ours, reference, rtol=1e-5)


@pytest.mark.parametrize("dtype", REAL)
@pytest.mark.parametrize("size", [30, 90, 100, 700, 720, 1e4])
def test_no_warning_and_no_nan_far_out(loss: str, dtype: Any, size: float) -> None:
    z = np.array([[size, -size, 0, size], [0, size, -size, size], [-size, size, 1, size]], dtype)
    for column in range(3):
        y = np.zeros_like(z)
        y[column] = 1
        for call in (
            lambda moved: by_name[loss].value_and_delta(moved, y),  # noqa: B023
            lambda moved: by_name[loss].multiply_hessian(moved, np.ones_like(z)),
            by_name[loss].predict,
        ):
            moved = z.copy()
            value = call(moved)
            assert np.isfinite(moved).all() and (value is None or np.isfinite(value))
        assert loss != "binary_cross_entropy" or by_name[loss].value_and_delta(z.copy(), y) >= 0
    log_softmax(moved := z.copy())
    assert np.isfinite(moved).all() and np.isfinite(logsumexp(z)).all()


@pytest.mark.parametrize("dtype", REAL)
def test_binary_cross_entropy_keeps_its_tails(dtype: Any) -> None:
    """For a confident, right answer value and derivative are e^-|z|, of which nothing is lost."""
    z, y = np.array([[40, -40, 20]], dtype), np.array([[1, 0, 1]], dtype)
    tails = np.array([float(one / (1 + Decimal(a).exp())) for a in (40, 40, 20)])
    value = float(sum((1 + (-Decimal(a)).exp()).ln() for a in (40, 40, 20)) / 3)
    eps = float(np.finfo(dtype).eps)
    assert by_name["binary_cross_entropy"].value_and_delta(z, y) == pytest.approx(value, rel=4 * eps, abs=0)
    assert np.allclose(z * [[-3, 3, -3]], tails, rtol=8 * eps, atol=0)


@pytest.mark.parametrize("dtype", REAL)
def test_the_prediction_of_binary_cross_entropy_is_the_sigmoid(dtype: Any) -> None:
    z = np.linspace(-80, 80, 33, dtype=dtype).reshape(3, 11)
    p = z.copy()
    by_name["binary_cross_entropy"].predict(p)
    reference = floats([[1 / (1 + (-t).exp()) for t in column] for column in exact(z)])
    assert p.dtype == dtype and np.allclose(p, reference, rtol=4 * float(np.finfo(dtype).eps), atol=0)


def test_two_classes_are_one_question() -> None:
    z, y = np.random.default_rng(3).standard_normal((1, 6)), np.array([[0, 1, 0.25, 1, 0, 0.5]])
    pair, distribution = np.vstack([z, np.zeros_like(z)]), np.vstack([y, 1 - y])
    value = by_name["cross_entropy"].value_and_delta(pair, distribution)
    assert by_name["binary_cross_entropy"].value_and_delta(z, y) == pytest.approx(value, rel=1e-15)
    assert np.allclose(pair, np.vstack([z, -z]), rtol=1e-14)


@pytest.mark.parametrize("dtype", DTYPES)
def test_log_softmax_and_logsumexp_keep_the_dtype(dtype: Any) -> None:
    rng = np.random.default_rng(4)
    z = (rng.standard_normal((4, 6)) + 0.3j * rng.standard_normal((4, 6))).real.astype(dtype)
    if np.dtype(dtype).kind == "c":
        z += 0.3j * rng.standard_normal((4, 6)).astype(dtype)
    before, p, tolerance = z.copy(), z.copy(), 2e-6 if z.real.itemsize == 4 else 1e-14
    total = logsumexp(z)
    assert total.shape == (6,) and total.dtype == dtype and np.array_equal(z, before)
    assert np.allclose(total, np.log(np.exp(z).sum(axis=0)), rtol=tolerance)
    log_softmax(z)
    softmax(p)
    assert z.dtype == dtype and np.allclose(np.exp(z), p, rtol=tolerance)
    assert np.allclose(before - total, z, rtol=0, atol=5 * tolerance)


def test_every_logarithm_of_softmax_is_accurate_relatively() -> None:
    rng = np.random.default_rng(5)
    z = np.hstack([scale * rng.standard_normal((5, 20)) for scale in (0.01, 1, 30, 150)])
    with localcontext(prec=500):  # 1 - e^-900 must not round to 1
        reference = floats([[t - logarithm(column) for t in column] for column in exact(z)])
    totals = np.array([float(logarithm(column)) for column in exact(z)])
    assert np.allclose(logsumexp(z), totals, rtol=1e-14, atol=1e-15)
    log_softmax(z)
    assert abs(z / reference - 1).max() < 1e-13
    assert (abs(reference) < 1e-17).any() and (abs(reference) > 500).any()


def test_goldens() -> None:
    """Values of SciPy's own tests, which took them from mpmath at 200 digits."""
    assert logsumexp(np.array([[0.0], [-40.0]]))[0] == pytest.approx(4.248354255291589e-18, rel=1e-15, abs=0)
    assert logsumexp(np.array([[1000.0], [1000.0]]))[0] == pytest.approx(1000 + np.log(2), rel=1e-15)
    assert logsumexp(np.array([[1e10], [1e-10]]))[0] == 1e10
    p = np.array([[-25.0, 0, 25, 50], [1, 325, 749, 750]]).T
    q = p.copy()
    softmax(p)
    log_softmax(q)
    golden = np.array([
        [2.678636961770877e-33, 1.9287498479371314e-22, 1.3887943864771144e-11, 0.999999999986112],
        [0.0, 1.9444526359919372e-185, 0.2689414213699951, 0.7310585786300048],
    ]).T  # fmt: skip
    assert np.allclose(p, golden, rtol=1e-13, atol=0)
    logarithms = [[-75, -50, -25, 0], [-749, -425, -1, 0]]
    top = [float(logarithm([Decimal(a) for a in row])) for row in logarithms]
    assert np.allclose(q, np.array(logarithms, float).T - top, rtol=1e-13, atol=0)


@pytest.mark.parametrize("dtype", REAL)
def test_smoothed_labels(dtype: Any) -> None:
    y = mlp.data.one_hot(np.array([0, 2, 4, 1]), 5, dtype)
    before = y.copy()
    for amount in (0, 0.1, 0.5, 1):
        smooth = smooth_labels(y, amount)
        assert smooth.dtype == dtype and np.array_equal(y, before)
        assert np.allclose(smooth, (1 - amount) * y + amount / 5, rtol=1e-6)
        mlp.validation.distributions("y", smooth)
    assert smooth_labels(y, 0.1)[0, 0] == pytest.approx(0.92, rel=1e-6)


@pytest.mark.parametrize("count", [1000, 10**5])
def test_smoothed_labels_of_many_classes_are_distributions(count: int) -> None:
    smooth = smooth_labels(mlp.data.one_hot(np.array([3]), count), 0.3)
    mlp.validation.distributions("y", smooth)


@pytest.mark.slow
@pytest.mark.parametrize("scale", [0.01, 1, 30, 300])
def test_agreement_with_scipy(scale: float) -> None:
    special = pytest.importorskip("scipy.special")
    rng = np.random.default_rng(6)
    for shape in ((1, 3), (2, 50), (10, 50), (1000, 5)):
        z = scale * rng.standard_normal(shape)
        theirs = special.logsumexp(z, axis=0)
        assert np.all(abs(logsumexp(z) - theirs) <= 1e-13 * np.maximum(1, abs(theirs)))
        for ours, function in ((softmax, special.softmax), (log_softmax, special.log_softmax)):
            ours(moved := z.copy())
            reference = function(z, axis=0)
            assert np.all(abs(moved - reference) <= 1e-13 * np.maximum(1, abs(reference)))
        tilted = z + 1j * rng.uniform(-1, 1, shape)
        ours, theirs = logsumexp(tilted), special.logsumexp(tilted, axis=0)
        turns = np.round((ours - theirs).imag / (2 * np.pi))
        assert np.all(abs(ours - theirs - 2j * np.pi * turns) <= 1e-13 * np.maximum(1, abs(theirs)))
        s = z.copy()
        by_name["binary_cross_entropy"].predict(s)
        assert np.allclose(s, special.expit(z), rtol=1e-13, atol=1e-300)
