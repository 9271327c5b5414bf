"""Spending: what a run and its searches have spent, by one rule, and what their budgets leave.

What is spent is what is on the books: the sum of the entries, those of earlier drivers and corrections among them. Only
seconds are spent as they pass, though a lap is posted when it ends: to the sum are added those since the last lap of
each worker, and those of the driver that it has not posted yet.
"""

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import cache

from nassim.budget import Budget, Overrun, Spent
from nassim.cost.work import Activity
from nassim.hardware.tariff import Held, tariff
from nassim.hardware.terms import Terms
from nassim.ledger.entry import DRIVER, SIDES, Entry, Outcome, Stage


@dataclass(frozen=True, slots=True)
class Allowance:
    """The budgets that hold at a time.

    Attributes:
        items: Of each budget its owner ("experiment", or the name of a search), its limits, and what says what has been
            spent.
    """

    items: tuple[tuple[str, Budget, Callable[[], Spent]], ...] = ()

    def __post_init__(self) -> None:
        object.__setattr__(self, "items", tuple(item for item in self.items if item[1] != Budget()))

    def reached(self) -> Overrun | None:
        """Return the first limit that is reached, or None."""
        for owner, budget, spent in self.items:
            if overrun := budget.reached(spent(), owner):
                return overrun
        return None

    def updated(self, overrun: Overrun) -> Overrun:
        """Return an overrun of one of these budgets with what has been spent by now."""
        spent = next(spent() for owner, _, spent in self.items if owner == overrun.owner)
        return Overrun(overrun.owner, overrun.name, overrun.limit, getattr(spent, overrun.name))

    @property
    def limits_work(self) -> bool:
        """Whether a running job may have to be stopped: trials alone are counted when they end."""
        return any(budget.limits_work for _, budget, _ in self.items)

    def seconds_left(self, workers: int) -> float:
        """Return after how many seconds at the soonest a limit on time is reached, with so many workers held."""
        return min((budget.seconds_left(spent(), workers) for _, budget, spent in self.items), default=math.inf)

    @property
    def trials_left(self) -> float:
        """Trials that may still end; infinite where no budget limits them."""
        left = (budget.trials - spent().trials for _, budget, spent in self.items if budget.trials is not None)
        return min(left, default=math.inf)


@dataclass(frozen=True, slots=True)
class Rates:
    """What workers' seconds cost at a site in kWh, USD and gCO2e, by the numbers that the report applies.

    Attributes:
        terms: What the experiment says of the site.
    """

    terms: Terms

    def spend(self, spent: Spent, device: str, seconds: float, processors: float, activity: Activity) -> None:
        """Add what seconds of a worker cost to what has been spent; nan where a number is unknown.

        Args:
            spent: What to add it to.
            device: What the worker's lease is of.
            seconds: Seconds of it; negative for those that a correction takes away.
            processors: Processors that it holds.
            activity: What they were spent on.
        """
        kwh, usd, gco2e = _of_a_second(self.terms, device, processors, activity)
        spent.kwh += seconds * kwh
        spent.usd += seconds * usd
        spent.gco2e += seconds * gco2e


@cache
def _of_a_second(terms: Terms, device: str, processors: float, activity: Activity) -> tuple[float, float, float]:
    bill = tariff(terms, [device]).cost([Held(device, 1.0, processors, activity)])
    kwh, usd, gco2e = (float("nan") if each.value is None else each.value for each in (bill.kwh, bill.usd, bill.gco2e))
    return kwh, usd, gco2e


@dataclass(frozen=True, slots=True)
class Account:
    """What is being worked for: where seconds without a job of their own (idle workers, the driver) are booked.

    Attributes:
        search: Name of the search; None before the first.
        stage: Search or final training, which no search's budget pays.
    """

    search: str | None = None
    stage: Stage = Stage.SEARCH


@dataclass(frozen=True, slots=True)
class AccountShare:
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

    def shares(self, start_s: float, seconds: float) -> Iterator[AccountShare]:
        """Divide seconds, some perhaps of earlier accounts, among the accounts in whose time they fall."""
        end_s = start_s + seconds
        first = next(i for i in reversed(range(len(self._since))) if self._since[i][0] <= start_s or i == 0)
        begin_s = start_s
        for (_, account), (until_s, _) in zip(self._since[first:], self._since[first + 1 :], strict=False):
            if until_s >= end_s:
                yield AccountShare(account, begin_s, end_s - begin_s)
                return
            yield AccountShare(account, begin_s, until_s - begin_s)
            begin_s = until_s
        yield AccountShare(self.current, begin_s, end_s - begin_s)


class Spending:
    """What a run has spent, and each of its searches, their final trainings left out.

    Attributes:
        held: How many workers are leased and ready.
    """

    def __init__(self, rates: Rates | None = None) -> None:
        """Begin with nothing spent.

        Args:
            rates: What workers' seconds cost, where a budget needs it.
        """
        self.held = 0
        self._rates = rates
        self._overall = Spent()
        self._of: dict[str, Spent] = {}
        self._account = Account()
        self._since_s = 0.0
        self._devices: dict[str, tuple[str, float]] = {}
        self._heard_s: dict[str, float] = {}
        self._sum_s = 0.0
        """When each worker was heard of last, added up."""
        self._account_sum_s = 0.0
        """The same, but of each not before the account's beginning."""
        self._driver_s = 0.0

    def post(self, entry: Entry) -> None:
        """An entry is on the books."""
        flop = entry.forward_flop + entry.backward_flop
        self.add(entry.search, entry.stage, entry.worker, entry.activity, flop, entry.seconds)
        if entry.outcome is not None and entry.outcome is not Outcome.INFEASIBLE:
            self.add_trials(entry.search, 1)

    def know(self, worker: str, device: str, processors: float) -> None:
        """A worker, also one of an earlier driver, holds or held so many processors of a device."""
        self._devices[worker] = device, processors

    def add(self, search: str | None, stage: str, worker: str, activity: Activity, flop: int, seconds: float) -> None:
        """Amounts are on the books, of one entry or summed over several of a worker and an activity.

        The worker is known, unless it is the driver.
        """
        for spent in self._payers(search, stage):
            spent.flop += flop
            if worker == DRIVER:
                spent.wall_s += seconds
            else:
                spent.device_s += seconds
                if self._rates is not None and seconds:
                    device, processors = self._devices[worker]
                    self._rates.spend(spent, device, seconds, processors, activity)

    def add_trials(self, search: str | None, count: int) -> None:
        """Trials of a search are on the books as ended."""
        for spent in self._payers(search, Stage.SEARCH):
            spent.trials += count

    def lease(self, worker: str, device: str, processors: float, at_s: float) -> None:
        """A worker holds its device since a moment."""
        self.held += 1
        self.know(worker, device, processors)
        self._heard_s[worker] = at_s
        self._sum_s += at_s
        self._account_sum_s += max(at_s, self._since_s)

    def hear(self, worker: str, until_s: float) -> None:
        """What a worker did up to a moment is on the books."""
        before_s, self._heard_s[worker] = self._heard_s[worker], until_s
        self._sum_s += until_s - before_s
        self._account_sum_s += max(until_s, self._since_s) - max(before_s, self._since_s)

    def release(self, worker: str) -> None:
        """A worker's device is given back."""
        self.held -= 1
        heard_s = self._heard_s.pop(worker)
        self._sum_s -= heard_s
        self._account_sum_s -= max(heard_s, self._since_s)

    def hear_driver(self, until_s: float) -> None:
        """What the driver did up to a moment is on the books."""
        self._driver_s = until_s

    def work_for(self, account: Account, at_s: float) -> None:
        """From a moment on this is worked for."""
        self._account, self._since_s = account, at_s
        self._account_sum_s = sum(max(heard_s, at_s) for heard_s in self._heard_s.values())

    def overall(self, now_s: float) -> Spent:
        """Return what the run has spent up to a moment."""
        device_s = self._overall.device_s + self.held * now_s - self._sum_s
        return replace(self._overall, device_s=device_s, wall_s=now_s)

    def of(self, search: str, now_s: float) -> Spent:
        """Return what a search has spent up to a moment."""
        spent = self._of.get(search, Spent())
        if self._account != Account(search, Stage.SEARCH):
            return replace(spent)
        device_s = spent.device_s + self.held * now_s - self._account_sum_s
        wall_s = spent.wall_s + now_s - max(self._driver_s, self._since_s)
        return replace(spent, device_s=device_s, wall_s=wall_s)

    def _payers(self, search: str | None, stage: str) -> Iterator[Spent]:
        yield self._overall
        if search is not None and stage in SIDES[Stage.SEARCH]:
            yield self._of.setdefault(search, Spent())
