"""Postings: what a driver adds to the ledger, as numbered rows of its tables."""

import json
import math
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import fields
from operator import attrgetter
from typing import Any, NamedTuple

from sqlalchemy import Connection, Table

from nassim.cost.work import AMOUNTS
from nassim.errors import NassimError
from nassim.ledger.credentials import without_credentials
from nassim.ledger.entry import Entry, Lease, Worker
from nassim.ledger.schema import entries, findings, journal, leases, releases, statuses

LARGEST = 2**63 - 1
"""What a column holds. Sums may be larger, and are exact all the same."""

TABLES: dict[str, Table] = {table.name: table for table in (leases, releases, entries, findings, journal, statuses)}
_ENTRY_FIELDS = tuple(field.name for field in fields(Entry))
_entry_values = attrgetter(*_ENTRY_FIELDS)
_WORKER_FIELDS = tuple(field.name for field in fields(Worker) if field.name != "id")


class Posting(NamedTuple):
    """A row to be inserted.

    Attributes:
        table: Name of its table.
        row: Column values, `run_id` and `seq` among them.
    """

    table: str
    row: dict[str, Any]


def entry_row(entry: Entry) -> dict[str, Any]:
    """Return an entry's columns.

    Raises:
        NassimError: An amount is larger than a single entry can hold.
        ValueError: A time is not finite, an amount is no int, or a trial belongs to no search.
    """
    if not (math.isfinite(entry.seconds) and math.isfinite(entry.start_s)):
        raise ValueError(f"an entry's times are finite, found start_s {entry.start_s}, seconds {entry.seconds}")
    if entry.trial is not None and entry.search is None:
        raise ValueError(f"an entry of a trial names its search, found trial {entry.trial} without one")
    row = dict(zip(_ENTRY_FIELDS, _entry_values(entry), strict=True))
    for name in AMOUNTS:
        _check_amount(name, row[name])
    row["uncounted"] = " ".join(entry.uncounted) or None
    row["value"] = entry.value if entry.value is not None and math.isfinite(entry.value) else None
    row["metrics"] = _metrics_text(entry.metrics)
    row["activity"] = entry.activity.value
    row["stage"] = entry.stage.value
    row["outcome"] = entry.outcome.value if entry.outcome else None
    row["reason"] = storable(entry.reason)
    return row


def _metrics_text(metrics: Mapping[str, float]) -> str | None:
    finite = {name: value if math.isfinite(value) else None for name, value in metrics.items()}
    return json.dumps(finite, separators=(",", ":")) if finite else None


def _check_amount(name: str, amount: int) -> None:
    if not isinstance(amount, int):
        raise ValueError(f"an entry's {name} is a Python int, found {amount!r}")
    if abs(amount) > LARGEST:
        raise NassimError(
            f"a single entry holds {name} of at most {LARGEST} (2**63 - 1), found {amount}. "
            "Post the work in several entries (more steps)"
        )


def lease_row(lease: Lease) -> dict[str, Any]:
    """Return a lease's columns."""
    worker = lease.worker
    about = {name: getattr(worker, name) for name in _WORKER_FIELDS}
    return {"worker": worker.id, "opened_s": lease.opened_s, **about}


def storable(text: str | None) -> str | None:
    r"""Return a message as text that every database takes: no lone surrogates, no NUL, and no passwords."""
    if text is None:
        return None
    plain = text.encode("utf-8", "backslashreplace").decode().replace("\0", "\\0")
    return str(without_credentials(plain))


def insert(connection: Connection, postings: Iterable[Posting]) -> None:
    """Insert the postings, one statement a table."""
    rows: defaultdict[str, list[dict[str, Any]]] = defaultdict(list)
    for posting in postings:
        rows[posting.table].append(posting.row)
    for name, table in TABLES.items():
        if rows[name]:
            connection.execute(table.insert(), rows[name])
