"""Results: what a run leaves to go on with, its models and its studies."""

from pathlib import Path
from queue import SimpleQueue
from threading import Thread

from rich.table import Table
from rich.text import Text

from nassim import units
from nassim.cli.printing import print_plainly
from nassim.errors import NassimError
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


def serve(run: str, ledger: str, port: int) -> None:
    """Show a run's studies in optuna-dashboard on this machine, until interrupted; live where the run goes on.

    Raises:
        NassimError: There is no such run, the port is taken, or optuna-dashboard is not installed.
    """
    try:
        from optuna_dashboard import run_server
    except ImportError as error:
        raise NassimError("optuna-dashboard is not installed; install nassim[dashboard]") from error
    storage = Ledger.open(ledger).storage(run)
    print(f"http://127.0.0.1:{port} shows run {run}; Ctrl-C ends it", flush=True)
    ended: SimpleQueue[BaseException] = SimpleQueue()

    def listen() -> None:
        try:
            run_server(storage, host="127.0.0.1", port=port)
        except BaseException as error:  # noqa: BLE001, it is raised where somebody hears of it
            ended.put(error)

    # In a thread of its own, for a server answers a request that a signal interrupts with an error, and goes on.
    Thread(target=listen, daemon=True).start()
    failure = ended.get()
    if not isinstance(failure, OSError):
        raise failure
    raise NassimError(f"port {port} can't be listened on: {failure.strerror}; choose another with --port") from failure
