"""Changes: what is different between a space and what was recorded of it when its run was entered."""

from collections.abc import Iterator, Mapping
from typing import Any

from nassim.space.domain import Choice, Condition, Domain


def record(domain: Domain) -> dict[str, Any]:
    """Return a domain as plain values: of each choice its options, and on which others it depends."""
    return {choice.name: {"options": list(choice.labels), "when": _when(choice.when)} for choice in domain.choices}


def changes(before: Mapping[str, Any], domain: Domain) -> list[str]:
    """Return what is different from a domain that was recorded, in words; empty where nothing is.

    Args:
        before: As `record` returned it.
        domain: The domain as it is.
    """
    gone = [f"choice {name!r} is gone" for name in before if name not in domain]
    return [*gone, *(what for choice in domain.choices for what in _changes(before.get(choice.name), choice))]


def _changes(before: Mapping[str, Any] | None, choice: Choice) -> Iterator[str]:
    if before is None:
        yield f"choice {choice.name!r} is new"
        return
    earlier, now = before["options"], list(choice.labels)
    yield from (f"option {label!r} of choice {choice.name!r} is gone" for label in earlier if label not in now)
    yield from (f"option {label!r} of choice {choice.name!r} is new" for label in now if label not in earlier)
    if earlier != now and sorted(earlier) == sorted(now):
        yield f"the options of choice {choice.name!r} are in another order"
    if before["when"] != _when(choice.when):
        yield f"choice {choice.name!r} is asked under other conditions"


def _when(conditions: tuple[Condition, ...]) -> list[dict[str, list[str]]]:
    return [{name: sorted(labels) for name, labels in condition} for condition in conditions]
