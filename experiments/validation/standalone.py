"""Accuracies of single architectures, trained by themselves, kept in a file: they are what a search is held against."""

import json
import sqlite3
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TypeVar

import numpy as np

from nassim.data.source import DataSource, Split
from nassim.evaluation import Candidate
from nassim.evaluators.epochs import new_network
from nassim.evaluators.schedule import Schedule
from nassim.evaluators.training import Examination, Trainer
from nassim.seeds import derive_seed
from nassim.space import Architecture, SearchSpace

T = TypeVar("T")


class Kept:
    """Results by what they are of, in a file, so that what was computed once is not computed again."""

    def __init__(self, file: Path) -> None:
        file.parent.mkdir(parents=True, exist_ok=True)
        self._database = sqlite3.connect(file, timeout=600, isolation_level=None)
        self._database.execute("create table if not exists kept (what text primary key, result text)")

    def get(self, what: Sequence[object], compute: Callable[[], T]) -> T:
        """Return the result of this, computed if need be; both are plain JSON."""
        key = json.dumps(what, sort_keys=True)
        row = self._database.execute("select result from kept where what = ?", (key,)).fetchone()
        if row is None:
            row = (json.dumps(compute()),)
            self._database.execute("insert or replace into kept values (?, ?)", (key, *row))
        result: T = json.loads(row[0])
        return result


@dataclass(frozen=True, slots=True)
class Bench:
    """A space and data to train its architectures on, by one schedule on training data and one for finals.

    Attributes:
        name: Tells it from other benches in the file of results; names the space, its parameters and the data.
        space: Where the architectures are from.
        source: What they learn.
        training: How they are trained for their validation.
        final: How they are trained, on training and validation data, for their test.
        kept: Where results are kept.
    """

    name: str
    space: SearchSpace
    source: DataSource
    training: Schedule
    final: Schedule
    kept: Kept

    def validated(self, architecture: Architecture, seed: int) -> float:
        """Return the validation accuracy after a training of one's own."""
        data = self.source.load()
        return self._accuracy(architecture, seed, "validated", self.training, data.train, data.validation)

    def tried(self, architecture: Architecture, seed: int) -> float:
        """Return the test accuracy after a training of one's own, on training data alone."""
        train, test = self.source.load().train, self.source.load_final().test
        return self._accuracy(architecture, seed, "tried", self.training, train, test)

    def tested(self, architecture: Architecture, seed: int) -> float:
        """Return the test accuracy after a final training."""
        data = self.source.load_final()
        return self._accuracy(architecture, seed, "tested", self.final, data.train, data.test)

    def sample(self, count: int, *purpose: int | str) -> list[Architecture]:
        """Return random architectures, the same for the same purpose."""
        rng = np.random.default_rng(derive_seed(0, *purpose))
        return [self.space.sample(rng) for _ in range(count)]

    def _accuracy(
        self, architecture: Architecture, seed: int, what: str, schedule: Schedule, train: Split, held_out: Split
    ) -> float:
        def compute() -> float:
            candidate = Candidate(architecture, None, derive_seed(seed, "stand-alone"))
            trainer = Trainer(new_network(self.space, candidate, "cpu"), schedule, train, candidate.seed)
            for epoch in range(schedule.epochs):
                list(trainer.epoch(epoch))
            examination = Examination(trainer.model, held_out)
            list(examination.steps())
            return examination.accuracy

        of = [what, self.name, self.source.seed, architecture.to_json(), seed, asdict(schedule)]
        return self.kept.get(of, compute)
