"""Draws a report as text: for a terminal, and the same without colour for a log file."""

import re
from collections.abc import Iterator, Sequence

from rich.cells import cell_len, chop_cells
from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.table import Table as RichTable
from rich.text import Text

from nassim.report.facts import RunFacts
from nassim.report.sections import heading, sections
from nassim.report.tables import Items, Pieces, Row, Section, Table

NARROWEST = 80
"""Columns that a report needs at least."""
LABEL_WIDTH = 34
COLUMN_WIDTH = 16
"""What a search takes beside others; its name is folded to this."""
INDENT = 2
LEAST_LABEL = 12
"""Columns that the labels of a crowded table keep."""
MARKED = r"[^|+,;\s]+[|+,;\s]*|[|+,;\s]+"
"""Parts of an architecture's words that are not broken if they fit a line: a word with the marks after it."""


def render(facts: RunFacts, width: int = NARROWEST) -> RenderableType:
    """Return a report, ready to be printed by rich.

    Args:
        facts: What it says.
        width: Columns there are; searches that don't fit side by side follow below.
    """
    width = max(width, NARROWEST)
    first, *rest = heading(facts)
    abreast = max(1, (width - LABEL_WIDTH) // (COLUMN_WIDTH + INDENT))
    drawn = (part for section in sections(facts, abreast) for part in _section(section, width))
    return Group(Text(first, style="bold"), *map(Text, rest), *drawn)


def _section(section: Section, width: int) -> Iterator[RenderableType]:
    yield Text(f"\n{section.title}", style="bold")
    for number, block in enumerate(section.blocks):
        match block:
            case Table():
                if number:
                    yield ""
                yield _table(block, width)
            case Pieces():
                yield _indented(block.name, 1)
                yield from (_indented(line, 2) for line in _filled(block.pieces, width - 2 * INDENT))
            case Items():
                yield _indented(block.name, 1)
                yield from (_indented(item, 2) for item in block.items)
            case _:
                yield _indented(block, 1)


def _indented(text: str, depth: int) -> Padding:
    return Padding(Text(text), (0, 0, 0, INDENT * depth))


def _filled(pieces: Sequence[str], width: int, between: str = " " * INDENT) -> Iterator[str]:
    """Yield lines of whole pieces. One that is longer than a line is broken after marks, or else where it must be."""
    line = ""
    for piece in pieces:
        if cell_len(line + between + piece) <= width:
            line = f"{line}{between}{piece}" if line else piece
            continue
        if line:
            yield line
        *full, line = chop_cells(piece, width) if not between else _filled(re.findall(MARKED, piece), width, "")
        yield from full
    yield line


def _table(table: Table, width: int) -> RichTable:
    """Draw a table. Where there is too little room labels are folded first, and figures last."""
    columns = [_column(table.rows, number) for number in range(len(table.columns))]
    widths = [
        max([min(cell_len(title), COLUMN_WIDTH), *map(cell_len, column)])
        for title, column in zip(table.columns, columns, strict=True)
    ]
    longest = max((INDENT * (1 + row.depth) + cell_len(row.label) for row in table.rows if row.cells), default=0)
    gap = INDENT if longest + sum(widths) + INDENT * len(widths) <= width else 1
    room, least = width - sum(widths) - gap * len(widths), min(longest, LEAST_LABEL)
    drawn = RichTable(box=None, pad_edge=False, padding=(0, 0, 0, gap))
    drawn.add_column("", width=max(min(longest, room), least), overflow="fold")
    for title, column_width in zip(table.columns, widths, strict=True):
        fitting = column_width if room >= least else None
        drawn.add_column(Text(title), width=fitting, justify="right", overflow="fold")
    for row, *cells in zip(table.rows, *columns, strict=True):
        # Filled up here, for rich takes the space off that keeps a place for a mark.
        filled = (Text(cell.rjust(each), justify="left") for cell, each in zip(cells, widths, strict=True))
        label = Text(row.label, style="" if row.cells else "bold", overflow="fold")
        drawn.add_row(Padding(label, (0, 0, 0, INDENT * (1 + row.depth))), *filled)
    return drawn


def _column(rows: Sequence[Row], number: int) -> list[str]:
    """Return the texts of a column, its numbers one below the other whether they are marked or not."""
    cells = [row.cells[number] if row.cells else None for row in rows]
    is_marked = any(cell and cell.mark for cell in cells)
    return ["" if cell is None else f"{cell.text} {cell.mark or ' '}" if is_marked else cell.text for cell in cells]
