"""Readers: where inputs and targets come from, before they are split."""

import math
import zipfile
from abc import ABC, abstractmethod
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path, PurePath
from typing import IO, Any, ClassVar, Literal

import numpy as np
import numpy.typing as npt
import psutil

from nassim.errors import NassimError, describe, shorten

Inputs = npt.NDArray[np.float32]
Targets = npt.NDArray[np.int64] | npt.NDArray[np.float32]

MOST_PACKED = 500
"""How many times the size of what the file holds of it a large array may be; more is no data."""

LARGE_BYTES = 256 * 2**20
"""From what size on that is looked at."""

LONGEST_LIST = 200
"""Characters of a list of arrays that a message shows."""

TaskKind = Literal["classification", "binary", "regression"]
"""To tell classes apart, one output each; to tell two classes apart by one output; to predict numbers."""


@dataclass(frozen=True, slots=True)
class Shape:
    """What a data set looks like, all splits together.

    Attributes:
        input_shape: Shape of one input, channels first for images.
        count: Number of inputs.
        outputs: Outputs that a network needs for them: one a class; one for two classes; one a number.
        members: Number of inputs of each class; empty where targets are numbers.
        greatest: The greatest absolute value of an input.
    """

    input_shape: tuple[int, ...]
    count: int
    outputs: int
    members: tuple[int, ...] = ()
    greatest: float = 1.0


class Reader(ABC):
    """Reads a data set. Hashable and picklable: it describes data and holds none.

    Attributes:
        preparation: What was done to its inputs, which is to be done to those that a trained model is used on.
    """

    preparation: ClassVar[str] = "numbers are taken as they are"

    @property
    @abstractmethod
    def name(self) -> str:
        """What the data set is called."""

    @abstractmethod
    def shape(self) -> Shape:
        """Return what the data set looks like.

        Raises:
            NassimError: It can't be read or is not fit for use.
        """

    @abstractmethod
    def read(self) -> tuple[Inputs, Targets]:
        """Return all inputs (count, *input_shape) and their targets: labels (count,) from 0, or numbers.

        Raises:
            NassimError: As for `shape`.
        """


@dataclass(frozen=True)
class Digits(Reader):
    """scikit-learn's handwritten digits: 1,797 images of 1x8x8 in 10 classes (Alpaydin and Kaynak 1998).

    Pixels are scaled from 0..16 to 0..1.
    """

    name = "digits"
    preparation = "pixels, 0 to 16, are divided by 16"

    def shape(self) -> Shape:
        """Return the shape, which is known without reading."""
        return Shape((1, 8, 8), 1797, 10, (178, 182, 177, 183, 181, 182, 181, 179, 174, 180))

    def read(self) -> tuple[Inputs, Targets]:
        """Return images and labels."""
        from sklearn.datasets import load_digits

        images, labels = load_digits(return_X_y=True)
        return (images / 16).astype(np.float32).reshape(-1, 1, 8, 8), labels.astype(np.int64)


@dataclass(frozen=True)
class ArrayFile(Reader):
    """A `.npz` file with inputs `x` (count, *input_shape), numbers taken as they are, and targets `y`.

    Attributes:
        path: The file; it is made absolute, so that it means the same to every worker.
        task: What y holds: "classification", labels (count,) from 0; "binary", 0 or 1 (count,); "regression", numbers
            (count,) or (count, outputs).
    """

    path: str
    task: TaskKind = "classification"

    def __post_init__(self) -> None:
        object.__setattr__(self, "path", str(Path(self.path).expanduser().resolve()))

    @property
    def name(self) -> str:
        """The file's name; its folder is nobody's business who is handed a model."""
        return PurePath(self.path).name

    def shape(self) -> Shape:
        """Return the shape; reads the whole file once a process, to find what is wrong with it before work starts."""
        x, y = _read_checked(self.path, self.task)
        greatest = float(np.abs(x).max())
        if self.task == "regression":
            return Shape(x.shape[1:], len(x), y[0].size, greatest=greatest)
        members = tuple(np.bincount(y).tolist())
        return Shape(x.shape[1:], len(x), 1 if self.task == "binary" else len(members), members, greatest)

    def read(self) -> tuple[Inputs, Targets]:
        """Return x and y."""
        return _read_checked(self.path, self.task)


@lru_cache(maxsize=2)
def _read_checked(path: str, task: TaskKind) -> tuple[Inputs, Targets]:
    x, y = _load(path)
    if x.dtype.kind == "b":
        raise NassimError(f"{path}: x holds numbers (float, int or uint), found dtype bool")
    if x.ndim < 2 or 0 in x.shape:
        raise NassimError(
            f"{path}: x has the shape (count, ...), for images (count, channels, height, width), found {x.shape}"
        )
    inputs = _finite(path, "x", x)
    return inputs, _numbers(path, x, y) if task == "regression" else _labels(path, x, y, task)


def _finite(path: str, name: str, values: npt.NDArray[Any]) -> npt.NDArray[np.float32]:
    with np.errstate(over="ignore"):
        numbers = values.astype(np.float32, copy=False)
    bad = len(numbers) - int(np.isfinite(numbers.reshape(len(numbers), -1)).all(axis=1).sum())
    if bad:
        raise NassimError(
            f"{path}: {name} holds NaN, inf or numbers beyond float32 in {bad} of {len(numbers)} inputs; take them out"
        )
    return numbers


def _numbers(path: str, x: npt.NDArray[Any], y: npt.NDArray[Any]) -> npt.NDArray[np.float32]:
    if y.dtype.kind not in "fiu":
        raise NassimError(f"{path}: y holds numbers (float, int or uint), found dtype {y.dtype}")
    if y.ndim not in (1, 2) or len(y) != len(x) or not y.size:
        raise NassimError(
            f"{path}: y has a number for each of the {len(x)} inputs of x, or a row of them, found shape {y.shape}"
        )
    return _finite(path, "y", y)


def _labels(path: str, x: npt.NDArray[Any], y: npt.NDArray[Any], task: TaskKind) -> npt.NDArray[np.int64]:
    if y.dtype.kind not in "iub":
        raise NassimError(
            f"{path}: y holds whole numbers (int or uint), found dtype {y.dtype}; to predict numbers, say "
            "`task: {kind: regression}`"
        )
    if y.shape != x.shape[:1]:
        raise NassimError(f"{path}: y has one label for each of the {len(x)} inputs of x, found shape {y.shape}")
    _check_labels(path, y, task)
    return y.astype(np.int64)


def _load(path: str) -> tuple[npt.NDArray[Any], npt.NDArray[Any]]:
    if not Path(path).is_file():
        what = "this is no file" if Path(path).exists() else "there is no such file"
        raise NassimError(f"{path}: {what}; data is an .npz file with x and y")
    try:
        with zipfile.ZipFile(path) as file:
            _check_names(path, file.namelist())
            return _array(path, file, "x"), _array(path, file, "y")
    except NassimError:
        raise
    except Exception as error:
        raise NassimError(
            f"{path}: can't be read as an .npz file of plain arrays, without pickled objects: {describe(error)}"
        ) from error


def _check_names(path: str, members: Iterable[str]) -> None:
    names = [name.removesuffix(".npy") for name in members if name.endswith(".npy")]
    if not {"x", "y"} <= set(names):
        raise NassimError(
            f"{path}: needs the arrays x and y, found {shorten(', '.join(names), LONGEST_LIST) or 'none'}; write it "
            "with numpy.savez(path, x=..., y=...)"
        )


def _array(path: str, file: zipfile.ZipFile, name: str) -> npt.NDArray[Any]:
    """Read an array, after its header was held against what the file holds and what there is memory for."""
    member = file.getinfo(f"{name}.npy")
    with file.open(member) as stream:
        shape, dtype = _header(stream)
    _check_header(f"{path}: {name}", shape, dtype, member)
    with file.open(member) as stream:
        array: npt.NDArray[Any] = np.lib.format.read_array(stream, allow_pickle=False)
    return array


def _header(stream: IO[bytes]) -> tuple[tuple[int, ...], np.dtype[Any]]:
    read = np.lib.format.read_array_header_1_0
    if np.lib.format.read_magic(stream) != (1, 0):
        read = np.lib.format.read_array_header_2_0
    shape, _, dtype = read(stream)
    return shape, dtype


def _check_header(name: str, shape: tuple[int, ...], dtype: np.dtype[Any], member: zipfile.ZipInfo) -> None:
    if dtype.kind not in "fiub":
        raise NassimError(f"{name} holds numbers (float, int or uint), found dtype {shorten(str(dtype), LONGEST_LIST)}")
    count, packed = math.prod(shape), max(member.compress_size, 1)
    claimed, there = count * dtype.itemsize, psutil.virtual_memory().available
    if min(shape, default=0) < 0 or claimed > member.file_size:
        raise NassimError(
            f"{name} has the shape {shape} by its header, {claimed:,} bytes, and the file holds {member.file_size:,} "
            "of it; write it anew"
        )
    if member.file_size > max(LARGE_BYTES, MOST_PACKED * packed):
        raise NassimError(
            f"{name} is packed {member.file_size // packed:,} to 1, in {packed:,} bytes; data of this size is packed "
            f"{MOST_PACKED} to 1 at most"
        )
    needed = claimed + (0 if dtype == np.float32 else 4 * count)
    if needed > there:
        raise NassimError(
            f"{name} has the shape {shape}, and takes {needed:,} bytes to read, of which this machine has {there:,} "
            "left; data is held in memory, by every worker"
        )


def _check_labels(path: str, y: npt.NDArray[Any], task: TaskKind) -> None:
    found = np.unique(y)
    if len(found) < 2:
        raise NassimError(f"{path}: y has at least 2 classes, found only the label {found[0]}")
    if task == "binary" and (len(found) > 2 or found[0] != 0 or found[1] != 1):
        raise NassimError(
            f"{path}: y of a binary task holds 0 and 1, found {len(found)} labels from {found[0]} to {found[-1]}"
        )
    if found[0] != 0 or found[-1] != len(found) - 1:
        raise NassimError(
            f"{path}: y holds the labels 0 to k - 1, each at least once, found {len(found)} labels from {found[0]} to "
            f"{found[-1]}; number the classes from 0 without gaps"
        )
