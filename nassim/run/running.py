"""Beginning a run, and going on with one."""

import platform
from importlib.metadata import version
from pathlib import Path
from typing import Any

from nassim.errors import Interrupted, NassimError, users_code
from nassim.executors.base import Executor
from nassim.executors.clock import Clock, utc_now
from nassim.experiment.loading import recorded_experiment
from nassim.experiment.model import Experiment
from nassim.folder import RunFolder, claimed, folder_of
from nassim.hardware.meters import find_meter
from nassim.hardware.saved import saved_machines
from nassim.ledger.errors import RunNameTaken
from nassim.ledger.store import Ledger
from nassim.ledger.takeover import check_name, run_stem
from nassim.ledger.writer import Writer
from nassim.notices import Notice, Observe, Warned
from nassim.run.checking import check_code, check_parts, check_unchanged
from nassim.run.code import record_code
from nassim.run.drive import Drive
from nassim.run.failing import told
from nassim.run.make import make_executor
from nassim.run.pricing import check_site, find_rates
from nassim.run.watcher import Watcher
from nassim.search.recovery import Recovery, recover
from nassim.search.spending import Rates, Spending
from nassim.search.stopping import STOPPING, Stopping
from nassim.space import changes
from nassim.space.domain import Domain

OVER = {
    "finished": "has finished; there is nothing to resume",
    "stopped": "was stopped by its experiment's budget, which holds over resumes; there is nothing to resume",
}
"""What is said of runs that can't be gone on with, by their status."""


def _ignore(notice: Notice) -> None:
    """Watch nothing."""


def execute(
    experiment: Experiment,
    *,
    name: str | None = None,
    observe: Observe = _ignore,
    strict: bool = False,
    since_s: float = 0.0,
) -> str:
    """Run an experiment and return the run's name.

    Everything that can be checked beforehand is, before anything is started or written. How the run ended is in the
    ledger: finished, interrupted (by Ctrl-C or SIGTERM, see `nassim.search.stopping`) or stopped by a budget.

    Args:
        experiment: What to run.
        name: The run's name; by default the experiment's, as far as runs can be named so, with a number.
        observe: Is told how it goes on. The run goes on though it should fail.
        strict: Whether a budget is refused that needs a number nobody gave; otherwise it is assumed, with a warning.
        since_s: Seconds that the command has taken before this call, which are the run's too.

    Raises:
        NassimError: A part of the experiment or the run's folder can't be made; the name is taken; no worker can be
            had; the ledger stayed away; a search has come to nothing, after the others have come to their end.
        Interrupted: It was asked to stop before the run was entered.
    """
    clock, observe = Clock(since_s), Watcher(observe)
    ledger = Ledger(experiment.ledger)
    ledger.check_lasting()
    check_site(experiment)
    saved_machines()  # workers on this machine look theirs up
    with users_code(_before_it_began):
        domain = check_parts(experiment, observe)
    rates = _rates(experiment, strict, observe)
    root = str(Path(experiment.checkpoint.folder).resolve())
    experiment = experiment.model_copy(update={"checkpoint": experiment.checkpoint.model_copy(update={"folder": root})})
    executor, stopping = make_executor(experiment), Stopping()
    with stopping.by_signals(), executor:
        _connect(executor, stopping, observe, clock)
        writer, folder = _enter(experiment, domain, ledger, name, executor.simulated)
        recovery = Recovery(spending=Spending(rates))
        Drive(experiment, ledger, writer, recovery, folder, executor, observe, stopping, clock).go()
    return writer.run


def _connect(executor: Executor, stopping: Stopping, observe: Observe, clock: Clock) -> None:
    """Reach Ray, which takes seconds.

    Raises:
        Interrupted: The run was asked to stop, and nothing of it is on the ledger that would have to be closed.
    """
    answering = stopping.answering(lambda: observe(Warned(STOPPING, clock.now_s())))
    with users_code(_before_it_began), answering, stopping.interruptible():
        executor.connect()
    if stopping.asked:
        raise Interrupted(stopping.number)


def _enter(
    experiment: Experiment, domain: Domain, ledger: Ledger, name: str | None, simulated: bool
) -> tuple[Writer, RunFolder]:
    """Enter a new run, with a folder of its own; either both are there afterwards, or neither."""
    document, started_at = experiment.model_dump(mode="json"), utc_now()
    meter, missing = find_meter()
    about: dict[str, Any] = {"nassim": version("nassim"), "python": platform.python_version(), "host": platform.node()}
    about |= {"space": changes.record(domain), "simulated": simulated}
    about["energy"] = "; ".join((f"measured: {', '.join(meter.read_j())}" if meter else "not measured", *missing))
    root, code = Path(experiment.checkpoint.folder), record_code(document)
    while True:
        run = ledger.free_name(run_stem(experiment.name)) if name is None else name
        check_name(run)
        try:
            with claimed(root, run, started_at=started_at, ledger=ledger.url, nassim=about["nassim"]) as folder:
                whose = {"folder": folder.path.name, "identity": folder.identity, "code": code}
                return ledger.create(run, document, started_at, about | whose), folder
        except RunNameTaken:
            if name is not None:
                raise


def resume(
    run: str,
    ledger_url: str,
    *,
    observe: Observe = _ignore,
    strict: bool = False,
    since_s: float = 0.0,
    trust: bool = False,
) -> None:
    """Go on with a run whose driver was killed or interrupted, or that failed.

    What the ledger says is what there is: nothing on it is done again or booked twice. Jobs that were under way go on
    from their last checkpoint; what they had done since is booked as lost. The time in between is not billed. A driver
    of this run that still lives can't post any more.

    Args:
        run: Its name.
        ledger_url: Where it is.
        observe: Is told how it goes on.
        strict: As for `execute`.
        since_s: As for `execute`.
        trust: Whether the code of its space is run though it isn't what the run began with.

    Raises:
        NassimError: There is no such run, it has finished or used up its budget, its experiment is not valid any more,
            its space or the code of that is another than it was, or as for `execute`.
        Interrupted: It was asked to stop before the run was taken over.
    """
    began, observe = Clock(since_s), Watcher(observe)
    ledger = Ledger(ledger_url)
    record = ledger.run(run)
    if record.status in OVER:
        raise NassimError(f"run {run} {OVER[record.status]}. `nassim report {run}` shows it")
    if not trust:
        with ledger.understood():
            check_code(record)
    experiment = recorded_experiment(record.experiment, run).model_copy(update={"ledger": ledger_url})
    with users_code(_before_it_began):
        domain = check_parts(experiment, observe)
    with ledger.understood():
        check_unchanged(run, record.about.get("space"), domain)
    folder, rates = folder_of(record), _rates(experiment, strict, observe)
    folder.take_up()
    executor, stopping = make_executor(experiment), Stopping()
    with stopping.by_signals(), executor:
        _connect(executor, stopping, observe, began)
        writer = ledger.resume(run, aside=folder.path)
        recovery = recover(ledger, run, rates)
        clock = Clock(writer.clock_s + began.now_s())
        Drive(experiment, ledger, writer, recovery, folder, executor, observe, stopping, clock).go()


def _rates(experiment: Experiment, strict: bool, observe: Observe) -> Rates | None:
    return find_rates(experiment, strict, lambda message: observe(Warned(message, 0.0)))


def _before_it_began(error: BaseException) -> str:
    return f"a part of the experiment fails before anything is run: {told(error)}"
