"""What a run cost in kWh, USD and gCO2e: read from the ledger, priced anew each time."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields, replace
from typing import Any

from nassim.cost.work import Activity
from nassim.errors import NassimError
from nassim.hardware.figure import Figure, Kind, weakest
from nassim.hardware.pricing import S_PER_H, Bill
from nassim.hardware.tariff import Held, Tariff, Terms, tariff
from nassim.ledger.entry import DRIVER, Stage
from nassim.ledger.store import Ledger
from nassim.report.reading import Row, is_shared, rows_of


@dataclass(frozen=True, slots=True)
class Cost:
    """What a part of a run cost.

    Attributes:
        device_h: Hours of worker leases, busy or idle.
        bill: Energy, money and emissions.
    """

    device_h: Figure
    bill: Bill


@dataclass(frozen=True, slots=True)
class SearchCost:
    """What a search cost, next to its final training.

    Attributes:
        name: The search's name.
        search: What the search cost.
        final: What its final training cost, with what the other workers idled meanwhile.
        training: What training the found model once cost: the final training itself, on its one worker; None before
            it has begun.
    """

    name: str
    search: Cost
    final: Cost
    training: Cost | None

    @property
    def kwh_ratio(self) -> Figure:
        """Energy of the search over that of one training; the PUE cancels out."""
        return self._ratio("device_kwh")

    @property
    def usd_ratio(self) -> Figure:
        """Rent of the search over that of one training."""
        return self._ratio("usd")

    @property
    def gco2e_ratio(self) -> Figure:
        """Emissions of the search over those of one training."""
        return self._ratio("gco2e")

    def _ratio(self, name: str) -> Figure:
        if self.training is None:
            return Figure.unknown("a final training")
        search, training = getattr(self.search.bill, name), getattr(self.training.bill, name)
        if not search.value or not training.value:
            return Figure.unknown(*(search.missing + training.missing or ("a final training that cost something",)))
        return Figure(search.value / training.value, weakest((search.kind, training.kind)))


@dataclass(frozen=True, slots=True)
class RunCost:
    """What a run cost.

    Attributes:
        terms: What it was priced by.
        searches: Its searches, in the experiment's order.
        shared: What belongs to no single search.
        total: All of it.
        basis: One line for each number applied: what it is and where it is from.
    """

    terms: Terms
    searches: tuple[SearchCost, ...]
    shared: Cost
    total: Cost
    basis: tuple[str, ...]

    @property
    def missing(self) -> tuple[str, ...]:
        """What would have to be known for all of its figures."""
        bill = self.total.bill
        return tuple(dict.fromkeys((*bill.gco2e.missing, *bill.usd.missing)))


def run_cost(ledger: Ledger, run: str, given: Mapping[str, Any]) -> RunCost:
    """Price a run: by what is given, and for the rest by the site that its experiment names.

    An experiment may name a file that this machine does not have. Its run is still reported, its costs unknown.

    Args:
        ledger: Where the run is.
        run: Its name.
        given: Fields of Terms.

    Raises:
        NassimError: There is no such run, or what is given can't be found.
    """
    site = ledger.run(run).experiment.get("site") or {}
    terms = Terms(**{field.name: site[field.name] for field in fields(Terms) if field.name in site})
    if given:
        return _priced(ledger, run, replace(terms, **given))
    try:
        return _priced(ledger, run, terms)
    except NassimError as error:
        cost = _priced(ledger, run, Terms())
        return replace(cost, basis=(f"the experiment's site can't be applied: {error}", *cost.basis))


def _priced(ledger: Ledger, run: str, terms: Terms) -> RunCost:
    totals = rows_of(ledger.totals(run, by=("search", "stage", "activity", "worker", "device")))
    rows = [row for row in totals if row["worker"] != DRIVER]
    rates = tariff(terms, (row["device"] for row in rows))
    plans = [plan["name"] for plan in ledger.run(run).experiment.get("searches", ())]
    own = [row for row in rows if not is_shared(row)]
    names = dict.fromkeys([*plans, *(row["search"] for row in own)])
    return RunCost(
        terms,
        tuple(_search(name, [row for row in own if row["search"] == name], rates) for name in names),
        shared=_cost((row for row in rows if is_shared(row)), rates),
        total=_cost(rows, rates),
        basis=rates.basis,
    )


def _search(name: str, rows: list[Row], rates: Tariff) -> SearchCost:
    final = [row for row in rows if row["stage"] == Stage.FINAL]
    training = [row for row in final if row["activity"] == Activity.TRAIN]
    return SearchCost(
        name,
        search=_cost((row for row in rows if row["stage"] == Stage.SEARCH), rates),
        final=_cost(final, rates),
        training=_cost(training, rates) if training else None,
    )


def _cost(rows: Iterable[Row], rates: Tariff) -> Cost:
    held = [
        Held(
            row["device"],
            row["seconds"],
            row["processor_seconds"],
            Activity(row["activity"]),
            energy_j=row["energy_j"] or 0.0,
            metered_s=row["metered_s"],
        )
        for row in rows
    ]
    seconds = sum(each.seconds for each in held)
    return Cost(Figure(seconds / S_PER_H, Kind.MEASURED), rates.cost(held))
