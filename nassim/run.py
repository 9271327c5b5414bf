"""Run: one execution of an experiment, from its first lease to its closed books."""

import platform
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from importlib.metadata import version
from pathlib import Path
from types import FrameType

import optuna

from nassim.errors import NassimError
from nassim.evaluation import Candidate
from nassim.executors.clock import utc_now
from nassim.experiment.model import Experiment, Limits
from nassim.experiment.model import Search as SearchSpec
from nassim.ledger.entry import DRIVER, Stage
from nassim.ledger.errors import LedgerUnavailable
from nassim.ledger.finding import Finding
from nassim.ledger.store import Ledger
from nassim.ledger.writer import Writer
from nassim.notices import FinalEnded, Notice, Observe, RunEnded, RunStarted, SearchEnded, SearchStarted, Warned
from nassim.parts import Parts, make_executor
from nassim.samplers.catalogue import make_pruner, make_sampler, trials_at_most
from nassim.search.books import Account, Books
from nassim.search.budget import Allowance, Budget, Spent
from nassim.search.loop import Search, SearchLoop
from nassim.search.recovery import Recovery, recover
from nassim.seeds import derive_seed


def _ignore(notice: Notice) -> None:
    """Watch nothing."""


def execute(experiment: Experiment, *, name: str | None = None, observe: Observe = _ignore) -> str:
    """Run an experiment and return the run's name.

    Everything that can be checked beforehand is, before anything is started or written.

    Args:
        experiment: What to run.
        name: The run's name; by default the experiment's with a number.
        observe: Is told how it goes on.

    Raises:
        NassimError: A part of the experiment can't be made; the name is taken; no worker can be had; a job that the run
            can't do without has failed.
    """
    _check(experiment)
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    ledger = Ledger(experiment.ledger)
    document, started_at = experiment.model_dump(mode="json"), utc_now()
    about = {"nassim": version("nassim"), "python": platform.python_version(), "host": platform.node()}
    if name is None:
        writer = ledger.create_numbered(experiment.name, document, started_at, about)
    else:
        writer = ledger.create(name, document, started_at, about)
    _Drive(experiment, ledger, writer, Recovery({}, ()), observe).go()
    return writer.run


def resume(run: str, ledger_url: str, *, observe: Observe = _ignore) -> None:
    """Go on with a run whose driver was killed or interrupted.

    Raises:
        NassimError: There is no such run, it has finished, or as for `execute`.
    """
    ledger = Ledger(ledger_url)
    record = ledger.run(run)
    if record.status == "finished":
        raise NassimError(f"run {run} has finished; there is nothing to resume. `nassim report {run}` shows it")
    experiment = Experiment.model_validate(record.experiment).model_copy(update={"ledger": ledger_url})
    writer = ledger.resume(run, aside=_folder(experiment, run))
    recovery = recover(ledger.frame(run), {finding.search for finding in ledger.findings(run)})
    _Drive(experiment, ledger, writer, recovery, observe).go()


def _check(experiment: Experiment) -> None:
    """Make every part once, so that what can't be made is found before a run is entered."""
    parts = Parts(experiment, Path())
    for spec in experiment.searches:
        make_sampler(spec.sampler.name, 0, spec.sampler.parameters, parts.space.domain)
        make_pruner(spec.pruner.name, spec.pruner.parameters, experiment.training.epochs)


def _folder(experiment: Experiment, run: str) -> Path:
    return Path(experiment.checkpoint.folder).resolve() / run


def _budget(limits: Limits) -> Budget:
    return Budget(**limits.model_dump())


class _Drive:
    """One driver's share of a run."""

    def __init__(
        self, experiment: Experiment, ledger: Ledger, writer: Writer, recovery: Recovery, observe: Observe
    ) -> None:
        self._experiment = experiment
        self._folder = _folder(experiment, writer.run)
        self._parts = Parts(experiment, self._folder)
        self._ledger = ledger
        self._writer = writer
        self._recovery = recovery
        self._observe = observe
        self._executor = make_executor(experiment)
        self._books = Books(writer, self._executor)
        self._storage = writer.storage()
        self._spent = Spent()
        self._spent_on = {search.name: Spent() for search in experiment.searches}
        self._loop: SearchLoop | None = None
        self._stopping = False

    def go(self) -> None:
        """Drive the run to its end, or as far as it goes, and close its books."""
        try:
            with self._executor, self._stopped_by_signals():
                self._executor.start(self._parts.factory, at_s=self._writer.clock_s)
                self._books.open(platform.node())
                status = "failed"
                try:
                    status = self._searches()
                except KeyboardInterrupt:
                    status = "interrupted"
                finally:
                    self._close(status)
        except LedgerUnavailable as error:
            path = self._writer.save_aside(self._folder)
            raise NassimError(
                f"{error}. What is not written is saved in {path}; when the database is back, "
                f"`nassim resume {self._writer.run}` takes it in"
            ) from error

    def _searches(self) -> str:
        """Run what is not finished yet, and return how the run ends."""
        self._take_up_spent()
        self._books.write_off(self._recovery.lost, "its driver was killed")
        found = {finding.search for finding in self._ledger.findings(self._writer.run)}
        names = tuple(spec.name for spec in self._experiment.searches)
        self._tell(RunStarted, self._writer.run, names, self._executor.capacity, self._ledger.url)
        for spec in self._experiment.searches:
            if spec.name in found:
                continue
            search = self._make(spec)
            candidate = self._search(spec, search)
            if candidate is not None:
                self._final(spec, search, candidate)
            if self._stopping:
                return "interrupted"
            if self._overall.reached():
                return "stopped"
        return "finished"

    @property
    def _overall(self) -> Allowance:
        return Allowance(((_budget(self._experiment.budget), self._spent),))

    def _make(self, spec: SearchSpec) -> Search:
        """Make a search from what the experiment says of it."""
        experiment, space, evaluator = self._experiment, self._parts.space, self._parts.evaluators[spec.name]
        parameters = dict(spec.sampler.parameters)
        if spec.sampler.name == "reinforce" and evaluator.learn_trials is not None:
            parameters = {"batch": evaluator.batch, "learn_trials": evaluator.learn_trials} | parameters
        sampler = make_sampler(
            spec.sampler.name, derive_seed(experiment.seed, "sampler", spec.name), parameters, space.domain
        )
        study = optuna.create_study(
            storage=self._storage,
            study_name=f"{self._writer.run}/{spec.name}",
            direction="maximize",
            sampler=sampler,
            pruner=make_pruner(spec.pruner.name, spec.pruner.parameters, experiment.training.epochs),
            load_if_exists=True,
        )
        trials = evaluator.trials or spec.trials or 0
        at_most = trials_at_most(sampler)
        draw = getattr(sampler, "draw", None)
        return Search(
            name=spec.name,
            seed=experiment.seed,
            space=space,
            evaluator=evaluator,
            study=study,
            draw=(lambda n, seed: draw(study, n, seed, space.domain.walk)) if draw else None,
            trials=trials if at_most is None else min(trials, at_most),
            prunes=spec.pruner.name != "none",
            reuse=spec.duplicates == "reuse",
            retries=experiment.retries,
            trial_timeout_s=spec.trial_timeout_s,
            checkpoint=self._checkpoint if experiment.checkpoint.every else None,
            checkpoint_every=experiment.checkpoint.every or 1,
        )

    def _checkpoint(self, job_id: str) -> str:
        return str(self._folder / "checkpoints" / f"{job_id.replace('/', '-')}.pt")

    def _search(self, spec: SearchSpec, search: Search) -> Candidate | None:
        """Run a search; return what it found, or None where it was stopped before."""
        spent = self._spent_on[spec.name]
        self._books.account = Account(spec.name, Stage.SEARCH, (self._spent, spent))
        allowance = Allowance((*self._overall.items, (_budget(spec.budget), spent)))
        loop = self._begin(search, allowance)
        self._tell(SearchStarted, spec.name, spec.evaluator.kind, spec.sampler.name, search.trials, spent.trials)
        loop.run(self._recovery.points)
        values, reason = loop.trials.values, str(loop.overrun or ("interrupted" if self._stopping else "trials"))
        trial = search.evaluator.choose(values) if values and not self._stopping else None
        self._tell(SearchEnded, spec.name, reason, trial, None if trial is None else values[trial])
        if self._stopping or self._overall.reached():
            return None
        if trial is None:
            raise NassimError(f"search {spec.name} found nothing: none of its {spent.trials} trials is complete")
        return Candidate(loop.trials.architectures[trial], trial, derive_seed(self._experiment.seed, "final"))

    def _final(self, spec: SearchSpec, search: Search, found: Candidate) -> None:
        """Train what a search found by the final schedule, test it, and post the finding."""
        evaluator = self._parts.finals[spec.name]
        candidate = replace(found, trial=None)
        self._books.account = Account(spec.name, Stage.FINAL, (self._spent,))
        loop = self._begin(replace(search, evaluator=evaluator), self._overall)
        metrics = loop.run_alone(lambda first: evaluator.plan([candidate], first), self._recovery.points)
        if not metrics:
            return
        profile = self._parts.space.profile(candidate.architecture)
        self._writer.found(
            Finding(
                search=spec.name,
                trial=found.trial,
                architecture=candidate.architecture,
                params=profile.params,
                forward_flop=profile.forward_flop,
                backward_flop=profile.backward_flop,
                samples=sum(work.samples for work in evaluator.plan([candidate]).planned if work.backward_flop),
                seed=candidate.seed,
                metrics=metrics,
                overcounted_flop=profile.overcounted_flop,
            )
        )
        self._books.settle()
        self._tell(FinalEnded, spec.name, metrics)

    def _begin(self, search: Search, allowance: Allowance) -> SearchLoop:
        self._loop = SearchLoop(search, self._executor, self._books, allowance, self._observe)
        self._loop.stopping = self._stopping
        return self._loop

    def _take_up_spent(self) -> None:
        """Begin with what earlier drivers have spent, so that budgets hold over resumes."""
        self._spent.wall_s = self._writer.clock_s
        totals = self._ledger.totals(self._writer.run, by=("search", "stage", "worker"))
        for row in totals.to_dict("records"):
            flop = int(row["forward_flop"] + row["backward_flop"])
            device_s = 0.0 if row["worker"] == DRIVER else float(row["seconds"])
            self._spent.add(flop, device_s)
            if row["stage"] == Stage.SEARCH and row["search"] in self._spent_on:
                spent = self._spent_on[row["search"]]
                spent.add(flop, device_s)
                spent.wall_s += float(row["seconds"]) if row["worker"] == DRIVER else 0.0
        trials = self._ledger.trials(self._writer.run)
        for name in trials.loc[trials["outcome"] != "open", "search"]:
            self._spent.trials += 1
            self._spent_on[name].trials += 1

    def _close(self, status: str) -> None:
        for event in self._executor.close():
            self._books.post(event)
        self._books.close()
        self._writer.close(status)
        self._tell(RunEnded, self._writer.run, status == "finished")

    def _tell(self, notice: type[Notice], first: str, *rest: object) -> None:
        """Tell the observer; every notice has what it is about first and the clock second."""
        self._observe(notice(first, self._executor.now_s(), *rest))  # type: ignore[arg-type]

    @contextmanager
    def _stopped_by_signals(self) -> Iterator[None]:
        """On the first SIGINT or SIGTERM stop in good order, on the second at once."""

        def on_signal(number: int, frame: FrameType | None) -> None:
            if self._stopping:
                raise KeyboardInterrupt
            self._stopping = True
            if self._loop is not None:
                self._loop.stopping = True
            self._tell(Warned, "stopping: running jobs end at their next report; once more stops at once")

        if threading.current_thread() is not threading.main_thread():
            yield
            return
        before = {number: signal.signal(number, on_signal) for number in (signal.SIGINT, signal.SIGTERM)}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)
