"""Data: what is learnt, as an experiment file says it."""

from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, model_validator
from pydantic_core import PydanticCustomError

from nassim.experiment.own import Own, PartSpec
from nassim.spec import Share, Text, contradiction

SMALLEST_SCALE = 1e-12


def _scale(value: Any) -> Any:
    number = isinstance(value, (int, float)) and not isinstance(value, bool)
    if not (number and SMALLEST_SCALE <= value <= 1 / SMALLEST_SCALE) and value != "standard":
        raise PydanticCustomError("scale", "wanted a number from 1e-12 to 1e12, or standard")
    return float(value) if number else value


Scale = Annotated[float | Literal["standard"], BeforeValidator(_scale)]
"""A number from 1e-12 to 1e12, or standard."""


class DataSpec(PartSpec):
    """What is learnt, and how it is split. Which input is in which split follows from the experiment's seed."""

    naming = ("name", "validation", "test", "scale")

    validation: Share = 0.2
    """Share of the inputs that candidates are validated on."""
    test: Share = 0.2
    """Share of the inputs that only the final model sees."""
    scale: Scale | None = None
    """What inputs are divided by; or standard, to take off each channel's mean and divide by its deviation, by the
    training split's. By default they are taken as they are."""

    @model_validator(mode="after")
    def _leaves_something_to_train_on(self) -> "DataSpec":
        if self.validation + self.test >= 1:
            left = f"found {self.test}, with validation {self.validation} nothing is left to train on"
            raise contradiction((("test",), f"{left}; together they are below 1"))
        return self


class DigitsSpec(DataSpec):
    """scikit-learn's handwritten digits: 1,797 images of 1x8x8, 10 classes."""

    name: Literal["digits"]
    """Says that it is this one."""


class ArraysSpec(DataSpec):
    """Arrays of one's own: an `.npz` file that holds `x` and `y`."""

    name: Literal["arrays"]
    """Says that it is this one."""
    path: Text
    """The file; a relative path starts from the experiment file's folder."""


class OwnData(DataSpec, Own):
    """A data set of one's own, or of a package's: a `nassim.data.reading.Reader`."""

    name: Text
    """`path/to/file.py:Class` or `module:Class`."""
