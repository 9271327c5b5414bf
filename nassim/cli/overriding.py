"""Overriding: what the command line says instead of the experiment file."""

from typing import Any

from nassim.errors import NassimError
from nassim.experiment import Experiment
from nassim.experiment.model import Ray


def override(
    experiment: Experiment, *, ledger: str | None, workers: int | None, address: str | None, seed: int | None
) -> Experiment:
    """Return the experiment with what is given in place of what the file says.

    Raises:
        NassimError: Workers or an address are given for an experiment that runs inline.
    """
    changes: dict[str, Any] = _given(ledger=ledger, seed=seed)
    of_executor = _given(workers=workers, address=address)
    if of_executor and not isinstance(experiment.executor, Ray):
        options = " and ".join(f"--{name}" for name in of_executor)
        raise NassimError(
            f"{options} given, but experiment {experiment.name!r} runs {experiment.executor.kind}; set "
            "executor.kind to ray in its file"
        )
    if of_executor:
        changes["executor"] = experiment.executor.model_copy(update=of_executor)
    return experiment.model_copy(update=changes)


def _given(**values: Any) -> dict[str, Any]:
    return {name: value for name, value in values.items() if value is not None}
