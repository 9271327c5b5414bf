"""Loading a model that was handed over: the network, rebuilt from its space, with the trained weights in it."""

from pathlib import Path

from torch import Tensor, nn

from nassim.errors import NassimError
from nassim.models.building import new_network
from nassim.models.card import ModelCard
from nassim.models.file import SavedModel, read_model
from nassim.models.texts import SOURCES, WEIGHTS
from nassim.space.catalogue import load_space

TOLD = 5
"""Names that a message lists of each sort."""
_REMEDY = "The space's code is to be as it was when the model was trained"


def load_model(folder: str | Path, device: str = "cpu") -> nn.Module:
    """Return the trained network of a folder: see `nassim.load_model`."""
    saved = read_model(Path(folder) / WEIGHTS)
    return rebuild(saved, Path(folder)).to(device)


def rebuild(saved: SavedModel, folder: Path) -> nn.Module:
    """Return the network of a saved model on the CPU, whose space's own code, if it has any, lies in a folder.

    Raises:
        NassimError: As for `load_model`.
    """
    card, origin = saved.card, saved.card.origin
    try:
        space = load_space(space_reference(card, folder), origin.parameters)
        network = new_network(space, card.architecture, card.seed)
    except NassimError as error:
        raise NassimError(
            f"the model of search {origin.search}, run {origin.run}, can't be rebuilt: {error}. {_REMEDY}"
        ) from error
    _check_fit(network, saved)
    network.load_state_dict(dict(saved.tensors))
    return network.eval()


def space_reference(card: ModelCard, folder: Path) -> str:
    """Return what a model's space is to be loaded by, its own code lying in a folder."""
    origin = card.origin
    return str(folder / SOURCES / origin.space) if origin.sources else origin.space


def _check_fit(network: nn.Module, saved: SavedModel) -> None:
    """Compare the network that was rebuilt with the weights that were saved.

    Raises:
        NassimError: They differ; the message says in what.
    """
    wanted = {name: _form(value) for name, value in network.state_dict().items()}
    found = {name: _form(value) for name, value in saved.tensors.items()}
    differences = [
        _listed("not among the weights", [name for name in wanted if name not in found]),
        _listed("not in the network", [name for name in sorted(found) if name not in wanted]),
        _listed(
            "of another shape or type",
            [
                f"{name} is {form}, its weights {found[name]}"
                for name, form in wanted.items()
                if found.get(name, form) != form
            ],
        ),
    ]
    if any(differences):
        origin = saved.card.origin
        raise NassimError(
            f"the weights of search {origin.search}, run {origin.run}, don't fit the network that space "
            f"{origin.space} builds by now: {'; '.join(filter(None, differences))}. {_REMEDY}"
        )


def _form(value: object) -> str:
    if not isinstance(value, Tensor):
        return type(value).__name__
    return f"{str(value.dtype).removeprefix('torch.')} {tuple(value.shape)}"


def _listed(what: str, names: list[str]) -> str:
    more = f" and {len(names) - TOLD} more" if len(names) > TOLD else ""
    return f"{what}: {', '.join(names[:TOLD])}{more}" if names else ""
