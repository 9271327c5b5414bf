"""Commits: when what is posted is written, and what is done while the database is away."""

from collections.abc import Callable

from nassim.executors.clock import Clock, pause
from nassim.ledger.errors import LedgerUnavailable
from nassim.ledger.writer import Writer

INTERVAL_S = 0.1
"""Entries are committed in groups: what a crash can lose is at most the work acknowledged in this long."""
PATIENCE_S = 60.0
"""How long a database may stay away before the run stops, with what is unwritten saved beside it."""
AGAIN_S = 0.5
"""How long to wait between tries when there is nothing else to do."""


class Commits:
    """Writes what is posted, in groups, and keeps it while the database is away.

    It goes by the host's clock, whatever the run's is: in a simulation an epoch may pass in no time.

    Args:
        writer: Holds what is posted.
        warn: Is told when the database goes away and when it is back.
    """

    def __init__(self, writer: Writer, warn: Callable[[str], None]) -> None:
        self._writer = writer
        self._clock = Clock()
        self._warn = warn
        self._next_s = 0.0
        self._away_since_s: float | None = None

    @property
    def due(self) -> bool:
        """Whether there is something to write, and the last try was long enough ago."""
        return self._writer.pending > 0 and self._clock.now_s() >= self._next_s

    def commit(self) -> bool:
        """Write all that is posted, and return whether it is written.

        Raises:
            LedgerUnavailable: The database has been away for longer than PATIENCE_S.
        """
        began_s = self._clock.now_s()
        try:
            self._writer.commit()
        except LedgerUnavailable as error:
            self._is_away(error, began_s)
            # A try may have waited for a lock. As long again goes to the workers before the next.
            self._next_s = 2 * self._clock.now_s() - began_s + INTERVAL_S
            return False
        if self._away_since_s is not None:
            self._warn("the database is back, and what was kept is written")
            self._away_since_s = None
        self._next_s = self._clock.now_s() + INTERVAL_S
        return True

    def commit_at_last(self, hurried: Callable[[], bool]) -> None:
        """Write all that is posted; where the database is away, wait for it as long as for any commit.

        Args:
            hurried: Whether there is no time to wait.

        Raises:
            LedgerUnavailable: It did not come back, or there was no time to wait for it.
        """
        while not hurried():
            if self.commit():
                return
            pause(AGAIN_S)
        self._writer.commit()

    def _is_away(self, error: LedgerUnavailable, since_s: float) -> None:
        if self._away_since_s is None:
            self._away_since_s = since_s
            self._warn(f"{error}; it is tried again for {PATIENCE_S:g} s")
        elif since_s - self._away_since_s > PATIENCE_S:
            raise error
