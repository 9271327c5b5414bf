"""Fit a DeviceModel to a handful of measured steps, with the catalogue as the prior."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from scipy.optimize import least_squares  # type: ignore[import-untyped]

from nassim.errors import NassimError
from nassim.hardware.kernels import Array, Kernel, KernelTable
from nassim.hardware.roofline import Calibration, DeviceModel


@dataclass(frozen=True, slots=True)
class _Parameter:
    """A parameter that is fitted.

    Attributes:
        spread: How far from the prior it may plausibly lie, as a standard deviation of its logarithm.
        least: What physics allows at least.
        most: What physics allows at most, on an accelerator.
        most_on_processor: The same on a processor.
    """

    spread: float
    least: float
    most: float
    most_on_processor: float


_PARAMETERS = {
    "compute_efficiency": _Parameter(1.0, 1e-3, 1.0, 1.0),
    "grouped_efficiency": _Parameter(1.0, 1e-4, 1.0, 1.0),
    "winograd_speedup": _Parameter(0.3, 1.0, 4.0, 4.0),
    "half_reduction": _Parameter(1.5, 0.1, 1e3, 1e3),
    "half_outputs": _Parameter(1.0, 0.1, 1e6, 1e2),
    "memory_efficiency": _Parameter(0.3, 1e-2, 1.0, 10.0),
    "reduction_efficiency": _Parameter(1.0, 1e-3, 1.0, 10.0),
    "statistics_efficiency": _Parameter(1.0, 1e-3, 1.0, 10.0),
    "convolution_launch_s": _Parameter(1.0, 1e-8, 1e-2, 1e-2),
    "launch_s": _Parameter(1.0, 1e-8, 1e-2, 1e-2),
    "kernel_s": _Parameter(1.0, 1e-8, 1e-3, 1e-3),
    "step_s": _Parameter(1.0, 1e-7, 10.0, 10.0),
}
"""What is fitted. Memory reaches much the same share of its peak everywhere; convolutions reach anything from 5 to
90 %. No rate is above its peak; Winograd's F(4x4, 3x3) takes a fourth of the products; a processor's caches are up to
ten times as fast as its memory, and one core is filled by few results."""

_NOISE = 0.02
"""How well a step can be repeated, as a standard deviation of its logarithm: what the prior is weighed against."""


@dataclass(frozen=True, slots=True)
class TimedStep:
    """One measured step.

    Attributes:
        kernels: The kernels it launches.
        batch: Inputs in it.
        seconds: How long it took.
    """

    kernels: tuple[Kernel, ...]
    batch: int
    seconds: float


STARTS = 16
"""Fits to the measurements, from the prior and from around it, of which the best is kept."""
PLAUSIBLE = 16
"""Fits to disturbed measurements."""

_SPREAD = np.array([parameter.spread for parameter in _PARAMETERS.values()])
_INSIDE = 1e-6
"""How far from a bound a fit starts."""
_AT = 0.01
"""Nearer to a bound than this, in logarithms, a parameter is at it."""


def prior(device: str, peak_flop_per_s: float, bandwidth_bytes_per_s: float, overlaps: bool) -> DeviceModel:
    """Return what is to be expected of a device of which only the catalogue's peak rates are known.

    The efficiencies and overheads are assumptions of the right order of magnitude: PyTorch takes about 15 µs to launch
    a kernel on an accelerator from Python and some times that for a convolution. On a processor a product takes about
    as long, and a convolution, which puts its weights and maps in another order, several times that.
    """
    return DeviceModel(
        device=device,
        peak_flop_per_s=peak_flop_per_s,
        bandwidth_bytes_per_s=bandwidth_bytes_per_s,
        compute_efficiency=0.3,
        grouped_efficiency=0.03 if overlaps else 0.1,
        winograd_speedup=1.3,
        half_reduction=16.0,
        half_outputs=1e4 if overlaps else 16.0,
        memory_efficiency=0.7,
        reduction_efficiency=0.3,
        statistics_efficiency=0.3,
        convolution_launch_s=5e-5 if overlaps else 3e-5,
        launch_s=1.5e-5 if overlaps else 5e-6,
        kernel_s=3e-6 if overlaps else 1e-6,
        step_s=5e-4 if overlaps else 5e-5,
        overlaps=overlaps,
    )


def calibrate(measurements: Sequence[TimedStep], start: DeviceModel) -> Calibration:
    """Fit a device's parameters to measured steps: robust least squares of the logarithm of the seconds.

    Each parameter is held near `start` by a Gaussian prior on its logarithm, so that what the measurements say nothing
    about (compute efficiency from launch-bound steps, say) stays what it was; and within what physics allows.

    The longer of host and device hides the other from the gradient, so there are local optima: the best of STARTS fits
    is kept. What is plausible besides is found by randomised maximum likelihood (Oliver, He & Reynolds 1996): fits to
    measurements and a prior that are disturbed by as much as they are uncertain.

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
    problem = _Problem.of(measurements, start)
    rng = np.random.default_rng(0)
    size = len(_PARAMETERS)
    best = min((problem.fit(at) for at in (np.zeros(size), *rng.normal(size=(STARTS - 1, size)))), key=_cost)
    misfit = problem.misfit(best)
    plausible = []
    for _ in range(PLAUSIBLE):
        centre, error = rng.normal(size=size), rng.normal(0, misfit, len(measurements))
        plausible.append(problem.model(problem.disturbed(error, centre, misfit).fit(centre).x))
    return Calibration(problem.model(best.x), tuple(plausible), misfit, problem.at_most(best.x))


def _cost(fit: Any) -> float:
    return float(fit.cost)


@dataclass(frozen=True, slots=True)
class _Problem:
    """Least squares over offsets of the parameters' logarithms from the prior, in units of their spread.

    Attributes:
        table: The measured steps.
        measured: Logarithms of their seconds.
        start: The prior.
        centre: The offsets that the prior is around.
        noise: Standard deviation of what was measured.
    """

    table: KernelTable
    measured: Array
    start: DeviceModel
    centre: Array
    noise: float

    @classmethod
    def of(cls, measurements: Sequence[TimedStep], start: DeviceModel) -> "_Problem":
        table = KernelTable.of([(m.kernels, m.batch) for m in measurements])
        return cls(table, np.log([m.seconds for m in measurements]), start, np.zeros(len(_PARAMETERS)), _NOISE)

    def disturbed(self, error: Array, centre: Array, noise: float) -> "_Problem":
        return replace(self, measured=self.measured + error, centre=centre, noise=noise)

    def model(self, offset: Array) -> DeviceModel:
        logarithms = self._origin + offset * _SPREAD
        parameters: dict[str, Any] = {name: float(np.exp(x)) for name, x in zip(_PARAMETERS, logarithms, strict=True)}
        return replace(self.start, **parameters)

    @property
    def _origin(self) -> Array:
        return np.log([getattr(self.start, name) for name in _PARAMETERS])

    @property
    def bounds(self) -> Array:
        """The least and the most that physics allows, as offsets."""
        limits = [(p.least, p.most if self.start.overlaps else p.most_on_processor) for p in _PARAMETERS.values()]
        return np.asarray((np.log(limits).T - self._origin) / _SPREAD)

    def residuals(self, offset: Array) -> Array:
        predicted = np.log(self.model(offset).table_seconds(self.table))
        return np.concatenate([(predicted - self.measured) / self.noise, offset - self.centre])

    def fit(self, start: Array) -> Any:
        within = np.clip(start, *(self.bounds + np.array([[_INSIDE], [-_INSIDE]])))
        return least_squares(self.residuals, within, bounds=self.bounds, loss="soft_l1")

    def misfit(self, fit: Any) -> float:
        """Return the standard deviation of the measured steps around a fit, at least the noise."""
        steps = len(self.measured)
        used = np.trace(fit.jac[:steps] @ np.linalg.inv(fit.jac.T @ fit.jac) @ fit.jac[:steps].T)
        errors = self.residuals(fit.x)[:steps] * self.noise
        return float(max(np.sqrt(np.sum(errors**2) / max(steps - used, 1.0)), self.noise))

    def at_most(self, offset: Array) -> tuple[str, ...]:
        near = dict(zip(_PARAMETERS, (self.bounds[1] - offset) * _SPREAD < _AT, strict=True))
        return tuple(name for name, is_near in near.items() if is_near and name.endswith("_efficiency"))
