"""Frames: a run's rows as DataFrames."""

from typing import Any

import pandas as pd
from sqlalchemy import Connection, Select, and_, select

from nassim.ledger.schema import entries, leases, releases

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


def of_entries(connection: Connection, run_id: int) -> pd.DataFrame:
    """Return the entries of a run, in the order of their numbers."""
    columns = [column for column in entries.c if column is not entries.c.run_id]
    return _frame(connection, select(*columns).where(entries.c.run_id == run_id).order_by(entries.c.seq))


def of_leases(connection: Connection, run_id: int) -> pd.DataFrame:
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
