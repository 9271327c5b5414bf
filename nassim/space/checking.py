"""Checking: whether a space's networks can be built and run, on torch's meta device, which computes nothing."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, TypeVar

from nassim.errors import NassimError
from nassim.space.architecture import Architecture

if TYPE_CHECKING:
    from torch import Tensor

    from nassim.space.search_space import SearchSpace

Returned = TypeVar("Returned")


def check_networks(space: "SearchSpace") -> None:
    """Build a few networks that together take most options, and see what they return.

    Single networks may fail: a trial that proposes one fails with the reason.

    Raises:
        NassimError: A network doesn't return (batch, classes), or not one of them can be built and run.
    """
    with _pretended(space) as inputs:
        shapes = _try(space, "network", lambda architecture: space.subnet(architecture).eval()(inputs).shape)
    for architecture, shape in shapes.items():
        if shape[1:] != (space.classes,):
            raise NassimError(
                f"the networks of {type(space).__name__} return outputs of shape {('batch', *shape[1:])}, wanted "
                f"(batch, classes), {('batch', space.classes)}; see what `build` returns for {architecture.to_json()}"
            )


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
            returned[architecture] = run(architecture)
        except Exception as error:  # noqa: BLE001, a network may fail in any way
            failures.append(error)
    if not returned:
        first = failures[0]
        reason = str(first) if isinstance(first, NassimError) else f"{type(first).__name__}: {first}"
        raise NassimError(f"no {what} of {type(space).__name__} could be built and run, of {len(tried)}: {reason}")
    return returned
