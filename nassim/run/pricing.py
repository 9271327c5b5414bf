"""What an experiment's budgets are priced by, looked up before anything starts."""

from collections.abc import Callable, Iterator
from dataclasses import fields

from nassim.budget import Budget
from nassim.errors import NassimError
from nassim.executors.device import device_name
from nassim.experiment.model import Experiment, RaySpec
from nassim.hardware.figure import Figure
from nassim.hardware.own_site import terms_of
from nassim.hardware.pricing import Bill
from nassim.hardware.tariff import Held, Tariff, tariff
from nassim.hardware.terms import Terms
from nassim.search.spending import Rates

UNITS = tuple(field.name for field in fields(Bill) if field.name in Budget.model_fields)
"""Budgets that need what a worker's second costs."""
UNSEEN = {True: "gpu: not seen yet", False: "cpu: not seen yet"}
"""Hardware that no lease has named yet, by whether it is a GPU."""
EACH_ITS_OWN = "each worker's device is what its lease will name, or what is closest to that in the catalogue"


def check_site(experiment: Experiment) -> None:
    """Look up what the experiment and the user's own site name.

    Raises:
        NassimError: The catalogue's file, the device, the region, the PUE, the provider or the billing can't be found.
    """
    tariff(_terms(experiment, strict=False), ())


def find_rates(experiment: Experiment, strict: bool, warn: Callable[[str], None]) -> Rates | None:
    """Return what workers' seconds cost; None where no budget needs it.

    Args:
        experiment: What is to be run.
        strict: Whether a number that nobody gave is refused. Otherwise it is assumed, and warned of.
        warn: Is told what is assumed.

    Raises:
        NassimError: A budget needs a number that is unknown.
    """
    limits = list(_limits(experiment))
    if not limits:
        return None
    terms = _terms(experiment, strict)
    name = terms.device or (None if strict else _workers_device(experiment))
    rates = tariff(terms, [] if name is None else [name])
    for where, unit in limits:
        cost = _of_a_second(rates, name, unit)
        if cost.value is None:
            raise NassimError(
                f"{where}.{unit} needs what a second of a worker costs, and unknown is: {'; '.join(cost.missing)}. Say "
                "it in `site` (device, region, pue, provider, billing) or by `nassim site`, or add the number to the "
                "catalogue by a file in `site.catalogue`"
            )
    if assumed := rates.assumed if name not in UNSEEN.values() else (*tariff(terms, ()).assumed, EACH_ITS_OWN):
        named = " and ".join(f"{where}.{unit}" for where, unit in limits)
        warn(
            f"{named}: what a second of a worker costs is assumed: {'; '.join(assumed)}. `nassim site`, or the "
            "experiment's `site`, says what holds; with --strict nothing is assumed"
        )
    return Rates(terms)


def _workers_device(experiment: Experiment) -> str:
    """Return what the leases of its workers will name, as far as that can be known before they are there."""
    executor = experiment.executor
    if isinstance(executor, RaySpec) and (executor.address is not None or executor.gpus_per_worker):
        return UNSEEN[bool(executor.gpus_per_worker)]
    return device_name(gpu=False)


def _limits(experiment: Experiment) -> Iterator[tuple[str, str]]:
    budgets = [("budget", experiment.budget)]
    budgets += [(f"searches[{n}].budget", search.budget) for n, search in enumerate(experiment.searches)]
    yield from ((where, unit) for where, budget in budgets for unit in UNITS if _limit(budget, unit) is not None)


def _limit(budget: Budget, unit: str) -> float | None:
    limit: float | None = getattr(budget, unit)
    return limit


def _of_a_second(rates: Tariff, name: str | None, unit: str) -> Figure:
    if name is None:
        return Figure.unknown("site.device: none given")
    cost: Figure = getattr(rates.cost([Held(name, 1.0, 1.0)]), unit)
    return cost


def _terms(experiment: Experiment, strict: bool) -> Terms:
    return terms_of(experiment.model_dump(mode="json"), strict=strict)
