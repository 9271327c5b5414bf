"""Measured joules: cumulative energy counters, one meter a node, split over the leases on it.

Counters are read when a period begins and when it ends, never polled, so a meter costs nothing while work runs and a
short trial still gets its share.
"""

import os
from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, final

from nassim.errors import NassimError

POWERCAP = Path("/sys/class/powercap")
"""Where the kernel shows RAPL's counters, unless the environment variable NASSIM_POWERCAP names another folder: inside
containers, which hide them, that is where the host's /sys is mounted besides."""


class Meter(ABC):
    """The energy counters of one node. Make one a node: two would count the same joules twice."""

    @abstractmethod
    def read_j(self) -> Mapping[str, float]:
        """Return the joules drawn by each part ("gpu:GPU-<uuid>", "cpu:package-0") since this meter was made.

        Never decreases. A part is measured once: nothing in one part is also in another.

        Raises:
            NassimError: A counter can't be read any more.
        """


def drawn_j(before: Mapping[str, float], after: Mapping[str, float]) -> float:
    """Return the joules that a node drew between two readings of its meter.

    Raises:
        NassimError: The readings are of different parts, or run backwards.
    """
    if before.keys() != after.keys():
        raise NassimError(f"readings of {sorted(before)} and {sorted(after)} can't be compared; read one meter twice")
    if any(after[part] < before[part] for part in before):
        raise NassimError("the second reading is lower than the first; pass the earlier reading first")
    return sum(after[part] - before[part] for part in before)


def split(joules: float, leased_s: Mapping[str, float]) -> dict[str, float]:
    """Split a node's joules over the leases on it, in proportion to their device-seconds.

    The shares add up to `joules`, so that trials side by side never count a joule twice, and a trial of any length
    gets its part. A node that nobody leased gives nothing to anybody.

    Args:
        joules: What the node drew in a period.
        leased_s: Device-seconds of each lease in that period.

    Raises:
        NassimError: A number is negative.
    """
    if joules < 0 or any(seconds < 0 for seconds in leased_s.values()):
        raise NassimError("joules and device-seconds to split are at least 0")
    held_s = sum(leased_s.values())
    if held_s == 0:
        return dict.fromkeys(leased_s, 0.0)
    return {lease: joules * seconds / held_s for lease, seconds in leased_s.items()}


@final
class RaplMeter(Meter):
    """Energy of the processor packages by RAPL, read from the Linux power-capping interface.

    Packages alone: their cores and caches are inside them, and memory, which is outside, has a counter of its own
    ("dram"), which is added. Counters wrap around at `max_energy_range_uj`, within minutes to hours on a busy server;
    read at least that often, each reading accounts for one wrap.

    Args:
        root: Where the kernel shows the counters; None for NASSIM_POWERCAP, or else POWERCAP.

    Raises:
        NassimError: There are no counters, or this user may not read them.
    """

    def __init__(self, root: Path | None = None) -> None:
        self._folders = _rapl_folders(root or Path(os.environ.get("NASSIM_POWERCAP") or POWERCAP))
        self._range_uj = {part: _read_uj(folder / "max_energy_range_uj") for part, folder in self._folders.items()}
        self._last_uj = self._counters()
        self._total_uj = dict.fromkeys(self._folders, 0)

    def _counters(self) -> dict[str, int]:
        return {part: _read_uj(folder / "energy_uj") for part, folder in self._folders.items()}

    def read_j(self) -> Mapping[str, float]:
        """Return the joules drawn by each package, and its memory, since this meter was made."""
        for part, now_uj in self._counters().items():
            passed_uj = now_uj - self._last_uj[part]
            # The counter runs from 0 to its range inclusive, so a wrap takes one step more than the range.
            self._total_uj[part] += passed_uj if passed_uj >= 0 else passed_uj + self._range_uj[part] + 1
            self._last_uj[part] = now_uj
        return {part: total_uj / 1e6 for part, total_uj in self._total_uj.items()}


def _rapl_folders(root: Path) -> dict[str, Path]:
    packages = sorted(root.glob("intel-rapl:[0-9]*"))
    memories = [folder for folder in packages if folder.name.count(":") == 2 and _name(folder) == "dram"]
    packages = [folder for folder in packages if folder.name.count(":") == 1 and _name(folder).startswith("package")]
    if not packages:
        raise NassimError(
            f"no RAPL energy counters under {root}; virtual machines and other processors than Intel's and AMD's "
            "don't show them: leave the energy to be modelled"
        )
    found = {f"cpu:{_name(folder)}": folder for folder in packages}
    for folder in memories:
        found[f"memory:{_name(folder.parent / folder.name.rpartition(':')[0])}"] = folder
    return found


def _name(folder: Path) -> str:
    return (folder / "name").read_text().strip()


def _read_uj(file: Path) -> int:
    try:
        return int(file.read_text())
    except PermissionError as error:
        raise NassimError(
            f"no permission to read {file}; let an administrator grant it (`chmod a+r {file}`), "
            "or leave the energy to be modelled"
        ) from error
    except (OSError, ValueError) as error:
        raise NassimError(f"the energy counter {file} can't be read: {error}") from error


@final
class NvmlMeter(Meter):
    """Energy of NVIDIA GPUs by NVML's total-energy counter (Volta and newer).

    Args:
        nvml: The `pynvml` module, or what behaves like it.

    Raises:
        NassimError: No driver, no GPU, or one without the counter.
    """

    def __init__(self, nvml: Any = None) -> None:
        self._nvml = nvml or _pynvml()
        try:
            self._nvml.nvmlInit()
            count = self._nvml.nvmlDeviceGetCount()
            handles = [self._nvml.nvmlDeviceGetHandleByIndex(i) for i in range(count)]
            # Not by index: NVML and CUDA number GPUs in different orders, and a worker sees some of them only.
            self._handles = {f"gpu:{self._nvml.nvmlDeviceGetUUID(handle)}": handle for handle in handles}
        except self._nvml.NVMLError as error:
            raise NassimError(f"NVML finds no GPU to measure: {error}; leave the energy to be modelled") from error
        if not self._handles:
            raise NassimError("NVML finds no GPU to measure; leave the energy to be modelled")
        self._first_mj = self._counters()

    def _counters(self) -> dict[str, int]:
        try:
            return {
                part: self._nvml.nvmlDeviceGetTotalEnergyConsumption(handle) for part, handle in self._handles.items()
            }
        except self._nvml.NVMLError as error:
            raise NassimError(
                f"a GPU has no energy counter that can be read: {error}; GPUs before Volta have none: "
                "leave the energy to be modelled"
            ) from error

    def read_j(self) -> Mapping[str, float]:
        """Return the joules drawn by each GPU since this meter was made."""
        return {part: (now - self._first_mj[part]) / 1e3 for part, now in self._counters().items()}


def _pynvml() -> Any:
    try:
        import pynvml
    except ImportError as error:
        raise NassimError("reading GPU energy needs nvidia-ml-py; run `pip install 'nassim[energy]'`") from error
    return pynvml


@final
class NodeMeter(Meter):
    """Several meters of one node as one.

    Args:
        meters: At least one, of different parts.

    Raises:
        NassimError: Two of them measure the same part.
    """

    def __init__(self, meters: Sequence[Meter]) -> None:
        self._meters = tuple(meters)
        parts = [part for meter in self._meters for part in meter.read_j()]
        if twice := {part for part in parts if parts.count(part) > 1}:
            raise NassimError(f"measured twice on this node: {', '.join(sorted(twice))}; give one meter for each part")

    def read_j(self) -> Mapping[str, float]:
        """Return the joules of every part since this meter's meters were made."""
        return {part: joules for meter in self._meters for part, joules in meter.read_j().items()}


@final
class ReplayMeter(Meter):
    """Recorded readings, one a call: a twin of a meter for machines without counters.

    Args:
        readings: What `read_j` returns, in order.
    """

    def __init__(self, readings: Iterable[Mapping[str, float]]) -> None:
        self._readings = iter(readings)

    def read_j(self) -> Mapping[str, float]:
        """Return the next recorded reading."""
        reading = next(self._readings, None)
        if reading is None:
            raise NassimError("the recorded readings of this meter are used up")
        return reading


def find_meter() -> tuple[Meter | None, tuple[str, ...]]:
    """Return a meter of all that can be measured on this node, and why what can't be can't.

    Returns:
        The meter, None where nothing can be measured; one line for each sort of counter that is missing.
    """
    found: list[Meter] = []
    missing: list[str] = []
    for make in (NvmlMeter, RaplMeter):
        try:
            found.append(make())
        except NassimError as error:
            missing.append(str(error))
    return (NodeMeter(found) if found else None), tuple(missing)
