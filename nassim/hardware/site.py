"""Looks up what holds at a place: carbon intensity, PUE, prices; and assumes what nobody says."""

from collections.abc import Iterable
from dataclasses import dataclass, field

from nassim.hardware.catalogue import Device, HardwareCatalogue, Price
from nassim.hardware.catalogue.closest import generic_of
from nassim.hardware.figure import Figure, Kind
from nassim.hardware.pricing import Site
from nassim.hardware.terms import Terms, pue_number

WORLD = "world"
"""The grid that is assumed where nobody says a region."""
ONE_MACHINE = "laptop_or_home"
"""The PUE that is assumed of one machine."""
SURVEYED = "world_avg_2024"
"""The PUE that is assumed of a cluster: the average of the Uptime Institute's survey of data centres."""
ON_DEMAND = "on-demand"


@dataclass(slots=True)
class Lines:
    """The numbers that are applied, in words.

    Attributes:
        basis: One line for each that was looked up or given: what it is and where it is from.
        assumed: One line for each that nobody gave.
    """

    basis: list[str] = field(default_factory=list)
    assumed: list[str] = field(default_factory=list)


def find_site(catalogue: HardwareCatalogue, devices: Iterable[Device], terms: Terms, lines: Lines) -> Site:
    """Look up what applies to some devices at a place.

    Args:
        catalogue: Where to look.
        devices: The devices to be priced.
        terms: What is said of the place.
        lines: Where to say what was applied.

    Raises:
        NassimError: The region, the PUE, the provider or the billing can't be found.
    """
    catalogue.check_terms(terms.provider, terms.billing)
    intensity = _intensity(catalogue, terms, lines)
    pue = _pue(catalogue, terms, lines)
    found = {device.id: _price(catalogue, device, terms, lines) for device in devices}
    prices = {id_: price for id_, price in found.items() if price is not None}
    return Site(intensity, pue, prices)


def _intensity(catalogue: HardwareCatalogue, terms: Terms, lines: Lines) -> Figure:
    if terms.region is None and terms.strict:
        return Figure.unknown("carbon intensity: no region given")
    grid = catalogue.find_grid(WORLD if terms.region is None else terms.region)
    said = f"{grid.gco2e_per_kwh:g} gCO2e/kWh"
    where = f"({grid.year or 'no year'}; {grid.source})"
    if terms.region is None:
        lines.assumed.append(f"{said}, the world's average {where}, for want of a region")
        return Figure(grid.gco2e_per_kwh, Kind.ASSUMED)
    lines.basis.append(f"{said} in {grid.name} {where}")
    return grid.intensity


def _pue(catalogue: HardwareCatalogue, terms: Terms, lines: Lines) -> Figure:
    if terms.pue is None and terms.strict:
        return Figure.unknown("PUE: none given")
    if terms.pue is None:
        entry = catalogue.pues[SURVEYED if terms.cluster else ONE_MACHINE]
        why = f"the average of data centres ({entry.year}; {entry.source})" if terms.cluster else "of one machine"
        lines.assumed.append(f"PUE {entry.pue:g}, {why}, for want of another")
        return Figure(entry.pue, Kind.ASSUMED)
    value = pue_number(terms.pue)
    if value is None:
        entry = catalogue.find_pue(str(terms.pue))
        lines.basis.append(f"PUE {entry.pue:g} of {entry.name} ({entry.year or 'no year'}; {entry.source})")
        return entry.figure
    lines.basis.append(f"PUE {value:g}, as given")
    return Figure(value, Kind.ASSUMED)


def _price(catalogue: HardwareCatalogue, device: Device, terms: Terms, lines: Lines) -> Figure | None:
    """Return USD for a device-hour: the price on these terms; or else, unless strict, what is most like it.

    That is another price of the device where nobody says on what terms, or what a generic device rents for.
    """
    billing = ON_DEMAND if terms.billing is None else terms.billing
    price = catalogue.find_price(device, terms.provider, billing)
    if price is not None:
        lines.basis.append(_price_line(price))
        return price.usd_per_device_h
    if terms.strict:
        return None
    if terms.provider is None and terms.billing is None and (listed := catalogue.prices_of(device)):
        lines.assumed.append(f"{_price_line(listed[0])}, for want of a price on demand")
        return Figure(listed[0].usd_per_device_h.value, Kind.ASSUMED)
    generic = generic_of(catalogue, device.kind)
    rent = catalogue.find_price(generic, terms.provider, billing)
    if rent is None or rent.usd_per_device_h.value is None:
        return None
    usd_per_h = rent.usd_per_device_h.value * device.processors
    lines.assumed.append(f"{usd_per_h:.3g} USD/h for {device.name}, for want of a price of it: {_price_line(rent)}")
    return Figure(usd_per_h, Kind.ASSUMED)


def _price_line(price: Price) -> str:
    terms = f"{price.unit} ({price.device}) at {price.provider}, {price.billing}"
    return f"{price.usd_per_h:g} USD/h for {terms} ({price.source})"
