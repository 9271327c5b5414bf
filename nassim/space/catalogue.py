"""The search spaces that there are, and one's own."""

from collections.abc import Mapping, Sequence
from numbers import Integral
from typing import Any

from nassim.catalogue import LONGEST_SHOWN, Catalogue
from nassim.errors import NassimError, placed, shorten
from nassim.space.search_space import SearchSpace

SPACES: Catalogue[SearchSpace] = Catalogue("search space", "nassim.space.SearchSpace", "nassim.search_spaces")


def load_space(reference: str, parameters: Mapping[str, Any]) -> SearchSpace:
    """Make a search space.

    Args:
        reference: An installed name, `module:Class`, or `path/to/file.py:Class`.
        parameters: Keyword arguments of the class.

    Raises:
        NassimError: There is no such space, its module fails to import, or a parameter is unknown, missing or refused.
    """
    SPACES.check(reference)
    with placed("parameters"):
        space = SPACES.make(reference, parameters)
        _check_ends(reference, space)
    return space


def _check_ends(reference: str, space: SearchSpace) -> None:
    """See that a space says what its networks take and how many outputs they have."""
    for name, fits, wanted in (
        ("input_shape", _is_shape, "a tuple of whole numbers of at least 1"),
        ("classes", _is_count, "a whole number of at least 1"),
    ):
        if not hasattr(space, name):
            raise NassimError(f"the search space {reference!r} doesn't set {name}; set it in __init__")
        value = getattr(space, name)
        if not fits(value):
            shown = shorten(repr(value), LONGEST_SHOWN)
            raise NassimError(f"the search space {reference!r} has {shown} as its {name}, wanted {wanted}")


def _is_shape(value: object) -> bool:
    return isinstance(value, Sequence) and len(value) > 0 and all(map(_is_count, value))


def _is_count(value: object) -> bool:
    return isinstance(value, Integral) and not isinstance(value, bool) and int(value) >= 1
