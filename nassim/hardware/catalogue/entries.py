"""What the catalogue lists: Device, Price, Grid, Pue."""

from dataclasses import dataclass
from enum import StrEnum

from nassim.hardware.figure import Figure, Kind


class Confidence(StrEnum):
    """Whether a number was seen in its source."""

    SEEN = "seen"
    UNVERIFIED = "unverified"
    """From memory, or its source is in doubt."""

    @property
    def is_unverified(self) -> bool:
        """Whether figures that rest on the number are assumed."""
        return self is Confidence.UNVERIFIED


class DeviceKind(StrEnum):
    """What sort of processor a device is."""

    GPU = "gpu"
    TPU = "tpu"
    CPU = "cpu"
    SOC = "soc"


class Precision(StrEnum):
    """Which arithmetic a peak rate is of."""

    FP32 = "fp32"
    FP16 = "fp16"
    """Half precision on the ordinary units."""
    TENSOR16 = "tensor16"
    """FP16 or BF16 on the matrix units, dense."""


@dataclass(frozen=True, slots=True)
class Device:
    """An accelerator or processor. Rates and powers are of the whole device; None is unknown.

    Attributes:
        id: Its name in the catalogue.
        name: Its name in print.
        aliases: What else it is called: short names, and what drivers report.
        kind: What sort of processor it is.
        vendor: Who makes it.
        year: When it came out.
        processors: How many processors it has: cores of a CPU, chips of a board. A lease of one of them is charged its
            share of the device.
        fp32_flop_per_s: Peak rate in FP32.
        fp16_flop_per_s: Peak rate in half precision on the ordinary units.
        tensor16_flop_per_s: Peak rate in FP16 or BF16 on the matrix units, dense.
        memory_bytes: Its memory.
        bandwidth_bytes_per_s: Peak rate of its memory.
        idle_w: Power when doing nothing.
        typical_w: Mean power of the system that it is in, per device, in training, as others measured it.
        max_w: Rated power (TDP) of the device alone.
        source: Where the numbers are from.
        date: When the source was published or read.
        unverified: Names of the fields above that were not seen in a source.
        note: What else to know.
    """

    id: str
    name: str
    aliases: tuple[str, ...]
    kind: DeviceKind
    vendor: str
    year: int | None
    processors: int
    fp32_flop_per_s: float | None
    fp16_flop_per_s: float | None
    tensor16_flop_per_s: float | None
    memory_bytes: float | None
    bandwidth_bytes_per_s: float | None
    idle_w: float | None
    typical_w: float | None
    max_w: float | None
    source: str
    date: str
    unverified: frozenset[str] = frozenset()
    note: str = ""

    @property
    def names(self) -> tuple[str, ...]:
        """All that it is called."""
        return (self.id, self.name, *self.aliases)

    @property
    def is_generic(self) -> bool:
        """Whether it is no product, but stands in for devices that are not listed."""
        return self.id.startswith("any_")

    def figure(self, field: str) -> Figure:
        """Return one of the numbers with its kind: measured as published, assumed where unverified, or unknown."""
        value: float | None = getattr(self, field)
        if value is None:
            return Figure.unknown(f"{field} of {self.id}")
        return Figure(value, Kind.ASSUMED if field in self.unverified else Kind.MEASURED)

    def peak_flop_per_s(self, precision: Precision = Precision.FP32) -> Figure:
        """Return the peak rate of one of its processors."""
        return self.figure(f"{precision}_flop_per_s") / self.processors


@dataclass(frozen=True, slots=True)
class Price:
    """What somebody charges for an hour of a device.

    Attributes:
        device: Id of the device.
        provider: Who charges it.
        billing: On what terms: "on-demand", "spot", "preemptible", ...
        usd_per_h: USD for an hour of the unit.
        unit: What is rented: a chip, a board, a machine.
        devices: How many devices the unit has.
        source: Where the price is from.
        date: When the source was published or read.
        confidence: Whether it was seen there.
    """

    device: str
    provider: str
    billing: str
    usd_per_h: float
    unit: str
    devices: float
    source: str
    date: str
    confidence: Confidence

    @property
    def usd_per_device_h(self) -> Figure:
        """USD for an hour of one device."""
        kind = Kind.ASSUMED if self.confidence.is_unverified else Kind.MEASURED
        return Figure(self.usd_per_h / self.devices, kind)


@dataclass(frozen=True, slots=True)
class Grid:
    """An electricity grid: a country, a state, a cloud region, or one that a paper names.

    Attributes:
        id: Its name in the catalogue: ISO 3166 alpha-3 for countries, "US-CA" for states, "gcp:us-east1" for regions.
        name: Its name in print.
        kind: "country", "us_state", "cloud_region", "world" or "paper".
        gco2e_per_kwh: Grams of CO2 equivalent for a kWh, a yearly average.
        year: Of which year; None where the source does not say.
        source: Where the number is from.
        confidence: Whether it was seen there.
    """

    id: str
    name: str
    kind: str
    gco2e_per_kwh: float
    year: int | None
    source: str
    confidence: Confidence

    @property
    def intensity(self) -> Figure:
        """Its gCO2e per kWh as a figure: modelled, for it is an average over a year."""
        return Figure(self.gco2e_per_kwh, Kind.ASSUMED if self.confidence.is_unverified else Kind.MODELLED)


@dataclass(frozen=True, slots=True)
class Pue:
    """Power usage effectiveness of a data centre: its energy over that of the computers in it.

    Attributes:
        id: Its name in the catalogue.
        name: Whose it is.
        pue: At least 1.
        year: Of which year; None where it has none.
        source: Where the number is from.
        confidence: Whether it was seen there.
    """

    id: str
    name: str
    pue: float
    year: int | None
    source: str
    confidence: Confidence

    @property
    def figure(self) -> Figure:
        """It as a figure: modelled, for it is an average over sites or a year."""
        return Figure(self.pue, Kind.ASSUMED if self.confidence.is_unverified else Kind.MODELLED)
