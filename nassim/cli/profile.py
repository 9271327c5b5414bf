"""Profiles as tables: what one architecture costs, layer by layer if asked, or the range over a space."""

import json
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

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

LAYER_COLUMNS = (
    "name", "kind", "output_shape", "params", "weight_bytes", "forward_flop", "backward_flop", "read_bytes",
    "written_bytes", "backward_read_bytes", "backward_written_bytes",
)  # fmt: skip

SHOWN_COLUMNS = (
    "name",
    "kind",
    "output_shape",
    "params",
    "forward_flop",
    "backward_flop",
    "read_bytes",
    "written_bytes",
)
"""Those that fit a terminal; JSON has all."""

Row = tuple[str, ...]


def show(reference: str, text: str | None, *, layers: bool, settings: Sequence[str], as_json: bool) -> None:
    """Print what an architecture's network costs, or the range over a space.

    Raises:
        NassimError: There is no such space, parameter or architecture, or layers are asked of a whole space.
    """
    from nassim.space.loading import load_space

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
    if "layers" in document:
        shown = [LAYER_COLUMNS.index(name) for name in SHOWN_COLUMNS]
        rows = [tuple(row[i] for i in shown) for row in layer_rows(document)]
        tables += ["", _table(tuple(_title(name) for name in SHOWN_COLUMNS), rows)]
    return tables


def _table(titles: Row, rows: Sequence[Row]) -> Table:
    table = Table(box=None, pad_edge=False)
    for i, title in enumerate(titles):
        table.add_column(title, justify="left" if i == 0 or title in ("kind", "output shape") else "right")
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

    profile = space.profile(architecture)
    memory = space.training_memory(architecture)
    document: dict[str, Any] = {
        "architecture": dict(architecture),
        "forward_macs": profile.forward_macs,
        **{name: getattr(profile, name) for name in AMOUNTS},
        "saved_bytes": memory.saved_bytes,
        "gradient_bytes": memory.gradient_bytes,
        "uncounted": dict(profile.uncounted),
    }
    if layers:
        rows = _count_layers(space, architecture).layers
        document["layers"] = [{name: getattr(row, name) for name in LAYER_COLUMNS} for row in rows]
    return document


def describe_space(space: "SearchSpace") -> dict[str, Any]:
    """Return the least, the median and the greatest amounts of a space's networks, as plain values."""
    import numpy as np

    from nassim.cost.profile import AMOUNTS

    if space.size <= MOST_TABULATED:
        amounts = space.table.arrays()
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


def network_rows(document: Mapping[str, Any]) -> list[Row]:
    """Return rows (what, amount, exactly) of a described network."""
    rows = [(_title(name), _readable(name, value), whole(value)) for name, value in document.items() if
            isinstance(value, int)]  # fmt: skip
    return [*rows, *((f"uncounted: {name}", "", f"{calls} calls") for name, calls in document["uncounted"].items())]


def layer_rows(document: Mapping[str, Any]) -> list[Row]:
    """Return one row a layer: name, kind, output shape and amounts."""
    return [
        tuple(
            "x".join(map(str, value)) if isinstance(value, tuple) else _readable(name, value)
            for name, value in layer.items()
        )
        for layer in document["layers"]
    ]


def space_rows(document: Mapping[str, Any]) -> list[Row]:
    """Return rows (what, least, median, greatest) of a described space."""
    return [
        (_title(name), *(_readable(name, value[which]) for which in ("least", "median", "greatest")))
        for name, value in document.items() if isinstance(value, Mapping)
    ]  # fmt: skip


def _count_layers(space: "SearchSpace", architecture: "Architecture") -> "Profile":
    import torch

    from nassim.cost.counting import count

    with torch.device("meta"):
        network = space.subnet(architecture)
    return count(network, space.input_shape, layers=True)


def _title(name: str) -> str:
    for unit in ("_bytes", "_flop", "_macs"):
        name = name.removesuffix(unit)
    return name.replace("_", " ")


def _readable(name: str, value: Any) -> str:
    for suffix, unit in (("_bytes", "B"), ("_flop", "FLOP"), ("_macs", "MAC")):
        if name.endswith(suffix):
            return amount(value, unit)
    return whole(value) if isinstance(value, int) else str(value)
