"""Sampling: keeping to the acceptable among architectures that are drawn."""

from collections.abc import Callable, Iterable
from itertools import islice

from nassim.errors import NassimError
from nassim.space.architecture import Architecture


def take_acceptable(
    drawn: Iterable[Architecture], accepts: Callable[[Architecture], bool] | None, count: int, most: int
) -> list[Architecture]:
    """Return the first acceptable architectures of those that are drawn, to train shared weights on.

    Args:
        drawn: Draws them; no more are drawn than it takes.
        accepts: Says whether one is within the limits; None where there are none.
        count: How many to return.
        most: How many to draw at most.

    Raises:
        NassimError: Hardly any is acceptable.
    """
    looked_at = islice(drawn, most)
    found = [*islice(filter(accepts, looked_at) if accepts else looked_at, count)]
    if len(found) < count:
        raise NassimError(
            f"limits: of {most:,} architectures drawn to train shared weights on only {len(found):,} are within them, "
            f"and {count:,} are needed; raise the limits"
        )
    return found
