"""Taking a run up: entering a new one, or taking one over from a driver that is gone."""

import json
import re
import unicodedata
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Row, and_, func, select, update
from sqlalchemy.exc import IntegrityError

from nassim.errors import NassimError
from nassim.ledger import unwritten
from nassim.ledger.credentials import without_credentials
from nassim.ledger.database import Database
from nassim.ledger.errors import RunNameTaken
from nassim.ledger.postings import Posting, insert
from nassim.ledger.records import one_of
from nassim.ledger.schema import entries, journal, leases, releases, runs, statuses
from nassim.ledger.writer import RUNNING, Standing

DRIVER_GONE = "driver gone"
"""Why a lease ended that a killed driver had left open."""
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")


def enter(
    database: Database, run: str, experiment: Mapping[str, Any], started_at: str, about: Mapping[str, Any]
) -> Standing:
    """Enter a new run; see `Ledger.create`."""
    check_name(run)
    row = {
        "name": run,
        "started_at": started_at,
        "experiment": json.dumps(without_credentials(experiment)),
        "about": json.dumps(without_credentials(about)),
        "session": 1,
        "posted": 1,
        "aside_session": 0,
    }
    try:
        with database.writing() as connection:
            run_id = connection.execute(runs.insert().returning(runs.c.id), row).scalar_one()
            insert(connection, [_running(run_id, 0)])
    except IntegrityError:
        raise RunNameTaken(
            f"the ledger {database} has a run {run!r} already. Give another name, or `nassim resume {run}` to go on"
        ) from None
    return Standing(run_id, run, started_at, session=1, posted=1)


def take_over(database: Database, run: str, folder: Path | None) -> Standing:
    """Take a run over; see `Ledger.resume`."""
    with database.reading() as connection:
        one_of(connection, run, str(database))
    with database.writing() as connection:
        row = connection.execute(select(runs).where(runs.c.name == run).with_for_update()).one()
        left = unwritten.load(folder, run) if folder else None
        missing = _missing(row, left) if left else ()
        insert(connection, missing)
        posted = row.posted + len(missing)
        ends = [*_ends_of_open_leases(connection, row.id, posted)]
        insert(connection, [*ends, _running(row.id, posted + len(ends))])
        values = {"session": row.session + 1, "posted": posted + len(ends) + 1}
        if left:
            values["aside_session"] = left.session
        connection.execute(update(runs).where(runs.c.id == row.id).values(values))
        standing = _standing(connection, run)
    if left and folder:
        unwritten.remove(folder, run)
    return standing


def run_stem(name: str) -> str:
    """Return what runs of an experiment are named after: its name in characters that the name of a run may have."""
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode()
    return re.sub(r"[^A-Za-z0-9._-]+", "-", plain).strip("._-")[:80] or "run"


def check_name(run: str) -> None:
    """Check a run's name, which is typed on command lines.

    Raises:
        NassimError: It has characters that a name may not have.
    """
    if not _NAME.fullmatch(run):
        raise NassimError(
            f"a run can't be named {run!r}. Allowed: up to 100 letters, digits, '.', '_' and '-', "
            "a letter or a digit first"
        )


def _running(run_id: int, seq: int) -> Posting:
    return Posting(statuses.name, {"run_id": run_id, "seq": seq, "status": RUNNING})


def _missing(row: Row[Any], left: unwritten.Unwritten) -> tuple[Posting, ...]:
    """Return what of the saved postings has not arrived, each of which is then taken in once.

    Raises:
        NassimError: They are of another run, or the run went on without them.
    """
    if (left.run, left.run_id, left.started_at) != (row.name, row.id, row.started_at):
        raise NassimError(
            f"the unwritten postings beside run {row.name} are of another run of that name, started {left.started_at}; "
            f"this one was started {row.started_at}. Move their file away to resume without them"
        )
    if left.session == row.aside_session:
        return ()
    if left.session != row.session:
        raise NassimError(
            f"run {row.name} has gone on (session {row.session}) without the unwritten postings of its session "
            f"{left.session}, so they no longer fit. Move their file away to resume without them"
        )
    missing = tuple(posting for posting in left.postings if posting.row["seq"] >= row.posted)
    if missing and missing[0].row["seq"] != row.posted:
        raise NassimError(
            f"the unwritten postings beside run {row.name} begin at number {missing[0].row['seq']}, the ledger ends "
            f"at {row.posted}: those between are missing. Move their file away to resume without them"
        )
    return missing


def _ends_of_open_leases(connection: Connection, run_id: int, first: int) -> list[Posting]:
    """Return a release for each open lease, at the last second posted on it."""
    last_s = (
        select(entries.c.lease, func.max(entries.c.start_s + entries.c.seconds).label("last_s"))
        .where(entries.c.run_id == run_id)
        .group_by(entries.c.lease)
        .subquery()
    )
    query = (
        select(leases.c.seq, func.coalesce(last_s.c.last_s, leases.c.opened_s).label("closed_s"))
        .select_from(
            leases.outerjoin(last_s, last_s.c.lease == leases.c.seq).outerjoin(
                releases, and_(releases.c.run_id == leases.c.run_id, releases.c.lease == leases.c.seq)
            )
        )
        .where(leases.c.run_id == run_id, releases.c.seq.is_(None))
        .order_by(leases.c.seq)
    )
    return [
        Posting(
            releases.name,
            {"run_id": run_id, "seq": seq, "lease": lease, "closed_s": closed_s, "reason": DRIVER_GONE},
        )
        for seq, (lease, closed_s) in enumerate(connection.execute(query).all(), first)
    ]


def _standing(connection: Connection, run: str) -> Standing:
    row = connection.execute(select(runs).where(runs.c.name == run)).one()
    of_run = entries.c.run_id == row.id
    ends = (
        select(func.max(entries.c.start_s + entries.c.seconds)).where(of_run),
        select(func.max(leases.c.opened_s)).where(leases.c.run_id == row.id),
        select(func.max(releases.c.closed_s)).where(releases.c.run_id == row.id),
    )
    held = (
        select(leases.c.worker, func.max(leases.c.seq).label("seq"))
        .where(leases.c.run_id == row.id)
        .group_by(leases.c.worker)
    )
    closed = select(entries.c.search, entries.c.trial).where(of_run, entries.c.outcome.is_not(None))
    logs = select(journal.c.log).where(journal.c.run_id == row.id).order_by(journal.c.seq)
    return Standing(
        run_id=row.id,
        run=run,
        started_at=row.started_at,
        session=row.session,
        posted=row.posted,
        clock_s=max(connection.execute(end).scalar_one() or 0.0 for end in ends),
        leases={row.worker: row.seq for row in connection.execute(held)},
        closed_trials=frozenset((search, trial) for search, trial in connection.execute(closed)),
        logs=connection.execute(logs).scalars().all(),
    )
