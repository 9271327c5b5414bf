"""What each choice in ENAS is worth: nassim's way against the paper's, its authors' code's and others.

A variant differs from the quickstart's way in one thing. Each is run over seeds, which decide the split of the data as
well, and measured by tau, Kendall's rank correlation of shared with stand-alone accuracy of 40 random architectures
(beside it that of two stand-alone trainings), and by how the find and the 5 best that were derived test, over the
median of 20 random architectures. `controller.py` measures the controller by itself, over more seeds.

Run: `python experiments/validation/enas_variants.py --seeds 0-4 [VARIANT ...]`. Results are kept in a file, and what is
there is not computed again. A variant takes about 3 minutes of one core for 5 seeds.
"""

import argparse
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import optuna
import torch
from scoring import show, tau
from standalone import Bench, Kept
from torch import Tensor

from nassim.cost.work import Activity
from nassim.data.source import digits
from nassim.evaluation import Candidate, Job, Progress
from nassim.evaluators.enas import EnasEvaluator
from nassim.evaluators.rounds import Rounds, enas_schedule
from nassim.evaluators.schedule import Schedule
from nassim.evaluators.shared import SharedWeights
from nassim.samplers.reinforce import ReinforceSampler
from nassim.seeds import derive_seed
from nassim.space import Architecture
from nassim.space.distributions import suggest
from search_spaces.cell import Cell

RANKED, RANDOM, BEST = 40, 20, 5
SPACE = Cell(width=8, cells=1, input_shape=(1, 8, 8))
TRAINING = Schedule(epochs=5, batch_size=32, learning_rate=0.1, nesterov=True, weight_decay=5e-4)
ROUNDS = Rounds(enas_schedule(80, 32), warmup=40, updates=2, children=8, derive=40)


@dataclass(frozen=True, slots=True)
class Variant:
    """One way to run ENAS.

    Attributes:
        rounds: How it is laid out.
        controller: Parameters of the sampler.
        evaluator: Who trains and scores.
        lag: Batches of trials that are proposed before the results of the first are learnt from, as by that many
            workers more than one.
    """

    rounds: Rounds = ROUNDS
    controller: Mapping[str, Any] = field(default_factory=lambda: {"learning_rate": 0.0035})
    evaluator: type[EnasEvaluator] = EnasEvaluator
    lag: int = 0


class OneMinibatchAnUpdate(EnasEvaluator):
    """Scores the trials of an update on the same minibatch."""

    def _minibatches(self, trial: int) -> Iterator[tuple[Tensor, Tensor]]:
        derived = trial >= self.learn_trials
        return super()._minibatches(trial if derived else trial - trial % self.batch)


class DerivesOnAMinibatch(EnasEvaluator):
    """Scores the trials at the end on one minibatch, as the paper does (section 2.3)."""

    def _scored_on(self, trial: int) -> int:
        return self._rounds.minibatch


class RunningStatistics(EnasEvaluator):
    """Scores with the running averages of batch normalisation, which are of all children mixed."""

    def _score(self, job: Job) -> Iterator[Progress]:
        first = job.candidates[0].trial or 0
        trainer = yield from self._weights_after(self._rounds.round_of(first), Activity.SCORE)
        trainer.model.eval()
        for candidate in job.candidates:
            yield from self._score_one(trainer.model, candidate)


class AccuracyAlone(EnasEvaluator):
    """Ranks by accuracy: of equals the earliest is found."""

    def run(self, job: Job) -> Iterator[Progress]:
        """See `EnasEvaluator.run`."""
        for progress in super().run(job):
            accuracy = progress.metrics.get("accuracy")
            yield progress if accuracy is None else replace(progress, metrics={"score": accuracy, "accuracy": accuracy})


def controller(**changes: float) -> Variant:
    """Return a variant whose controller differs."""
    return Variant(controller=Variant().controller | changes)


def shared(**changes: float) -> Variant:
    """Return a variant whose shared weights are trained in another way."""
    return Variant(replace(ROUNDS, shared=enas_schedule(80, **{"batch_size": 32} | changes)))


AUTHORS = {"tanh_constant": 0.44, "temperature": 1.0, "baseline_start": 0.0, "baseline_decay": 0.99, "hidden": 64}
"""The controller of the authors' code for cells, where it decides operations."""

VARIANTS: Mapping[str, Variant] = {
    "as in the quickstart": Variant(),
    "no warm-up": Variant(replace(ROUNDS, warmup=0, updates=1)),
    "warm-up of 60 rounds": Variant(replace(ROUNDS, warmup=60, updates=4)),
    "no controller": Variant(replace(ROUNDS, warmup=79, updates=1)),
    "one minibatch an update": Variant(evaluator=OneMinibatchAnUpdate),
    "find by one minibatch": Variant(evaluator=DerivesOnAMinibatch),
    "find among 10": Variant(replace(ROUNDS, derive=10)),
    "accuracy alone": Variant(evaluator=AccuracyAlone),
    "running statistics": Variant(evaluator=RunningStatistics),
    "learning rate 0.01": controller(learning_rate=0.01),
    "learning rate 0.001": controller(learning_rate=0.001),
    "learning rate 0.00035": controller(learning_rate=0.00035),
    "authors' controller": controller(**AUTHORS),
    "2 workers": Variant(lag=1),
    "shared learning rate 0.1": shared(learning_rate=0.1),
    "shared learning rate 0.025": shared(learning_rate=0.025),
}


class Search:
    """A search by weight sharing in this process, without executor and ledger."""

    def __init__(self, bench: Bench, variant: Variant, seed: int, folder: str) -> None:
        rounds = variant.rounds
        self.flop = 0
        self._space = bench.space
        self._lag = variant.lag
        self._shared = SharedWeights("enas/shared", Path(folder), seed)
        self._evaluator = variant.evaluator("enas", bench.space, bench.source, rounds, self._shared)
        batches = {"batch": rounds.children, "learn_trials": rounds.learn_trials}
        self._sampler = ReinforceSampler(seed=derive_seed(seed, "sampler"), **batches, **variant.controller)
        self._study = optuna.create_study(direction="maximize", sampler=self._sampler)
        self._prepared = 0
        self._asked: list[optuna.Trial] = []

    def run(self) -> list[Architecture]:
        """Run it and return what was derived, its find first."""
        rounds, told, architectures = self._evaluator, {}, {}
        for first in range(0, rounds.trials, rounds.batch):
            if self._prepared < rounds.due(self._shared, first):
                self._tell(told, 0)
                self._prepare(first)
            proposed = {}
            for _ in range(min(rounds.batch, rounds.trials - first)):
                self._asked.append(self._study.ask())
                proposed[self._asked[-1].number] = suggest(self._asked[-1], self._space.domain)
            architectures |= proposed
            told |= self.scores(proposed, "score")
            self._tell(told, self._lag * rounds.batch)
        derived = sorted(range(rounds.learn_trials, rounds.trials), key=lambda trial: -told[trial])
        return [architectures[trial] for trial in derived]

    def scores(self, trials: Mapping[int, Architecture], metric: str) -> dict[int, float]:
        """Return a metric of trials."""
        found = {}
        for number, architecture in trials.items():
            for progress in self._run(self._evaluator.plan([Candidate(architecture, number, 0)])):
                found |= {number: progress.metrics[metric]} if progress.is_report else {}
        return found

    def ranked(self, architectures: Sequence[Architecture]) -> list[float]:
        """Return the shared accuracy of architectures on all validation data."""
        first = self._evaluator.learn_trials
        return list(self.scores(dict(enumerate(architectures, start=first)), "accuracy").values())

    def _prepare(self, first: int) -> None:
        def draw(count: int, step: int) -> list[Architecture]:
            return self._sampler.draw(self._study, count, step, self._space.domain.walk)

        while self._prepared < self._evaluator.due(self._shared, first):
            list(self._run(self._evaluator.prepare(self._shared, self._prepared, draw)))
            self._prepared += 1

    def _tell(self, values: Mapping[int, float], kept: int) -> None:
        """Tell the sampler of all but the last trials."""
        while len(self._asked) > kept:
            trial = self._asked.pop(0)
            self._study.tell(trial, values[trial.number])

    def _run(self, job: Job) -> Iterator[Progress]:
        for progress in self._evaluator.run(job):
            self.flop += progress.work.flop
            yield progress


def search_with(bench: Bench, variant: Variant, seed: int) -> dict[str, Any]:
    """Run a search; return the best that it derived, what it cost, and how its shared weights rank."""
    with tempfile.TemporaryDirectory() as folder:
        search = Search(bench, variant, seed, folder)
        best, flop = [dict(architecture) for architecture in search.run()[:BEST]], search.flop
        return {"best": best, "flop": flop, "shared": search.ranked(bench.sample(RANKED, "ranked"))}


def measure(bench: Bench, searched: Mapping[str, Any], seed: int) -> dict[str, float]:
    """Return how well the shared weights of a search rank, and how its finds test over random architectures."""
    alone = [[bench.validated(a, training) for a in bench.sample(RANKED, "ranked")] for training in (1, 2)]
    best = [bench.tested(Architecture(one), seed) for one in searched["best"]]
    random = float(np.median([bench.tested(a, seed) for a in bench.sample(RANDOM, "random", seed)]))
    return {
        "tau": float(np.mean([tau(searched["shared"], accuracies) for accuracies in alone])),
        "ceiling": tau(*alone),
        "find": best[0] - random,
        "best": float(np.mean(best)) - random,
        "flop": float(searched["flop"]),
    }


def seeds_of(text: str) -> list[int]:
    """Read "3" or "0-4"."""
    first, _, last = text.partition("-")
    return list(range(int(first), int(last or first) + 1))


def main() -> None:
    """Measure the variants asked for and print a line for each."""
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("variants", nargs="*", metavar="VARIANT", default=list(VARIANTS), help="by default all")
    arguments.add_argument("--seeds", type=seeds_of, default="0-4", help="one, or the first and the last: 0-4")
    arguments.add_argument("--kept", type=Path, default=Path("weight-sharing.db"), help="file of results")
    given = arguments.parse_args()
    torch.set_num_threads(1)
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    kept, rows = Kept(given.kept), []
    for name in given.variants:
        variant, found = VARIANTS[name], []
        for seed in given.seeds:
            source = digits(derive_seed(seed, "data"), validation=0.35, test=0.5)
            bench = Bench("cell", SPACE, source, TRAINING, TRAINING.model_copy(update={"epochs": 10}), kept)
            what = ["variant", "cell", name, repr(variant.rounds), dict(variant.controller), seed]
            searched = kept.get(what, lambda b=bench, v=variant, s=seed: search_with(b, v, s))
            found.append(measure(bench, searched, seed))
        rows.append(row(name, found))
        print(*rows[-1], flush=True)
    show(("variant", "tau", "ceiling", "find over random", "best 5 over random", "GFLOP"), rows)


def row(name: str, found: Sequence[Mapping[str, float]]) -> list[str]:
    """Return a line of the table: means over seeds."""
    values = {key: np.array([one[key] for one in found]) for key in found[0]}

    def show_mean(key: str, unit: float = 1.0) -> str:
        """Return a mean and its standard error."""
        mine = values[key] * unit
        return f"{mine.mean():.2f} ± {mine.std(ddof=1) / np.sqrt(len(mine)):.2f}"

    gains = [show_mean(key, 100) for key in ("find", "best")]
    return [name, show_mean("tau"), f"{values['ceiling'].mean():.2f}", *gains, f"{values['flop'].mean() / 1e9:.0f}"]


if __name__ == "__main__":
    main()
