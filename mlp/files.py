"""Files: a network, and with it its training, in one file that is whole or is refused.

The file is NumPy's .npz, a zip archive, stored without compression. Its members are

    about.json       format, sizes, names of activation and loss, dtype, and how training stands
    parameters.npy   W_1, b_1, ..., W_n, b_n as one vector
    moments.npy      the memory of the optimiser, empty for a network alone
    sha256           the digest of these three

Saving writes a new file beside the old one and then exchanges their names, so that under `path`
there is always the one or the other, whole. Loading believes nothing: it never unpickles, and
makes no array before its size, its header and the description agree with one another.
"""

import json
import math
import os
import secrets
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from hashlib import sha256
from itertools import pairwise
from os import PathLike
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, NamedTuple
from zipfile import ZIP_STORED, ZipFile

import numpy as np
from numpy.lib import format as npy

from mlp import losses, validation
from mlp.activations import Activation, by_name
from mlp.arrays import Array
from mlp.network import Network
from mlp.validation import message

if TYPE_CHECKING:
    from mlp.training import Run

FORMAT = 1
ARRAYS = "parameters.npy", "moments.npy"


def save(net: Network, path: str | PathLike[str], training: "Run | None" = None) -> None:
    """Write `net` to the file `path`, whole or not at all.

    training : the run that trains `net`, between two epochs: what `mlp.train` returned. With it the
        file holds all that `mlp.train(..., resume=path)` needs to continue.

    A custom activation is saved by its name; `load` has to be given the object again. Only a file is
    ever replaced: a folder or a device of that name is refused with FileExistsError.
    """
    refuse_unnamed(net)
    place = validation.target(path)
    about: dict[str, Any] = {"format": FORMAT, **description(net)}
    moments = np.empty((0, len(net.parameters)), net.parameters.dtype)
    if training is not None:
        refuse_stranger(net, training)
        state = training.state()
        stands = {"epoch": state.epoch, "generator": state.generator}
        about["training"], moments = {**stands, **training.settings}, state.moments
    write(place, json.dumps(about).encode(), net.parameters, moments)


def description(net: Network) -> dict[str, Any]:
    """What the parameters alone do not tell about a network."""
    hidden, loss, dtype = net.hidden.name, net.loss.name, net.parameters.dtype.name
    return {"sizes": list(net.sizes), "hidden": hidden, "loss": loss, "dtype": dtype}


def refuse_unnamed(net: Network) -> None:
    """Refuse a network whose activation or loss would not be found again by its name."""
    if not isinstance(net, Network):
        raise TypeError(message("net", "a Network", repr(net), "Write mlp.save(net, path)."))
    hidden, loss = net.hidden, net.loss
    if type(by_name.get(hidden.name, hidden)) is not type(hidden):
        remedy = "The package has one of this name; call yours otherwise."
        raise ValueError(message("hidden", "a name of its own", repr(hidden.name), remedy))
    if type(losses.by_name.get(loss.name)) is not type(loss):
        remedy = "Save net.parameters with numpy.save."
        raise ValueError(message("loss", " or ".join(losses.by_name), repr(loss.name), remedy))


def refuse_stranger(net: Network, training: "Run") -> None:
    """Refuse what is not the run that trains `net`, or draws numbers that a file cannot continue."""
    if getattr(training, "net", None) is not net:
        remedy = "Pass what mlp.train(net, ...) returned."
        raise ValueError(message("training", "the run that trains net", repr(training), remedy))
    generator = type(training.rng.bit_generator).__name__
    if generator != "PCG64":
        remedy = "Train with a seed, or with numpy.random.default_rng(seed)."
        raise ValueError(message("rng of training", "PCG64, which default_rng makes", generator, remedy))


def write(path: Path, text: bytes, *arrays: Array) -> None:
    """Write a description, parameters and moments to `path`, and the digest of all three."""
    little = [a.astype(a.dtype.newbyteorder("<"), copy=False) for a in arrays]
    with replacing(path) as file, ZipFile(file, "w", ZIP_STORED) as archive:
        archive.writestr("about.json", text)
        for name, array in zip(ARRAYS, little, strict=True):
            with archive.open(name, "w", force_zip64=True) as member:
                npy.write_array(member, array, version=(1, 0), allow_pickle=False)
        archive.writestr("sha256", digest(text, *little))


@contextmanager
def replacing(path: Path) -> Iterator[IO[bytes]]:
    """A file to write that takes the place of `path` once it is complete and on the disk.

    A process that is killed, or a machine that stops, leaves the old file as it was, and perhaps
    beside it a part of the new one, whose name ends in .tmp.
    """
    beside = path.with_name(f"{path.name[:50]}.{secrets.token_hex(8)}.tmp")  # no longer than a name may be
    try:
        with beside.open("xb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        os.replace(beside, path)
    except BaseException:
        beside.unlink(missing_ok=True)
        raise


def digest(text: bytes, *arrays: Array) -> str:
    """SHA-256, in hexadecimal, of a description and of the bytes of contiguous arrays."""
    total = sha256(text)
    for array in arrays:
        total.update(array.reshape(-1).view(np.uint8).data)
    return total.hexdigest()


def load(path: str | PathLike[str], activations: Mapping[str, Activation] | None = None) -> Network:
    """The network in the file `path`, which `mlp.save` wrote.

    activations : custom activations by their names, for a file that asks for one.

    Raises ValueError for a file that is damaged, altered or not one of ours, FileNotFoundError where
    there is none. Nothing in a file is ever executed.
    """
    remedy = "Write activations={name: activation}."
    validation.none_or("activations", activations, Mapping, remedy)
    saved, known = read(path), {**by_name, **(activations or {})}
    name, loss = saved.about["hidden"], losses.by_name[saved.about["loss"]]
    if name not in known:
        remedy = f"Write mlp.load(path, activations={{{name!r}: ...}})."
        raise ValueError(message(str(path), f"one of {', '.join(known)}", repr(name), remedy))
    phi = validation.activation(known[name], saved.parameters.dtype)
    return Network(tuple(saved.about["sizes"]), phi, loss, saved.parameters)


class Saved(NamedTuple):
    """What a file holds.

    about : the description of the network.
    training : epoch, generator and settings of the run; empty for a network alone.
    parameters : (P,).
    moments : (count, P), with a count of 0 for a network alone.
    """

    about: dict[str, Any]
    training: dict[str, Any]
    parameters: Array
    moments: Array


def read(path: str | PathLike[str]) -> Saved:
    """All that the file `path` holds, if it is one that `save` wrote."""
    with validation.file(path).open("rb") as file:
        try:
            with ZipFile(file) as archive:
                return unpack(archive, os.fstat(file.fileno()).st_size)
        except Exception as error:
            fault = f"no entry {error}" if isinstance(error, KeyError) else str(error).rstrip(".")
            expected, came = "a file that mlp.save wrote", f"one with this fault: {fault}"
            raise ValueError(message(str(path), expected, came, "Take another copy.")) from error


def unpack(archive: ZipFile, size: int) -> Saved:
    """What the archive in a file of `size` bytes holds."""
    for member in archive.infolist():
        if member.compress_type != ZIP_STORED or not member.file_size == member.compress_size <= size:
            raise ValueError(f"{member.filename} is compressed, or longer than the file")
    about = json.loads(text := short(archive, "about.json"))
    count, dtype = examine(about)
    training = about.get("training", {})
    shapes = (count,), (examine_training(training) if training else 0, count)
    if sorted(archive.namelist()) != sorted(("about.json", *ARRAYS, "sha256")):
        raise ValueError(f"it holds {', '.join(archive.namelist())}")
    named = zip(ARRAYS, shapes, strict=True)
    arrays = [entries(archive, name, shape, dtype) for name, shape in named]
    if short(archive, "sha256").decode() != digest(text, *arrays):
        raise ValueError("the digest does not fit")
    parameters, moments = (array.astype(dtype) for array in arrays)
    return Saved(about, training, parameters, moments)


def short(archive: ZipFile, name: str) -> bytes:
    """The bytes of a member that has to be short."""
    most = 2**20
    if archive.getinfo(name).file_size > most:
        raise ValueError(f"{name} has more than {most} bytes")
    return archive.read(name)


def examine(about: Any) -> tuple[int, np.dtype[Any]]:
    """The number of parameters and their dtype, from the description of a network that can exist."""
    if not isinstance(about, dict) or about.get("format") != FORMAT:
        came = about.get("format") if isinstance(about, dict) else about
        raise ValueError(f"it is of format {came}, and this version of mlp reads format {FORMAT}")
    sizes = validation.layer_sizes(about["sizes"])
    dtype = validation.real_dtype(about["dtype"])
    validation.choice("loss", about["loss"], losses.by_name)
    if not isinstance(about["hidden"], str):
        raise ValueError(f"{about['hidden']!r} is no activation")
    return sum(d * (below + 1) for below, d in pairwise(sizes)), dtype


def examine_training(training: Any) -> int:
    """How many arrays of moments there are, from a description of training that makes sense."""
    np.random.PCG64().state = training["generator"]  # raises for what is no state
    epoch, moments = training["epoch"], training["moments"]
    if not all(isinstance(count, int) and count >= 0 for count in (epoch, moments)):
        raise ValueError(f"{epoch} epochs, {moments} moments")
    return int(moments)


def entries(archive: ZipFile, name: str, shape: tuple[int, ...], dtype: np.dtype[Any]) -> Array:
    """The array in a .npy member, as a view of the bytes that are there."""
    little, info = dtype.newbyteorder("<"), archive.getinfo(name)
    with archive.open(info) as member:
        if npy.read_magic(member) != (1, 0):
            raise ValueError(f"{name} is not in version 1.0 of the .npy format")
        header = npy.read_array_header_1_0(member)
        if header != (shape, False, little):
            raise ValueError(f"{name} claims {header}, and about.json {(shape, False, little)}")
        if info.file_size - member.tell() != math.prod(shape) * little.itemsize:
            raise ValueError(f"{name} is too short or too long for shape {shape}")
        return np.ndarray(shape, little, member.read())


def refuse_other(path: str | PathLike[str], saved: Saved, own: Mapping[str, Any]) -> None:
    """Refuse a file without training, or one of another network or other settings than `own`."""
    if not saved.training:
        came, remedy = "a network alone", "Save with mlp.save(net, path, training=run)."
        raise ValueError(message(str(path), "a network with its training", came, remedy))
    stored = {**saved.about, **saved.training}
    for name, value in own.items():
        if stored.get(name) != value:
            expected, remedy = f"{stored.get(name)!r}, as in {path}", "Pass that, or leave out resume."
            raise ValueError(message(name, expected, repr(value), remedy))
