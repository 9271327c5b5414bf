"""The catalogue's files as rows of text that know their place, for errors that name it."""

import csv
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import TypeVar

import yaml

from nassim.errors import NassimError

TABLES = ("devices", "prices", "grids", "pue")

Choice = TypeVar("Choice", bound=StrEnum)


@dataclass(frozen=True, slots=True)
class CatalogueRow:
    """One line of a file: its cells as text, and where it is.

    Attributes:
        file: The file's name.
        line: Its line, from 1.
        cells: Text by column.
    """

    file: str
    line: int
    cells: Mapping[str, str]

    def error(self, field: str, problem: str) -> NassimError:
        """Return the error that names this place."""
        return NassimError(f"{self.file}, line {self.line}, {field}: {problem}")

    def text(self, field: str) -> str:
        """Return a cell's text; empty where there is none."""
        return self.cells.get(field, "").strip()

    def names(self, field: str) -> tuple[str, ...]:
        """Return what a cell lists, separated by semicolons."""
        return tuple(name.strip() for name in self.text(field).split(";") if name.strip())

    def number(self, field: str, least: float = 0.0) -> float | None:
        """Return a cell's number; None where it is empty."""
        text = self.text(field)
        if not text:
            return None
        try:
            value = float(text)
        except ValueError:
            value = math.nan
        if not (math.isfinite(value) and value >= least):
            raise self.error(field, f"found {text!r}; a number of at least {least:g}, or nothing where it is unknown")
        return value

    def positive(self, field: str, default: float) -> float:
        """Return a cell's number above 0, or the default where it is empty."""
        value = self.number(field)
        if value == 0:
            raise self.error(field, "found '0'; a number above 0")
        return default if value is None else value

    def whole(self, field: str) -> int | None:
        """Return a cell's whole number; None where it is empty."""
        value = self.number(field)
        if value is not None and value != int(value):
            raise self.error(field, f"found {self.text(field)!r}; a whole number")
        return None if value is None else int(value)

    def choice(self, field: str, options: type[Choice], default: Choice | None = None) -> Choice:
        """Return which of some options a cell names."""
        text = self.text(field).lower()
        if not text and default is not None:
            return default
        if text not in {option.value for option in options}:
            allowed = ", ".join(option.value for option in options)
            raise self.error(field, f"found {text!r}; one of {allowed}")
        return options(text)


def read_rows(path: Path) -> Iterator[tuple[str, CatalogueRow]]:
    """Yield each row of a file with the table it belongs to.

    A CSV file holds the table that its name says (devices.csv, prices.csv, grids.csv, pue.csv), a YAML file any of
    them, by name, as lists of mappings.

    Raises:
        NassimError: The file can't be read, or is neither.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise NassimError(f"the catalogue {path} can't be read: {error}") from error
    if path.suffix in (".yaml", ".yml"):
        yield from _yaml_rows(path.name, text)
    elif path.suffix == ".csv" and path.stem in TABLES:
        yield from ((path.stem, row) for row in _csv_rows(path.name, text))
    else:
        allowed = ", ".join(f"{table}.csv" for table in TABLES)
        raise NassimError(f"the catalogue {path} is of no known sort; a YAML file (.yaml), or one named {allowed}")


def _csv_rows(file: str, text: str) -> Iterator[CatalogueRow]:
    reader = csv.DictReader(text.splitlines(), strict=True)
    try:
        for cells in reader:
            row = CatalogueRow(file, reader.line_num, {column: cell or "" for column, cell in cells.items() if column})
            if None in cells:
                raise NassimError(f"{file}, line {row.line}: more cells than the header has columns")
            yield row
    except csv.Error as error:
        raise NassimError(f"{file}, line {reader.line_num}: {error}") from error


def _yaml_rows(file: str, text: str) -> Iterator[tuple[str, CatalogueRow]]:
    try:
        root = yaml.compose(text, Loader=yaml.SafeLoader)
    except yaml.YAMLError as error:
        raise NassimError(f"{file} is not YAML: {error}") from error
    if not isinstance(root, yaml.MappingNode):
        raise NassimError(f"{file}: a mapping with any of {', '.join(TABLES)}")
    for key, entries in root.value:
        line = key.start_mark.line + 1
        if key.value not in TABLES:
            raise NassimError(f"{file}, line {line}: found {key.value!r}; any of {', '.join(TABLES)}")
        if not isinstance(entries, yaml.SequenceNode):
            raise NassimError(f"{file}, line {line}, {key.value}: a list of mappings, each begun by '-'")
        for node in entries.value:
            yield key.value, _yaml_row(file, node)


def _yaml_row(file: str, node: yaml.Node) -> CatalogueRow:
    line = node.start_mark.line + 1
    if not isinstance(node, yaml.MappingNode):
        raise NassimError(f"{file}, line {line}: a mapping of fields to values")
    cells: dict[str, str] = {}
    for key, value in node.value:
        if isinstance(value, yaml.ScalarNode):
            cells[key.value] = "" if value.tag.endswith(":null") else value.value
        elif isinstance(value, yaml.SequenceNode):
            cells[key.value] = "; ".join(str(item.value) for item in value.value)
        else:
            raise NassimError(f"{file}, line {key.start_mark.line + 1}, {key.value}: a text, a number or a list")
    return CatalogueRow(file, line, cells)
