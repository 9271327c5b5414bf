"""Spec: the base of every part of an experiment file, and the kinds of values that parts are made of."""

from collections.abc import Callable
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field
from pydantic_core import InitErrorDetails, PydanticCustomError, ValidationError

from nassim.errors import KeyPath, NassimError
from nassim.hardware.terms import PUE_VALUES, pue_number

LARGEST_COUNT = 10_000_000
SMALLEST_SCALE = 1e-12


class Spec(BaseModel):
    """A part of an experiment: frozen, without unknown keys, without conversions from one type to another."""

    model_config = ConfigDict(
        frozen=True, extra="forbid", strict=True, allow_inf_nan=False, use_attribute_docstrings=True
    )


def whole(value: Any) -> Any:
    """Take 1e15 for the whole number that it is."""
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _printable(text: str) -> str:
    if text != text.strip() or not text.isprintable():
        raise PydanticCustomError("text", "must not begin or end with a space, nor hold control characters")
    return text


def _pue(value: Any) -> Any:
    try:
        number = pue_number(value)
    except NassimError:
        number, value = None, None
    if number is None and not (isinstance(value, str) and value):
        raise PydanticCustomError("pue", "{wanted}", {"wanted": f"wanted {PUE_VALUES}"})
    return value if number is None else number


def _scale(value: Any) -> Any:
    number = isinstance(value, (int, float)) and not isinstance(value, bool)
    if not (number and SMALLEST_SCALE <= value <= 1 / SMALLEST_SCALE) and value != "standard":
        raise PydanticCustomError("scale", "wanted a number from 1e-12 to 1e12, or standard")
    return float(value) if number else value


def _pick(value: Any) -> Any:
    value = whole(value)
    counts = isinstance(value, int) and not isinstance(value, bool) and 1 <= value <= LARGEST_COUNT
    if not counts and value not in ("best", "knee", "front"):
        raise PydanticCustomError("pick", "wanted best, knee, front, or a whole number of at least 1")
    return value


Count = Annotated[int, BeforeValidator(whole), Field(ge=1, le=LARGEST_COUNT)]
"""A whole number from 1 to ten million."""

Amount = Annotated[float, Field(gt=0)]
"""A number above 0."""

Share = Annotated[float, Field(gt=0, lt=1)]
"""A number between 0 and 1, both left out."""

Seed = Annotated[int, Field(ge=0, lt=2**31)]
"""A whole number from 0 to 2,147,483,647."""

Name = Annotated[str, Field(min_length=1, max_length=80), AfterValidator(_printable)]
"""Text of 1 to 80 characters, of any script, on one line."""

Text = Annotated[str, Field(min_length=1, max_length=4096), AfterValidator(_printable)]
"""Text of at least one character, on one line."""

Pue = Annotated[float | str, BeforeValidator(_pue)]
"""A number of at least 1, or text."""

Scale = Annotated[float | Literal["standard"], BeforeValidator(_scale)]
"""A number from 1e-12 to 1e12, or standard."""

Pick = Annotated[int | str, BeforeValidator(_pick)]
"""best, knee, front, or a whole number of at least 1."""

Parameters = dict[str, Any]
"""Names to values that a part hands on to the class it names, which checks them."""


def one_named(value: Any, wanted: str, spell_out: Callable[[Any], Any]) -> Any:
    """Take `x` for `{x: {}}`, and of a mapping with one name what is said of that, spelled out."""
    match value:
        case str():
            return {value: {}}
        case dict() if len(value) == 1:
            return {name: spell_out(what) for name, what in value.items()}
    raise PydanticCustomError("named", "{wanted}", {"wanted": f"wanted a name such as {wanted}"})


def contradiction(*mistakes: tuple[KeyPath, str]) -> ValidationError:
    """Return an error that names keys which are right by themselves but not together.

    Args:
        mistakes: For each the path of the key, from the part that raises it, and what is wrong.
    """
    return ValidationError.from_exception_data(
        "experiment",
        [
            InitErrorDetails(type=PydanticCustomError("contradiction", "{what}", {"what": what}), loc=path, input=None)
            for path, what in mistakes
        ],
    )
