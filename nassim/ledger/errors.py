"""What can go wrong with a ledger in a way that its caller may want to handle."""

from nassim.errors import NassimError


class LedgerFault(NassimError):  # noqa: N818, a state of the database rather than an error of the program
    """The ledger can't be used. What was buffered is kept, and can be saved aside."""


class LedgerUnavailable(LedgerFault):
    """The database is locked, away or full. Committing again later writes what was buffered."""


class LedgerDamaged(LedgerFault):
    """What is in the ledger is not what nassim writes."""


class LedgerGone(LedgerFault):
    """The ledger's file was deleted or replaced while it was written."""


class RunTakenOver(NassimError):  # noqa: N818
    """Another driver has resumed the run, so this one may not post to it any more."""


class RunNameTaken(NassimError):  # noqa: N818
    """A run of that name is in the ledger already."""
