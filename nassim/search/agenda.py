"""Agenda: what is to be done next. Flight: a job on its way, from its plan to its end, on one worker after another."""

from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from types import MappingProxyType

from nassim.cost.work import Activity
from nassim.errors import NassimError
from nassim.evaluation import Candidate, Job, Preparation
from nassim.executors.running import free_memory, reason_of
from nassim.ledger.entry import Outcome
from nassim.search.books import Books, TrialEnd
from nassim.search.search import Search, SearchFailed
from nassim.search.spending import Allowance
from nassim.search.trials import Misfit, Trials

MOST_IN_VAIN = 1000
"""Proposals in a row beyond the limits, or of what was evaluated before, after which a search asks for no more."""

LOOKS_AT_ONCE = 20
"""Proposals in a row that need no evaluation, after which workers are attended to before more are asked for."""


LITTLE_BYTES = 16 * 2**20
"""Memory that a driver needs in any case."""


@dataclass(slots=True)
class Flight:
    """A job that is waiting for a worker or on one.

    Attributes:
        job: The job, as it is handed out at present.
        plan: Returns the job anew, going on from a step.
        step: Steps reported.
        fruitless: How often in a row it was lost without getting any further than before.
        furthest: The furthest step from which it has gone on so far.
        reported: The last metrics reported of each trial.
        metrics: The last metrics reported.
        pruned: Whether the pruner has it stopped.
    """

    job: Job
    plan: Callable[[int], Job]
    step: int = 0
    fruitless: int = 0
    furthest: int = 0
    reported: dict[int | None, Mapping[str, float]] = field(default_factory=dict)
    metrics: dict[str, float] = field(default_factory=dict)
    pruned: bool = False

    def send_back(self, step: int) -> None:
        """Let it go on from a step after its worker was lost."""
        self.fruitless = 0 if step > max(self.furthest, self.job.first) else self.fruitless + 1
        self.set_back(step)

    def set_back(self, step: int) -> None:
        """Let it go on from an earlier step, for what it was to go on from is gone."""
        self.furthest = max(self.furthest, self.job.first)
        self.job = replace(self.plan(step), attempt=self.job.attempt + 1)

    @property
    def is_through(self) -> bool:
        """Whether it has reported all that it will, so that stopping it has taken nothing from it."""
        return self.step == self.job.last and (len(self.job.trials) < 2 or len(self.reported) == len(self.job.trials))


class NoMemory(MemoryError):  # noqa: N818, a state of the machine rather than an error of the program
    """The driver's machine has no memory left."""


class Agenda:
    """What is to be done next: a job that lost its worker, a trial that an earlier driver left open, or a new one.

    Attributes:
        waiting: Jobs that lost their worker, or that are not of a trial.
        open: Candidates whose trials an earlier driver left open.
        is_looking: Whether there was nothing to hand out so far among the proposals, and more are to be asked for.
    """

    def __init__(
        self,
        search: Search,
        trials: Trials,
        books: Books,
        allowance: Allowance,
        end: Callable[[TrialEnd], None],
        warn: Callable[[str], None],
    ) -> None:
        self.waiting: list[Flight] = []
        self.open: list[Candidate] = []
        self.is_looking = False
        self._search = search
        self._trials = trials
        self._books = books
        self._allowance = allowance
        self._end = end
        self._warn = warn
        self._goal: int | None = 0
        self._needless = 0

    def take_up(self) -> None:
        """Set out the search's trials, those first that an earlier driver left open."""
        self.open, misfits = self._trials.take_up()
        for misfit in misfits:
            self._end(TrialEnd(trial=misfit.number, outcome=Outcome.FAILED, reason=str(misfit)))
        self._goal = self._search.trials

    def take_up_alone(self, plan: Callable[[int], Job]) -> None:
        """Set out a single job, of no trial."""
        self.waiting.append(self._flight(plan))

    def look_at_preparations(self, flights: Collection[Flight] = ()) -> bool:
        """See whether what preparations have left is still there, and have done again what is not.

        Args:
            flights: The jobs on workers, whose own preparations look after themselves.

        Returns:
            Whether any is to be done again.
        """
        under_way = {flight.job.id for flight in flights}
        at_rest = [each for each in self._search.evaluator.preparations if each.id not in under_way]
        set_back = [each for each in at_rest if self._set_back(each)]
        return bool(set_back)

    def _set_back(self, preparation: Preparation) -> bool:
        come_to = self._books.kept_step(preparation.id)
        standing = preparation.standing(come_to)
        if standing < come_to:
            gone = "what it left is gone or damaged"
            self._books.set_back(preparation.id, standing, gone)
            self._warn(f"{preparation.id}: {gone}; it goes on from step {standing} of {come_to}")
        return standing < come_to

    def put_back(self, job: Job) -> None:
        """Have the trials of a job evaluated anew, which could not be."""
        self.open = [*job.candidates, *self.open]

    @property
    def work_left(self) -> bool:
        """Whether anything is left that has not been handed out."""
        return bool(self.waiting or self.open) or self._asks_on or any(self._due())

    @property
    def _asks_on(self) -> bool:
        """Whether the sampler is to be asked for more trials. Those beyond the limits don't count."""
        trials = self._trials
        is_short = self._goal is None or trials.asked - trials.infeasible < self._goal
        return is_short and not self.is_at_its_limits and not self.is_through

    @property
    def is_through(self) -> bool:
        """Whether, in a search that a budget is to end, nothing new was proposed for so long that nothing would be."""
        return self._goal is None and self._needless >= MOST_IN_VAIN

    @property
    def is_at_its_limits(self) -> bool:
        """Whether the sampler has proposed nothing but what is beyond the limits for so long that it is left alone."""
        return self._trials.in_a_row >= MOST_IN_VAIN

    def next(self, flights: Collection[Flight]) -> Flight | None:
        """Return the next job; None while there is nothing to do but wait.

        Args:
            flights: The jobs on workers.
        """
        if self.waiting:
            return self.waiting.pop(0)
        while not any(self._due()):
            candidates = self._candidates(sum(len(flight.job.trials) for flight in flights))
            if candidates:
                try:
                    return self._look_at_verdict(self._planned(partial(self._search.evaluator.plan, candidates)))
                except NoMemory:
                    raise
                except Exception as error:  # noqa: BLE001, a network may fail to be built in any way
                    self._sort_out(candidates, error)
            elif not any(self._due()):
                return None
        return self._preparation(flights)

    def _planned(self, plan: Callable[[int], Job]) -> Flight:
        """Plan a job; where memory runs out, once more with what can be freed.

        Raises:
            NoMemory: Even a little is not to be had, so it is not the network that asks for too much.
        """
        try:
            return self._flight(plan)
        except MemoryError:
            free_memory()
        try:
            bytearray(LITTLE_BYTES)
        except MemoryError as error:
            raise NoMemory from error
        return self._flight(plan)

    def _flight(self, plan: Callable[[int], Job], first: int = 0) -> Flight:
        """Plan a job, from the first step that it can have, or from its last checkpoint."""

        def plan_from(first: int) -> Job:
            with self._books.turn(Activity.PLAN):
                job = plan(first)
                if not isinstance(job, Job):
                    raise TypeError(f"the evaluator planned {type(job).__name__}, wanted a Job")
                return self._search.dress(job, limited=self._allowance.limits_work)

        job = plan_from(first)
        if (step := self._books.kept_step(job.id)) > first:
            job = plan_from(step)
        return Flight(replace(job, attempt=self._books.next_attempt(job.id)), plan_from)

    def _look_at_verdict(self, flight: Flight) -> Flight:
        """See whether the pruner had stopped a trial before its driver was killed, at its last checkpoint."""
        trial = flight.job.candidates[0].trial
        if self._search.prunes and flight.job.first and trial is not None:
            value = self._trials.pruned_at(trial, flight.job.first)
            if value is not None:
                flight.pruned = True
                flight.reported[trial] = {self._search.objectives[0].name: value}
        return flight

    def _due(self) -> Iterator[Preparation]:
        """Yield the preparations that are to come further before the next trial: one left open, or a new one.

        A search without trials has them nevertheless.
        """
        trial = self._next_trial
        if trial is not None:
            yield from (each for each in self._search.evaluator.preparations if self._is_due(each, trial))

    @property
    def _next_trial(self) -> int | None:
        if self.open:
            return self.open[0].trial
        return self._trials.asked if self._asks_on or self._goal == 0 else None

    def _is_due(self, preparation: Preparation, trial: int) -> bool:
        return self._books.kept_step(preparation.id) < self._search.evaluator.due(preparation, trial)

    def _preparation(self, flights: Collection[Flight]) -> Flight | None:
        """Return the next job of a preparation; none while trials are evaluated."""
        under_way = {flight.job.id for flight in flights}
        ready = (each for each in self._due() if each.id not in under_way)
        if any(flight.job.trials for flight in flights) or (preparation := next(ready, None)) is None:
            return None

        def prepare(first: int) -> Job:
            return self._search.evaluator.prepare(preparation, first, self._trials.draw)

        try:
            return self._flight(prepare, self._books.kept_step(preparation.id))
        except NoMemory:
            raise
        except NassimError as error:
            raise SearchFailed(f"search {self._search.name}: {error}") from error
        except Exception as error:
            raise SearchFailed(f"search {self._search.name} can't prepare: {reason_of(error)}") from error

    def _candidates(self, in_flight: int) -> list[Candidate]:
        """Return the candidates of the next job: trials left open by an earlier driver first, then new ones."""
        batch = self._search.evaluator.batch
        candidates, self.open = self.open[:batch], self.open[batch:]
        settled = 0
        while (
            len(candidates) < batch
            and (candidates or settled < LOOKS_AT_ONCE)
            and self._asks_on
            and in_flight + len(candidates) < self._allowance.trials_left
            and not any(self._due())
        ):
            try:
                candidate = self._trials.ask()
            except Misfit as misfit:
                self._end(TrialEnd(trial=misfit.number, outcome=Outcome.FAILED, reason=str(misfit)))
                continue
            if self._is_settled(candidate):
                settled += 1
            else:
                candidates.append(candidate)
        self.is_looking = settled >= LOOKS_AT_ONCE and not candidates
        return candidates

    def _is_settled(self, candidate: Candidate) -> bool:
        """End the trial of a candidate that need not be evaluated, and say whether it is one."""
        try:
            excesses = self._trials.excesses(candidate)
        except NassimError as error:
            self._close(candidate, Outcome.FAILED, reason_of(error))
            return True
        if excesses:
            self._close(candidate, Outcome.INFEASIBLE, "; ".join(map(str, excesses)))
            return True
        earlier = self._reusable(candidate)
        self._needless = 0 if earlier is None else self._needless + 1
        if earlier is not None:
            self._close(candidate, Outcome.DUPLICATE, "its architecture was evaluated before", earlier)
        return earlier is not None

    def _reusable(self, candidate: Candidate) -> dict[str, float] | None:
        """Return earlier values that the candidate can take instead of being evaluated."""
        if not (self._search.reuse and self._search.evaluator.stationary):
            return None
        return self._trials.earlier_values(candidate)

    def _sort_out(self, candidates: list[Candidate], error: Exception) -> None:
        """End those candidates that can't be planned, each with its reason, and put the others back."""
        if len(candidates) == 1:
            self._close(candidates[0], Outcome.FAILED, reason_of(error))
            return
        fit = []
        for candidate in candidates:
            try:
                self._search.evaluator.plan([candidate])
                fit.append(candidate)
            except Exception as reason:  # noqa: BLE001, as above
                self._close(candidate, Outcome.FAILED, reason_of(reason))
        if len(fit) == len(candidates):
            raise error
        self.open = fit + self.open

    def _close(
        self, candidate: Candidate, outcome: Outcome, reason: str, values: Mapping[str, float] = MappingProxyType({})
    ) -> None:
        """End the trial of a candidate that nobody evaluates."""
        assert candidate.trial is not None
        self._end(TrialEnd(trial=candidate.trial, outcome=outcome, reported=values, reason=reason))
