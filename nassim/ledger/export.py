"""Export: a run's Optuna studies, copied into an ordinary Optuna storage."""

from typing import TYPE_CHECKING

from sqlalchemy.exc import ArgumentError, DBAPIError

from nassim.errors import NassimError
from nassim.ledger.credentials import without_credentials

if TYPE_CHECKING:
    from optuna.storages import BaseStorage


def export_studies(storage: "BaseStorage", url: str) -> list[str]:
    """Copy all studies of a storage into another and return their names.

    Args:
        storage: As `Ledger.storage` returns it.
        url: Where to, for example `sqlite:///studies.db`.

    Raises:
        NassimError: There can be no Optuna storage at that URL, or it has a study of one of these names.
    """
    import optuna

    shown = without_credentials(url)
    try:
        target = optuna.storages.get_storage(url)
        taken = {summary.study_name for summary in optuna.get_all_study_summaries(target)}
    except (ArgumentError, DBAPIError, ImportError) as error:
        reason = without_credentials(str(error).partition("\n")[0].rstrip("."))
        raise NassimError(
            f"there can be no Optuna storage at {shown}: {reason}. Wanted: sqlite:///FILE or "
            "postgresql+psycopg://USER:PASSWORD@HOST/DATABASE"
        ) from None
    names = optuna.get_all_study_names(storage)
    twice = sorted(taken.intersection(names))
    if twice:
        raise NassimError(f"{shown} has the study {twice[0]!r} already; delete it there, or export elsewhere")
    for name in names:
        optuna.copy_study(from_study_name=name, from_storage=storage, to_storage=target)
    return names
