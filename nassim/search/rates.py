"""Rates: what workers' seconds cost in kWh, USD and gCO2e, for budgets in these units."""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache

from nassim.cost.work import Activity
from nassim.hardware.tariff import Held, tariff
from nassim.hardware.terms import Terms
from nassim.search.budget import Spent


@dataclass(frozen=True, slots=True)
class Rates:
    """What workers' seconds cost at a site, by the numbers that the report applies.

    Attributes:
        terms: What the experiment says of the site.
    """

    terms: Terms

    def spend(self, spent: Iterable[Spent], device: str, seconds: float, processors: float, activity: Activity) -> None:
        """Add what seconds of a worker cost to what has been spent; nan where a number is unknown.

        Args:
            spent: What to add it to.
            device: What the worker's lease is of.
            seconds: Seconds of it; negative for those that a correction takes away.
            processors: Processors that it holds.
            activity: What they were spent on.
        """
        kwh, usd, gco2e = _of_a_second(self.terms, device, processors, activity)
        for each in spent:
            each.kwh += seconds * kwh
            each.usd += seconds * usd
            each.gco2e += seconds * gco2e


@cache
def _of_a_second(terms: Terms, device: str, processors: float, activity: Activity) -> tuple[float, float, float]:
    bill = tariff(terms, [device]).cost([Held(device, 1.0, processors, activity)])
    kwh, usd, gco2e = (float("nan") if each.value is None else each.value for each in (bill.kwh, bill.usd, bill.gco2e))
    return kwh, usd, gco2e
