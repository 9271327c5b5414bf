"""Running: what is run, on whose word, and how it is watched to its end and reported, whatever it has come to."""

import sys
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import typer

from nassim.errors import Interrupted, NassimError, shorten

if TYPE_CHECKING:
    from nassim.experiment import Experiment
    from nassim.ledger.records import RunRecord
    from nassim.notices import Notice, Observe

FAILED = 1
"""The exit status of a run that came to less than it was to."""


def override(
    experiment: "Experiment", *, ledger: str | None, workers: int | None, address: str | None, seed: int | None
) -> "Experiment":
    """Return the experiment with what is given in place of what the file says.

    Raises:
        NassimError: Workers or an address are given for an experiment that runs inline.
    """
    from nassim.experiment.model import RaySpec

    changes: dict[str, Any] = _given(ledger=ledger, seed=seed)
    of_executor = _given(workers=workers, address=address)
    if of_executor and not isinstance(experiment.executor, RaySpec):
        options = " and ".join(f"--{name}" for name in of_executor)
        raise NassimError(
            f"{options} given, but experiment {experiment.name!r} runs {experiment.executor.kind}; set "
            "executor.kind to ray in its file"
        )
    if of_executor:
        changes["executor"] = experiment.executor.model_copy(update=of_executor)
    return experiment.model_copy(update=changes)


def opening(record: "RunRecord") -> str:
    """Return what is said before a run is gone on with: also where its space and parts of one's own are loaded from."""
    from nassim.run.code import origins
    from nassim.sources import LONGEST_DOUBT

    return f"going on with run {record.name}, {shorten(origins(record), LONGEST_DOUBT)}"


def is_trusted(record: "RunRecord") -> bool:
    """Ask whether code is run that may not be what a run began with, where there is doubt and somebody to ask.

    Raises:
        Interrupted: A signal came instead of an answer.
    """
    from nassim.run.code import doubts

    doubted = doubts(record)
    if doubted is None or not (sys.stdin.isatty() and sys.stdout.isatty()):
        return False
    try:
        return typer.confirm(f"Run {record.name}: {doubted}. Resuming runs that code. Go on?")
    except typer.Abort as abort:
        if isinstance(abort.__context__, Interrupted):
            raise abort.__context__ from None
        return False


def follow(drive: "Callable[[Observe], None]", ledger: str, strict: bool, opening: str) -> None:
    """Watch a run and report it when it is over, also where it failed, with what succeeded before.

    Args:
        drive: Drives the run and tells an observer how it goes on.
        ledger: The ledger's URL.
        strict: As for `report`.
        opening: What is shown at once, before anything that takes seconds to load.

    Raises:
        NassimError: There is no run to report, for a mistake was found before it began.
        typer.Exit: The run failed or was interrupted.
        Interrupted: The command was, before the run began or after it was over.
    """
    from nassim.cli.watching import watch
    from nassim.notices import RunEnded, RunStarted

    begun: list[str] = []
    ended: list[RunEnded] = []
    failure: NassimError | None = None
    with watch(opening) as observe:

        def note(notice: "Notice") -> None:
            if isinstance(notice, RunStarted):
                begun.append(notice.run)
            if isinstance(notice, RunEnded):
                ended.append(notice)
            observe(notice)

        try:
            drive(note)
        except NassimError as error:
            if not begun:
                raise
            failure = error
    try:
        _end(begun[0], ledger, strict, failure, ended[0].signal if ended else None)
    except Interrupted as error:
        error.add_note(f"`nassim report {begun[0]}` shows what the run came to")
        raise


def _end(run: str, ledger: str, strict: bool, failure: NassimError | None, signal: int | None) -> None:
    """Report a run that is over, and exit with what became of it."""
    from nassim.cli.output import is_lost, let_go, note
    from nassim.ledger.store import Ledger

    status = ""
    try:
        status = report(run, ledger, strict=strict)
    except NassimError:
        if failure is None:
            raise
    except OSError as error:
        if not is_lost(error):
            raise
        let_go()
        note(f"the report can't be written: {error.strerror}; `nassim report {run}` shows it")
        status = Ledger.open(ledger).run(run).status
    if failure is not None:
        print(f"nassim: {failure}", file=sys.stderr)
        raise typer.Exit(FAILED)
    if status == "interrupted":
        print(f"\n`nassim resume {run}` goes on with it.")
    if signal is not None:
        raise typer.Exit(Interrupted(signal).status)


def report(
    run: str, ledger: str, *, as_json: bool = False, given: Mapping[str, str | None] | None = None, strict: bool = False
) -> str:
    """Print a run's report and return its status.

    Args:
        run: Its name.
        ledger: The ledger's URL.
        as_json: Whether to print JSON.
        given: What options say of the site; None where they say nothing.
        strict: Whether what nobody says of the site stays unknown.

    Raises:
        NassimError: There is no such run, the ledger can't be reached, or what is said of the site can't be found.
    """
    from nassim.cli.printing import print_plainly, width
    from nassim.ledger.store import Ledger
    from nassim.report.reading import read_run
    from nassim.report.text import render

    facts = read_run(Ledger.open(ledger), run, given, strict)
    if as_json:
        print(facts.to_json())
    else:
        print_plainly(render(facts, width()))
    return facts.status


def _given(**values: Any) -> dict[str, Any]:
    return {name: value for name, value in values.items() if value is not None}
