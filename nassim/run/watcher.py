"""Watcher: whoever watches a run, whose failures are not the run's."""

import sys
from contextlib import suppress

from nassim.notices import Notice, Observe


class Watcher:
    """Passes notices on. What goes wrong there is noted on standard error, once, and the run goes on.

    A pipe's reader may have gone away, a disk may be full that the log is on.
    """

    def __init__(self, observe: Observe) -> None:
        self._observe = observe
        self._noted = False

    def __call__(self, notice: Notice) -> None:
        """Pass a notice on."""
        try:
            self._observe(notice)
        except Exception as error:  # noqa: BLE001, whatever an observer raises, nothing depends on it
            if not self._noted:
                self._noted = True
                with suppress(OSError):
                    reason = f"{type(error).__name__}: {error}"
                    print(f"nassim: the run's progress can't be shown ({reason}); the run goes on", file=sys.stderr)
