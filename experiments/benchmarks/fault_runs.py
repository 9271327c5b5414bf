"""Small runs on real digits that are disturbed, and what is left of each."""

import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import pandas as pd
from fault_drivers import Death, Driver, is_entered

from nassim.experiment.model import Experiment

sys.path.insert(0, str(Path(__file__).parents[2] / "tests/search"))
from searching import BLOCKS, Done

TRAINING = {"epochs": 4, "batch_size": 32, "learning_rate": 0.05}
FULL = {
    "name": "full",
    "evaluator": {"kind": "full"},
    "sampler": {"name": "tpe", "parameters": {"n_startup_trials": 4}},
    "pruner": {"name": "median", "parameters": {"n_startup_trials": 3, "n_warmup_steps": 1}},
    "trials": 10,
}
ENAS = {
    "name": "enas",
    "evaluator": {"kind": "enas", "rounds": 6, "updates": 3, "children": 3, "derive": 3, "batch_size": 128},
    "sampler": {"name": "reinforce"},
}
SHORT_ROUNDS = {"rounds": 60, "warmup_rounds": 10, "updates": 1, "children": 1, "minibatch": 16}
SHAPES = {
    "both": [FULL, ENAS],
    "trainings": [FULL],
    "shared weights": [ENAS],
    "short rounds": [ENAS | {"evaluator": ENAS["evaluator"] | SHORT_ROUNDS}],
    "any order": [
        FULL | {"sampler": {"name": "random"}, "pruner": {"name": "none"}},
        ENAS | {"sampler": {"name": "random"}},
    ],
}
"""Searches of a run. With several workers those of "any order" alone come to the same each time."""
FEW_DIGITS = {"name": "digits", "validation": 0.1, "test": 0.85}
"""90 to train on, which takes less time than there is between two commits."""


def experiment(shape: str, ledger: str, root: Path, seed: int, executor: dict[str, object]) -> Experiment:
    """Return what is run.

    Args:
        shape: One of SHAPES.
        ledger: URL of the ledger.
        root: Where runs leave their files.
        seed: Everything that a run comes to derives from it.
        executor: Where its jobs run.
    """
    return Experiment.model_validate(
        {
            "name": "faults",
            "seed": seed,
            "space": BLOCKS,
            "data": FEW_DIGITS if shape == "short rounds" else {"name": "digits"},
            "training": TRAINING,
            "searches": SHAPES[shape],
            "final": {"schedule": TRAINING},
            "executor": executor | {"threads": 1},
            "retries": 1000,
            "checkpoint": {"folder": str(root), "every": 2},
            "ledger": ledger,
        }
    )


@dataclass
class Subject:
    """A run that is disturbed.

    Attributes:
        plan: What is run.
        run: Its name.
        folder: Where is kept what its drivers say.
        faults: How many it was subjected to.
        drivers: How many it has had.
        seen: Each entry that was on the ledger when a driver had ended, by its number.
    """

    plan: Experiment
    run: str
    folder: Path
    faults: int = 0
    drivers: int = 0
    seen: dict[int, tuple[object, ...]] = field(default_factory=dict)

    @property
    def url(self) -> str:
        """Of its ledger."""
        return self.plan.ledger

    @property
    def log(self) -> Path:
        """What its drivers have said."""
        return self.folder / "drivers.log"

    @property
    def ledger_file(self) -> Path:
        """Where its ledger is, if that is SQLite's."""
        return Path(self.url.removeprefix("sqlite:///").partition("?")[0])

    @property
    def files(self) -> list[Path]:
        """The folders that it may have left its files in: drivers killed before it was entered have left some too."""
        root = Path(self.plan.checkpoint.folder)
        return [root / self.run, *sorted(root.glob(f"{self.run}~*"))]

    @property
    def is_over(self) -> bool:
        """Whether it has finished."""
        return is_entered(self.url, self.run) and self.done().status == "finished"

    def drive(self, death: Death | None = None) -> Driver:
        """Start a driver of it."""
        self.drivers += 1
        return Driver(self.plan, self.run, self._acknowledged, self._reported, self.log, death)

    def wait_for_work(self, driver: Driver) -> None:
        """Wait until a job reports to its driver, or that has ended."""
        before = _size(self._reported)
        wait_until(lambda: _size(self._reported) > before or not driver.lives)

    def acknowledged(self) -> set[int]:
        """Return the numbers of the entries that commits have acknowledged."""
        return {int(line) for line in self._acknowledged.read_text().split()} if _size(self._acknowledged) else set()

    def look(self) -> None:
        """Remember each entry that is on the ledger."""
        if is_entered(self.url, self.run):
            self.seen |= lines(self.done().entries)

    def done(self) -> Done:
        """Return it as the ledger has it."""
        return Done(self.url, self.run)

    @property
    def _acknowledged(self) -> Path:
        return self.folder / f"{self.run}.acknowledged"

    @property
    def _reported(self) -> Path:
        return self.folder / f"{self.run}.reported"


def _size(file: Path) -> int:
    return file.stat().st_size if file.exists() else 0


def wait_until(condition: Callable[[], bool]) -> None:
    """Wait until something holds."""
    while not condition():
        time.sleep(0.01)


def lines(entries: pd.DataFrame) -> dict[int, tuple[object, ...]]:
    """Return each entry by its number."""
    rows = entries.astype(object).where(entries.notna(), None)
    return {row["seq"]: tuple(row.values()) for row in rows.to_dict("records")}
