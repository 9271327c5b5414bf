"""The one search loop: ask, plan, submit, report or prune, append, tell."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import MappingProxyType

import optuna

from nassim.cost.work import Activity
from nassim.errors import NassimError
from nassim.evaluation import Candidate, Evaluator, Job, JobKind
from nassim.executors.base import Ending, Executor, JobEnded, Lap, Report
from nassim.ledger.entry import Outcome
from nassim.notices import JobReported, Observe, TrialEnded, Warned
from nassim.search.books import Books
from nassim.search.budget import Allowance, Overrun
from nassim.search.trials import Trials, is_value
from nassim.space import SearchSpace
from nassim.space.architecture import Architecture

POLL_S = 0.5
"""How long the loop waits for an event before it looks whether it was asked to stop."""

TRAININGS = (JobKind.TRAIN, JobKind.FINAL)
"""Jobs that train one architecture, and whose checkpoint is theirs alone."""


@dataclass(frozen=True, slots=True)
class Search:
    """One arm of an experiment, ready to run.

    Attributes:
        name: Its name.
        seed: The run's seed; a trial's seed depends on it and the trial's number alone.
        space: Where it searches.
        evaluator: How candidates are evaluated.
        study: Its Optuna study, with sampler and pruner.
        draw: Draws n architectures from the sampler's policy with a seed; None where the sampler can't.
        trials: Trials the search takes, all outcomes counted.
        prunes: Whether the pruner may stop trials, so that jobs wait for its verdict at each report.
        reuse: Whether a duplicate takes the earlier trial's value instead of being evaluated again.
        retries: How often a job that lost its worker is handed out again.
        trial_timeout_s: Seconds after which a trial is stopped and fails; None for no limit.
        checkpoint: Makes the path for a job's checkpoint from its id; None keeps none.
        checkpoint_every: Epochs between checkpoints.
    """

    name: str
    seed: int
    space: SearchSpace
    evaluator: Evaluator
    study: optuna.Study
    draw: Callable[[int, int], list[Architecture]] | None
    trials: int
    prunes: bool = False
    reuse: bool = False
    retries: int = 3
    trial_timeout_s: float | None = None
    checkpoint: Callable[[str], str] | None = None
    checkpoint_every: int = 1


@dataclass(frozen=True, slots=True)
class Point:
    """Where an unfinished job goes on from.

    Attributes:
        step: The step of its last checkpoint; 0 without one.
        attempt: How often it has been handed out before.
    """

    step: int
    attempt: int


@dataclass(slots=True)
class _Flight:
    """A job that is waiting for a worker or on one.

    Attributes:
        job: The job.
        replan: Returns the job anew, going on from a step.
        fruitless: How often in a row it was lost without getting any further.
        values: The last value reported of each trial.
        metrics: The last metrics reported.
        pruned: Whether it was told to stop by the pruner.
    """

    job: Job
    replan: Callable[[int], Job]
    fruitless: int = 0
    values: dict[int, float] = field(default_factory=dict)
    metrics: dict[str, float] = field(default_factory=dict)
    pruned: bool = False


class SearchLoop:
    """Runs one search on an executor and books it.

    Attributes:
        trials: The search's trials.
        overrun: The budget that ended it, once one has.
        stopping: Set it to stop: no more work is handed out, and running jobs stop at their next report. Their trials
            stay open, for a later driver to go on with.
    """

    def __init__(
        self, search: Search, executor: Executor, books: Books, allowance: Allowance, observe: Observe
    ) -> None:
        self.trials = Trials(search.study, search.space, search.seed, books)
        self.overrun: Overrun | None = None
        self.stopping = False
        self._search = search
        self._executor = executor
        self._books = books
        self._allowance = allowance
        self._observe = observe
        self._waiting: list[_Flight] = []
        self._flights: dict[str, _Flight] = {}
        self._open: list[Candidate] = []
        self._points: dict[str, Point] = {}
        self._goal = 0
        self._metrics: dict[str, float] = {}

    def run(self, points: Mapping[str, Point] = MappingProxyType({})) -> None:
        """Run the search until its trials, a budget or `stopping` ends it.

        Args:
            points: Where the jobs that an earlier driver left unfinished go on from, by their ids.

        Raises:
            NassimError: No worker is left, or a job that the search can't do without has failed.
        """
        self._points = dict(points)
        self._open = self.trials.take_up()
        self._goal = self._search.trials
        self._loop()

    def run_alone(self, plan: Callable[[int], Job], points: Mapping[str, Point]) -> dict[str, float]:
        """Run a job outside any trial (a final training) and return what it reported last.

        Returns nothing where `stopping` or a budget ended it.

        Args:
            plan: Returns the job, going on from a step.
            points: As for `run`.
        """
        self._points = dict(points)
        self._goal = 0
        self._waiting.append(self._flight(plan))
        self._loop()
        return {} if self._halted else self._metrics

    def _loop(self) -> None:
        while True:
            self._hand_out()
            if not self._flights and (self._halted or not self._work_left):
                break
            self._attend()
        self.overrun = self._allowance.reached() if self.overrun else None
        self._books.settle()

    @property
    def _halted(self) -> bool:
        return self.stopping or self.overrun is not None

    @property
    def _work_left(self) -> bool:
        return bool(self._waiting or self._open) or self.trials.asked < self._goal

    def _hand_out(self) -> None:
        """Give every free worker a job, unless it is time to stop."""
        self.overrun = self.overrun or self._allowance.reached()
        if self._halted:
            for running in self._flights.values():
                self._executor.stop(running.job)
            return
        while self._executor.free and (flight := self._next()):
            self._flights[flight.job.id] = flight
            self._executor.submit(flight.job)

    def _next(self) -> _Flight | None:
        """Return what is to be done next; None while there is nothing to do but wait."""
        if self._waiting:
            return self._waiting.pop(0)
        evaluator, asked = self._search.evaluator, self.trials.asked
        if not self._open and asked < self._goal and evaluator.due(asked) and self.trials.prepared != asked:
            return None if self._flights else self._preparation()
        candidates = self._candidates()
        if not candidates:
            return None

        return self._flight(lambda first: evaluator.plan(candidates, first))

    def _flight(self, plan: Callable[[int], Job]) -> _Flight:
        """Plan a job, from the beginning or from where an earlier driver left it."""

        def replan(first: int) -> Job:
            with self._books.turn(Activity.PLAN):
                return self._dress(plan(first))

        job = replan(0)
        if point := self._points.pop(job.id, None):
            job = replace(replan(point.step), attempt=point.attempt)
        return _Flight(job, replan)

    def _preparation(self) -> _Flight:
        draw = self._search.draw
        if draw is None:
            raise NassimError(
                f"search {self._search.name}: its evaluator trains shared weights on architectures drawn from the "
                "sampler, and this sampler can't draw; use the sampler reinforce or random"
            )
        job = self._search.evaluator.prepare(self.trials.asked, lambda n: self.trials.draw(draw, n))
        return self._flight(lambda first: replace(job, first=first))

    def _candidates(self) -> list[Candidate]:
        """Return the candidates of the next job: trials left open by an earlier driver first, then new ones."""
        batch = self._search.evaluator.batch
        candidates, self._open = self._open[:batch], self._open[batch:]
        in_flight = sum(len(flight.job.candidates) for flight in self._flights.values())
        while (
            len(candidates) < batch
            and self.trials.asked < self._goal
            and in_flight + len(candidates) < self._allowance.trials_left
            and not (candidates and self._search.evaluator.due(self.trials.asked))
        ):
            candidate = self.trials.ask()
            value = self.trials.earlier_value(candidate) if self._search.reuse else None
            if value is None:
                candidates.append(candidate)
            else:
                self._end(candidate, Outcome.DUPLICATE, value, 0, "its architecture was evaluated before")
        return candidates

    def _dress(self, job: Job) -> Job:
        """Return the job with what the search, not the evaluator, says about it."""
        search = self._search
        return replace(
            job,
            gated=search.prunes and job.kind is JobKind.TRAIN,
            checkpoint=search.checkpoint(job.id) if search.checkpoint and job.kind in TRAININGS else job.checkpoint,
            checkpoint_every=search.checkpoint_every,
            timeout_s=search.trial_timeout_s if job.kind is JobKind.TRAIN else None,
        )

    def _attend(self) -> None:
        """Wait for what happens next, and book it before anybody hears of it."""
        for event in self._executor.wait(min(POLL_S, self._allowance.wall_s_left)):
            self._books.post(event)
            match event:
                case Lap(activity=Activity.CHECKPOINT, job=Job(kind=JobKind.SUPERNET)):
                    self.trials.prepared = self.trials.asked
                case Report():
                    self._reported(event)
                case JobEnded():
                    self._ended(event, self._flights.pop(event.job.id))
        self._books.settle_when_due()

    def _reported(self, report: Report) -> None:
        flight = self._flights[report.job.id]
        flight.metrics = dict(report.metrics)
        value = report.metrics.get(self._search.evaluator.metric)
        if report.trial is not None and value is not None:
            flight.values[report.trial] = value
            if report.job.kind is JobKind.TRAIN and is_value(value):
                flight.pruned = self.trials.report(report.trial, value, report.step) and self._search.prunes
        if flight.pruned:
            self._executor.stop(report.job)
        elif report.job.gated and not self._halted:
            self._executor.proceed(report.job)
        self._observe(
            JobReported(
                report.job.search,
                self._executor.now_s(),
                report.job.kind,
                report.step,
                report.job.last,
                report.trial,
                value,
                len(self._flights),
                self._books.search_flop,
            )
        )

    def _ended(self, event: JobEnded, flight: _Flight) -> None:
        match event.ending:
            case Ending.DONE:
                self._books.kept(event.job)
                self._metrics = flight.metrics
                self._end_all(flight, Outcome.COMPLETE, None)
            case Ending.STOPPED if flight.pruned:
                self._books.kept(event.job)
                self._end_all(flight, Outcome.PRUNED, None)
            case Ending.STOPPED if self.overrun:
                self._books.kept(event.job)
                self._end_all(flight, Outcome.STOPPED, f"{self.overrun.name} budget reached")
            case Ending.STOPPED:
                self._books.lose(event.job, "interrupted")
            case Ending.FAILED:
                self._books.kept(event.job)
                self._failed(flight, event.reason)
            case Ending.LOST | Ending.PREEMPTED:
                self._lost(flight, event)

    def _failed(self, flight: _Flight, reason: str | None) -> None:
        if flight.job.kind in (JobKind.SUPERNET, JobKind.FINAL):
            raise NassimError(f"{flight.job.id} failed, and the search can't go on without it: {reason}")
        self._end_all(flight, Outcome.FAILED, reason)

    def _lost(self, flight: _Flight, event: JobEnded) -> None:
        """Book the work that died with a worker as lost, and hand the job out again from its last checkpoint."""
        preempted = event.ending is Ending.PREEMPTED
        self._books.lose(event.job, event.reason, Activity.PREEMPTED if preempted else Activity.LOST)
        step = event.checkpoint_step if event.checkpoint_step is not None else event.job.first
        fruitless = 0 if step > event.job.first else flight.fruitless + 1
        self._warn(f"{event.job.id}: {event.reason}; goes on from step {step}, attempt {event.job.attempt + 2}")
        if fruitless > self._search.retries:
            self._failed(flight, f"lost {fruitless} times in a row without getting further: {event.reason}")
        else:
            job = replace(flight.replan(step), attempt=event.job.attempt + 1)
            self._waiting.append(_Flight(job, flight.replan, fruitless))

    def _end_all(self, flight: _Flight, outcome: Outcome, reason: str | None) -> None:
        if flight.job.checkpoint is not None and flight.job.kind in TRAININGS:
            Path(flight.job.checkpoint).unlink(missing_ok=True)
        for candidate in flight.job.candidates:
            if candidate.trial is None:
                continue
            value = flight.values.get(candidate.trial)
            if outcome is Outcome.COMPLETE and not is_value(value):
                reported = f"reported {self._search.evaluator.metric} {value}"
                self._end(candidate, Outcome.FAILED, None, flight.job.attempt, reported)
            elif outcome is Outcome.COMPLETE and self._is_duplicate(candidate):
                self._end(candidate, Outcome.DUPLICATE, value, flight.job.attempt, reason)
            else:
                self._end(candidate, outcome, value, flight.job.attempt, reason)

    def _is_duplicate(self, candidate: Candidate) -> bool:
        return self._search.evaluator.stationary and self.trials.earlier_value(candidate) is not None

    def _end(
        self, candidate: Candidate, outcome: Outcome, value: float | None, attempt: int, reason: str | None
    ) -> None:
        assert candidate.trial is not None
        self.trials.end(candidate.trial, outcome, value, attempt, reason)
        self._observe(
            TrialEnded(
                self._search.name,
                self._executor.now_s(),
                candidate.trial,
                outcome,
                value,
                reason,
                len(self._flights),
                self._books.search_flop,
            )
        )

    def _warn(self, message: str) -> None:
        self._observe(Warned(message, self._executor.now_s(), self._search.name))
