"""What a forward pass takes on a device of the catalogue: seconds and joules, by the models of time and of power."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from nassim.errors import NassimError
from nassim.hardware.catalogue import Device, DeviceKind, HardwareCatalogue, load_catalogue
from nassim.hardware.energy import modelled_j
from nassim.hardware.figure import Figure, Kind
from nassim.hardware.kernels import Kernel
from nassim.hardware.machine import Machine
from nassim.hardware.roofline import DeviceModel
from nassim.hardware.saved import load_machines, machines_file

Parts = NDArray[np.float64]
"""The host's and the device's seconds of a step, shape (2,)."""

_LAUNCH_AHEAD = (DeviceKind.GPU, DeviceKind.TPU)


@dataclass(frozen=True, slots=True)
class Inference:
    """A device that networks are run on, as PyTorch runs them eagerly, in FP32. All it says is modelled.

    Attributes:
        device: The device.
        model: How long kernels take there.
        processors: How many of the device's processors that is with.
    """

    device: Device
    model: DeviceModel
    processors: int

    def parts(self, kernels: Iterable[Kernel], batch: int) -> Parts:
        """Return the host's and the device's seconds of one forward pass of `batch` inputs; those of kernels add up."""
        return np.array(self.model.step_parts(kernels, batch))

    def seconds(self, parts: Parts) -> float:
        """Return the seconds of a forward pass with these parts."""
        return float(self.model.together(*parts))

    def joules(self, parts: Parts) -> float:
        """Return the joules of a forward pass with these parts.

        Raises:
            NassimError: The device's power is unknown.
        """
        seconds = self.seconds(parts)
        # A processor that launches its own kernels is busy all the time.
        utilisation = float(parts[1]) / seconds if self.model.overlaps else 1.0
        joules = modelled_j(self.device, Figure(seconds * self.processors, Kind.MODELLED), utilisation)
        if joules.value is None:
            raise _unknown("energy", self.device, joules)
        return joules.value


def find_inference(name: str, extra: Path | None = None) -> Inference:
    """Return a device to run networks on, by its name in the catalogue.

    Its time model is that of this user's calibration of it (`nassim calibrate`), where there is one, the one with the
    most threads; else the roofline with the catalogue's peak rates, and all of its processors.

    Args:
        name: As `Catalogue.find_device` takes it.
        extra: A file that adds to the catalogue.

    Raises:
        NassimError: The catalogue has no such device, or not its peak rate and bandwidth, or the calibration is of an
            earlier version.
    """
    catalogue = load_catalogue(extra)
    device = catalogue.find_device(name)
    if machine := _calibrated(catalogue, device):
        if machine.calibration is None:
            raise NassimError(
                f"the calibration of {machine.device!r} in {machines_file()} is of an earlier version, which doesn't "
                "have what its time model takes; measure again with `nassim calibrate`"
            )
        return Inference(device, machine.calibration.model, min(machine.threads, device.processors))
    rate, bandwidth = device.figure("fp32_flop_per_s"), device.figure("bandwidth_bytes_per_s")
    if rate.value is None or bandwidth.value is None:
        raise _unknown("latency", device, rate + bandwidth)
    # It loads scipy, which a calibrated device does not need.
    from nassim.hardware.calibration import prior

    model = prior(device.id, rate.value, bandwidth.value, overlaps=device.kind in _LAUNCH_AHEAD)
    return Inference(device, model, device.processors)


def _calibrated(catalogue: HardwareCatalogue, device: Device) -> Machine | None:
    path = machines_file()
    machines = load_machines(path) if path.exists() else ()
    fitting = [machine for machine in machines if catalogue.recognise(machine.device) == device]
    return max(fitting, key=lambda machine: (machine.calibration is not None, machine.threads), default=None)


def _unknown(what: str, device: Device, figure: Figure) -> NassimError:
    return NassimError(
        f"the {what} of a network on {device.id} needs numbers that are unknown: {'; '.join(figure.missing)}. Add them "
        "to the catalogue by a file in `site.catalogue`, or take another device (`nassim devices`)"
    )
