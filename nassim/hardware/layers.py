"""From a counted network to what the roofline times."""

from nassim.cost.profile import Profile
from nassim.errors import NassimError
from nassim.hardware.roofline import LayerWork


def layer_works(profile: Profile) -> tuple[LayerWork, ...]:
    """Return a network's layers as the roofline takes them, without those that do nothing.

    Additions and other operations between layers stand under the module in whose `forward` they are written, together.

    Args:
        profile: Counted with its layers: `nassim.cost.counting.count(..., layers=True)`.

    Raises:
        NassimError: The layers were not counted.
    """
    if not profile.layers:
        raise NassimError("this profile has no layers; count the network with layers=True")
    return tuple(
        LayerWork(
            name=layer.name,
            kind=layer.kind,
            forward_flop=layer.forward_flop,
            read_bytes=layer.read_bytes,
            written_bytes=layer.written_bytes,
            weight_bytes=layer.weight_bytes,
            backward_flop=layer.backward_flop,
        )
        for layer in profile.layers
        if layer.forward_flop or layer.written_bytes
    )
