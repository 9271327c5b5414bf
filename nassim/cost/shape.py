"""What of a contraction's shape its speed on a device depends on."""

from collections.abc import Mapping
from dataclasses import dataclass
from math import prod
from typing import Any


@dataclass(frozen=True, slots=True)
class ContractionShape:
    """A convolution, or a product of matrices, which is one with a window of one place.

    Attributes:
        width: Channels that each group makes.
        depth: Channels that each group takes.
        window: Weights between two channels: 9 of a 3x3 convolution.
        groups: Parts that have nothing to do with each other: as many as channels in a depthwise convolution.
        stride: Places of the input to one of the output.
    """

    width: int
    depth: int
    window: int = 1
    groups: int = 1
    stride: int = 1

    @property
    def reduction(self) -> int:
        """Products that are added up to one number."""
        return self.depth * self.window

    @property
    def depthwise(self) -> bool:
        """Whether each channel is convolved by itself."""
        return self.groups > 1 and self.width == self.depth == 1


_CONVOLUTIONS = ("convolution", "_convolution", "convolution_overrideable")
_SECOND_FACTOR = {"mm": 1, "bmm": 1, "addmm": 2, "baddbmm": 2}
"""Products of matrices, and which argument is the second."""


def shape_of(operation: str, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> ContractionShape | None:
    """Return the shape of a contraction by a call's arguments; None where it is neither of the two or not known."""
    if operation in _CONVOLUTIONS and len(args) >= 9:
        _, weight, _, stride, _, _, transposed, _, groups = args[:9]
        ahead, back, *window = weight.shape
        width, depth = (back, ahead // groups) if transposed else (ahead // groups, back)
        return ContractionShape(width, depth, prod(window), groups, prod([*stride] * (len(window) // len(stride))))
    if operation in _SECOND_FACTOR and len(args) > _SECOND_FACTOR[operation]:
        *_, depth, width = args[_SECOND_FACTOR[operation]].shape
        return ContractionShape(width, depth)
    return None
