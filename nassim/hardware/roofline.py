"""How long a network takes on a device: a roofline with launch overhead per kernel.

Williams, Waterman & Patterson (2009), "Roofline: an insightful visual performance model", for each kernel that a
framework launches, plus what the roofline leaves out and small networks are made of: the host's time to launch it.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from nassim.cost.work import FLOP_PER_MAC
from nassim.hardware.kernels import Array, Kernel, KernelColumns, KernelTable


@dataclass(frozen=True, slots=True)
class DeviceModel:
    """The few numbers that turn kernels into seconds on one device, under one framework.

    Attributes:
        device: Id or name of the device.
        peak_flop_per_s: Peak rate of the arithmetic in use.
        bandwidth_bytes_per_s: Peak rate of its memory.
        compute_efficiency: Share of the peak rate that large contractions reach.
        grouped_efficiency: Share of the peak rate that grouped and depthwise convolutions reach.
        winograd_speedup: How many times fewer products 3x3 convolutions of stride 1 take by Winograd's algorithm.
        half_reduction: Products that each result of a contraction adds up, at which it reaches half of that share.
        half_outputs: Results of a contraction, at which it reaches half of that share: fewer leave units idle.
        memory_efficiency: Share of the bandwidth that contractions and element-wise kernels reach.
        reduction_efficiency: Share of the bandwidth that reductions reach.
        statistics_efficiency: Share of the bandwidth that normalisation by a batch's own statistics reaches.
        convolution_launch_s: The host's seconds to launch a convolution.
        launch_s: The host's seconds to launch any other kernel.
        kernel_s: The least seconds that a kernel occupies the device.
        step_s: The host's seconds for each step besides: entering the framework, handing over a batch.
        overlaps: Whether the host launches ahead while the device computes, and computes while it moves bytes
            (accelerators), so that a step takes the longer of the two; on a processor that does both their sum.
    """

    device: str
    peak_flop_per_s: float
    bandwidth_bytes_per_s: float
    compute_efficiency: float
    grouped_efficiency: float
    winograd_speedup: float
    half_reduction: float
    half_outputs: float
    memory_efficiency: float
    reduction_efficiency: float
    statistics_efficiency: float
    convolution_launch_s: float
    launch_s: float
    kernel_s: float
    step_s: float
    overlaps: bool

    def device_seconds(self, kernels: KernelColumns) -> Array:
        """Return the seconds that each kernel occupies the device: compute and memory, and `kernel_s`."""
        compute_s, memory_s = self._compute_seconds(kernels), self._memory_seconds(kernels)
        return (np.maximum(compute_s, memory_s) if self.overlaps else compute_s + memory_s) + self.kernel_s

    def _compute_seconds(self, kernels: KernelColumns) -> Array:
        slower = 1 + kernels.grouped * (self.compute_efficiency / self.grouped_efficiency - 1)
        fewer = 1 + kernels.transformable * (1 / self.winograd_speedup - 1)
        performed = kernels.flop * fewer / (kernels.in_tiles if self.overlaps else kernels.in_vectors)
        results = kernels.flop / FLOP_PER_MAC / kernels.reduction
        # With K products for each of N results, N * K + half_reduction * N + half_outputs * K.
        lost = self.half_reduction * results + kernels.contracts * self.half_outputs * kernels.reduction
        return (performed + FLOP_PER_MAC * lost) * slower / (self.peak_flop_per_s * self.compute_efficiency)

    def _memory_seconds(self, kernels: KernelColumns) -> Array:
        slower = 1 + kernels.reduces * (self.memory_efficiency / self.reduction_efficiency - 1)
        slower = slower + kernels.normalises * (self.memory_efficiency / self.statistics_efficiency - 1)
        return kernels.bytes * slower / (self.bandwidth_bytes_per_s * self.memory_efficiency)

    def host_seconds(self, kernels: KernelColumns) -> Array:
        """Return the host's seconds to launch each kernel."""
        return self.launch_s + kernels.convolves * (self.convolution_launch_s - self.launch_s)

    def step_seconds(self, kernels: Iterable[Kernel], batch: int = 1) -> float:
        """Return the seconds of one step (a forward pass or a training step, by its kernels) of `batch` inputs."""
        return float(self.together(*self.step_parts(kernels, batch)))

    def step_parts(self, kernels: Iterable[Kernel], batch: int = 1) -> tuple[float, float]:
        """Return the host's and the device's seconds of one step. Those of its kernels add up."""
        columns = KernelColumns.of((kernel, batch) for kernel in kernels)
        return self.step_s + float(self.host_seconds(columns).sum()), float(self.device_seconds(columns).sum())

    def table_seconds(self, table: KernelTable) -> Array:
        """Return the seconds of every step of a table."""
        host_s = table.counts @ self.host_seconds(table.kernels) + self.step_s
        return np.asarray(self.together(host_s, table.counts @ self.device_seconds(table.kernels)))

    def together(self, host_s: Any, device_s: Any) -> Any:
        """Return the seconds of a step that takes so many of the host and of the device."""
        return np.maximum(host_s, device_s) if self.overlaps else host_s + device_s

    def epoch_seconds(self, kernels: Sequence[Kernel], samples: int, batch: int) -> float:
        """Return the seconds of one pass over `samples` inputs in steps of `batch`, the last one smaller."""
        full, rest = divmod(samples, batch)
        seconds = full * self.step_seconds(kernels, batch)
        return seconds + self.step_seconds(kernels, rest) if rest else seconds


_NINE_OF_TEN = 1.645
"""Standard deviations."""


@dataclass(frozen=True, slots=True)
class Calibration:
    """A device's time model as measurements have it, and how sure they are of it.

    Attributes:
        model: What fits best.
        plausible: Models that fit as well to measurements and to a prior that are as uncertain as they are.
        misfit: How far the measured steps lie from `model`, as a standard deviation of the logarithm.
        at_most: Efficiencies that ended at the most that physics allows: the model is wrong there, or the peaks are.
    """

    model: DeviceModel
    plausible: tuple[DeviceModel, ...]
    misfit: float
    at_most: tuple[str, ...]

    def factor(self, table: KernelTable) -> Array:
        """Return by what factor the seconds of each step may be more, or less, than `model` says, in 9 of 10 cases."""
        best = np.log(self.model.table_seconds(table))
        others = np.array([np.log(model.table_seconds(table)) for model in self.plausible])
        spread = np.sqrt(np.mean((others - best) ** 2, axis=0) + self.misfit**2)
        return np.asarray(np.exp(_NINE_OF_TEN * spread))
