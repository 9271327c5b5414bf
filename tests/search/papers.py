"""Searches that train nothing: the loop, the samplers and the ledger are real, accuracies are worked out."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import optuna
import pandas as pd
from traps import Blocks

from nassim.evaluation import Evaluator, Job, Progress, Ready
from nassim.executors.clock import utc
from nassim.executors.inline import InlineExecutor
from nassim.hardware.costs import Costs
from nassim.ledger.store import Ledger
from nassim.ledger.writer import Writer
from nassim.samplers.catalogue import make_pruner, make_sampler
from nassim.samplers.reward import WeightedProduct
from nassim.search.aims import ACCURACY, Limit, Objective, is_within
from nassim.search.books import Books
from nassim.search.loop import SearchLoop
from nassim.search.search import Search
from nassim.search.spending import Account, Allowance

SPACE = Blocks()
COSTS = Costs(SPACE, batch_size=64, optimizer_states=1)
STEPS = 4
WORTH = {"conv3": 1.0, "conv1": 0.7, "tanh": 0.4, "skip": 0.0}
PARAMETERS = {
    "tpe": {"n_startup_trials": 3},
    "nsga2": {"population_size": 4},
    "evolution": {"population": 5, "tournament": 3},
    "reinforce": {"batch": 2, "learning_rate": 0.05},
}


def accuracy(architecture) -> float:
    """What a network of the space is worth: its later blocks more than its earlier ones."""
    return sum(WORTH[label] * place for place, label in enumerate(architecture.values(), start=1)) / 6


class Paper(Evaluator):
    """Reports after each of some steps, better each time, and says that it has done what training takes."""

    def plan(self, candidates, first=0):
        (candidate,) = candidates
        work = SPACE.profile(candidate.architecture).training(STEPS - first)
        name = f"s/trial/{candidate.trial}"
        return Job(name, "s", "training", (candidate,), first, STEPS, 0, (work,), prunable=True)

    def run(self, job):
        (candidate,) = job.candidates
        work = SPACE.profile(candidate.architecture).training(1)
        for step in range(job.first, job.last):
            now = accuracy(candidate.architecture) * (step + 1) / STEPS
            metrics = {"accuracy": now, "loss": 1 - now}
            yield Progress(work, step + 1, candidate.trial, metrics)


@dataclass
class Look:
    """What a search came to.

    Attributes:
        loop: Its loop.
        study: Its study.
        entries: The ledger's entries.
        trials: The ledger's trials by number.
        notices: What it told.
    """

    loop: SearchLoop
    study: optuna.Study
    entries: pd.DataFrame
    trials: pd.DataFrame
    notices: list

    @property
    def proposed(self) -> list[dict]:
        return [trial.params for trial in self.study.trials]


def cost(name: str, **where) -> Objective:
    return Objective(name, maximised=False, cost=COSTS.cost(name, **where))


def limit(name: str, at_most: float, **where) -> Limit:
    return Limit(name, at_most, COSTS.cost(name, **where))


def look(
    sampler: str = "random",
    trials: int = 12,
    *,
    objectives=(ACCURACY,),
    limits=(),
    pruner: str = "none",
    seed: int = 3,
    run: str = "run",
    before: Callable[[optuna.Study], object] = lambda study: None,
    reuse: bool = False,
    evaluator: Evaluator | None = None,
) -> Look:
    """Run a search on a ledger in memory.

    Args:
        sampler: Name of the sampler.
        trials: How many trials.
        objectives: What it goes by.
        limits: What networks may cost.
        pruner: Name of the pruner.
        seed: The run's.
        run: The run's name.
        before: Is given the study before the search begins.
        reuse: Whether duplicates take earlier values.
        evaluator: By default a Paper.
    """
    ledger = Ledger("sqlite://")
    writer = ledger.create(run, {}, "2026-01-01T00:00:00+00:00")
    targets = tuple((1000.0, -0.07) for _ in objectives[1:])
    made = make_sampler(
        sampler,
        seed,
        PARAMETERS.get(sampler, {}),
        SPACE.domain,
        reward=WeightedProduct(targets) if targets else None,
        is_within=partial(is_within, limits) if limits else None,
    )
    study = optuna.create_study(
        storage=writer.storage(utc),
        study_name="s",
        directions=["maximize" if each.maximised else "minimize" for each in objectives],
        sampler=made,
        pruner=make_pruner(pruner, {}, STEPS),
    )
    before(study)
    search = Search(
        "s",
        seed,
        SPACE,
        evaluator or Paper(),
        study,
        lambda n, seed: [],
        trials,
        pruner != "none",
        tuple(objectives),
        tuple(limits),
        reuse,
    )
    return follow(search, ledger, writer)


def follow(search: Search, ledger: Ledger, writer: Writer) -> Look:
    """Run a search that evaluates as a Paper does."""
    executor, notices = InlineExecutor(threads=1), []
    with executor:
        books = Books(writer, executor)
        executor.start(lambda: Ready(search.evaluator.run))
        books.open("here", 0.0)
        books.work_for(Account("s"))
        loop = SearchLoop(search, executor, books, Allowance(), notices.append)
        loop.run()
        for event in executor.close():
            books.post(event)
        books.close()
        writer.close("finished")
        spent = books.spent_by("s")
    assert ledger.balance(writer.run)["closed"].all()
    frame, table = ledger.frame(writer.run), ledger.trials(writer.run).set_index("trial")
    assert spent.flop == frame["forward_flop"].sum() + frame["backward_flop"].sum()
    assert spent.trials == (table["outcome"] != "infeasible").sum()
    return Look(loop, search.study, frame, table, notices)
