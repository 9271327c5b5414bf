"""The ledger's tables.

Everything that a run posts (entries, leases and their releases, findings, Optuna's journal, the run's status) is a row
that is inserted and stays. All of a run's rows are numbered by one counter, `seq`, whatever their table, and `posted`
in the run's row says how many have arrived. That one number makes a commit repeatable: whoever commits again after a
lost answer sees what had arrived and goes on behind it.
"""

from typing import Any

from sqlalchemy import BigInteger, Column, Double, Index, Integer, MetaData, String, Table, Text

from nassim.cost.work import AMOUNTS

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
