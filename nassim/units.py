"""Amounts as people read them. An unknown amount is the word, never 0."""

from collections.abc import Sequence

UNKNOWN = "unknown"

_PREFIXES = ("", "k", "M", "G", "T", "P", "E", "Z", "Y")


def amounts(values: Sequence[float | None], unit: str) -> list[str]:
    """Return amounts for one row: all with the prefix that suits the largest, so that they can be compared.

    Args:
        values: In the unit; None where unknown.
        unit: For example "FLOP".
    """
    largest = max((abs(value) for value in values if value is not None), default=0.0)
    step = min(max(_exponent(largest) // 3, 0), len(_PREFIXES) - 1)
    return [UNKNOWN if value is None else f"{_plain(value / 1000**step)} {_PREFIXES[step]}{unit}" for value in values]


def amount(value: float | None, unit: str) -> str:
    """Return one amount with the prefix that suits it: `1.23 TFLOP`."""
    return amounts([value], unit)[0]


def seconds(value: float | None) -> str:
    """Return seconds with a tenth, or a hundredth below ten; hours too where there is more than one."""
    if value is None:
        return UNKNOWN
    if abs(value) >= 3600:
        return f"{value:,.0f} s ({value / 3600:,.1f} h)"
    return f"{value:.{1 if abs(value) >= 10 else 2}f} s"


def duration(value: float | None) -> str:
    """Return a time in seconds, or in hours where it is more than one."""
    if value is None or abs(value) < 3600:
        return seconds(value)
    return f"{_plain(value / 3600)} h"


def whole(value: int | None) -> str:
    """Return a whole number with separators of thousands."""
    return UNKNOWN if value is None else f"{value:,}"


def count(number: int, thing: str) -> str:
    """Return how many of a thing there are: `1 worker`, `2 workers`."""
    return f"{number:,} {thing}{'' if number == 1 else 's'}"


def percent(value: float | None) -> str:
    """Return a share in per cent."""
    return UNKNOWN if value is None else f"{_plain(100 * value)} %"


def times(value: float | None) -> str:
    """Return a ratio: `12.3 x`."""
    return UNKNOWN if value is None else f"{_plain(value)} x"


def number(value: float | None) -> str:
    """Return a number of any size with three significant digits."""
    if value is None:
        return UNKNOWN
    return _plain(value) if not value or 1e-4 <= abs(value) < 1e7 else f"{value:.2e}"


def metric(value: float) -> str:
    """Return a metric or an objective's value: four decimals, or none where it is whole or of a thousand or more."""
    is_whole = abs(value) >= 1000 or (abs(value) > 1 and value.is_integer())
    return f"{value:,.{0 if is_whole else 4}f}"


def kwh(value: float | None) -> str:
    """Return an energy: `1.23 kWh`."""
    return _with_unit(value, "kWh")


def usd(value: float | None) -> str:
    """Return money: `1.23 USD`."""
    return _with_unit(value, "USD")


def gco2e(value: float | None) -> str:
    """Return emissions: `1.23 gCO2e`."""
    return _with_unit(value, "gCO2e")


def _with_unit(value: float | None, unit: str) -> str:
    return UNKNOWN if value is None else f"{number(value)} {unit}"


def _plain(value: float) -> str:
    """Return three significant digits, or all digits before the point, without an exponent."""
    return f"{value:,.{min(max(0, 2 - _exponent(value)), 6)}f}" if value else "0"


def _exponent(value: float) -> int:
    """Return the power of ten of a number rounded to the three digits that are shown: 999.6 is 1.00e3."""
    return int(f"{value:.2e}".partition("e")[2]) if value else 0
