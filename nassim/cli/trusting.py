"""Trusting: resuming a run imports its search space, and other parts of one's own, which the ledger names."""

import sys

import typer

from nassim.errors import Interrupted, shorten
from nassim.ledger.records import RunRecord
from nassim.run.code import doubts, origins
from nassim.sources import LONGEST_DOUBT


def opening(record: RunRecord) -> str:
    """Return what is said before a run is gone on with: also where its space and parts of one's own are loaded from."""
    return f"going on with run {record.name}, {shorten(origins(record), LONGEST_DOUBT)}"


def is_trusted(record: RunRecord) -> bool:
    """Ask whether code is run that may not be what a run began with, where there is doubt and somebody to ask.

    Raises:
        Interrupted: A signal came instead of an answer.
    """
    doubted = doubts(record)
    if doubted is None or not (sys.stdin.isatty() and sys.stdout.isatty()):
        return False
    try:
        return typer.confirm(f"Run {record.name}: {doubted}. Resuming runs that code. Go on?")
    except typer.Abort as abort:
        if isinstance(abort.__context__, Interrupted):
            raise abort.__context__ from None
        return False
