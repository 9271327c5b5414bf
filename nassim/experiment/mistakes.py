"""Turns what pydantic finds wrong into mistakes: key path, what was found, what is allowed."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from nassim.catalogue import did_you_mean
from nassim.errors import KeyPath
from nassim.experiment.document import Mistake
from nassim.experiment.own import OWN, Own

LONGEST_VALUE = 60
"""Characters of a found value that a message shows."""

OF_A_KEY = "[key]"
"""What pydantic ends a location with where a key is wrong and not its value."""

ONES_OWN = ", or one's own: module:Class or path/to/file.py:Class"
"""What is allowed too where a part is named."""

_WANTED = {
    "int_type": "a whole number",
    "int_from_float": "a whole number",
    "float_type": "a number",
    "string_type": "text",
    "bool_type": "true or false",
    "dict_type": "a mapping",
    "tuple_type": "a list",
    "finite_number": "a finite number",
    "greater_than": "a number above {gt}",
    "greater_than_equal": "a number of at least {ge}",
    "less_than": "a number below {lt}",
    "less_than_equal": "a number of at most {le}",
    "string_too_short": "text of at least {min_length} character",
    "string_too_long": "text of at most {max_length} characters",
    "too_short": "a list of at least {min_length} item",
    "too_long": "a list of at most {max_length} items",
}
"""What is wanted, by the type of pydantic's error."""


def mistakes_in(error: ValidationError, model: type[BaseModel]) -> list[Mistake]:
    """Return what is wrong, in the order of the model's fields, each with its key path.

    Args:
        error: What pydantic raised.
        model: What it validated.
    """
    return [mistake for details in error.errors(include_url=False) for mistake in _mistakes(details, model)]


def _mistakes(details: ErrorDetails, model: type[BaseModel]) -> Iterator[Mistake]:
    place = _resolve(details["loc"], model)
    path = place.path
    found, context = details["input"], details.get("ctx", {})
    match details["type"]:
        case "extra_forbidden":
            yield Mistake(
                path, f"unknown key{did_you_mean(str(path[-1]), place.beside)}; allowed here: {', '.join(place.beside)}"
            )
        case "missing":
            yield Mistake(path, "this key is missing")
        case "union_tag_not_found" if isinstance(found, dict):
            yield Mistake((*path, context["discriminator"].strip("'()")), "this key is missing")
        case "union_tag_not_found":
            yield Mistake(path, f"found {show(found)}, wanted a mapping")
        case "union_tag_invalid":
            tag = (*path, context["discriminator"].strip("'()"))
            yield Mistake(tag, f"{_not_one_of(context['tag'], context['expected_tags'])}{ONES_OWN}")
        case "not_known":
            yield Mistake(path, f"{_not_one_of(found, context['expected'])}{ONES_OWN}")
        case "literal_error":
            yield Mistake(path, _not_one_of(found, context["expected"]))
        case "too_short" if isinstance(found, (list, tuple)) and len(found) >= context["min_length"]:
            pass  # Its items are wrong, and each says so itself.
        case "contradiction":
            yield Mistake(path, details["msg"])
        case "model_type" | "model_attributes_type" if place.within:
            yield Mistake(path, f"found {show(found)}, wanted a mapping with the keys {', '.join(place.within)}")
        case kind if kind in _WANTED:
            yield Mistake(path, f"found {show(found)}, wanted {_WANTED[kind].format(**context)}")
        case _:
            yield Mistake(path, f"found {show(found)}: {details['msg']}")


def _not_one_of(found: object, expected: str) -> str:
    """Return the message for a value that is none of those expected: `'a', 'b' or 'c'`."""
    allowed = [each for each in re.findall(r"'([^']*)'", expected) if each != OWN]
    return f"found {show(found)}{did_you_mean(str(found), allowed)}; allowed: {', '.join(allowed)}"


def show(value: object) -> str:
    """Return a value as a YAML file would say it, shortened."""
    match value:
        case None:
            return "nothing"
        case dict():
            return "a mapping"
        case list() | tuple():
            return "a list"
        case bool():
            return str(value).lower()
        case _:
            text = repr(value)
            return text if len(text) <= LONGEST_VALUE else f"{text[:LONGEST_VALUE]}..."


@dataclass(frozen=True, slots=True)
class _Place:
    """Where in the file something is wrong.

    Attributes:
        path: Its key path.
        beside: The keys that the mapping it stands in may have.
        within: The keys that it may have itself; empty where it is no mapping of fixed keys.
    """

    path: KeyPath
    beside: tuple[str, ...]
    within: tuple[str, ...]


def _resolve(location: tuple[int | str, ...], model: type[BaseModel]) -> _Place:
    """Find the place of a location as pydantic gives it, which names the branch taken of a union by its tag."""
    path: list[int | str] = []
    beside: tuple[str, ...] = ()
    here: list[Any] = [model]
    for part in location:
        if part == OF_A_KEY:
            continue
        tagged = [option for option in here if len(here) > 1 and part in _tags(option)]
        if tagged:
            here = tagged
            continue
        path.append(part)
        beside = _keys(here)
        if beside:
            field = here[0].model_fields.get(part)
            here = _options(field.annotation) if field else []
        else:
            here = [inner for option in here for inner in _within(option)]
    return _Place(tuple(path), beside, _keys(here))


def _keys(types: list[Any]) -> tuple[str, ...]:
    """Return the keys of a mapping that is of one of these types, as far as they agree on its class."""
    only = types[0] if len(types) == 1 else None
    return tuple(only.model_fields) if isinstance(only, type) and issubclass(only, BaseModel) else ()


def _within(annotation: Any) -> list[Any]:
    """Return the types of what a list holds, or of what a mapping of free names holds."""
    places: dict[Any, int] = {tuple: 0, dict: 1}
    origin = get_origin(annotation)
    return _options(get_args(annotation)[places[origin]]) if origin in places else []


def _options(annotation: Any) -> list[Any]:
    """Return the types of a union, `None` left out, or the one type."""
    if get_origin(annotation) is Annotated:
        return _options(get_args(annotation)[0])
    if get_origin(annotation) in (Union, UnionType):
        return [option for part in get_args(annotation) for option in _options(part) if option is not NoneType]
    return [annotation]


def _tags(model: type[BaseModel]) -> tuple[str, ...]:
    """Return the values that the discriminator of a union's branch may have."""
    if issubclass(model, Own):
        return (OWN,)
    return tuple(
        tag
        for field in model.model_fields.values()
        if get_origin(field.annotation) is Literal and field.is_required()
        for tag in get_args(field.annotation)
    )
