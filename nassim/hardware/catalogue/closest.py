"""What stands in for hardware that the catalogue doesn't list."""

import difflib
import re

from nassim.hardware.catalogue.entries import Device, DeviceKind
from nassim.hardware.catalogue.finding import HardwareCatalogue, model_key

ALIKE = 0.75
"""Names are taken to be of like devices above this share of letters in common (difflib's ratio)."""
TELLING = 4
"""Letters and digits of a listed name that say enough: what begins with them is a like device, whatever follows."""

_SERVERS = frozenset(("epyc", "xeon", "opteron", "graviton", "neoverse", "altra", "power", "ampereone"))
"""Words in the names of server processors."""


def closest(catalogue: HardwareCatalogue, name: str) -> tuple[Device, str]:
    """Return the device of the catalogue that is closest to hardware that it doesn't list, and why it is.

    That is the device of its sort whose name is most like it ("RTX 3070": the RTX 3080), where one is like it at all;
    otherwise a generic one: a GPU, a core of a server processor, a core of any processor.

    Args:
        catalogue: Where to look.
        name: What a lease calls the hardware: "gpu: NVIDIA RTX 3070", "cpu: AMD EPYC".
    """
    is_gpu = name.partition(":")[0].strip().lower() == "gpu"
    kind, wanted = (DeviceKind.GPU if is_gpu else DeviceKind.CPU), model_key(name)
    likeness = {
        device.id: max(_likeness(wanted, model_key(own)) for own in device.names)
        for device in catalogue.devices.values()
        if device.kind is kind and not device.is_generic
    }
    best = max(likeness, key=lambda id_: likeness[id_], default="")
    if best and likeness[best] > ALIKE:
        return catalogue.devices[best], "the nearest by name"
    generic = generic_of(catalogue, kind, is_server=bool(_SERVERS & set(re.findall("[a-z]+", name.lower()))))
    return generic, "nothing in the catalogue has a name like it"


def _likeness(wanted: str, own: str) -> float:
    ratio = difflib.SequenceMatcher(None, wanted, own).ratio()
    return max(ratio, (1 + ALIKE) / 2) if len(own) >= TELLING and wanted.startswith(own) else ratio


def generic_of(catalogue: HardwareCatalogue, kind: DeviceKind, is_server: bool = True) -> Device:
    """Return the generic device of a kind: whole GPUs for accelerators, for all else cores."""
    if kind in (DeviceKind.GPU, DeviceKind.TPU):
        return catalogue.devices["any_gpu"]
    return catalogue.devices["any_server_cpu" if is_server else "any_cpu"]
