"""What can go wrong with a ledger in a way that its caller may want to handle."""

from nassim.errors import NassimError


class LedgerUnavailable(NassimError):  # noqa: N818, a state of the database rather than an error of the program
    """The database is locked, gone or full. What was buffered is kept; committing again later writes it."""


class RunTakenOver(NassimError):  # noqa: N818
    """Another driver has resumed the run, so this one may not post to it any more."""


class RunNameTaken(NassimError):  # noqa: N818
    """A run of that name is in the ledger already."""
