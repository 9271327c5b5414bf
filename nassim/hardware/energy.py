"""Joules where no counter measures them: from power and utilisation."""

from nassim.errors import NassimError
from nassim.hardware.catalogue import Device
from nassim.hardware.figure import Figure, Kind


def power_w(device: Device, utilisation: float | None = None) -> Figure:
    """Return the power that a device draws, in watts, by the best that is known of it.

    1. Utilisation and idle power known: idle + (rated - idle) * utilisation, the linear model of Fan, Weber & Barroso
       (2007), "Power provisioning for a warehouse-sized computer". Modelled.
    2. Mean power in training, as others measured it (`typical_w`, host included). Modelled.
    3. Rated power, as if busy all the time, after Lacoste et al. (2019), "Quantifying the carbon emissions of machine
       learning". Assumed: an upper estimate.

    Args:
        device: What draws it.
        utilisation: Share of the time that it is busy, in [0, 1]; None where unknown.

    Raises:
        NassimError: The utilisation is no share.
    """
    if utilisation is not None and not 0 <= utilisation <= 1:
        raise NassimError(f"found a utilisation of {utilisation}; a share from 0 to 1")
    rated = device.figure("max_w")
    if utilisation is not None and device.idle_w is not None and rated.value is not None:
        idle = device.figure("idle_w")
        return (idle * (1 - utilisation) + rated * utilisation) * Figure(1.0, Kind.MODELLED)
    if device.typical_w is not None:
        return device.figure("typical_w") * Figure(1.0, Kind.MODELLED)
    return rated * Figure(1.0, Kind.ASSUMED)


def modelled_j(device: Device, processor_s: Figure, utilisation: float | None = None) -> Figure:
    """Return the joules of some of a device's processors, each charged its share of the device's power.

    Args:
        device: What draws the power.
        processor_s: Seconds held times processors held.
        utilisation: Share of the time that it is busy, in [0, 1]; None where unknown.
    """
    return power_w(device, utilisation) * (1 / device.processors) * processor_s
