"""Amounts: what a part of a run took, and what one part is over another."""

from pydantic import BaseModel, ConfigDict, computed_field

from nassim.cost.work import Activity
from nassim.hardware.figure import Figure

WANTED = "a final training that is done"
"""What is missing for a ratio to it."""


class Fact(BaseModel):
    """Something that a report says. The JSON report has its fields and properties as keys: a name here is a promise."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Ratio(Fact):
    """What one amount is over another, in each unit.

    Attributes:
        flop: In FLOP.
        device_s: In device-seconds.
        kwh: In energy; the PUE cancels out.
        usd: In money.
        gco2e: In emissions: as in energy, for PUE and carbon intensity cancel out.
    """

    flop: Figure
    device_s: Figure
    kwh: Figure
    usd: Figure
    gco2e: Figure


class Amounts(Fact):
    """What some seconds of workers come to.

    Attributes:
        flop: Of busy seconds the FLOP performed. Of leased seconds the hardware burden (Thompson et al. 2020): the FLOP
            that could have been, processors x peak rate x seconds.
        device_s: The seconds.
        device_kwh: Energy at the devices.
        kwh: Energy with the data centre's: times PUE.
        usd: Rent.
        gco2e: Grams of CO2 equivalent emitted for the energy.
    """

    flop: Figure
    device_s: Figure
    device_kwh: Figure
    kwh: Figure
    usd: Figure
    gco2e: Figure

    def over(self, other: "Amounts", otherwise: str) -> Ratio:
        """Return the ratio to other amounts; unknown, for want of `otherwise`, where they are 0."""
        energy = self.device_kwh.over(other.device_kwh, otherwise)
        return Ratio(
            flop=self.flop.over(other.flop, otherwise),
            device_s=self.device_s.over(other.device_s, otherwise),
            kwh=energy,
            usd=self.usd.over(other.usd, otherwise),
            gco2e=energy,
        )


class Comparison(Fact):
    """A search over its final training, like with like.

    Attributes:
        busy: What came of busy seconds over what came of busy seconds.
        leased: What came of leased seconds over what came of leased seconds.
    """

    busy: Ratio
    leased: Ratio


class Compute(Fact):
    """Operations performed, counted.

    Attributes:
        forward_flop: FLOP of forward passes.
        backward_flop: FLOP of backward passes.
        flop: Their sum.
        modelled_flop: The part of it that is estimated: of work that died with its worker.
        torch_flop: What torch's FlopCounterMode makes of the same passes.
        elementwise_flop: Operations of all that is no contraction; in none of the above.
        elementwise_bytes: Bytes of activations that these, and copies, move.
        uncounted: Operations without a formula that were performed too: the FLOP are at least these.
    """

    forward_flop: Figure
    backward_flop: Figure
    flop: Figure
    modelled_flop: int
    torch_flop: int
    elementwise_flop: Figure
    elementwise_bytes: Figure
    uncounted: tuple[str, ...]


class ActivityCost(Fact):
    """What one activity took.

    Attributes:
        activity: The activity.
        device_s: Seconds of the workers' leases.
        driver_s: Seconds of the driver.
        flop: FLOP, forward and backward.
    """

    activity: Activity
    device_s: float
    driver_s: float
    flop: Figure


class Part(Fact):
    """A part of a run.

    Attributes:
        busy: What came of the seconds in which workers worked, whether the work was kept or lost.
        leased: What came of all seconds for which workers were held, idle and starting too.
        compute: The operations performed, in busy seconds and while workers warmed up.
        activities: What each activity took, in the order of Activity.
        driver_s: Seconds of the driver.
        driver_busy_s: Of these, not waiting.
    """

    busy: Amounts
    leased: Amounts
    compute: Compute
    activities: tuple[ActivityCost, ...]
    driver_s: float
    driver_busy_s: float

    @computed_field
    @property
    def utilisation(self) -> Figure:
        """FLOP performed over the hardware burden."""
        return self.compute.flop.over(self.leased.flop, "seconds leased")

    def over(self, final: "Part | None") -> Comparison:
        """Return this part, a search, over its final training; unknown where that is None."""
        if final is None:
            unknown = Ratio(**dict.fromkeys(Ratio.model_fields, Figure.unknown(WANTED)))
            return Comparison(busy=unknown, leased=unknown)
        return Comparison(busy=self.busy.over(final.busy, WANTED), leased=self.leased.over(final.leased, WANTED))
