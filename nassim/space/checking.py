"""Checking: whether a space's networks can be built and run, on torch's meta device, which computes nothing."""

from typing import TYPE_CHECKING

from nassim.errors import NassimError
from nassim.space.architecture import Architecture

if TYPE_CHECKING:
    from nassim.space.search_space import SearchSpace

MOST_NETWORKS = 8
"""Networks that are tried, at most."""


def check_networks(space: "SearchSpace") -> None:
    """Build a few networks that together take most options, and see what they return.

    Single networks may fail: a trial that proposes one fails with the reason.

    Raises:
        NassimError: A network doesn't return (batch, classes), or not one of them can be built and run.
    """
    failures = []
    tried = space.domain.covering(MOST_NETWORKS)
    for architecture in tried:
        try:
            shape = _output_shape(space, architecture)
        except Exception as error:  # noqa: BLE001, a network may fail in any way
            failures.append(error)
            continue
        if shape[1:] != (space.classes,):
            raise NassimError(
                f"the networks of {type(space).__name__} return outputs of shape {('batch', *shape[1:])}, wanted "
                f"(batch, classes), {('batch', space.classes)}; see what `build` returns for {architecture.to_json()}"
            )
    if len(failures) == len(tried):
        first = failures[0]
        reason = str(first) if isinstance(first, NassimError) else f"{type(first).__name__}: {first}"
        raise NassimError(f"no network of {type(space).__name__} could be built and run, of {len(tried)}: {reason}")


def check_supernet(space: "SearchSpace") -> None:
    """Build the network that holds every option, and run a few subnets of it.

    Raises:
        NassimError: It can't be built, or not one of the subnets runs.
    """
    import torch

    tried, failures = space.domain.covering(MOST_NETWORKS), []
    with torch.random.fork_rng(devices=[]), torch.device("meta"), torch.no_grad():
        supernet = space.supernet().eval()
        inputs = torch.empty(2, *space.input_shape)
        for architecture in tried:
            try:
                supernet(inputs, architecture)
            except Exception as error:  # noqa: BLE001, as above
                failures.append(error)
    if len(failures) == len(tried):
        raise NassimError(
            f"the shared weights of {type(space).__name__} don't run: {type(failures[0]).__name__}: {failures[0]}"
        )


def _output_shape(space: "SearchSpace", architecture: Architecture) -> tuple[int, ...]:
    import torch

    with torch.random.fork_rng(devices=[]), torch.device("meta"), torch.no_grad():
        network = space.subnet(architecture).eval()
        return tuple(network(torch.empty(2, *space.input_shape)).shape)
