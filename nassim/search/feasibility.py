"""Feasibility: whether a space has networks within limits at all, found out before anything is paid."""

from collections.abc import Sequence

import numpy as np

from nassim.errors import NassimError
from nassim.hardware.costs import PROFILED
from nassim.search.aims import Limit, excesses
from nassim.space import SearchSpace
from nassim.space.architecture import Architecture
from nassim.space.domain import Choice

STARTS = 8
"""Architectures from which the way to the limits is looked for."""

MOST_LOOKED_AT = 20_000
"""Architectures that are all looked at, if need be, where that is a matter of looking them up."""


def check_limits(space: SearchSpace, limits: Sequence[Limit]) -> None:
    """See that some architecture is within the limits.

    From a few starts one choice after the other is changed for the better. That finds the least of a cost that is a sum
    over the options. Where it leads nowhere, all architectures of a small space are looked at.

    Raises:
        NassimError: None was found; the message has the nearest.
    """
    rng = np.random.default_rng(0)
    nearest: list[tuple[float, Architecture]] = []
    for _ in range(STARTS if limits else 0):
        found = _descend(space, limits, space.sample(rng))
        if found is not None and found[0] == 0:
            return
        nearest += [found] if found else []
    if limits and not _any_within(space, limits):
        raise _none_within(space, limits, nearest)


def _descend(space: SearchSpace, limits: Sequence[Limit], start: Architecture) -> tuple[float, Architecture] | None:
    """Change one choice after the other for the better; return by how much what is reached is beyond the limits."""
    best, least = start, _beyond(limits, start)
    while least > 0:
        before = least
        for choice in space.domain.choices:
            for label in choice.labels if choice.name in best else ():
                other = _changed(space, best, choice, label)
                beyond = _beyond(limits, other)
                if beyond < least:
                    best, least = other, beyond
        if least == before:
            break
    return None if least == float("inf") else (least, best)


def _changed(space: SearchSpace, architecture: Architecture, choice: Choice, label: str) -> Architecture:
    """Return the architecture with another label at one choice; a choice that it then reaches anew takes its first."""
    labels = {**architecture, choice.name: label}
    return space.domain.walk(lambda each: labels.get(each.name, each.labels[0]))


def _beyond(limits: Sequence[Limit], architecture: Architecture) -> float:
    try:
        return sum(excess.share for excess in excesses(limits, architecture))
    except NassimError:
        return float("inf")  # Its network can't be built; a search's trial of it fails and says so.


def _any_within(space: SearchSpace, limits: Sequence[Limit]) -> bool:
    if space.size > MOST_LOOKED_AT or not all(limit.name in PROFILED for limit in limits):
        return False
    return any(_beyond(limits, each) == 0 for each in space.enumerate())


def _none_within(
    space: SearchSpace, limits: Sequence[Limit], nearest: Sequence[tuple[float, Architecture]]
) -> NassimError:
    if not nearest:
        return NassimError("limits: no network of this space could be built or counted, so none is known to be within")
    _, architecture = min(nearest, key=lambda found: found[0])
    return NassimError(
        f"limits: found no architecture of the {space.size:,} of this space that is within them; the nearest is "
        f"{architecture.to_json()}: {'; '.join(map(str, excesses(limits, architecture)))}. Raise the limits, or search "
        "a space with smaller networks"
    )
