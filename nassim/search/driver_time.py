"""Driver's time: what the driver's own seconds went into, until they are posted."""

from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from nassim.cost.work import Activity
from nassim.ledger.entry import DRIVER, Entry
from nassim.search.spending import Account, Accounts


class DriverTime:
    """Divides the driver's seconds, each once, among what it was busy with and what it worked for.

    Attributes:
        at_s: The moment up to which they are divided, on the run's clock.
        posted_s: The moment up to which they are taken.
    """

    def __init__(self, now_s: Callable[[], float], accounts: Accounts) -> None:
        """Begin with nothing to divide.

        Args:
            now_s: Returns what the run's clock shows.
            accounts: What is worked for.
        """
        self.at_s = 0.0
        self.posted_s = 0.0
        self._now_s = now_s
        self._accounts = accounts
        self._activity = Activity.IDLE
        self._seconds: dict[tuple[Account, Activity], float] = defaultdict(float)

    def begin(self, opened_s: float) -> None:
        """The driver is there since a moment that has passed; what it did since then was starting."""
        self.at_s = self.posted_s = opened_s
        self._activity = Activity.STARTUP
        self.tally()
        self._activity = Activity.IDLE

    @contextmanager
    def turn(self, activity: Activity) -> Iterator[None]:
        """Give the seconds within to `activity`, and to what it was busy with before from then on."""
        before = self._activity
        self.tally()
        self._activity = activity
        try:
            yield
        finally:
            self.tally()
            self._activity = before

    def tally(self) -> None:
        """Bring the seconds up to this moment."""
        now_s = self._now_s()
        self._seconds[self._accounts.current, self._activity] += now_s - self.at_s
        self.at_s = now_s

    def take(self) -> Iterator[Entry]:
        """Yield the entries of what has been tallied, one for each activity and account, and begin anew."""
        for (account, activity), seconds in self._seconds.items():
            yield Entry(DRIVER, self.posted_s, seconds, activity, search=account.search, stage=account.stage)
            self.posted_s += seconds
        self._seconds.clear()
