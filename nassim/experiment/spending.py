"""What may be spent, and what it is priced by."""

from typing import Annotated

from pydantic import BeforeValidator, Field

from nassim.experiment.spec import Amount, Count, Pue, Spec, Text, whole

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


class Site(Spec):
    """Where the workers' devices are and what they cost: what reports are priced by, and budgets in kWh, USD, gCO2e."""

    device: Text | None = None
    """Device that a worker's seconds are priced as (`nassim devices`); by default the one that its lease names, or what
    is closest to it in the catalogue."""
    region: Text | None = None
    """Country, state or cloud region of the electricity (`nassim regions`)."""
    pue: Pue | None = None
    """Energy of the data centre over that of its computers: a number, or whose (`nassim regions`)."""
    provider: Text | None = None
    """Whose prices; by default the first listed for the device."""
    billing: Text | None = None
    """On what terms: on-demand, spot, preemptible, ...; by default on-demand."""
    catalogue: Text | None = None
    """A file that adds to the catalogue (docs/hardware.md); a relative path starts from the experiment file's
    folder."""
