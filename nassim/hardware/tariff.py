"""Tariff: what seconds on the hardware of a run cost, from what its user says of the place.

Leases say what they are of in a driver's words ("gpu: NVIDIA H200", "cpu: AMD EPYC 7763 64-Core Processor"). The
catalogue recognises some of them; for the others, and to price a run for other hardware, the user names a device.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from nassim.cost.work import WAITING, Activity
from nassim.hardware.catalogue import Device, DeviceKind, HardwareCatalogue, load_catalogue
from nassim.hardware.catalogue.closest import closest, generic_of
from nassim.hardware.energy import power_w
from nassim.hardware.figure import Figure, Kind
from nassim.hardware.pricing import Bill, Site, Usage, bill
from nassim.hardware.site import Lines, find_site
from nassim.hardware.terms import Terms

_ACCELERATORS = (DeviceKind.GPU, DeviceKind.TPU)
"""The others are processors, of which a worker holds some cores."""

_ROUNDING = 1e-9
"""Two sums of the same seconds may differ by so much of them."""


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
        """Whether the hardware worked, for whatever became of it."""
        return self.activity not in WAITING


@dataclass(frozen=True, slots=True)
class Taken:
    """What hardware is priced as by itself.

    Attributes:
        device: The catalogue's device; None where it doesn't list it and nothing is assumed.
        kind: Whether it is that device (measured), or only taken for it (assumed).
    """

    device: Device | None
    kind: Kind = Kind.MEASURED


@dataclass(frozen=True, slots=True)
class Tariff:
    """What seconds on some hardware cost.

    Attributes:
        devices: What hardware is taken for, by what leases call it.
        priced_as: The device to price all of it as; None for what it is.
        site: Where and on what terms.
        basis: One line for each number that was looked up or given: what it is and where it is from.
        assumed: One line for each number that nobody gave.
    """

    devices: Mapping[str, Taken]
    priced_as: Device | None
    site: Site
    basis: tuple[str, ...]
    assumed: tuple[str, ...]

    def cost(self, held: Iterable[Held]) -> Bill:
        """Return what seconds cost. A number that is unknown makes every total that needs it unknown."""
        return bill((usage for each in held for usage in self._usages(each)), self.site)

    def _usages(self, held: Held) -> Iterable[Usage]:
        taken, utilisation = self.devices[held.device], float(held.busy)
        if self.priced_as is not None and self.priced_as != taken.device:
            # Nobody measured how long it would have taken there, nor what it would have drawn.
            processor_s = Figure(_as_if(held, self.priced_as), Kind.ASSUMED)
            yield Usage(self.priced_as, held.device, processor_s, utilisation=utilisation)
            return
        metered = held.metered_s / held.seconds if held.seconds else 0.0
        metered = 1.0 if abs(metered - 1) < _ROUNDING else metered
        if metered:
            joules = Figure(held.energy_j, Kind.MEASURED)
            yield Usage(taken.device, held.device, Figure(held.processor_s * metered, taken.kind), joules)
        if metered < 1:
            rest = Figure(held.processor_s * (1 - metered), taken.kind)
            yield Usage(taken.device, held.device, rest, utilisation=utilisation)


def _as_if(held: Held, device: Device) -> float:
    """Return the processor-seconds of a device for seconds held of other hardware, taken to be as many there.

    Processor for processor among accelerators and among processors; from one sort to the other a worker holds a whole
    device.
    """
    alike = _is_accelerator(held.device) == (device.kind in _ACCELERATORS)
    return held.processor_s if alike else held.seconds * device.processors


def _is_accelerator(name: str) -> bool | None:
    """Whether hardware says that it is an accelerator; None where it doesn't say what it is."""
    return {"gpu": True, "tpu": True, "cpu": False}.get(name.partition(":")[0])


def tariff(terms: Terms, devices: Iterable[str]) -> Tariff:
    """Look up what applies to some hardware.

    Args:
        terms: What is said of its place.
        devices: What the leases call it.

    Raises:
        NassimError: The catalogue's file, the device, the region, the PUE, the provider or the billing is not to be
            found.
    """
    catalogue, lines = load_catalogue(Path(terms.catalogue) if terms.catalogue else None), Lines()
    priced_as = None if terms.device is None else catalogue.find_device(terms.device)
    own = None if terms.own_device is None else catalogue.find_device(terms.own_device)
    taken: dict[str, Taken] = {}
    for name in dict.fromkeys(devices):
        taken[name], line = _take(catalogue, name, own, terms.strict)
        if priced_as is not None and priced_as != taken[name].device:
            lines.basis.append(f"{name}: priced as if its seconds were as many on {priced_as.name}")
        else:
            is_said = taken[name].kind is Kind.MEASURED or taken[name].device is own
            (lines.basis if is_said else lines.assumed).append(line)
    applied = [priced_as] if priced_as else [each.device for each in taken.values() if each.device]
    known = {device.id: device if terms.strict else _with_power(catalogue, device, lines) for device in applied}
    lines.basis += map(_power_line, known.values())
    where = find_site(catalogue, known.values(), terms, lines)
    return Tariff(
        {
            name: Taken(each.device and known.get(each.device.id, each.device), each.kind)
            for name, each in taken.items()
        },
        priced_as and known[priced_as.id],
        where,
        tuple(lines.basis),
        tuple(lines.assumed),
    )


def _take(catalogue: HardwareCatalogue, name: str, own: Device | None, strict: bool) -> tuple[Taken, str]:
    """Return what hardware is taken for, and in words why.

    Args:
        catalogue: Where to look.
        name: What the leases call it.
        own: What the user's site says that hardware is which the catalogue doesn't list.
        strict: Whether nothing is assumed.
    """
    listed = catalogue.recognise(name)
    if listed is not None:
        return Taken(listed), f"{name} is the catalogue's {listed.id}"
    if own is not None and (own.kind is DeviceKind.SOC or _is_accelerator(name) in (None, own.kind in _ACCELERATORS)):
        return Taken(own, Kind.ASSUMED), f"{name} is taken for {own.id}, as `nassim site` says"
    if strict:
        return Taken(None), f"{name} is not in the catalogue: its power and price are unknown"
    device, why = closest(catalogue, name)
    return Taken(device, Kind.ASSUMED), f"{name} is taken for {device.id}: {why}"


def _with_power(catalogue: HardwareCatalogue, device: Device, lines: Lines) -> Device:
    """Return the device, with the rated power of generic ones where nothing is known of its own."""
    generic = generic_of(catalogue, device.kind)
    if power_w(device, 1.0).value is not None or generic.max_w is None:
        return device
    max_w = generic.max_w * device.processors
    lines.assumed.append(f"{max_w:g} W for {device.name}, for want of its power: {generic.name} ({generic.source})")
    return replace(device, max_w=max_w, unverified=device.unverified | {"max_w"})


def _power_line(device: Device) -> str:
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
