"""Serving: a run's studies in optuna-dashboard."""

from queue import SimpleQueue
from threading import Thread

from nassim.errors import NassimError
from nassim.ledger.store import Ledger


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
