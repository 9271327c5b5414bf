"""Beginning a run, and going on with one."""

import platform
from importlib.metadata import version
from pathlib import Path

from nassim.errors import NassimError
from nassim.executors.clock import Clock, utc_now
from nassim.experiment.model import Experiment
from nassim.hardware.meters import find_meter
from nassim.ledger.store import Ledger
from nassim.notices import Notice, Observe, Warned
from nassim.parts import Parts
from nassim.run.arm import check_arm
from nassim.run.drive import Drive
from nassim.run.pricing import check_site, find_rates
from nassim.search.rates import Rates
from nassim.search.recovery import Recovery, recover

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
        name: The run's name; by default the experiment's with a number.
        observe: Is told how it goes on.
        strict: Whether a budget is refused that needs a number nobody gave; otherwise it is assumed, with a warning.
        since_s: Seconds that the command has taken before this call, which are the run's too.

    Raises:
        NassimError: A part of the experiment can't be made; the name is taken; no worker can be had; the ledger stayed
            away; a search has come to nothing, after the others have come to their end.
    """
    clock = Clock(since_s)
    rates = _check(experiment, strict, observe)
    folder = str(Path(experiment.checkpoint.folder).resolve())
    experiment = experiment.model_copy(
        update={"checkpoint": experiment.checkpoint.model_copy(update={"folder": folder})}
    )
    ledger = Ledger(experiment.ledger)
    document, started_at = experiment.model_dump(mode="json"), utc_now()
    meter, missing = find_meter()
    about = {"nassim": version("nassim"), "python": platform.python_version(), "host": platform.node()}
    about["energy"] = "; ".join((f"measured: {', '.join(meter.read_j())}" if meter else "not measured", *missing))
    if name is None:
        writer = ledger.create_numbered(experiment.name, document, started_at, about)
    else:
        writer = ledger.create(name, document, started_at, about)
    Drive(experiment, ledger, writer, Recovery(), _folder(experiment, writer.run), observe, clock, rates).go()
    return writer.run


def resume(
    run: str, ledger_url: str, *, observe: Observe = _ignore, strict: bool = False, since_s: float = 0.0
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

    Raises:
        NassimError: There is no such run, it has finished or used up its budget, or as for `execute`.
    """
    began = Clock(since_s)
    ledger = Ledger(ledger_url)
    record = ledger.run(run)
    if record.status in OVER:
        raise NassimError(f"run {run} {OVER[record.status]}. `nassim report {run}` shows it")
    experiment = Experiment.model_validate(record.experiment).model_copy(update={"ledger": ledger_url})
    folder, rates = _folder(experiment, run), _rates(experiment, strict, observe)
    writer = ledger.resume(run, aside=folder)
    recovery = recover(ledger, run, writer.clock_s, rates)
    clock = Clock(writer.clock_s + began.now_s())
    Drive(experiment, ledger, writer, recovery, folder, observe, clock, rates).go()


def _check(experiment: Experiment, strict: bool, observe: Observe) -> Rates | None:
    """Make every part once, so that what can't be made is found before a run is entered; return the rates."""
    check_site(experiment)
    parts = Parts(experiment, Path())
    for spec in experiment.searches:
        check_arm(parts, spec)
    return _rates(experiment, strict, observe)


def _rates(experiment: Experiment, strict: bool, observe: Observe) -> Rates | None:
    return find_rates(experiment, strict, lambda message: observe(Warned(message, 0.0)))


def _folder(experiment: Experiment, run: str) -> Path:
    return Path(experiment.checkpoint.folder) / run
