"""Run: one execution of an experiment, from its first lease to its closed books."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from nassim.run.running import execute, resume

__all__ = ["execute", "resume"]


def __getattr__(name: str) -> Any:
    """Import what drives a run when it is asked for: workers need `nassim.run.make` alone, and no ledger."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from nassim.run import running

    return getattr(running, name)
