"""Fuzzing: whatever comes, the answer is right or it is a clear error. Few cases always, many when slow.

The reference is written to be unlike the package: one example at a time, numbers of Python, sums without
rounding, derivatives from the input of an activation. Beside each number it gives the size that rounding
errors are measured against: the same sweeps with absolute values, in which nothing cancels.
"""

import math
from collections.abc import Callable
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from fractions import Fraction
from io import StringIO
from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as nps

import mlp
from mlp import Network, schedules
from mlp.memory.__main__ import main as planning

LENGTHS = pytest.mark.parametrize("length", [1, pytest.param(60, marks=pytest.mark.slow)])


def examples(count: int) -> Any:
    """So many examples: the same ones each time if they are few, or where hypothesis finds `CI` set."""
    same = {"derandomize": True} if count <= 60 else {}
    return settings(max_examples=count, deadline=None, database=None, **same)


# ---------------------------------------------------------------- the reference


def expit(z: float) -> float:
    return 1 / (1 + math.exp(-z)) if z > -700 else math.exp(z)


def normal(z: float) -> float:
    return math.erfc(-z / math.sqrt(2)) / 2


def cubic(z: float) -> float:
    return 2 * math.sqrt(2 / math.pi) * (z + 0.044715 * z**3)


def cubic_slope(z: float) -> float:
    return 2 * math.sqrt(2 / math.pi) * (1 + 3 * 0.044715 * z * z)


PHI: dict[str, tuple[Callable[[float], float], Callable[[float], float]]] = {  # phi(z) and phi'(z)
    "sigmoid": (expit, lambda z: expit(z) * expit(-z)),
    "tanh": (math.tanh, lambda z: 1 / math.cosh(min(abs(z), 300)) ** 2),
    "relu": (lambda z: max(z, 0.0), lambda z: float(z > 0)),
    "leaky_relu": (lambda z: z if z > 0 else 0.01 * z, lambda z: 1.0 if z > 0 else 0.01),
    "elu": (lambda z: z if z > 0 else math.expm1(z), lambda z: 1.0 if z > 0 else math.exp(z)),
    "softplus": (lambda z: max(z, 0.0) + math.log1p(math.exp(-abs(z))), expit),
    "softsign": (lambda z: z / (1 + abs(z)), lambda z: (1 + abs(z)) ** -2),
    "silu": (lambda z: z * expit(z), lambda z: expit(z) * (1 + z * expit(-z))),
    "gelu": (
        lambda z: z * normal(z),
        lambda z: normal(z) + z * math.exp(-min(z * z, 1400) / 2) / math.sqrt(2 * math.pi),
    ),
    "gelu_tanh": (
        lambda z: z * expit(cubic(z)),
        lambda z: expit(cubic(z)) * (1 + z * cubic_slope(z) * expit(-cubic(z))),
    ),
    "identity": (lambda z: z, lambda z: 1.0),
}
KINKED = {"relu", "leaky_relu"}


def cross_entropy(z: list[float], y: list[float]) -> tuple[float, list[float], list[float]]:
    top = max(z)
    powers = [math.exp(a - top) for a in z]
    total = math.fsum(powers)
    p = [power / total for power in powers]
    loss = math.fsum([top, math.log(total), *(-a * t for a, t in zip(z, y, strict=True))])
    return loss, [q - t for q, t in zip(p, y, strict=True)], p


def binary_cross_entropy(z: list[float], y: list[float]) -> tuple[float, list[float], list[float]]:
    terms = [PHI["softplus"][0](a) - t * a for a, t in zip(z, y, strict=True)]
    return math.fsum(terms), [expit(a) - t for a, t in zip(z, y, strict=True)], [expit(a) for a in z]


def squared_error(z: list[float], y: list[float]) -> tuple[float, list[float], list[float]]:
    gaps = [a - t for a, t in zip(z, y, strict=True)]
    return math.fsum(g * g for g in gaps) / 2, gaps, z


LOSS = {
    "cross_entropy": cross_entropy,
    "binary_cross_entropy": binary_cross_entropy,
    "squared_error": squared_error,
}


@dataclass
class Answer:
    """What the package should say, and the size that its rounding errors are measured against.

    largest : of all sums of absolute values in the sweep forward.
    nearest : to 0, of all the z_i that are not 0; beside `largest` it tells whether a kink was rounded over.
    """

    loss: float
    gradient: Any
    size: Any
    logits: Any
    prediction: Any
    largest: float
    nearest: float


def reference(net: Network, x: Any, y: Any) -> Answer:
    """The loss, its gradient and the predictions, example by example."""
    phi, slope = PHI[net.hidden.name]
    n, batch = net.depth, x.shape[1]
    weights = [[[float(a) for a in row] for row in w] for w in net.weights]
    biases = [[float(a) for a in b[:, 0]] for b in net.biases]
    found = [np.zeros((2, *w.shape)) for w in net.weights], [np.zeros((2, *b.shape)) for b in net.biases]
    losses, logits, predictions, largest, nearest = [], [], [], 0.0, math.inf
    for j in range(batch):
        states, bounds, sums = [[float(a) for a in x[:, j]]], [[abs(float(a)) for a in x[:, j]]], []
        for k, (w, b) in enumerate(zip(weights, biases, strict=True)):
            z = [
                math.fsum([*(a * s for a, s in zip(row, states[-1], strict=True)), c])
                for row, c in zip(w, b, strict=True)
            ]
            size = [
                sum(abs(a) * s for a, s in zip(row, bounds[-1], strict=True)) + abs(c)
                for row, c in zip(w, b, strict=True)
            ]
            sums.append(z)
            states.append([phi(a) for a in z] if k < n - 1 else z)
            bounds.append([max(abs(a), s) for a, s in zip(states[-1], size, strict=True)])
            largest = max(largest, *size)
            nearest = min([nearest, *(abs(a) for a in z if a)]) if k < n - 1 else nearest
        targets = [float(a) for a in y[:, j]]
        loss, delta, predicted = LOSS[net.loss.name](states[-1], targets)
        losses.append(loss)
        logits.append(states[-1])
        predictions.append(predicted)
        rough = (
            [s + abs(t) for s, t in zip(bounds[-1], targets, strict=True)]
            if net.loss.name == "squared_error"
            else [2.0] * len(delta)
        )
        for k in reversed(range(n)):
            found[0][k] += np.stack([np.outer(delta, states[k]), np.outer(rough, bounds[k])]) / batch
            found[1][k] += np.stack([np.array(delta)[:, None], np.array(rough)[:, None]]) / batch
            if k > 0:
                turned = list(zip(*weights[k], strict=True))
                delta = [
                    math.fsum(a * d for a, d in zip(row, delta, strict=True)) * slope(z)
                    for row, z in zip(turned, sums[k - 1], strict=True)
                ]
                rough = [1.2 * sum(abs(a) * d for a, d in zip(row, rough, strict=True)) for row in turned]
    pieces = [piece.reshape(2, -1) for pair in zip(*found, strict=True) for piece in pair]
    gradient, size = np.concatenate(pieces, axis=1)
    return Answer(
        math.fsum(losses) / batch,
        gradient,
        size,
        np.array(logits).T,
        np.array(predictions).T,
        largest,
        nearest,
    )


# ---------------------------------------------------------------- the cases

LAYOUTS: dict[str, Callable[[Any], Any]] = {
    "C": np.ascontiguousarray,
    "Fortran": np.asfortranarray,
    "negative strides": lambda a: a[::-1, ::-1].copy()[::-1, ::-1],
    "every second": lambda a: np.repeat(np.repeat(a, 2, axis=0), 2, axis=1)[::2, ::2],
    "one column for all": lambda a: np.broadcast_to(a[:, :1], a.shape),
    "read only": lambda a: np.frombuffer(a.tobytes(), a.dtype).reshape(a.shape),
    "unaligned": lambda a: np.ndarray(a.shape, a.dtype, b"\0" + a.tobytes(), offset=1),
    "a list": lambda a: a.tolist(),
    "the other type": lambda a: a.astype({"f": np.float64, "d": np.float32}[a.dtype.char]),
}
SCALES = {"float32": [0.0, 1e-42, 1e-20, 1.0, 30.0], "float64": [0.0, 1e-310, 1e-150, 1.0, 1e3]}


@dataclass
class Case:
    """A network with a batch, in some layout."""

    net: Network
    x: Any
    y: Any
    about: str

    def __repr__(self) -> str:
        return f"{self.net} {self.about}"


@st.composite
def cases(draw: Any) -> Case:
    """Networks of all depths, widths, activations, losses, types; batches of all sizes, scales, layouts."""
    dtype = draw(st.sampled_from(["float32", "float64"]))
    sizes = draw(st.lists(st.integers(1, 5), min_size=2, max_size=5))
    hidden, loss = draw(st.sampled_from(sorted(PHI))), draw(st.sampled_from(sorted(LOSS)))
    batch, seed = draw(st.integers(1, 6)), draw(st.integers(0, 2**32))
    layout, scale = draw(st.sampled_from(sorted(LAYOUTS))), draw(st.sampled_from(SCALES[dtype]))
    rng = np.random.default_rng(seed)
    net = Network.initialize(sizes, hidden=hidden, loss=loss, dtype=dtype)
    net.parameters[...] = rng.standard_normal(len(net.parameters)) * rng.choice([0.0, 0.1, 1.0, 3.0])
    x, y = scale * rng.standard_normal((sizes[0], batch)), labels(loss, rng, (sizes[-1], batch))
    x, y = (LAYOUTS[layout](a.astype(dtype)) for a in (x, y))
    return Case(net, x, y, f"batch={batch} layout={layout!r} scale={scale} seed={seed}")


def labels(loss: str, rng: np.random.Generator, shape: tuple[int, int]) -> Any:
    """Hard labels, soft labels or targets, as the loss takes them."""
    if loss == "squared_error":
        return 3 * rng.standard_normal(shape)
    soft = rng.random(shape) ** rng.choice([0.5, 20.0])
    if loss == "cross_entropy":
        hard = np.eye(shape[0])[:, rng.integers(0, shape[0], shape[1])]
        return hard if rng.random() < 0.5 else soft / soft.sum(axis=0)
    return soft if rng.random() < 0.5 else soft.round()


def sums(a: Any, dtype: Any) -> bool:
    """Whether labels that have been rounded still sum to one closely enough."""
    tolerance = 1e-6 if np.asarray(a).dtype == np.float32 else 1e-12
    return bool(abs(np.asarray(a).sum(axis=0, dtype=np.float64) - 1).max() <= tolerance)


def agree(net: Network, x: Any, y: Any, answer: Answer) -> Any:
    """The gradient, after it and everything else that a network says has been compared with the reference."""
    dtype = net.parameters.dtype
    eps, least = np.finfo(dtype).eps, np.finfo(dtype).smallest_subnormal
    given = net.parameters, np.asarray(x), np.asarray(y)
    before = [a.tobytes() for a in given]
    g, value, logits, prediction = net.backprop(x, y), net.loss_value(x, y), net.logits(x), net.predict(x)
    assert before == [a.tobytes() for a in given]
    assert g.vector.dtype == logits.dtype == prediction.dtype == dtype and g.loss == value
    other = net.backprop(x, y, schedule=schedules.binomial(net.depth, 1))
    assert g.loss == other.loss and np.array_equal(g.vector, other.vector)
    slack = 100 * eps * (1 + answer.largest)
    off = abs(np.sum(y, axis=0, dtype=np.float64) - 1).max() if net.loss.distributions else 0.0
    assert abs(g.loss - answer.loss) <= (slack + off) * (1 + answer.largest)
    assert np.all(abs(g.vector - answer.gradient) <= slack * answer.size + 1000 * least)
    assert np.all(abs(logits - answer.logits) <= 100 * eps * answer.largest + 1000 * least)
    assert np.all(abs(prediction - answer.prediction) <= slack * max(1.0, abs(answer.prediction).max()))
    return g


@LENGTHS
def test_gradients_and_predictions_are_right_whatever_the_layout(length: int) -> None:
    @examples(40 * length)
    @given(case=cases())
    def right(case: Case) -> None:
        net, dtype = case.net, case.net.parameters.dtype
        eps = np.finfo(dtype).eps
        x, y = (np.asarray(a).astype(dtype) for a in (case.x, case.y))
        if net.loss.name == "cross_entropy" and not sums(case.y, dtype):
            with pytest.raises(ValueError, match="y: expected columns that sum to one"):
                net.backprop(case.x, case.y)
            return
        answer = reference(net, x, y)
        assume(net.hidden.name not in KINKED or answer.nearest > 10 * eps * answer.largest)
        agree(net, case.x, case.y, answer)

    right()


def clear(error: BaseException) -> bool:
    """Whether a message has its three parts."""
    return all(part in str(error) for part in (": expected ", ", got ", ". "))


@LENGTHS
def test_any_array_gets_the_right_answer_or_a_clear_error(length: int) -> None:
    """Of every type that NumPy has, of every shape, with NaN, infinity and the subnormal numbers."""
    net = Network.initialize([3, 2], dtype=np.float32, rng=1)
    types = nps.scalar_dtypes() | st.sampled_from([np.dtype("f4"), np.dtype("f8")])
    shapes = nps.array_shapes(min_dims=0, max_dims=3, min_side=0, max_side=4) | st.sampled_from(
        [(3, 1), (3, 4)]
    )

    @examples(60 * length)
    @given(a=types.flatmap(lambda dtype: nps.arrays(dtype, shapes)))
    def right_or_clear(a: Any) -> None:
        numbers = a.dtype in (np.float32, np.float64)
        with np.errstate(all="ignore"):
            single = a.astype(np.float32) if numbers else None
        fits = numbers and a.ndim == 2 and a.shape[0] == 3 and a.shape[1] > 0
        if not fits or not np.isfinite(single).all():
            with pytest.raises(ValueError if numbers else TypeError) as caught:
                net.logits(a)
            assert clear(caught.value)
            return
        w, b = net.weights[0].astype(np.float64), net.biases[0].astype(np.float64)
        size = abs(w) @ abs(single.astype(np.float64)) + abs(b)
        assume(size.max() < 1e38)  # beyond, infinity is the answer in float32
        z = net.logits(a)
        assert np.all(abs(z - (w @ single.astype(np.float64) + b)) <= 1e-6 * size + 1e-44)

    right_or_clear()


@LENGTHS
def test_sums_of_exponentials_are_right_or_refused(length: int) -> None:
    shapes = nps.array_shapes(min_dims=2, max_dims=2, min_side=0, max_side=4)
    types = st.sampled_from([np.dtype("f4"), np.dtype("f8"), np.dtype(">f8")])
    layouts = st.sampled_from(sorted(set(LAYOUTS) - {"a list", "the other type", "one column for all"}))

    @examples(25 * length)
    @given(a=types.flatmap(lambda dtype: nps.arrays(dtype, shapes)), layout=layouts)
    def right_or_clear(a: Any, layout: str) -> None:
        z, eps = LAYOUTS[layout](a.copy()), np.finfo(a.dtype).eps
        if a.size == 0 or not np.isfinite(a).all():
            with pytest.raises(ValueError, match=r"z: expected (a matrix|finite).*, got .*\. "):
                mlp.losses.logsumexp(z)
            return
        exact = []
        for column in a.T:
            top = max(map(float, column))
            exact.append(top + math.log(math.fsum(math.exp(float(entry) - top) for entry in column)))
        found = mlp.losses.logsumexp(z)
        assert np.array_equal(z, a) and found.dtype == a.dtype.newbyteorder("=")
        assert np.all(abs(found - exact) <= 4 * eps * np.maximum(abs(np.array(exact)), 1))
        assume(float(a.max()) / 4 - float(a.min()) / 4 < np.finfo(a.dtype).max / 4)
        if not z.flags.writeable:
            with pytest.raises(ValueError, match="to write into"):
                mlp.losses.log_softmax(z)
            return
        mlp.losses.log_softmax(z)
        assert np.all(
            abs(z - (a - np.array(exact))) <= 8 * eps * np.maximum(abs(a - np.array(exact)), abs(a).max() + 1)
        )

    right_or_clear()


BEYOND = 10**400  # an integer that no float can hold
NUMBERS = st.sampled_from([
    None, "1", b"1", [1], True, False, 0, 1, 2, -1, BEYOND, 0.0, -0.0, 0.5, 1.0, 1.5, -0.5, 5e-324, 1e308,
    math.nan, math.inf, -math.inf, 1j, np.int64(1), np.float32(0.5), np.array(1), np.array([1, 2]),
])  # fmt: skip


def real(value: Any) -> bool:
    """A number of Python or NumPy that float() takes without loss of meaning, and no truth value."""
    return isinstance(value, int | float | np.integer | np.floating) and not isinstance(value, bool)


def whole(value: Any) -> bool:
    return isinstance(value, int | np.integer) and not isinstance(value, bool)


GOOD: dict[str, Callable[[Any], bool]] = {
    "epochs": lambda v: whole(v) and v >= 1,
    "batch_size": lambda v: whole(v) and v >= 1,
    "learning_rate": lambda v: v is None or (real(v) and v is not BEYOND and 0 < v < math.inf),
    "momentum": lambda v: real(v) and 0 <= v < 1,
    "l2": lambda v: real(v) and v is not BEYOND and 0 <= float(v) < 3e38,  # which float32 can hold
    "dropout": lambda v: real(v) and 0 <= v < 1,
    "rng": lambda v: whole(v) and v >= 0,
}


@LENGTHS
def test_any_setting_of_training_is_taken_or_refused(length: int) -> None:
    x, y = np.ones((2, 3), np.float32), np.ones((1, 3), np.float32)
    net = Network.initialize([2, 2, 1], loss="squared_error")
    before = net.parameters.tobytes()

    @examples(60 * length)
    @given(name=st.sampled_from(sorted(GOOD)), value=NUMBERS)
    def taken_or_refused(name: str, value: Any) -> None:
        settings = {"epochs": 1, name: value}
        if GOOD[name](value):
            mlp.train(net, x, y, **settings)
        else:
            with pytest.raises((TypeError, ValueError)) as caught:
                mlp.train(net, x, y, **settings)
            assert clear(caught.value) and str(caught.value).startswith(f"{name}: ")
        assert net.parameters.tobytes() == before

    taken_or_refused()


@LENGTHS
def test_a_changed_schedule_gives_the_same_bits_or_is_refused(length: int) -> None:
    """A planner's schedule with an action lost, doubled, exchanged or altered; it may still be valid."""
    n = 4
    net = Network.initialize([3, 2, 4, 3, 2], hidden="tanh", loss="squared_error")
    x, y = np.linspace(-1, 1, 15).reshape(3, 5), np.linspace(-1, 1, 10).reshape(2, 5)
    plain = net.backprop(x, y).vector
    planned = [*(schedules.binomial(n, s) for s in (1, 2, 3)), schedules.store_all(n), schedules.bisection(n)]
    numbers = st.integers(-1, n + 1)
    other = (
        st.builds(schedules.Advance, numbers, numbers)
        | st.builds(schedules.Reverse, numbers)
        | st.builds(schedules.Drop, numbers)
    )
    outcomes = []

    @examples(60 * length)
    @given(actions=st.sampled_from(planned), data=st.data())
    def same_or_refused(actions: Any, data: Any) -> None:
        place = data.draw(st.integers(0, len(actions) - 1))
        put = data.draw(st.lists(other | st.just(actions[place]), max_size=2))
        changed = (*actions[:place], *put, *actions[place + 1 :])
        try:
            found = net.backprop(x, y, schedule=changed).vector
        except ValueError as error:
            outcomes.append(clear(error))
        else:
            outcomes.append(np.array_equal(found, plain))

    same_or_refused()
    assert all(outcomes)


@LENGTHS
def test_any_text_is_a_number_of_bytes_or_refused(length: int) -> None:
    numbers, blanks = st.from_regex(r"[0-9]{1,30}(\.[0-9]{1,5})?", fullmatch=True), st.sampled_from(["", " "])
    units = {unit + "B": 1000**k for k, unit in enumerate(["", "k", "M", "G", "T"])}
    units |= {unit + "iB": 1024**k for k, unit in enumerate(["", "K", "M", "G", "T"])}

    @examples(30 * length)
    @given(number=numbers, blank=blanks, unit=st.sampled_from(sorted(units)))
    def counted(number: str, blank: str, unit: str) -> None:
        found = mlp.validation.byte_count("budget", f" {number}{blank}{unit}")
        assert found == int(Fraction(number) * units[unit])

    @examples(30 * length)
    @given(text=st.text("019.+-e kMBi\n\u0663", max_size=7))
    def counted_or_refused(text: str) -> None:
        try:
            found = mlp.validation.byte_count("budget", text)
        except ValueError as error:
            outcomes.append(clear(error))
        else:
            outcomes.append(
                found >= 0 and text.strip().endswith("B") and set(text.strip()) <= set("019.kMi \u0663B")
            )

    outcomes: list[bool] = []
    counted()
    counted_or_refused()
    assert all(outcomes)


@LENGTHS
def test_labels_of_any_type_are_right_or_refused(length: int) -> None:
    types = (
        nps.integer_dtypes() | nps.unsigned_integer_dtypes() | nps.floating_dtypes() | nps.boolean_dtypes()
    )
    shapes = nps.array_shapes(min_dims=0, max_dims=2, min_side=0, max_side=4)

    @examples(40 * length)
    @given(
        a=types.flatmap(
            lambda d: nps.arrays(d, shapes, elements={"max_value": 5} if d.kind in "iu" else None)
        )
    )
    def right_or_clear(a: Any) -> None:
        right = (
            a.dtype.kind in "iu" and a.ndim == 1 and a.size > 0 and all(0 <= int(entry) < 4 for entry in a)
        )
        if not right:
            with pytest.raises((TypeError, ValueError)) as caught:
                mlp.data.one_hot(a, 4)
            assert clear(caught.value)
            return
        wanted = [[float(int(entry) == row) for entry in a] for row in range(4)]
        assert mlp.data.one_hot(a, 4).tolist() == wanted

    right_or_clear()


@LENGTHS
def test_the_planning_command_always_ends(length: int) -> None:
    words = [
        "784",
        "10",
        "1",
        "0",
        "-3",
        "x",
        "1e3",
        "--batch",
        "--budget",
        "--hidden",
        "--dtype",
        "--moments",
        "2",
        "64MB",
    ]
    words += ["0B", "float64", "int8", "relu", "rleu", "", "--", "-h", "99999999999999999999", "\u00b3"]

    @examples(40 * length)
    @given(arguments=st.lists(st.sampled_from(words), max_size=7))
    def ends(arguments: list[str]) -> None:
        with redirect_stdout(StringIO()) as out, redirect_stderr(StringIO()) as said:
            try:
                status = planning(["20", "10", "--batch", "4", *arguments])
            except SystemExit as end:
                status = end.code  # type: ignore[assignment]
        assert status in (0, 1, 2)
        assert said.getvalue() if status == 2 else out.getvalue()

    ends()


# ---------------------------------------------------------------- extremes, by name


def identity_layer(net: Network) -> None:
    """Let the logits be the inputs."""
    net.parameters[...] = 0
    net.weights[0][...] = np.eye(*net.weights[0].shape)


SIGNS = np.array([[1.0, -1.0, 1.0, 0.0, 1.0], [0.0, 1.0, 1.0, -1.0, 1.0], [-1.0, 0.0, 1.0, 1.0, -1.0]])
CLASSES = np.eye(3)[:, [0, 0, 1, 2, 2]]


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("size", [0.0, 1e-40, 1.0, 100.0, 1e4, 1e8, 1e18, 1e37, "a tenth"])
@pytest.mark.parametrize("name", ["cross_entropy", "binary_cross_entropy"])
def test_logits_of_any_size(name: str, size: Any, dtype: Any) -> None:
    """Up to the size at which their differences, and the sum of the losses, are numbers still."""
    size = float(np.finfo(dtype).max) / 10 if size == "a tenth" else size
    net = Network.initialize([3, 3], loss=name, dtype=dtype)
    identity_layer(net)
    x = (size * SIGNS).astype(dtype)
    g, p, eps = net.backprop(x, CLASSES), net.predict(x), float(np.finfo(dtype).eps)
    found = [LOSS[name](a.tolist(), b.tolist()) for a, b in zip(x.T, CLASSES.T, strict=True)]
    losses, deltas, predictions = zip(*found, strict=True)
    delta = np.array(deltas).T / 5
    assert g.loss == pytest.approx(math.fsum(loss / 5 for loss in losses), rel=20 * eps, abs=20 * eps)
    assert np.allclose(g.nabla_b[0][:, 0], delta.sum(axis=1), rtol=0, atol=20 * eps)
    assert np.allclose(p, np.array(predictions).T, rtol=20 * eps, atol=20 * eps)
    assert np.isfinite(g.vector).all()


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_beyond_a_half_of_the_largest_number(dtype: Any) -> None:
    """The limit: predictions are right, the loss is no number, NumPy warns, and training says so."""
    net = Network.initialize([2, 2], dtype=dtype)
    identity_layer(net)
    most = np.finfo(dtype).max
    x, y = np.array([[most, -most], [-most, most]]), np.eye(2, dtype=dtype)
    assert np.array_equal(net.predict(x), np.eye(2))
    with pytest.warns(RuntimeWarning, match="invalid value"):
        assert not math.isfinite(net.loss_value(x, y))
    before = net.parameters.copy()
    with pytest.raises(mlp.Diverged):
        next(mlp.train(net, x, y, epochs=1))
    assert np.array_equal(net.parameters, before)


EXTREMES: dict[str, tuple[list[int], float, float, int]] = {  # sizes, scale of parameters, scale of x, batch
    "one of everything": ([1, 1], 1.0, 1.0, 1),
    "depth 1": ([4, 3], 1.0, 1.0, 5),
    "width 1": ([1, 1, 1, 1], 1.0, 1.0, 5),
    "a batch of one": ([4, 3, 2], 1.0, 1.0, 1),
    "one class": ([4, 3, 1], 1.0, 1.0, 5),
    "a large batch": ([2, 2, 2], 1.0, 1.0, 300),
    "all logits equal": ([4, 3, 3], 0.0, 1.0, 5),
    "saturated": ([4, 3, 3], 30.0, 1.0, 5),
    "far saturated": ([4, 3, 3], 1.0, 1e4, 5),
    "no input": ([4, 3, 3], 1.0, 0.0, 5),
    "deep": ([3] * 40, 1.0, 1.0, 2),
}


@pytest.mark.parametrize("extreme", EXTREMES)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_extremes_are_finite_and_right(extreme: str, dtype: Any, loss: str) -> None:
    sizes, scale, spread, batch = EXTREMES[extreme]
    for hidden in ("sigmoid", "gelu"):
        rng = np.random.default_rng(3)
        net = Network.initialize(sizes, hidden=hidden, loss=loss, dtype=dtype, rng=1)
        net.parameters[...] = scale * rng.standard_normal(len(net.parameters)) / sizes[0] ** 0.5
        x = (spread * rng.standard_normal((sizes[0], batch))).astype(dtype)
        y = np.resize(np.eye(sizes[-1]), (batch, sizes[-1])).T.astype(dtype)
        g = agree(net, x, y, reference(net, x, y))
        assert math.isfinite(g.loss) and np.isfinite(g.vector).all()
        if extreme == "one class" and loss == "cross_entropy":  # there is nothing to learn
            assert g.loss == 0 and not g.vector.any() and (net.predict(x) == 1).all()
        if extreme == "all logits equal" and loss == "cross_entropy":
            assert g.loss == pytest.approx(math.log(3), rel=4 * float(np.finfo(dtype).eps))


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_subnormal_gradients_are_right_to_their_last_places(dtype: Any) -> None:
    """Small weights make them: what is left has few bits, and those are right."""
    least, tiny = float(np.finfo(dtype).smallest_subnormal), float(np.finfo(dtype).tiny)
    net = Network.initialize([2, 2, 2], hidden="identity", loss="squared_error", dtype=dtype)
    net.parameters[...] = 0
    net.weights[0][...] = [[1.0, 0.5], [-1.0, 2.0]]
    net.weights[1][...] = [[tiny, -tiny / 16], [3 * least, tiny / 1024]]
    x, y = np.array([[1.0], [0.5]], dtype), np.array([[0.5], [-1.0]], dtype)
    g, delta = net.backprop(x, y), np.array([-0.5, 1.0])
    back = [
        math.fsum(float(w) * d for w, d in zip(column, delta, strict=True)) for column in net.weights[1].T
    ]
    exact = np.outer(back, [1.0, 0.5])
    assert 0 < abs(exact).min() < abs(exact).max() < tiny
    assert np.all(abs(g.nabla_w[0] - exact) <= 2 * least) and g.nabla_w[0].all()
