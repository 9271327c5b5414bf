"""Reporting: watches a run to its end and prints its report, whatever it has come to."""

import sys
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

import typer

from nassim.errors import Interrupted, NassimError

if TYPE_CHECKING:
    from nassim.notices import Notice, Observe

FAILED = 1
"""The exit status of a run that came to less than it was to."""


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
