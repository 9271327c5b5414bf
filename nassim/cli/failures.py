"""Failures: why trials of a search failed, with those together that failed alike."""

import re
from dataclasses import dataclass, field

MOST_TOLD = 5
"""Kinds of failures that are told; where every trial fails in its own way, the first few say enough."""


@dataclass(slots=True)
class Kind:
    """Trials that failed alike.

    Attributes:
        trial: The first of them.
        reason: Why that one failed.
        told: Whether it is one of the first kinds.
        count: How many there are.
    """

    trial: int
    reason: str
    told: bool
    count: int = 0


@dataclass(slots=True)
class Failures:
    """A search's failed trials.

    Attributes:
        count: How many have failed, those before a resume included.
        kinds: Those since, by what their reasons have in common.
    """

    count: int = 0
    kinds: dict[str, Kind] = field(default_factory=dict)

    def take(self, trial: int, reason: str | None) -> str | None:
        """Take a failed trial in, and return what to tell: of each kind the first, the tenth, the hundredth, ..."""
        reason = reason or "for a reason unknown"
        self.count += 1
        kind = self.kinds.setdefault(_alike(reason), Kind(trial, reason, len(self.kinds) < MOST_TOLD))
        kind.count += 1
        if not (kind.told and _is_round(kind.count)):
            return None
        if kind.count == 1:
            return f"trial {trial} failed: {reason}"
        return f"{kind.count} trials failed like trial {kind.trial}: {kind.reason}"

    @property
    def most(self) -> str:
        """What most have in common, in one line; empty without failures."""
        if not self.kinds:
            return ""
        kind = max(self.kinds.values(), key=lambda kind: kind.count)
        share = "" if kind.count == self.count else f", {kind.count} of them alike"
        return f"{self.count} failed{share}: {kind.reason}"


def _alike(reason: str) -> str:
    """Return a reason without what differs between trials of the same fault: numbers and addresses."""
    return re.sub(r"0x[0-9a-f]+|\d+(\.\d+)?", "#", reason)


def _is_round(count: int) -> bool:
    return str(count).strip("0") == "1"
