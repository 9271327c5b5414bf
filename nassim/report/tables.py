"""Tables: what a report shows, as texts in rows and columns, for whatever draws it. Nothing that draws decides."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from nassim import units
from nassim.hardware.figure import Bound, Figure, Kind

MARKS = {Kind.MEASURED: "", Kind.MODELLED: "~", Kind.ASSUMED: "*", Kind.UNKNOWN: ""}
"""What stands after a number, by how it was got."""
BOUNDS = {Bound.EXACT: "", Bound.AT_LEAST: ">= ", Bound.AT_MOST: "<= ", Bound.OPEN: "? "}
"""What stands before a number, by where the truth may lie."""
LEGEND = (
    "No mark: measured or counted; ~ modelled; * assumed; >= at least, <= at most, ? either, for operations without a "
    "formula were performed too."
)

NONE = "none"
"""Stands where there is nothing to measure: what a training took that has not begun, and what it found."""


@dataclass(frozen=True, slots=True)
class Cell:
    """A number or a word as it is shown.

    Attributes:
        text: It, with its unit.
        mark: How it was got; empty for what was measured, and for words.
    """

    text: str
    mark: str = ""

    def __str__(self) -> str:
        return f"{self.text} {self.mark}".rstrip()


@dataclass(frozen=True, slots=True)
class Row:
    """A row of a table.

    Attributes:
        label: What it is of.
        cells: One for each column; none for a heading.
        depth: How far it is indented: it is a part of what stands above it less deep.
    """

    label: str
    cells: tuple[Cell, ...] = ()
    depth: int = 1


@dataclass(frozen=True, slots=True)
class Table:
    """Rows under the titles of their columns; the labels' column has no title."""

    columns: tuple[str, ...]
    rows: tuple[Row, ...]


@dataclass(frozen=True, slots=True)
class Pieces:
    """Something told in pieces, side by side, none of which is broken where it can be helped."""

    name: str
    pieces: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Items:
    """A list, each of its items on lines of its own."""

    name: str
    items: tuple[str, ...]


Block = Table | Pieces | Items | str
"""What a section is made of; text is a paragraph."""


@dataclass(frozen=True, slots=True)
class Section:
    """A part of a report: a title, and blocks in their order."""

    title: str
    blocks: tuple[Block, ...]


def words(values: Sequence[str | None]) -> tuple[Cell, ...]:
    """Return words as cells."""
    return tuple(Cell(units.UNKNOWN if value is None else value) for value in values)


def figure(value: Figure, show: Callable[[float | None], str]) -> Cell:
    """Return a figure as a cell, marked."""
    return _marked(value, show(value.value))


def amounts(values: Sequence[Figure], unit: str) -> tuple[Cell, ...]:
    """Return amounts that are to be compared as cells, marked, all with the prefix that suits the largest."""
    texts = units.amounts([value.value for value in values], unit)
    return tuple(_marked(value, text) for value, text in zip(values, texts, strict=True))


def _marked(value: Figure, text: str) -> Cell:
    return Cell(f"{BOUNDS[value.bound]}{text}", MARKS[value.kind])
