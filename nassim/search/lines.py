"""Lines: the entries of laps, of what they drew, and of corrections."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from nassim.cost.work import AMOUNTS, Activity, Work
from nassim.evaluation import Candidate, Job, JobKind
from nassim.executors.base import Lap, Metered
from nassim.ledger.entry import Entry, Stage
from nassim.search.account import Accounts


def line_of_job(lap: Lap, job: Job) -> Entry:
    """Return the entry of a lap that was run for a job."""
    candidate = _candidate_of(lap, job)
    return Entry(
        lap.worker,
        lap.start_s,
        lap.seconds,
        lap.activity,
        search=job.search,
        stage=Stage.FINAL if job.kind is JobKind.FINAL else Stage.SEARCH,
        job=job.id,
        trial=candidate.trial if candidate else None,
        architecture=candidate.architecture.id if candidate else None,
        step=lap.step,
        attempt=job.attempt,
        value=lap.metrics.get(job.metric),
        metrics=lap.metrics,
        **_amounts(lap.work),
    )


def _amounts(work: Work | None) -> dict[str, Any]:
    return {} if work is None else {"uncounted": work.uncounted, **work.amounts}


def _candidate_of(lap: Lap, job: Job) -> Candidate | None:
    """Return the candidate that a lap was for; None where it was for several, or for shared weights."""
    if job.kind is JobKind.SUPERNET:
        return None
    if len(job.candidates) == 1:
        return job.candidates[0]
    return next(
        (candidate for candidate in job.candidates if lap.trial is not None and candidate.trial == lap.trial), None
    )


def lines_without_job(lap: Lap, accounts: Accounts) -> Iterator[Entry]:
    """Yield the entries of a lap for no job: the start belongs to no search, idling to the searches of its time."""
    if lap.activity is Activity.STARTUP:
        yield Entry(lap.worker, lap.start_s, lap.seconds, lap.activity, **_amounts(lap.work))
        return
    for share in accounts.shares(lap.start_s, lap.seconds):
        account = share.account
        yield Entry(lap.worker, share.start_s, share.seconds, lap.activity, account.search, account.stage)


def lines_of_energy(metered: Metered, accounts: Accounts) -> Iterator[Entry]:
    """Yield the entries of what a lap drew. Its seconds are posted already, so these have none."""
    lap, job = metered.lap, metered.lap.job
    if job is not None:
        line = line_of_job(replace(lap, work=None, metrics={}), job)
        yield replace(line, seconds=0.0, energy_j=metered.joules, metered_s=metered.seconds)
        return
    stretch = replace(lap, work=None, start_s=metered.start_s, seconds=metered.seconds)
    for line in lines_without_job(stretch, accounts):
        share_j = metered.joules * line.seconds / metered.seconds
        yield replace(line, seconds=0.0, energy_j=share_j, metered_s=line.seconds)


def negated(entry: Entry, reason: str | None) -> Entry:
    """Return what takes an entry's amounts off again."""
    return replace(
        entry,
        seconds=-entry.seconds,
        **{name: -getattr(entry, name) for name in AMOUNTS},
        energy_j=None if entry.energy_j is None else -entry.energy_j,
        metered_s=None if entry.metered_s is None else -entry.metered_s,
        reason=reason,
        value=None,
        metrics={},
    )


def moved(entry: Entry, to: Activity, reason: str | None) -> Entry:
    """Return what puts an entry's amounts on another activity. What was reported with it stays where it was."""
    return replace(entry, activity=to, reason=reason, value=None, metrics={})
