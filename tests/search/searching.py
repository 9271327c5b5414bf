"""Small experiments on real digits, and what their ledgers must hold."""

import json
from pathlib import Path

import optuna

from nassim.cost.work import Activity
from nassim.experiment.model import Experiment
from nassim.ledger.entry import DRIVER
from nassim.ledger.store import Ledger
from nassim.notices import Warned
from nassim.run import execute

TRAPS = Path(__file__).parent / "traps.py"
BLOCKS = {"name": f"{TRAPS}:Blocks"}
CELL = {"name": "cell", "parameters": {"input_shape": [1, 8, 8], "classes": 10, "width": 2, "cells": 1}}
TRAINING = {"epochs": 3, "batch_size": 128, "learning_rate": 0.1}

FULL = {"name": "full", "evaluator": {"kind": "full"}, "sampler": {"name": "tpe"}, "trials": 6}
ENAS = {
    "name": "enas",
    "evaluator": {
        "kind": "enas",
        "rounds": 3,
        "warmup_rounds": 1,
        "updates": 2,
        "children": 3,
        "derive": 3,
        "batch_size": 128,
    },
    "sampler": {"name": "reinforce"},
}
INLINE = {"kind": "inline"}
RAY = {"kind": "ray", "workers": 1, "threads": 1}


def experiment(folder: Path, *searches: dict, **changes) -> Experiment:
    """Return a small experiment whose ledger and checkpoints are in a folder."""
    document = {
        "name": "small",
        "seed": 3,
        "space": BLOCKS,
        "data": {"name": "digits"},
        "training": TRAINING,
        "searches": list(searches) or [FULL],
        "final": {"schedule": TRAINING},
        "executor": INLINE,
        "checkpoint": {"folder": str(folder / "runs")},
        "ledger": f"sqlite:///{folder / 'ledger.db'}",
    }
    return Experiment.model_validate(document | changes)


def traps(*options: str, marker: Path | None = None) -> dict:
    """Return the space of traps with these options."""
    return {"name": f"{TRAPS}:Traps", "parameters": {"options": list(options), "marker": str(marker or "")}}


class Done:
    """A run as its ledger has it."""

    def __init__(self, url: str, run: str, notices: list | None = None) -> None:
        self.ledger = Ledger(url)
        self.run = run
        self.notices = notices or []
        self.status = self.ledger.run(run).status
        self.entries = self.ledger.frame(run)
        self.trials = self.ledger.trials(run).set_index(["search", "trial"])
        self.findings = {finding.search: finding for finding in self.ledger.findings(run)}

    @property
    def outcomes(self) -> list[str]:
        return list(self.trials["outcome"])

    @property
    def warnings(self) -> list[str]:
        return [notice.message for notice in self.notices if isinstance(notice, Warned)]

    @property
    def spent_flop(self) -> int:
        return int(self.entries["forward_flop"].sum() + self.entries["backward_flop"].sum())

    def flop(self, **where) -> int:
        """FLOP of the entries with these values."""
        rows = self.entries
        for column, value in where.items():
            rows = rows[rows[column] == value]
        return int(rows["forward_flop"].sum() + rows["backward_flop"].sum())

    def study(self, search: str) -> list[optuna.trial.FrozenTrial]:
        study = optuna.load_study(study_name=search, storage=self.ledger.storage(self.run))
        return study.get_trials(deepcopy=False)

    def results(self) -> dict:
        """What a run comes to, that its seeds decide: proposals, values, steps reported, FLOP kept and findings."""
        kept = self.entries[~self.entries["activity"].isin([Activity.LOST, Activity.PREEMPTED])]
        kept = kept.groupby(["search", "stage", "activity"])[["forward_flop", "backward_flop", "samples"]].sum()
        kept = kept[kept["samples"] != 0]
        return {
            "trials": {
                name: [(t.state.name, t.params, t.values, t.intermediate_values) for t in self.study(name)]
                for name in dict(self.trials.index)
            },
            "outcomes": self.outcomes,
            "flop": {"/".join(key): [int(amount) for amount in row] for key, *row in kept.itertuples()},
            "findings": {name: json.loads(finding.to_json()) for name, finding in self.findings.items()},
        }


def check_books(done: Done) -> None:
    """Every second of every lease is posted once, and a trial is closed if and only if its sampler was told."""
    balance = done.ledger.balance(done.run)
    assert balance["closed"].all(), balance
    assert balance["difference_s"].abs().max() < 1e-6, balance
    assert not done.entries["seq"].duplicated().any()
    closing = done.entries[done.entries["outcome"].notna()]
    assert not closing.duplicated(["search", "trial"]).any()
    for search in {search for search, _ in done.trials.index}:
        told = {trial.number for trial in done.study(search) if trial.state.is_finished()}
        assert told == set(closing.loc[closing["search"] == search, "trial"]), "closed and told are one"
    for name, rows in done.entries.groupby(["worker", "lease"]):
        check_timeline(name, rows)


def check_timeline(name, rows) -> None:
    """A worker's laps follow one another without a gap."""
    if name[0] == DRIVER:
        return
    laps = rows[(rows["seconds"] >= 0) & (rows["activity"] != Activity.LOST) & (rows["activity"] != Activity.PREEMPTED)]
    laps = laps[laps["metered_s"].isna()].sort_values("seq")
    ends = (laps["start_s"] + laps["seconds"]).iloc[:-1].to_numpy()
    assert abs(laps["start_s"].iloc[1:].to_numpy() - ends).max(initial=0.0) < 1e-6, name


def run(plan: Experiment, name: str = "run") -> Done:
    """Run an experiment, check its books and return what it came to."""
    notices: list = []
    execute(plan, name=name, observe=notices.append)
    done = Done(plan.ledger, name, notices)
    check_books(done)
    return done
