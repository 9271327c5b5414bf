"""What an architecture costs, by name: figures that are known before anything is trained."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from nassim.space.architecture import Architecture

if TYPE_CHECKING:
    from nassim.hardware.kernels import Kernel
    from nassim.space.search_space import SearchSpace

Cost = Callable[[Architecture], float]
"""Returns a cost of an architecture; raises NassimError where its network can't be built or counted."""

T = TypeVar("T")

PROFILED = {
    "params": "params",
    "forward_flop": "forward_flop",
    "backward_flop": "backward_flop",
    "forward_macs": "forward_macs",
    "weight_bytes": "weight_bytes",
    "activation_bytes": "written_bytes",
}
"""Costs that the space's table of costs has, with their names in a Profile."""

ON_A_DEVICE = ("latency_ms", "energy_mj")
"""Costs that depend on a device."""

COSTS = {
    "params": "Parameters that learn.",
    "forward_flop": "FLOP of the forward pass of one input.",
    "backward_flop": "FLOP of the backward pass of one input.",
    "forward_macs": "Multiply-adds of the forward pass of one input.",
    "weight_bytes": "Bytes of parameters and buffers.",
    "activation_bytes": "Bytes of activations that the forward pass of one input writes.",
    "training_memory_bytes": "Bytes held at the peak of a training step, by the experiment's `training`.",
    "latency_ms": "Milliseconds of one forward pass of `batch` inputs on a device; modelled.",
    "energy_mj": "Millijoules of one forward pass of `batch` inputs on a device; modelled.",
}
"""What each cost is."""


class Costs:
    """The costs of one space's architectures. What isn't in the space's table is worked out once.

    Args:
        space: The space.
        batch_size: Inputs of a training step.
        optimizer_states: What the optimiser keeps for each parameter (see `TrainingMemory.peak_bytes`).
        catalogue: A file that adds to the catalogue of devices.
    """

    def __init__(
        self, space: "SearchSpace", batch_size: int, optimizer_states: int, catalogue: Path | None = None
    ) -> None:
        self._space = space
        self._catalogue = catalogue
        self._made: dict[tuple[str, str | None, int], Cost] = {}
        self._kernels = remembered(self._count_kernels)
        self._training_memory = remembered(
            lambda architecture: space.training_memory(architecture).peak_bytes(batch_size, optimizer_states)
        )

    def cost(self, name: str, device: str | None = None, batch: int = 1) -> Cost:
        """Return the cost of this name.

        Args:
            name: One of COSTS.
            device: For those of ON_A_DEVICE: which, by its name in the catalogue.
            batch: For those: inputs of the forward pass.

        Raises:
            NassimError: The catalogue doesn't have the device, or not what the cost needs to know of it.
        """
        key = name, device, batch
        if key not in self._made:
            self._made[key] = self._make(*key)
        return self._made[key]

    def _make(self, name: str, device: str | None, batch: int) -> Cost:
        if name in PROFILED:
            attribute = PROFILED[name]
            return lambda architecture: float(getattr(self._space.profile(architecture), attribute))
        if name == "training_memory_bytes":
            return self._training_memory
        assert device is not None, f"{name} is that on a device"
        return self._on_a_device(name, device, batch)

    def _on_a_device(self, name: str, device: str, batch: int) -> Cost:
        from nassim.hardware.inference import find_inference
        from nassim.space.costs.additive import OptionSums

        inference = find_inference(device, self._catalogue)
        amount = inference.seconds if name == "latency_ms" else inference.joules
        amount(inference.parts((), batch))  # so that an unknown power is told here, and not in the first trial
        parts = OptionSums(self._space, lambda each: inference.parts(self._kernels(each), batch))
        return lambda architecture: 1e3 * amount(parts.of(architecture))

    def _count_kernels(self, architecture: Architecture) -> "tuple[Kernel, ...]":
        import torch

        from nassim.cost.counting import count
        from nassim.hardware.kernels import inference_kernels
        from nassim.hardware.layers import operations_of

        with torch.random.fork_rng(devices=[]), torch.device("meta"):
            network = self._space.subnet(architecture)
        return inference_kernels(operations_of(count(network, self._space.input_shape, layers=True)))


def remembered(function: Callable[[Architecture], T]) -> Callable[[Architecture], T]:
    """Return a function that works out its value once for each architecture."""
    known: dict[Architecture, T] = {}

    def of(architecture: Architecture) -> T:
        if architecture not in known:
            known[architecture] = function(architecture)
        return known[architecture]

    return of
