"""The executor's clock, and how another process's stamps are read on it.

Stamps are readings of a process's monotonic clock. They are shared by the processes of one machine and by nobody else,
so a worker's stamps are mapped to the driver's with an `Offset`.
"""

import time
from datetime import UTC, datetime

import psutil


def stamp() -> float:
    """Return a reading of this process's monotonic clock, in seconds from an arbitrary moment."""
    return time.monotonic()


def process_age_s() -> float:
    """Return how long ago this process was started, in seconds."""
    return max(0.0, time.time() - psutil.Process().create_time())


def pause(seconds: float) -> None:
    """Do nothing for so long."""
    time.sleep(seconds)


def utc() -> datetime:
    """Return the date in UTC."""
    return datetime.now(UTC)


def utc_now() -> str:
    """Return the date in UTC, to the second, in ISO 8601."""
    return utc().isoformat(timespec="seconds")


class Clock:
    """Seconds since it was made, plus `at_s`. Never set back."""

    def __init__(self, at_s: float = 0.0) -> None:
        self._zero = stamp() - at_s

    def now_s(self) -> float:
        """Return what the clock shows."""
        return stamp() - self._zero

    def shown_s(self, at: float) -> float:
        """Return what the clock showed at a stamp of this process."""
        return at - self._zero


class Offset:
    """What to add to another process's stamps to have this one's, estimated from exchanges with it.

    As NTP does (RFC 5905, section 8), of all exchanges the one with the shortest delay counts: it is wrong by at most
    half of that delay. Clocks of two machines also drift, so the estimate is kept within what causality allows:
    nothing is received before it was sent.
    """

    def __init__(self) -> None:
        self._seconds = 0.0
        self._delay_s = float("inf")

    def learn(self, sent: float, received: float, replied: float, arrived: float) -> None:
        """Take in one exchange.

        Args:
            sent: When this process sent its message, by its own clock.
            received: When the other received it, by the other's clock.
            replied: When the other sent its answer, by the other's clock.
            arrived: When the answer arrived, by this process's clock.
        """
        delay_s = (arrived - sent) - (replied - received)
        if delay_s < self._delay_s:
            self._delay_s = delay_s
            self._seconds = ((sent - received) + (arrived - replied)) / 2
        self._seconds = min(max(self._seconds, sent - received), arrived - replied)

    def here(self, there: float) -> float:
        """Return the other process's stamp as one of this process's."""
        return there + self._seconds
