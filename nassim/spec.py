"""Spec: the base of what users say in files, strictly validated, and the kinds of values that it is made of."""

from collections.abc import Callable
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field
from pydantic_core import InitErrorDetails, PydanticCustomError, ValidationError

from nassim.errors import KeyPath

LARGEST_COUNT = 10_000_000


class Spec(BaseModel):
    """Something that users say, in a file or in code: frozen, no unknown keys, no conversions from type to type."""

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
