"""Errors meant for the person at the keyboard."""


class NassimError(Exception):
    """Something the user can put right; the message says what was found, what is allowed and what to do.

    The command line prints the message alone, without a traceback, and exits with status 2; with 1 where a run had
    begun, whose report it prints before.
    """


class StorageFault(NassimError):  # noqa: N818, a state of the machine rather than an error of the program
    """A disk is full, a folder can't be reached or written. What was to be written has not to do with it."""
