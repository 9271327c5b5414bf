"""A run's facts as JSON: their fields and properties, by name. `docs/report.md` documents every key."""

import json
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from functools import cache
from typing import Any

from nassim.report.counting import EXCLUDED, HEADLINE, INCLUDED
from nassim.report.facts import RunFacts

SCHEMA = 2
"""Goes up when a key changes its meaning or goes."""


def to_json(facts: RunFacts) -> str:
    """Return a run's facts as JSON text; what is unknown is null."""
    return json.dumps(document(facts), indent=2, ensure_ascii=False, allow_nan=False)


def document(facts: RunFacts) -> dict[str, Any]:
    """Return a run's facts as plain JSON values."""
    words = {"headline": HEADLINE, "included": list(INCLUDED), "excluded": list(EXCLUDED)}
    return {"schema": SCHEMA, **_plain(facts), **words}


def _plain(value: Any) -> Any:
    if is_dataclass(value) and not isinstance(value, type):
        return {name: _plain(getattr(value, name)) for name in _keys(type(value))}
    if isinstance(value, Mapping):
        return {name: _plain(item) for name, item in value.items()}
    return [_plain(item) for item in value] if isinstance(value, tuple) else value


@cache
def _keys(kind: type) -> tuple[str, ...]:
    """Return the names of a fact's fields, then those of its properties."""
    own = tuple(field.name for field in fields(kind))
    return (*own, *(name for name, member in vars(kind).items() if isinstance(member, property)))
