"""Tariff: what seconds on the hardware of a run cost, from what its user says of the place.

Leases say what they are of in a driver's words ("gpu: NVIDIA H200", "cpu: AMD EPYC 7763 64-Core Processor"). The
catalogue recognises some of them; for the others, and to price a run for other hardware, the user names a device.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from nassim.cost.work import Activity
from nassim.hardware.catalogue import Device, DeviceKind, load_catalogue
from nassim.hardware.energy import power_w
from nassim.hardware.figure import Figure, Kind
from nassim.hardware.pricing import Bill, Site, Usage, bill, site

_ACCELERATORS = (DeviceKind.GPU, DeviceKind.TPU)
"""The others are processors, of which a worker holds some cores."""


_ROUNDING = 1e-9
"""Two sums of the same seconds may differ by so much of them."""


@dataclass(frozen=True, slots=True)
class Terms:
    """What a user says of where a run's hardware is and what it costs: names, not yet looked up.

    Attributes:
        device: Device to price all seconds as; None for those that the leases name.
        region: Country, state or cloud region.
        pue: A number of at least 1, or the id of one in the catalogue.
        provider: Whose prices; None takes the first listed.
        billing: On what terms.
        catalogue: A file that adds to the catalogue.
    """

    device: str | None = None
    region: str | None = None
    pue: str | float | None = None
    provider: str | None = None
    billing: str = "on-demand"
    catalogue: str | None = None


@dataclass(frozen=True, slots=True)
class Held:
    """Seconds that workers held one sort of hardware for.

    Attributes:
        device: What the leases call it.
        seconds: Seconds leased.
        processor_s: Seconds leased times processors held.
        activity: What they were spent on.
        energy_j: Joules at the device that were measured.
        metered_s: The seconds, of those leased, that they were measured in.
    """

    device: str
    seconds: float
    processor_s: float
    activity: Activity = Activity.TRAIN
    energy_j: float = 0.0
    metered_s: float = 0.0

    @property
    def busy(self) -> bool:
        """Whether the hardware worked; it waits while a worker starts or idles."""
        return self.activity not in (Activity.STARTUP, Activity.IDLE)


@dataclass(frozen=True, slots=True)
class Tariff:
    """What seconds on some hardware cost.

    Attributes:
        devices: What the catalogue knows of the hardware, by what leases call it; None where it doesn't list it.
        priced_as: The device to price all of it as; None for what it is.
        site: Where and on what terms.
        basis: One line for each number applied: what it is and where it is from.
    """

    devices: Mapping[str, Device | None]
    priced_as: Device | None
    site: Site
    basis: tuple[str, ...]

    def cost(self, held: Iterable[Held]) -> Bill:
        """Return what seconds cost. A number that is unknown makes every total that needs it unknown."""
        return bill((usage for each in held for usage in self._usages(each)), self.site)

    def _usages(self, held: Held) -> Iterable[Usage]:
        own, utilisation = self.devices[held.device], float(held.busy)
        if self.priced_as is not None and self.priced_as != own:
            # Nobody measured how long it would have taken there, nor what it would have drawn.
            processor_s = Figure(_as_if(held, self.priced_as), Kind.ASSUMED)
            yield Usage(self.priced_as, held.device, processor_s, utilisation=utilisation)
            return
        metered = held.metered_s / held.seconds if held.seconds else 0.0
        metered = 1.0 if abs(metered - 1) < _ROUNDING else metered
        if metered:
            joules = Figure(held.energy_j, Kind.MEASURED)
            yield Usage(own, held.device, Figure(held.processor_s * metered, Kind.MEASURED), joules)
        if metered < 1:
            rest = Figure(held.processor_s * (1 - metered), Kind.MEASURED)
            yield Usage(own, held.device, rest, utilisation=utilisation)


def _as_if(held: Held, device: Device) -> float:
    """Return the processor-seconds of a device for seconds held of other hardware, taken to be as many there.

    Processor for processor among accelerators and among processors; from one sort to the other a worker holds a whole
    device.
    """
    of_sort = {"gpu": True, "tpu": True, "cpu": False}.get(held.device.partition(":")[0])
    alike = of_sort == (device.kind in _ACCELERATORS)
    return held.processor_s if alike else held.seconds * device.processors


def tariff(terms: Terms, devices: Iterable[str]) -> Tariff:
    """Look up what applies to some hardware.

    Args:
        terms: What the user says.
        devices: What the leases call it.

    Raises:
        NassimError: The catalogue's file, the device, the region, the PUE, the provider or the billing is not to be
            found.
    """
    catalogue = load_catalogue(Path(terms.catalogue) if terms.catalogue else None)
    known = {name: catalogue.recognise(name) for name in dict.fromkeys(devices)}
    priced_as = catalogue.find_device(terms.device) if terms.device is not None else None
    applied = [priced_as] if priced_as else [device for device in known.values() if device]
    unique = list({device.id: device for device in applied}.values())
    where = site(catalogue, unique, terms.region, terms.pue, terms.provider, terms.billing)
    lines = [*_assumptions(known, priced_as), *(_power_basis(device) for device in unique), *where.basis]
    return Tariff(known, priced_as, where, tuple(lines))


def _assumptions(known: Mapping[str, Device | None], priced_as: Device | None) -> Iterable[str]:
    for name, device in known.items():
        if priced_as is not None and priced_as != device:
            yield f"seconds on {name}, priced as if they were as many on {priced_as.name}"
        elif device is not None:
            yield f"{name} is the catalogue's {device.id}"
        else:
            yield f"{name} is not in the catalogue: its power and price are unknown"


def _power_basis(device: Device) -> str:
    power = power_w(device, 1.0)
    if power.value is None:
        return f"power of {device.name}: unknown"
    if device.idle_w is not None and device.max_w is not None:
        how = f"{device.idle_w:g} W idle to {device.max_w:g} W busy"
    elif device.typical_w is not None:
        how = f"{device.typical_w:g} W, mean of the computer in training"
    else:
        how = f"{power.value:g} W, rated, as if always busy"
    share = f", shared by its {device.processors} processors" if device.processors > 1 else ""
    return f"power of {device.name}: {how}{share} ({device.source})"
