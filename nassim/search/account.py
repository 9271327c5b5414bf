"""Account: what is being worked for, and since when."""

from collections.abc import Iterator
from dataclasses import dataclass, field

from nassim.ledger.entry import Stage
from nassim.search.budget import Spent


@dataclass(frozen=True, slots=True)
class Account:
    """What is being worked for: where seconds without a job of their own (idle workers, the driver) are booked.

    Attributes:
        search: Name of the search; None before the first.
        stage: Search or final training.
        spent: What the search has spent, its final training left out; None before the first.
    """

    search: str | None = None
    stage: Stage = Stage.SEARCH
    spent: Spent | None = field(default=None, compare=False)

    @property
    def searching(self) -> Spent | None:
        """Where to add what is spent now; None for what no search's budget pays: a final training."""
        return self.spent if self.stage is Stage.SEARCH else None


@dataclass(frozen=True, slots=True)
class Share:
    """The part of some seconds that falls to one account."""

    account: Account
    start_s: float
    seconds: float


class Accounts:
    """One account after the other.

    A worker that idles is heard of only when its idling ends, perhaps two searches later, so the past is remembered.
    """

    def __init__(self) -> None:
        self._since: list[tuple[float, Account]] = [(0.0, Account())]

    @property
    def current(self) -> Account:
        """What is being worked for now."""
        return self._since[-1][1]

    def open(self, account: Account, at_s: float) -> None:
        """Work for this from now on."""
        self._since.append((at_s, account))

    def shares(self, start_s: float, seconds: float) -> Iterator[Share]:
        """Divide seconds, some perhaps of earlier accounts, among the accounts in whose time they fall."""
        end_s = start_s + seconds
        first = next(i for i in reversed(range(len(self._since))) if self._since[i][0] <= start_s or i == 0)
        begin_s = start_s
        for (_, account), (until_s, _) in zip(self._since[first:], self._since[first + 1 :], strict=False):
            if until_s >= end_s:
                yield Share(account, begin_s, end_s - begin_s)
                return
            yield Share(account, begin_s, until_s - begin_s)
            begin_s = until_s
        yield Share(self.current, begin_s, end_s - begin_s)
