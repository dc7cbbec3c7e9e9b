"""Every schedule computes the bits of the plain loop, recomputes what it says, and holds what it says."""

import gc
import tracemalloc
from collections.abc import Iterator
from math import isqrt
from typing import Any

import numpy as np
import pytest

import mlp
from mlp import schedules
from mlp.arrays import kernel_arithmetic
from mlp.backprop import Gradient
from mlp.checkpointing import Pool, execute
from mlp.memory import measure, predict, simulate
from mlp.memory.__main__ import main
from mlp.schedules import Advance, Drop, Reverse, Schedule

SIZES = [5, 4, 4, 4, 7, 4, 3]  # arrays of equal ones go round, and those of others do not


def every(n: int) -> Iterator[Schedule]:
    """Schedules of every kind for n layers, a non-persistent one among them."""
    yield from (schedules.triangular(n), schedules.bisection(n))
    yield from (schedules.uniform(n, k) for k in range(1, n + 1))
    yield from (schedules.binomial(n, s) for s in range(1, n))
    yield forgetful(n)


def forgetful(n: int) -> Schedule:
    """Keeps x_1 for the first sweep only, and later computes it again."""
    thrifty = schedules.binomial(n, 1)
    return (Advance(0, 1), Advance(1, n - 1), Drop(1), *thrifty[1:])


def problem(sizes: list[int], hidden: Any, loss: str, dtype: Any = np.float64) -> Any:
    """A network with random parameters, and a batch."""
    rng = np.random.default_rng(3)
    net = mlp.Network.initialize(sizes, hidden=hidden, loss=loss, dtype=dtype, rng=rng)
    for b in net.biases:
        b[...] = rng.uniform(-0.5, 0.5, b.shape)
    x, y = rng.standard_normal((sizes[0], 9)), rng.random((sizes[-1], 9)) + 0.1
    return net, x.astype(dtype), (y / y.sum(axis=0)).astype(dtype)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("dropout", [None, mlp.Dropout(0.3, 2, 5)], ids=["all", "dropout"])
def test_gradients_have_the_bits_of_the_plain_loop(hidden: Any, loss: str, dtype: Any, dropout: Any) -> None:
    net, x, y = problem(SIZES, hidden, loss, dtype)
    plain, n = net.backprop(x, y, dropout=dropout), net.depth
    assert min(abs(a).max() for a in plain.nabla_w) > 1e-5  # or equality would say nothing
    for schedule in every(n):
        ledger = simulate(schedule, SIZES, 9, dtype)
        g = net.backprop(x, y, schedule=schedule, dropout=dropout)
        assert np.array_equal(g.vector, plain.vector) and g.loss == plain.loss
        assert ledger.peak_states < n or ledger.recomputed == 0 or schedule == forgetful(n)
    most, thrifty = (simulate(s, SIZES, 9, dtype) for s in (schedules.store_all(n), schedules.binomial(n, 2)))
    assert thrifty.recomputed > 0 and thrifty.peak_bytes < most.peak_bytes
    everything = net.backprop(x, y, schedule=schedules.store_all(n), dropout=dropout)
    assert np.array_equal(everything.vector, plain.vector)


class Counting:
    """An activation that counts its calls; of either type."""

    name = "counting"

    def __init__(self, needs: str) -> None:
        self.needs, self.calls = needs, 0

    def value(self, z: Any, out: Any) -> None:
        self.calls += 1
        np.tanh(z, out=out)

    def multiply_derivative(self, delta: Any, state: Any) -> None:
        x = state if self.needs == "output" else np.tanh(state)
        delta *= 1 - x * x


DEEP = [*range(13, 65), 100, 255, 500, 1000]


def some(n: int) -> Iterator[Schedule]:
    """Of many layers a schedule of each planner, and a few of those that can be chosen."""
    yield from (schedules.store_all(n), schedules.triangular(n), schedules.bisection(n), schedules.uniform(n))
    yield from (schedules.uniform(n, k) for k in {1, 2, isqrt(n), n // 2, n})
    yield from (schedules.binomial(n, s) for s in {1, 2, 3, 5, 10, n - 1, n, 2 * n} if s > 2 or n < 300)


@pytest.mark.parametrize("needs", ["output", "input"])
@pytest.mark.parametrize(
    "n",
    [
        1,
        2,
        3,
        7,
        12,
        *(pytest.param(n, marks=pytest.mark.slow) for n in [*range(13, 65), 100, 255, 500, 1000]),
    ],
)
def test_calls_are_what_the_ledger_says(needs: str, n: int) -> None:
    phi = Counting(needs)
    net, x, y = problem([1 if n > 12 else 4] * (n + 1), phi, "squared_error")
    for schedule in [schedules.store_all(n), *(some(n) if n > 64 else every(n) if n > 2 else [])]:
        ledger, phi.calls = simulate(schedule), 0
        net.backprop(x, y, schedule=schedule)
        wanted = ledger.evaluations - 1 if needs == "output" else ledger.activation_calls
        assert phi.calls == wanted


def test_recomputed_states_have_the_bits_of_dropped_ones() -> None:
    net, x, y = problem(SIZES, "tanh", "cross_entropy")
    for schedule in every(net.depth):
        seen: dict[int, Any] = {}
        again = []

        def audit(action: Any, view: Any, seen: Any = seen, again: Any = again) -> None:
            if isinstance(action, Advance) and action.stop in seen:
                again.append(np.array_equal(seen[action.stop], view))
            elif isinstance(action, Advance):
                seen[action.stop] = view.copy()

        net.backprop(x, y, schedule=schedule, observer=audit)
        assert all(again) and len(again) == simulate(schedule).recomputed


def test_an_observer_sees_states_and_adjoints_and_cannot_write() -> None:
    net, x, y = problem([3, 4, 5, 2], "tanh", "squared_error")
    steps: list[Any] = []

    def observer(action: Any, view: Any) -> None:
        assert not view.flags.writeable
        steps.append((action, view.copy()))

    g = net.backprop(x, y, schedule=forgetful(3), observer=observer)
    assert [step for step, _ in steps] == [moment.action for moment in simulate(forgetful(3)).trace]
    logits = next(view for step, view in steps if step == Advance(2, 3))
    assert np.array_equal(logits, net.logits(x))
    delta = {step.layer: view for step, view in steps if isinstance(step, Reverse)}
    for k in (1, 2, 3):
        assert np.allclose(delta[k].sum(axis=1, keepdims=True), g.nabla_b[k - 1], rtol=1e-12)


def test_the_inputs_stay_and_observers_need_a_schedule() -> None:
    net, x, y = problem(SIZES, "tanh", "cross_entropy")
    before = x.copy(), y.copy(), net.parameters.copy()
    for schedule in every(net.depth):
        net.backprop(x, y, schedule=schedule)
    assert all(np.array_equal(*pair) for pair in zip(before, (x, y, net.parameters), strict=True))
    with pytest.raises(ValueError, match="observer: expected a schedule to observe"):
        net.backprop(x, y, observer=print)
    with pytest.raises(TypeError, match="observer: expected a function"):
        net.backprop(x, y, schedule=schedules.store_all(6), observer=3)
    with pytest.raises(ValueError, match="schedule: expected"):
        net.backprop(x, y, schedule=schedules.store_all(5))


def test_complex_arrays_run_through_schedules() -> None:
    net, x, y = problem(SIZES, "tanh", "cross_entropy")
    layers = mlp.layers.chain(net.parameters.astype(complex), SIZES, net.hidden)
    schedule = schedules.binomial(6, 2)
    out = Gradient.like(net.parameters.astype(complex), SIZES)
    with kernel_arithmetic():
        pool = Pool(schedule, layers, 9)
        execute(schedule, layers, net.loss, x.astype(complex), y.astype(complex), pool=pool, out=out)
    assert np.allclose(out.vector, net.backprop(x, y).vector, rtol=1e-12)


# ---------------------------------------------------------------- bytes


def above(net: Any, x: Any, y: Any, schedule: Schedule | None, dropout: Any = None) -> int:
    """Bytes held at the peak of a gradient computation, above those held before and those returned."""
    gc.collect()
    tracemalloc.start()
    try:
        result = net.backprop(x, y, schedule=schedule, dropout=dropout)
        now, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert result.vector.nbytes <= now
    return peak - now


SLACK = 16 * 1024


@pytest.mark.parametrize(
    "name",
    ["sigmoid", *(pytest.param(name, marks=pytest.mark.slow) for name in ("tanh", "relu", "identity"))],
)
def test_the_peak_is_slots_plus_two_states(name: str) -> None:
    d, b, pairs = 256, 1024, 0  # a state has 1 MiB
    x = np.random.default_rng(0).standard_normal((d, b)).astype(np.float32)
    for n in range(1, 10):
        net = mlp.Network.initialize([d] * (n + 1), hidden=name, loss="squared_error")
        assert 0 <= above(net, x, x, None) - (n + 1) * x.nbytes <= SLACK or n == 1
        for s in range(1, n + 1):
            states = min(s + 2, n + 1) if n > 1 else 1
            assert 0 <= above(net, x, x, schedules.binomial(n, s)) - states * x.nbytes <= SLACK, (n, s)
            pairs += states == s + 2
    assert pairs >= 30


def test_the_loss_adds_two_rows_and_other_activations_their_workspace(hidden: Any) -> None:
    d = b = 512
    x = np.random.default_rng(0).standard_normal((d, b)).astype(np.float32)
    y = mlp.data.one_hot(np.arange(b), d)
    net = mlp.Network.initialize([d] * 6, hidden=hidden)
    work, rows = getattr(hidden, "workspace", 0), 2 * 4 * b
    for s in (1, 2, 3):
        extra = above(net, x, y, schedules.binomial(5, s)) - (s + 2 + work) * x.nbytes
        assert 0 <= extra <= SLACK + rows


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_masks_and_rows_are_there_a_few_at_a_time(loss: str, dtype: Any) -> None:
    """A row of so wide a batch is more than Python's own objects; of a mask there is one row at a time."""
    b, dropout = 2**14, mlp.Dropout(0.5, 0, 0)
    x = np.random.default_rng(0).standard_normal((8, b)).astype(dtype)
    y = mlp.data.one_hot(np.arange(b) % 8, 8, dtype)
    net = mlp.Network.initialize([8] * 6, hidden="tanh", loss=loss, dtype=dtype)
    for s in (1, 3):
        schedule, row = schedules.binomial(5, s), x.nbytes // 8
        said, dropped = predict(net, b, schedule), predict(net, b, schedule, dropout=True)
        assert said.states + said.adjoints - x.nbytes == (s + 2) * x.nbytes and said.masks == 0
        assert said.workspace == (3 if net.loss.distributions else 1) * row > 2 * SLACK
        plain = above(net, x, y, schedule)
        assert 0 <= plain - (s + 2) * x.nbytes - row <= said.workspace - row + SLACK
        assert row < dropped.masks < x.nbytes
        assert 0 <= above(net, x, y, schedule, dropout) - plain - dropped.masks <= SLACK


UNEQUAL = [300, 512, 100, 700, 256, 256, 10, 400]


@pytest.mark.parametrize("needs", ["output", "input"])
def test_unequal_widths_hold_the_bytes_of_the_ledger(needs: str) -> None:
    b, rng = 512, np.random.default_rng(0)
    phi = Quiet(needs)
    net = mlp.Network.initialize(UNEQUAL, hidden=phi, loss="squared_error")
    x, y = (rng.standard_normal((d, b)).astype(np.float32) for d in (300, 400))
    plain = above(net, x, y, None)
    predicted = predict(net, b)
    assert 0 <= plain - (predicted.states + predicted.adjoints - x.nbytes) <= SLACK + 4096
    lower = 0
    for schedule in [schedules.store_all(7), *every(7)]:
        ledger = simulate(schedule, UNEQUAL, b, np.float32, needs=needs)  # type: ignore[arg-type]
        held = above(net, x, y, schedule)
        assert 0 <= held - (ledger.peak_bytes - x.nbytes) <= SLACK + 4096
        lower += held < plain
    assert lower > 10


@pytest.mark.parametrize("needs", ["output", "input"])
def test_the_input_is_no_output_of_an_activation(needs: Any) -> None:
    ledger = simulate(schedules.store_all(1), [5, 3], needs=needs)
    assert ledger.peak_arrays == 2 and ledger.peak_bytes == 5 + 3


class Quiet(Counting):
    """The same without arrays of its own."""

    def multiply_derivative(self, delta: Any, state: Any) -> None:
        if self.needs == "input":
            np.tanh(state, out=state)
        np.square(state, out=state)
        np.subtract(1, state, out=state)
        np.multiply(delta, state, out=delta)


def test_a_pool_that_is_kept_allocates_nothing_the_second_time() -> None:
    d = b = 512
    rng = np.random.default_rng(0)
    net = mlp.Network.initialize([d] * 9, hidden="tanh", loss="squared_error")
    x, schedule, gradient = rng.random((d, b), np.float32), schedules.binomial(8, 3), None
    layers, gradient = net.layers, Gradient.like(net.parameters, net.sizes)
    with kernel_arithmetic():
        pool = Pool(schedule, layers, b)
        run = lambda: execute(schedule, layers, net.loss, x, x, pool=pool, out=gradient)  # noqa: E731
        run()
        assert measure(run) < 8 * 1024


def test_a_peak_is_measured_although_there_was_a_higher_one() -> None:
    tracemalloc.start()
    try:
        np.zeros(200_000)
        assert 800_000 <= measure(lambda: np.zeros(100_000)) < 801_000
        assert tracemalloc.is_tracing()
    finally:
        tracemalloc.stop()


def test_predicted_bytes_add_up() -> None:
    net = mlp.Network.initialize([50, *[30] * 9, 10], hidden="tanh")
    held = predict(net, 40, schedules.binomial(10, 3), moments=2, dropout=True)
    assert held.parameters == held.gradients == net.parameters.nbytes and held.moments == 2 * held.parameters
    assert held.states + held.adjoints == simulate(schedules.binomial(10, 3), net.sizes, 40).peak_bytes
    assert held.masks == 30 * 40 * 6 and held.workspace == 3 * 40 * 4 and held.total == sum(held)


@pytest.mark.slow
def test_ten_thousand_layers_within_twenty_states() -> None:
    d, n = 64, 10_000
    net = mlp.Network.initialize([d] * (n + 1), hidden="tanh", loss="squared_error")
    for w in net.weights:
        w[...] = np.linalg.qr(np.random.default_rng(len(w)).standard_normal((d, d)))[0]
    x = 0.01 * np.random.default_rng(1).standard_normal((d, 4096)).astype(np.float32)
    schedule = schedules.binomial(n, slots=17)
    g = net.backprop(x, x, schedule=schedule)
    assert abs(g.nabla_w[0]).max() > 1e-6
    gradient, layers = Gradient.like(net.parameters, net.sizes), net.layers

    def step() -> None:
        execute(schedule, layers, net.loss, x, x, pool=Pool(schedule, layers, 4096), out=gradient)

    with kernel_arithmetic():
        assert 19 * x.nbytes <= measure(step) <= 20 * x.nbytes
    assert np.array_equal(gradient.vector, g.vector)


# ---------------------------------------------------------------- the command


def test_the_command_prints_the_table_and_a_schedule(capsys: pytest.CaptureFixture[str]) -> None:
    net = ["784", "1000", "1000", "10", "--batch", "4096"]
    assert main([*net, "--budget", "80MB"]) == 0
    said = capsys.readouterr().out
    assert "Within 80,000,000 bytes" in said and "Reverse(layer=3)" in said and "plain loop" in said
    assert main([*net, "--budget", "64MB"]) == 1
    said = capsys.readouterr().out
    assert (
        "at least 76414288 bytes, got 64000000" in said and "Within 76,414,288 bytes: 4 evaluations" in said
    )
    rows = [
        line
        for line in said.splitlines()
        if line.startswith(("plain", "uniform", "triang", "bisect", "bino"))
    ]
    assert len(rows) == 6 and all(line.endswith("  too much") for line in rows)
    assert main([*net, "--budget", "76500kB"]) == 0
    assert capsys.readouterr().out.count("too much") == 3  # the plain loop, bisection, two slots
    assert main([*net, "--budget", "lots"]) == 2
    assert "expected a number of bytes" in capsys.readouterr().err
    assert main(["5", "--batch", "2"]) == 2
