"""Lease: a worker's device, held from one moment to another."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Lease:
    """A device that a worker holds from `opened_s` until the ledger is told of its release.

    Attributes:
        worker: Id of the worker; at most one lease of a worker is open at a time.
        node: Name of the machine.
        device: What it computes on, for example "gpu: NVIDIA H200".
        processors: How many processors it holds: CPU threads, or GPUs.
        opened_s: When it began, on the run's clock.
        peak_flop_per_s: Peak rate of one processor in FLOP/s; None where it is unknown.
        peak_source: "catalogue" or "measured"; None where the rate is unknown.
    """

    worker: str
    node: str
    device: str
    processors: float
    opened_s: float
    peak_flop_per_s: float | None = None
    peak_source: str | None = None
