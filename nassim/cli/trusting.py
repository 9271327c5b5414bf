"""Trusting: resuming a run imports its search space, which the ledger names."""

import sys

import typer

from nassim.errors import Interrupted, shorten
from nassim.ledger.records import RunRecord
from nassim.space.sources import LONGEST_DOUBT, code_of, doubt


def opening(record: RunRecord) -> str:
    """Return what is said before a run is gone on with: also where its space is loaded from."""
    origin = shorten(code_of(record.space).origin, LONGEST_DOUBT)
    return f"going on with run {record.name}, its space is loaded from {origin}"


def is_trusted(record: RunRecord) -> bool:
    """Ask whether code is run that may not be what a run began with, where there is doubt and somebody to ask.

    Raises:
        Interrupted: A signal came instead of an answer.
    """
    doubted = doubt(record.space, record.about.get("code"))
    if doubted is None or not (sys.stdin.isatty() and sys.stdout.isatty()):
        return False
    try:
        return typer.confirm(f"Run {record.name}: {doubted}. Resuming runs that code. Go on?")
    except typer.Abort as abort:
        if isinstance(abort.__context__, Interrupted):
            raise abort.__context__ from None
        return False
