"""Balance: do the posted seconds add up to the leased seconds?"""

import pandas as pd
from sqlalchemy import Connection, func, select

from nassim.ledger import frames
from nassim.ledger.schema import entries


def balance(connection: Connection, run_id: int) -> pd.DataFrame:
    """Return leased and posted seconds of each worker; see `Ledger.balance`.

    The one side is read from leases and releases alone, the other from entries alone.
    """
    posted = _posted(connection, run_id)
    held = frames.of_leases(connection, run_id)
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
