"""The one search loop: ask, plan, submit, report or prune, append, tell."""

import math
from collections.abc import Callable
from dataclasses import replace

from nassim.budget import Overrun
from nassim.cost.work import Activity
from nassim.evaluation import Candidate, Job
from nassim.executors.base import Ending, Executor, JobEnded, Lap, Report
from nassim.ledger.entry import Outcome, Stage
from nassim.notices import JobReported, Observe, TrialEnded, Warned
from nassim.search.agenda import MOST_IN_VAIN, Agenda, Flight
from nassim.search.books import Books, TrialEnd
from nassim.search.hindrances import Hindrances
from nassim.search.search import Search, SearchFailed
from nassim.search.spending import Allowance
from nassim.search.stopping import Stopping
from nassim.search.trials import Trials, is_value


class SearchLoop:
    """Runs one search on an executor and books it.

    When the run is asked to stop, or a budget is reached, no more work is handed out and running jobs stop at their
    next report. Trials that a budget ends are closed as stopped; those of a run that was asked to stop stay open, for a
    later driver to go on with.

    Attributes:
        trials: The search's trials.
        overrun: The budget that ended it, if one did, with what was spent when the last job had stopped.
    """

    def __init__(
        self,
        search: Search,
        executor: Executor,
        books: Books,
        allowance: Allowance,
        observe: Observe,
        stopping: Stopping | None = None,
    ) -> None:
        self.trials = Trials(search, books)
        self.overrun: Overrun | None = None
        self._search = search
        self._executor = executor
        self._books = books
        self._allowance = allowance
        self._observe = observe
        self._stopping = stopping or Stopping()
        self._agenda = Agenda(search, self.trials, books, allowance, self._end, self._warn)
        self._flights: dict[str, Flight] = {}
        self._hindrances = Hindrances(self._warn)
        self._metrics: dict[str, float] = {}

    def run(self) -> None:
        """Run the search until its trials, a budget or the wish to stop ends it.

        Raises:
            SearchFailed: A job that the search can't do without has failed.
            NassimError: No worker is left.
            KeyboardInterrupt: The run was asked to stop at once.
        """
        self._agenda.take_up()
        self._look_at_budgets()
        if self._agenda.work_left and not self._halted:
            self._agenda.look_at_preparations()
        self._loop()

    def run_alone(self, plan: Callable[[int], Job]) -> dict[str, float]:
        """Run a job outside any trial (a final training) and return what it reported last.

        Returns nothing where it was stopped before its end.

        Args:
            plan: Returns the job, going on from a step.

        Raises:
            Those of `run`.
        """
        self._agenda.take_up_alone(plan)
        self._loop()
        return self._metrics

    @property
    def reason(self) -> str:
        """Why the search has ended."""
        if self._agenda.is_at_its_limits:
            return f"its limits: the last {self.trials.in_a_row:,} proposals were beyond them"
        if self._agenda.is_through:
            return f"its space: the last {MOST_IN_VAIN:,} proposals had been evaluated before"
        return str(self.overrun or "trials")

    def _loop(self) -> None:
        while True:
            self._hand_out()
            if not self._flights and (self._halted or not self._agenda.work_left):
                break
            self._attend()
        self._books.tally()
        if self.overrun and self.overrun.name == "trials" and not self._agenda.work_left:
            self.overrun = None
        if self.overrun:
            self.overrun = self._allowance.updated(self.overrun)
            self._close_unfinished(self.overrun)
        self._settled(self._books.settle())

    @property
    def _halted(self) -> bool:
        return self._stopping.asked or self.overrun is not None

    def _look_at_budgets(self) -> None:
        if self.overrun is None:
            self.overrun = self._allowance.reached()

    def _hand_out(self) -> None:
        """Give every free worker a job, unless it is time to stop."""
        self._books.tally()
        self._look_at_budgets()
        if self._stopping.is_news():
            self._warn("stopping: running jobs end at their next report; asked once more, they end at once")
        if self._halted:
            for running in self._flights.values():
                self._stop(running.job)
            return
        while self._executor.free and (flight := self._agenda.next(self._flights.values())):
            if flight.pruned:
                self._over(flight, Outcome.PRUNED, None)
                continue
            self._flights[flight.job.id] = flight
            self._executor.submit(flight.job)

    def _attend(self) -> None:
        """Wait for what happens next, and book it before anybody hears of it."""
        self._stopping.check()
        events = self._executor.wait(self._patience_s, self._is_called)
        for event in events:
            self._books.post(event)
        for event in events:
            self._hindrances.take(event, self._executor.now_s())
            match event:
                case Lap(activity=Activity.CHECKPOINT, job=Job() as job, step=int() as step):
                    self._checkpointed(job, step)
                case Report():
                    self._reported(event)
                case JobEnded():
                    self._ended(event, self._flights.pop(event.job.id))
        self._hindrances.check(self._executor.now_s())
        self._settled(self._books.settle_when_due())

    @property
    def _patience_s(self) -> float:
        """How long to wait for an event, by the run's clock."""
        if self._halted:
            return math.inf
        if self._executor.free and self._agenda.is_looking:
            return 0.0
        return self._allowance.seconds_left(self._books.held)

    def _is_called(self) -> bool:
        """Whether something of the host's is to be attended to: the wish to stop, or the ledger."""
        return self._stopping.is_pressing or self._books.is_due

    def _checkpointed(self, job: Job, step: int) -> None:
        checkpoints = self._search.checkpoints
        preparation = next((each for each in self._search.evaluator.preparations if each.id == job.id), None)
        if checkpoints and preparation is None:
            checkpoints.written(job, step)
        elif checkpoints and preparation is not None:
            checkpoints.needless(preparation.needless(step))

    def _settled(self, all_of_it: bool) -> None:
        if all_of_it and self._search.checkpoints:
            self._search.checkpoints.sweep()

    def _reported(self, report: Report) -> None:
        flight = self._flights[report.job.id]
        flight.step, flight.metrics = report.step, dict(report.metrics)
        value = report.metrics.get(self._search.objectives[0].name)
        if report.trial is not None and value is not None:
            flight.reported[report.trial] = report.metrics
            if report.job.prunable and is_value(value):
                flight.pruned = self.trials.report(report.trial, value, report.step) and self._search.prunes
        self._look_at_budgets()
        if flight.pruned or self._halted:
            self._stop(report.job)
        elif report.job.gated:
            self._executor.proceed(report.job)
        self._observe(
            JobReported(
                search=report.job.search,
                at_s=self._executor.now_s(),
                kind=report.job.kind,
                stage=report.job.stage,
                step=report.step,
                last=report.job.last,
                trial=report.trial,
                value=value,
                running=len(self._flights),
                flop=self._books.spent_by(self._search.name).flop,
            )
        )

    def _stop(self, job: Job) -> None:
        """Stop a job at its next report, unless it is let end. One that is hindered may never come to its end."""
        if job.stoppable or self._hindrances.hold(job):
            self._executor.stop(job)

    def _ended(self, event: JobEnded, flight: Flight) -> None:
        match event.ending:
            case Ending.DONE:
                self._over(flight, Outcome.COMPLETE, None)
                self._look_at_progress(flight.job)
            case Ending.STOPPED | Ending.LOST | Ending.PREEMPTED if flight.pruned:
                self._over(flight, Outcome.PRUNED, None)
            case Ending.STOPPED | Ending.LOST | Ending.PREEMPTED if flight.is_through:
                self._over(flight, Outcome.COMPLETE, None)
            case Ending.STOPPED if self.overrun:
                self._over(flight, Outcome.STOPPED, _reached(self.overrun))
            case Ending.STOPPED:
                self._books.lose(event.job, "interrupted")
            case Ending.FAILED:
                self._failed(flight, event.reason)
            case Ending.LOST | Ending.PREEMPTED:
                self._lost(flight, event)
            case Ending.SET_BACK:
                self._set_back(flight, event)

    def _look_at_progress(self, job: Job) -> None:
        """See that a preparation gets further with its jobs, or it would be gone on with for ever.

        Raises:
            SearchFailed: It does not.
        """
        if job.stage is Stage.SHARED and (step := self._books.kept_step(job.id)) <= job.first:
            raise SearchFailed(
                f"{job.id} does not get beyond step {step}, and the trials of search {job.search} need more: each of "
                "its jobs is to write at least one checkpoint (nassim.evaluation.Preparation)"
            )

    def _failed(self, flight: Flight, reason: str | None) -> None:
        self._over(flight, Outcome.FAILED, reason)
        if not flight.job.trials:
            raise SearchFailed(f"{flight.job.id} failed, and its search can't go on without it: {reason}")

    def _lost(self, flight: Flight, event: JobEnded) -> None:
        """Book the work that died with a worker as lost, and hand the job out again from its last checkpoint."""
        preempted = event.ending is Ending.PREEMPTED
        self._books.lose(event.job, event.reason, Activity.PREEMPTED if preempted else Activity.LOST)
        flight.send_back(event.job.first if event.checkpoint_step is None else event.checkpoint_step)
        if flight.fruitless > self._search.retries:
            self._warn(f"{event.job.id}: {event.reason}; given up")
            times = f"{flight.fruitless} times in a row" if flight.fruitless > 1 else "once"
            self._failed(flight, f"lost its worker {times} without getting further: {event.reason}")
        else:
            self._warn(f"{event.job.id}: {event.reason}; goes on from step {flight.job.first}")
            self._agenda.waiting.append(flight)

    def _set_back(self, flight: Flight, event: JobEnded) -> None:
        """Hand a job out again from before what it was to go on from, which is gone, and book the rest as lost."""
        job, step, reason = event.job, event.checkpoint_step or 0, event.reason or ""
        if self._agenda.look_at_preparations(self._flights.values()):
            self._books.lose(job, reason)
            self._agenda.put_back(job)
        elif job.first and job.stage is not Stage.SHARED:
            self._books.set_back(job.id, step, reason)
            if self._search.checkpoints:
                self._search.checkpoints.gone(job)
            flight.set_back(step)
            self._warn(f"{job.id}: {reason}; goes on from step {step}")
            self._agenda.waiting.append(flight)
        else:
            self._failed(flight, reason)

    def _over(self, flight: Flight, outcome: Outcome, reason: str | None) -> None:
        """End all trials of a job that will not be handed out again by this driver."""
        if outcome is Outcome.COMPLETE:
            self._metrics = flight.metrics
        if flight.job.stage is not Stage.SHARED:
            self._books.kept(flight.job)
            # A final training that failed, for want of disk say, the next driver goes on with from its checkpoint.
            if self._search.checkpoints and (flight.job.trials or outcome is not Outcome.FAILED):
                self._search.checkpoints.over(flight.job)
        for candidate in flight.job.candidates:
            if candidate.trial is None:
                continue
            reported = flight.reported.get(candidate.trial, {})
            end = TrialEnd(
                trial=candidate.trial, outcome=outcome, reported=reported, attempt=flight.job.attempt, reason=reason
            )
            if outcome is Outcome.COMPLETE and (lacking := self.trials.lacking(candidate, reported)):
                end = replace(end, outcome=Outcome.FAILED, reason=f"reported {lacking}")
            elif outcome is Outcome.COMPLETE and self._is_known(candidate):
                end = replace(end, outcome=Outcome.DUPLICATE)
            self._end(end)

    def _is_known(self, candidate: Candidate) -> bool:
        """Whether an earlier trial has the value that this one has."""
        return self._search.evaluator.stationary and self.trials.earlier_values(candidate) is not None

    def _close_unfinished(self, overrun: Overrun) -> None:
        """Close the trials that no job is at when a budget ends the search."""
        for flight in self._agenda.waiting:
            self._over(flight, Outcome.STOPPED, _reached(overrun))
        for candidate in self._agenda.open:
            assert candidate.trial is not None
            self._end(TrialEnd(trial=candidate.trial, outcome=Outcome.STOPPED, reason=_reached(overrun)))

    def _end(self, end: TrialEnd) -> None:
        values = self.trials.end(end)
        value = values.get(self._search.objectives[0].name)
        self._observe(
            TrialEnded(
                search=self._search.name,
                at_s=self._executor.now_s(),
                trial=end.trial,
                outcome=end.outcome,
                value=value if is_value(value) else None,
                reason=end.reason,
                running=len(self._flights),
                flop=self._books.spent_by(self._search.name).flop,
                may_be_found=self._search.evaluator.may_find(end.trial),
                values=values,
            )
        )

    def _warn(self, message: str) -> None:
        self._observe(Warned(message, self._executor.now_s(), self._search.name))


def _reached(overrun: Overrun) -> str:
    return f"{overrun.owner}'s budget reached: {overrun.name}"
