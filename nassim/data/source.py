"""DataSource: a description of data that loads once a process, as tensors.

Searches see `SearchData`, which has no test split. `FinalData` has: the evaluator of the final training alone loads it.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Literal, Protocol

from nassim.data.reading import Digits, Reader
from nassim.data.splitting import Sizes, class_counts, split_sizes, stratified, unstratified
from nassim.errors import NassimError

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True, slots=True)
class Split:
    """Inputs and their labels, in memory.

    Attributes:
        x: float32, (count, *input_shape).
        y: Labels, int64 (count,); of a regression float32, (count,) or (count, outputs).
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


Scale = float | Literal["standard"] | None
"""What inputs are divided by; "standard" to take each channel's mean off and divide by its deviation."""

UNSCALED = 20.0
"""Inputs beyond it look as if they had been forgotten to be scaled."""


class Fitting(Protocol):
    """Something that takes inputs of one shape and has so many outputs: a search space."""

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
        scale: How inputs are scaled; "standard" by the training split's means and deviations.

    Raises:
        NassimError: A share or the scale is out of range.
    """

    reader: Reader
    validation: float = 0.2
    test: float = 0.2
    seed: int = 0
    scale: Scale = None

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

        if isinstance(self.scale, (int, float)) and not 0 < self.scale < float("inf"):
            raise NassimError(f"data: scale is a number above 0, or standard, found {self.scale!r}")

    @property
    def input_shape(self) -> tuple[int, ...]:
        """Shape of one input, without the batch dimension."""
        return self.reader.shape().input_shape

    @property
    def outputs(self) -> int:
        """Outputs that a network needs for the targets."""
        return self.reader.shape().outputs

    @property
    def remarks(self) -> tuple[str, ...]:
        """What its user is to be told of the data, in words."""
        greatest = self.reader.shape().greatest
        if self.scale is not None or greatest <= UNSCALED:
            return ()
        return (
            f"the inputs reach {greatest:g}, and networks learn best from numbers around 1: `data.scale: {greatest:g}` "
            "divides by it, `data.scale: standard` standardises each channel",
        )

    @property
    def preparation(self) -> str:
        """What is done to the inputs before a network gets them, in words; reads them where `scale` goes by them."""
        if self.scale is None:
            return self.reader.preparation
        if self.scale != "standard":
            return f"{self.reader.preparation}; then they are divided by {self.scale:g}"
        x, _, parts = _read(self)
        means, deviations = (values.flatten().tolist() for values in _moments(x[parts[0]]))
        return (
            f"{self.reader.preparation}; then of each channel its mean is taken off, and it is divided by its "
            f"deviation: means {means}, deviations {deviations}"
        )

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
        if space.classes != shape.outputs:
            what = f"{shape.outputs} classes" if len(shape.members) == shape.outputs else f"{shape.outputs} output(s)"
            raise NassimError(
                f"space {name} has {space.classes} outputs, and the data needs {what}; set the space's classes to match"
            )
        if shape.members:
            class_counts(shape.members, self.sizes)

    def load(self, device: str = "cpu") -> SearchData:
        """Return the data that a search may see, on a device; the same object at each call in a process."""
        return _load(self, device)

    def load_final(self, device: str = "cpu") -> FinalData:
        """Return the data of the final training. For the final evaluator alone."""
        return _load_final(self, device)


def digits(seed: int = 0, validation: float = 0.2, test: float = 0.2, scale: Scale = None) -> DataSource:
    """Return scikit-learn's handwritten digits: 1,797 images of 1x8x8, 10 classes."""
    return DataSource(Digits(), validation, test, seed, scale)


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
    x, y, parts = _read(source)
    scaled = _scaling(source.scale, x[parts[0]])
    return [Split(scaled(x[part]).to(device), y[part].to(device)) for part in parts]


def _read(source: DataSource) -> tuple["Tensor", "Tensor", list["Tensor"]]:
    """Return inputs and targets, and which of them are in the training, validation and test split."""
    import torch

    x, y = map(torch.from_numpy, source.reader.read())
    count, shape = source.reader.shape().count, source.reader.shape().input_shape
    if len(x) != count or len(y) != count or tuple(x.shape[1:]) != shape:
        raise NassimError(
            f"data: {type(source.reader).__name__} says that there are {count:,} inputs of shape {shape}, and reads "
            f"inputs of shape {tuple(x.shape)} and {len(y):,} targets"
        )
    divide = unstratified if y.is_floating_point() else stratified
    return x, y, [torch.from_numpy(part) for part in divide(y.numpy(), source.sizes, source.seed)]


def _scaling(scale: Scale, train: "Tensor") -> "Callable[[Tensor], Tensor]":
    """Return what scales inputs; `standard` goes by what there is to train on alone."""
    if scale is None:
        return lambda x: x
    if scale != "standard":
        return lambda x: x / scale
    means, deviations = _moments(train)
    return lambda x: (x - means) / deviations


def _moments(train: "Tensor") -> tuple["Tensor", "Tensor"]:
    """Return each channel's mean, and its deviation, or 1 where that is 0, in a shape that goes with the inputs."""
    others = [dimension for dimension in range(train.dim()) if dimension != 1]
    deviations = train.std(others, correction=0, keepdim=True)
    return train.mean(others, keepdim=True), deviations.where(deviations != 0, 1.0)
