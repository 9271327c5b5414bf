"""Lines: the entries of laps, of what they drew, and of corrections."""

from collections.abc import Iterator
from dataclasses import replace

from nassim.cost.work import Activity
from nassim.evaluation import Job, JobKind
from nassim.executors.base import Lap, Metered
from nassim.ledger.entry import Entry, Stage
from nassim.search.account import Accounts


def line_of_job(lap: Lap, job: Job) -> Entry:
    """Return the entry of a lap that was run for a job."""
    only = None if job.kind is JobKind.SUPERNET else job.candidates[0]
    work = lap.work
    return Entry(
        lap.worker,
        lap.start_s,
        lap.seconds,
        lap.activity,
        search=job.search,
        stage=Stage.FINAL if job.kind is JobKind.FINAL else Stage.SEARCH,
        job=job.id,
        trial=only.trial if only else None,
        architecture=only.architecture.id if only and len(job.candidates) == 1 else None,
        step=lap.step,
        attempt=job.attempt,
        forward_flop=work.forward_flop if work else 0,
        backward_flop=work.backward_flop if work else 0,
        samples=work.samples if work else 0,
        bytes=work.bytes if work else 0,
    )


def lines_without_job(lap: Lap, accounts: Accounts) -> Iterator[Entry]:
    """Yield the entries of a lap for no job: the start belongs to no search, idling to the searches of its time."""
    if lap.activity is Activity.STARTUP:
        yield Entry(lap.worker, lap.start_s, lap.seconds, lap.activity)
        return
    for share in accounts.shares(lap.start_s, lap.seconds):
        account = share.account
        yield Entry(lap.worker, share.start_s, share.seconds, lap.activity, account.search, account.stage)


def lines_of_energy(metered: Metered, accounts: Accounts) -> Iterator[Entry]:
    """Yield the entries of what a lap drew. Its seconds are posted already, so these have none."""
    lap, job = metered.lap, metered.lap.job
    if job is not None:
        line = line_of_job(replace(lap, work=None), job)
        yield replace(line, seconds=0.0, energy_j=metered.joules, metered_s=metered.seconds)
        return
    for line in lines_without_job(replace(lap, start_s=metered.start_s, seconds=metered.seconds), accounts):
        share_j = metered.joules * line.seconds / metered.seconds
        yield replace(line, seconds=0.0, energy_j=share_j, metered_s=line.seconds)


def negated(entry: Entry, reason: str | None) -> Entry:
    """Return what takes an entry's amounts off again."""
    return replace(
        entry,
        seconds=-entry.seconds,
        forward_flop=-entry.forward_flop,
        backward_flop=-entry.backward_flop,
        samples=-entry.samples,
        bytes=-entry.bytes,
        energy_j=None if entry.energy_j is None else -entry.energy_j,
        metered_s=None if entry.metered_s is None else -entry.metered_s,
        reason=reason,
    )
