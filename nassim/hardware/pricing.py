"""What an amount of device time costs at a place: kWh, USD, gCO2e.

A ledger keeps physical amounts. Region, PUE and prices are applied when it is read, here, so that an old run can be
priced anew for another place without running anything.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from nassim.errors import NassimError
from nassim.hardware.catalogue import Catalogue, Device, Grid, Price
from nassim.hardware.energy import modelled_j
from nassim.hardware.figure import Figure, Kind, total

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
        grid: Where its electricity comes from; None where nobody says.
        pue: Energy of the data centre over energy of the devices; unknown where nobody says.
        prices: USD for a device-hour, by device id; a device that isn't in it has no known price.
        basis: One line for each number applied: what it is and where it is from.
    """

    grid: Grid | None
    pue: Figure
    prices: dict[str, Figure]
    basis: tuple[str, ...] = ()


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
    intensity = site.grid.intensity if site.grid else Figure.unknown("carbon intensity: no region given")
    return Bill(device_kwh, kwh, total(_usd(usage, site) for usage in usages), kwh * intensity)


def _usd(usage: Usage, site: Site) -> Figure:
    if usage.device is None:
        return Figure.unknown(f"price of {usage.name}")
    price = site.prices.get(usage.device.id, Figure.unknown(f"price of {usage.device.id}"))
    return usage.processor_s / (usage.device.processors * S_PER_H) * price


def site(
    catalogue: Catalogue,
    devices: Iterable[Device],
    region: str | None = None,
    pue: str | float | None = None,
    provider: str | None = None,
    billing: str = "on-demand",
) -> Site:
    """Look up what applies to some devices at a place.

    Args:
        catalogue: Where to look.
        devices: The devices to be priced.
        region: Country, state or cloud region.
        pue: A number of at least 1, or the id of one in the catalogue.
        provider: Whose prices; None takes the first listed.
        billing: On what terms.

    Raises:
        NassimError: The region, the PUE, the provider or the terms can't be found.
    """
    basis: list[str] = []
    grid = catalogue.find_grid(region) if region is not None else None
    if grid is not None:
        basis.append(f"{grid.gco2e_per_kwh:g} gCO2e/kWh in {grid.name} ({grid.year or 'no year'}; {grid.source})")
    prices: dict[str, Figure] = {}
    for device in devices:
        price = catalogue.find_price(device, provider, billing)
        if price is not None:
            prices[device.id] = price.usd_per_device_h
            basis.append(_price_basis(price))
    return Site(grid, _pue(catalogue, pue, basis), prices, tuple(basis))


def _price_basis(price: Price) -> str:
    terms = f"{price.unit} ({price.device}) at {price.provider}, {price.billing}"
    return f"{price.usd_per_h:g} USD/h for {terms} ({price.source})"


def _pue(catalogue: Catalogue, pue: str | float | None, basis: list[str]) -> Figure:
    if pue is None:
        return Figure.unknown("PUE: none given")
    try:
        value = float(pue)
    except ValueError:
        entry = catalogue.find_pue(str(pue))
        basis.append(f"PUE {entry.pue:g} of {entry.name} ({entry.year or 'no year'}; {entry.source})")
        return entry.figure
    if not 1 <= value < float("inf"):
        raise NassimError(f"found the PUE {pue}; a number of at least 1, or a name that `nassim regions` lists")
    basis.append(f"PUE {value:g}, as given")
    return Figure(value, Kind.ASSUMED)
