"""Catalogue: everything listed, and how a name finds its entry."""

import difflib
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources
from pathlib import Path
from typing import TypeVar

from nassim.errors import NassimError
from nassim.hardware.catalogue.entries import Device, Grid, Price, Pue
from nassim.hardware.catalogue.reading import Entry, read_entries
from nassim.hardware.catalogue.rows import TABLES, Row

Found = TypeVar("Found", Device, Grid, Pue)


@dataclass(frozen=True, slots=True)
class Catalogue:
    """Devices, prices, grids and data centres.

    Attributes:
        devices: Device by id.
        prices: In the order of the files, users' own first.
        grids: Grid by id.
        pues: Pue by id.
    """

    devices: Mapping[str, Device]
    prices: tuple[Price, ...]
    grids: Mapping[str, Grid]
    pues: Mapping[str, Pue]

    def find_device(self, name: str) -> Device:
        """Return the device that a name stands for: its id, name or alias, or a beginning that only it has.

        Case, spaces and punctuation don't count, nor does a leading "gpu:" or "cpu:".

        Raises:
            NassimError: No device or several answer to the name; the message lists the near ones.
        """
        names = {device.id: (device.id, device.name, *device.aliases) for device in self.devices.values()}
        return _find("device", _without_kind(name), self.devices, names, "nassim devices")

    def recognise(self, name: str) -> Device | None:
        """Return the device that hardware says it is, by its whole id, name or alias; None if there is none.

        Unlike `find_device` it takes no beginning of a name: "AMD EPYC" may be any of them.
        """
        key = _key(_without_kind(name))
        fitting = (d for d in self.devices.values() if key in map(_key, (d.id, d.name, *d.aliases)))
        return next(fitting, None)

    def find_grid(self, name: str) -> Grid:
        """Return the grid of a country ("FRA", "France"), a state ("US-CA") or a cloud region ("gcp:us-east1").

        Raises:
            NassimError: No grid or several answer to the name; the message lists the near ones.
        """
        names = {grid.id: (grid.id, grid.name, grid.id.rpartition(":")[2]) for grid in self.grids.values()}
        return _find("region", name, self.grids, names, "nassim regions")

    def find_pue(self, name: str) -> Pue:
        """Return the PUE of a provider or data centre.

        Raises:
            NassimError: None or several answer to the name; the message lists the near ones.
        """
        return _find("PUE", name, self.pues, {pue.id: (pue.id,) for pue in self.pues.values()}, "nassim regions")

    def find_price(self, device: Device, provider: str | None = None, billing: str = "on-demand") -> Price | None:
        """Return the first price listed of a device on these terms; None where there is none.

        Raises:
            NassimError: No price in the catalogue has this provider or these terms, so that they are likely a slip.
        """
        for what, wanted, known in (
            ("provider", provider, {price.provider for price in self.prices}),
            ("billing", billing, {price.billing for price in self.prices}),
        ):
            if wanted is not None and wanted not in known:
                raise NassimError(f"found the {what} {wanted!r}; the catalogue has {', '.join(sorted(known))}")
        fitting = (p for p in self.prices if p.device == device.id and p.billing == billing)
        return next((p for p in fitting if provider in (None, p.provider)), None)


def _without_kind(name: str) -> str:
    return re.sub(r"^(gpu|cpu|tpu):", "", name.strip(), flags=re.IGNORECASE)


def _key(name: str) -> str:
    return re.sub(r"[^a-z0-9+]", "", name.lower())


def _find(
    what: str, name: str, entries: Mapping[str, Found], names: Mapping[str, Iterable[str]], command: str
) -> Found:
    keys = {id_: tuple(_key(text) for text in texts) for id_, texts in names.items()}
    wanted = _key(name)
    by_id = [id_ for id_ in entries if _key(id_) == wanted]
    exact = by_id or [id_ for id_ in entries if wanted in keys[id_]]
    begun = [id_ for id_ in entries if wanted and any(key.startswith(wanted) for key in keys[id_])]
    hits = exact or begun
    if len(hits) == 1:
        return entries[hits[0]]
    if hits:
        shown = ", ".join(hits[:12]) + (", ..." if len(hits) > 12 else "")
        raise NassimError(f"{what} {name!r} is ambiguous: {shown}; write more of the name")
    owners = {key: id_ for id_ in entries for key in keys[id_]}
    near = dict.fromkeys(owners[key] for key in difflib.get_close_matches(wanted, owners, n=5, cutoff=0.5))
    hint = f"near it: {', '.join(near)}; " if near else ""
    raise NassimError(f"{what} {name!r} is not in the catalogue; {hint}`{command}` lists all, a file can add to them")


@cache
def _shipped() -> tuple[tuple[Row, Entry], ...]:
    folder = resources.files("nassim.hardware.catalogue")
    rows: list[tuple[Row, Entry]] = []
    for table in TABLES:
        with resources.as_file(folder / f"{table}.csv") as path:
            rows += read_entries(path)
    return tuple(rows)


def load_catalogue(extra: Path | None = None) -> Catalogue:
    """Return the catalogue, with one's own entries where a file is given.

    Args:
        extra: A YAML file with any of `devices`, `prices`, `grids`, `pue` as lists of mappings with the columns of the
            shipped files, or a CSV file named as one of them. An entry whose id is in the catalogue replaces it; a
            price comes before the shipped ones.

    Raises:
        NassimError: Something in the file is wrong; the message says in which line and field.
    """
    own = read_entries(extra) if extra is not None else []
    _refuse_duplicates(own)
    entries = [entry for _, entry in (*_shipped(), *own)]
    own_prices = [entry for _, entry in own if isinstance(entry, Price)]
    shipped_prices = [entry for _, entry in _shipped() if isinstance(entry, Price)]
    catalogue = Catalogue(
        devices={entry.id: entry for entry in entries if isinstance(entry, Device)},
        prices=(*own_prices, *shipped_prices),
        grids={entry.id: entry for entry in entries if isinstance(entry, Grid)},
        pues={entry.id: entry for entry in entries if isinstance(entry, Pue)},
    )
    for row, entry in own:
        if isinstance(entry, Price) and entry.device not in catalogue.devices:
            raise row.error("device", f"found {entry.device!r}; the id of a device in the catalogue or in this file")
    return catalogue


def _refuse_duplicates(own: Iterable[tuple[Row, Entry]]) -> None:
    seen: dict[tuple[type, str], Row] = {}
    for row, entry in own:
        if isinstance(entry, Price):
            continue
        first = seen.setdefault((type(entry), entry.id), row)
        if first is not row:
            raise row.error("id", f"found {entry.id!r} a second time; the first is in line {first.line}")
