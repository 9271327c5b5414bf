"""Migrating: brings a ledger that an earlier nassim wrote to this one's schema, a version at a time."""

import json
from collections.abc import Callable, Mapping

from alembic.migration import MigrationContext
from alembic.operations import Operations
from sqlalchemy import BigInteger, Column, Connection, Double, Text, case, text, update

from nassim.ledger.schema import SCHEMA_VERSION, entries, schema


def migrate(connection: Connection) -> tuple[int, int]:
    """Bring the ledger to the present schema, within the connection's transaction.

    Returns:
        The version it had, and the one that it has.
    """
    found: int = connection.execute(schema.select()).scalar_one()
    operations = Operations(MigrationContext.configure(connection))
    for version in range(found, SCHEMA_VERSION):
        _STEPS[version](connection, operations)
    connection.execute(update(schema).values(version=SCHEMA_VERSION))
    return found, SCHEMA_VERSION


def _from_2(connection: Connection, operations: Operations) -> None:
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


def _from_3(connection: Connection, operations: Operations) -> None:
    """In schema 3 each round of shared weights was a job of its own; now they are the steps of one."""
    jobs = text("SELECT DISTINCT run_id, search, job FROM nassim_entries WHERE job LIKE '%/round/%'")
    for run_id, search, job in connection.execute(jobs).all():
        number = str(job).removeprefix(f"{search}/round/")
        if number.isdigit():
            of_job = entries.c.run_id == run_id, entries.c.job == job
            step = case((entries.c.step.is_(None), None), else_=int(number) + 1)
            connection.execute(update(entries).where(*of_job).values(job=f"{search}/shared", stage="shared", step=step))


_STEPS: Mapping[int, Callable[[Connection, Operations], None]] = {2: _from_2, 3: _from_3}
"""What brings a ledger of each version to the next."""
