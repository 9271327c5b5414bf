"""Queries: what can be read of a run's rows, as DataFrames; totals are folds over them, done by the database."""

import json
from collections.abc import Sequence
from typing import Any

import pandas as pd
from sqlalchemy import (
    ColumnElement,
    Connection,
    Select,
    Subquery,
    and_,
    case,
    func,
    literal_column,
    select,
)

from nassim.cost.work import AMOUNTS
from nassim.errors import NassimError
from nassim.ledger.entry import Stage
from nassim.ledger.finding import Finding
from nassim.ledger.schema import entries, leases, releases

_OF_ENTRY = ("search", "stage", "activity", "worker", "job", "trial", "architecture", "attempt")
_OF_LEASE = ("node", "device")
DIMENSIONS = (*_OF_ENTRY, "outcome", *_OF_LEASE)
"""What totals can be taken by."""
_PRESUMMED_BY = ("search", "trial", "stage", "activity", "worker")
"""In the order of SQLite's index `nassim_sums`, where the lease comes next: its sums come without sorting."""

_closing = entries.alias("closing")

# The halves of a 64-bit amount are summed apart: a sum of amounts can exceed 64 bits (Patterson et al. 2021 put the
# Evolved Transformer's search at 2.9e21 FLOP), and SQLite has no larger integer. An arithmetic shift keeps negative
# corrections right: x == (x >> 32) * 2**32 + (x & 0xFFFFFFFF).
_HALF_BITS = 32
_LOW_HALF = 0xFFFFFFFF
_LARGE = tuple(name for name in AMOUNTS if name not in ("samples", "bytes"))
TOTALS = ("seconds", "processor_seconds", *AMOUNTS, "energy_j", "metered_s", "entries")
"""The columns of totals, after those they are taken by."""

_ROWS_AT_A_TIME = 50_000
_DTYPES = {
    "trial": "Int64",
    "step": "Int64",
    "lease": "Int64",
    "start_s": "float64",
    "seconds": "float64",
    "energy_j": "float64",
    "metered_s": "float64",
    "value": "float64",
    "opened_s": "float64",
    "closed_s": "float64",
    "peak_flop_per_s": "float64",
}


def all_entries(connection: Connection, run_id: int) -> pd.DataFrame:
    """Return the entries of a run; see `Ledger.frame`."""
    columns = [column for column in entries.c if column is not entries.c.run_id]
    return _frame(connection, select(*columns).where(entries.c.run_id == run_id).order_by(entries.c.seq))


def all_leases(connection: Connection, run_id: int) -> pd.DataFrame:
    """Return the leases of a run with their ends, in the order in which they were opened."""
    columns = [column for column in leases.c if column is not leases.c.run_id]
    ended = and_(releases.c.run_id == leases.c.run_id, releases.c.lease == leases.c.seq)
    query = select(*columns, releases.c.closed_s, releases.c.reason).select_from(leases.outerjoin(releases, ended))
    return _frame(connection, query.where(leases.c.run_id == run_id).order_by(leases.c.seq))


def _frame(connection: Connection, query: Select[Any]) -> pd.DataFrame:
    """Return the rows, converted a part at a time so that they are never all held as Python objects."""
    result = connection.execution_options(yield_per=_ROWS_AT_A_TIME).execute(query)
    names = list(result.keys())
    dtypes = {name: dtype for name, dtype in _DTYPES.items() if name in names}
    parts = [
        pd.DataFrame.from_records([tuple(row) for row in rows], columns=names).astype(dtypes)
        for rows in result.partitions()
    ]
    return pd.concat(parts, ignore_index=True) if parts else pd.DataFrame(columns=names).astype(dtypes)


def totals(connection: Connection, run_id: int, by: Sequence[str], stage: Stage | None = None) -> pd.DataFrame:
    """Return the sums over a run's entries, one row per combination of `by`; see `Ledger.totals`."""
    unknown = [name for name in by if name not in DIMENSIONS]
    if unknown:
        raise NassimError(f"totals can't be taken by {', '.join(unknown)}. Allowed: {', '.join(DIMENSIONS)}")
    by = tuple(dict.fromkeys(by))
    rows = connection.execute(_query(run_id, by, stage, presum=connection.dialect.name == "sqlite")).all()
    table = pd.DataFrame([[*row] for row in rows], columns=[*by, "processor_seconds", *_AMOUNTS], dtype=object)
    for name in _LARGE:
        table[name] = _joined(table[f"{name}_high"], table[f"{name}_low"])
    table = table.astype({"seconds": float, "processor_seconds": float, "energy_j": float, "metered_s": float})
    table = table.astype({"samples": "int64", "bytes": "int64", "entries": "int64"})
    table = table.astype({name: dtype for name, dtype in _DTYPES.items() if name in by})
    return table[[*by, *TOTALS]].sort_values(list(by), ignore_index=True) if by else table[list(TOTALS)]


def _halves(name: str) -> dict[str, ColumnElement[Any]]:
    amount = entries.c[name]
    return {
        f"{name}_high": amount.op(">>")(literal_column(str(_HALF_BITS))),
        f"{name}_low": amount.op("&")(literal_column(str(_LOW_HALF))),
    }


_AMOUNTS: dict[str, ColumnElement[Any]] = {
    "seconds": entries.c.seconds,
    **{half: amount for name in _LARGE for half, amount in _halves(name).items()},
    "samples": entries.c.samples,
    "bytes": entries.c.bytes,
    "energy_j": entries.c.energy_j,
    "metered_s": case(
        (entries.c.energy_j.is_not(None), func.coalesce(entries.c.metered_s, entries.c.seconds)),
        else_=literal_column("0.0"),
    ),
    "entries": literal_column("1"),
}
"""What an entry adds to each sum."""


def _query(run_id: int, by: Sequence[str], stage: Stage | None, presum: bool) -> Select[Any]:
    """Join lines with closing lines and leases, and sum them. The lines are entries, or sums over some of them."""
    keys = [entries.c[name] for name in dict.fromkeys((*_PRESUMMED_BY, *by)) if name in _OF_ENTRY]
    keys.append(entries.c.lease)
    amounts = [(func.sum(amount) if presum else amount).label(name) for name, amount in _AMOUNTS.items()]
    of_run = select(*keys, *amounts).where(entries.c.run_id == run_id)
    if stage is not None:
        of_run = of_run.where(entries.c.stage == stage)
    lines = (of_run.group_by(*keys) if presum else of_run).subquery("lines")
    source = lines.outerjoin(leases, and_(leases.c.run_id == run_id, leases.c.seq == lines.c.lease))
    if "outcome" in by:
        same_trial = and_(
            _closing.c.run_id == run_id,
            _closing.c.search == lines.c.search,
            _closing.c.trial == lines.c.trial,
            _closing.c.outcome.is_not(None),
        )
        source = source.outerjoin(_closing, same_trial)
    dimensions = [_dimension(name, lines) for name in by]
    processor_seconds = func.sum(lines.c.seconds * func.coalesce(leases.c.processors, 0.0))
    sums = select(*dimensions, processor_seconds, *(func.sum(lines.c[name]) for name in _AMOUNTS)).select_from(source)
    return sums.group_by(*dimensions) if dimensions else sums.having(func.count() > 0)


def _dimension(name: str, lines: Subquery) -> ColumnElement[Any]:
    if name in _OF_LEASE:
        return leases.c[name]
    if name == "outcome":
        outcome = func.coalesce(_closing.c.outcome, literal_column("'open'"))
        return case((lines.c.trial.is_(None), None), else_=outcome)
    return lines.c[name]


def _joined(high: "pd.Series[Any]", low: "pd.Series[Any]") -> "pd.Series[Any]":
    """Return exact sums, as Python ints, from the sums of their halves."""
    sums = [(int(h) << _HALF_BITS) + int(w) for h, w in zip(high, low, strict=True)]
    return pd.Series(sums, index=high.index, dtype=object)


def uncounted(connection: Connection, run_id: int) -> pd.DataFrame:
    """Return which operations without a formula were performed where; see `Ledger.uncounted`."""
    place = entries.c.search, entries.c.stage, entries.c.uncounted
    query = select(*place).where(entries.c.run_id == run_id, entries.c.uncounted.is_not(None)).distinct()
    rows = [(row.search, row.stage, name) for row in connection.execute(query) for name in row.uncounted.split()]
    table = pd.DataFrame(rows, columns=["search", "stage", "operation"], dtype=object).drop_duplicates()
    return table.sort_values(["search", "stage", "operation"], ignore_index=True)


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
            func.max(case((closes, entries.c.value))).label("value"),
            func.max(case((closes, entries.c.metrics))).label("metrics"),
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
    table = table.astype({"trial": "Int64", "attempts": "int64", "value": float, "start_s": float, "end_s": float})
    return table.merge(totals(connection, run_id, keys), on=keys).sort_values(keys, ignore_index=True)


def balance(connection: Connection, run_id: int) -> pd.DataFrame:
    """Return leased and posted seconds of each worker; see `Ledger.balance`.

    The one side is read from leases and releases alone, the other from entries alone.
    """
    posted = _posted(connection, run_id)
    held = all_leases(connection, run_id)
    # A lease that is open has lasted to the last second posted on its worker.
    last_s = held["worker"].map(posted["last_s"]).astype("float64").fillna(held["opened_s"])
    closed_s = held["closed_s"].fillna(last_s.clip(lower=held["opened_s"]))
    held = held.assign(leased_s=closed_s - held["opened_s"], closed=held["closed_s"].notna())
    leased = held.groupby("worker").agg({"leased_s": "sum", "closed": "all"})
    table = leased.join(posted[["posted_s"]], how="outer")
    table = table.assign(
        leased_s=table["leased_s"].fillna(0.0),
        posted_s=table["posted_s"].fillna(0.0),
        closed=table["closed"].isna() | table["closed"].eq(True),
    )
    table["difference_s"] = table["posted_s"] - table["leased_s"]
    table.index.name = "worker"
    return table.reset_index()[["worker", "leased_s", "posted_s", "difference_s", "closed"]]


def _posted(connection: Connection, run_id: int) -> pd.DataFrame:
    """Return posted seconds and the end of the last of them, by worker."""
    query = (
        select(
            entries.c.worker,
            func.sum(entries.c.seconds).label("posted_s"),
            func.max(entries.c.start_s + entries.c.seconds).label("last_s"),
        )
        .where(entries.c.run_id == run_id)
        .group_by(entries.c.worker)
    )
    rows = [tuple(row) for row in connection.execute(query)]
    table = pd.DataFrame.from_records(rows, columns=["worker", "posted_s", "last_s"]).set_index("worker")
    return table.astype("float64")


def fronts(findings: Sequence[Finding], trials: pd.DataFrame) -> pd.DataFrame:
    """Return one row for each trial on the front of its search; see `Ledger.front`.

    Args:
        findings: A run's.
        trials: Its trials, as `Ledger.trials` returns them.
    """
    first: dict[str, Finding] = {}
    for finding in findings:
        first.setdefault(finding.search, finding)
    picked = {(finding.search, finding.trial) for finding in findings}
    closing = {(row["search"], row["trial"]): row for row in trials.to_dict("records")}
    rows = []
    for search, finding in first.items():
        for number in finding.front:
            row = closing[search, number]
            values = json.loads(row["metrics"])
            about = {"search": search, "trial": number, "architecture": row["architecture"]}
            rows.append(about | {"found": (search, number) in picked} | values)
    names = dict.fromkeys(name for finding in first.values() for name in finding.objectives)
    table = pd.DataFrame(rows, columns=["search", "trial", "architecture", "found", *names])
    return table.astype({"trial": "Int64", "found": "bool", **dict.fromkeys(names, "float64")})
