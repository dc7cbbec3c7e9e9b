"""Validation: what the package refuses, and how it says so.

Every public function checks its arguments before it changes anything. A message says what was
expected, what came, and what to do. Arrays are converted once, here, to the dtype of the
network; all code below this border may trust its input.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from difflib import get_close_matches
from hashlib import sha256
from numbers import Integral, Real
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np

from mlp.activations import Activation, by_name
from mlp.arrays import Array, all_finite

if TYPE_CHECKING:
    from mlp.network import Network

T = TypeVar("T")


def message(what: str, expected: str, came: object, remedy: str) -> str:
    """The form of every refusal.

    >>> message("epochs", "a positive integer", -1, "Choose at least 1.")
    'epochs: expected a positive integer, got -1. Choose at least 1.'
    """
    return f"{what}: expected {expected}, got {came}. {remedy}"


def choice(what: str, name: str, choices: Mapping[str, T]) -> T:
    """The entry of `choices` called `name`; an unknown name is answered with the nearest one.

    >>> choice("loss", "square_error", {"cross_entropy": 1, "squared_error": 2})
    Traceback (most recent call last):
    ValueError: loss: expected cross_entropy or squared_error, got 'square_error'. Write 'squared_error'.
    """
    if isinstance(name, str) and name in choices:
        return choices[name]
    nearest = get_close_matches(str(name), choices, n=1, cutoff=0.0)[0]
    raise ValueError(message(what, " or ".join(choices), repr(name), f"Write {nearest!r}."))


def positive_integer(what: str, value: int) -> int:
    """`value` as an int, at least 1."""
    if not isinstance(value, Integral) or isinstance(value, bool):
        raise TypeError(message(what, "a positive integer", repr(value), "Write it as an int."))
    if value < 1:
        raise ValueError(message(what, "a positive integer", repr(value), "Choose at least 1."))
    return int(value)


def byte_count(what: str, value: int | str) -> int:
    """A number of bytes, given as such or as a text.

    >>> byte_count("budget", "64MB"), byte_count("budget", "1.5 KiB")
    (64000000, 1536)
    """
    if not isinstance(value, str):
        return positive_integer(what, value)
    found = re.fullmatch(r"(\d+(?:\.\d+)?) ?([kKMGT]?)(i?)B", value.strip())
    if not found:
        remedy = "Write for example '64MB' (of 10^6 bytes) or '64MiB' (of 2^20)."
        raise ValueError(message(what, "a number of bytes", repr(value), remedy))
    number, prefix, binary = found.groups()
    return int(float(number) * (1024 if binary else 1000) ** " KMGT".index(prefix.upper() or " "))


def costs(given: Sequence[float] | None, usual: Sequence[float]) -> list[float]:
    """The costs of the layers: as given, one for each and none negative, else the usual ones."""
    found = [float(cost) for cost in (usual if given is None else given)]
    if len(found) != len(usual) or not all(0 <= cost < math.inf for cost in found):
        expected, remedy = f"{len(usual)} finite numbers from 0 up", "Give each layer its cost."
        raise ValueError(message("costs", expected, found, remedy))
    return found


def at_most(what: str, value: int, most: int) -> int:
    """`value`, if it is no more than `most`."""
    if value > most:
        raise ValueError(message(what, f"at most {most}", value, f"Choose {what}={most}, or leave it out."))
    return value


def positive_number(what: str, value: float) -> float:
    """`value` as a float, finite and greater than 0."""
    if not isinstance(value, Real) or isinstance(value, bool):
        raise TypeError(message(what, "a positive number", repr(value), "Write it as a float."))
    if not 0 < value < math.inf:
        raise ValueError(message(what, "a positive, finite number", repr(value), "Try 1.0."))
    return float(value)


def fraction(what: str, value: float) -> float:
    """`value` as a float, at least 0 and less than 1."""
    if not isinstance(value, Real) or isinstance(value, bool):
        raise TypeError(message(what, "a number from 0 to less than 1", repr(value), "Write it as a float."))
    if not 0 <= value < 1:
        raise ValueError(message(what, "a number from 0 to less than 1", repr(value), "Try 0.5."))
    return float(value)


def counter(what: str, value: int) -> int:
    """`value` as an int from 0 to 2^64 - 1."""
    if not isinstance(value, Integral) or isinstance(value, bool):
        raise TypeError(message(what, "an integer from 0 to 2^64 - 1", repr(value), "Count from 0."))
    if not 0 <= value < 2**64:
        raise ValueError(message(what, "an integer from 0 to 2^64 - 1", repr(value), "Count from 0."))
    return int(value)


def none_or(what: str, value: object, kind: type, remedy: str) -> None:
    """Refuse a `value` that is neither None nor a `kind`."""
    if value is not None and not isinstance(value, kind):
        raise TypeError(message(what, f"None or a {kind.__name__}", repr(value), remedy))


def share(what: str, value: float) -> float:
    """`value` as a float from 0 to 1."""
    if not isinstance(value, Real) or isinstance(value, bool):
        raise TypeError(message(what, "a number from 0 to 1", repr(value), "Write it as a float."))
    if not 0 <= value <= 1:
        raise ValueError(message(what, "a number from 0 to 1", repr(value), "Try 0.1."))
    return float(value)


def non_negative_number(what: str, value: float) -> float:
    """`value` as a float, finite and at least 0."""
    if not isinstance(value, Real) or isinstance(value, bool):
        raise TypeError(message(what, "a number from 0 up", repr(value), "Write it as a float."))
    if not 0 <= value < math.inf:
        raise ValueError(message(what, "a finite number from 0 up", repr(value), "Try 0.0."))
    return float(value)


def generator(rng: int | np.random.Generator) -> np.random.Generator:
    """A generator from a seed; a generator as it is."""
    if isinstance(rng, np.random.Generator):
        return rng
    if not isinstance(rng, Integral) or isinstance(rng, bool) or rng < 0:
        raise TypeError(
            message("rng", "a seed from 0 up or a numpy.random.Generator", repr(rng), "Write rng=0.")
        )
    return np.random.default_rng(int(rng))


def layer_sizes(sizes: Sequence[int]) -> tuple[int, ...]:
    """The widths d_0, ..., d_n: at least two positive integers."""
    if not isinstance(sizes, Sequence | np.ndarray) or isinstance(sizes, str) or len(sizes) < 2:
        expected = "the widths of at least an input and an output"
        raise ValueError(message("sizes", expected, repr(sizes), "Write for example [784, 30, 10]."))
    return tuple(positive_integer(f"sizes[{k}]", d) for k, d in enumerate(sizes))


def real_dtype(dtype: Any) -> np.dtype[Any]:
    """float32 or float64, the types that networks compute in."""
    if dtype not in (np.float32, np.float64, "float32", "float64"):
        raise TypeError(message("dtype", "float32 or float64", repr(dtype), "Write dtype=np.float32."))
    wanted: np.dtype[Any] = np.dtype(dtype)
    return wanted


def columns(what: str, a: Array, rows: int, dtype: np.dtype[Any]) -> Array:
    """`a` as a matrix of `rows` rows, one example a column, in `dtype`; copied only if that differs."""
    a = np.asarray(a)
    came = f"{a.dtype} of shape {a.shape}"
    if a.dtype not in (np.float32, np.float64):
        raise TypeError(message(what, "float32 or float64", came, f"Convert it: {what}.astype(np.{dtype})."))
    if a.ndim != 2 or a.shape[0] != rows or a.shape[1] == 0:
        expected = f"shape ({rows}, B) with an example in each of B >= 1 columns"
        raise ValueError(message(what, expected, came, shape_remedy(what, a.shape, rows)))
    with np.errstate(over="ignore"):
        a = a.astype(dtype, copy=False)
    if not all_finite(a):
        raise ValueError(
            message(what, f"numbers finite in {dtype}", f"NaN or infinity in {came}", "Clean it.")
        )
    return a


def matrix(what: str, a: Array, types: str) -> None:
    """Refuse what is not a matrix, without an empty side, of finite numbers of one of the `types`.

    types : characters of NumPy, "fd" for float32 and float64, "fdFD" for their complex kin too.
    """
    if not isinstance(a, np.ndarray) or a.dtype.char not in types:
        expected = "an array of " + " or ".join(np.dtype(character).name for character in types)
        came = getattr(a, "dtype", type(a))
        raise TypeError(message(what, expected, came, f"Write np.asarray({what}, np.float64)."))
    came = f"{a.dtype} of shape {a.shape}"
    if a.ndim != 2 or a.size == 0:
        remedy = f"If it is one column, pass {what}[:, np.newaxis]."
        raise ValueError(message(what, "a matrix with an example in each column", came, remedy))
    if not np.isfinite(a).all():
        raise ValueError(message(what, "finite numbers", f"NaN or infinity in {came}", "Clean it."))


def shape_remedy(what: str, shape: tuple[int, ...], rows: int) -> str:
    """What to do about an array that does not have `rows` rows."""
    if len(shape) == 2 and shape[1] == rows:
        return f"If its rows are the examples, pass {what}.T."
    if shape == (rows,):
        return f"If it is one example, pass {what}[:, np.newaxis]."
    if shape == (rows, 0):
        return "Pass at least one example."
    return "The first and the last of the network's sizes are the rows of x and y."


def batch(net: Network, x: Array, y: Array) -> tuple[Array, Array]:
    """Examples (d_0, B) and their labels (d_n, B) for `net`, in its dtype."""
    dtype = net.parameters.dtype
    examples, targets = columns("x", x, net.sizes[0], dtype), columns("y", y, net.sizes[-1], dtype)
    if examples.shape[1] != targets.shape[1]:
        expected = f"as many columns as x, {examples.shape[1]}"
        raise ValueError(message("y", expected, f"shape {targets.shape}", "Give each example its label."))
    if net.loss.distributions:
        distributions("y", np.asarray(y))
    if net.loss.probabilities:
        probabilities("y", targets)
    return examples, targets


def direction(net: Network, v: Array) -> Array:
    """A direction `v` in the space of all parameters of `net`, (N,), in its dtype."""
    v = np.asarray(v)
    came = f"{v.dtype} of shape {v.shape}"
    if v.dtype not in (np.float32, np.float64):
        remedy = "Pass a vector of floats; of a gradient g, pass g.vector."
        raise TypeError(message("v", "float32 or float64", came, remedy))
    if v.shape != net.parameters.shape:
        remedy = "Its order is that of net.parameters: W_1, b_1, ..., W_n, b_n."
        raise ValueError(message("v", f"shape {net.parameters.shape}, one number a parameter", came, remedy))
    with np.errstate(over="ignore"):
        v = v.astype(net.parameters.dtype, copy=False)
    if not all_finite(v):
        expected = f"numbers finite in {net.parameters.dtype}"
        raise ValueError(message("v", expected, f"NaN or infinity in {came}", "Clean it."))
    return v


def twice_differentiable(net: Network) -> None:
    """Refuse a network whose hidden activation cannot say its second derivative."""
    if net.depth > 1 and not hasattr(net.hidden, "second_derivative"):
        expected = f"second_derivative of {net.hidden.name}, for a product with the Hessian"
        remedy = "Write def second_derivative(self, state, out, *work): out[...] = phi''(z)."
        raise TypeError(message("hidden", expected, "none", remedy))


def probabilities(what: str, y: Array) -> None:
    """Refuse labels outside [0, 1]."""
    least, most = y.min(), y.max()
    if least < 0 or most > 1:
        remedy = 'Rescale them, or use loss="squared_error", whose targets may be any numbers.'
        raise ValueError(message(what, "labels from 0 to 1", f"{least:g} to {most:g}", remedy))


def distributions(what: str, y: Array) -> None:
    """Refuse labels whose columns do not sum to one, within 1e-6 (float32) or 1e-12 (float64)."""
    worst = abs(y.sum(axis=0, dtype=np.float64) - 1).max()
    tolerance = 1e-6 if y.dtype == np.float32 else 1e-12
    if worst > tolerance:
        expected = f"columns that sum to one within {tolerance:g}"
        remedy = "Use mlp.data.one_hot(labels, classes), or divide each column by its sum."
        raise ValueError(message(what, expected, f"{y.dtype} of shape {y.shape}, off by {worst:.3g}", remedy))


def observed(observer: object, schedule: object) -> None:
    """Refuse an observer that is no function, or that has no schedule to observe."""
    if observer is not None and not callable(observer):
        raise TypeError(message("observer", "a function of an action and an array", observer, "Pass one."))
    if observer is not None and schedule is None:
        remedy = "Pass schedule=mlp.schedules.store_all(net.depth), which computes the same."
        raise ValueError(message("observer", "a schedule to observe", "schedule=None", remedy))


def adjoints(at: Sequence[Array], bars: Sequence[Array]) -> None:
    """Refuse adjoints of other shapes than their arrays: broadcasting would hide a lost sum."""
    expected, came = [np.shape(a) for a in at], [np.shape(bar) for bar in bars]
    if expected != came:
        remedy = "Return one array for each, and sum over every axis that was broadcast."
        raise ValueError(message("adjoint", f"arrays of shapes {expected}", came, remedy))


def held_out(net: Network, pair: tuple[Array, Array]) -> tuple[Array, Array]:
    """A pair of examples and labels on which the accuracy of `net` can be measured."""
    if not isinstance(pair, tuple) or len(pair) != 2:
        raise TypeError(message("validation", "a tuple (x, y)", type(pair), "Write validation=(x, y)."))
    if net.sizes[-1] == 1 and net.loss.name != "binary_cross_entropy":
        remedy = "Accuracy compares outputs; look at net.loss_value(x, y) instead."
        raise ValueError(message("validation", "a network with two outputs or more", net, remedy))
    return batch(net, *pair)


def activation(hidden: str | Activation, dtype: np.dtype[Any]) -> Activation:
    """The activation of that name, or the given object if it behaves as one.

    >>> class Square:
    ...     name, needs = "square", "input"
    ...     def value(self, z, out):
    ...         return z**2
    ...     def multiply_derivative(self, delta, z):
    ...         delta *= 2 * z
    >>> activation(Square(), np.dtype("float32"))
    Traceback (most recent call last):
    TypeError: value of square: expected phi(z) written into out, got an out left as it was. Write \
out[...] = ...; what is returned is not used.
    """
    if isinstance(hidden, str):
        return choice("hidden", hidden, by_name)
    for member in ("name", "needs", "value", "multiply_derivative"):
        if not hasattr(hidden, member):
            expected = f"a name or an activation, which has {member!r}"
            raise TypeError(
                message("hidden", expected, repr(hidden), f"Write {' or '.join(by_name)}, or add it.")
            )
    if hidden.needs not in ("output", "input"):
        remedy = "Say from what multiply_derivative computes phi'(z)."
        raise ValueError(
            message(f"needs of {hidden.name}", "'output' or 'input'", repr(hidden.needs), remedy)
        )
    try_value(hidden, dtype)
    return hidden


def try_value(phi: Activation, dtype: np.dtype[Any]) -> None:
    """Refuse an activation that, tried on five numbers, leaves `out` as it was, or changes `z`."""
    numbers = np.linspace(-1, 1, 5, dtype=dtype)[:, np.newaxis]
    z, out = numbers.copy(), np.full_like(numbers, np.nan)
    phi.value(z, out, *(np.empty_like(z) for _ in range(getattr(phi, "workspace", 0))))
    if np.isnan(out).all():
        remedy = "Write out[...] = ...; what is returned is not used."
        came = "an out left as it was"
        raise TypeError(message(f"value of {phi.name}", "phi(z) written into out", came, remedy))
    if not np.array_equal(z, numbers):
        remedy = "Work in out; z is a state that is needed again."
        raise TypeError(message(f"value of {phi.name}", "z left as it was", "a changed z", remedy))


def class_labels(labels: Array, classes: int) -> Array:
    """Labels (N,) that are integers from 0 to classes - 1."""
    labels = np.asarray(labels)
    if labels.dtype.kind not in "iu" or labels.ndim != 1 or labels.size == 0:
        came, remedy = f"{labels.dtype} of shape {labels.shape}", "Write labels.ravel().astype(int)."
        raise TypeError(message("labels", "integers of shape (N,), N >= 1", came, remedy))
    if labels.min() < 0 or labels.max() >= classes:
        came, remedy = f"{labels.min()} to {labels.max()}", "Number the classes from 0, or raise classes."
        raise ValueError(message("labels", f"0 to {classes - 1}", came, remedy))
    return labels


def folder(path: str | PathLike[str]) -> Path:
    """`path` as the path of a folder that exists."""
    if not isinstance(path, str | PathLike):
        raise TypeError(message("folder", "the path of a folder", repr(path), "Write it as a str."))
    if not Path(path).is_dir():
        came = "a file" if Path(path).exists() else "nothing there"
        raise FileNotFoundError(message(str(path), "a folder", came, "Name the folder that holds the files."))
    return Path(path)


def idx(path: Path, content: bytes, shape: tuple[int, ...], digest: str | None) -> None:
    """Refuse the unpacked content of a file that is no IDX file, not of `shape`, or not the known one."""
    if len(content) < 4 or content[:3] != b"\x00\x00\x08":
        came = content[:4].hex(" ") or "an empty file"
        raise ValueError(message(str(path), "an IDX file of bytes, 00 00 08 first", came, "Get it again."))
    header = content[4 : 4 + 4 * content[3]]
    sizes = tuple(int.from_bytes(header[i : i + 4], "big") for i in range(0, len(header), 4))
    if sizes != shape:
        raise ValueError(message(str(path), f"shape {shape}", sizes, "Is it another file under this name?"))
    size = 4 + 4 * len(shape) + math.prod(shape)
    if len(content) != size:
        came = "more" if len(content) > size else str(len(content))
        raise ValueError(message(str(path), f"{size} bytes", came, "Get it again."))
    came = sha256(content).hexdigest()
    if digest is not None and came != digest:
        raise ValueError(message(str(path), f"SHA-256 {digest}", came, "Its bytes differ; get it again."))
