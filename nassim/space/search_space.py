"""SearchSpace: a network with choices in it, written as one function of `choose`."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping
from functools import cached_property
from typing import TYPE_CHECKING

from nassim.cost.profile import Profile
from nassim.errors import NassimError, describe, shorten, users_code
from nassim.space.architecture import Architecture
from nassim.space.choosing import Choose, PlainReader
from nassim.space.domain import Domain

if TYPE_CHECKING:
    import numpy as np
    from torch import nn

    from nassim.cost.memory import TrainingMemory
    from nassim.space.costs.table import CostTable
    from nassim.space.supernet import Supernet


LONGEST_SHOWN = 400
"""Characters of an architecture that a message about its `build` shows."""


class SearchSpace(ABC):
    """A set of networks. A subclass writes `build`; all else is read from it.

    `build` must depend on its decisions alone: the same decisions, the same network and the same questions.

    Attributes:
        input_shape: Shape of one input, without the batch dimension.
        classes: Number of outputs.

    Example:
        ```
        class Tiny(SearchSpace):
            def __init__(self, *, input_shape: Sequence[int] = (1, 8, 8), classes: int = 10) -> None:
                self.input_shape, self.classes = tuple(input_shape), classes

            def build(self, choose: Choose) -> nn.Module:
                activation = choose("activation", {"relu": nn.ReLU, "tanh": nn.Tanh})
                return nn.Sequential(nn.Flatten(), nn.Linear(64, 32), activation, nn.Linear(32, self.classes))
        ```
    """

    input_shape: tuple[int, ...]
    classes: int

    @abstractmethod
    def build(self, choose: Choose) -> "nn.Module":
        """Return a network from inputs (batch, *input_shape) to logits (batch, classes), asking where it may vary."""

    @cached_property
    def domain(self) -> Domain:
        """The choices, their options, and when each is reached.

        Raises:
            NassimError: `build` fails, or asks in a way that can't be understood.
        """
        import torch

        from nassim.space.domain_reader import read_domain

        with torch.random.fork_rng(devices=[]), torch.device("meta"):
            return read_domain(self._build_plainly)

    def to_string(self, architecture: Mapping[str, str]) -> str | None:
        """Return an architecture in the space's own words, which reports show; None where it has none."""
        return None

    def subnet(self, architecture: Mapping[str, str]) -> "nn.Module":
        """Return the network of an architecture: a plain module that holds what was chosen and nothing else.

        Its weights are initialised from torch's global random state, like those of any module.

        Raises:
            NassimError: The architecture is not of this space, or `build` asks otherwise than its domain says.
        """
        canonical = self.canonical(architecture)

        def decide(name: str, labels: tuple[str, ...]) -> str:
            if name not in canonical or set(labels) != set(self.domain[name].labels):
                raise NassimError(self._surprise(canonical, f"asks for choice {name!r} of {', '.join(labels)}"))
            return canonical[name]

        reader = PlainReader(decide)
        network = self._build_plainly(reader)
        for name in canonical:
            if name not in reader.taken:
                raise NassimError(self._surprise(canonical, f"doesn't ask for choice {name!r}"))
        return network

    def supernet(self) -> "Supernet":
        """Return the network that holds every option once; `supernet(x, architecture)` runs one subnet.

        Raises:
            NassimError: A choice can't be shared: see `nassim.space.supernet`.
        """
        from nassim.space.supernet import Supernet

        return Supernet(self)

    def canonical(self, labels: Mapping[str, str]) -> Architecture:
        """Return the architecture of these decisions, without those on choices that it doesn't reach.

        Raises:
            NassimError: A name or a label that the space doesn't have, or a choice that is reached and undecided.
        """
        return self.domain.canonical(labels)

    def sample(self, rng: "np.random.Generator") -> Architecture:
        """Return a random architecture: at each choice that is reached, every option is equally likely."""
        return self.domain.walk(lambda choice: choice.labels[int(rng.integers(len(choice.labels)))])

    @property
    def size(self) -> int:
        """Number of distinct canonical architectures."""
        return self.domain.size

    def enumerate(self) -> Iterator[Architecture]:
        """Yield every canonical architecture once, in a fixed order."""
        return self.domain.enumerate()

    def profile(self, architecture: Mapping[str, str]) -> Profile:
        """Return what the network of an architecture costs for one input, by look-up where that is exact.

        Raises:
            NassimError: As `subnet` and `nassim.cost.counting.count`.
        """
        return self.table.profile(architecture)

    def training_memory(self, architecture: Mapping[str, str]) -> "TrainingMemory":
        """Return what is held to train the network of an architecture: counted, for it is not a sum over options.

        Raises:
            NassimError: As `subnet` and `nassim.cost.memory.count_training_memory`.
        """
        import torch

        from nassim.cost.memory import count_training_memory

        with torch.random.fork_rng(devices=[]), torch.device("meta"):
            network = self.subnet(architecture)
        return count_training_memory(network, self.input_shape)

    @cached_property
    def table(self) -> "CostTable":
        """What every architecture costs: filled as they are asked for."""
        from nassim.space.costs.table import CostTable

        return CostTable(self)

    def build_network(self, choose: Choose, purpose: Callable[[], str]) -> "nn.Module":
        """Call `build` and check what comes back.

        Args:
            choose: What `build` asks.
            purpose: Says, for messages, what is being built.

        Raises:
            NassimError: `build` fails or returns something that is not a module.
        """
        from torch import nn

        name = type(self).__name__
        with users_code(lambda error: f"{name}.build fails {purpose()}: {describe(error)}"):
            network = self.build(choose)
        if not isinstance(network, nn.Module):
            raise NassimError(f"{name}.build returns an nn.Module, found {type(network).__name__} {purpose()}")
        return network

    def _build_plainly(self, reader: PlainReader) -> "nn.Module":
        def purpose() -> str:
            return f"for {shorten(Architecture(reader.taken).to_json(), LONGEST_SHOWN)}"

        return self.build_network(reader, purpose)

    def _surprise(self, architecture: Architecture, what: str) -> str:
        return (
            f"{type(self).__name__}.build {what} in {architecture.to_json()}, other than its domain says; what build "
            "asks must depend on its decisions alone, and on few of them at once: ask a choice inside the option that "
            "needs it"
        )
