"""Checking: whether a space's networks can be built and run, on torch's meta device, which computes nothing."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import zip_longest
from typing import TYPE_CHECKING, TypeVar

from nassim.errors import NassimError, describe, users_code
from nassim.space.architecture import Architecture

if TYPE_CHECKING:
    from torch import Tensor, nn

    from nassim.space.search_space import SearchSpace

Returned = TypeVar("Returned")


def check_networks(space: "SearchSpace") -> int:
    """Build a few networks that together take most options, and see what they return.

    Single networks may fail: a trial that proposes one fails with the reason.

    Returns:
        Bytes of the weights of the smallest.

    Raises:
        NassimError: A network doesn't return (batch, classes), or not one of them can be built and run.
    """
    with _pretended(space) as inputs:
        found = _try(space, "network", lambda architecture: _run(space.subnet(architecture).eval(), inputs))
        for architecture in found:
            _check_same(space, architecture)
    for architecture, (shape, _) in found.items():
        if shape[1:] != (space.classes,):
            raise NassimError(
                f"the networks of {type(space).__name__} return outputs of shape {('batch', *shape[1:])}, wanted "
                f"(batch, classes), {('batch', space.classes)}; see what `build` returns for {architecture.to_json()}"
            )
    return min(weights for _, weights in found.values())


def _check_same(space: "SearchSpace", architecture: Architecture) -> None:
    """See that `build` makes the same network when it runs again with the same decisions."""
    first, second = (_parts(space.subnet(architecture)) for _ in range(2))
    for one, other in zip_longest(first, second):
        if one != other:
            raise NassimError(
                f"{type(space).__name__}.build makes other networks when it runs again with the same decisions, "
                f"{architecture.to_json()}: {one} and {other}; it must not depend on chance or on what earlier runs "
                "left behind"
            )


def _parts(network: "nn.Module") -> list[str]:
    modules = (f"{name or 'network'}: {type(module).__name__}" for name, module in network.named_modules())
    return [*modules, *(f"{name} of shape {tuple(each.shape)}" for name, each in network.state_dict().items())]


def _run(network: "nn.Module", inputs: "Tensor") -> tuple[tuple[int, ...], int]:
    """Return the shape of what a network returns, and the bytes of its weights."""
    outputs = network(inputs)
    if not hasattr(outputs, "shape"):
        raise TypeError(f"it returns {type(outputs).__name__}, wanted a tensor")
    return tuple(outputs.shape), sum(weight.nbytes for weight in network.parameters())


def check_supernet(space: "SearchSpace") -> None:
    """Build the network that holds every option, and run a few subnets of it.

    Raises:
        NassimError: It can't be built, or not one of the subnets runs.
    """
    with _pretended(space) as inputs:
        supernet = space.supernet().eval()
        _try(space, "subnet of shared weights", lambda architecture: supernet(inputs, architecture))


@contextmanager
def _pretended(space: "SearchSpace") -> "Iterator[Tensor]":
    """Have what is built and run inside take neither memory nor time; yields inputs for it."""
    import torch

    with torch.random.fork_rng(devices=[]), torch.device("meta"), torch.no_grad():
        yield torch.empty(2, *space.input_shape)


def _try(space: "SearchSpace", what: str, run: Callable[[Architecture], Returned]) -> dict[Architecture, Returned]:
    """Return what came of those that didn't fail of a few architectures.

    Raises:
        NassimError: All of them failed.
    """
    returned, failures = {}, []
    tried = space.domain.covering()
    for architecture in tried:
        try:
            with users_code(describe):
                returned[architecture] = run(architecture)
        except NassimError as error:
            failures.append(error)
    if not returned:
        raise NassimError(f"no {what} of {type(space).__name__} could be built and run, of {len(tried)}: {failures[0]}")
    return returned
