"""The ledger's tables, and how those of an earlier nassim are brought to them.

Everything that a run posts (entries, leases and their releases, findings, Optuna's journal, the run's status) is a row
that is inserted and stays. All of a run's rows are numbered by one counter, `seq`, whatever their table, and `posted`
in the run's row says how many have arrived. That one number makes a commit repeatable: whoever commits again after a
lost answer sees what had arrived and goes on behind it.
"""

import json
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from sqlalchemy import (
    BigInteger,
    Column,
    Connection,
    Double,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    Text,
    case,
    text,
    update,
)

from nassim.cost.work import AMOUNTS

if TYPE_CHECKING:
    from alembic.operations import Operations

SCHEMA_VERSION = 4
OLDEST_VERSION = 2
"""The oldest that can be migrated: that of nassim 0.1.0."""

metadata = MetaData()

schema = Table("nassim_schema", metadata, Column("version", Integer, primary_key=True, autoincrement=False))

runs = Table(
    "nassim_runs",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("name", String(120), nullable=False, unique=True),
    Column("started_at", String(40), nullable=False),
    Column("experiment", Text, nullable=False),
    Column("about", Text, nullable=False),
    # The fencing token: counts the drivers that have held the run. Only the last of them may post.
    Column("session", Integer, nullable=False),
    Column("posted", BigInteger, nullable=False),
    # The session whose file of unwritten postings was taken in last.
    Column("aside_session", Integer, nullable=False),
)


def _numbered(name: str, *columns: Column[Any]) -> Table:
    return Table(
        name,
        metadata,
        Column("run_id", Integer, primary_key=True, autoincrement=False),
        Column("seq", BigInteger, primary_key=True, autoincrement=False),
        *columns,
        # Clustered by run and number, so that a run's rows are read in one sweep.
        sqlite_with_rowid=False,
    )


entries = _numbered(
    "nassim_entries",
    Column("worker", Text, nullable=False),
    # Number of the lease that the seconds are of: a worker may be leased again under the same name.
    Column("lease", BigInteger),
    Column("start_s", Double, nullable=False),
    Column("seconds", Double, nullable=False),
    Column("activity", String(20), nullable=False),
    Column("search", Text),
    Column("stage", String(20), nullable=False),
    Column("job", Text),
    Column("trial", Integer),
    Column("architecture", Text),
    Column("step", Integer),
    Column("attempt", Integer, nullable=False),
    *(Column(name, BigInteger, nullable=False, server_default="0") for name in AMOUNTS),
    # Names of operations without a formula, separated by spaces.
    Column("uncounted", Text),
    Column("energy_j", Double),
    Column("metered_s", Double),
    Column("value", Double),
    # JSON: name to number, null for one that isn't finite.
    Column("metrics", Text),
    Column("outcome", String(20)),
    Column("reason", Text),
)

# A trial has one closing line; totals by outcome find it here.
Index(
    "nassim_closing_lines",
    entries.c.run_id,
    entries.c.search,
    entries.c.trial,
    unique=True,
    sqlite_where=entries.c.outcome.is_not(None),
    postgresql_where=entries.c.outcome.is_not(None),
)

_SUMMED = ("seconds", *AMOUNTS, "energy_j", "metered_s")

# SQLite groups by sorting, unless an index has the rows in order: with this one, totals of a million entries take half
# the time. PostgreSQL groups by hashing and has no use for it.
Index(
    "nassim_sums",
    *(entries.c[name] for name in ("run_id", "search", "trial", "stage", "activity", "worker", "lease", *_SUMMED)),
).ddl_if(dialect="sqlite")

leases = _numbered(
    "nassim_leases",
    Column("worker", Text, nullable=False),
    Column("opened_s", Double, nullable=False),
    Column("node", Text, nullable=False),
    Column("device", Text, nullable=False),
    Column("processors", Double, nullable=False),
    Column("peak_flop_per_s", Double),
    Column("peak_source", String(20)),
)

releases = _numbered(
    "nassim_releases",
    Column("lease", BigInteger, nullable=False),
    Column("closed_s", Double, nullable=False),
    Column("reason", Text, nullable=False),
)

findings = _numbered("nassim_findings", Column("search", Text, nullable=False), Column("finding", Text, nullable=False))

journal = _numbered("nassim_journal", Column("log", Text, nullable=False))

statuses = _numbered("nassim_statuses", Column("status", String(20), nullable=False))


def migrate(connection: Connection) -> tuple[int, int]:
    """Bring the ledger to the present schema, within the connection's transaction.

    Returns:
        The version it had, and the one that it has.
    """
    from alembic.migration import MigrationContext
    from alembic.operations import Operations

    found: int = connection.execute(schema.select()).scalar_one()
    operations = Operations(MigrationContext.configure(connection))
    for version in range(found, SCHEMA_VERSION):
        _STEPS[version](connection, operations)
    connection.execute(update(schema).values(version=SCHEMA_VERSION))
    return found, SCHEMA_VERSION


def _from_2(connection: Connection, operations: "Operations") -> None:
    """Schema 2 counted as torch does: its FLOP stay, and are torch's FLOP too. Trials had their values in Optuna."""
    for name in ("modelled_flop", "torch_flop", "elementwise_flop", "elementwise_bytes"):
        operations.add_column(entries.name, Column(name, BigInteger, nullable=False, server_default="0"))
    for column in (Column("uncounted", Text), Column("value", Double), Column("metrics", Text)):
        operations.add_column(entries.name, column)
    connection.execute(text(f"UPDATE {entries.name} SET torch_flop = forward_flop + backward_flop"))
    if connection.dialect.name == "sqlite":
        sums = next(index for index in entries.indexes if index.name == "nassim_sums")
        operations.drop_index(str(sums.name), entries.name)
        sums.create(connection)
    rows = connection.execute(text("SELECT run_id, seq, finding FROM nassim_findings")).all()
    for row in rows:
        finding = json.loads(row.finding)
        finding.pop("overcounted_flop", None)
        finding |= {"torch_flop": finding["forward_flop"] + finding["backward_flop"], "uncounted": []}
        rewrite = text("UPDATE nassim_findings SET finding = :finding WHERE run_id = :run_id AND seq = :seq")
        connection.execute(rewrite, {"finding": json.dumps(finding), "run_id": row.run_id, "seq": row.seq})


def _from_3(connection: Connection, operations: "Operations") -> None:
    """In schema 3 each round of shared weights was a job of its own; now they are the steps of one."""
    jobs = text("SELECT DISTINCT run_id, search, job FROM nassim_entries WHERE job LIKE '%/round/%'")
    for run_id, search, job in connection.execute(jobs).all():
        number = str(job).removeprefix(f"{search}/round/")
        if number.isdigit():
            of_job = entries.c.run_id == run_id, entries.c.job == job
            step = case((entries.c.step.is_(None), None), else_=int(number) + 1)
            connection.execute(update(entries).where(*of_job).values(job=f"{search}/shared", stage="shared", step=step))


_STEPS: Mapping[int, Callable[[Connection, "Operations"], None]] = {2: _from_2, 3: _from_3}
"""What brings a ledger of each version to the next."""
