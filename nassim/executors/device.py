"""What a worker computes on: its name, its processors, and their peak rate."""

import fcntl
import json
import os
import platform
import socket
import sys
import tempfile
import time
from dataclasses import asdict, dataclass
from hashlib import blake2b
from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from nassim.executors.clock import stamp
from nassim.hardware.catalogue import load_catalogue
from nassim.hardware.machine import peak_flop_per_s
from nassim.hardware.saved import saved_machine
from nassim.ledger.entry import Worker

UNKNOWN = "unknown"
"""The device of a worker that was given back before it could say what it computes on."""
GOOD_FOR_S = 86_400.0
"""How long a measured rate is used again on the same machine."""


def available_threads() -> int:
    """Return how many threads a process should compute with if nobody says: OMP_NUM_THREADS, or a thread per CPU."""
    wanted = os.environ.get("OMP_NUM_THREADS", "")
    return int(wanted) if wanted.isdecimal() and int(wanted) else len(os.sched_getaffinity(0))


def set_threads(threads: int) -> None:
    """Let this process compute with so many threads, also in libraries that it loads later."""
    for variable in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
        os.environ[variable] = str(threads)
    if torch := sys.modules.get("torch"):
        torch.set_num_threads(threads)


def this_worker(worker_id: str, threads: int, gpus: float = 0.0) -> Worker:
    """Describe this process as a worker: its machine, its device and the device's peak rate in float32.

    The rate is the catalogue's for a device that it lists. For another it is measured, as that of a large matrix
    product with the precision that torch is set to: by `nassim calibrate`, or else now, once per machine, device and
    number of threads, by one process at a time, and used again for a day. A process that hasn't loaded torch computes
    nothing with it, and an unmeasured rate stays unknown.

    Args:
        worker_id: Its id.
        threads: CPU threads that it owns.
        gpus: GPUs that it owns, possibly a share of one; 0 for a process that computes on the CPU.
    """
    device = device_name(gpu=bool(gpus))
    rate, source = _peak_flop_per_s(device, threads, gpus)
    return Worker(worker_id, socket.gethostname(), device, gpus or float(threads), rate, source)


def device_name(gpu: bool) -> str:
    """Return what this machine's processor, or its first GPU that torch sees, calls itself, after what it is."""
    if not gpu:
        return f"cpu: {_cpu_model()}"
    import torch

    return f"gpu: {torch.cuda.get_device_name(0)}"


def _peak_flop_per_s(device: str, threads: int, gpus: float) -> tuple[float | None, str | None]:
    """Return the peak rate of one processor, and where it is from."""
    listed = load_catalogue().recognise(device)
    rate = listed.peak_flop_per_s().value if listed else None
    if rate is not None:
        return rate, "catalogue"
    # A share of a GPU measures the whole one; several threads measure together what one of them does.
    together = 1 if gpus else threads
    if machine := saved_machine(device, together):
        return machine.peak_flop_per_s / together, "measured"
    if "torch" not in sys.modules:
        return None, None
    measured = _remembered_rate(device, "cuda") if gpus else _remembered_rate(f"{device} x {threads}", "cpu")
    return measured / together, "measured"


def _cpu_model() -> str:
    try:
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    except OSError:
        pass
    return platform.processor() or platform.machine()


def _remembered_rate(key: str, device: str) -> float:
    """Return the device's rate in FLOP/s, measured now or lately on this machine.

    Where nothing can be kept or what is kept can't be read, it is measured.
    """
    try:
        return _kept_rate(key, device)
    except OSError:
        return peak_flop_per_s(stamp, device)


def _kept_rate(key: str, device: str) -> float:
    folder = Path(tempfile.gettempdir()) / f"nassim-{os.getuid()}"
    folder.mkdir(mode=0o700, exist_ok=True)
    with (folder / f"peak-{blake2b(key.encode(), digest_size=6).hexdigest()}.json").open("ab+") as file:
        # Workers start together; measuring together they would measure each other.
        fcntl.flock(file, fcntl.LOCK_EX)
        file.seek(0)
        known = _read_measured(file.read())
        if known and known.key == key and 0 <= time.time() - known.unix_s < GOOD_FOR_S:
            return known.flop_per_s
        measured = _Measured(key, peak_flop_per_s(stamp, device), time.time())
        file.truncate(0)
        file.write(json.dumps(asdict(measured)).encode())
        return measured.flop_per_s


@dataclass(frozen=True, slots=True)
class _Measured:
    key: str
    flop_per_s: float
    unix_s: float


def _read_measured(text: bytes) -> _Measured | None:
    try:
        return TypeAdapter(_Measured).validate_json(text, strict=True)
    except ValidationError:
        return None
