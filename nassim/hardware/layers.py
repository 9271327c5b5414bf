"""From a counted network to what the roofline times."""

from collections.abc import Iterator

from nassim.cost.profile import LayerCost, Profile
from nassim.errors import NassimError
from nassim.hardware.kernels import DROPOUT, LayerWork


def layer_works(profile: Profile) -> tuple[LayerWork, ...]:
    """Return the operations of a network's layers as the roofline takes them, each as often as it is called.

    Within a layer those that are alike follow each other. A layer's backward FLOP are shared out over its contractions.

    Args:
        profile: Counted with its layers: `nassim.cost.counting.count(..., layers=True)`.

    Raises:
        NassimError: The layers were not counted.
    """
    if not profile.layers:
        raise NassimError("this profile has no layers; count the network with layers=True")
    return tuple(work for layer in profile.layers for work in _works(layer))


_DROPOUT = {"bernoulli", "div", "mul"}
"""What dropout dispatches on the meta device."""


def _works(layer: LayerCost) -> Iterator[LayerWork]:
    if {called.name for called in layer.operations} == _DROPOUT:
        maps = layer.written_bytes // len(_DROPOUT)
        yield LayerWork(layer.name, DROPOUT, 0, maps, 2 * maps)
        return
    for called in layer.operations:
        if called.flop or called.written_bytes:
            work = LayerWork(
                name=layer.name,
                operation=called.name,
                forward_flop=called.flop,
                read_bytes=called.read_bytes,
                written_bytes=called.written_bytes,
                weight_bytes=called.weight_bytes,
                backward_flop=layer.backward_flop * called.flop // layer.forward_flop if called.flop else 0,
                shape=called.shape,
            )
            yield from (work,) * called.calls
