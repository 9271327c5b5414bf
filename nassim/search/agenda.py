"""Agenda: what is to be done next."""

from collections.abc import Callable, Collection, Mapping
from dataclasses import replace
from functools import partial
from typing import Protocol

from nassim.cost.work import Activity
from nassim.errors import NassimError
from nassim.evaluation import Candidate, Job
from nassim.executors.running import free_memory, reason_of
from nassim.ledger.entry import Outcome
from nassim.search.books import Books
from nassim.search.budget import Allowance
from nassim.search.flight import Flight, Point
from nassim.search.search import Search, SearchFailed
from nassim.search.trials import Misfit, Trials

MOST_IN_VAIN = 1000
"""Proposals in a row beyond the limits, or of what was evaluated before, after which a search asks for no more."""

LOOKS_AT_ONCE = 20
"""Proposals in a row that need no evaluation, after which workers are attended to before more are asked for."""


LITTLE_BYTES = 16 * 2**20
"""Memory that a driver needs in any case."""


class NoMemory(MemoryError):  # noqa: N818, a state of the machine rather than an error of the program
    """The driver's machine has no memory left."""


class EndTrial(Protocol):
    """Ends a trial: on the books, for the sampler and for whoever watches."""

    def __call__(
        self, trial: int | None, outcome: Outcome, reported: Mapping[str, float], attempt: int, reason: str | None
    ) -> None:
        """End it, with the metrics that it reported last; see `Trials.end`."""


class Agenda:
    """What is to be done next: a job that lost its worker, a trial that an earlier driver left open, or a new one.

    Attributes:
        waiting: Jobs that lost their worker, or that are not of a trial.
        open: Candidates whose trials an earlier driver left open.
        is_looking: Whether there was nothing to hand out so far among the proposals, and more are to be asked for.
    """

    def __init__(self, search: Search, trials: Trials, books: Books, allowance: Allowance, end: EndTrial) -> None:
        self.waiting: list[Flight] = []
        self.open: list[Candidate] = []
        self.is_looking = False
        self._search = search
        self._trials = trials
        self._books = books
        self._allowance = allowance
        self._end = end
        self._points: dict[str, Point] = {}
        self._goal: int | None = 0
        self._needless = 0

    def take_up(self, points: Mapping[str, Point]) -> None:
        """Set out the search's trials, those first that an earlier driver left open."""
        self._points = dict(points)
        self.open, misfits = self._trials.take_up()
        for misfit in misfits:
            self._end(misfit.number, Outcome.FAILED, {}, 0, str(misfit))
        self._goal = self._search.trials

    def take_up_alone(self, plan: Callable[[int], Job], points: Mapping[str, Point]) -> None:
        """Set out a single job, of no trial."""
        self._points = dict(points)
        self.waiting.append(self._flight(plan))

    def do_again(self, preparation: str, attempt: int) -> None:
        """The job of a preparation will be handed out again."""
        self._points[preparation] = Point(0, attempt)

    def put_back(self, job: Job) -> None:
        """Have the trials of a job evaluated anew, which could not be."""
        self._points[job.id] = Point(0, job.attempt + 1)
        self.open = [*job.candidates, *self.open]

    @property
    def work_left(self) -> bool:
        """Whether anything is left that has not been handed out."""
        return bool(self.waiting or self.open) or self._asks_on

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
        while not self._must_prepare():
            candidates = self._candidates(sum(len(flight.trials) for flight in flights))
            if candidates:
                try:
                    return self._look_at_verdict(self._planned(partial(self._search.evaluator.plan, candidates)))
                except NoMemory:
                    raise
                except Exception as error:  # noqa: BLE001, a network may fail to be built in any way
                    self._sort_out(candidates, error)
            elif not self._must_prepare():
                return None
        return None if flights else self._preparation()

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

    def _flight(self, plan: Callable[[int], Job]) -> Flight:
        """Plan a job, from the beginning or from where an earlier driver left it."""

        def plan_from(first: int) -> Job:
            with self._books.turn(Activity.PLAN):
                return self._search.dress(plan(first), limited=self._allowance.limits_work)

        job = plan_from(0)
        if point := self._points.pop(job.id, None):
            job = replace(plan_from(point.step) if point.step else job, attempt=point.attempt)
        return Flight(job, plan_from)

    def _look_at_verdict(self, flight: Flight) -> Flight:
        """See whether the pruner had stopped a trial before its driver was killed, at its last checkpoint."""
        trial = flight.job.candidates[0].trial
        if self._search.prunes and flight.job.first and trial is not None:
            value = self._trials.pruned_at(trial, flight.job.first)
            if value is not None:
                flight.pruned = True
                flight.reported[trial] = {self._search.objectives[0].name: value}
        return flight

    def _must_prepare(self) -> bool:
        """Whether a preparation is due before the next trial: one left open, or a new one."""
        if self.open:
            trial = self.open[0].trial
            return trial is not None and self._is_due(trial)
        return self._asks_on and self._is_due(self._trials.asked)

    def _is_due(self, trial: int) -> bool:
        return self._trials.prepared < self._search.evaluator.preparations(trial)

    def _preparation(self) -> Flight:
        draw = self._search.draw
        if draw is None:
            raise SearchFailed(
                f"search {self._search.name}: its evaluator trains shared weights on architectures drawn from the "
                "sampler, and this sampler can't draw; use the sampler reinforce or random"
            )
        try:
            job = self._search.evaluator.prepare(self._trials.prepared, lambda n: self._trials.draw(draw, n))
        except NassimError as error:
            raise SearchFailed(f"search {self._search.name}: {error}") from error
        return self._flight(lambda first: replace(job, first=first, planned=job.planned if first < job.last else ()))

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
            and not self._is_due(self._trials.asked)
        ):
            try:
                candidate = self._trials.ask()
            except Misfit as misfit:
                self._end(misfit.number, Outcome.FAILED, {}, 0, str(misfit))
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
            self._end(candidate.trial, Outcome.FAILED, {}, 0, reason_of(error))
            return True
        if excesses:
            self._end(candidate.trial, Outcome.INFEASIBLE, {}, 0, "; ".join(map(str, excesses)))
            return True
        earlier = self._reusable(candidate)
        self._needless = 0 if earlier is None else self._needless + 1
        if earlier is not None:
            self._end(candidate.trial, Outcome.DUPLICATE, earlier, 0, "its architecture was evaluated before")
        return earlier is not None

    def _reusable(self, candidate: Candidate) -> dict[str, float] | None:
        """Return earlier values that the candidate can take instead of being evaluated."""
        if not (self._search.reuse and self._search.evaluator.stationary):
            return None
        return self._trials.earlier_values(candidate)

    def _sort_out(self, candidates: list[Candidate], error: Exception) -> None:
        """End those candidates that can't be planned, each with its reason, and put the others back."""
        if len(candidates) == 1:
            self._end(candidates[0].trial, Outcome.FAILED, {}, 0, reason_of(error))
            return
        fit = []
        for candidate in candidates:
            try:
                self._search.evaluator.plan([candidate])
                fit.append(candidate)
            except Exception as reason:  # noqa: BLE001, as above
                self._end(candidate.trial, Outcome.FAILED, {}, 0, reason_of(reason))
        if len(fit) == len(candidates):
            raise error
        self.open = fit + self.open
