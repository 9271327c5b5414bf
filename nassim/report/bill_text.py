"""Draws what a run cost as text: every number with how it was got, and what is missing where it is unknown."""

from collections.abc import Iterator, Sequence

from rich.console import Group, RenderableType
from rich.markup import escape
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from nassim.hardware.figure import Figure, Kind
from nassim.report import units
from nassim.report.bill import Cost, RunCost, SearchCost

MARKS = {Kind.MEASURED: "", Kind.MODELLED: " ~", Kind.ASSUMED: " *"}
"""What stands behind a number."""
LABEL_WIDTH = 28
COLUMN_WIDTH = 11

REMEDY = (
    "`nassim report --region REGION --pue PUE --device DEVICE` prices the run by what is given; `nassim regions` and "
    "`nassim devices` list what there is, and `--catalogue FILE` adds to it."
)


def render_bill(cost: RunCost) -> RenderableType:
    """Return what a run cost, ready to be printed by rich; 80 columns wide."""
    return Group(Text("What it costs", style="bold"), _table(cost), *map(_line, _notes(cost)))


def _table(cost: RunCost) -> Table:
    table = Table(box=None, pad_edge=False, padding=(0, 1))
    table.add_column("", width=LABEL_WIDTH, overflow="fold")
    for title in ("device-h", "kWh", "USD", "gCO2e"):
        table.add_column(title, width=COLUMN_WIDTH, justify="right", overflow="fold")
    for search in cost.searches:
        table.add_row(f"  {escape(search.name)}")
        for label, cells in _rows(search):
            table.add_row(f"    {label}", *cells)
    table.add_row("  no single search", *_cells(cost.shared))
    table.add_row("  the whole run", *_cells(cost.total))
    return table


def _rows(search: SearchCost) -> Iterator[tuple[str, Sequence[str]]]:
    yield "search", _cells(search.search)
    yield "final training", _cells(search.final)
    if search.training is not None:
        yield "training it once", _cells(search.training)
        ratios = (search.kwh_ratio, search.usd_ratio, search.gco2e_ratio)
        yield "search over training", ["", *(units.times(ratio.value) for ratio in ratios)]


def _cells(cost: Cost) -> list[str]:
    return [_cell(figure) for figure in (cost.device_h, cost.bill.kwh, cost.bill.usd, cost.bill.gco2e)]


def _cell(figure: Figure) -> str:
    return units.UNKNOWN if figure.value is None else units.number(figure.value) + MARKS[figure.kind]


def _notes(cost: RunCost) -> Iterator[str]:
    yield "Without a mark: measured. ~ modelled. * assumed. The driver's machine is left out."
    joules = cost.total.bill.device_kwh
    if cost.total.bill.kwh.value is None and joules.value is not None:
        yield f"Energy at the devices, before the data centre's PUE: {units.number(joules.value)} kWh ({joules.kind})."
    yield from (f"Applied: {line}." for line in cost.basis)
    if cost.missing:
        yield f"Unknown for want of: {'; '.join(cost.missing)}."
        yield REMEDY


def _line(text: str) -> Padding:
    return Padding(Text(text), (0, 0, 0, 2))
