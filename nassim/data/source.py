"""DataSource: a description of data that loads once a process, as tensors.

Searches see `SearchData`, which has no test split. `FinalData` has: the evaluator of the final training alone loads it.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from nassim.data.reading import ArrayFile, Digits, Reader
from nassim.data.splitting import Sizes, class_counts, split_sizes, stratified
from nassim.errors import NassimError

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True, slots=True)
class Split:
    """Inputs and their labels, in memory.

    Attributes:
        x: float32, (count, *input_shape).
        y: int64, (count,).
    """

    x: "Tensor"
    y: "Tensor"

    def __len__(self) -> int:
        return len(self.y)

    def chunks(self, size: int) -> Iterator[tuple["Tensor", "Tensor"]]:
        """Yield inputs and labels in order, at most `size` at a time, as views."""
        for first in range(0, len(self), size):
            yield self.x[first : first + size], self.y[first : first + size]


@dataclass(frozen=True, slots=True)
class SearchData:
    """What a search may see."""

    train: Split
    validation: Split


@dataclass(frozen=True, slots=True)
class FinalData:
    """What the final training may see: training and validation inputs together to train on, and the test inputs."""

    train: Split
    test: Split


class Fitting(Protocol):
    """Something that takes inputs of one shape and tells classes apart: a search space."""

    input_shape: tuple[int, ...]
    classes: int


@dataclass(frozen=True, slots=True)
class DataSource:
    """Describes data and how it is split; holds none of it, so it travels to workers at no cost.

    Attributes:
        reader: Reads the inputs.
        validation: Share of the inputs that candidates are validated on, in (0, 1).
        test: Share of the inputs that the final model alone is tested on, in (0, 1).
        seed: Which inputs are in which split.

    Raises:
        NassimError: A share is out of range.
    """

    reader: Reader
    validation: float = 0.2
    test: float = 0.2
    seed: int = 0

    def __post_init__(self) -> None:
        for name in ("validation", "test"):
            share = getattr(self, name)
            if not 0 < share < 1:
                raise NassimError(f"data: {name} is a share of the inputs, above 0 and below 1, found {share!r}")
        if self.validation + self.test >= 1:
            raise NassimError(
                f"data: validation {self.validation} and test {self.test} leave nothing to train on; together they are "
                "below 1"
            )

    @property
    def input_shape(self) -> tuple[int, ...]:
        """Shape of one input, without the batch dimension."""
        return self.reader.shape().input_shape

    @property
    def classes(self) -> int:
        """Number of classes."""
        return self.reader.shape().classes

    @property
    def sizes(self) -> Sizes:
        """Inputs of each split, known without torch.

        Raises:
            NassimError: The data can't be read, or is too little to be split.
        """
        return split_sizes(self.reader.shape().count, self.validation, self.test)

    def check(self, space: Fitting) -> None:
        """Find out, before any work starts, whether a space's networks can learn this data.

        Raises:
            NassimError: They can't, or the data can't be read or split.
        """
        shape = self.reader.shape()
        name = type(space).__name__
        if tuple(space.input_shape) != shape.input_shape:
            raise NassimError(
                f"space {name} takes inputs of shape {tuple(space.input_shape)}, the data's are {shape.input_shape}; "
                "set the space's input_shape to match"
            )
        if space.classes != shape.classes:
            raise NassimError(
                f"space {name} tells {space.classes} classes apart, the data has {shape.classes}; set the space's "
                "classes to match"
            )
        class_counts(shape.members, self.sizes)

    def load(self, device: str = "cpu") -> SearchData:
        """Return the data that a search may see, on a device; the same object at each call in a process."""
        return _load(self, device)

    def load_final(self, device: str = "cpu") -> FinalData:
        """Return the data of the final training. For the final evaluator alone."""
        return _load_final(self, device)


def digits(seed: int = 0, validation: float = 0.2, test: float = 0.2) -> DataSource:
    """Return scikit-learn's handwritten digits: 1,797 images of 1x8x8, 10 classes."""
    return DataSource(Digits(), validation, test, seed)


def arrays(path: str | Path, validation: float = 0.2, test: float = 0.2, seed: int = 0) -> DataSource:
    """Return data of one's own: an `.npz` file with `x` and `y`, see `ArrayFile`.

    Args:
        path: The file, on a file system that workers share; a relative path starts from the working folder.
        validation: Share of the inputs that candidates are validated on.
        test: Share of the inputs that the final model alone is tested on.
        seed: Which inputs are in which split.
    """
    return DataSource(ArrayFile(str(Path(path).expanduser().resolve())), validation, test, seed)


@lru_cache(maxsize=2)
def _load(source: DataSource, device: str) -> SearchData:
    train, validation, _ = _splits(source, device)
    return SearchData(train, validation)


@lru_cache(maxsize=2)
def _load_final(source: DataSource, device: str) -> FinalData:
    import torch

    train, validation, test = _splits(source, device)
    return FinalData(Split(torch.cat([train.x, validation.x]), torch.cat([train.y, validation.y])), test)


def _splits(source: DataSource, device: str) -> list[Split]:
    import torch

    x, y = map(torch.from_numpy, source.reader.read())
    parts = stratified(y.numpy(), source.sizes, source.seed)
    return [Split(x[part].to(device), y[part].to(device)) for part in map(torch.from_numpy, parts)]
