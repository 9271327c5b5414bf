"""Supernet: a network that holds every option of a space once, and runs one subnet a call."""

from collections.abc import Callable, Mapping
from typing import Any, Protocol

import torch
from torch import Tensor, nn

from nassim.errors import NassimError
from nassim.space.architecture import Architecture
from nassim.space.choosing import Choose, Options, check_asked_again, read_options, realise
from nassim.space.chosen import Chosen, active, active_label
from nassim.space.elastic import Elastic


class ChosenModule(nn.Module):
    """Stands where `build` chose a module: holds every option, runs the one that the active architecture takes."""

    def __init__(self, choice: str, options: Mapping[str, nn.Module]) -> None:
        super().__init__()
        self.choice = choice
        self.labels = tuple(options)
        self.options = nn.ModuleList(options.values())

    def taken(self, label: str) -> nn.Module:
        """Return the option with this label.

        Raises:
            NassimError: There is none.
        """
        if label not in self.labels:
            raise NassimError(
                f"choice {self.choice!r} has no option {label!r}; its options are {', '.join(self.labels)}"
            )
        return self.options[self.labels.index(label)]

    def forward(self, *args: Any, **kwargs: Any) -> Any:
        """Run the option that the active architecture takes."""
        return self.taken(active_label(self.choice))(*args, **kwargs)


class SupernetReader:
    """A `choose` that takes every option: modules side by side, values left open."""

    def __init__(self) -> None:
        self._asked: dict[str, tuple[str, ...]] = {}

    def __call__(self, name: str, options: Options) -> Any:
        """Answer `build`: see `Choose`."""
        table = read_options(name, options)
        labels = tuple(table)
        check_asked_again(name, self._asked.setdefault(name, labels), labels)
        if callable(table[labels[0]]):
            return ChosenModule(name, {label: realise(name, label, option) for label, option in table.items()})
        return Chosen.of(name, table)


class Shareable(Protocol):
    """What is asked of a space: see `nassim.space.SearchSpace`."""

    def build_network(self, choose: Choose, purpose: Callable[[], str]) -> nn.Module:
        """Call `build` and check what comes back."""

    def canonical(self, labels: Mapping[str, str]) -> Architecture:
        """Return the architecture of these decisions."""

    def subnet(self, architecture: Mapping[str, str]) -> nn.Module:
        """Return the network of an architecture."""


class Supernet(nn.Module):
    """Every option of a space, once. Which subnet runs is an argument of the call and nothing else.

    Modules that are options stand side by side. Numbers (widths, kernel sizes) are shared through the elastic layers of
    `nassim.space`. Calls may be nested and may run at once in several threads.

    Attributes:
        network: What `build` returned. Not to be called by itself.

    Raises:
        NassimError: A value is chosen and goes elsewhere than into an elastic layer.
    """

    def __init__(self, space: Shareable) -> None:
        super().__init__()
        self._space = space
        self.network = space.build_network(SupernetReader(), lambda: "as a supernet")

    def forward(self, x: Tensor, architecture: Mapping[str, str]) -> Tensor:
        """Run the subnet of an architecture.

        Args:
            x: Inputs, (batch, *input_shape).
            architecture: What to run.

        Returns:
            What the subnet returns: logits, (batch, classes).

        Raises:
            NassimError: The architecture lacks a choice that it reaches, or takes an option that isn't there.
        """
        token = active.set(architecture)
        try:
            result: Tensor = self.network(x)
        finally:
            active.reset(token)
        return result

    def extract(self, architecture: Mapping[str, str]) -> nn.Module:
        """Return the plain subnet of an architecture with a copy of its weights and statistics.

        The structure is that of `space.subnet`; device and training mode are those of this supernet. torch's random
        state is left as it was.

        Raises:
            NassimError: `build` makes other modules for the subnet than for the supernet.
        """
        canonical = self._space.canonical(architecture)
        device = next((tensor.device for tensor in self.parameters()), torch.device("cpu"))
        with torch.random.fork_rng(devices=[device] if device.type == "cuda" else []), device:
            subnet = self._space.subnet(canonical)
        token = active.set(canonical)
        try:
            with torch.no_grad():
                _copy(self.network, subnet, lambda path: self._unlike(canonical, path))
        finally:
            active.reset(token)
        return subnet.train(self.training)

    def _unlike(self, architecture: Architecture, path: str) -> NassimError:
        return NassimError(
            f"{type(self._space).__name__}.build makes another module at {path or 'the top'} for "
            f"{architecture.to_json()} than for the supernet; build must use what choose returns without looking into "
            "it"
        )


def _copy(shared: nn.Module, plain: nn.Module, unlike: Callable[[str], NassimError], path: str = "") -> None:
    """Copy the active architecture's weights out of a shared module into its plain counterpart."""
    while isinstance(shared, ChosenModule):
        shared = shared.taken(active_label(shared.choice))
    if isinstance(shared, Elastic):
        own = shared.shares()
    else:
        own = {**dict(shared.named_parameters(recurse=False)), **dict(shared.named_buffers(recurse=False))}
    target = {**dict(plain.named_parameters(recurse=False)), **dict(plain.named_buffers(recurse=False))}
    if {name: tensor.shape for name, tensor in own.items()} != {name: tensor.shape for name, tensor in target.items()}:
        raise unlike(path)
    for name, tensor in own.items():
        target[name].copy_(tensor)
    children, counterparts = dict(shared.named_children()), dict(plain.named_children())
    if children.keys() != counterparts.keys():
        raise unlike(path)
    for name, child in children.items():
        _copy(child, counterparts[name], unlike, f"{path}.{name}" if path else name)
