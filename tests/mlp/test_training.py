"""Training: what a step does, reproducibility, divergence, records, the bar, and what is learnt."""

import io
import math
import os
import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import mlp
from mlp import Diverged, Network, Record, training

RNG = np.random.default_rng(0)
X = RNG.random((6, 25))
Y = mlp.data.one_hot(RNG.integers(0, 3, 25), 3, np.float64)


def network(**options: Any) -> Network:
    """A small network in float64."""
    return Network.initialize([6, 5, 3], dtype=np.float64, **options)


def test_an_epoch_is_shuffled_steps_down_the_gradient(hidden: Any, loss: str) -> None:
    ours, reference = network(hidden=hidden, loss=loss), network(hidden=hidden, loss=loss)
    (record,) = mlp.train(ours, X, Y, epochs=1, batch_size=10, learning_rate=0.3, rng=7)
    order, losses = np.random.default_rng(7).permutation(25), []
    for chosen in (order[:10], order[10:20], order[20:]):
        g = reference.backprop(X[:, chosen], Y[:, chosen])
        for k in range(reference.depth):
            reference.weights[k][...] -= 0.3 * g.nabla_w[k]
            reference.biases[k][...] -= 0.3 * g.nabla_b[k]
        losses.append(g.loss)
    assert np.allclose(ours.parameters, reference.parameters, rtol=1e-12)
    assert record.loss == pytest.approx(np.mean(losses), rel=1e-13)


def test_masks_belong_to_the_seed_of_the_epoch_and_the_number_of_the_step() -> None:
    ours, reference, rng = network(), network(), np.random.default_rng(7)
    list(mlp.train(ours, X, Y, epochs=2, batch_size=10, learning_rate=0.3, dropout=0.5, rng=7))
    for epoch in range(2):
        order, seed = rng.permutation(25), int(rng.integers(2**63))
        for step, chosen in enumerate((order[:10], order[10:20], order[20:]), start=3 * epoch):
            dropout = mlp.Dropout(0.5, seed, step)
            reference.parameters[...] -= (
                0.3 * reference.backprop(X[:, chosen], Y[:, chosen], None, dropout).vector
            )
    assert np.allclose(ours.parameters, reference.parameters, rtol=1e-12)


def test_the_default_learning_rate_is_one() -> None:
    default, one = network(), network()
    list(mlp.train(default, X, Y, epochs=2))
    list(mlp.train(one, X, Y, epochs=2, learning_rate=1.0))
    assert np.array_equal(default.parameters, one.parameters)


def test_the_same_seed_gives_the_same_bits(hidden: Any, loss: str) -> None:
    def trained(seed: int) -> Any:
        net = network(hidden=hidden, loss=loss)
        records = list(mlp.train(net, X, Y, epochs=4, batch_size=8, learning_rate=0.1, rng=seed))
        return net.parameters, [r.loss for r in records]

    one, two, other = trained(5), trained(5), trained(6)
    assert np.array_equal(one[0], two[0]) and one[1] == two[1]
    assert not np.array_equal(one[0], other[0])


def test_records(loss: str) -> None:
    net = network(loss=loss)
    records = list(mlp.train(net, X, Y, epochs=3, learning_rate=0.1, validation=(X, Y)))
    assert [r.epoch for r in records] == [1, 2, 3]
    assert records[-1].loss < records[0].loss and all(r.seconds > 0 for r in records)
    right = net.predict(X).argmax(axis=0) == Y.argmax(axis=0)
    assert records[-1].accuracy == mlp.accuracy(net, X, Y) == right.mean()
    assert next(mlp.train(net, X, Y, epochs=1)).accuracy is None
    with pytest.raises(AttributeError):
        records[0].loss = 0.0  # type: ignore[misc]


def test_training_waits_to_be_asked() -> None:
    net = network()
    before = net.parameters.copy()
    run = mlp.train(net, X, Y, epochs=2)
    assert np.array_equal(net.parameters, before) and iter(run) is run
    next(run)
    once = net.parameters.copy()
    assert not np.array_equal(once, before) and run.epoch == 1
    next(run)
    assert not np.array_equal(net.parameters, once)
    with pytest.raises(StopIteration):
        next(run)


@pytest.mark.parametrize("batch_size", [1, 7, 25, 26, 1000])
def test_every_example_is_used_once(batch_size: int) -> None:
    run = mlp.train(network(), X, Y, epochs=1, batch_size=batch_size)
    used: list[int] = []
    step = run.step
    run.step = lambda chosen: (used.extend(chosen), step(chosen))[1]  # type: ignore[method-assign]
    next(run)
    assert sorted(used) == list(range(25))


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("order", ["C", "F"])
def test_data_are_converted_once_and_never_written(dtype: Any, order: Any) -> None:
    x, y = np.array(X, dtype, order=order), np.array(Y, dtype, order=order)
    x.flags.writeable = y.flags.writeable = False
    net = Network.initialize([6, 5, 3])
    run = mlp.train(net, x, y, epochs=1, validation=(x, y))
    next(run)
    assert run.x.dtype == run.y.dtype == net.parameters.dtype == np.float32
    assert np.shares_memory(run.x, x) == (dtype is np.float32 and order == "F")  # no copy of large data


@pytest.mark.parametrize("name", mlp.activations.by_name)
def test_divergence_restores_the_start_of_the_epoch(name: str) -> None:
    net = Network.initialize([6, 5, 4, 3], hidden=name, loss="squared_error")
    x, y = X.astype(np.float32), 1e3 * Y.astype(np.float32)
    run, starts = mlp.train(net, x, y, epochs=500, batch_size=10, learning_rate=1e12), []
    with pytest.raises(Diverged, match="smaller learning rate") as caught:  # noqa: PT012
        while True:
            starts.append(net.parameters.copy())
            next(run)
    error = caught.value
    assert np.array_equal(net.parameters, starts[-1]) and np.isfinite(starts[-1]).all()
    assert error.epoch == len(starts) and 1 <= error.batch <= 3 and error.layer == 3
    copied = pickle.loads(pickle.dumps(error))
    assert (copied.epoch, copied.batch, copied.layer) == (error.epoch, error.batch, error.layer)


def test_divergence_is_seen_before_the_update() -> None:
    net = network()
    net.weights[1][0, 0] = np.nan
    spoilt = net.parameters.copy()
    with pytest.raises(Diverged) as caught:
        next(mlp.train(net, X, Y, epochs=1, batch_size=25))
    assert (caught.value.epoch, caught.value.batch, caught.value.layer) == (1, 1, 2)
    assert np.array_equal(net.parameters, spoilt, equal_nan=True)


def test_divergence_in_the_last_smaller_batch() -> None:
    run = mlp.train(network(), X, Y, epochs=1, batch_size=10, rng=0)
    run.x = run.x.copy()
    run.x[np.random.default_rng(0).permutation(25)[22]] = np.nan
    with pytest.raises(Diverged) as caught:
        next(run)
    assert (caught.value.epoch, caught.value.batch, caught.value.layer) == (1, 3, 1)


OPTIMIZERS: list[dict[str, Any]] = [
    {"learning_rate": 1e12},
    {"learning_rate": 1e12, "momentum": 0.5},
    {"learning_rate": 1e12, "momentum": 0.5, "optimizer": "nesterov"},
    {"learning_rate": 1e36, "optimizer": "adam"},
    {"learning_rate": 1e12, "l2": 0.1},
]


def all_of(run: training.Run) -> tuple[Any, ...]:
    """The state of a run and the steps it has counted, as things that can be compared."""
    state = run.state()
    return state.epoch, state.parameters.tobytes(), state.moments.tobytes(), state.generator, run.steps


@pytest.mark.parametrize("options", OPTIMIZERS)
def test_divergence_restores_everything(options: dict[str, Any]) -> None:
    net = Network.initialize([6, 5, 4, 3], hidden="relu", loss="squared_error")
    settings = {"epochs": 500, "batch_size": 10, **options, "learning_rate": 1e-4}
    run = mlp.train(net, X.astype(np.float32), Y.astype(np.float32), **settings)
    next(run)
    before, run.learning_rate = all_of(run), options["learning_rate"]
    where = []
    for _ in range(2):  # and it diverges again, in the same way
        with pytest.raises(Diverged) as caught:
            next(run)
        assert all_of(run) == before
        where.append((caught.value.epoch, caught.value.batch, caught.value.layer))
    assert where[0] == where[1] and where[0][:2] in ((2, 2), (2, 3))
    run.learning_rate = 1e-4
    assert next(run).epoch == 2


@pytest.mark.parametrize("rate", [-0.1, 0.0, math.nan, "0.1", None])
def test_a_learning_rate_that_is_changed_is_checked(rate: Any) -> None:
    net = network()
    run = mlp.train(net, X, Y, epochs=3)
    next(run)
    before, run.learning_rate = all_of(run), rate
    with pytest.raises((TypeError, ValueError), match="learning_rate: expected a positive"):
        next(run)
    assert all_of(run) == before
    run.learning_rate = 0.1
    assert next(run).epoch == 2


def test_an_update_to_infinity_at_the_end_of_an_epoch_is_seen() -> None:
    net = Network.initialize([6, 5, 3])
    before = net.parameters.copy()
    run = mlp.train(net, X.astype(np.float32), Y.astype(np.float32), epochs=1, learning_rate=1e300)
    with pytest.raises(Diverged) as caught:
        next(run)
    assert (caught.value.epoch, caught.value.batch, caught.value.layer) == (1, 1, 1)
    assert np.array_equal(net.parameters, before)


def test_infinite_moments_are_seen() -> None:
    net = Network.initialize([6, 5, 3], hidden="identity", loss="squared_error")
    run = mlp.train(net, 1e3 * X.astype(np.float32), 1e17 * Y, epochs=1, optimizer="adam")
    with pytest.raises(Diverged):  # the squares of the gradient, while the loss is finite
        next(run)
    assert not run.optimizer.moments.any()


@pytest.mark.parametrize("options", [{}, {"optimizer": "adam"}, {"momentum": 0.5, "l2": 0.1}])
def test_an_interrupted_epoch_has_not_happened(
    options: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    net, twin = network(), network()
    run = mlp.train(net, X, Y, epochs=3, batch_size=10, **options)
    next(run)
    before, steps = all_of(run), []

    def interrupted(chosen: Any, step: Any = run.step) -> Any:
        steps.append(1)
        if len(steps) == 3:
            raise KeyboardInterrupt
        return step(chosen)

    with monkeypatch.context() as patched:
        patched.setattr(run, "step", interrupted)
        with pytest.raises(KeyboardInterrupt):
            next(run)
    assert all_of(run) == before
    assert [record.epoch for record in run] == [2, 3]
    list(mlp.train(twin, X, Y, epochs=3, batch_size=10, **options))
    assert np.array_equal(net.parameters, twin.parameters)


@pytest.mark.parametrize("optimizer", ["sgd", "nesterov", "adam"])
def test_the_same_seed_gives_the_same_bits_with_every_optimizer(optimizer: str) -> None:
    momentum = 0.5 if optimizer == "nesterov" else 0.0

    def trained(seed: int) -> Any:
        net = network()
        options = {"optimizer": optimizer, "momentum": momentum, "learning_rate": 0.01, "l2": 0.01}
        list(mlp.train(net, X, Y, epochs=3, batch_size=8, rng=seed, **options))
        return net.parameters

    assert np.array_equal(trained(5), trained(5)) and not np.array_equal(trained(5), trained(6))


class Terminal(io.StringIO):
    """A stderr that is a terminal, or is not."""

    def __init__(self, is_terminal: bool) -> None:
        super().__init__()
        self.is_terminal = is_terminal

    def isatty(self) -> bool:
        return self.is_terminal


@pytest.mark.parametrize("is_terminal", [True, False])
def test_the_bar_shows_on_a_terminal_only(is_terminal: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    seconds = iter(np.arange(0, 1000, 0.5))
    monkeypatch.setattr(training, "perf_counter", lambda: next(seconds))
    monkeypatch.setattr("sys.stderr", screen := Terminal(is_terminal))
    list(mlp.train(network(), X, Y, epochs=2, batch_size=5))
    text = screen.getvalue()
    assert text.endswith("\r\x1b[K") if is_terminal else text == ""
    assert ("\r" + "#" * 20 + "." * 20 + "  50%" in text) == is_terminal
    assert ("\r" + "#" * 40 + " 100%" in text) == is_terminal


def test_the_bar_goes_on_where_the_file_ends(tmp_path: Path) -> None:
    net = network()
    run = mlp.train(net, X, Y, epochs=2, batch_size=5)
    next(run)
    mlp.save(net, tmp_path / "net", training=run)
    assert mlp.train(net, X, Y, epochs=2, batch_size=5, resume=tmp_path / "net").progress.done == 5


def test_no_bar_in_the_first_second(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stderr", screen := Terminal(True))
    next(mlp.train(network(), X, Y, epochs=1, batch_size=5))
    assert "#" not in screen.getvalue()


def learnt(
    data: mlp.data.Examples, sizes: list[int], seed: int, **options: Any
) -> tuple[float, list[Record]]:
    """The accuracy on the test examples after training with these options, and the records."""
    net = Network.initialize(sizes, rng=seed)
    y, y_test = (mlp.data.one_hot(labels, 10) for labels in (data.labels_train, data.labels_test))
    records = list(mlp.train(net, data.x_train, y, rng=seed, **options))
    return mlp.accuracy(net, data.x_test, y_test), records


def test_digits_by_known_writers() -> None:
    scores = [learnt(mlp.data.digits(rng=s), [64, 30, 10], s, epochs=60, batch_size=20)[0] for s in range(10)]
    assert np.mean(scores) >= 0.97


def test_digits_by_new_writers_are_harder() -> None:
    scores = [learnt(mlp.data.digits(), [64, 30, 10], s, epochs=60, batch_size=20)[0] for s in range(5)]
    assert 0.89 <= np.mean(scores) <= 0.94


@pytest.fixture(scope="session")
def mnist() -> mlp.data.Examples:
    """MNIST's 10,000 test images, if their folder is named."""
    if "MLP_MNIST" not in os.environ:
        pytest.skip("MLP_MNIST names no folder with MNIST's files")
    return mlp.data.mnist(Path(os.environ["MLP_MNIST"]))


# Learning rate and epochs were chosen on the 8,000: training on the first 6,400, testing on the other 1,600.
# How many seconds they take is asked in test_speed.py.
@pytest.mark.parametrize(("epochs", "learning_rate", "at_least"), [(3, 1.0, 0.90), (20, 2.0, 0.945)])
def test_mnist(mnist: mlp.data.Examples, epochs: int, learning_rate: float, at_least: float) -> None:
    options = {"epochs": epochs, "learning_rate": learning_rate, "batch_size": 100}
    scores = [learnt(mnist, [784, 30, 10], seed, **options)[0] for seed in range(5)]
    assert np.mean(scores) >= at_least


def every_schedule(n: int) -> list[Any]:
    return [
        mlp.schedules.store_all(n),
        mlp.schedules.triangular(n),
        mlp.schedules.bisection(n),
        mlp.schedules.uniform(n),
        *(mlp.schedules.binomial(n, s) for s in (1, 2, 3)),
    ]


@pytest.mark.parametrize("optimizer", ["sgd", "adam"])
@pytest.mark.parametrize("dropout", [0.0, 0.3])
@pytest.mark.parametrize("dtype", [np.float32, pytest.param(np.float64, marks=pytest.mark.slow)])
def test_schedules_train_to_the_same_bits(
    hidden: Any, loss: str, optimizer: str, dropout: float, dtype: Any
) -> None:
    """After fifty steps, for every kind of schedule; some recompute and hold less, and all have moved far."""
    rng = np.random.default_rng(1)
    x = rng.standard_normal((5, 49)).astype(dtype)
    y = mlp.data.one_hot(rng.integers(0, 3, 49), 3, dtype)
    found = []
    for schedule in [None, *every_schedule(6)]:
        net = mlp.Network.initialize([5, 4, 6, 5, 4, 4, 3], hidden=hidden, loss=loss, dtype=dtype, rng=2)
        settings = {"batch_size": 7, "optimizer": optimizer, "learning_rate": 0.01, "dropout": dropout}
        before = net.parameters.copy()
        run = mlp.train(net, x, y, epochs=8, schedule=schedule, **settings)
        for _ in run:
            pass
        assert run.steps == 56 and abs(net.parameters - before).max() > 1e-3
        found.append(net.parameters)
    assert all(np.array_equal(found[0], other) for other in found[1:])
    most, *others = (mlp.memory.simulate(schedule) for schedule in every_schedule(6))
    assert all(ledger.recomputed > 0 and ledger.peak_states < most.peak_states for ledger in others)


def test_dropout_in_training_is_repeatable_and_resumed(tmp_path: Path) -> None:
    x = np.random.default_rng(1).standard_normal((5, 40)).astype(np.float32)
    y = mlp.data.one_hot(np.arange(40) % 3, 3)
    ends = []
    for stop in (6, 2):
        net = mlp.Network.initialize([5, 8, 8, 3], hidden="tanh", rng=2)
        run = mlp.train(net, x, y, epochs=6, batch_size=7, dropout=0.5, learning_rate=0.1)
        for record in run:
            if record.epoch == stop:
                mlp.save(net, tmp_path / "half.npz", training=run)
                break
        if stop < 6:
            net = mlp.Network.initialize([5, 8, 8, 3], hidden="tanh", rng=7)
            settings = {"batch_size": 7, "dropout": 0.5, "learning_rate": 0.1}
            for _ in mlp.train(net, x, y, epochs=6, resume=tmp_path / "half.npz", **settings):
                pass
        ends.append(net.parameters.copy())
    assert np.array_equal(*ends)


def test_schedules_and_rates_are_checked_when_train_is_called() -> None:
    net, x, y = mlp.Network.initialize([2, 3, 2]), np.ones((2, 4), np.float32), np.eye(2, 4, dtype=np.float32)
    y[0, 2:] = 1
    with pytest.raises(ValueError, match="schedule: expected"):
        mlp.train(net, x, y, epochs=1, schedule=mlp.schedules.store_all(3))
    with pytest.raises(ValueError, match="dropout: expected a number from 0 to less than 1"):
        mlp.train(net, x, y, epochs=1, dropout=1.0)
