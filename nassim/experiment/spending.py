"""What may be spent, and what it is priced by."""

from typing import Annotated, Any

from pydantic import BeforeValidator, Field

from nassim.experiment.spec import Amount, Count, Pue, Spec, Text, whole
from nassim.hardware.terms import STATED

FlopAmount = Annotated[int, BeforeValidator(whole), Field(gt=0)]


class Budget(Spec):
    """Limits on what may be spent, over all workers and all resumes. A limit left out is none."""

    flop: FlopAmount | None = None
    """Operations, forward and backward, in FLOP."""
    device_s: Amount | None = None
    """Seconds of worker leases, busy or idle, added up over the workers."""
    wall_s: Amount | None = None
    """Seconds on the run's clock, which stands still while no driver runs."""
    trials: Count | None = None
    """Trials over all searches, infeasible ones left out; of the experiment's budget alone."""
    kwh: Amount | None = None
    """Energy for the workers' devices, the data centre's included, in kWh; by `site`, as the next two."""
    usd: Amount | None = None
    """Rent of the workers' devices, in USD."""
    gco2e: Amount | None = None
    """Emissions for that energy, in grams of CO2 equivalent."""

    @property
    def is_set(self) -> bool:
        """Whether anything is limited."""
        return any(amount is not None for _, amount in self)


def _term(name: str, but: str = "") -> Any:
    """Return the field of a term: none by default, and described as elsewhere, but for what experiments say of it."""
    what, otherwise = STATED[name]
    return Field(None, description=f"{what}{but}; by default {otherwise}.")


class Site(Spec):
    """Where the workers' devices are and what they cost: what reports are priced by, and budgets in kWh, USD, gCO2e."""

    device: Text | None = _term("device")
    region: Text | None = _term("region")
    pue: Pue | None = _term("pue")
    provider: Text | None = _term("provider")
    billing: Text | None = _term("billing")
    catalogue: Text | None = _term("catalogue", ", relative to the experiment file's folder")
