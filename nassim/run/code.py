"""Code: which code the parts of an experiment are, of which some may be one's own."""

from collections.abc import Iterator, Mapping
from dataclasses import asdict
from typing import Any

from nassim.catalogue import Catalogue
from nassim.data.catalogue import DATA
from nassim.evaluators.catalogue import EVALUATORS
from nassim.executors.catalogue import EXECUTORS
from nassim.ledger.records import RunRecord
from nassim.samplers.catalogue import PRUNERS, SAMPLERS
from nassim.sources import code_of, doubt, origin_of
from nassim.space.catalogue import SPACES


def record_code(experiment: Mapping[str, Any]) -> dict[str, dict[str, str]]:
    """Return which code the parts of an experiment are that don't ship, by their references."""
    return {reference: asdict(code_of(catalogue, reference)) for catalogue, reference in _named(experiment)}


def origins(record: RunRecord) -> str:
    """Say where the parts of a run are loaded from, of those that don't ship: "its space is loaded from ...".

    Whoever wrote the ledger has chosen the names in it.
    """
    return ", ".join(origin_of(catalogue, code_of(catalogue, name)) for catalogue, name in _named(record.experiment))


def doubts(record: RunRecord) -> str | None:
    """Say why the code of a run's parts may be another than that which it began with; None where it is the same."""
    recorded = record.about.get("code") or {}
    if "origin" in recorded:  # an earlier nassim knew of one's own spaces alone
        recorded = {record.space: recorded}
    found = (doubt(catalogue, name, recorded.get(name)) for catalogue, name in _named(record.experiment))
    return "; ".join(each for each in found if each) or None


def _named(experiment: Mapping[str, Any]) -> Iterator[tuple[Catalogue[Any], str]]:
    """Yield the parts that an experiment names and that don't ship, each once, with the catalogue of their kind."""
    found: list[tuple[Catalogue[Any], Any]] = [
        (SPACES, experiment["space"]["name"]),
        (DATA, experiment["data"]["name"]),
    ]
    for search in experiment["searches"]:
        found += [(EVALUATORS, search["evaluator"]["kind"]), (SAMPLERS, search["sampler"]["name"])]
        found.append((PRUNERS, search.get("pruner", {}).get("name", "none")))
    found.append((EXECUTORS, experiment.get("executor", {}).get("kind", "ray")))
    yield from dict.fromkeys((catalogue, str(name)) for catalogue, name in found if not catalogue.is_shipped(str(name)))
