"""Listing: the catalogue's devices, prices, grids and data centres, as tables or as JSON."""

import json
from pathlib import Path

from rich.table import Table

from nassim.cli.printing import print_plainly
from nassim.errors import NassimError
from nassim.hardware.catalogue import load_catalogue
from nassim.hardware.listing import Rows, device_rows, price_rows, pue_rows, region_rows
from nassim.units import UNKNOWN

DEVICE_COLUMNS = {
    "device": "device",
    "kind": "kind",
    "year": "year",
    "processors": "processors",
    "fp32_tflop_per_s": "FP32 TFLOP/s",
    "tensor16_tflop_per_s": "16-bit TFLOP/s",
    "memory_gb": "memory GB",
    "bandwidth_gb_per_s": "GB/s",
    "max_w": "rated W",
}
REGION_COLUMNS = {"region": "region", "name": "name", "gco2e_per_kwh": "gCO2e/kWh", "year": "year", "source": "source"}
LONG = ("name", "source")
"""Columns that may take several lines."""
PUE_COLUMNS = {"id": "PUE of", "name": "name", "pue": "PUE", "year": "year", "source": "source"}


def list_devices(name: str | None, file: str | None, as_json: bool) -> None:
    """Print the devices; or all about one of them, with its prices.

    Raises:
        NassimError: There is no such device, or the file is wrong.
    """
    catalogue = load_catalogue(Path(file) if file else None)
    devices, prices = device_rows(catalogue), price_rows(catalogue)
    if name is not None:
        wanted = catalogue.find_device(name).id
        devices, prices = ([row for row in rows if row["device"] == wanted] for rows in (devices, prices))
    if as_json:
        print(json.dumps({"devices": devices, "prices": prices}, indent=2, ensure_ascii=False))
    elif name is None:
        print_plainly(
            _table(devices, DEVICE_COLUMNS),
            "\nOf a whole device, which its processors share. `nassim devices NAME` shows one with prices, sources.",
        )
    else:
        print_plainly(*(_all_of(row) for row in (*devices, *prices)))


def list_regions(name: str | None, file: str | None, as_json: bool) -> None:
    """Print grids and data centres; or all about one of them.

    Raises:
        NassimError: There is none of that name, or the file is wrong.
    """
    catalogue = load_catalogue(Path(file) if file else None)
    regions, pues = region_rows(catalogue), pue_rows(catalogue)
    if name is not None:
        try:
            regions, pues = [row for row in regions if row["region"] == catalogue.find_grid(name).id], []
        except NassimError:
            if name not in catalogue.pues:
                raise
            regions, pues = [], [row for row in pues if row["id"] == name]
    if as_json:
        print(json.dumps({"regions": regions, "pue": pues}, indent=2, ensure_ascii=False))
    elif name is None:
        print_plainly(_table(regions, REGION_COLUMNS), "", _table(pues, PUE_COLUMNS), "\nAverages over a year.")
    else:
        print_plainly(*(_all_of(row) for row in (*regions, *pues)))


def _table(rows: Rows, columns: dict[str, str]) -> Table:
    table = Table(box=None, pad_edge=False)
    for key, title in columns.items():
        numeric = any(isinstance(row[key], (int, float)) for row in rows)
        table.add_column(title, justify="right" if numeric else "left", overflow="fold", no_wrap=key not in LONG)
    for row in rows:
        table.add_row(*(_cell(row[key]) for key in columns))
    return table


def _all_of(row: dict[str, str | float | None]) -> Table:
    table = Table(box=None, pad_edge=False, show_header=False)
    for key, value in row.items():
        table.add_row(key, _cell(value))
    table.add_row("", "")
    return table


def _cell(value: str | float | None) -> str:
    if value is None:
        return UNKNOWN
    return value if isinstance(value, str) else f"{value:g}"
