"""Files: what comes back, what is refused, and what is left when saving is interrupted."""

import io
import json
import os
import pickle
import signal
import subprocess
import sys
import time
import tracemalloc
import zipfile
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import mlp
from mlp import Network, files

RNG = np.random.default_rng(0)
X = RNG.random((6, 25))
Y = mlp.data.one_hot(RNG.integers(0, 3, 25), 3, np.float64)

KINDS: dict[str, dict[str, Any]] = {
    "sgd": {"optimizer": "sgd"},
    "momentum": {"optimizer": "sgd", "momentum": 0.5, "learning_rate": 0.1},
    "nesterov": {"optimizer": "nesterov", "momentum": 0.5, "learning_rate": 0.1},
    "adam": {"optimizer": "adam", "learning_rate": 0.01},
}


def network(**options: Any) -> Network:
    return Network.initialize([6, 5, 3], **{"dtype": np.float64, **options})


def same(one: Network, two: Network) -> bool:
    """The same network, to the last bit."""
    return (
        (one.sizes, one.hidden.name, one.loss.name) == (two.sizes, two.hidden.name, two.loss.name)
        and one.parameters.dtype == two.parameters.dtype
        and one.parameters.tobytes() == two.parameters.tobytes()
    )


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_what_is_saved_comes_back(hidden: Any, loss: str, dtype: Any, tmp_path: Path) -> None:
    net = network(hidden=hidden, loss=loss, dtype=dtype, rng=3)
    mlp.save(net, tmp_path / "net.npz")
    found = mlp.load(tmp_path / "net.npz", activations={hidden.name: hidden})
    assert same(found, net) and found.parameters.dtype.isnative
    assert np.array_equal(found.predict(X), net.predict(X))
    found.weights[0][...] = 0  # its parameters can be written, and its weights are views of them
    assert found.parameters[0] == 0


def test_every_bit_pattern_comes_back(tmp_path: Path) -> None:
    net = network(dtype=np.float32)
    net.parameters[:5] = [np.nan, np.inf, -0.0, 1e-45, np.float32(3.4e38)]
    mlp.save(net, tmp_path / "net")
    assert same(mlp.load(tmp_path / "net"), net)


def test_numpy_and_unzip_read_it(tmp_path: Path) -> None:
    net, path = network(), tmp_path / "net.npz"
    mlp.save(net, path)
    with np.load(path) as stored:
        assert np.array_equal(stored["parameters"], net.parameters)
        assert json.loads(stored["about.json"])["sizes"] == [6, 5, 3]


@pytest.mark.parametrize("name", KINDS)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("l2", [0.0, 0.01])
def test_resumed_training_ends_in_the_same_bits(name: str, dtype: Any, l2: float, tmp_path: Path) -> None:
    options = {"epochs": 5, "batch_size": 10, "l2": l2, **KINDS[name]}
    whole = network(dtype=dtype)
    records = list(mlp.train(whole, X, Y, rng=4, **options))
    for done in range(6):  # a border of epochs, the start and the end among them
        path, first = tmp_path / f"{done}.npz", network(dtype=dtype)
        run = mlp.train(first, X, Y, rng=4, **options)
        for _ in range(done):
            next(run)
        mlp.save(first, path, training=run)
        next(run, None)  # what goes on after saving changes nothing
        second = network(dtype=dtype, rng=9)
        rest = list(mlp.train(second, X, Y, rng=8, resume=path, **options))
        assert [r.epoch for r in rest] == list(range(done + 1, 6))
        assert [r.loss for r in rest] == [r.loss for r in records[done:]]
        assert same(second, whole)


def test_resuming_twice_and_longer(tmp_path: Path) -> None:
    options = {"batch_size": 10, **KINDS["adam"]}
    whole, parts = network(), network()
    list(mlp.train(whole, X, Y, epochs=6, **options))
    run = mlp.train(parts, X, Y, epochs=1, **options)
    for epochs in (2, 4, 6):
        list(run)
        mlp.save(parts, tmp_path / "net.npz", training=run)
        run = mlp.train(parts, X, Y, epochs=epochs, resume=tmp_path / "net.npz", **options)
    list(run)
    assert same(parts, whole)


def test_a_generator_in_the_middle_of_its_stream_is_continued(tmp_path: Path) -> None:
    rng, twin = np.random.default_rng(6), np.random.default_rng(6)
    for generator in (rng, twin):
        generator.random(5, np.float32)  # leaves half of a 64-bit number for later
    whole, parts = network(), network()
    list(mlp.train(whole, X, Y, epochs=4, batch_size=10, rng=twin))
    run = mlp.train(parts, X, Y, epochs=4, batch_size=10, rng=rng)
    next(run)
    mlp.save(parts, tmp_path / "net", training=run)
    other = np.random.default_rng(1)
    before = other.bit_generator.state
    list(mlp.train(parts, X, Y, epochs=4, batch_size=10, resume=tmp_path / "net", rng=other))
    assert same(parts, whole) and other.bit_generator.state == before  # it is not used


def test_a_changed_rate_is_saved(tmp_path: Path) -> None:
    net = network()
    run = mlp.train(net, X, Y, epochs=4)
    next(run)
    run.learning_rate = 0.25
    mlp.save(net, tmp_path / "net", training=run)
    with pytest.raises(ValueError, match=r"learning_rate: expected 0\.25, as in .*net, got 1\.0"):
        mlp.train(net, X, Y, epochs=4, resume=tmp_path / "net")
    assert len(list(mlp.train(net, X, Y, epochs=4, learning_rate=0.25, resume=tmp_path / "net"))) == 3


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"batch_size": 11}, "batch_size: expected 10"),
        ({"optimizer": "adam", "momentum": 0.0}, "optimizer: expected 'sgd'"),
        ({"momentum": 0.25}, r"momentum: expected 0\.5"),
        ({"learning_rate": 0.2}, r"learning_rate: expected 0\.1"),
        ({"l2": 0.1}, r"l2: expected 0\.0"),
        ({"dropout": 0.5}, r"dropout: expected 0\.0"),
        ({"epochs": 1}, "epochs: expected at least 2"),
        ({"net": network(dtype=np.float32)}, "dtype: expected 'float64'"),
        ({"net": network(hidden="tanh")}, "hidden: expected 'sigmoid'"),
        ({"net": network(loss="squared_error")}, "loss: expected 'cross_entropy'"),
        ({"net": Network.initialize([6, 4, 3])}, r"sizes: expected \[6, 5, 3\]"),
        ({"x": X[:, :24], "y": Y[:, :24]}, "examples: expected 25"),
    ],
)
def test_another_run_is_not_resumed(change: dict[str, Any], words: str, tmp_path: Path) -> None:
    options: dict[str, Any] = {"net": network(), "x": X, "y": Y, "epochs": 3, "batch_size": 10}
    options.update(KINDS["momentum"])
    run = mlp.train(**options)
    next(run)
    next(run)
    mlp.save(options["net"], tmp_path / "net", training=run)
    options.update(change)
    before = options["net"].parameters.copy()
    with pytest.raises(ValueError, match=words):
        mlp.train(**options, resume=tmp_path / "net")
    assert np.array_equal(options["net"].parameters, before)


def test_a_network_alone_is_not_resumed(tmp_path: Path) -> None:
    mlp.save(network(), tmp_path / "net")
    with pytest.raises(ValueError, match="training=run"):
        mlp.train(network(), X, Y, epochs=1, resume=tmp_path / "net")


def test_what_save_refuses(tmp_path: Path) -> None:
    class Pretender(mlp.activations.Tanh):
        name = "relu"

    net, path = network(), tmp_path / "net"
    run = mlp.train(net, X, Y, epochs=1)
    odd = mlp.train(net, X, Y, epochs=1, rng=np.random.Generator(np.random.Philox(0)))
    loss = type("Own", (), {"name": "own"})()
    strange = Network(net.sizes, net.hidden, loss, net.parameters)
    for arguments, error, words in (
        ((path, net), TypeError, r"mlp\.save\(net, path\)"),
        ((network(hidden=Pretender()), path), ValueError, "a name of its own"),
        ((strange, path), ValueError, r"numpy\.save"),
        ((network(), path, run), ValueError, "the run that trains net"),
        ((net, path, net), ValueError, "the run that trains net"),
        ((net, path, odd), ValueError, "default_rng"),
    ):
        with pytest.raises(error, match=words):
            mlp.save(*arguments)  # type: ignore[arg-type]
    assert not list(tmp_path.iterdir())


def test_a_custom_activation_is_asked_for(activations: dict[str, Any], tmp_path: Path) -> None:
    net = network(hidden=activations["swish"])
    mlp.save(net, tmp_path / "net")
    remedy = r"'swish'\. Write mlp\.load\(path, activations=\{'swish': \.\.\.\}\)"
    with pytest.raises(ValueError, match=remedy):
        mlp.load(tmp_path / "net")
    with pytest.raises(TypeError, match="hidden"):
        mlp.load(tmp_path / "net", activations={"swish": print})  # type: ignore[dict-item]
    swish = activations["swish"]
    assert mlp.load(tmp_path / "net", activations={"swish": swish}).hidden is swish


def test_no_file() -> None:
    with pytest.raises(FileNotFoundError):
        mlp.load("/nowhere/net.npz")


@pytest.fixture
def saved(tmp_path: Path) -> Path:
    """A network with its training, in a small file."""
    net = Network.initialize([2, 2, 2])
    data = X[:2], mlp.data.one_hot(np.arange(25) % 2, 2, np.float64)
    run = mlp.train(net, *data, epochs=2, optimizer="adam")
    next(run)
    mlp.save(net, tmp_path / "net", training=run)
    return tmp_path / "net"


def test_a_flipped_byte_is_never_a_wrong_network(saved: Path) -> None:
    good, stored = saved.read_bytes(), files.read(saved)
    refused = 0
    for place in range(len(good)):
        for mask in (0xFF, 1 << place % 8):
            saved.write_bytes(good[:place] + bytes([good[place] ^ mask]) + good[place + 1 :])
            try:
                found = files.read(saved)
            except ValueError:
                refused += 1
            else:  # a byte that nobody reads, such as a time of day
                assert found.about == stored.about and found.training == stored.training
                assert found.parameters.tobytes() == stored.parameters.tobytes()
                assert found.moments.tobytes() == stored.moments.tobytes()
    assert refused > 1.2 * len(good)


def test_a_file_cut_anywhere_is_refused(saved: Path) -> None:
    good = saved.read_bytes()
    for length in range(len(good)):
        saved.write_bytes(good[:length])
        with pytest.raises(ValueError, match=r"a file that mlp\.save wrote"):
            files.read(saved)


@pytest.mark.parametrize("seed", range(200))
def test_noise_in_a_file_is_never_a_wrong_network(seed: int, saved: Path) -> None:
    rng, content = np.random.default_rng(seed), bytearray(saved.read_bytes())
    stored = files.read(saved)
    start = int(rng.integers(len(content)))
    content[start : start + int(rng.integers(1, 200))] = rng.bytes(int(rng.integers(200)))
    saved.write_bytes(content)
    try:
        found = files.read(saved)
    except ValueError:
        return
    assert found.about == stored.about and found.parameters.tobytes() == stored.parameters.tobytes()


@pytest.mark.parametrize("content", [b"", b"PK", b"\x93NUMPY", b"<!doctype html>", b"\0" * 1000])
def test_a_foreign_file_is_refused(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "net").write_bytes(content)
    with pytest.raises(ValueError, match=r"a file that mlp\.save wrote"):
        mlp.load(tmp_path / "net")


def test_a_foreign_archive_is_refused(tmp_path: Path) -> None:
    np.savez(tmp_path / "net.npz", images=np.zeros(3))
    with pytest.raises(ValueError, match=r"about\.json"):
        mlp.load(tmp_path / "net.npz")


class Bomb:
    """What a pickle can do: call anything."""

    def __reduce__(self) -> Any:
        return os.mkdir, ("boom",)


def npy(array: Any, **changes: Any) -> bytes:
    """A .npy file of `array`, with changes in its header."""
    stream = io.BytesIO()
    header = {"descr": array.dtype.str, "fortran_order": False, "shape": array.shape, **changes}
    np.lib.format.write_array_header_1_0(stream, header)
    return stream.getvalue() + array.tobytes()


def forge(path: Path, about: Any, members: dict[str, bytes], **options: Any) -> None:
    """A file with a digest that fits its description and the members' bytes, as an attacker would make it."""
    text = json.dumps(about).encode()
    total = sha256(text + members["parameters.npy"][128:] + members["moments.npy"][128:])
    with zipfile.ZipFile(path, "w", **options) as archive:
        archive.writestr("about.json", text)
        for name, content in members.items():
            archive.writestr(name, content)
        archive.writestr("sha256", total.hexdigest())


ABOUT = {"format": 1, "sizes": [2, 1], "hidden": "tanh", "loss": "squared_error", "dtype": "float32"}
THREE = np.arange(3, dtype="<f4")
MEMBERS = {"parameters.npy": npy(THREE), "moments.npy": npy(np.zeros((0, 3), "<f4"))}
TRAINING = {"epoch": 1, "moments": 0, "generator": np.random.PCG64(0).state}


def test_the_forger_knows_the_format(tmp_path: Path) -> None:
    """So that what is refused below is refused for the right reason."""
    forge(tmp_path / "net", ABOUT, MEMBERS)
    assert np.array_equal(mlp.load(tmp_path / "net").parameters, THREE)
    forge(tmp_path / "net", {**ABOUT, "training": TRAINING}, MEMBERS)
    assert files.read(tmp_path / "net").training == TRAINING
    moments = np.ones((2, 3), "<f4")
    about = {**ABOUT, "training": {**TRAINING, "moments": 2}}
    forge(tmp_path / "net", about, {**MEMBERS, "moments.npy": npy(moments)})
    assert np.array_equal(files.read(tmp_path / "net").moments, moments)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"format": 2}, "it is of format 2, and this version of mlp reads format 1"),
        ({"format": None}, "format None"),
        ({"sizes": [2, 2]}, "where|claims"),
        ({"sizes": [2, 10**15]}, "claims"),
        ({"sizes": [10**400, 1]}, "claims"),
        ({"sizes": [2, -1]}, "positive"),
        ({"sizes": [2.0, 1]}, "positive integer"),
        ({"sizes": [3]}, "widths"),
        ({"sizes": "21"}, "widths"),
        ({"sizes": None}, "widths"),
        ({"dtype": "float64"}, "claims"),
        ({"dtype": "object"}, "dtype"),
        ({"dtype": ["float32"]}, "dtype"),
        ({"hidden": ["tanh"]}, "no activation"),
        ({"loss": "hinge"}, "loss"),
        ({"loss": {}}, "loss"),
        ({"training": {**TRAINING, "epoch": -1}}, "-1 epochs"),
        ({"training": {**TRAINING, "epoch": 1.5}}, "epochs"),
        ({"training": {**TRAINING, "moments": 10**9}}, "claims"),
        ({"training": {**TRAINING, "generator": {}}}, "."),
        ({"training": {**TRAINING, "generator": {"bit_generator": "MT19937"}}}, "PCG64"),
        ({"training": [1]}, "."),
    ],
)
def test_a_forged_description_is_refused(change: dict[str, Any], words: str, tmp_path: Path) -> None:
    forge(tmp_path / "net", {**ABOUT, **change}, MEMBERS)
    with pytest.raises(ValueError, match=words):
        mlp.load(tmp_path / "net")


@pytest.mark.parametrize("about", [5, [], "x", None, [[[[]]]]])
def test_a_description_that_is_none_is_refused(about: Any, tmp_path: Path) -> None:
    forge(tmp_path / "net", about, MEMBERS)
    with pytest.raises(ValueError, match="format"):
        mlp.load(tmp_path / "net")


@pytest.mark.parametrize(
    "parameters",
    [
        npy(THREE, shape=(10**12,)),
        npy(THREE, shape=(-3,)),
        npy(THREE, shape=(3, 1)),
        npy(THREE, descr=">f4"),
        npy(THREE, descr="|O"),
        npy(THREE, descr=[("a", "<f4")]),
        npy(THREE, fortran_order=True),
        npy(THREE[:2], shape=(3,)),
        npy(np.arange(4, dtype="<f4"), shape=(3,)),
        npy(THREE)[:20],
        npy(THREE).replace(b"\x01\x00", b"\x02\x00", 1),
        b"",
        THREE.tobytes(),
        pickle.dumps(Bomb()),
        npy(THREE, descr="|O")[:128] + pickle.dumps(Bomb()),
        npy(THREE).replace(b"{", b"(" * 50, 1),
    ],
)
def test_a_forged_array_is_refused(
    parameters: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    forge(tmp_path / "net", ABOUT, {**MEMBERS, "parameters.npy": parameters})
    with pytest.raises(ValueError, match=r"a file that mlp\.save wrote"):
        mlp.load(tmp_path / "net")
    assert [path.name for path in tmp_path.iterdir()] == ["net"]


def test_a_pickle_is_not_opened(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "net").write_bytes(pickle.dumps(Bomb()))
    with pytest.raises(ValueError, match=r"a file that mlp\.save wrote"):
        mlp.load(tmp_path / "net")
    assert not (tmp_path / "boom").exists()
    pickle.loads((tmp_path / "net").read_bytes())  # it would have worked
    assert (tmp_path / "boom").exists()


def test_compressed_and_additional_members_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "net"
    forge(path, ABOUT, MEMBERS, compression=zipfile.ZIP_DEFLATED)
    with pytest.raises(ValueError, match="is compressed"):
        mlp.load(path)
    forge(path, ABOUT, {**MEMBERS, "more.npy": npy(THREE)})
    with pytest.raises(ValueError, match="it holds"):
        mlp.load(path)
    forge(path, ABOUT, MEMBERS)
    with (
        zipfile.ZipFile(path, "a") as archive,
        pytest.warns(UserWarning, match="Duplicate"),
    ):
        archive.writestr("parameters.npy", npy(THREE + 1))
    with pytest.raises(ValueError, match="it holds"):
        mlp.load(path)


def test_a_compressed_member_that_claims_to_be_short_is_refused(tmp_path: Path) -> None:
    """Its length in the list cuts off what was unpacked, but only after all of it was."""
    path = tmp_path / "net"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("about.json", bytes(2**25))
        for member in archive.infolist():
            member.file_size = member.compress_size
    tracemalloc.start()
    with pytest.raises(ValueError, match="is compressed"):
        mlp.load(path)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert path.stat().st_size < 50_000 and peak < 1_000_000


@pytest.mark.parametrize(
    ("parameters", "digest", "words"),
    [
        (npy(THREE), "0" * 64, "digest"),
        (npy(THREE), "\u00e4", "digest|codec"),
        (npy(THREE) + b"more", None, "too long"),
        (npy(THREE)[:-1], None, "too short"),
        (npy(THREE), None, None),
    ],
)
def test_digest_and_length_must_fit(
    parameters: bytes, digest: str | None, words: str | None, tmp_path: Path
) -> None:
    text = json.dumps(ABOUT).encode()
    with zipfile.ZipFile(tmp_path / "net", "w") as archive:
        archive.writestr("about.json", text)
        archive.writestr("parameters.npy", parameters)
        archive.writestr("moments.npy", MEMBERS["moments.npy"])
        archive.writestr("sha256", digest or sha256(text + THREE.tobytes()).hexdigest())
    if words is None:
        assert np.array_equal(mlp.load(tmp_path / "net").parameters, THREE)
    else:
        with pytest.raises(ValueError, match=words):
            mlp.load(tmp_path / "net")


def test_a_small_file_cannot_ask_for_much_memory(tmp_path: Path) -> None:
    path, big = tmp_path / "net", 10**9
    forgeries = [
        ({**ABOUT, "sizes": [big - 1, 1]}, npy(THREE, shape=(big,))),
        ({**ABOUT, "sizes": [2, 1]}, npy(THREE, shape=(big,))),
        ({**ABOUT, "sizes": [big - 1, 1]}, npy(THREE)),
    ]
    for about, parameters in forgeries:
        forge(path, about, {**MEMBERS, "parameters.npy": parameters})
        tracemalloc.start()
        with pytest.raises(ValueError, match=r"a file that mlp\.save wrote"):
            mlp.load(path)
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        assert peak < 2_000_000


def test_a_long_description_is_refused(tmp_path: Path) -> None:
    forge(tmp_path / "net", {**ABOUT, "more": "x" * 2**20}, MEMBERS)
    with pytest.raises(ValueError, match="more than 1048576 bytes"):
        mlp.load(tmp_path / "net")


def test_saving_takes_the_place_of_the_old_file(tmp_path: Path) -> None:
    path, link = tmp_path / "net", tmp_path / "link"
    mlp.save(network(rng=1), path)
    link.symlink_to(path)
    mlp.save(network(rng=2), link)
    assert link.is_symlink() and same(mlp.load(path), network(rng=2))
    plain = tmp_path / "plain"
    plain.touch()
    assert path.stat().st_mode == plain.stat().st_mode  # as the umask has it, for others to read
    assert {p.name for p in tmp_path.iterdir()} == {"net", "link", "plain"}


@pytest.mark.parametrize(
    "failing", ["os.fsync", "os.replace", "mlp.files.npy.write_array", "mlp.files.digest"]
)
@pytest.mark.parametrize("error", [OSError("disk full"), KeyboardInterrupt()])
def test_saving_that_fails_leaves_the_old_file(
    failing: str, error: BaseException, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: Any, **__: Any) -> None:
        raise error

    path = tmp_path / "net"
    mlp.save(network(rng=1), path)
    with monkeypatch.context() as patched:
        patched.setattr(failing, fail)
        with pytest.raises(type(error)):
            mlp.save(network(rng=2), path)
    assert same(mlp.load(path), network(rng=1))
    assert [p.name for p in tmp_path.iterdir()] == ["net"]


@pytest.mark.parametrize("name", ["n" * 255, "\u6a21" * 85, "a b\n\u05d0 '\".npz", "-", "...", "%s{}"])
def test_any_name_that_a_file_can_have(name: str, tmp_path: Path) -> None:
    """Of 255 bytes, in any script: the file beside it, before their names are exchanged, needs one too."""
    mlp.save(network(), tmp_path / name)
    assert same(mlp.load(tmp_path / name), network())
    assert [path.name for path in tmp_path.iterdir()] == [name]


def test_the_file_is_on_the_disk_before_it_takes_the_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    events, fsync, replace = [], os.fsync, os.replace

    def synced(handle: int) -> None:
        events.append(("fsync", os.fstat(handle).st_size))
        fsync(handle)

    def replaced(source: Any, target: Any) -> None:
        assert Path(source).parent == Path(target).parent
        events.append(("replace", Path(source).stat().st_size))
        replace(source, target)

    monkeypatch.setattr(os, "fsync", synced)
    monkeypatch.setattr(os, "replace", replaced)
    mlp.save(network(), tmp_path / "net")
    size = (tmp_path / "net").stat().st_size
    assert events == [("fsync", size), ("replace", size)]


KILLER = """
import json, os, signal, sys
from collections import Counter
from pathlib import Path
import numpy as np
import mlp

folder, kills = Path(sys.argv[1]), int(sys.argv[2])
path = folder / "net"
x, y = np.ones((60, 4), np.float32), mlp.data.one_hot(np.arange(4), 4)
nets = [mlp.Network.initialize([60, 90, 4], rng=seed) for seed in (1, 2)]
runs = [mlp.train(net, x, y, epochs=2, optimizer="adam") for net in nets]
for run in runs:
    next(run)

renamed, replace = [False], os.replace

def replaced(source, target):
    replace(source, target)
    renamed[0] = True

os.replace = replaced

def tracer(last, behind):
    # SIGKILL to this very process at the last-th line that Python executes in saving, or behind the renaming
    lines = [0]
    def trace(frame, event, argument):
        lines[0] += event == "line" and (renamed[0] or not behind)
        if lines[0] == last:
            os.kill(os.getpid(), signal.SIGKILL)
        return trace
    return trace, lines

def saved(which, last, behind=False):
    renamed[0] = False
    trace, lines = tracer(last, behind)
    sys.settrace(trace)
    mlp.save(nets[which], path, training=runs[which])
    sys.settrace(None)
    return lines[0]

def fewest(behind):  # how many lines a save has differs a little from one to the next
    return min(saved(which, -1, behind) for which in (0, 1, 0))

spread = np.unique(np.linspace(1, fewest(False), kills).astype(int))
moments = [(last, False) for last in spread] + [(last, True) for last in range(1, fewest(True) + 1)]
found = Counter(old=0, new=0)
for number, (last, behind) in enumerate(moments):
    old, new = number % 2, 1 - number % 2
    mlp.save(nets[old], path, training=runs[old])  # beside whatever earlier kills have left
    child = os.fork()
    if child == 0:
        saved(new, last, behind)
        os._exit(0)
    status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    if status == 0:  # it was finished; a save has now some lines more and now some less
        continue
    assert status == -signal.SIGKILL, (last, status)
    now, stored = mlp.load(path).parameters.tobytes(), mlp.files.read(path)
    which = new if now == nets[new].parameters.tobytes() else old
    assert now == nets[which].parameters.tobytes()
    assert stored.training["epoch"] == 1
    assert stored.moments.tobytes() == runs[which].optimizer.moments.tobytes()
    found["new" if which == new else "old"] += 1
rest = [file for file in folder.iterdir() if file != path]
print(json.dumps({**found, "litter": len(rest), "strange": [str(f) for f in rest if f.suffix != ".tmp"]}))
"""


@pytest.mark.slow
def test_a_process_that_kills_itself_at_every_line_leaves_a_whole_file(tmp_path: Path) -> None:
    """Some 250 kills, spread over all lines that Python executes in a save; then again over the litter."""
    command = [sys.executable, "-c", KILLER, str(tmp_path), "250"]
    for _ in range(2):
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        found = json.loads(done.stdout)
        assert found["old"] + found["new"] >= 200 and min(found["old"], found["new"]) > 0
        assert found["litter"] > 100 and not found["strange"]


SAVER = """
import sys
import numpy as np
import mlp

nets = [mlp.Network.initialize([200, 300, 10], rng=seed) for seed in (1, 2)]
print("ready", flush=True)
while True:
    for net in nets:
        mlp.save(net, sys.argv[1])
"""


@pytest.mark.slow
def test_a_killed_process_leaves_a_whole_file(tmp_path: Path) -> None:
    path, kills = tmp_path / "net", 12
    nets = [Network.initialize([200, 300, 10], rng=seed) for seed in (1, 2)]
    mlp.save(nets[0], path)
    for wait in np.linspace(0.001, 0.05, kills):
        command = [sys.executable, "-c", SAVER, str(path)]
        with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
            assert process.stdout is not None and process.stdout.readline() == b"ready\n"
            time.sleep(wait)
            process.send_signal(signal.SIGKILL)
        found = mlp.load(path)
        assert any(same(found, net) for net in nets)
    rest = [p.name for p in tmp_path.iterdir() if p != path]
    assert all(name.endswith(".tmp") for name in rest) and len(rest) <= kills
