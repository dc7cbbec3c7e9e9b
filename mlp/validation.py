"""Validation: what the package refuses, and how it says so.

Every public function checks its arguments before it changes anything. A message says what was
expected, what came, and what to do. Arrays are converted once, here, to the dtype of the
network; all code below this border may trust its input.
"""

import math
from collections.abc import Mapping, Sequence
from difflib import get_close_matches
from hashlib import sha256
from numbers import Integral, Real
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from mlp.activations import Activation, by_name
from mlp.arrays import Array, all_finite

T = TypeVar("T")


def choice(what: str, name: str, choices: Mapping[str, T]) -> T:
    """The entry called `name`; an unknown name is answered with the nearest known one.

    >>> choice("loss", "square_error", {"squared_error": 1})
    Traceback (most recent call last):
    ValueError: loss: expected one of squared_error; got 'square_error'. Did you mean 'squared_error'?
    """
    if isinstance(name, str) and name in choices:
        return choices[name]
    nearest = get_close_matches(str(name), choices, n=1, cutoff=0.0)[0]
    known = ", ".join(choices)
    raise ValueError(f"{what}: expected one of {known}; got {name!r}. Did you mean {nearest!r}?")


def positive_integer(what: str, value: int) -> int:
    """`value` as an int, at least 1."""
    if not isinstance(value, Integral) or isinstance(value, bool):
        raise TypeError(f"{what}: expected a positive integer, got {value!r}. Write int(...) if it is whole.")
    if value < 1:
        raise ValueError(f"{what}: expected a positive integer, got {value!r}. Choose at least 1.")
    return int(value)


def positive_number(what: str, value: float) -> float:
    """`value` as a float, finite and greater than 0."""
    if not isinstance(value, Real) or isinstance(value, bool):
        raise TypeError(f"{what}: expected a positive number, got {value!r}. Write it as a float.")
    if not 0 < value < float("inf"):
        raise ValueError(f"{what}: expected a positive finite number, got {value!r}. Try 1.0.")
    return float(value)


def layer_sizes(sizes: Sequence[int]) -> tuple[int, ...]:
    """The widths d_0, ..., d_n: at least two positive integers."""
    if len(sizes) < 2:
        raise ValueError(
            f"sizes: expected the widths of at least an input and an output, got {sizes!r}. "
            "Write for example [784, 30, 10]."
        )
    return tuple(positive_integer(f"sizes[{k}]", d) for k, d in enumerate(sizes))


def real_dtype(dtype: Any) -> np.dtype[Any]:
    """float32 or float64, the types that networks compute in."""
    wanted: np.dtype[Any] = np.dtype(dtype)
    if wanted not in (np.float32, np.float64):
        raise TypeError(f"dtype: expected float32 or float64, got {wanted}. Choose one of the two.")
    return wanted


def columns(what: str, a: Array, rows: int, dtype: np.dtype[Any]) -> Array:
    """`a` as a matrix of `rows` rows, one example a column, in `dtype`; refused if not finite.

    A copy is made only if the dtype differs.
    """
    a = np.asarray(a)
    if a.dtype not in (np.float32, np.float64):
        raise TypeError(
            f"{what}: expected an array of float32 or float64, got {a.dtype} of shape {a.shape}. "
            f"Convert it first: {what}.astype(np.{dtype})."
        )
    if a.ndim != 2 or a.shape[0] != rows or a.shape[1] == 0:
        raise ValueError(
            f"{what}: expected shape ({rows}, B) with B at least 1, one example a column, got {a.shape}. "
            + advice(what, a.shape, rows)
        )
    if not all_finite(a):
        raise ValueError(
            f"{what}: expected finite numbers, got NaN or infinity among {a.shape}. Clean the data."
        )
    return a.astype(dtype, copy=False)


def advice(what: str, shape: tuple[int, ...], rows: int) -> str:
    """What to do about an array that has not `rows` rows."""
    if len(shape) == 2 and shape[1] == rows:
        return f"The examples seem to be rows: pass {what}.T."
    if shape == (rows,):
        return f"For a single example pass {what}[:, np.newaxis]."
    return "Check the array and the sizes of the network."


def batch(net: Any, x: Array, y: Array) -> tuple[Array, Array]:
    """Examples (d_0, B) and labels (d_n, B) for `net`, in its dtype."""
    dtype = net.parameters.dtype
    x, y = columns("x", x, net.sizes[0], dtype), columns("y", y, net.sizes[-1], dtype)
    if x.shape[1] != y.shape[1]:
        raise ValueError(
            f"y: expected as many columns as x, {x.shape[1]}, got shape {y.shape}. "
            "Pair each example with its label."
        )
    if net.loss.distributions:
        distributions("y", y)
    return x, y


def held_out(net: Any, pair: tuple[Array, Array]) -> tuple[Array, Array]:
    """A pair of examples and labels for `net`, of which the accuracy can be measured."""
    if not isinstance(pair, tuple) or len(pair) != 2:
        raise TypeError(
            f"validation: expected a tuple (x, y), got {type(pair).__name__}. Write validation=(x, y)."
        )
    if net.sizes[-1] == 1:
        raise ValueError(
            "validation: expected a network with at least two outputs, got one with sizes "
            f"{list(net.sizes)}. Accuracy compares outputs; measure net.loss_value instead."
        )
    return batch(net, *pair)


def distributions(what: str, y: Array) -> None:
    """Refuse labels whose columns do not sum to one, within 1e-6 (float32) or 1e-12 (float64)."""
    worst = float(abs(y.sum(axis=0, dtype=np.float64) - 1).max())
    tolerance = 1e-6 if y.dtype == np.float32 else 1e-12
    if worst > tolerance:
        raise ValueError(
            f"{what}: expected columns that sum to one within {tolerance:g}, got one off by {worst:.3g}. "
            "Use mlp.data.one_hot(labels, classes), or divide each column by its sum."
        )


def activation(hidden: str | Activation, dtype: np.dtype[Any]) -> Activation:
    """The activation of that name, or the given object, which must behave as one.

    >>> class Square:
    ...     name, needs = "square", "input"
    ...     def value(self, z, out):
    ...         return z**2
    ...     def multiply_derivative(self, delta, z):
    ...         delta *= 2 * z
    >>> activation(Square(), np.dtype("float32"))
    Traceback (most recent call last):
    TypeError: activation square: expected value(z, out) to write into out, got an untouched out. Write \
out[...] = ...; what is returned is not used.
    """
    if isinstance(hidden, str):
        return choice("hidden", hidden, by_name)
    missing = [m for m in ("name", "needs", "value", "multiply_derivative") if not hasattr(hidden, m)]
    if missing:
        raise TypeError(
            f"hidden: expected a name or an activation, got {hidden!r} without {missing[0]}. Add it."
        )
    if hidden.needs not in ("output", "input"):
        raise ValueError(
            f"activation {hidden.name}: expected needs 'output' or 'input', got {hidden.needs!r}."
        )
    try_value(hidden, dtype)
    return hidden


def try_value(phi: Activation, dtype: np.dtype[Any]) -> None:
    """Refuse an activation that, tried on five numbers, does not write into `out`, or changes `z`."""
    z = np.linspace(-1, 1, 5, dtype=dtype).reshape(5, 1)
    before, out = z.copy(), np.full_like(z, np.nan)
    phi.value(z, out, *(np.empty_like(z) for _ in range(getattr(phi, "workspace", 0))))
    if np.isnan(out).all():
        raise TypeError(
            f"activation {phi.name}: expected value(z, out) to write into out, got an untouched out. "
            "Write out[...] = ...; what is returned is not used."
        )
    if not np.array_equal(z, before):
        raise TypeError(
            f"activation {phi.name}: expected value(z, out) to leave z alone, got a changed z. "
            "Work in out; z is the state that backprop keeps."
        )


MNIST_SHA256 = {  # of the unpacked files
    "train-images-idx3-ubyte": "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
    "train-labels-idx1-ubyte": "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
    "t10k-images-idx3-ubyte": "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
    "t10k-labels-idx1-ubyte": "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2",
}


def idx(path: Path, content: bytes) -> None:
    """Refuse the (unpacked) content of a file that is not an IDX file, is cut short, or is not MNIST's."""
    dimensions = content[3] if content[:3] == b"\x00\x00\x08" and len(content) > 3 else 0
    header = 4 + 4 * dimensions
    if dimensions == 0 or len(content) < header:
        raise ValueError(
            f"{path}: expected an IDX file, which begins 00 00 08, got {content[:4].hex(' ') or 'nothing'}. "
            "Get the file again."
        )
    expected = header + math.prod(int.from_bytes(content[i : i + 4], "big") for i in range(4, header, 4))
    if len(content) != expected:
        raise ValueError(f"{path}: expected {expected} bytes, got {len(content)}. Get the file again.")
    digest, known = sha256(content).hexdigest(), MNIST_SHA256[path.name.removesuffix(".gz")]
    if digest != known:
        raise ValueError(
            f"{path}: expected SHA-256 {known}, got {digest}. This is not MNIST's file; get it again."
        )


def labels(labels: Array, classes: int) -> Array:
    """Labels (N,) as integers from 0 to classes - 1."""
    labels = np.asarray(labels)
    if labels.dtype.kind not in "iu" or labels.ndim != 1 or labels.size == 0:
        raise TypeError(
            f"labels: expected integers of shape (N,), got {labels.dtype} of shape {labels.shape}. "
            "Write labels.astype(int), one label for each example."
        )
    if labels.min() < 0 or labels.max() >= classes:
        raise ValueError(
            f"labels: expected 0 to {classes - 1}, got {labels.min()} to {labels.max()}. "
            "Number the classes from 0, or raise `classes`."
        )
    return labels
