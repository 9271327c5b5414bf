"""From a counted network to the operations that kernels are launched for."""

from collections.abc import Iterator
from dataclasses import replace

from nassim.cost.profile import CalledOperation, LayerCost, Profile
from nassim.errors import NassimError
from nassim.hardware.kernels import DROPOUT


def operations_of(profile: Profile) -> tuple[CalledOperation, ...]:
    """Return the operations of a network as its layers call them, each as often as it is called.

    Within a layer those that are alike follow each other.

    Args:
        profile: Counted with its layers: `nassim.cost.counting.count(..., layers=True)`.

    Raises:
        NassimError: The layers were not counted.
    """
    if not profile.layers:
        raise NassimError("this profile has no layers; count the network with layers=True")
    return tuple(operation for layer in profile.layers for operation in _operations(layer))


_DROPOUT = {"bernoulli", "div", "mul"}
"""What dropout dispatches on the meta device."""


def _operations(layer: LayerCost) -> Iterator[CalledOperation]:
    if {called.name for called in layer.operations} == _DROPOUT:
        maps = layer.written_bytes // len(_DROPOUT)
        yield CalledOperation(DROPOUT, 0, maps, 2 * maps)
        return
    for called in layer.operations:
        if called.flop or called.written_bytes:
            yield from (replace(called, calls=1),) * called.calls
