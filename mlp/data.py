"""Data: handwritten digits, with one example in each column.

`digits` reads the small images that come with the package, `mnist` those in a folder of yours.
Both hand out transposes of matrices with an image in each row, the order in which training
gathers a mini-batch.
"""

import gzip
import math
import sys
import zlib
from dataclasses import dataclass
from importlib import resources
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np

from mlp import validation
from mlp.arrays import Array


@dataclass(frozen=True, repr=False)
class Examples:
    """Images and their labels, split for training and testing.

    x_train, x_test : (pixels, N) in float32, between 0 and 1.
    labels_train, labels_test : (N,), the digits as integers.
    description : where they come from and how they were split.
    """

    x_train: Array
    labels_train: Array
    x_test: Array
    labels_test: Array
    description: str

    def __repr__(self) -> str:
        counts = f"{self.x_train.shape[1]} to train, {self.x_test.shape[1]} to test"
        return f"Examples({counts}; {self.description})"


def one_hot(labels: Array, classes: int, dtype: Any = np.float32) -> Array:
    """Labels as columns: (classes, N) with a single 1 in each column, at the row that `labels` (N,) names.

    Raises TypeError unless the labels are integers, ValueError unless they are below `classes`.

    >>> one_hot(np.array([2, 0]), 3)
    array([[0., 1.],
           [0., 0.],
           [1., 0.]], dtype=float32)
    """
    classes = validation.positive_integer("classes", classes)
    labels = validation.class_labels(labels, classes)
    dtype = validation.real_dtype(dtype)
    validation.addressable("labels and classes", classes * len(labels) * dtype.itemsize)
    y: Array = np.equal.outer(np.arange(classes), labels).astype(dtype)
    return y


def digits(rng: int | np.random.Generator | None = None) -> Examples:
    """1,797 images of 8 x 8 pixels, each digit about 180 times: 1,437 to train, 360 to test.

    rng : None tests on the last fifth in file order. The file seems to be ordered by writer; if
        so, these are hands that the network has hardly seen. A seed or a generator takes every fifth
        image of each digit instead, after shuffling; then every hand is in both parts, which is easier.

    The images are the test set of "Optical Recognition of Handwritten Digits" by E. Alpaydin and
    C. Kaynak (1998), UCI Machine Learning Repository, doi:10.24432/C50P49, licensed CC BY 4.0, taken
    from scikit-learn. A pixel is the ink in a block of 4 x 4, counted from 0 to 16; here divided by 16.

    >>> digits()
    Examples(1437 to train, 360 to test; UCI optical digits, tested on the last fifth in file order)
    """
    path = resources.files("mlp") / "digits.npz"
    with path.open("rb") as file, np.load(file) as stored:
        images = stored["images"] / np.float32(16)
        labels = stored["labels"].astype(np.intp)
    if rng is None:
        test, how = np.arange(len(labels))[-360:], "the last fifth in file order"
    else:
        test = fifth_of_each_digit(labels, validation.generator(rng))
        how = "a random fifth of each digit"
    return split(images, labels, test, f"UCI optical digits, tested on {how}")


def fifth_of_each_digit(labels: Array, rng: np.random.Generator) -> Array:
    """The numbers of every fifth example after a shuffle and a sort by label."""
    order = rng.permutation(len(labels))
    return order[np.argsort(labels[order], kind="stable")][::5]


def split(images: Array, labels: Array, test: Array, description: str) -> Examples:
    """The rows of `images` named in `test` as test examples, the others as training examples."""
    train = np.setdiff1d(np.arange(len(labels)), test)
    parts = images[train].T, labels[train], images[test].T, labels[test]
    return Examples(*parts, description)


MNIST = {  # for each file its shape, and the SHA-256 of its unpacked content
    "train-images-idx3-ubyte": (
        (60_000, 28, 28),
        "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
    ),
    "train-labels-idx1-ubyte": (
        (60_000,),
        "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
    ),
    "t10k-images-idx3-ubyte": (
        (10_000, 28, 28),
        "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
    ),
    "t10k-labels-idx1-ubyte": (
        (10_000,),
        "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2",
    ),
}


def mnist(folder: str | PathLike[str]) -> Examples:
    """MNIST, images of 28 x 28 pixels, from the four IDX files in `folder`, packed (.gz) or not.

    60,000 images to train and 10,000 to test. Where only the two t10k files are present, their first
    8,000 images train and the last 2,000 test; a line on stderr says so. Each file must have its
    known SHA-256, which is that of its content: how it was packed does not matter. Raises
    FileNotFoundError for one that is missing, ValueError for one that is not what its name says.
    """
    path = validation.folder(folder)
    images, labels = pair(path, "t10k")
    if not any(path.glob("train-*-ubyte*")):
        how = "the first 8,000 to train and the last 2,000 to test"
        description = f"MNIST's 10,000 test images alone, {how}"
        print(f"mlp.data.mnist: {description}", file=sys.stderr)
        return split(images, labels, np.arange(8_000, 10_000), description)
    train_images, train_labels = pair(path, "train")
    return Examples(train_images.T, train_labels, images.T, labels, "MNIST")


def pair(folder: Path, part: str) -> tuple[Array, Array]:
    """Images (N, 784) between 0 and 1, and labels (N,), of the part "train" or "t10k"."""
    names = f"{part}-images-idx3-ubyte", f"{part}-labels-idx1-ubyte"
    images, labels = (read_idx(find(folder, name), *MNIST[name]) for name in names)
    return images.reshape(len(images), -1) / np.float32(255), labels.astype(np.intp)


def find(folder: Path, name: str) -> Path:
    """The file `name` in `folder`, or the packed one beside it."""
    for path in (folder / name, folder / f"{name}.gz"):
        if path.is_file():
            return path
    raise FileNotFoundError(
        validation.message(str(folder), f"{name} or {name}.gz", "neither", "Put MNIST's files there.")
    )


def read_idx(path: str | PathLike[str], shape: tuple[int, ...], digest: str | None = None) -> Array:
    """The bytes in an IDX file, packed (.gz) or not, as an array of the `shape` that it must have.

    The format: 00 00 08, a byte for the number of dimensions, four bytes for each size, the highest
    first, then the entries, row by row.

    digest : the SHA-256 that the unpacked content must have; None takes any.

    Raises FileNotFoundError where nothing is, ValueError for a file of another kind, shape or content.
    """
    path, shape = validation.file(path), validation.extents(shape)
    header = 4 + 4 * len(shape)
    content = unpack(path, header + math.prod(shape))
    validation.idx(path, content, shape, digest)
    return np.frombuffer(content, np.uint8, offset=header).reshape(shape)


def unpack(path: Path, size: int) -> bytes:
    """The content of a file, unpacked if its name ends in .gz, but no more than `size` + 1 bytes of it.

    The one byte too many tells a file that is too long from one that is right; what else it holds,
    a gigabyte of zeros packed into a megabyte perhaps, is never unpacked.
    """
    try:
        with gzip.open(path) if path.suffix == ".gz" else path.open("rb") as file:
            return file.read(size + 1)
    except (gzip.BadGzipFile, EOFError, zlib.error) as error:
        raise ValueError(
            validation.message(str(path), "a whole gzip file", error, "Get it again.")
        ) from error
