"""Folds rows of the ledger's totals into what a part of a run took."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from nassim.cost.work import WAITING, Activity
from nassim.hardware.figure import Bound, Figure, Kind, total
from nassim.hardware.tariff import Held, Tariff
from nassim.ledger.entry import DRIVER
from nassim.report.amounts import ActivityCost, Amounts, Compute, Part

BY = ("search", "stage", "activity", "worker", "device")
"""What the totals are taken by."""
COUNTED_AS_TORCH = ("0.1.0",)
"""The versions of nassim that counted as torch's FlopCounterMode does, and no element-wise work."""

Row = dict[str, Any]


def rows_of(table: pd.DataFrame) -> list[Row]:
    """Return a table's rows as dicts, with None where a value is missing."""
    names = list(table.columns)
    return [
        {name: None if pd.isna(value) else value for name, value in zip(names, values, strict=True)}
        for values in table.itertuples(index=False, name=None)
    ]


@dataclass(frozen=True, slots=True)
class Folding:
    """What rows are folded by.

    Attributes:
        peaks: Peak rate of a processor, by worker.
        tariff: What the workers' seconds cost.
        torch_version: The nassim that began the run, if it is one that counted as torch does.
    """

    peaks: Mapping[str, Figure]
    tariff: Tariff
    torch_version: str | None = None

    def part(self, rows: Iterable[Row], uncounted: Iterable[str] = ()) -> Part:
        """Return what some rows come to.

        Args:
            rows: Rows of the totals, by BY.
            uncounted: The operations without a formula that were performed in them.
        """
        rows = list(rows)
        workers = [row for row in rows if row["worker"] != DRIVER]
        driver = [row for row in rows if row["worker"] == DRIVER]
        compute = self._compute(rows, tuple(sorted(set(uncounted))))
        busy = [row for row in workers if row["activity"] not in WAITING]
        return Part(
            busy=self._amounts(busy, flop_figure(busy, bool(compute.uncounted))),
            leased=self._amounts(workers, total(self._burden(row) for row in workers)),
            compute=compute,
            activities=tuple(_activities(rows, bool(compute.uncounted))),
            driver_s=sum((row["seconds"] for row in driver), 0.0),
            driver_busy_s=sum((row["seconds"] for row in driver if row["activity"] != Activity.IDLE), 0.0),
        )

    def elementwise(self, flop: int, elementwise_flop: int, elementwise_bytes: int) -> tuple[Figure, Figure]:
        """Return operations and bytes of element-wise work; unknown where an earlier nassim did not count them."""
        if self.torch_version and is_torch_count(flop, elementwise_flop, elementwise_bytes):
            unknown = Figure.unknown(f"element-wise work, which nassim {self.torch_version} did not count")
            return unknown, unknown
        return Figure(elementwise_flop), Figure(elementwise_bytes)

    def _compute(self, rows: Sequence[Row], uncounted: tuple[str, ...]) -> Compute:
        pairs = [
            self.elementwise(flop_of(row), row["elementwise_flop"], row["elementwise_bytes"])
            for row in rows
            if row["worker"] != DRIVER
        ]
        return Compute(
            forward_flop=flop_figure(rows, bool(uncounted), ("forward_flop",)),
            backward_flop=flop_figure(rows, bool(uncounted), ("backward_flop",)),
            flop=flop_figure(rows, bool(uncounted)),
            modelled_flop=sum(row["modelled_flop"] for row in rows),
            torch_flop=sum(row["torch_flop"] for row in rows),
            elementwise_flop=total(operations for operations, _ in pairs),
            elementwise_bytes=total(moved for _, moved in pairs),
            uncounted=uncounted,
        )

    def _burden(self, row: Row) -> Figure:
        processor_s: float = row["processor_seconds"]
        return self.peaks[row["worker"]] * processor_s

    def _amounts(self, rows: Sequence[Row], flop: Figure) -> Amounts:
        bill = self.tariff.cost(
            Held(
                row["device"],
                row["seconds"],
                row["processor_seconds"],
                Activity(row["activity"]),
                energy_j=row["energy_j"] or 0.0,
                metered_s=row["metered_s"],
            )
            for row in rows
        )
        seconds = Figure(sum((row["seconds"] for row in rows), 0.0))
        return Amounts(
            flop=flop,
            device_s=seconds,
            device_kwh=bill.device_kwh,
            kwh=bill.kwh,
            usd=bill.usd,
            gco2e=bill.gco2e,
        )


def flop_of(row: Row) -> int:
    """Return a row's FLOP, forward and backward."""
    flop: int = row["forward_flop"] + row["backward_flop"]
    return flop


def flop_figure(
    rows: Sequence[Row], is_least: bool, names: Sequence[str] = ("forward_flop", "backward_flop")
) -> Figure:
    """Return the FLOP of some rows, modelled where a part of them is estimated.

    Args:
        rows: The rows.
        is_least: Whether operations without a formula were performed in them too.
        names: Which FLOP.
    """
    kind = Kind.MODELLED if any(row["modelled_flop"] for row in rows) else Kind.MEASURED
    value = sum(row[name] for row in rows for name in names)
    return Figure(value, kind, bound=Bound.AT_LEAST if is_least else Bound.EXACT)


def is_torch_count(flop: int, elementwise_flop: int, elementwise_bytes: int) -> bool:
    """Whether work has FLOP and nothing element-wise, as an earlier nassim counted."""
    return bool(flop) and not elementwise_flop and not elementwise_bytes


def _activities(rows: Sequence[Row], is_least: bool) -> Iterable[ActivityCost]:
    for activity in Activity:
        own = [row for row in rows if row["activity"] == activity]
        if own:
            yield ActivityCost(
                activity=activity,
                device_s=sum((row["seconds"] for row in own if row["worker"] != DRIVER), 0.0),
                driver_s=sum((row["seconds"] for row in own if row["worker"] == DRIVER), 0.0),
                flop=flop_figure(own, is_least and any(row["samples"] for row in own)),
            )
