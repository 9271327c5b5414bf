"""Recovery: what a killed driver left unfinished, read from the ledger alone."""

from collections.abc import Collection
from dataclasses import dataclass

import pandas as pd

from nassim.cost.work import Activity
from nassim.ledger.entry import Entry, Stage
from nassim.search.loop import Point

_AMOUNTS = ["seconds", "forward_flop", "backward_flop", "samples", "bytes"]
_KEYS = ["worker", "activity", "search", "stage", "job", "trial", "architecture", "step", "attempt"]


@dataclass(frozen=True, slots=True)
class Recovery:
    """What a later driver starts from.

    Attributes:
        points: Where each unfinished job goes on from, by its id.
        lost: The entries whose work went with the driver: done after the last checkpoint of an unfinished job.
    """

    points: dict[str, Point]
    lost: tuple[Entry, ...]


def recover(entries: pd.DataFrame, finished: Collection[str] = ()) -> Recovery:
    """Find the unfinished jobs among a run's entries.

    A job is finished when its trial has a closing line, when it trained a supernet up to its checkpoint, or when it is
    a final training whose search has a finding.

    Args:
        entries: The run's entries, in the order of their sequence numbers, as `Ledger.frame` returns them.
        finished: Names of the searches that have a finding.
    """
    closed = set(entries.loc[entries["outcome"].notna(), ["search", "trial"]].itertuples(index=False, name=None))
    points: dict[str, Point] = {}
    lost: list[Entry] = []
    for job, rows in entries[entries["job"].notna()].groupby("job", sort=False):
        first = rows.iloc[0]
        checkpoints = rows[rows["activity"] == Activity.CHECKPOINT]
        if (
            (first["search"], first["trial"]) in closed
            or (first["stage"] == Stage.FINAL and first["search"] in finished)
            or (first["activity"] == Activity.SUPERNET and not checkpoints.empty)
        ):
            continue
        attempt = int(rows["attempt"].max())
        step = 0 if checkpoints.empty else int(checkpoints["step"].max())
        points[str(job)] = Point(step, attempt + 1)
        unsettled = rows if checkpoints.empty else rows.loc[checkpoints.index[-1] :].iloc[1:]
        lost.extend(_net(unsettled))
    return Recovery(points, tuple(lost))


def _net(rows: pd.DataFrame) -> list[Entry]:
    """Return what the rows add up to, after the corrections among them, one entry per worker, activity and step."""
    rows = rows[~rows["activity"].isin([Activity.LOST, Activity.PREEMPTED, Activity.CHECKPOINT])]
    sums = rows.groupby(_KEYS, dropna=False, sort=False).agg({"start_s": "max"} | dict.fromkeys(_AMOUNTS, "sum"))
    sums = sums[(sums["seconds"].abs() > 1e-9) | (sums["samples"] != 0)].reset_index()
    return [
        Entry(
            worker=row["worker"],
            start_s=float(row["start_s"]),
            seconds=float(row["seconds"]),
            activity=Activity(row["activity"]),
            search=row["search"],
            stage=Stage(row["stage"]),
            job=row["job"],
            trial=None if pd.isna(row["trial"]) else int(row["trial"]),
            architecture=None if pd.isna(row["architecture"]) else row["architecture"],
            step=None if pd.isna(row["step"]) else int(row["step"]),
            attempt=int(row["attempt"]),
            forward_flop=int(row["forward_flop"]),
            backward_flop=int(row["backward_flop"]),
            samples=int(row["samples"]),
            bytes=int(row["bytes"]),
        )
        for row in sums.to_dict("records")
    ]
