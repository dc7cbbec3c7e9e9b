"""Validation: what the package refuses, and how it says so.

Every public function checks its arguments before it changes anything. A message says what was
expected, what came, and what to do. Arrays are converted once, here, to the dtype of the
network; all code below this border may trust its input.
"""

from __future__ import annotations

import math
import os
import re
from collections.abc import Callable, Mapping, Sequence
from difflib import get_close_matches
from fractions import Fraction
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
N = TypeVar("N", int, float)


def message(what: str, expected: str, came: object, remedy: str) -> str:
    """The form of every refusal.

    >>> message("epochs", "a positive integer", -1, "Choose at least 1.")
    'epochs: expected a positive integer, got -1. Choose at least 1.'
    """
    return f"{what}: expected {expected}, got {came}. {remedy}"


def shown(value: object) -> str:
    """`value` as a message quotes it: on one line, and of 200 characters at most."""
    try:
        text = " ".join(repr(value).splitlines())
    except ValueError:  # Python writes no integer of more than 4300 digits
        text = f"a {type(value).__name__}, too long to be written"
    return text if len(text) <= 200 else f"{text[:200]}..."


def choice(what: str, name: str, choices: Mapping[str, T]) -> T:
    """The entry of `choices` called `name`; an unknown name is answered with one that is close.

    >>> choice("loss", "square_error", {"cross_entropy": 1, "squared_error": 2})
    Traceback (most recent call last):
    ValueError: loss: expected cross_entropy or squared_error, got 'square_error'. Write 'squared_error'.
    """
    if isinstance(name, str) and name in choices:
        return choices[name]
    nearest = get_close_matches(str(name).lower(), choices, n=1)
    remedy = f"Write {nearest[0]!r}." if nearest else "Choose one of these."
    raise ValueError(message(what, " or ".join(choices), shown(name), remedy))


def positive_integer(what: str, value: int) -> int:
    """`value` as an int, at least 1."""
    if not isinstance(value, Integral) or isinstance(value, bool):
        raise TypeError(message(what, "a positive integer", shown(value), "Write it as an int."))
    if value < 1:
        raise ValueError(message(what, "a positive integer", shown(value), "Choose at least 1."))
    return int(value)


def byte_count(what: str, value: int | str) -> int:
    """A number of bytes, given as such or as a text.

    >>> byte_count("budget", "64MB"), byte_count("budget", "1.5 KiB")
    (64000000, 1536)
    """
    if not isinstance(value, str):
        return positive_integer(what, value)
    found = re.fullmatch(r"(\d{1,999}(?:\.\d{1,999})?) ?([kKMGT]?)(i?)B", value.strip())
    if not found:
        remedy = "Write for example '64MB' (of 10^6 bytes) or '64MiB' (of 2^20)."
        raise ValueError(message(what, "a number of bytes", shown(value), remedy))
    amount, prefix, binary = found.groups()
    return int(Fraction(amount) * (1024 if binary else 1000) ** " KMGT".index(prefix.upper() or " "))


def costs(given: Sequence[float] | None, usual: Sequence[float]) -> list[float]:
    """The costs of the layers: as given, one for each and none negative, else the usual ones."""
    found = listed(usual if given is None else given)
    if not isinstance(found, Sequence) or len(found) != len(usual):
        expected, remedy = f"{len(usual)} finite numbers from 0 up", "Give each layer its cost."
        raise ValueError(message("costs", expected, found, remedy))
    return [number(f"costs[{k}]", cost, "a finite number from 0 up") for k, cost in enumerate(found)]


def listed(values: Any) -> Any:
    """`values`, an array as a list of Python's own numbers."""
    return values.tolist() if isinstance(values, np.ndarray) else values


def addressable(what: str, size: int) -> None:
    """Refuse 2^60 bytes or more, which no machine has; NumPy's integers would overflow in silence."""
    if size >= 2**60:
        came = f"2^{size.bit_length() - 1} or more"
        raise ValueError(message(what, "fewer than 2^60 bytes in all", came, "Choose smaller ones."))


def at_most(what: str, value: N, most: N) -> N:
    """`value`, if it is no more than `most`."""
    if value > most:
        remedy = f"Choose {what}={most}, or leave it out."
        raise ValueError(message(what, f"at most {most}", shown(value), remedy))
    return value


NUMBERS: dict[str, tuple[Callable[[float], bool], str]] = {  # what is expected: which they are, what to do
    "a positive, finite number": (lambda value: 0 < value < math.inf, "Try 1.0."),
    "a finite number from 0 up": (lambda value: 0 <= value < math.inf, "Try 0.0."),
    "a number from 0 to less than 1": (lambda value: 0 <= value < 1, "Try 0.5."),
    "a number from 0 to 1": (lambda value: 0 <= value <= 1, "Try 0.1."),
    "a finite number": (math.isfinite, "Take another point."),
}


def number(what: str, value: float, expected: str) -> float:
    """`value` as a float, if it is what is expected: one of `NUMBERS`.

    >>> number("momentum", 0.5, "a number from 0 to less than 1")
    0.5
    """
    holds, remedy = NUMBERS[expected]
    if not isinstance(value, Real) or isinstance(value, bool):
        raise TypeError(message(what, expected, shown(value), "Write it as a float."))
    if not holds(to_float(value)):  # a Fraction may be less than 1, and its float not
        raise ValueError(message(what, expected, shown(value), remedy))
    return float(value)


def to_float(value: float) -> float:
    """`value` as a float; an integer that is too large for one is infinity."""
    try:
        return float(value)
    except OverflowError:
        return math.inf


def counter(what: str, value: int) -> int:
    """`value` as an int from 0 to 2^64 - 1."""
    if not isinstance(value, Integral) or isinstance(value, bool):
        raise TypeError(message(what, "an integer from 0 to 2^64 - 1", shown(value), "Count from 0."))
    if not 0 <= value < 2**64:
        raise ValueError(message(what, "an integer from 0 to 2^64 - 1", shown(value), "Count from 0."))
    return int(value)


def function(what: str, f: object, remedy: str) -> None:
    """Refuse what cannot be called."""
    if not callable(f):
        raise TypeError(message(what, "a function", type(f), remedy))


def network(net: object) -> None:
    """Refuse what is no network."""
    if not hasattr(net, "parameters") or not hasattr(net, "sizes"):
        remedy = "Make one with mlp.Network.initialize(sizes), and pass it first."
        raise TypeError(message("net", "a Network", type(net), remedy))


def none_or(what: str, value: object, kind: type, remedy: str) -> None:
    """Refuse a `value` that is neither None nor a `kind`."""
    if value is not None and not isinstance(value, kind):
        raise TypeError(message(what, f"None or a {kind.__name__}", shown(value), remedy))


def generator(rng: int | np.random.Generator) -> np.random.Generator:
    """A generator from a seed; a generator as it is."""
    if isinstance(rng, np.random.Generator):
        return rng
    if not isinstance(rng, Integral) or isinstance(rng, bool) or rng < 0:
        raise TypeError(
            message("rng", "a seed from 0 up or a numpy.random.Generator", shown(rng), "Write rng=0.")
        )
    return np.random.default_rng(int(rng))


def layer_sizes(sizes: Sequence[int]) -> tuple[int, ...]:
    """The widths d_0, ..., d_n: at least two positive integers."""
    widths = listed(sizes)
    if not isinstance(widths, Sequence) or isinstance(widths, str | bytes) or len(widths) < 2:
        expected = "the widths of at least an input and an output"
        raise ValueError(message("sizes", expected, shown(sizes), "Write for example [784, 30, 10]."))
    return tuple(positive_integer(f"sizes[{k}]", d) for k, d in enumerate(widths))


def extents(shape: Sequence[int]) -> tuple[int, ...]:
    """The sizes of an array."""
    if not isinstance(shape, Sequence) or not all(isinstance(d, Integral) and d >= 0 for d in shape):
        expected, remedy = "a tuple of integers from 0 up", "Write for example (60000,)."
        raise TypeError(message("shape", expected, shown(shape), remedy))
    addressable("shape", math.prod(shape))
    return tuple(shape)


def real_dtype(dtype: Any) -> np.dtype[Any]:
    """float32 or float64, the types that networks compute in."""
    name = isinstance(dtype, str | type | np.dtype)
    if not name or dtype not in (np.float32, np.float64, "float32", "float64"):
        raise TypeError(message("dtype", "float32 or float64", shown(dtype), "Write dtype=np.float32."))
    wanted: np.dtype[Any] = np.dtype(dtype)
    return wanted


def array(what: str, a: object) -> Array:
    """`a` as an array; refuse lists of unequal lengths, and a mask, which would be lost."""
    if isinstance(a, np.ma.MaskedArray):
        remedy = f"Fill what is masked, or leave it out: {what}.filled(0)."
        raise TypeError(message(what, "an array without a mask", "a masked array", remedy))
    try:
        found: Array = np.asarray(a)
    except ValueError as error:
        came, remedy = f"a {type(a).__name__} with rows of unequal lengths", "Give all rows as many entries."
        raise ValueError(message(what, "an array, or rows of one length", came, remedy)) from error
    return found


def columns(what: str, a: Array, rows: int, dtype: np.dtype[Any]) -> Array:
    """`a` as a matrix of `rows` rows, one example a column, in `dtype`; copied only if that differs."""
    a = array(what, a)
    came = f"{a.dtype} of shape {a.shape}"
    if a.dtype not in (np.float32, np.float64):
        remedy = class_numbers(what, a.shape, rows) or f"Convert it: {what}.astype(np.{dtype})."
        raise TypeError(message(what, "float32 or float64", came, remedy))
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
    plain = isinstance(a, np.ndarray) and not isinstance(a, np.ma.MaskedArray | np.matrix)
    if not plain or a.dtype.char not in types:
        expected = "an array of " + " or ".join(np.dtype(character).name for character in types)
        raise TypeError(
            message(what, expected, a.dtype if plain else type(a), f"Write np.asarray({what}, np.float64).")
        )
    came = f"{a.dtype} of shape {a.shape}"
    if a.ndim != 2 or a.size == 0:
        remedy = f"If it is one column, pass {what}[:, np.newaxis]."
        raise ValueError(message(what, "a matrix with an example in each column", came, remedy))
    if not np.isfinite(a).all():
        raise ValueError(message(what, "finite numbers", f"NaN or infinity in {came}", "Clean it."))


def writeable(what: str, a: Array) -> None:
    """Refuse an array that cannot be overwritten."""
    if not a.flags.writeable:
        remedy = f"Pass {what}.copy()."
        raise ValueError(message(what, "an array to write into", "one that is read only", remedy))


def shape_remedy(what: str, shape: tuple[int, ...], rows: int) -> str:
    """What to do about an array that does not have `rows` rows."""
    if len(shape) == 2 and shape[1] == rows:
        return f"If its rows are the examples, pass {what}.T."
    if shape == (rows,):
        return f"If it is one example, pass {what}[:, np.newaxis]."
    if shape == (rows, 0):
        return "Pass at least one example."
    usual = "The first and the last of the network's sizes are the rows of x and y."
    return class_numbers(what, shape, rows) or usual


def class_numbers(what: str, shape: tuple[int, ...], rows: int) -> str:
    """What to do about labels that seem to be a class number for each example; "" if they do not."""
    if what != "y" or rows == 1 or (len(shape) > 1 and shape[0] != 1):
        return ""
    return "If these are class numbers, write mlp.data.one_hot(y.ravel().astype(int), classes)."


def batch(net: Network, x: Array, y: Array) -> tuple[Array, Array]:
    """Examples (d_0, B) and their labels (d_n, B) for `net`, in its dtype."""
    network(net)
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
    v = array("v", v)
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


def real(what: str, a: Array) -> None:
    """Refuse what is no array of finite real numbers, and an empty one."""
    if not isinstance(a, np.ndarray) or a.dtype.kind not in "fiu":
        came = getattr(a, "dtype", type(a))
        raise TypeError(message(what, "an array of real numbers", came, "Write np.asarray(..., np.float64)."))
    if not a.size or not all_finite(a):
        came = "NaN or infinity" if a.size else f"shape {a.shape}"
        raise ValueError(message(what, "finite numbers, at least one", came, "Take another point."))


def point(at: Sequence[Array]) -> None:
    """Refuse what is no sequence of arrays of finite real numbers."""
    if not isinstance(at, list | tuple) or not at:
        came = type(at).__name__ + (" of none" if isinstance(at, list | tuple) else "")
        raise TypeError(message("at", "a tuple of arrays", came, "Write at=(x,) for a single array x."))
    for k, a in enumerate(at):
        real(f"at[{k}]", a)


def moving(jv: Array) -> None:
    """Refuse a function of complex arrays whose imaginary part does not move."""
    if not np.any(jv):
        expected, came = "a function that a complex step moves", "a derivative of 0 in a random direction"
        raise ValueError(message("f", expected, came, "Leave out abs, real and conj, or take other points."))


def adjoints(at: Sequence[Array], bars: Sequence[Array]) -> None:
    """Refuse adjoints of other shapes than their arrays: broadcasting would hide a lost sum."""
    expected = [np.shape(a) for a in at]
    came = [np.shape(bar) for bar in bars] if hasattr(bars, "__len__") else type(bars)
    if expected != came:
        remedy = "Return one array for each, and sum over every axis that was broadcast."
        raise ValueError(message("adjoint", f"arrays of shapes {expected}", came, remedy))


def held_out(net: Network, pair: tuple[Array, Array]) -> tuple[Array, Array]:
    """A pair of examples and labels on which the accuracy of `net` can be measured."""
    network(net)
    if not isinstance(pair, tuple) or len(pair) != 2:
        came = f"a tuple of {len(pair)}" if isinstance(pair, tuple) else type(pair)
        raise TypeError(message("validation", "a tuple (x, y)", came, "Write validation=(x, y)."))
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
    if isinstance(hidden, type):
        remedy = f"Write hidden={hidden.__name__}()."
        raise TypeError(message("hidden", "a name or an activation", f"the {hidden}", remedy))
    for member in ("name", "needs", "value", "multiply_derivative"):
        if not hasattr(hidden, member):
            expected = f"a name or an activation, which has {member!r}"
            raise TypeError(
                message("hidden", expected, shown(hidden), f"Write {' or '.join(by_name)}, or add it.")
            )
    if not isinstance(hidden.name, str):
        raise TypeError(message("name of hidden", "a str", shown(hidden.name), "Files know it by this name."))
    if hidden.needs not in ("output", "input"):
        remedy = "Say from what multiply_derivative computes phi'(z)."
        raise ValueError(
            message(f"needs of {hidden.name}", "'output' or 'input'", shown(hidden.needs), remedy)
        )
    numbers = np.linspace(-1, 1, 5, dtype=dtype)[:, np.newaxis]
    count = counter(f"workspace of {hidden.name}", getattr(hidden, "workspace", 0))
    work = [np.empty_like(numbers) for _ in range(count)]
    try_derivative(hidden, numbers, try_value(hidden, numbers, work), work)
    return hidden


def try_value(phi: Activation, numbers: Array, work: Sequence[Array]) -> Array:
    """What phi makes of `numbers`; refuse one that leaves `out` or changes `z`, or differs in place."""
    z, out = numbers.copy(), np.full_like(numbers, np.nan)
    phi.value(z, out, *work)
    if np.isnan(out).all():
        remedy = "Write out[...] = ...; what is returned is not used."
        came = "an out left as it was"
        raise TypeError(message(f"value of {phi.name}", "phi(z) written into out", came, remedy))
    if not np.array_equal(z, numbers):
        remedy = "Work in out; z is a state that is needed again."
        raise TypeError(message(f"value of {phi.name}", "z left as it was", "a changed z", remedy))
    phi.value(z, z, *work)
    if not np.allclose(z, out, equal_nan=True):
        expected, came = "the same phi(z) where out is z", "another one"
        remedy = "Read all of z before you write out (workspace = 1 helps), and draw no random numbers."
        raise TypeError(message(f"value of {phi.name}", expected, came, remedy))
    return out


def try_derivative(phi: Activation, z: Array, x: Array, work: Sequence[Array]) -> None:
    """Refuse an activation that leaves `delta` as it was, although x = phi(z) does not rise as z does."""
    delta = np.ones_like(z)
    phi.multiply_derivative(delta, (x if phi.needs == "output" else z).copy(), *work)
    if (delta == 1).all() and not np.allclose(np.diff(x, axis=0), np.diff(z, axis=0), rtol=1e-3):
        expected, came = "delta multiplied in place by phi'(z)", "a delta left as it was"
        remedy = "Write delta *= ...; what is returned is not used."
        raise TypeError(message(f"multiply_derivative of {phi.name}", expected, came, remedy))


def class_labels(labels: Array, classes: int) -> Array:
    """Labels (N,) that are integers from 0 to classes - 1."""
    labels = array("labels", labels)
    if labels.dtype.kind not in "iu" or labels.ndim != 1 or labels.size == 0:
        came, remedy = f"{labels.dtype} of shape {labels.shape}", "Write labels.ravel().astype(int)."
        raise TypeError(message("labels", "integers of shape (N,), N >= 1", came, remedy))
    if labels.min() < 0 or labels.max() >= classes:
        came, remedy = f"{labels.min()} to {labels.max()}", "Number the classes from 0, or raise classes."
        raise ValueError(message("labels", f"0 to {classes - 1}", came, remedy))
    return labels


def named(what: str, path: str | PathLike[str]) -> Path:
    """`path`, which is to be of type str or an object with that meaning."""
    if not isinstance(path, str | PathLike):
        raise TypeError(message(what, f"the path of a {what}", shown(path), "Write it as a str."))
    try:
        os.stat(path)
    except (FileNotFoundError, NotADirectoryError, PermissionError):
        pass  # the caller says what is missing
    except (OSError, ValueError) as error:
        came = f"{shown(path)}: {error.strerror if isinstance(error, OSError) else error}"
        raise ValueError(message(what, "a path that can exist", came, "Choose another name.")) from error
    return Path(path)


def file(path: str | PathLike[str]) -> Path:
    """`path` as the path of a file that exists."""
    where = named("file", path)
    if not where.is_file():
        came = "a folder" if where.is_dir() else "something else" if where.exists() else "nothing there"
        raise FileNotFoundError(message(str(path), "a file", came, "Look where it was saved."))
    return where


def target(path: str | PathLike[str]) -> Path:
    """`path` as the path of a file that exists or can be made; links are followed."""
    where = named("file", path).resolve()
    if not where.parent.is_dir():
        raise FileNotFoundError(message(str(path), "a path in a folder", "no such folder", "Make it first."))
    if where.exists() and not where.is_file():
        came = "a folder" if where.is_dir() else "something else"
        raise FileExistsError(message(str(path), "a file or nothing there", came, "Choose another name."))
    return where


def folder(path: str | PathLike[str]) -> Path:
    """`path` as the path of a folder that exists."""
    where = named("folder", path)
    if not where.is_dir():
        came = "a file" if where.exists() else "nothing there"
        raise FileNotFoundError(message(str(path), "a folder", came, "Name the folder that holds the files."))
    return where


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
