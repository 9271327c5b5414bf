"""Printing: to a terminal with its width and colours, to a file as plain lines."""

import errno
import os

from rich.console import Console, RenderableType

LOG_WIDTH = 100
"""Columns of what isn't printed to a terminal."""


class _Output(Console):
    """A console that raises where its reader has gone away; rich would end the program."""

    def on_broken_pipe(self) -> None:
        raise BrokenPipeError(errno.EPIPE, os.strerror(errno.EPIPE))


def console() -> Console:
    """Return a console on standard output. It shows text as it is: "[b]" or ":car:" in a name means nothing."""
    terminal = _Output(highlight=False, markup=False, emoji=False)
    if terminal.is_terminal:
        return terminal
    return _Output(highlight=False, markup=False, emoji=False, width=LOG_WIDTH, no_color=True)


def width() -> int:
    """Return how many columns there are."""
    return console().width


def print_plainly(*parts: RenderableType) -> None:
    """Print; where no terminal reads, without the spaces that fill up lines."""
    target = console()
    if target.is_terminal:
        target.print(*parts, sep="\n")
        return
    with target.capture() as captured:
        target.print(*parts, sep="\n")
    print("\n".join(line.rstrip() for line in captured.get().splitlines()), flush=True)
