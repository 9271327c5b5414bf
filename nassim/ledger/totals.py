"""Totals: folds over a run's entries, done by the database, handed over as DataFrames."""

from collections.abc import Sequence
from typing import Any

import pandas as pd
from sqlalchemy import (
    ColumnElement,
    Connection,
    FromClause,
    Select,
    and_,
    case,
    func,
    literal_column,
    select,
)

from nassim.errors import NassimError
from nassim.ledger.schema import entries, leases

_closing = entries.alias("closing")
_OF_ENTRY: dict[str, ColumnElement[Any]] = {
    name: entries.c[name]
    for name in ("search", "stage", "activity", "worker", "job", "trial", "architecture", "attempt")
}
_OF_ENTRY["outcome"] = case(
    (entries.c.trial.is_(None), None), else_=func.coalesce(_closing.c.outcome, literal_column("'open'"))
)
_OF_LEASE: dict[str, ColumnElement[Any]] = {"node": leases.c.node, "device": leases.c.device}
DIMENSIONS = (*_OF_ENTRY, *_OF_LEASE)
"""What totals can be taken by."""

# The halves of a 64-bit amount are summed apart: a sum of amounts can exceed 64 bits (Patterson et al. 2021 put the
# Evolved Transformer's search at 2.9e21 FLOP), and SQLite has no larger integer. An arithmetic shift keeps negative
# corrections right: x == (x >> 32) * 2**32 + (x & 0xFFFFFFFF).
_HALF_BITS = 32
_LOW_HALF = 0xFFFFFFFF
_FLOP = ("forward_flop", "backward_flop")
TOTALS = (
    "seconds",
    "processor_seconds",
    "forward_flop",
    "backward_flop",
    "samples",
    "bytes",
    "energy_j",
    "metered_s",
    "entries",
)
"""The columns of totals, after those they are taken by."""
_INT_DTYPES = dict.fromkeys(("trial", "step", "lease"), "Int64")


def totals(connection: Connection, run_id: int, by: Sequence[str]) -> pd.DataFrame:
    """Return the sums over a run's entries, one row per combination of `by`; see `Ledger.totals`."""
    unknown = [name for name in by if name not in DIMENSIONS]
    if unknown:
        raise NassimError(f"totals can't be taken by {', '.join(unknown)}. Allowed: {', '.join(DIMENSIONS)}")
    by = tuple(dict.fromkeys(by))
    rows = connection.execute(_by_lease_added_up(run_id, by)).all()
    table = pd.DataFrame([[*row] for row in rows], columns=[*by, *_SUMS], dtype=object)
    for name in _FLOP:
        table[name] = _joined(table[f"{name}_high"], table[f"{name}_low"])
    table = table.astype({"seconds": float, "processor_seconds": float, "energy_j": float, "metered_s": float})
    table = table.astype({"samples": "int64", "bytes": "int64", "entries": "int64"})
    table = table.astype({name: dtype for name, dtype in _INT_DTYPES.items() if name in by})
    return table[[*by, *TOTALS]].sort_values(list(by), ignore_index=True) if by else table[list(TOTALS)]


def _sums() -> list[ColumnElement[Any]]:
    """Return the sums over entries, `processor_seconds` aside, which needs the leases."""
    halves = [
        part
        for name in _FLOP
        for part in (
            func.sum(entries.c[name].op(">>")(literal_column(str(_HALF_BITS)))).label(f"{name}_high"),
            func.sum(entries.c[name].op("&")(literal_column(str(_LOW_HALF)))).label(f"{name}_low"),
        )
    ]
    metered = case((entries.c.energy_j.is_not(None), entries.c.seconds), else_=0.0)
    return [
        func.sum(entries.c.seconds).label("seconds"),
        *halves,
        func.sum(entries.c.samples).label("samples"),
        func.sum(entries.c.bytes).label("bytes"),
        func.sum(entries.c.energy_j).label("energy_j"),
        func.sum(metered).label("metered_s"),
        func.count().label("entries"),
    ]


_SUMS = ("processor_seconds", *(column.name for column in _sums()))


def _by_lease_added_up(run_id: int, by: Sequence[str]) -> Select[Any]:
    """Sum by lease first, in one sweep over the entries; then join the few groups with the leases."""
    keys = [_OF_ENTRY[name].label(name) for name in by if name in _OF_ENTRY]
    source: FromClause = entries
    if "outcome" in by:
        same_trial = and_(
            _closing.c.run_id == entries.c.run_id,
            _closing.c.search == entries.c.search,
            _closing.c.trial == entries.c.trial,
            _closing.c.outcome.is_not(None),
        )
        source = entries.outerjoin(_closing, same_trial)
    groups = [_OF_ENTRY[name] for name in by if name in _OF_ENTRY]
    swept = (
        select(*keys, entries.c.lease, *_sums())
        .select_from(source)
        .where(entries.c.run_id == run_id)
        .group_by(*groups, entries.c.lease)
        .subquery()
    )
    dimensions = [swept.c[name] if name in _OF_ENTRY else _OF_LEASE[name] for name in by]
    held = and_(leases.c.run_id == run_id, leases.c.seq == swept.c.lease)
    processor_seconds = func.sum(swept.c.seconds * func.coalesce(leases.c.processors, 0.0))
    added_up = select(*dimensions, processor_seconds, *(func.sum(swept.c[name]) for name in _SUMS[1:]))
    added_up = added_up.select_from(swept.outerjoin(leases, held))
    return added_up.group_by(*dimensions) if dimensions else added_up.having(func.count() > 0)


def _joined(high: "pd.Series[Any]", low: "pd.Series[Any]") -> "pd.Series[Any]":
    """Return exact sums, as Python ints, from the sums of their halves."""
    sums = [(int(h) << _HALF_BITS) + int(w) for h, w in zip(high, low, strict=True)]
    return pd.Series(sums, index=high.index, dtype=object)


def trials(connection: Connection, run_id: int) -> pd.DataFrame:
    """Return one row per trial; see `Ledger.trials`."""
    closes = entries.c.outcome.is_not(None)
    spans = (
        select(
            entries.c.search,
            entries.c.trial,
            func.max(entries.c.architecture).label("architecture"),
            func.coalesce(func.max(entries.c.outcome), literal_column("'open'")).label("outcome"),
            func.max(case((closes, entries.c.reason))).label("reason"),
            (func.max(entries.c.attempt) + 1).label("attempts"),
            func.min(entries.c.start_s).label("start_s"),
            func.max(entries.c.start_s + entries.c.seconds).label("end_s"),
        )
        .where(entries.c.run_id == run_id, entries.c.trial.is_not(None))
        .group_by(entries.c.search, entries.c.trial)
    )
    result = connection.execute(spans)
    keys = ["search", "trial"]
    table = pd.DataFrame([[*row] for row in result], columns=list(result.keys()), dtype=object)
    table = table.astype({"trial": "Int64", "attempts": "int64", "start_s": float, "end_s": float})
    return table.merge(totals(connection, run_id, keys), on=keys).sort_values(keys, ignore_index=True)
