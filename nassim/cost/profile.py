"""Profile: what one network costs for one input."""

from dataclasses import dataclass, field

from nassim.cost.work import FLOP_PER_MAC, Activity, Work


@dataclass(frozen=True, slots=True)
class LayerCost:
    """One module's share of a Profile: of a leaf, or of a module with operations of its own beside its parts'.

    Attributes:
        name: Dotted path of the module in the network.
        kind: Class name of the module.
        params: Learnable parameters held by the module itself.
        forward_flop: FLOP of the forward pass of one input.
        backward_flop: FLOP of the backward pass of one input.
        output_shape: Shape of the output for one input, without the batch dimension.
    """

    name: str
    kind: str
    params: int
    forward_flop: int
    backward_flop: int
    output_shape: tuple[int, ...]

    @property
    def forward_macs(self) -> int:
        """Multiply-adds of the forward pass of one input."""
        return self.forward_flop // FLOP_PER_MAC


@dataclass(frozen=True, slots=True)
class Profile:
    """What one network costs for one input (a batch of n costs n times as much).

    Counted by torch's FlopCounterMode: contractions (convolutions, linear layers, attention) alone.

    Attributes:
        params: Learnable parameters.
        forward_flop: FLOP of the forward pass.
        backward_flop: FLOP of the backward pass, as counted (not an assumed multiple of the forward pass).
        weight_bytes: Bytes of parameters and buffers.
        overcounted_flop: The part of `backward_flop` that FlopCounterMode counts beyond the operations performed:
            it counts the weight gradient of a grouped convolution once per group too often.
        uncounted: Operations for which torch has no formula and which are neither element-wise, normalisation,
            pooling nor data movement, with the number of calls. Empty for a network that is counted in full.
        layers: The leaf modules, in the order in which they run; empty unless asked for.
    """

    params: int
    forward_flop: int
    backward_flop: int
    weight_bytes: int
    overcounted_flop: int = 0
    uncounted: tuple[tuple[str, int], ...] = ()
    layers: tuple[LayerCost, ...] = field(default=(), repr=False)

    @property
    def forward_macs(self) -> int:
        """Multiply-adds of the forward pass."""
        return self.forward_flop // FLOP_PER_MAC

    def training(self, samples: int, activity: Activity = Activity.TRAIN) -> Work:
        """Return the Work of training steps (forward and backward) over `samples` inputs."""
        return Work(activity, self.forward_flop * samples, self.backward_flop * samples, samples)

    def inference(self, samples: int, activity: Activity = Activity.VALIDATE) -> Work:
        """Return the Work of forward passes over `samples` inputs."""
        return Work(activity, self.forward_flop * samples, 0, samples)
