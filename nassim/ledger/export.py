"""Export: a run's Optuna studies, copied into an ordinary Optuna storage."""

from typing import TYPE_CHECKING

from sqlalchemy.exc import ArgumentError, DBAPIError

from nassim.errors import NassimError
from nassim.ledger.credentials import without_credentials

if TYPE_CHECKING:
    from optuna.storages import BaseStorage


def export_studies(storage: "BaseStorage", run: str, url: str) -> list[str]:
    """Copy all studies of a run into another storage, each as `run/search`, and return their names there.

    Args:
        storage: As `Ledger.storage` returns it.
        run: The run's name.
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
    # Runs of nassim 0.1.0 have their names in those of their studies.
    names = {name: f"{run}/{name.removeprefix(f'{run}/')}" for name in optuna.get_all_study_names(storage)}
    twice = sorted(taken.intersection(names.values()))
    if twice:
        raise NassimError(f"{shown} has the study {twice[0]!r} already; delete it there, or export elsewhere")
    for name, there in names.items():
        optuna.copy_study(from_study_name=name, from_storage=storage, to_storage=target, to_study_name=there)
    return list(names.values())
