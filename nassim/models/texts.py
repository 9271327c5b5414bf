"""The texts that go with a model's weights, for people and for programs."""

import json
import re
from pprint import pformat
from typing import Any

from nassim.models.card import ModelCard
from nassim.models.onnx import INPUT, OUTPUT

WEIGHTS = "model.safetensors"
ONNX = "model.onnx"
SOURCES = "space"
"""Folder of the search space's code, where that is a file of one's own."""

_CODE = '''\
"""The network that search {search} of run {run} found, as nassim {nassim} trained it."""

{numbers}from pathlib import Path

from nassim.models.building import new_network
from nassim.space.catalogue import load_space
from safetensors.torch import load_file
from torch import nn

HERE = Path(__file__).parent
SPACE = {space}
PARAMETERS = {parameters}
ARCHITECTURE = {architecture}
SEED = {seed}


def build() -> nn.Module:
    """Return the network as it was before it was trained, from {inputs} to {outputs}."""
    return new_network(load_space(SPACE, PARAMETERS), ARCHITECTURE, SEED)


def load() -> nn.Module:
    """Return the trained network, to be used and not trained on."""
    network = build()
    network.load_state_dict(load_file(HERE / "{weights}"))
    return network.eval()


if __name__ == "__main__":
    print(load())
'''

_README = """\
The model that search {search} of run {run} found, as nassim {nassim} trained it.

Load it with one line, where nassim and what its search space imports are installed:

    import nassim; model = nassim.load_model("path/to/this/folder")

It takes inputs {inputs}, float32, and returns {outputs}.
What was done to its inputs before: {preparation}.
On the test data: {metrics}.

"""


OUTPUTS = {
    "classification": "logits (batch, {})",
    "binary": "a logit (batch, {}), above 0 for the class 1",
    "regression": "predicted numbers (batch, {})",
}
"""What networks return, by what they learnt."""


def texts_of(card: ModelCard, *, onnx: bool) -> dict[str, str]:
    """Return the texts by the names of their files, those of the space's own code among them.

    Args:
        card: What is known of the model.
        onnx: Whether the network goes along as ONNX.
    """
    sources = {f"{SOURCES}/{name}": text for name, text in card.origin.sources.items()}
    return {
        "README.txt": _readme(card, onnx),
        "architecture.json": json.dumps(_told(card), indent=2, ensure_ascii=False) + "\n",
        "model.py": _code(card),
        **sources,
    }


def _told(card: ModelCard) -> dict[str, Any]:
    """Return all that a card says; the space's own code is there as files."""
    values = card.to_values()
    del values["origin"]["sources"]
    return values


def _code(card: ModelCard) -> str:
    origin, parameters = card.origin, pformat(dict(card.origin.parameters), width=100)
    return _CODE.format(
        numbers="from math import inf, nan\n" if re.search(r"\b(inf|nan)\b", parameters) else "",
        space=f"str(HERE / {SOURCES!r} / {origin.space!r})" if origin.sources else repr(origin.space),
        parameters=parameters,
        architecture=pformat(dict(card.architecture), width=100),
        seed=card.seed,
        weights=WEIGHTS,
        **_facts(card),
    )


def _readme(card: ModelCard, onnx: bool) -> str:
    files = {
        WEIGHTS: "weights and statistics; in its header what architecture.json says, and a checksum",
        "architecture.json": "what the network is, what it costs, and where it comes from",
        "model.py": "code that builds the network and loads the weights",
    }
    if card.origin.sources:
        files[f"{SOURCES}/"] = "the code of its search space, as it was when the model was trained"
    if onnx:
        files[ONNX] = f"the same network for other programs, from {INPUT!r} to {OUTPUT!r}"
    metrics = ", ".join(f"{name} {value:.4f}" for name, value in card.metrics.items())
    head = _README.format(metrics=metrics, preparation=card.origin.preparation, **_facts(card))
    return head + "".join(f"{name:20}{what}\n" for name, what in files.items())


def _facts(card: ModelCard) -> dict[str, object]:
    """Return what stands in both texts; a name so that it can't end the text it stands in."""
    origin = card.origin
    return {
        "search": origin.search.replace("\\", "/").replace('"', "'"),
        "run": origin.run,
        "nassim": origin.nassim,
        "inputs": f"({', '.join(map(str, ('batch', *card.input_shape)))})",
        "outputs": OUTPUTS[card.task].format(card.classes),
    }
