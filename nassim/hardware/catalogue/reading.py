"""Rows of the catalogue's files as typed entries."""

from collections.abc import Callable
from pathlib import Path

from nassim.hardware.catalogue.entries import Confidence, Device, DeviceKind, Grid, Price, Pue
from nassim.hardware.catalogue.rows import CatalogueRow, read_rows

Entry = Device | Price | Grid | Pue

_REQUIRED = {
    "devices": ("id", "kind"),
    "prices": ("device", "provider", "billing", "usd_per_h"),
    "grids": ("id", "gco2e_per_kwh"),
    "pue": ("id", "pue"),
}
_OPTIONAL = {
    "devices": (
        "name",
        "aliases",
        "vendor",
        "year",
        "processors",
        "fp32_tflop_per_s",
        "fp16_tflop_per_s",
        "tensor16_tflop_per_s",
        "memory_gb",
        "bandwidth_gb_per_s",
        "idle_w",
        "typical_w",
        "max_w",
        "source",
        "date",
        "unverified",
        "note",
    ),
    "prices": ("unit", "devices", "source", "date", "confidence"),
    "grids": ("name", "kind", "year", "source", "confidence"),
    "pue": ("name", "year", "source", "confidence"),
}

_IN_UNITS = {
    "fp32_tflop_per_s": ("fp32_flop_per_s", 1e12),
    "fp16_tflop_per_s": ("fp16_flop_per_s", 1e12),
    "tensor16_tflop_per_s": ("tensor16_flop_per_s", 1e12),
    "memory_gb": ("memory_bytes", 1e9),
    "bandwidth_gb_per_s": ("bandwidth_bytes_per_s", 1e9),
    "idle_w": ("idle_w", 1.0),
    "typical_w": ("typical_w", 1.0),
    "max_w": ("max_w", 1.0),
}
"""Columns in the units people use, and the fields they become."""


def _device(row: CatalogueRow) -> Device:
    numbers = {field: (row.number(column), factor) for column, (field, factor) in _IN_UNITS.items()}
    unverified = row.names("unverified")
    if odd := [name for name in unverified if name not in _IN_UNITS]:
        raise row.error("unverified", f"found {odd[0]!r}; names of columns: {', '.join(_IN_UNITS)}")
    processors = row.whole("processors")
    if processors == 0:
        raise row.error("processors", "found '0'; at least 1")
    return Device(
        id=row.text("id"),
        name=row.text("name") or row.text("id"),
        aliases=row.names("aliases"),
        kind=row.choice("kind", DeviceKind),
        vendor=row.text("vendor"),
        year=row.whole("year"),
        processors=processors or 1,
        source=row.text("source") or row.file,
        date=row.text("date"),
        unverified=frozenset(_IN_UNITS[name][0] for name in unverified),
        note=row.text("note"),
        **{field: None if value is None else value * factor for field, (value, factor) in numbers.items()},
    )


def _required_number(row: CatalogueRow, field: str, least: float = 0.0) -> float:
    value = row.number(field, least)
    if value is None:
        raise row.error(field, f"found nothing; a number of at least {least:g}")
    return value


def _confidence(row: CatalogueRow) -> Confidence:
    return row.choice("confidence", Confidence, Confidence.SEEN)


def _price(row: CatalogueRow) -> Price:
    return Price(
        device=row.text("device"),
        provider=row.text("provider"),
        billing=row.text("billing"),
        usd_per_h=_required_number(row, "usd_per_h"),
        unit=row.text("unit") or "device",
        devices=row.positive("devices", 1.0),
        source=row.text("source") or row.file,
        date=row.text("date"),
        confidence=_confidence(row),
    )


def _grid(row: CatalogueRow) -> Grid:
    return Grid(
        id=row.text("id"),
        name=row.text("name") or row.text("id"),
        kind=row.text("kind") or "own",
        gco2e_per_kwh=_required_number(row, "gco2e_per_kwh"),
        year=row.whole("year"),
        source=row.text("source") or row.file,
        confidence=_confidence(row),
    )


def _pue(row: CatalogueRow) -> Pue:
    return Pue(
        id=row.text("id"),
        name=row.text("name") or row.text("id"),
        pue=_required_number(row, "pue", least=1.0),
        year=row.whole("year"),
        source=row.text("source") or row.file,
        confidence=_confidence(row),
    )


_READERS: dict[str, Callable[[CatalogueRow], Entry]] = {
    "devices": _device,
    "prices": _price,
    "grids": _grid,
    "pue": _pue,
}


def read_entries(path: Path) -> list[tuple[CatalogueRow, Entry]]:
    """Read the entries of a file, each with its row.

    Raises:
        NassimError: Something in it is wrong; the message says in which line and field.
    """
    entries: list[tuple[CatalogueRow, Entry]] = []
    for table, row in read_rows(path):
        allowed = (*_REQUIRED[table], *_OPTIONAL[table])
        if odd := [field for field in row.cells if field not in allowed]:
            raise row.error(odd[0], f"there is no such field in {table}; {', '.join(allowed)}")
        if empty := [field for field in _REQUIRED[table] if not row.text(field)]:
            raise row.error(empty[0], f"found nothing; every entry of {table} has {', '.join(_REQUIRED[table])}")
        entries.append((row, _READERS[table](row)))
    return entries
