# ruff: noqa: E501 (the table of faulty files)
"""Data: the digits that come with the package, labels as columns, and MNIST's files with all their faults."""

import gzip
import hashlib
import os
import subprocess
import sys
import tracemalloc
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import mlp
from mlp import data

UCI = "6ebb3d2fee246a4e99363262ddf8a00a3c41bee6014c373ed9d9216ba7f651b8"  # SHA-256 of UCI's optdigits.tes
IMAGES, LABELS = "t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte"


def test_digits() -> None:
    digits = data.digits()
    assert digits.x_train.shape == (64, 1437) and digits.x_test.shape == (64, 360)
    assert digits.x_train.dtype == np.float32 and digits.x_train.min() == 0 and digits.x_train.max() == 1
    labels = np.concatenate([digits.labels_train, digits.labels_test])
    assert list(np.bincount(labels)) == [178, 182, 177, 183, 181, 182, 181, 179, 174, 180]
    assert list(labels[:12]) == [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 0, 1]
    first = digits.x_train[:, 0].reshape(8, 8) * 16
    assert list(first[0]) == [0, 0, 5, 13, 9, 1, 0, 0] and "file order" in digits.description


def test_digits_are_those_of_uci() -> None:
    digits = data.digits()
    pixels = np.hstack([digits.x_train, digits.x_test]).T * 16
    rows = np.column_stack([pixels, np.concatenate([digits.labels_train, digits.labels_test])]).astype(int)
    text = "".join(",".join(map(str, row)) + "\n" for row in rows)  # the lines of UCI's optdigits.tes
    assert hashlib.sha256(text.encode()).hexdigest() == UCI


def test_a_random_split_takes_a_fifth_of_each_digit() -> None:
    one, two, other = data.digits(rng=0), data.digits(rng=0), data.digits(rng=1)
    counts = np.bincount(one.labels_test)
    assert counts.sum() == 360 and set(counts) <= {34, 35, 36, 37}
    assert np.array_equal(one.x_test, two.x_test) and not np.array_equal(one.x_test, other.x_test)
    together = np.vstack(
        [np.hstack([one.x_train, one.x_test]), np.hstack([one.labels_train, one.labels_test])]
    )
    everything = data.digits()
    whole = np.vstack(
        [
            np.hstack([everything.x_train, everything.x_test]),
            np.hstack([everything.labels_train, everything.labels_test]),
        ]
    )
    assert np.array_equal(
        np.unique(together, axis=1), np.unique(whole, axis=1)
    )  # each example is in one part


def test_images_and_classes_lie_in_consecutive_memory() -> None:
    """An image is a gathered row; labels meet the logits entry by entry, in their order."""
    assert data.digits().x_train.flags.f_contiguous and data.one_hot(np.arange(4), 4).flags.c_contiguous


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_one_hot(dtype: Any) -> None:
    y = data.one_hot(np.array([2, 0, 1, 1], np.uint8), 3, dtype)
    assert y.dtype == dtype and np.array_equal(y, [[0, 1, 0, 0], [0, 0, 1, 1], [1, 0, 0, 0]])


def idx(array: Any) -> bytes:
    """An array of bytes in IDX format."""
    sizes = b"".join(size.to_bytes(4, "big") for size in array.shape)
    return b"\x00\x00\x08" + bytes([array.ndim]) + sizes + array.astype(np.uint8).tobytes()


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with four small files in place of MNIST's, whose digests are taken for the known ones."""
    rng = np.random.default_rng(0)
    for part, count in (("train", 30), ("t10k", 10)):
        files = {
            f"{part}-images-idx3-ubyte": idx(rng.integers(0, 256, (count, 28, 28))),
            f"{part}-labels-idx1-ubyte": idx(rng.integers(0, 10, count)),
        }
        for name, content in files.items():
            (tmp_path / name).write_bytes(content)
            shape = (count, 28, 28) if "images" in name else (count,)
            monkeypatch.setitem(data.MNIST, name, (shape, hashlib.sha256(content).hexdigest()))
    return tmp_path


def test_the_full_set(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    plain = data.mnist(folder)
    for path in list(folder.iterdir()):
        (folder / f"{path.name}.gz").write_bytes(gzip.compress(path.read_bytes()))
        path.unlink()
    packed = data.mnist(str(folder))
    assert plain.x_train.shape == (784, 30) and plain.x_test.shape == (784, 10)
    assert plain.x_train.dtype == np.float32 and 0 <= plain.x_train.min() < plain.x_train.max() == 1
    assert np.array_equal(plain.x_train, packed.x_train) and np.array_equal(
        plain.labels_test, packed.labels_test
    )
    assert plain.x_train.flags.f_contiguous and capsys.readouterr().err == ""


@pytest.mark.parametrize(
    ("spoil", "text"),
    [
        (lambda f: (f / IMAGES).unlink(), "expected t10k-images-idx3-ubyte or .*, got neither. Put"),
        (lambda f: (f / "train-labels-idx1-ubyte").unlink(), "expected train-labels-idx1-ubyte or .*, got neither"),
        (lambda f: (f / IMAGES).write_bytes(b""), "expected an IDX file .*, got an empty file. Get"),
        (lambda f: (f / IMAGES).write_bytes(b"\x00\x00\x08"), "expected an IDX file .*, got 00 00 08. Get"),
        (lambda f: (f / IMAGES).write_bytes(b"<html>"), "expected an IDX file .*, got 3c 68 74 6d. Get"),
        (lambda f: (f / IMAGES).write_bytes(b"\x00\x00\x0d\x01" + b"\x00" * 12), "expected an IDX file .*, got 00 00 0d 01"),
        (lambda f: (f / IMAGES).write_bytes((f / IMAGES).read_bytes()[:-1]), "expected 7856 bytes, got 7855. Get"),
        (lambda f: (f / IMAGES).write_bytes((f / IMAGES).read_bytes() + b"ab"), "expected 7856 bytes, got more. Get"),
        (lambda f: (f / IMAGES).write_bytes((f / IMAGES).read_bytes()[:14]), r"expected shape \(10, 28, 28\), got \(10, 28, 0\)"),
        (lambda f: (f / LABELS).write_bytes(idx(np.arange(10))), "expected SHA-256 .*, got .*. Its bytes differ"),
        (lambda f: swap(f / LABELS, f / IMAGES), r"images.*: expected shape \(10, 28, 28\), got \(10,\). Is it another"),
        (lambda f: swap(f / LABELS, f / "train-labels-idx1-ubyte"), r"expected shape \(10,\), got \(30,\). Is it another"),
        (lambda f: (f / IMAGES).write_bytes(gzip.compress((f / IMAGES).read_bytes())), "IDX file of bytes, 00 00 08 first, got 1f 8b"),
    ],
)  # fmt: skip
def test_faulty_files(folder: Path, spoil: Any, text: str) -> None:
    spoil(folder)
    with pytest.raises((ValueError, FileNotFoundError), match=text) as caught:
        data.mnist(folder)
    assert str(folder) in str(caught.value)


def swap(one: Path, other: Path) -> None:
    """Exchange the contents of two files."""
    contents = one.read_bytes(), other.read_bytes()
    other.write_bytes(contents[0])
    one.write_bytes(contents[1])


def spoilt_gzip() -> bytes:
    """A packed file in which a byte of the checksum is wrong."""
    packed = bytearray(gzip.compress(idx(np.zeros((10, 28, 28)))))
    packed[-5] ^= 1
    return bytes(packed)


@pytest.mark.parametrize(
    "content",
    [
        b"no gzip at all",
        gzip.compress(b"\x00" * 99)[:-9],
        b"",
        spoilt_gzip(),
        gzip.compress(b"")[:10] + b"\xff" * 20,
    ],
    ids=["no gzip", "cut", "empty", "spoilt", "no stream"],  # the bytes have the time in them
)
def test_faulty_gzip_files(folder: Path, content: bytes) -> None:
    (folder / IMAGES).unlink()
    (folder / f"{IMAGES}.gz").write_bytes(content)
    with pytest.raises(
        ValueError, match=r"images.*gz: expected (a whole gzip|an IDX) file.*, got .*\. Get it again\."
    ):
        data.mnist(folder)


def test_a_bomb_is_not_unpacked(folder: Path) -> None:
    """A megabyte of gzip that holds a gigabyte: refused after as much as the file should have."""
    (folder / IMAGES).unlink()
    zeros = gzip.compress(b"\x00" * 2**23)  # 8 KB; members of a gzip file are unpacked one after the other
    beginning = b"\x00\x00\x08\x03" + b"".join(n.to_bytes(4, "big") for n in (10, 28, 28))
    (folder / f"{IMAGES}.gz").write_bytes(gzip.compress(beginning) + 128 * zeros)
    tracemalloc.start()
    with pytest.raises(ValueError, match="expected 7856 bytes, got more"):
        data.mnist(folder)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 3 * 2**20


LIMITED = """
import gc, resource, sys
from pathlib import Path
from mlp import data
held = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
resource.setrlimit(resource.RLIMIT_AS, (held + 2**25, held + 2**25))  # 32 MB more than there are now
try:
    data.read_idx(sys.argv[1], (10, 28, 28))
except ValueError as error:
    print(error)
try:
    import gzip
    gzip.decompress(Path(sys.argv[1]).read_bytes())
except MemoryError:
    print("and the limit would have been met")
"""


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="the limit is set as Linux has it")
def test_a_bomb_of_one_piece_under_a_limit_of_memory(tmp_path: Path) -> None:
    """A quarter of a gigabyte in one stream; unpacking it would end the process."""
    header = b"\x00\x00\x08\x03" + b"".join(n.to_bytes(4, "big") for n in (10, 28, 28))
    with gzip.open(tmp_path / "bomb.gz", "wb") as file:
        file.write(header)
        for _ in range(256):
            file.write(bytes(2**20))
    command = [sys.executable, "-c", LIMITED, str(tmp_path / "bomb.gz")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    first, second = done.stdout.splitlines()
    assert "expected 7856 bytes, got more. Get it again." in first and "limit" in second


def test_a_file_that_cannot_be_read_is_no_broken_gzip(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def denied(*_: Any) -> Any:
        raise PermissionError("denied")

    monkeypatch.setattr(data.gzip, "open", denied)
    (folder / f"{LABELS}.gz").write_bytes(b"")
    (folder / LABELS).unlink()
    with pytest.raises(PermissionError):
        data.mnist(folder)


def test_no_folder(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"expected a folder, got nothing there\. Name the folder"):
        data.mnist(tmp_path / "nowhere")
    with pytest.raises(FileNotFoundError, match=r"expected a folder, got a file\. Name the folder"):
        data.mnist(folder / IMAGES)
    with pytest.raises(
        TypeError, match=r"folder: expected the path of a folder, got None\. Write it as a str"
    ):
        data.mnist(None)  # type: ignore[arg-type]
    (folder / "empty").mkdir()
    with pytest.raises(
        FileNotFoundError, match=r"expected t10k-images.*, got neither\. Put MNIST's files there"
    ):
        data.mnist(folder / "empty")


def test_any_array_of_bytes_can_be_read(tmp_path: Path) -> None:
    array = np.arange(24, dtype=np.uint8).reshape(2, 3, 4)
    (tmp_path / "plain").write_bytes(idx(array))
    (tmp_path / "packed.gz").write_bytes(gzip.compress(idx(array)))
    for name in ("plain", "packed.gz"):
        found = data.read_idx(tmp_path / name, (2, 3, 4))
        assert found.dtype == np.uint8 and np.array_equal(found, array)
        with pytest.raises(ValueError, match=r"expected shape \(24,\), got \(2, 3, 4\)"):
            data.read_idx(tmp_path / name, (24,))


PACKED = {  # SHA-256 of MNIST's files as they are distributed, packed
    "train-images-idx3-ubyte.gz": "440fcabf73cc546fa21475e81ea370265605f56be210a4024d2ca8f203523609",
    "train-labels-idx1-ubyte.gz": "3552534a0a558bbed6aed32b30c495cca23d567ec52cac8be1a0730e8010255c",
    "t10k-images-idx3-ubyte.gz": "8d422c7b0a1c1c79245a5bcf07fe86e33eeafee792b84584aec276f5a2dbc4e6",
    "t10k-labels-idx1-ubyte.gz": "f7ae60f92e00ec6debd23a6088c31dbd2371eca3ffa0defaefb259924204aec6",
}


def test_the_chapter_names_the_digests_of_the_packed_files() -> None:
    text = (Path(__file__).parents[2] / "docs/network/data.md").read_text(encoding="utf-8")
    for name, digest in PACKED.items():
        assert f"\n{digest}  {name}\n" in text


@pytest.mark.skipif("MLP_MNIST" not in os.environ, reason="MLP_MNIST names a folder with MNIST's files")
def test_the_genuine_files(capsys: pytest.CaptureFixture[str]) -> None:
    genuine = Path(os.environ["MLP_MNIST"])
    for path in genuine.glob("*.gz"):
        assert hashlib.sha256(path.read_bytes()).hexdigest() == PACKED[path.name]
    examples = data.mnist(genuine)
    assert list(examples.labels_test[-3:]) == [4, 5, 6] and examples.x_train.shape[0] == 784
    assert examples.x_train.max() == 1 and 0.12 < examples.x_train.mean() < 0.15


def test_the_test_images_alone(
    monkeypatch: pytest.MonkeyPatch, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for path in folder.glob("train*"):
        path.unlink()
    files = {
        IMAGES: np.arange(10_000).repeat(784).reshape(-1, 28, 28) // 8_000,
        LABELS: np.arange(10_000) % 10,
    }
    for name, array in files.items():
        content = idx(array)
        (folder / name).write_bytes(content)
        monkeypatch.setitem(data.MNIST, name, (array.shape, hashlib.sha256(content).hexdigest()))
    examples = data.mnist(folder)
    assert examples.x_train.shape == (784, 8_000) and examples.x_test.shape == (784, 2_000)
    assert not examples.x_train.any() and examples.x_test.all()
    assert "first 8,000 to train" in capsys.readouterr().err and "8,000" in repr(examples)


def test_the_known_digests_are_sha256() -> None:
    assert all(len(bytes.fromhex(digest)) == 32 for _, digest in mlp.data.MNIST.values())
