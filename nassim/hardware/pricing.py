"""What an amount of device time costs at a place: kWh, USD, gCO2e.

A ledger keeps physical amounts. Region, PUE and prices are applied when it is read, here, so that an old run can be
priced anew for another place without running anything.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from nassim.hardware.catalogue import Device
from nassim.hardware.energy import modelled_j
from nassim.hardware.figure import Figure, total

J_PER_KWH = 3_600_000
S_PER_H = 3_600


@dataclass(frozen=True, slots=True)
class Usage:
    """How long processors of one sort were held, and what they drew.

    Attributes:
        device: What was held; None for hardware that the catalogue doesn't list.
        name: What the hardware calls itself.
        processor_s: Seconds leased times processors held: measured by a real run, modelled by a simulation.
        energy_j: Joules at the device, where they were measured; None to have them modelled.
        utilisation: Share of the time that the device was busy, in [0, 1], for modelled joules; None where unknown.
    """

    device: Device | None
    name: str
    processor_s: Figure
    energy_j: Figure | None = None
    utilisation: float | None = None

    @property
    def joules(self) -> Figure:
        """Joules at the device, measured or else modelled."""
        if self.energy_j is not None:
            return self.energy_j
        if self.device is None:
            return Figure.unknown(f"power of {self.name}")
        return modelled_j(self.device, self.processor_s, self.utilisation)


@dataclass(frozen=True, slots=True)
class Site:
    """Where and on what terms the hardware is used.

    Attributes:
        intensity: Grams of CO2 equivalent emitted for a kWh.
        pue: Energy of the data centre over energy of the devices.
        prices: USD for a device-hour, by device id; a device that isn't in it has no known price.
    """

    intensity: Figure
    pue: Figure
    prices: Mapping[str, Figure]


@dataclass(frozen=True, slots=True)
class Bill:
    """What some usages cost together.

    Attributes:
        device_kwh: Energy at the devices.
        kwh: Energy of the data centre for them: times PUE.
        usd: Rent.
        gco2e: Grams of CO2 equivalent emitted for the energy.
    """

    device_kwh: Figure
    kwh: Figure
    usd: Figure
    gco2e: Figure


def bill(usages: Iterable[Usage], site: Site) -> Bill:
    """Add up what usages cost at a site. A number that is unknown makes every total that needs it unknown."""
    usages = tuple(usages)
    device_kwh = total(usage.joules for usage in usages) / J_PER_KWH
    kwh = device_kwh * site.pue
    return Bill(device_kwh, kwh, total(_usd(usage, site) for usage in usages), kwh * site.intensity)


def _usd(usage: Usage, site: Site) -> Figure:
    if usage.device is None:
        return Figure.unknown(f"price of {usage.name}")
    price = site.prices.get(usage.device.id, Figure.unknown(f"price of {usage.device.id}"))
    return usage.processor_s / (usage.device.processors * S_PER_H) * price
