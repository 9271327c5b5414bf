"""Readers: where inputs and labels come from, before they are split."""

import pickle
import zipfile
from dataclasses import dataclass
from functools import lru_cache
from pathlib import PurePath
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from nassim.errors import NassimError

Inputs = npt.NDArray[np.float32]
Labels = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Shape:
    """What a data set looks like, all splits together.

    Attributes:
        input_shape: Shape of one input, channels first for images.
        members: Number of inputs of each class.
    """

    input_shape: tuple[int, ...]
    members: tuple[int, ...]

    @property
    def count(self) -> int:
        """Number of inputs."""
        return sum(self.members)

    @property
    def classes(self) -> int:
        """Number of classes."""
        return len(self.members)


class Reader(Protocol):
    """Reads a data set. Hashable and picklable: it describes data and holds none."""

    @property
    def name(self) -> str:
        """What the data set is called."""

    @property
    def preparation(self) -> str:
        """What was done to its inputs, which is to be done to those that a trained model is used on."""

    def shape(self) -> Shape:
        """Return what the data set looks like.

        Raises:
            NassimError: It can't be read or is not fit for use.
        """

    def read(self) -> tuple[Inputs, Labels]:
        """Return all inputs (count, *input_shape) and their labels (count,), 0 to classes - 1.

        Raises:
            NassimError: As for `shape`.
        """


@dataclass(frozen=True, slots=True)
class Digits:
    """scikit-learn's handwritten digits: 1,797 images of 1x8x8 in 10 classes (Alpaydin and Kaynak 1998).

    Pixels are scaled from 0..16 to 0..1.
    """

    name = "digits"
    preparation = "pixels, 0 to 16, are divided by 16"

    def shape(self) -> Shape:
        """Return the shape, which is known without reading."""
        return Shape((1, 8, 8), (178, 182, 177, 183, 181, 182, 181, 179, 174, 180))

    def read(self) -> tuple[Inputs, Labels]:
        """Return images and labels."""
        from sklearn.datasets import load_digits

        images, labels = load_digits(return_X_y=True)
        return (images / 16).astype(np.float32).reshape(-1, 1, 8, 8), labels.astype(np.int64)


@dataclass(frozen=True, slots=True)
class ArrayFile:
    """A `.npz` file with `x` (count, *input_shape), numbers taken as they are, and `y` (count,), labels from 0.

    Attributes:
        path: The file, absolute, so that it means the same to every worker.
    """

    path: str

    preparation = "nothing, numbers are taken as they are"

    @property
    def name(self) -> str:
        """The file's name; its folder is nobody's business who is handed a model."""
        return PurePath(self.path).name

    def shape(self) -> Shape:
        """Return the shape; reads the whole file once a process, to find what is wrong with it before work starts."""
        x, y = _read_checked(self.path)
        return Shape(x.shape[1:], tuple(np.bincount(y).tolist()))

    def read(self) -> tuple[Inputs, Labels]:
        """Return x and y."""
        return _read_checked(self.path)


@lru_cache(maxsize=2)
def _read_checked(path: str) -> tuple[Inputs, Labels]:
    x, y = _load(path)
    if x.dtype.kind not in "fiu":
        raise NassimError(f"{path}: x holds numbers (float, int or uint), found dtype {x.dtype}")
    if x.ndim < 2 or 0 in x.shape:
        raise NassimError(
            f"{path}: x has the shape (count, ...), for images (count, channels, height, width), found {x.shape}"
        )
    if y.dtype.kind not in "iu":
        raise NassimError(f"{path}: y holds whole numbers (int or uint), found dtype {y.dtype}")
    if y.shape != x.shape[:1]:
        raise NassimError(f"{path}: y has one label for each of the {len(x)} inputs of x, found shape {y.shape}")
    with np.errstate(over="ignore"):
        inputs = x.astype(np.float32)
    bad = len(inputs) - int(np.isfinite(inputs.reshape(len(inputs), -1)).all(axis=1).sum())
    if bad:
        raise NassimError(
            f"{path}: x holds NaN, inf or numbers beyond float32 in {bad} of {len(x)} inputs; take them out"
        )
    _check_labels(path, y)
    return inputs, y.astype(np.int64)


def _load(path: str) -> tuple[npt.NDArray[Any], npt.NDArray[Any]]:
    try:
        with np.load(path, allow_pickle=False) as file:
            names = list(getattr(file, "files", ()))
            missing = [name for name in ("x", "y") if name not in names]
            if missing:
                raise NassimError(
                    f"{path}: needs the arrays x and y, found {', '.join(names) or 'none'}; write it with "
                    "numpy.savez(path, x=..., y=...)"
                )
            return file["x"], file["y"]
    except FileNotFoundError:
        raise NassimError(f"{path}: there is no such file; data is an .npz file with x and y") from None
    except (
        OSError,
        ValueError,
        EOFError,
        AttributeError,
        TypeError,
        zipfile.BadZipFile,
        pickle.UnpicklingError,
    ) as error:
        raise NassimError(
            f"{path}: can't be read as an .npz file of plain arrays, without pickled objects: {error}"
        ) from error


def _check_labels(path: str, y: npt.NDArray[Any]) -> None:
    found = np.unique(y)
    if len(found) < 2:
        raise NassimError(f"{path}: y has at least 2 classes, found only the label {found[0]}")
    if found[0] != 0 or found[-1] != len(found) - 1:
        raise NassimError(
            f"{path}: y holds the labels 0 to k - 1, each at least once, found {len(found)} labels from {found[0]} to "
            f"{found[-1]}; number the classes from 0 without gaps"
        )
