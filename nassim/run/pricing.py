"""What an experiment says of its site, looked up before anything starts."""

from collections.abc import Iterator

from nassim.errors import NassimError
from nassim.experiment.model import Experiment
from nassim.experiment.spending import Budget
from nassim.hardware.figure import Figure
from nassim.hardware.tariff import Held, Terms, tariff
from nassim.search.rates import Rates

UNITS = ("kwh", "usd", "gco2e")
"""Budget that need what a worker's second costs."""


def check_site(experiment: Experiment) -> None:
    """Look up what the experiment names.

    Raises:
        NassimError: The catalogue's file, the device, the region, the PUE, the provider or the billing can't be found.
    """
    tariff(_terms(experiment), ())


def find_rates(experiment: Experiment) -> Rates | None:
    """Return what workers' seconds cost; None where no budget needs it.

    Raises:
        NassimError: A budget needs a number that is unknown.
    """
    limits = list(_limits(experiment))
    if not limits:
        return None
    terms = _terms(experiment)
    for where, unit in limits:
        cost = _of_a_second(terms, unit)
        if cost.value is None:
            raise NassimError(
                f"{where}.{unit} needs what a second of a worker costs, and unknown is: {'; '.join(cost.missing)}. Say "
                "it in `site` (device, region, pue, provider, billing), or add the number to the catalogue by a file "
                "in `site.catalogue`"
            )
    return Rates(terms)


def _limits(experiment: Experiment) -> Iterator[tuple[str, str]]:
    budgets = [("budget", experiment.budget)]
    budgets += [(f"searches[{n}].budget", search.budget) for n, search in enumerate(experiment.searches)]
    yield from ((where, unit) for where, budget in budgets for unit in UNITS if _limit(budget, unit) is not None)


def _limit(budget: Budget, unit: str) -> float | None:
    limit: float | None = getattr(budget, unit)
    return limit


def _of_a_second(terms: Terms, unit: str) -> Figure:
    if terms.device is None:
        return Figure.unknown("site.device: none given")
    cost: Figure = getattr(tariff(terms, [terms.device]).cost([Held(terms.device, 1.0, 1.0)]), unit)
    return cost


def _terms(experiment: Experiment) -> Terms:
    return Terms(**experiment.site.model_dump())
