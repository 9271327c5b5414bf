"""Recovery: what earlier drivers have spent and what the last one left unfinished, read from the ledger alone."""

from collections import Counter
from collections.abc import Hashable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd

from nassim.cost.work import AMOUNTS, Activity
from nassim.ledger.entry import DRIVER, Entry, Outcome, Stage
from nassim.ledger.store import Ledger
from nassim.search.spending import Rates, Spending
from nassim.search.stretches import Past, Stretch

_SUMMED = ["seconds", *AMOUNTS]
_KEYS = [
    "stretch",
    "worker",
    "activity",
    "search",
    "stage",
    "job",
    "trial",
    "architecture",
    "step",
    "attempt",
    "uncounted",
]


@dataclass(frozen=True, slots=True)
class Recovery:
    """What a driver starts from; of a run that begins, nothing.

    Attributes:
        pasts: What each unfinished job has done and a checkpoint keeps, by its id.
        lost: The entries whose work went with the driver: done after the last checkpoint of an unfinished job.
        spending: What the run and its searches have spent.
        found: Names of the searches that have a finding.
        trained: Ids of the final trainings that are through, their finding posted.
        failed_by: How many trials of each search have failed.
    """

    pasts: Mapping[str, Past] = field(default_factory=dict)
    lost: tuple[Entry, ...] = ()
    spending: Spending = field(default_factory=Spending)
    found: frozenset[str] = frozenset()
    trained: frozenset[str] = frozenset()
    failed_by: Mapping[str, int] = field(default_factory=dict)


def recover(ledger: Ledger, run: str, rates: Rates | None = None) -> Recovery:
    """Read what a driver starts from that takes a run over.

    A job is finished when its trials have closing lines, or when it is a final training that has a finding; nothing of
    a search is open that has one. The training of shared weights stays open: searches that are still to come may use
    them, and what keeps them may be lost.

    Args:
        ledger: Where the run is.
        run: Its name.
        rates: What workers' seconds cost, for budgets that need it.
    """
    with ledger.understood():
        return _recovery(ledger, run, rates)


def _recovery(ledger: Ledger, run: str, rates: Rates | None) -> Recovery:
    findings = ledger.findings(run)
    found = frozenset(finding.search for finding in findings)
    trained = frozenset(finding.job for finding in findings)
    pasts: dict[str, Past] = {}
    entries = _open_jobs(ledger.frame(run), found, trained)
    entries["stretch"] = -1
    for job, rows in entries.groupby("job", sort=False):
        steps, numbers = _divide(rows)
        entries.loc[rows.index, "stretch"] = numbers
        pasts[str(job)] = Past(tuple(Stretch([], step) for step in steps), int(rows["attempt"].max()) + 1)
    lost: list[Entry] = []
    for number, entry in _net(entries[entries["stretch"] >= 0]):
        stretches = pasts[str(entry.job)].stretches
        (stretches[number].entries if number < len(stretches) else lost).append(entry)
    trials = ledger.trials(run)
    failed_by = Counter(trials.loc[trials["outcome"] == Outcome.FAILED, "search"])
    return Recovery(pasts, tuple(lost), _spending(ledger, run, rates, trials), found, trained, failed_by)


def _open_jobs(entries: pd.DataFrame, found: frozenset[str], trained: frozenset[str]) -> pd.DataFrame:
    """Return the entries of jobs that are of no closed trial, and of no search or final training that is through."""
    closed = entries.loc[entries["outcome"].notna(), ["search", "trial"]].assign(closed=True)
    over = entries["search"].isin(found) & entries["stage"].eq(Stage.SEARCH) | entries["job"].isin(trained)
    rows = entries[entries["job"].notna() & ~over]
    rows = rows.merge(closed, on=["search", "trial"], how="left")
    # A job's trials are closed together; what was done for several of them names none.
    return rows[~rows["closed"].notna().groupby(rows["job"]).transform("any")]


def _divide(rows: pd.DataFrame) -> tuple[list[int], np.ndarray[Any, Any]]:
    """Divide a job's lines where checkpoints were written that it has not been set back behind.

    Returns:
        The steps of the checkpoints; and the number of each line's stretch, -1 for lines that were written off when the
        job was set back.
    """
    is_energy = (rows["seconds"].eq(0) & rows["metered_s"].notna()).to_numpy()
    is_checkpoint = (rows["activity"].eq(Activity.CHECKPOINT) & rows["step"].notna()).to_numpy() & ~is_energy
    numbers = np.zeros(len(rows), int)
    steps: list[int] = []
    ends_s: list[float] = []
    for place, (worker, step, start_s) in enumerate(zip(rows["worker"], rows["step"], rows["start_s"], strict=True)):
        numbers[place] = len(steps)
        if is_checkpoint[place] and worker == DRIVER:
            standing = sum(kept <= step for kept in steps)
            numbers[: place + 1][numbers[: place + 1] >= standing] = -1
            del steps[standing:], ends_s[standing:]
        elif is_checkpoint[place]:
            steps.append(int(step))
            ends_s.append(float(start_s))
    # What a lap drew comes later than the lap: of which stretch it is, its time says and not its place.
    numbers[is_energy] = np.searchsorted(ends_s, rows["start_s"].to_numpy()[is_energy])
    return steps, numbers


def _net(rows: pd.DataFrame) -> Iterator[tuple[int, Entry]]:
    """Yield what the rows add up to, after the corrections among them.

    One entry per stretch, worker, activity and step, with the number of its stretch.
    """
    rows = rows[~rows["activity"].isin([Activity.LOST, Activity.PREEMPTED, Activity.CHECKPOINT])]
    groups = rows.groupby(_KEYS, dropna=False, sort=False)
    sums = groups[_SUMMED].sum()
    sums = sums.assign(start_s=groups["start_s"].max(), energy_j=groups["energy_j"].sum(min_count=1))
    sums = sums.assign(metered_s=groups["metered_s"].sum(min_count=1))
    sums = sums[(sums["seconds"].abs() > 1e-9) | (sums["samples"] != 0)].reset_index()
    for row in sums.to_dict("records"):
        yield (
            int(row["stretch"]),
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
                **_amounts(row),
                uncounted=() if pd.isna(row["uncounted"]) else tuple(row["uncounted"].split()),
                energy_j=None if pd.isna(row["energy_j"]) else float(row["energy_j"]),
                metered_s=None if pd.isna(row["metered_s"]) else float(row["metered_s"]),
            ),
        )


def _amounts(row: dict[Hashable, Any]) -> dict[str, Any]:
    return {name: int(row[name]) for name in AMOUNTS}


def _spending(ledger: Ledger, run: str, rates: Rates | None, trials: pd.DataFrame) -> Spending:
    spending = Spending(rates)
    for row in ledger.totals(run, by=("search", "stage", "activity", "worker", "device")).to_dict("records"):
        seconds, flop = float(row["seconds"]), int(row["forward_flop"] + row["backward_flop"])
        if seconds and row["worker"] != DRIVER:
            spending.know(row["worker"], row["device"], row["processor_seconds"] / seconds)
        spending.add(row["search"], row["stage"], row["worker"], Activity(row["activity"]), flop, seconds)
    for search, ended in trials.loc[~trials["outcome"].isin(["open", Outcome.INFEASIBLE])].groupby("search"):
        spending.add_trials(str(search), len(ended))
    return spending
