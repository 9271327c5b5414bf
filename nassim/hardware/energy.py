"""Joules where no counter measures them: from power and utilisation."""

from dataclasses import dataclass

from nassim.errors import NassimError
from nassim.hardware.catalogue import Device
from nassim.hardware.figure import Figure, Kind


def power_w(device: Device, utilisation: float | None = None) -> Figure:
    """Return the power that a device draws, in watts, by the best that is known of it.

    1. Utilisation and idle power known: idle + (rated - idle) * utilisation, the linear model of Fan, Weber & Barroso
       (2007), "Power provisioning for a warehouse-sized computer". Modelled.
    2. Mean power in training, as others measured it (`typical_w`, host included). Modelled.
    3. Rated power, as if busy all the time, after Lacoste et al. (2019), "Quantifying the carbon emissions of machine
       learning". Assumed: an upper estimate.

    Args:
        device: What draws it.
        utilisation: Share of the time that it is busy, in [0, 1]; None where unknown.

    Raises:
        NassimError: The utilisation is no share.
    """
    if utilisation is not None and not 0 <= utilisation <= 1:
        raise NassimError(f"found a utilisation of {utilisation}; a share from 0 to 1")
    rated = device.figure("max_w")
    if utilisation is not None and device.idle_w is not None and rated.value is not None:
        idle = device.figure("idle_w")
        return (idle * (1 - utilisation) + rated * utilisation) * Figure(1.0, Kind.MODELLED)
    if device.typical_w is not None:
        return device.figure("typical_w") * Figure(1.0, Kind.MODELLED)
    return rated * Figure(1.0, Kind.ASSUMED)


def modelled_j(device: Device, processor_s: Figure, utilisation: float | None = None) -> Figure:
    """Return the joules of some of a device's processors, each charged its share of the device's power.

    Args:
        device: What draws the power.
        processor_s: Seconds held times processors held.
        utilisation: Share of the time that it is busy, in [0, 1]; None where unknown.
    """
    return power_w(device, utilisation) / device.processors * processor_s


@dataclass(frozen=True, slots=True)
class PowerModel:
    """How a device's power depends on how busy it is and on a power limit, for one workload.

    Busy, it draws `busy_w`, or the limit where that is lower. Under a limit it lowers its clock, and its speed with it:
    dynamic power goes with the clock's `exponent`-th power (3 where the voltage falls in proportion to the clock).

    Attributes:
        idle_w: Power when doing nothing.
        busy_w: Power when busy without a limit, above `idle_w`.
        exponent: How dynamic power grows with the clock.
    """

    idle_w: float
    busy_w: float
    exponent: float = 3.0

    def __post_init__(self) -> None:
        if not 0 <= self.idle_w < self.busy_w or self.exponent <= 0:
            raise ValueError(f"idle power from 0 to below busy power, and an exponent above 0, found {self!r}")

    def limited_w(self, limit_w: float | None) -> float:
        """Return the power while busy under a limit; None is no limit.

        Raises:
            NassimError: The limit is below the idle power, which no limit reaches.
        """
        if limit_w is None:
            return self.busy_w
        if limit_w <= self.idle_w:
            raise NassimError(f"found a power limit of {limit_w} W; above the idle power, {self.idle_w} W")
        return min(self.busy_w, limit_w)

    def slowdown(self, limit_w: float | None) -> float:
        """Return how many times longer the device takes under a limit; at least 1."""
        dynamic = (self.busy_w - self.idle_w) / (self.limited_w(limit_w) - self.idle_w)
        return float(dynamic ** (1 / self.exponent))

    def mean_w(self, utilisation: float, limit_w: float | None = None) -> float:
        """Return the mean power of a device that is busy for a share of the time."""
        return self.idle_w + (self.limited_w(limit_w) - self.idle_w) * utilisation
