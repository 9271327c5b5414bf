"""Entries and leases that the ledger's tests post."""

from nassim.cost.work import Activity
from nassim.ledger.entry import Entry, Lease, Outcome, Worker
from nassim.ledger.store import Ledger
from nassim.ledger.writer import Writer

STARTED_AT = "2026-01-02T03:04:05+00:00"


def new_run(ledger: Ledger, run: str = "run") -> Writer:
    return ledger.create(run, {"space": "cell"}, STARTED_AT, {"nassim": "0.1.0"})


def lease(worker: str = "w0", opened_s: float = 0.0, processors: float = 2) -> Lease:
    return Lease(Worker(worker, "node", "cpu: test", processors), opened_s)


def lap(start_s: float, seconds: float = 1.0, *, worker: str = "w0", trial: int | None = 0, **fields: object) -> Entry:
    given = {"activity": Activity.TRAIN, "search": "tpe", "trial": trial, "forward_flop": 10, "backward_flop": 20}
    return Entry(worker, start_s, seconds, **given | fields)


def closing(trial: int, outcome: Outcome = Outcome.COMPLETE, search: str = "tpe", **fields: object) -> Entry:
    return Entry("driver", 0.0, 0.0, Activity.SAMPLER, search=search, trial=trial, outcome=outcome, **fields)
