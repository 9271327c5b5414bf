"""Figure: a number that says how it was got, and what is missing where it could not be."""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum


class Kind(StrEnum):
    """How a figure was got, the strongest first."""

    MEASURED = "measured"
    """Read from a clock or a counter; or published as a fact, such as a price."""
    MODELLED = "modelled"
    """Computed by a model from measured or published numbers; published averages."""
    ASSUMED = "assumed"
    """Taken for granted: an unverified number, or one that somebody chose."""
    UNKNOWN = "unknown"
    """Something that it needs is not known."""


_ORDER = tuple(Kind)


def weakest(kinds: Iterable[Kind]) -> Kind:
    """Return the weakest of some kinds; `measured` of none."""
    return max(kinds, key=_ORDER.index, default=Kind.MEASURED)


@dataclass(frozen=True, slots=True)
class Figure:
    """A number, its kind, and what is missing where it is unknown. Figures add and multiply; the weakest kind wins.

    Attributes:
        value: The number, in the unit of the field or function that it comes from; None where unknown.
        kind: How it was got.
        missing: What would have to be known, each in words; empty for a known figure.
    """

    value: float | None
    kind: Kind
    missing: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        unknown = self.kind is Kind.UNKNOWN
        if (self.value is None) != unknown or bool(self.missing) != unknown:
            raise ValueError(f"a figure is unknown, without a value and misses something, or none of these: {self!r}")

    @classmethod
    def unknown(cls, *missing: str) -> "Figure":
        """Return a figure that is unknown for want of something."""
        return cls(None, Kind.UNKNOWN, tuple(dict.fromkeys(missing)))

    def __mul__(self, other: "Figure | float") -> "Figure":
        factor = other if isinstance(other, Figure) else Figure(other, Kind.MEASURED)
        if self.value is None or factor.value is None:
            return Figure.unknown(*self.missing, *factor.missing)
        return Figure(self.value * factor.value, weakest((self.kind, factor.kind)))

    def __truediv__(self, divisor: float) -> "Figure":
        return self if self.value is None else Figure(self.value / divisor, self.kind)

    def __add__(self, other: "Figure") -> "Figure":
        if self.value is None or other.value is None:
            return Figure.unknown(*self.missing, *other.missing)
        return Figure(self.value + other.value, weakest((self.kind, other.kind)))


def total(figures: Iterable[Figure]) -> Figure:
    """Return the sum: unknown where any part is unknown, a measured 0 where there is no part."""
    result = Figure(0.0, Kind.MEASURED)
    for figure in figures:
        result = result + figure
    return result
