"""Trials: what the sampler is asked and told, and the closing line of each trial on the books."""

import math
from collections.abc import Callable
from typing import Protocol, runtime_checkable

import optuna
from optuna.trial import TrialState

from nassim.cost.work import Activity
from nassim.evaluation import Candidate
from nassim.ledger.entry import Outcome
from nassim.search.books import Books
from nassim.seeds import derive_seed
from nassim.space import SearchSpace
from nassim.space.architecture import Architecture
from nassim.space.distributions import suggest

PREPARED = "nassim:preparations"
"""Attribute of a study: how many preparations are done."""


@runtime_checkable
class Learner(Protocol):
    """A sampler that trains a controller."""

    def learn(self, study: optuna.Study) -> int:
        """Train the controller on what it was told since, and return how many updates that took."""


class Trials:
    """A search's trials, in its Optuna study.

    Every trial is told to the sampler only after its entries are posted; both are committed together.

    Attributes:
        asked: How many trials there are.
        values: The complete trials' values by number.
        architectures: The architecture of each trial by number.
    """

    def __init__(self, study: optuna.Study, space: SearchSpace, seed: int, books: Books) -> None:
        self.asked = 0
        self.values: dict[int, float] = {}
        self.architectures: dict[int, Architecture] = {}
        self._prepared = 0
        self._study = study
        self._space = space
        self._seed = seed
        self._books = books
        self._open: dict[int, optuna.Trial] = {}
        self._heard: dict[int, int] = {}
        self._first_value: dict[Architecture, float] = {}

    def take_up(self) -> list[Candidate]:
        """Read the study as an earlier driver left it, and return the candidates whose trials are still open."""
        candidates = []
        self._prepared = int(self._study.user_attrs.get(PREPARED, 0))
        for trial in self._study.get_trials(deepcopy=False):
            self.asked = max(self.asked, trial.number + 1)
            architecture = self.architectures[trial.number] = self._space.canonical(trial.params)
            if trial.state is TrialState.RUNNING:
                self._open[trial.number] = optuna.Trial(self._study, trial._trial_id)
                self._heard[trial.number] = trial.last_step or 0
                candidates.append(self._candidate(trial.number))
            elif trial.state is TrialState.COMPLETE and trial.value is not None:
                self._remember(trial.number, architecture, trial.value)
        return candidates

    def ask(self) -> Candidate:
        """Ask the sampler for the next trial."""
        self._learn()
        with self._books.turn(Activity.SAMPLER):
            trial = self._study.ask()
            self._open[trial.number] = trial
            self.architectures[trial.number] = suggest(trial, self._space.domain)
            self.asked = trial.number + 1
        return self._candidate(trial.number)

    def _learn(self) -> None:
        """Let a sampler with a controller train it on what it was told, where that is billed as such."""
        if isinstance(self._study.sampler, Learner):
            with self._books.turn(Activity.CONTROLLER):
                self._study.sampler.learn(self._study)

    def _candidate(self, number: int) -> Candidate:
        return Candidate(self.architectures[number], number, derive_seed(self._seed, "trial", number))

    def earlier_value(self, candidate: Candidate) -> float | None:
        """Return the value that an earlier trial of this search got for the same architecture, or None."""
        return self._first_value.get(candidate.architecture)

    def report(self, number: int, value: float, step: int) -> bool:
        """Pass a value on to the pruner and return whether it stops the trial.

        A step that is done again after its worker was lost has been reported before, and counts once.
        """
        with self._books.turn(Activity.SAMPLER):
            trial = self._open[number]
            if step > self._heard.get(number, 0):
                trial.report(value, step)
                self._heard[number] = step
            return trial.should_prune()

    def pruned_at(self, number: int, step: int) -> float | None:
        """Return the value with which the pruner has stopped a trial at its last report, which was of this step.

        An earlier driver may have been killed between the report and the trial's end. None if the trial goes on.
        """
        trial = self._study.get_trials(deepcopy=False)[number]
        if trial.last_step != step or not self._open[number].should_prune():
            return None
        return trial.intermediate_values[step]

    def end(self, number: int, outcome: Outcome, value: float | None, attempt: int, reason: str | None) -> None:
        """Close a trial on the books, then tell the sampler.

        Optuna hears of a stopped trial as of a failed one: samplers learn from neither.
        """
        architecture = self.architectures[number]
        self._books.end_trial(number, architecture.id, outcome, attempt, reason)
        with self._books.turn(Activity.SAMPLER):
            trial = self._open.pop(number)
            self._heard.pop(number, None)
            if outcome in (Outcome.COMPLETE, Outcome.DUPLICATE):
                assert value is not None
                self._study.tell(trial, value)
                self._remember(number, architecture, value)
            elif outcome is Outcome.PRUNED:
                self._study.tell(trial, state=TrialState.PRUNED)
            else:
                self._study.tell(trial, state=TrialState.FAIL)

    def _remember(self, number: int, architecture: Architecture, value: float) -> None:
        self.values[number] = value
        self._first_value.setdefault(architecture, value)

    def draw(self, draw: Callable[[int, int], list[Architecture]], n: int) -> list[Architecture]:
        """Draw n architectures from the sampler's present policy, outside of any trial."""
        self._learn()
        with self._books.turn(Activity.SAMPLER):
            return draw(n, derive_seed(self._seed, "draw", self.prepared))

    @property
    def prepared(self) -> int:
        """How many preparations are done and stand."""
        return self._prepared

    @prepared.setter
    def prepared(self, count: int) -> None:
        self._prepared = count
        self._study.set_user_attr(PREPARED, count)


def is_value(value: float | None) -> bool:
    """Whether a metric can be told to a sampler: present and finite."""
    return value is not None and math.isfinite(value)
