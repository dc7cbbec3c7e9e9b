# ruff: noqa: E501 (the table of faulty files)
"""Data: the digits that come with the package, labels as columns, and MNIST's files with all their faults."""

import gzip
import hashlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import mlp
from mlp import data, validation

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
            monkeypatch.setitem(validation.MNIST_SHA256, name, hashlib.sha256(content).hexdigest())
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
        (lambda f: (f / LABELS).write_bytes(idx(np.arange(10))), "expected SHA-256 .*, got .*. It is not MNIST's"),
    ],
)  # fmt: skip
def test_faulty_files(folder: Path, spoil: Any, text: str) -> None:
    spoil(folder)
    with pytest.raises((ValueError, FileNotFoundError), match=text):
        data.mnist(folder)


@pytest.mark.parametrize("content", [b"no gzip at all", gzip.compress(b"\x00" * 99)[:-9], b""])
def test_faulty_gzip_files(folder: Path, content: bytes) -> None:
    (folder / IMAGES).unlink()
    (folder / f"{IMAGES}.gz").write_bytes(content)
    with pytest.raises(
        ValueError, match=r"images.*gz: expected (a whole gzip|an IDX) file.*, got .*\. Get it again\."
    ):
        data.mnist(folder)


def test_no_folder(tmp_path: Path) -> None:
    with pytest.raises(
        FileNotFoundError, match=r"expected t10k-images.*, got neither\. Put MNIST's files there"
    ):
        data.mnist(tmp_path / "nowhere")


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
        monkeypatch.setitem(validation.MNIST_SHA256, name, hashlib.sha256(content).hexdigest())
    examples = data.mnist(folder)
    assert examples.x_train.shape == (784, 8_000) and examples.x_test.shape == (784, 2_000)
    assert not examples.x_train.any() and examples.x_test.all()
    assert "first 8,000 to train" in capsys.readouterr().err and "8,000" in repr(examples)


def test_the_digests_of_the_unpacked_files_are_sha256() -> None:
    assert all(len(bytes.fromhex(digest)) == 32 for digest in mlp.validation.MNIST_SHA256.values())
