"""Disturb small runs by faults of many kinds at random moments, and audit their ledgers afterwards.

Drivers, workers and nodes are killed, and drivers at their start and close too; databases are locked and stalled; disks
are full; checkpoints are deleted and damaged; ledgers share a folder. Every fault is real: processes get SIGKILL and
SIGSTOP, a disk is a small one in memory (where none may be mounted, files stand in the place of its folders).

    python experiments/benchmarks/faults.py [--long] [--seed 0] [--only TEXT]

The short form takes about two minutes on two cores and leaves the rarest kinds out. The long form has 200 faults of
all kinds and takes about 17 minutes. Both need a checkout; where there is no PostgreSQL, none is stalled.

Each run is disturbed a few times and brought to its end, by as many drivers as that takes. It must come to what an
undisturbed one of its seed comes to: every proposal, value, step reported, FLOP kept and finding. Where the weights of
an ENAS round are gone, rounds are done again with what the controller proposes by then, so there all else is compared.
Every driver says which entries its commits have acknowledged: an entry is lost if one of these is not on the ledger in
the end, and changed if it is not as it was after a fault. An entry is there twice if another one says the same of the
same worker and moment. Exits with 1 if anything is lost, changed, twice or unequal, or the books don't close.

Drivers wait for 2 s here where they usually wait for a minute, and for 0.5 s where for 15.
"""

import argparse
import os
import random
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from fault_audit import Audit, comparable
from fault_drivers import STOPPED
from fault_kinds import KINDS, Bench, Kind
from fault_places import Cluster, Disk, Server
from fault_runs import SHAPES, Subject, experiment
from postgresql import missing
from rich.console import Console
from rich.table import Table

from nassim.seeds import derive_seed

SHORT = 0.08
"""Share of the long form's faults that the short form has."""
FAULTS_A_RUN = 5
"""Faults that a run is subjected to at most."""
STOPS_IN_A_ROW = 3
"""How often drivers may stop one after the other while nothing disturbs them."""
NODES = 2
INLINE = {"kind": "inline"}


class Campaign:
    """Runs that are disturbed by all kinds of faults.

    Args:
        folder: Where everything lies.
        seed: What the runs come to derives from this.
    """

    def __init__(self, folder: Path, seed: int) -> None:
        self._folder = folder
        self._seed = seed
        self._began = time.monotonic()
        self._undisturbed: dict[tuple[str, int], dict[str, Any]] = {}

    def carry_out(self, kind: Kind, bench: Bench, faults: int) -> Audit:
        """Disturb runs until so many faults of a kind are inflicted, and audit them."""
        audit = Audit(kind.name)
        while audit.faults < faults:
            subjects = self._begin(kind, bench, audit.runs)
            self._disturb(kind, bench, subjects, min(faults - audit.faults, FAULTS_A_RUN))
            for subject in subjects:
                audit.add(subject, self._results(kind.shape, subject.plan.seed), kind.alike)
            so_far = f"{audit.faults} of {faults} faults, {audit.runs} runs, {audit.drivers} drivers"
            print(f"[{time.monotonic() - self._began:6.1f} s] {kind.name}: {so_far}", file=sys.stderr, flush=True)
        return audit

    def _begin(self, kind: Kind, bench: Bench, number: int) -> list[Subject]:
        """Return the next run of a kind, or two of the same name with a ledger each."""
        root = self._folder / kind.name.replace(" ", "-").replace(",", "").replace("'", "")
        subjects = []
        for which in ("one", "other")[: 1 + kind.pair]:
            folder = root / which
            folder.mkdir(parents=True, exist_ok=True)
            url = bench.server.new_database() if bench.server else f"sqlite:///{folder / 'ledger.db'}?timeout=0.2"
            files = bench.disk.folder if bench.disk else root / "runs"
            workers = NODES if kind.shape == "any order" else 1
            on_ray = {"kind": "ray", "workers": workers, "address": bench.cluster and bench.cluster.address}
            seed = derive_seed(self._seed, which) % 1000
            plan = experiment(kind.shape, url, files, seed, on_ray if bench.cluster else INLINE)
            subjects.append(Subject(plan, f"faults-{number}", folder))
        return subjects

    def _disturb(self, kind: Kind, bench: Bench, subjects: list[Subject], faults: int) -> None:
        """Bring runs to their ends, with so many faults on the way."""
        left, stops, last = faults, 0, SHAPES[kind.shape][-1]["name"]
        going = subjects
        while going:
            at_once = going if bench.random.random() < 0.5 else [bench.random.choice(going)]
            deaths = [kind.death(bench, last) if left else None for _ in at_once]
            drivers = [subject.drive(death) for subject, death in zip(at_once, deaths, strict=True)]
            before = left
            for subject, driver in zip(at_once, drivers, strict=True):
                while left and kind.inflict and driver.lives:
                    inflicted = kind.inflict(bench, subject, driver)
                    subject.faults += inflicted
                    left -= inflicted
            for subject, driver, death in zip(at_once, drivers, deaths, strict=True):
                status = driver.join()
                if death and status < 0:
                    subject.faults += 1
                    left -= 1
                if status == STOPPED:
                    stops = 0 if left < before else stops + 1
                    self._check_stop(kind, subject, stops)
                    bench.calm()
            if bench.is_calm:
                for subject in at_once:
                    subject.look()
                going = [subject for subject in going if not subject.is_over]
        bench.calm()

    def _check_stop(self, kind: Kind, subject: Subject, stops: int) -> None:
        if not kind.may_stop or stops > STOPS_IN_A_ROW:
            sys.exit(f"a driver stopped, of {kind.name}; it said:\n{subject.log.read_text()[-5000:]}")

    def _results(self, shape: str, seed: int) -> dict[str, Any]:
        """Return what an undisturbed run comes to."""
        if (shape, seed) not in self._undisturbed:
            folder = self._folder / f"undisturbed-{shape.replace(' ', '-')}-{seed}"
            folder.mkdir()
            plan = experiment(shape, f"sqlite:///{folder / 'ledger.db'}", folder / "runs", seed, INLINE)
            subject = Subject(plan, "undisturbed", folder)
            if subject.drive().join():
                sys.exit(f"an undisturbed run failed; it said:\n{subject.log.read_text()[-5000:]}")
            self._undisturbed[shape, seed] = comparable(subject.done().results())
        return self._undisturbed[shape, seed]


@contextmanager
def place(needs: str | None, folder: Path, rng: random.Random) -> Iterator[Bench]:
    """Yield where runs are disturbed by kinds of faults that need the same."""
    made = None
    try:
        if needs == "cluster":
            made = Cluster(NODES, rng)
        elif needs == "server":
            made = Server()
        elif needs == "disk":
            made = Disk(folder / "disk")
        yield Bench(rng, **({needs: made} if needs else {}))
    finally:
        if made:
            made.close()


def disturb(folder: Path, seed: int, share: float, only: str) -> Iterator[Audit]:
    """Yield what runs came to, by kinds of faults."""
    campaign, rng = Campaign(folder, seed), random.Random(derive_seed(seed, "faults"))
    faults = {kind: round(kind.faults * share) or bool(only) for kind in KINDS if only in kind.name}
    kinds = [kind for kind in faults if faults[kind]]
    for needs in dict.fromkeys(kind.needs for kind in kinds):
        if needs == "server" and (reason := missing()):
            print(f"without PostgreSQL, which is to stall: {reason}")
            continue
        with place(needs, folder, rng) as bench:
            if bench.disk and not bench.disk.is_mounted:
                print("no disk of its own can be mounted here: files stand in the place of folders")
            for kind in kinds:
                if kind.needs == needs:
                    yield campaign.carry_out(kind, bench, faults[kind])


def show(audits: list[Audit], took_s: float) -> None:
    """Print the table."""
    total = Audit("all")
    for audit in audits:
        total.add_up(audit)
    table = Table(box=None, pad_edge=False)
    table.add_column("kind")
    for title in ("faults", "drivers", "runs", "equal", "lost", "changed", "twice", "balance", "s lost", "GFLOP lost"):
        table.add_column(title, justify="right")
    for audit in (*audits, total):
        table.add_row(
            audit.kind,
            f"{audit.faults}",
            f"{audit.drivers}",
            f"{audit.runs}",
            f"{audit.equal}" + (f" + {audit.alike}" if audit.alike else ""),
            f"{audit.lost}",
            f"{audit.changed}",
            f"{audit.twice}",
            f"{audit.difference_s:.0e} s",
            f"{audit.lost_s:.1f} ({audit.lost_s / audit.leased_s:.1%})",
            f"{audit.lost_flop / 1e9:.2f} ({audit.lost_flop / audit.flop:.1%})",
            end_section=audit is audits[-1],
        )
    console = Console(width=130)
    console.print(table)
    console.print(f"\n{total.entries:,} entries; equal + n: n runs equal but for their values; took {took_s:.0f} s")
    for audit in audits:
        for wrong in audit.wrong:
            console.print(f"{audit.kind}, {wrong}", style="red", markup=False)


def main() -> None:
    """Disturb, audit, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--long", action="store_true", help="200 faults")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--only", default="", help="only kinds of faults with this in their name")
    arguments = parser.parse_args()
    began = time.monotonic()
    os.environ["PYTHONWARNINGS"] = "ignore"
    folder = Path(tempfile.mkdtemp(prefix="nassim-faults-"))
    audits = list(disturb(folder, arguments.seed, 1.0 if arguments.long else SHORT, arguments.only))
    if not audits:
        sys.exit(f"nothing was disturbed; there are: {', '.join(kind.name for kind in KINDS)}")
    show(audits, time.monotonic() - began)
    if not all(audit.is_clean for audit in audits):
        sys.exit(f"something is wrong; the ledgers are kept in {folder}")
    shutil.rmtree(folder)


if __name__ == "__main__":
    main()
