"""Interrupting: Ctrl-C and SIGTERM end a command with one line, whatever it is at."""

import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import TYPE_CHECKING

from nassim.cli.output import note
from nassim.errors import SIGNALS, Interrupted

if TYPE_CHECKING:
    from sys import UnraisableHookArgs

AGAIN_S = 0.01
"""How long after it was dropped an interrupt is raised again."""


@contextmanager
def interruptible() -> Iterator[None]:
    """Let either signal raise Interrupted here; a second one, or one that comes later, ends the process by itself.

    Raises:
        SystemExit: One came.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = sys.unraisablehook

    def on_unraisable(dropped: "UnraisableHookArgs") -> None:
        """Raise again, a moment later, what Python has to drop where it runs the end of an object, say."""
        if isinstance(dropped.exc_value, Interrupted):
            number = dropped.exc_value.number
            signal.signal(signal.SIGALRM, lambda _, frame: _interrupt(number, frame))
            signal.setitimer(signal.ITIMER_REAL, AGAIN_S)
        else:
            before(dropped)

    sys.unraisablehook = on_unraisable
    _handle(_interrupt)
    try:
        yield
    except Interrupted as error:
        sys.exit(tell(error))
    finally:
        _handle(signal.SIG_DFL)
        sys.unraisablehook = before


def tell(error: Interrupted) -> int:
    """Say that a signal ended the command, and return the exit status."""
    note("; ".join((str(error), *getattr(error, "__notes__", ()))))
    return error.status


def _interrupt(number: int, frame: FrameType | None) -> None:
    _handle(signal.SIG_DFL)
    raise Interrupted(number)


def _handle(handler: Callable[[int, FrameType | None], None] | signal.Handlers) -> None:
    for number in SIGNALS:
        signal.signal(number, handler)
