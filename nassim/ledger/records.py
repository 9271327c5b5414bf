"""RunRecord: what the ledger knows of a run as a whole."""

import difflib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Connection, Row, func, select

from nassim.errors import NassimError
from nassim.ledger.schema import runs, statuses


@dataclass(frozen=True, slots=True)
class RunRecord:
    """A run as a whole.

    Attributes:
        id: Its number in the ledger.
        name: Its name, unique in the ledger.
        status: `running`, also where the driver was killed; or as it ended: `finished`, `interrupted`, `failed`,
            `stopped` (by a budget).
        started_at: When it was started, ISO 8601.
        sessions: How many drivers have held it: 1, and 1 more for each resume.
        experiment: The experiment, as the file says it.
        about: Versions, host, and how the run's folder is known.
    """

    id: int
    name: str
    status: str
    started_at: str
    sessions: int
    experiment: Mapping[str, Any] = field(repr=False)
    about: Mapping[str, Any] = field(repr=False)

    @property
    def space(self) -> str:
        """The search space, as the experiment names it."""
        return str(self.experiment["space"]["name"])

    @property
    def simulated(self) -> bool:
        """Whether its seconds passed on a simulated clock."""
        return bool(self.about.get("simulated", False))


def all_of(connection: Connection) -> list[RunRecord]:
    """Return the runs, in the order in which they were created."""
    latest = (
        select(statuses.c.run_id, func.max(statuses.c.seq).label("seq")).group_by(statuses.c.run_id).subquery("latest")
    )
    query = (
        select(runs, statuses.c.status)
        .join(latest, latest.c.run_id == runs.c.id)
        .join(statuses, (statuses.c.run_id == latest.c.run_id) & (statuses.c.seq == latest.c.seq))
        .order_by(runs.c.id)
    )
    return [_record(row) for row in connection.execute(query)]


def one_of(connection: Connection, name: str, where: str) -> RunRecord:
    """Return the run of that name.

    Raises:
        NassimError: There is none; the message lists names like it.
    """
    records = {record.name: record for record in all_of(connection)}
    if name in records:
        return records[name]
    raise _unknown(name, list(records), where)


def _unknown(name: str, names: list[str], where: str) -> NassimError:
    """Return the error for a run that isn't there, which lists the names most like it, or else the latest."""
    if not names:
        return NassimError(f"there is no run {name!r}: the ledger {where} has no runs yet. `nassim run` makes one")
    near = difflib.get_close_matches(name, names, n=3)
    hint = f"Did you mean {' or '.join(near)}?" if near else f"The latest runs: {', '.join(names[:-6:-1])}"
    return NassimError(f"there is no run {name!r} in the ledger {where}. {hint} `nassim runs` lists all")


def _record(row: Row[Any]) -> RunRecord:
    return RunRecord(
        id=row.id,
        name=row.name,
        status=row.status,
        started_at=row.started_at,
        sessions=row.session,
        experiment=json.loads(row.experiment),
        about=json.loads(row.about),
    )
