"""Model: lists the models that runs have saved, and hands one over."""

from pathlib import Path

from rich.table import Table
from rich.text import Text

from nassim import units
from nassim.cli.printing import print_plainly
from nassim.ledger.store import Ledger
from nassim.models.bundle import write_bundle
from nassim.models.shelf import ShelvedModel, find_model, shelved_models


def list_models(ledger_url: str, run: str | None) -> None:
    """Print the models that a run has saved, or all runs.

    Raises:
        NassimError: There is no ledger or no such run.
    """
    models = shelved_models(Ledger.open(ledger_url), run)
    if not models:
        print("no search has found a model yet" if run is None else f"no search of run {run} has found a model yet")
        return
    table = Table("model", "architecture", box=None, pad_edge=False)
    for title in ("parameters", "on test data", "size"):
        table.add_column(title, justify="right", no_wrap=True)
    for model in models:
        table.add_row(*map(Text, _cells(model)))
    print_plainly(table, "\n`nassim model MODEL -o DIR` writes one to a folder, with all it takes to use it.")


def _cells(model: ShelvedModel) -> tuple[str, ...]:
    finding = model.finding
    metric = next((f"{name} {value:.4f}" for name, value in finding.metrics.items()), "")
    size = "not there" if model.bytes is None else units.amount(model.bytes, "B")
    return model.name, finding.architecture_id, f"{finding.params:,}", metric, size


def hand_over(ledger_url: str, name: str | None, target: str, *, force: bool, onnx: bool) -> None:
    """Write a model to a folder and say how it is loaded.

    Raises:
        NassimError: There is no such model, or it can't be written there.
    """
    model = find_model(Ledger.open(ledger_url), name)
    write_bundle(model.file, Path(target), force=force, onnx=onnx)
    print(f"{target} has the model {model.name}. In Python:")
    print(f"import nassim; model = nassim.load_model({target!r})")
