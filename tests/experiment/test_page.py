"""docs/experiment.md lists every key with its default and its meaning, as the model has them."""

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from pydantic import BaseModel

from nassim.evaluators.schedule import Schedule
from nassim.experiment import load_experiment
from nassim.experiment import model as m
from nassim.experiment.aims import LimitSpec, ObjectiveSpec, OnDevice
from nassim.experiment.data import ArraysSpec, DataSpec, DigitsSpec, OwnData
from nassim.experiment.own import Own, PartSpec
from nassim.experiment.task import TaskSpec
from nassim.hardware.costs import COSTS
from nassim.spec import Spec

PAGE = Path(__file__).parents[2] / "docs" / "experiment.md"
SECTIONS = {
    "The file": m.Experiment,
    "`space`": m.SpaceSpec,
    "`data` with `name: digits`": DigitsSpec,
    "`data` with `name: arrays`": ArraysSpec,
    "`data` of one's own": OwnData,
    "`task`": TaskSpec,
    "`training` and `final.schedule`": Schedule,
    "`searches[]`": m.SearchSpec,
    "`searches[].evaluator` with `kind: full`": m.FullSpec,
    "`searches[].evaluator` with `kind: enas`": m.EnasSpec,
    "`searches[].evaluator` of one's own": m.OwnEvaluator,
    "`searches[].sampler`": m.SamplerSpec,
    "`searches[].pruner`": m.PrunerSpec,
    "`final`": m.FinalSpec,
    "`executor` with `kind: ray`": m.RaySpec,
    "`executor` with `kind: inline`": m.InlineSpec,
    "`executor` of one's own": m.OwnExecutor,
    "`checkpoint`": m.CheckpointSpec,
    "`objectives[]` and `searches[].objectives[]`": ObjectiveSpec,
    "`limits` and `searches[].limits`": LimitSpec,
    "`budget` and `searches[].budget`": m.Budget,
    "`site`": m.SiteSpec,
}


def mappings_of(spec: type[Spec]) -> Iterator[type[Spec]]:
    """Yield the classes that derive from one."""
    for derived in spec.__subclasses__():
        yield derived
        yield from mappings_of(derived)


def rows_of(spec: type[BaseModel]) -> list[str]:
    """Return the rows that the table of a mapping has."""
    return [f"| `{key}` | {default(field)} | {meaning(field)} |" for key, field in spec.model_fields.items()]


def default(field) -> str:
    if field.is_required():
        return "required"
    if isinstance(field.default, BaseModel):
        return "see there"
    return "none" if field.default is None else f"`{json.dumps(field.default)}`"


def meaning(field) -> str:
    assert field.description, f"{field} says nothing"
    return " ".join(field.description.split())


@pytest.mark.parametrize("title", SECTIONS)
def test_a_section_has_the_rows_of_its_mapping(title):
    text = PAGE.read_text(encoding="utf-8")
    _, found, section = text.partition(f"\n## {title}\n")
    assert found, f"give the page a section {title}"
    rows = re.findall(r"^\| `.*\|$", section.partition("\n## ")[0], re.MULTILINE)
    assert rows == rows_of(SECTIONS[title])


def test_every_mapping_of_the_model_has_a_section():
    assert set(mappings_of(Spec)) - {DataSpec, OnDevice, PartSpec, Own} == set(SECTIONS.values())


def test_the_costs_are_those_there_are():
    section = PAGE.read_text(encoding="utf-8").partition("\n## Costs\n")[2].partition("\n## ")[0]
    assert re.findall(r"^\| `(.*)` \| (.*) \|$", section, re.MULTILINE) == list(COSTS.items())


def test_the_example_on_the_page_is_an_experiment(tmp_path):
    (example,) = re.findall(r"```yaml\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    (tmp_path / "example.yaml").write_text(example, encoding="utf-8")
    assert load_experiment(tmp_path / "example.yaml").searches
