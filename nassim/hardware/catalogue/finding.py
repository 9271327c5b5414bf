"""Catalogue: everything listed, and how a name finds its entry."""

import difflib
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources
from pathlib import Path
from typing import TypeVar

from nassim.errors import NassimError
from nassim.hardware.catalogue.entries import Device, Grid, Price, Pue
from nassim.hardware.catalogue.reading import Entry, read_entries
from nassim.hardware.catalogue.rows import TABLES, CatalogueRow

Found = TypeVar("Found", Device, Grid, Pue)

MAKERS = frozenset(("nvidia", "tesla", "geforce", "amd", "intel", "google"))
"""Words that people put before a device's name or leave out."""
LINES = frozenset(("gtx", "rtx", "quadro"))
"""Words before a device's name that say of which line it is, and that two devices of one name differ in."""
VARIANTS = frozenset(("ti", "xp", "super", "ultra", "max", "pro", "mini"))
"""Words after a device's name that make another device of it."""


@dataclass(frozen=True, slots=True)
class HardwareCatalogue:
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
        """Return the device that a name stands for: its id, name or alias, or whole first words that only it has.

        Case, spaces and punctuation don't count, nor does a leading "gpu:" or "cpu:", nor the maker's name. A variant
        is another device: "Titan X" doesn't stand for the Titan Xp, nor "GTX 1080" for the GTX 1080 Ti. Of two that
        answer neither is taken: there are two Titan X. A TPU is a chip by its version, a device of four as "v3-8".

        Raises:
            NassimError: No device or several answer to the name; the message lists the near ones.
        """
        names = {device.id: device.names for device in self.devices.values()}
        return _find("device", _without_kind(name), self.devices, names, "nassim devices")

    def recognise(self, name: str) -> Device | None:
        """Return the device that hardware says it is, by its whole id, name or alias; None if there is none.

        Unlike `find_device` it takes no beginning of a name: "AMD EPYC" may be any of them.
        """
        key = _key(_without_kind(name))
        return next((device for device in self.devices.values() if key in map(_key, device.names)), None)

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
            NassimError: As for `check_terms`.
        """
        self.check_terms(provider, billing)
        fitting = (price for price in self.prices_of(device) if price.billing == billing)
        return next((price for price in fitting if provider in (None, price.provider)), None)

    def check_terms(self, provider: str | None, billing: str | None) -> None:
        """Find slips.

        Raises:
            NassimError: No price in the catalogue has this provider or this billing.
        """
        for what, wanted, known in (
            ("provider", provider, {price.provider for price in self.prices}),
            ("billing", billing, {price.billing for price in self.prices}),
        ):
            if wanted is not None and wanted not in known:
                raise NassimError(f"found the {what} {wanted!r}; the catalogue has {', '.join(sorted(known))}")

    def prices_of(self, device: Device) -> list[Price]:
        """Return the prices of a device, in their order."""
        return [price for price in self.prices if price.device == device.id]


def _without_kind(name: str) -> str:
    return re.sub(r"^(gpu|cpu|tpu):", "", name.strip(), flags=re.IGNORECASE)


def _key(name: str) -> str:
    return "".join(_words(name))


def _words(name: str) -> list[str]:
    return re.findall(r"[a-z0-9+]+", name.lower())


def _of_model(name: str) -> list[str]:
    """Return the words of a name without those that only say who makes it."""
    return [word for word in _words(name) if word not in MAKERS]


def model_key(name: str) -> str:
    """Return what of hardware's name says which model it is, to compare names by."""
    said = re.sub(r"@.*|\b\d+-core\b|\((r|tm)\)", " ", _without_kind(name).lower())
    return "".join(word for word in _of_model(said) if word not in ("cpu", "gpu", "processor"))


def _begins(name: str, wanted: list[str]) -> bool:
    """Whether these are the first words of a name, its line left out or not, and what follows makes no other model."""
    words = _of_model(name)
    if words and words[0] in LINES and words[0] not in wanted:
        words = words[1:]
    return bool(wanted) and words[: len(wanted)] == wanted and not VARIANTS & set(words[len(wanted) :])


def _find(
    what: str, name: str, entries: Mapping[str, Found], names: Mapping[str, tuple[str, ...]], command: str
) -> Found:
    hits = _hits(name, names)
    if len(hits) == 1:
        return entries[hits[0]]
    if hits:
        shown = ", ".join(hits[:12]) + (", ..." if len(hits) > 12 else "")
        raise NassimError(f"{what} {name!r} is ambiguous: {shown}; write more of the name")
    owners = {_key(text): id_ for id_, texts in names.items() for text in texts}
    near = dict.fromkeys(owners[key] for key in difflib.get_close_matches(_key(name), owners, n=3, cutoff=0.5))
    hint = f"near it: {', '.join(f'{id_} ({entries[id_].name})' for id_ in near)}; " if near else ""
    raise NassimError(f"{what} {name!r} is not in the catalogue; {hint}`{command}` lists all, a file can add to them")


def _hits(name: str, names: Mapping[str, tuple[str, ...]]) -> list[str]:
    """Return the ids that a name stands for: by id, else by a whole name, else by one without its maker, else begun."""
    key, model = _key(name), _of_model(name)
    fits: tuple[Callable[[str, str], bool], ...] = (
        lambda id_, text: text == id_ and _key(text) == key,
        lambda id_, text: _key(text) == key,
        lambda id_, text: bool(model) and "".join(_of_model(text)) == "".join(model),
        lambda id_, text: _begins(text, model),
    )
    found = ([id_ for id_, texts in names.items() if any(fit(id_, text) for text in texts)] for fit in fits)
    return next(filter(None, found), [])


@cache
def _shipped() -> tuple[tuple[CatalogueRow, Entry], ...]:
    folder = resources.files("nassim.hardware.catalogue")
    rows: list[tuple[CatalogueRow, Entry]] = []
    for table in TABLES:
        with resources.as_file(folder / f"{table}.csv") as path:
            rows += read_entries(path)
    return tuple(rows)


def load_catalogue(extra: Path | None = None) -> HardwareCatalogue:
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
    catalogue = HardwareCatalogue(
        devices={entry.id: entry for entry in entries if isinstance(entry, Device)},
        prices=(*own_prices, *shipped_prices),
        grids={entry.id: entry for entry in entries if isinstance(entry, Grid)},
        pues={entry.id: entry for entry in entries if isinstance(entry, Pue)},
    )
    for row, entry in own:
        if isinstance(entry, Price) and entry.device not in catalogue.devices:
            raise row.error("device", f"found {entry.device!r}; the id of a device in the catalogue or in this file")
    return catalogue


def _refuse_duplicates(own: Iterable[tuple[CatalogueRow, Entry]]) -> None:
    seen: dict[tuple[type, str], CatalogueRow] = {}
    for row, entry in own:
        if isinstance(entry, Price):
            continue
        first = seen.setdefault((type(entry), entry.id), row)
        if first is not row:
            raise row.error("id", f"found {entry.id!r} a second time; the first is in line {first.line}")
