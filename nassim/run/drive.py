"""Drive: one driver's share of a run."""

import math
import os
import platform
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import mkdtemp
from typing import Any

import optuna
from threadpoolctl import threadpool_limits

from nassim.cost.work import Activity
from nassim.errors import NassimError, StorageFault
from nassim.evaluation import Candidate, Job
from nassim.executors.base import Executor, ExecutorLost
from nassim.executors.clock import Clock
from nassim.experiment.model import Experiment, SearchSpec
from nassim.folder import RunFolder
from nassim.ledger.entry import Stage
from nassim.ledger.errors import LedgerFault, LedgerGone
from nassim.ledger.finding import Finding
from nassim.ledger.store import Ledger
from nassim.ledger.writer import Writer
from nassim.notices import FinalEnded, Notice, Observe, RunEnded, RunStarted, SearchEnded, SearchStarted, Warned
from nassim.run.arm import make_arm
from nassim.run.failing import failure
from nassim.run.make import Parts
from nassim.search.books import Books
from nassim.search.checkpoints import Checkpoints
from nassim.search.loop import SearchLoop
from nassim.search.picking import PICK_ONE, pick
from nassim.search.recovery import Recovery
from nassim.search.search import Search, SearchFailed
from nassim.search.spending import Account, Allowance
from nassim.search.stopping import STOPPING, Stopping
from nassim.search.trials import Trials
from nassim.seeds import derive_seed
from nassim.space.architecture import Architecture


class Drive:
    """One driver's share of a run: all of it, or what is left after an earlier driver.

    Args:
        experiment: What to run.
        ledger: Where the run is.
        writer: Its pen, which says where the run's clock stands.
        recovery: What earlier drivers have left.
        folder: The run's folder.
        executor: Runs its jobs; not started yet, and closed at the end.
        observe: Is told how it goes on.
        stopping: Whether it is to stop, which it may be asked already.
        clock: Shows what the run's clock shows; for until the executor starts, whose clock then holds.
    """

    def __init__(
        self,
        experiment: Experiment,
        ledger: Ledger,
        writer: Writer,
        recovery: Recovery,
        folder: RunFolder,
        executor: Executor,
        observe: Observe,
        stopping: Stopping,
        clock: Clock,
    ) -> None:
        self._experiment = experiment
        self._ledger = ledger
        self._writer = writer
        self._recovery = recovery
        self._folder = folder
        self._observe = observe
        self._clock = clock
        self._parts = Parts(experiment, folder)
        self._checkpoints = Checkpoints(folder, experiment.checkpoint.every)
        self._executor = executor
        self._books = Books(writer, self._executor, recovery.spending, self._warn, recovery.pasts)
        self._stopping = stopping

    def go(self) -> None:
        """Drive the run to its end, or as far as it goes, and close its books.

        Raises:
            NassimError: As for `nassim.run.execute`.
        """
        optuna.logging.set_verbosity(optuna.logging.WARNING)
        try:
            # Of the driver's arithmetic only a controller's would be spread over threads: to no gain, and in
            # competition with the workers of the same machine.
            with threadpool_limits(1, user_api="blas"), self._executor:
                self._start()
                self._work()
        except ExecutorLost as error:
            raise NassimError(f"{error}; `nassim resume {self._writer.run}` goes on with it") from error
        except StorageFault as fault:
            raise NassimError(f"{fault}; when that is put right, `nassim resume {self._writer.run}` goes on") from fault
        except MemoryError as error:
            raise NassimError(
                f"the driver has run out of memory; `nassim resume {self._writer.run}` goes on where there is more"
            ) from error
        except LedgerGone as error:
            path = self._saved(self._writer.rescue)
            raise NassimError(
                f"{error}. All that it held, and what was not written yet, is saved in {path}. Put that file in the "
                f"ledger's place, and `nassim resume {self._writer.run}` goes on"
            ) from error
        except LedgerFault as error:
            path, folder = self._saved(self._writer.save_aside), self._folder.path
            to_be_moved = "" if path.parent == folder else f"move it into {folder}, and "
            raise NassimError(
                f"{error}. What is not written is saved in {path}; {to_be_moved}when the database is back, "
                f"`nassim resume {self._writer.run}` takes it in"
            ) from error
        except NassimError:
            raise
        except (Exception, SystemExit) as error:
            raise failure(error, self._writer.run, self._folder) from error

    def _saved(self, save: Callable[[Path], Path]) -> Path:
        """Save a file in the run's folder; where that is gone or full, in a new one at home or among temporary files.

        Raises:
            NassimError: It can't be saved in any of them.
        """
        try:
            self._folder.check()
            return save(self._folder.path)
        except NassimError:
            for place in (os.path.expanduser("~"), None):
                with suppress(NassimError, OSError):
                    return save(Path(mkdtemp(prefix=f"nassim-{self._writer.run}-", dir=place)))
            raise

    def _start(self) -> None:
        factory = self._parts.factory
        if self._executor.in_process:
            factory = self._stopping.interrupting(factory)
        try:
            self._executor.start(factory, at_s=self._clock.now_s(), driver=self._writer.driver)
        except BaseException as error:
            self._writer.close("failed" if isinstance(error, Exception) else "interrupted")
            raise
        self._books.open(platform.node(), opened_s=self._writer.clock_s)

    def _work(self) -> None:
        status = "failed"
        try:
            status = self._searches()
        except KeyboardInterrupt:
            status = "interrupted"
        except ExecutorLost as error:
            self._warn(str(error))
            # Who ends all processes of a run at once has ended Ray too.
            if not self._stopping.asked:
                raise
            status = "interrupted"
        finally:
            self._close(status)

    def _searches(self) -> str:
        """Run what is not finished yet, and return how the run ends."""
        self._books.write_off(self._recovery.lost, "its driver was killed")
        self._books.settle()
        names = tuple(spec.name for spec in self._experiment.searches)
        self._tell(
            RunStarted,
            run=self._writer.run,
            searches=names,
            workers=self._executor.capacity,
            ledger=self._ledger.url,
        )
        for remark in self._parts.source.remarks:
            self._warn(remark)
        self._await_worker()
        failures = []
        for spec in self._experiment.searches:
            if spec.name in self._recovery.found and self._experiment.final.pick in PICK_ONE:
                continue
            try:
                through = self._arm(spec)
            except SearchFailed as failure:
                self._warn(str(failure), spec.name)
                failures.append(str(failure))
                continue
            if not through:
                return "interrupted" if self._stopping.asked else "stopped"
        if failures:
            raise SearchFailed("; ".join(failures))
        return "finished"

    def _await_worker(self) -> None:
        """Wait until there is a worker: what they take to start is no search's, and in no search's budget."""
        while not self._books.held and not self._stopping.asked:
            self._stopping.check()
            for event in self._executor.wait(math.inf, lambda: self._stopping.is_pressing or self._books.is_due):
                self._books.post(event)
            self._books.settle_when_due()

    def _arm(self, spec: SearchSpec) -> bool:
        """Run a search and the final trainings of what it found; return False where it was stopped before."""
        search = make_arm(
            self._parts, spec, self._writer.run, self._writer.storage(self._executor.date), self._checkpoints
        )
        found = self._search(spec, search)
        return found is not None and all(self._final(search, found, each) for each in found.candidates)

    def _search(self, spec: SearchSpec, search: Search) -> "_Found | None":
        """Run a search; return what it found, or None where it was stopped before."""
        self._books.work_for(Account(search.name))
        own = search.name, spec.budget, lambda: self._books.spent_by(search.name)
        allowance = Allowance((*self._overall.items, own))
        loop = SearchLoop(search, self._executor, self._books, allowance, self._observe, self._stopping)
        self._tell(
            SearchStarted,
            search=search.name,
            evaluator=spec.evaluator.kind,
            sampler=spec.sampler.name,
            trials=search.trials,
            finished=self._books.spent_by(search.name).trials,
            failed=self._recovery.failed_by.get(search.name, 0),
            best=search.best,
            maximised=search.objectives[0].maximised,
        )
        loop.run()
        failed = self._recovery.failed_by.get(search.name, 0) + loop.trials.failed
        ended = self._books.spent_by(search.name).trials
        if failed > ended / 2:
            self._warn(f"most trials failed, {failed} of {ended}; `nassim report` tells why", search.name)
        if self._stopping.asked:
            return None
        if overrun := self._beyond_trials.reached() or (loop.overrun and self._overall.reached()):
            self._warn(str(overrun), search.name)
            return None
        if (chosen := search.evaluator.choose()) is not None:
            self._tell(SearchEnded, search=search.name, reason=loop.reason, trial=None, value=None)
            return _Found((self._candidate(chosen, None),), ())
        if not loop.trials.complete:
            raise SearchFailed(
                f"search {search.name} has found nothing: none of its {ended} trials is complete ({loop.reason})"
            )
        return self._pick(search, loop.trials, loop.reason)

    def _pick(self, search: Search, trials: Trials, reason: str) -> "_Found":
        """Pick what a search has found, and tell of it."""
        values = {number: trials.complete[number] for number in search.evaluator.finalists(trials.complete)}
        picked = pick(self._experiment.final.pick, search.objectives, values, trials.architectures)
        best = picked.trials[0]
        by_name = {o.name: value for o, value in zip(search.objectives, values[best], strict=True)}
        self._tell(
            SearchEnded,
            search=search.name,
            reason=reason,
            trial=best,
            value=values[best][0],
            values=by_name,
            front=len(picked.front),
            found=len(picked.trials),
        )
        candidates = tuple(self._candidate(trials.architectures[number], number) for number in picked.trials)
        return _Found(candidates, picked.front)

    def _candidate(self, architecture: Architecture, trial: int | None) -> Candidate:
        return Candidate(architecture, trial, derive_seed(self._experiment.seed, "final"))

    def _final(self, search: Search, found: "_Found", candidate: Candidate) -> bool:
        """Train a network found by the final schedule, test it, and post the finding; False where stopped."""
        evaluator = self._parts.finals[search.name]
        untried, is_first = replace(candidate, trial=None), candidate == found.candidates[0]

        def plan(first: int) -> Job:
            job = evaluator.plan([untried], first)
            return job if is_first else replace(job, id=f"{job.id}/{candidate.trial}")

        job = plan(0)
        if job.id in self._recovery.trained:
            return True
        self._books.work_for(Account(search.name, Stage.FINAL))
        loop = SearchLoop(
            replace(search, evaluator=evaluator, objectives=(self._parts.main_objective,), limits=()),
            self._executor,
            self._books,
            self._beyond_trials,
            self._observe,
            self._stopping,
        )
        metrics = loop.run_alone(plan)
        if loop.overrun:
            self._warn(str(loop.overrun), search.name)
        if not metrics:
            return False
        self._writer.found(self._finding(search, found, candidate, job, metrics))
        self._books.settle()
        self._tell(FinalEnded, search=search.name, metrics=metrics)
        return True

    def _words(self, search: str, architecture: Architecture) -> str | None:
        """Return an architecture as its space writes one; None where the space doesn't, or fails to."""
        try:
            words = self._parts.space.to_string(architecture)
            return None if words is None else str(words)
        except (Exception, SystemExit) as error:  # noqa: BLE001, a user's space may fail in any way, and the model is trained by now
            self._warn(f"the space's to_string failed: {type(error).__name__}: {error}", search)
            return None

    def _finding(
        self, search: Search, found: "_Found", candidate: Candidate, job: Job, metrics: Mapping[str, float]
    ) -> Finding:
        profile = self._parts.space.profile(candidate.architecture)
        return Finding(
            search=search.name,
            trial=candidate.trial,
            architecture=candidate.architecture,
            params=profile.params,
            forward_flop=profile.forward_flop,
            backward_flop=profile.backward_flop,
            samples=sum(work.samples for work in job.planned if work.backward_flop),
            seed=candidate.seed,
            metrics=metrics,
            torch_flop=profile.torch_forward_flop + profile.torch_backward_flop,
            elementwise_flop=profile.elementwise_flop,
            elementwise_bytes=profile.elementwise_bytes,
            uncounted=tuple(name for name, _ in profile.uncounted),
            words=self._words(search.name, candidate.architecture),
            job=job.id,
            objectives={o.name: "max" if o.maximised else "min" for o in search.objectives},
            front=found.front,
        )

    @property
    def _overall(self) -> Allowance:
        return Allowance((("experiment", self._experiment.budget, self._books.spent),))

    @property
    def _beyond_trials(self) -> Allowance:
        """What holds for a final training, which is no trial."""
        limits = self._experiment.budget.model_copy(update={"trials": None})
        return Allowance((("experiment", limits, self._books.spent),))

    def _close(self, status: str) -> None:
        with self._stopping.answering(lambda: self._warn(STOPPING)), self._books.turn(Activity.SHUTDOWN):
            for event in self._executor.close():
                self._books.post(event)
        self._books.close(hurried=lambda: self._stopping.asked)
        self._writer.close(status)
        if status == "finished":
            self._folder.clear()
        signal = self._stopping.number if self._stopping.asked else None
        self._tell(RunEnded, run=self._writer.run, complete=status == "finished", signal=signal)

    def _warn(self, message: str, search: str | None = None) -> None:
        self._tell(Warned, message=message, search=search)

    def _tell(self, notice: type[Notice], **about: Any) -> None:
        self._observe(notice(at_s=self._executor.now_s(), **about))


@dataclass(frozen=True, slots=True)
class _Found:
    """What a search has found.

    Attributes:
        candidates: What is trained by the final schedule, one after the other.
        front: The trials on the search's front.
    """

    candidates: tuple[Candidate, ...]
    front: tuple[int, ...]
