"""What the ledger costs: durable entries per second, totals of a million of them, a trial's ask and tell.

Run from a checkout: `python experiments/benchmarks/ledger.py [--entries N]`. It starts a PostgreSQL server of its own
where that is installed, with the server's usual durability (fsync on). Takes a few minutes and prints one table.
"""

import argparse
import json
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import islice
from pathlib import Path

import optuna

from nassim.cost.work import Activity
from nassim.executors.clock import utc
from nassim.ledger.entry import Entry, Lease, Outcome, Worker
from nassim.ledger.store import Ledger
from nassim.ledger.writer import Writer

sys.path.insert(0, str(Path(__file__).parents[2] / "tests"))
from postgresql import PostgresqlServer, missing

STARTED_AT = "2026-01-01T00:00:00+00:00"
BATCH = 1_000
LAPS_A_TRIAL = 19
WORKERS = 8
ACTIVITIES = (Activity.TRAIN, Activity.VALIDATE, Activity.CHECKPOINT, Activity.IDLE)
OUTCOMES = (Outcome.COMPLETE, Outcome.PRUNED, Outcome.FAILED)
Row = tuple[str, str, str]


def postings() -> Iterator[Entry]:
    """Yield trials of 19 laps and a closing line, in two searches, on 8 workers."""
    trial = 0
    while True:
        search, worker = ("tpe", "enas")[trial % 2], f"w{trial % WORKERS}"
        for lap in range(LAPS_A_TRIAL):
            yield Entry(
                worker,
                float(trial * LAPS_A_TRIAL + lap),
                1.0,
                ACTIVITIES[lap % len(ACTIVITIES)],
                search=search,
                job=f"{search}/trial/{trial}",
                trial=trial,
                architecture="abcdef012345",
                step=lap,
                forward_flop=10**15 + lap,
                backward_flop=2 * 10**15,
                samples=1_000,
            )
        outcome = OUTCOMES[trial % len(OUTCOMES)]
        yield Entry("driver", 0.0, 0.0, Activity.SAMPLER, search=search, trial=trial, outcome=outcome)
        trial += 1


def new_writer(ledger: Ledger, run: str) -> Writer:
    """Enter a run with its workers' leases."""
    writer = ledger.create(run, {}, STARTED_AT)
    for worker in range(WORKERS):
        writer.lease(Lease(Worker(f"w{worker}", "node", "cpu", 2), 0.0))
    return writer


def append(writer: Writer, count: int, batch: int) -> float:
    """Append and commit `count` entries, `batch` a commit, and return entries per second."""
    entries = postings()
    since = time.perf_counter()
    for done in range(1, count + 1):
        writer.append(next(entries))
        if done % batch == 0:
            writer.commit()
    writer.commit()
    return count / (time.perf_counter() - since)


def append_bare(file: Path, count: int, batch: int, synchronous: str) -> float:
    """Return rows per second of sqlite3's executemany on a table like the ledger's, the limit of any ledger."""
    connection = sqlite3.connect(file, isolation_level=None)
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute(f"PRAGMA synchronous={synchronous}")
    columns = list(Entry.__slots__)
    connection.execute(f"CREATE TABLE t (seq INTEGER PRIMARY KEY, {', '.join(columns)})")
    insert = f"INSERT INTO t VALUES ({', '.join('?' * (len(columns) + 1))})"
    rows = [(seq, *(getattr(entry, name) for name in columns)) for seq, entry in enumerate(islice(postings(), count))]
    since = time.perf_counter()
    for first in range(0, count, batch):
        connection.execute("BEGIN IMMEDIATE")
        connection.executemany(insert, rows[first : first + batch])
        connection.execute("COMMIT")
    seconds = time.perf_counter() - since
    connection.close()
    return count / seconds


def seconds_of(action: Callable[[], object]) -> float:
    """Return how long an action takes, the best of three."""
    best = float("inf")
    for _ in range(3):
        since = time.perf_counter()
        action()
        best = min(best, time.perf_counter() - since)
    return best


def read(url: str, run: str) -> list[tuple[str, str]]:
    """Time what a report reads, and the memory that it takes; meant for a process of its own."""
    ledger = Ledger(url)
    before = peak_mib()
    timed = [
        ("open", seconds_of(lambda: Ledger.open(url).run(run))),
        ("totals by search, stage, activity, outcome", seconds_of(lambda: ledger.totals(run))),
        ("totals overall", seconds_of(lambda: ledger.totals(run, ()))),
        ("balance", seconds_of(lambda: ledger.balance(run))),
    ]
    rows = [(what, f"{seconds:,.3f} s") for what, seconds in timed]
    after = peak_mib()
    rows.append(("memory that the above took", f"{after - before:,.0f} MiB"))
    rows.append(("all of them as a DataFrame", f"{seconds_of(lambda: ledger.frame(run)):,.3f} s"))
    return [*rows, ("memory that the DataFrame took", f"{peak_mib() - after:,.0f} MiB")]


def peak_mib() -> float:
    """Return this process's peak of resident memory, from Linux's /proc."""
    status = dict(line.split(":", 1) for line in Path("/proc/self/status").read_text().splitlines())
    return float(status["VmHWM"].split()[0]) / 1024


def reading_rows(name: str, url: str, entries: int) -> list[Row]:
    """Fill a ledger and read it in a new process."""
    with Ledger(url) as ledger:
        rate = append(new_writer(ledger, "large"), entries, BATCH)
    rows = [(f"{entries:,} entries, batches of {BATCH:,}", name, f"{rate:,.0f}/s")]
    code = f"import json, runpy; print(json.dumps(runpy.run_path({__file__!r})['read']({url!r}, 'large')))"
    printed = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout
    rows += [(f"{entries:,} entries: {what}", name, figure) for what, figure in json.loads(printed)]
    return rows


def appending_rows(name: str, url: str) -> list[Row]:
    """Append in small commits."""
    with Ledger(url) as ledger:
        tens = append(new_writer(ledger, "tens"), 5_000, 10)
        singles = append(new_writer(ledger, "singles"), 1_000, 1)
    return [
        ("entries, 10 a commit", name, f"{tens:,.0f}/s"),
        ("entries, 1 a commit", name, f"{singles:,.0f}/s"),
    ]


def bare_rows(folder: Path) -> list[Row]:
    """The limit, and what FULL costs against NORMAL."""
    rows = []
    for synchronous in ("FULL", "NORMAL"):
        name = f"sqlite3 alone, synchronous={synchronous}"
        for count, batch in ((100_000, BATCH), (1_000, 1)):
            rate = append_bare(folder / f"bare-{synchronous}-{batch}.db", count, batch, synchronous)
            rows.append((f"rows, {batch:,} a commit", name, f"{rate:,.0f}/s"))
    return rows


def milliseconds_a_trial(storage: optuna.storages.BaseStorage, trials: int, after: Callable[[int], None]) -> float:
    """Ask and tell with 6 categorical parameters and random sampling, and return milliseconds a trial."""
    study = optuna.create_study(storage=storage, sampler=optuna.samplers.RandomSampler(seed=0))
    since = time.perf_counter()
    for number in range(trials):
        trial = study.ask()
        for edge in range(6):
            trial.suggest_categorical(f"edge{edge}", ["none", "skip", "conv1x1", "conv3x3", "pool"])
        after(number)
        study.tell(trial, 0.5)
    return (time.perf_counter() - since) / trials * 1_000


def trial_rows(folder: Path) -> list[Row]:
    """A trial in Optuna's own storages, and in the ledger with its 20 entries."""
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    entries = postings()

    def nothing(number: int) -> None:
        """An objective that returns at once."""

    def post(writer: Writer, commit_every: int) -> Callable[[int], None]:
        def after(number: int) -> None:
            for _ in range(LAPS_A_TRIAL + 1):
                writer.append(next(entries))
            if number % commit_every == 0:
                writer.commit()

        return after

    def in_ledger(commit_every: int) -> float:
        with Ledger(f"sqlite:///{folder / f'trials-{commit_every}.db'}") as ledger:
            writer = new_writer(ledger, "trials")
            milliseconds = milliseconds_a_trial(writer.storage(utc), 500, post(writer, commit_every))
            writer.commit()
            return milliseconds

    rdb = optuna.storages.RDBStorage(f"sqlite:///{folder / 'rdb.db'}")
    journal = optuna.storages.journal.JournalFileBackend(str(folder / "journal.log"))
    cases = [
        ("Optuna in memory, no entries", milliseconds_a_trial(optuna.storages.InMemoryStorage(), 500, nothing)),
        (
            "Optuna journal file, no entries",
            milliseconds_a_trial(optuna.storages.JournalStorage(journal), 200, nothing),
        ),
        ("Optuna RDBStorage on SQLite, no entries", milliseconds_a_trial(rdb, 100, nothing)),
        ("ledger on SQLite, 20 entries, 1 trial a commit", in_ledger(1)),
        ("ledger on SQLite, 20 entries, 50 trials a commit", in_ledger(50)),
    ]
    return [("a trial's ask and tell", name, f"{milliseconds:,.2f} ms") for name, milliseconds in cases]


@contextmanager
def databases(folder: Path) -> Iterator[list[tuple[str, str]]]:
    """The databases to measure: name and URL."""
    found = [("ledger on SQLite", f"sqlite:///{folder / 'ledger.db'}")]
    if reason := missing():
        print(f"without PostgreSQL: {reason}")
        yield found
        return
    server = PostgresqlServer(Path(tempfile.mkdtemp(prefix="nassim-pg-")), durable=True)
    server.start()
    try:
        yield [*found, ("ledger on PostgreSQL", server.new_database())]
    finally:
        server.stop()
        shutil.rmtree(server.folder)


def main() -> None:
    """Measure all of it and print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--entries", type=int, default=1_000_000)
    entries = parser.parse_args().entries
    with tempfile.TemporaryDirectory(prefix="nassim-ledger-") as name:
        folder = Path(name)
        rows = bare_rows(folder)
        with databases(folder) as found:
            for database, url in found:
                rows += appending_rows(database, url)
                rows += reading_rows(database, url, entries)
        rows += trial_rows(folder)
    widths = [max(len(row[column]) for row in rows) for column in range(3)]
    for what, where, figure in rows:
        print(f"{what:<{widths[0]}}  {where:<{widths[1]}}  {figure:>{widths[2]}}")


if __name__ == "__main__":
    main()
