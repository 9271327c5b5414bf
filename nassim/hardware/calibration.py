"""Fit a DeviceModel to a handful of measured steps, with the catalogue as the prior."""

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import least_squares  # type: ignore[import-untyped]

from nassim.errors import NassimError
from nassim.hardware.roofline import DeviceModel, Kernel

Array = NDArray[np.float64]

_SPREAD = {
    "compute_efficiency": 1.0,
    "memory_efficiency": 0.3,
    "reduction_efficiency": 1.0,
    "contraction_launch_s": 1.0,
    "launch_s": 1.0,
    "kernel_s": 1.0,
    "step_s": 1.0,
}
"""The parameters that are fitted, and how far from the prior each may plausibly lie, as a standard deviation of its
logarithm. Memory reaches much the same share of its peak everywhere; convolutions reach anything from 5 to 90 %."""

_NOISE = 0.02
"""How well a step can be repeated, as a standard deviation of its logarithm: what the prior is weighed against."""


@dataclass(frozen=True, slots=True)
class Measurement:
    """One measured step.

    Attributes:
        kernels: The kernels it launches.
        batch: Inputs in it.
        seconds: How long it took.
    """

    kernels: tuple[Kernel, ...]
    batch: int
    seconds: float


def prior(device: str, peak_flop_per_s: float, bandwidth_bytes_per_s: float, overlaps: bool) -> DeviceModel:
    """Return what is to be expected of a device of which only the catalogue's peak rates are known.

    The efficiencies and overheads are assumptions of the right order of magnitude: PyTorch takes about 10 µs to launch
    a kernel from Python and some times that for a convolution; a compiled network on a processor about 1 µs.
    """
    launch_s = 1e-5 if overlaps else 3e-6
    return DeviceModel(
        device=device,
        peak_flop_per_s=peak_flop_per_s,
        bandwidth_bytes_per_s=bandwidth_bytes_per_s,
        compute_efficiency=0.3,
        memory_efficiency=0.7,
        reduction_efficiency=0.3,
        contraction_launch_s=3 * launch_s,
        launch_s=launch_s,
        kernel_s=3e-6 if overlaps else 1e-6,
        step_s=5e-4,
        overlaps=overlaps,
    )


@dataclass(frozen=True, slots=True)
class KernelTable:
    """Steps as counts of distinct kernels, to time many of them at once.

    Attributes:
        kernels: The distinct (kernel, batch) pairs.
        counts: How often each step launches each of them, (steps, kernels).
    """

    kernels: tuple[tuple[Kernel, int], ...]
    counts: Array

    @classmethod
    def of(cls, steps: Sequence[tuple[Sequence[Kernel], int]]) -> "KernelTable":
        """Count the kernels of steps, each given as its kernels and its batch size."""
        tallies = [Counter((kernel, batch) for kernel in kernels) for kernels, batch in steps]
        index = {pair: i for i, pair in enumerate(dict.fromkeys(pair for tally in tallies for pair in tally))}
        counts = np.zeros((len(steps), len(index)))
        for row, tally in zip(counts, tallies, strict=True):
            for pair, n in tally.items():
                row[index[pair]] = n
        return cls(tuple(index), counts)

    def step_seconds(self, model: DeviceModel) -> Array:
        """Return the seconds of every step on a device: what `DeviceModel.step_seconds` gives for each."""
        host = self.counts @ np.array([model.host_seconds(kernel) for kernel, _ in self.kernels]) + model.step_s
        device = self.counts @ np.array([model.device_seconds(kernel, batch) for kernel, batch in self.kernels])
        return np.asarray(np.maximum(host, device) if model.overlaps else host + device)


def calibrate(measurements: Sequence[Measurement], start: DeviceModel) -> DeviceModel:
    """Fit a device's parameters to measured steps: robust least squares of the logarithm of the seconds.

    Each parameter is held near `start` by a Gaussian prior on its logarithm, so that what the measurements say nothing
    about (compute efficiency from launch-bound steps, say) stays what it was.

    Args:
        measurements: At least one; a few dozen that differ in their kernels and batch sizes fit everything.
        start: The prior, for example `prior(...)` of a device in the catalogue, or an earlier calibration.

    Raises:
        NassimError: There is no measurement, or one's seconds are not a positive number.
    """
    if not measurements:
        raise NassimError("calibration found no measurement; give at least one measured step")
    for m in measurements:
        if not (math.isfinite(m.seconds) and m.seconds > 0):
            raise NassimError(f"calibration found a step of {m.seconds} s; seconds are positive and finite")
    table = KernelTable.of([(m.kernels, m.batch) for m in measurements])
    measured = np.log([m.seconds for m in measurements])
    origin = np.log([getattr(start, name) for name in _SPREAD])
    spread = np.array(list(_SPREAD.values()))

    def residuals(offset: Array) -> Array:
        model = _with(start, origin + offset * spread)
        return np.concatenate([(np.log(table.step_seconds(model)) - measured) / _NOISE, offset])

    fits = [least_squares(residuals, guess, loss="soft_l1", max_nfev=200) for guess in _guesses(len(spread))]
    best: Any = min(fits, key=lambda fit: fit.cost)
    return _with(start, origin + best.x * spread)


def _guesses(parameters: int) -> tuple[Array, Array]:
    # The longer of host and device hides the other from the gradient, so the fit starts from either side.
    slow_host = np.array([0.0, 0.0, 0.0, 1.0, 1.0, 0.0, 0.0])
    return np.zeros(parameters), slow_host


def _with(model: DeviceModel, logarithms: Array) -> DeviceModel:
    parameters: dict[str, Any] = {name: float(np.exp(x)) for name, x in zip(_SPREAD, logarithms, strict=True)}
    return replace(model, **parameters)
