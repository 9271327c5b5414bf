"""Trials: what the sampler is asked and told, and the closing line of each trial on the books."""

import math
from collections.abc import Mapping

import optuna
from optuna.trial import FrozenTrial, TrialState

from nassim.cost.work import Activity
from nassim.errors import NassimError
from nassim.evaluation import Candidate
from nassim.ledger.entry import Outcome
from nassim.samplers.base import as_sampler
from nassim.search.aims import Excess, excesses
from nassim.search.books import Books, TrialEnd
from nassim.search.search import Search
from nassim.seeds import derive_seed
from nassim.space.architecture import Architecture
from nassim.space.distributions import suggest


class Misfit(NassimError):  # noqa: N818, what is wrong is with the trial
    """A trial whose parameters make no architecture of the space.

    Attributes:
        number: The trial's number.
    """

    def __init__(self, number: int, reason: str) -> None:
        super().__init__(reason)
        self.number = number


class Trials:
    """A search's trials, in its Optuna study.

    Every trial is told to the sampler only after its entries are posted; both are committed together.

    Attributes:
        asked: How many trials there are that have been asked for.
        failed: How many of them have failed since this driver took the search up.
        infeasible: How many of them were beyond the limits.
        in_a_row: How many of those that were asked for last, one after the other.
        complete: The complete trials' values, one for each objective, by number.
        architectures: The architecture of each trial by number, as far as it is of use.
    """

    def __init__(self, search: Search, books: Books) -> None:
        self.asked = 0
        self.failed = 0
        self.infeasible = 0
        self.in_a_row = 0
        self.complete: dict[int, tuple[float, ...]] = {}
        self.architectures: dict[int, Architecture] = {}
        self._search = search
        self._names = tuple(objective.name for objective in search.objectives)
        self._study = search.study
        self._sampler = as_sampler(search.study.sampler)
        self._books = books
        self._open: dict[int, optuna.Trial] = {}
        self._heard: dict[int, int] = {}
        self._first_values: dict[Architecture, tuple[float, ...]] = {}

    def take_up(self) -> tuple[list[Candidate], list[Misfit]]:
        """Read the study as an earlier driver left it.

        Returns:
            The candidates whose trials are still open; and the open trials that are none, for their proposals were cut
            short. These are to be ended.
        """
        candidates, misfits = [], []
        for trial in self._study.get_trials(deepcopy=False):
            if trial.state is TrialState.WAITING:
                continue
            self.asked = max(self.asked, trial.number + 1)
            if trial.state.is_finished() and _is_infeasible(trial):
                self._count_infeasible()
                continue
            self.in_a_row = 0
            if trial.state is TrialState.COMPLETE:
                self._remember(trial.number, self._search.space.canonical(trial.params), tuple(trial.values))
            elif trial.state is TrialState.RUNNING:
                self._open[trial.number] = optuna.Trial(self._study, trial._trial_id)
                self._heard[trial.number] = trial.last_step or 0
                try:
                    self.architectures[trial.number] = self._search.space.canonical(trial.params)
                    candidates.append(self._candidate(trial.number))
                except NassimError:
                    misfits.append(Misfit(trial.number, "its driver ended while it was being proposed"))
        return candidates, misfits

    def ask(self) -> Candidate:
        """Ask the sampler for the next trial; those that were put into the study by hand come first.

        Raises:
            Misfit: A trial that was put there names an option that the space doesn't have.
        """
        self._learn()
        with self._books.turn(Activity.SAMPLER):
            trial = self._study.ask()
            self._open[trial.number] = trial
            self.asked = trial.number + 1
            try:
                self.architectures[trial.number] = suggest(trial, self._search.space.domain)
            except ValueError as error:
                if not trial._fixed_params:
                    raise
                raise Misfit(trial.number, f"it was enqueued with what the space doesn't have: {error}") from error
        return self._candidate(trial.number)

    def _learn(self) -> None:
        """Let a sampler with a controller train it on what it was told, where that is billed as such."""
        if self._sampler.learns:
            with self._books.turn(Activity.CONTROLLER):
                self._sampler.learn(self._study)

    def _candidate(self, number: int) -> Candidate:
        return Candidate(self.architectures[number], number, derive_seed(self._search.seed, "trial", number))

    def earlier_values(self, candidate: Candidate) -> dict[str, float] | None:
        """Return the values that an earlier trial of this search got for the same architecture, or None."""
        values = self._first_values.get(candidate.architecture)
        return None if values is None else dict(zip(self._names, values, strict=True))

    def values(self, number: int, reported: Mapping[str, float]) -> dict[str, float]:
        """Return a trial's values of the objectives, by name, as far as there are any.

        Args:
            number: The trial's number.
            reported: The metrics that it reported last.
        """
        found = {}
        for objective in self._search.objectives:
            if objective.cost is None:
                if objective.name in reported:
                    found[objective.name] = reported[objective.name]
            elif number in self.architectures:
                try:
                    found[objective.name] = objective.cost(self.architectures[number])
                except NassimError:
                    continue  # What can't be built or counted costs nobody knows what; its trial fails and says so.
        return found

    def lacking(self, candidate: Candidate, reported: Mapping[str, float]) -> str | None:
        """Return the first of a trial's values that can't be told to a sampler, with its name; None if all can."""
        assert candidate.trial is not None
        values = self.values(candidate.trial, reported)
        return next((f"{name} {values.get(name)}" for name in self._names if not is_value(values.get(name))), None)

    def excesses(self, candidate: Candidate) -> tuple[Excess, ...]:
        """Return the limits that a candidate is beyond.

        Raises:
            NassimError: What it costs can't be told.
        """
        found = excesses(self._search.limits, candidate.architecture)
        if not found:
            self.in_a_row = 0
        return found

    def report(self, number: int, value: float, step: int) -> bool:
        """Pass a value on to the pruner and return whether it stops the trial.

        A step that is done again after its worker was lost has been reported before, and counts once. With several
        objectives there is no pruner.
        """
        if len(self._search.objectives) > 1:
            return False
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

    def end(self, end: TrialEnd) -> dict[str, float]:
        """Close a trial on the books, then tell the sampler; return its values of the objectives.

        Optuna hears of a stopped trial as of a failed one: samplers learn from neither.
        """
        number, values = end.trial, self.values(end.trial, end.reported)
        self.failed += end.outcome is Outcome.FAILED
        architecture = self.architectures.get(number)
        self._books.end_trial(end, architecture.id if architecture else None, values.get(self._names[0]), values)
        with self._books.turn(Activity.SAMPLER):
            trial = self._open.pop(number)
            self._heard.pop(number, None)
            if end.outcome in (Outcome.COMPLETE, Outcome.DUPLICATE):
                assert architecture is not None
                told = tuple(values[name] for name in self._names)
                self._study.tell(trial, told)
                self._remember(number, architecture, told)
            elif end.outcome is Outcome.INFEASIBLE:
                self._count_infeasible()
                self._tell_infeasible(trial, values)
            elif end.outcome is Outcome.PRUNED:
                self._study.tell(trial, state=TrialState.PRUNED)
            else:
                self._study.tell(trial, state=TrialState.FAIL)
        return values

    def _count_infeasible(self) -> None:
        self.infeasible += 1
        self.in_a_row += 1

    def _tell_infeasible(self, trial: optuna.Trial, values: Mapping[str, float]) -> None:
        """Tell by how much a trial is beyond the limits.

        It ends as one without a value, from which TPE learns. NSGA-II learns from values alone, so there it is worth as
        little as can be.
        """
        for excess in excesses(self._search.limits, self.architectures[trial.number]):
            trial.set_constraint(excess.limit.name, excess.share)
        if not self._sampler.learns_from_values_alone:
            self._study.tell(trial, state=TrialState.PRUNED)
            return
        worst = {each.name: -math.inf if each.maximised else math.inf for each in self._search.objectives}
        self._study.tell(trial, [values.get(name, worst[name]) for name in self._names])

    def _remember(self, number: int, architecture: Architecture, values: tuple[float, ...]) -> None:
        self.complete[number] = values
        self.architectures[number] = architecture
        self._first_values.setdefault(architecture, values)

    def draw(self, n: int, step: int) -> list[Architecture]:
        """Draw n architectures from the sampler's present policy, outside of any trial.

        Args:
            n: How many.
            step: The step of a preparation that they are for, on which their randomness depends.

        Raises:
            NassimError: The sampler can't draw.
        """
        if self._search.draw is None:
            raise NassimError(
                "its evaluator trains shared weights on architectures drawn from the sampler, and this sampler can't "
                "draw; use the sampler reinforce or random"
            )
        self._learn()
        with self._books.turn(Activity.SAMPLER):
            return self._search.draw(n, derive_seed(self._search.seed, "draw", step))


def is_value(value: float | None) -> bool:
    """Whether a metric can be told to a sampler: present and finite."""
    return value is not None and math.isfinite(value)


def _is_infeasible(trial: FrozenTrial) -> bool:
    return any(value > 0 for value in trial.constraints.values())
