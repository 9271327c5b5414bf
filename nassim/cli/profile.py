"""Profiles as tables: what one architecture costs, layer by layer if asked, or the range over a space."""

import itertools
import json
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any, Literal

import yaml
from rich.console import RenderableType
from rich.table import Table

from nassim.cli.printing import print_plainly
from nassim.errors import NassimError
from nassim.units import amount, whole

if TYPE_CHECKING:
    from nassim.cost.profile import Profile
    from nassim.space import Architecture, SearchSpace

MOST_TABULATED = 50_000
"""Architectures up to which a space's range is over all of them; beyond, over a sample."""

SAMPLE = 100
"""Architectures of the sample, drawn with seed 0."""

TOLD = 500
"""Networks counted between two signs of life: some seconds."""

TITLES = {
    "forward_macs": "forward",
    "forward_flop": "forward",
    "backward_flop": "backward",
    "torch_forward_flop": "  by torch's counter, forward",
    "torch_backward_flop": "  by torch's counter, backward",
    "elementwise_flop": "element-wise, forward",
    "backward_elementwise_flop": "element-wise, backward",
    "params": "parameters",
    "weight_bytes": "weights",
    "read_bytes": "read, forward",
    "written_bytes": "written, forward",
    "elementwise_bytes": "  by what is no contraction",
    "backward_read_bytes": "read, backward",
    "backward_written_bytes": "written, backward",
    "backward_elementwise_bytes": "  by what is no contraction",
    "saved_bytes": "kept for the backward pass",
    "gradient_bytes": "gradients of the weights",
    "uncounted_calls": "calls of uncounted operations",
}
"""What a terminal calls the amounts, in the order in which it shows them."""

LAYER_TITLES = ("name", "kind", "output", "params", "forward", "backward", "element-wise", "moved")

LEFT = ("kind", "output", "which counts")
SHRINKING = ("kind", "which counts")
"""Columns of text, and those that a narrow terminal wraps."""

Row = tuple[str, ...]


def show(reference: str, text: str | None, *, layers: bool, settings: Sequence[str], as_json: bool) -> None:
    """Print what an architecture's network costs, or the range over a space.

    Raises:
        NassimError: There is no such space, parameter or architecture, or layers are asked of a whole space.
    """
    from nassim.space.catalogue import load_space

    if layers and text is None:
        raise NassimError("--layers shows the layers of one network; give its architecture")
    space = load_space(reference, read_parameters(settings))
    if text is None:
        document = describe_space(space)
    else:
        document = describe_network(space, read_architecture(space, text), layers)
    if as_json:
        print(json.dumps(document, indent=2, ensure_ascii=False))
    else:
        print_plainly(*_tables(document))


def _tables(document: Mapping[str, Any]) -> list[RenderableType]:
    if "size" in document:
        headline = f"{document['size']:,} architectures, {document['profiled']:,} of them profiled; for one input:\n"
        return [headline, _table(("", "least", "median", "greatest"), space_rows(document))]
    tables: list[RenderableType] = [_table(("for one input", "", "exactly"), network_rows(document))]
    if document["differences"]:
        titles = ("where torch's counter differs", "performed", "by torch", "which counts")
        tables += ["", _table(titles, difference_rows(document))]
    if "layers" in document:
        headline = "Layers: FLOP forward and backward; element-wise operations and bytes moved, of both passes.\n"
        tables += ["", headline, _table(LAYER_TITLES, layer_rows(document))]
    return tables


def _table(titles: Row, rows: Sequence[Row]) -> Table:
    table = Table(box=None, pad_edge=False)
    for i, title in enumerate(titles):
        longest = 0 if title in SHRINKING else max((len(row[i]) for row in rows), default=0)
        side: Literal["left", "right"] = "left" if i == 0 or title in LEFT else "right"
        table.add_column(title, justify=side, no_wrap=title not in SHRINKING, min_width=longest)
    for row in rows:
        table.add_row(*row)
    return table


def read_parameters(settings: Sequence[str]) -> dict[str, Any]:
    """Read `name=value` settings of a space; values are written as in an experiment file.

    Raises:
        NassimError: A setting is not of that form.
    """
    parameters = {}
    for setting in settings:
        name, sign, value = setting.partition("=")
        try:
            parameters[name] = yaml.safe_load(value)
        except yaml.YAMLError:
            sign = ""
        if not sign or not name:
            raise NassimError(f"a parameter of a space is given as name=value, found {setting!r}")
    return parameters


def read_architecture(space: "SearchSpace", text: str) -> "Architecture":
    """Read an architecture from JSON, or from the string that the space writes one as.

    Raises:
        NassimError: The text is neither, or the architecture is not of this space.
    """
    from nassim.space import Architecture

    if text.lstrip().startswith("{"):
        try:
            return space.canonical(Architecture.from_json(text))
        except ValueError as error:
            raise NassimError(f"the architecture is not a JSON object of names and labels: {error}") from error
    from_string = getattr(space, "from_string", None)
    if from_string is None:
        example = next(space.enumerate()).to_json()
        raise NassimError(f"an architecture of this space is written as JSON, such as '{example}'; found {text!r}")
    return space.canonical(from_string(text))


def describe_network(space: "SearchSpace", architecture: "Architecture", layers: bool) -> dict[str, Any]:
    """Return what an architecture's network costs for one input, with units in the names, as plain values."""
    from nassim.cost.profile import AMOUNTS

    profile, counted = space.profile(architecture), _count_layers(space, architecture)
    memory = space.training_memory(architecture)
    document: dict[str, Any] = {
        "architecture": dict(architecture),
        "forward_macs": profile.forward_macs,
        **{name: getattr(profile, name) for name in AMOUNTS},
        "saved_bytes": memory.saved_bytes,
        "gradient_bytes": memory.gradient_bytes,
        "uncounted": dict(profile.uncounted),
        "differences": [asdict(difference) | _why(difference.operation) for difference in counted.differences],
    }
    if layers:
        document["layers"] = [asdict(layer) for layer in counted.layers]
    return document


def _why(operation: str) -> dict[str, str | None]:
    """Return what is performed and what torch counts, in words."""
    from nassim.cost.differences import discrepancy

    known = discrepancy(operation)
    return {"performed": known.performed if known else None, "by_torch": known.by_torch if known else None}


def describe_space(space: "SearchSpace") -> dict[str, Any]:
    """Return the least, the median and the greatest amounts of a space's networks, as plain values."""
    import numpy as np

    from nassim.cost.profile import AMOUNTS

    if space.size <= MOST_TABULATED:
        amounts = space.table.arrays(sign_of_life(space.size))
    else:
        rng = np.random.default_rng(0)
        profiles = [space.profile(space.sample(rng)) for _ in range(SAMPLE)]
        amounts = {name: np.array([getattr(profile, name) for profile in profiles]) for name in AMOUNTS}
    return {
        "size": space.size,
        "profiled": len(amounts["params"]),
        **{
            name: {"least": int(values.min()), "median": int(np.sort(values)[len(values) // 2]),
                   "greatest": int(values.max())}
            for name, values in amounts.items()
        },
    }  # fmt: skip


def sign_of_life(size: int) -> Callable[[], None]:
    """Return what tells whoever waits, from time to time, how many networks have been counted."""
    numbers = itertools.count(1)

    def counted() -> None:
        number = next(numbers)
        if number % TOLD == 0:
            print(f"{number:,} networks counted, of at most {size:,}", file=sys.stderr, flush=True)

    return counted


def network_rows(document: Mapping[str, Any]) -> list[Row]:
    """Return rows (what, amount, exactly) of a described network."""
    rows = [
        (title, _readable(name, document[name]), whole(document[name]))
        for name, title in TITLES.items() if name in document
    ]  # fmt: skip
    return [*rows, *((f"uncounted: {name}", "", f"{calls} calls") for name, calls in document["uncounted"].items())]


def difference_rows(document: Mapping[str, Any]) -> list[Row]:
    """Return rows (operation, performed, by torch, what torch counts) of a described network."""
    return [
        (entry["operation"], *(amount(entry[name], "FLOP") for name in ("flop", "torch_flop")), entry["by_torch"] or "")
        for entry in document["differences"]
    ]


def layer_rows(document: Mapping[str, Any]) -> list[Row]:
    """Return one row a layer: name, kind, output shape, parameters, FLOP, and both passes' other amounts."""
    rows = []
    for layer in document["layers"]:
        elementwise = layer["elementwise_flop"] + layer["backward_elementwise_flop"]
        moved = sum(layer[f"{which}_bytes"] for which in ("read", "written", "backward_read", "backward_written"))
        amounts = (layer["forward_flop"], layer["backward_flop"], elementwise, moved)
        shape = "x".join(map(str, layer["output_shape"]))
        shown = [amount(value, "").rstrip() for value in amounts]
        rows.append((layer["name"], layer["kind"], shape, whole(layer["params"]), *shown))
    return rows


def space_rows(document: Mapping[str, Any]) -> list[Row]:
    """Return rows (what, least, median, greatest) of a described space."""
    return [
        (title, *(_readable(name, document[name][which]) for which in ("least", "median", "greatest")))
        for name, title in TITLES.items() if name in document
    ]  # fmt: skip


def _count_layers(space: "SearchSpace", architecture: "Architecture") -> "Profile":
    import torch

    from nassim.cost.counting import count

    with torch.device("meta"):
        network = space.subnet(architecture)
    return count(network, space.input_shape, layers=True)


def _readable(name: str, value: Any) -> str:
    for suffix, unit in (("_bytes", "B"), ("_flop", "FLOP"), ("_macs", "MAC")):
        if name.endswith(suffix):
            return amount(value, unit)
    return whole(value) if isinstance(value, int) else str(value)
