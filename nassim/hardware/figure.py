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


class Bound(StrEnum):
    """On which side of a figure the truth may lie, where a part of it could not be counted."""

    EXACT = "exact"
    """On neither."""
    AT_LEAST = "at least"
    AT_MOST = "at most"
    OPEN = "open"
    """On either: of a ratio whose both sides are at least what they are."""

    @property
    def inverse(self) -> "Bound":
        """That of 1 over the figure."""
        return _INVERSE.get(self, self)


_INVERSE = {Bound.AT_LEAST: Bound.AT_MOST, Bound.AT_MOST: Bound.AT_LEAST}

_ORDER = tuple(Kind)


def weakest(kinds: Iterable[Kind]) -> Kind:
    """Return the weakest of some kinds; `measured` of none."""
    return max(kinds, key=_ORDER.index, default=Kind.MEASURED)


def _together(bounds: Iterable[Bound]) -> Bound:
    """Return the bound of sums and products of figures of at least 0."""
    found = set(bounds) - {Bound.EXACT}
    return found.pop() if len(found) == 1 else Bound.OPEN if found else Bound.EXACT


@dataclass(frozen=True, slots=True)
class Figure:
    """A number of at least 0, how it was got, and what is missing where it is unknown.

    Figures add, multiply and divide; the weakest kind wins.

    Attributes:
        value: The number, in the unit of the field or function that it comes from; None where unknown. Counts are ints,
            which are exact however large.
        kind: How it was got.
        missing: What would have to be known, each in words; empty for a known figure.
        bound: Whether the truth may be more or less, for want of something that could not be counted.
    """

    value: int | float | None
    kind: Kind = Kind.MEASURED
    missing: tuple[str, ...] = ()
    bound: Bound = Bound.EXACT

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
        bound = _together((self.bound, factor.bound))
        return Figure(self.value * factor.value, weakest((self.kind, factor.kind)), bound=bound)

    def __truediv__(self, divisor: float) -> "Figure":
        return self if self.value is None else Figure(self.value / divisor, self.kind, bound=self.bound)

    def __add__(self, other: "Figure") -> "Figure":
        if self.value is None or other.value is None:
            return Figure.unknown(*self.missing, *other.missing)
        bound = _together((self.bound, other.bound))
        return Figure(self.value + other.value, weakest((self.kind, other.kind)), bound=bound)

    def over(self, other: "Figure", otherwise: str) -> "Figure":
        """Return the ratio of this figure to another; unknown where one of them is unknown or the other is 0.

        Args:
            other: What to divide by.
            otherwise: What is missing where the other is 0.
        """
        if self.value is None or not other.value:
            return Figure.unknown(*(self.missing + other.missing or (otherwise,)))
        kind, bound = weakest((self.kind, other.kind)), _together((self.bound, other.bound.inverse))
        return Figure(self.value / other.value, kind, bound=bound)


def total(figures: Iterable[Figure]) -> Figure:
    """Return the sum: unknown where any part is unknown, a measured 0 where there is no part."""
    result = Figure(0)
    for figure in figures:
        result = result + figure
    return result
