"""Kill drivers, workers and nodes at random moments of searches on a Ray cluster, and audit the ledger afterwards.

A cluster of local nodes of one CPU each runs a small experiment again and again (digits, tiny cells; TPE with a median
pruner on trainings of 6 epochs with a checkpoint every second one, and ENAS) until the kills are used up. Each kill
hits the driver (which is then followed by one that resumes the run), a worker process, or a whole node (which is then
replaced by a new one). Three of four come at a random moment after work has begun or gone on, the others at any moment,
the driver's start included.

    python experiments/benchmarks/faults.py [--kills 50] [--seed 0] [--nodes 2]

Every driver says which entries its commits have acknowledged; an entry is lost if one of these is not on the ledger in
the end. It is changed if it is not as it was after a kill. An entry is there twice if another one says the same of the
same worker and moment; work is there twice if more of it is kept for a finished trial than the trial takes. Exits with
1 if anything is lost, changed or twice, or the books don't close.
"""

import argparse
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pandas as pd
from rich.console import Console
from rich.table import Table

from nassim.cost.work import Activity
from nassim.experiment.model import Experiment
from nassim.ledger.store import Ledger
from nassim.ledger.writer import Writer
from nassim.run import execute, resume
from nassim.seeds import derive_seed

EPOCHS = 6
TRIALS = 16
TRAIN_SAMPLES = 1079
"""Digits in the training split."""
KINDS = {"driver": 0.4, "worker": 0.4, "node": 0.2}
"""What is killed, how often."""
PAUSE_S = (0.0, 4.0)
"""From the beginning of work to a kill, uniformly random within these."""
AT_WORK = 0.75
"""Share of the kills that wait for work."""
NODE = {"num_cpus": 1, "object_store_memory": 80 * 2**20, "include_dashboard": False}
QUICK_HEALTH_CHECK = {
    "health_check_initial_delay_ms": 0,
    "health_check_period_ms": 200,
    "health_check_timeout_ms": 500,
    "health_check_failure_threshold": 3,
}
TAKEN = (Activity.LOST, Activity.PREEMPTED)
COMPUTING = (Activity.TRAIN, Activity.VALIDATE, Activity.SUPERNET, Activity.SCORE, Activity.TEST)


def experiment(folder: Path, address: str, workers: int, seed: int) -> Experiment:
    """Return what is run: a search by full training and one by weight sharing."""
    enas = {"kind": "enas", "rounds": 4, "updates": 4, "children": 4, "derive": 4, "batch_size": 128}
    median = {"name": "median", "parameters": {"n_startup_trials": 4, "n_warmup_steps": 2}}
    training = {"epochs": EPOCHS, "batch_size": 16, "learning_rate": 0.05}
    return Experiment.model_validate(
        {
            "name": "faults",
            "seed": seed,
            "space": {"name": "cell", "parameters": {"input_shape": [1, 8, 8], "width": 4, "cells": 1}},
            "data": {"name": "digits"},
            "training": training,
            "searches": [
                {
                    "name": "full",
                    "evaluator": {"kind": "full"},
                    "sampler": {"name": "tpe"},
                    "pruner": median,
                    "trials": TRIALS,
                },
                {"name": "enas", "evaluator": enas, "sampler": {"name": "reinforce"}},
            ],
            "final": {"schedule": training},
            "executor": {"kind": "ray", "workers": workers, "address": address, "threads": 1},
            "retries": 1000,
            "checkpoint": {"folder": str(folder / "runs"), "every": 2},
            "ledger": f"sqlite:///{folder / 'ledger.db'}",
        }
    )


# The driver: a process of its own.


def drive(plan: Path, run: str, acknowledged: Path) -> None:
    """Begin a run, or go on with it, and write down the numbers of the entries that each commit has acknowledged."""
    experiment = Experiment.model_validate_json(plan.read_text())
    log = os.open(acknowledged, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    pending: list[int] = []
    append, commit = Writer.append, Writer.commit

    def append_and_remember(writer, entry):  # noqa: ANN001, ANN202, as the method it stands for
        pending.append(append(writer, entry))
        return pending[-1]

    def commit_and_say(writer) -> None:  # noqa: ANN001, as above
        commit(writer)
        os.write(log, "".join(f"{seq}\n" for seq in pending).encode())
        pending.clear()

    Writer.append, Writer.commit = append_and_remember, commit_and_say  # type: ignore[method-assign]
    ledger = Ledger(experiment.ledger)
    if ledger_has(ledger, run):
        resume(run, experiment.ledger)
    else:
        execute(experiment, name=run)


def ledger_has(ledger: Ledger, run: str) -> bool:
    """Whether a run has been entered."""
    file = Path(ledger.url.removeprefix("sqlite:///"))
    return file.exists() and any(record.name == run for record in ledger.runs())


# The killing.


@dataclass
class Campaign:
    """Runs, kills, and what the ledger said in between.

    Attributes:
        folder: Where everything lies.
        nodes: Nodes of the cluster, one worker each.
        seed: Everything random derives from this.
        kills: How often each kind was killed.
        runs: The runs so far.
        seen: By run, each entry that was on the ledger after a kill.
    """

    folder: Path
    nodes: int
    seed: int
    kills: Counter[str] = field(default_factory=Counter)
    runs: list[str] = field(default_factory=list)
    seen: dict[str, dict[int, tuple[object, ...]]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        from ray.cluster_utils import Cluster

        os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
        self.random = random.Random(derive_seed(self.seed, "kills"))
        head = NODE | {"num_cpus": 0, "_system_config": QUICK_HEALTH_CHECK}
        self.cluster = Cluster(initialize_head=True, head_node_args=head)
        for _ in range(self.nodes):
            self.cluster.add_node(**NODE)

    @property
    def ledger(self) -> Ledger:
        """The ledger of all runs."""
        return Ledger(f"sqlite:///{self.folder / 'ledger.db'}")

    def carry_out(self, kills: int) -> None:
        """Run until so many kills are used up, and bring the last run to its end."""
        while self.kills.total() < kills or self._is_open():
            if not self._is_open():
                self.runs.append(f"faults-{len(self.runs)}")
            driver = self._start_driver()
            while driver.poll() is None:
                if self.kills.total() >= kills:
                    driver.wait()
                    break
                if self.random.random() < AT_WORK:
                    self._wait_for_work(driver)
                time.sleep(self.random.uniform(*PAUSE_S))
                self._kill(driver)
            if driver.returncode not in (0, -signal.SIGKILL):
                sys.exit(f"a driver ended with {driver.returncode}:\n{self._log.read_text()[-5000:]}")
            self._look()

    def _is_open(self) -> bool:
        if not self.runs:
            return False
        return not ledger_has(self.ledger, self.runs[-1]) or self.ledger.run(self.runs[-1]).status != "finished"

    def _start_driver(self) -> "subprocess.Popen[bytes]":
        run = self.runs[-1]
        plan = self.folder / f"{run}.json"
        seed = derive_seed(self.seed, run)
        plan.write_text(experiment(self.folder, self.cluster.address, self.nodes, seed).model_dump_json())
        command = [sys.executable, __file__, "--drive", str(plan), run, str(self._acknowledged(run))]
        with self._log.open("ab") as log:
            return subprocess.Popen(command, stdout=log, stderr=log)

    @property
    def _log(self) -> Path:
        return self.folder / "drivers.log"

    def _wait_for_work(self, driver: "subprocess.Popen[bytes]") -> None:
        """Wait until something is acknowledged."""
        file = self._acknowledged(self.runs[-1])
        before = file.stat().st_size if file.exists() else 0
        while driver.poll() is None and (file.stat().st_size if file.exists() else 0) <= before:
            time.sleep(0.01)

    def _acknowledged(self, run: str) -> Path:
        return self.folder / f"{run}.acknowledged"

    def _kill(self, driver: "subprocess.Popen[bytes]") -> None:
        """Kill something, if it is there to be killed."""
        (kind,) = self.random.choices(list(KINDS), list(KINDS.values()))
        if driver.poll() is not None:
            return
        if kind == "driver":
            driver.kill()
            driver.wait()
        elif kind == "worker":
            workers = sorted(self._workers())
            if not workers:
                return
            os.kill(self.random.choice(workers), signal.SIGKILL)
        else:
            self.cluster.remove_node(self.random.choice(list(self.cluster.worker_nodes)), allow_graceful=False)
            self.cluster.add_node(**NODE)
        self.kills[kind] += 1
        print(f"{self.kills.total():4} {kind} killed, {self.runs[-1]}", file=sys.stderr, flush=True)

    def _workers(self) -> Iterator[int]:
        """Yield the processes of this cluster's workers."""
        raylets = {info.process.pid for node in self.cluster.worker_nodes for info in node.all_processes["raylet"]}
        for folder in Path("/proc").glob("[0-9]*"):
            try:
                parent = int((folder / "stat").read_text().rpartition(")")[2].split()[1])
                if parent in raylets and (folder / "cmdline").read_text().startswith("ray::RayWorker"):
                    yield int(folder.name)
            except (OSError, ValueError):
                continue

    def _look(self) -> None:
        """Remember each entry that is on the ledger."""
        run = self.runs[-1]
        if ledger_has(self.ledger, run):
            self.seen.setdefault(run, {}).update(lines(self.ledger.frame(run)))

    def close(self) -> None:
        """End the cluster."""
        self.cluster.shutdown()

    def audit(self) -> "Audit":
        """Read the ledger as it is in the end."""
        audit = Audit()
        for run in self.runs:
            file = self._acknowledged(run)
            acknowledged = {int(line) for line in file.read_text().split()} if file.exists() else set()
            audit.add(self.ledger, run, acknowledged, self.seen.get(run, {}))
        return audit


# The audit.


def lines(entries: pd.DataFrame) -> dict[int, tuple[object, ...]]:
    """Return each entry by its number."""
    rows = entries.astype(object).where(entries.notna(), None)
    return {row["seq"]: tuple(row.values()) for row in rows.to_dict("records")}


@dataclass
class Audit:
    """What the ledger says of all runs together."""

    runs: int = 0
    sessions: int = 0
    entries: int = 0
    acknowledged: int = 0
    lost: int = 0
    changed: int = 0
    twice: int = 0
    overfull: int = 0
    outcomes: Counter[str] = field(default_factory=Counter)
    difference_s: float = 0.0
    open_leases: int = 0
    flop: Counter[str] = field(default_factory=Counter)
    seconds: Counter[str] = field(default_factory=Counter)

    def add(self, ledger: Ledger, run: str, acknowledged: set[int], seen: dict[int, tuple[object, ...]]) -> None:
        """Take a run in."""
        entries, trials, balance = ledger.frame(run), ledger.trials(run), ledger.balance(run)
        now = lines(entries)
        self.runs += 1
        self.sessions += ledger.run(run).sessions
        self.entries += len(entries)
        self.acknowledged += len(acknowledged)
        self.lost += len(acknowledged - now.keys())
        self.changed += sum(now.get(seq) != line for seq, line in seen.items())
        self.twice += _twice(entries)
        self.overfull += _overfull(entries, trials)
        self.outcomes.update(trials["outcome"])
        self.difference_s = max(self.difference_s, float(balance["difference_s"].abs().max()))
        self.open_leases += int((~balance["closed"]).sum())
        workers = entries[entries["worker"] != "driver"]
        for activities, name in ((TAKEN, "lost"), (COMPUTING, "kept"), (tuple(Activity), "all")):
            rows = workers[workers["activity"].isin(activities)]
            self.flop[name] += int(rows["forward_flop"].sum() + rows["backward_flop"].sum())
            self.seconds[name] += float(rows["seconds"].sum())

    @property
    def is_clean(self) -> bool:
        """Whether nothing is lost or twice, and the books close."""
        wrong = self.lost + self.changed + self.twice + self.overfull + self.open_leases + self.outcomes["open"]
        return wrong == 0 and self.difference_s < 1e-6


def _twice(entries: pd.DataFrame) -> int:
    """Count entries that say the same of the same worker and moment as an earlier one, corrections left out."""
    laps = entries[(entries["seconds"] > 0) & ~entries["activity"].isin(TAKEN)]
    closings = entries[entries["outcome"].notna()]
    twice = laps.duplicated(["worker", "lease", "start_s", "activity"]).sum()
    return int(twice + closings.duplicated(["search", "trial"]).sum() + entries["seq"].duplicated().sum())


def _overfull(entries: pd.DataFrame, trials: pd.DataFrame) -> int:
    """Count trials of full training that have kept other work than their epochs take."""
    complete = trials[(trials["search"] == "full") & trials["outcome"].isin(["complete", "duplicate"])]
    trained = entries[(entries["search"] == "full") & (entries["activity"] == Activity.TRAIN)]
    samples = trained[trained["stage"] == "search"].groupby("trial")["samples"].sum()
    return int((samples.reindex(complete["trial"]).fillna(0) != EPOCHS * TRAIN_SAMPLES).sum())


def show(campaign: Campaign, audit: Audit, took_s: float) -> None:
    """Print the table."""
    table = Table("", "", box=None, pad_edge=False, show_header=False)
    kills = ", ".join(f"{kind} {count}" for kind, count in sorted(campaign.kills.items()))
    outcomes = ", ".join(f"{count} {outcome}" for outcome, count in sorted(audit.outcomes.items()))
    flop, seconds = audit.flop, audit.seconds
    likely = seconds["lost"] * flop["kept"] / seconds["kept"]
    for name, value in (
        ("kills", f"{campaign.kills.total()} ({kills})"),
        ("runs, drivers", f"{audit.runs}, {audit.sessions}"),
        ("trials finished", f"{audit.outcomes.total() - audit.outcomes['open']} ({outcomes})"),
        ("entries, of them acknowledged", f"{audit.entries:,}, {audit.acknowledged:,}"),
        ("entries lost", f"{audit.lost} lost, {audit.changed} changed"),
        ("entries posted twice", f"{audit.twice}"),
        ("trials with other work kept than they take", f"{audit.overfull}"),
        ("balance: max |posted - leased|", f"{audit.difference_s:.1e} s over all workers, {audit.open_leases} open"),
        (
            "work lost",
            f"{seconds['lost']:.1f} s of {seconds['all']:.1f} s leased ({seconds['lost'] / seconds['all']:.1%})",
        ),
        ("", f"{flop['lost']:.2e} FLOP of {flop['all']:.2e} posted ({flop['lost'] / flop['all']:.1%})"),
        ("", f"about {likely:.1e} FLOP, estimated by the seconds, with what dead workers could not post"),
        ("took", f"{took_s:.0f} s"),
    ):
        table.add_row(name, value)
    Console(width=120).print(table)


def main() -> None:
    """Kill, audit, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=50)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--nodes", type=int, default=2)
    parser.add_argument("--drive", nargs=3, metavar=("PLAN", "RUN", "FILE"), help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.drive:
        plan, run, acknowledged = arguments.drive
        return drive(Path(plan), run, Path(acknowledged))
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="nassim-faults-") as folder:
        campaign = Campaign(Path(folder), arguments.nodes, arguments.seed)
        try:
            campaign.carry_out(arguments.kills)
        finally:
            campaign.close()
        audit = campaign.audit()
        show(campaign, audit, time.monotonic() - began)
    return sys.exit(0 if audit.is_clean else 1)


if __name__ == "__main__":
    main()
