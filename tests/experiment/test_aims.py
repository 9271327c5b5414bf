"""Objectives and limits are read strictly, each mistake with its key path, what was found and what is allowed."""

import pytest

from nassim.errors import NassimError
from nassim.evaluators.task import CLASSIFICATION as TASK
from nassim.experiment import Experiment, load_experiment
from nassim.experiment.aims import is_maximised, label, named, weight_of

FILE = """\
name: small
space: {name: cell, parameters: {input_shape: [1, 8, 8], width: 4}}
data: {name: digits}
training: {epochs: 2}
searches:
  - name: full
    evaluator: {kind: full}
    sampler: {name: SAMPLER}
    trials: 4
    SEARCH
  - name: enas
    evaluator: {kind: enas, rounds: 2}
    sampler: {name: random}
final: {schedule: {epochs: 3}, PICK}
WHOLE
"""
COSTS = (
    "params, forward_flop, backward_flop, forward_macs, weight_bytes, activation_bytes, training_memory_bytes, "
    "latency_ms, energy_mj"
)


@pytest.fixture
def load(tmp_path):
    """Load the file with lines of its own in the first search, `final` and the whole."""

    def loaded(search: str = "", whole: str = "", sampler: str = "tpe", pick: str = "pick: best") -> Experiment:
        text = FILE.replace("SAMPLER", sampler).replace("SEARCH", search).replace("PICK", pick).replace("WHOLE", whole)
        (tmp_path / "e.yaml").write_text(text)
        return load_experiment(tmp_path / "e.yaml")

    return loaded


def aims(objectives) -> list[tuple[str, str]]:
    return [(label(name, each), "max" if is_maximised(name, each, TASK) else "min") for name, each in named(objectives)]


def test_accuracy_is_the_objective_unless_something_else_is_said(load):
    experiment = load()
    full, enas = experiment.searches
    assert aims(experiment.objectives_of(full)) == aims(experiment.objectives_of(enas)) == [("accuracy", "max")]
    assert experiment.limits_of(full) == {}


def test_what_a_search_says_takes_the_place_of_what_the_experiment_says(load):
    experiment = load(
        "objectives: [{loss: min}, {latency_ms: {device: a100, batch: 8}}, {params: max}]\n    limits: {params: 10}",
        "objectives: [accuracy, {energy_mj: {device: rpi4}}]\nlimits: {forward_macs: 1e6, "
        "latency_ms: {device: rpi4, at_most: 5}}",
    )
    full, enas = experiment.searches
    assert aims(experiment.objectives_of(full)) == [("loss", "min"), ("latency_ms@a100:8", "min"), ("params", "max")]
    assert aims(experiment.objectives_of(enas)) == [("accuracy", "max"), ("energy_mj@rpi4", "min")]
    assert {name: each.at_most for name, each in experiment.limits_of(full).items()} == {"params": 10}
    assert {label(*item): item[1].at_most for item in experiment.limits_of(enas).items()} == {
        "forward_macs": 1e6,
        "latency_ms@rpi4": 5,
    }


def test_it_survives_the_round_trip_through_json(load):
    experiment = load(
        "objectives: [accuracy, {params: min}, {latency_ms: {device: a100}}]\n    limits: {params: 10}",
        "limits: {latency_ms: {device: rpi4, batch: 2, at_most: 5}}",
        pick="pick: 3",
    )
    assert Experiment.model_validate(experiment.model_dump(mode="json")) == experiment
    assert Experiment.model_validate_json(experiment.model_dump_json()) == experiment


def test_weights_are_mnasnets_by_default(load):
    given = (
        "objectives: [accuracy, {params: {target: 5}}, {loss: {direction: max, target: 1}}, {energy_mj: {device: l4, "
    )
    experiment = load(given + "target: 1, weight: -0.5}}]", sampler="reinforce")
    weights = [weight_of(name, each, TASK) for name, each in named(experiment.objectives_of(experiment.searches[0]))]
    assert weights[1:] == [-0.07, 0.07, -0.5]


@pytest.mark.parametrize("given", ["best", "knee", "front", "1", "7.0"])
def test_what_may_be_picked(load, given):
    assert str(load(pick=f"pick: {given}").final.pick) == given.removesuffix(".0")


@pytest.mark.parametrize(
    ("objectives", "message"),
    [
        ("[acuracy]", f"objectives[0]: found 'acuracy' (did you mean 'accuracy'?); allowed for full: accuracy, loss, "
         f"train_loss, {COSTS}"),
        ("[accuracy, {flop: min}]", "objectives[1]: found 'flop'"),
        ("[accuracy, {params: minimum}]", "objectives[1].params.direction: found 'minimum' (did you mean 'min'?); "
         "allowed: min, max"),
        ("[accuracy, {params: {direction: up}}]", "objectives[1].params.direction: found 'up'; allowed: min, max"),
        ("[accuracy, {params: {at_most: 3}}]", "objectives[1].params.at_most: unknown key; allowed here: device, "
         "batch, direction, target, weight"),
        ("[accuracy, {params: 3}]", "objectives[1].params: found 3, wanted a mapping with the keys device, batch"),
        ("[accuracy, 3]", "objectives[1]: found 3: wanted a name such as accuracy, or one with what is said of it: "
         "{params: min}, {latency_ms: {device: a100, direction: min}}"),
        ("[accuracy, {params: min, loss: min}]", "objectives[1]: found a mapping: wanted a name such as accuracy"),
        ("[accuracy, {params: min}, params]", "objectives[2]: found 'params', which objectives[1] has already"),
        ("[accuracy, {latency_ms: {device: l4}}, {latency_ms: {device: l4, batch: 1}}]",
         "objectives[2]: found 'latency_ms@l4', which objectives[1] has already"),
        ("[accuracy, latency_ms]", "objectives[1].latency_ms.device: this key is missing: latency_ms depends on"),
        ("[accuracy, {energy_mj: min}]", "objectives[1].energy_mj.device: this key is missing"),
        ("[accuracy, {params: {device: a100}}]", "objectives[1].params.device: found 'a100'; params does not"),
        ("[{loss: {batch: 2}}]", "objectives[0].loss.batch: found 2; loss does not depend on it; take this away"),
        ("[accuracy, {latency_ms: {device: a100, batch: 0}}]",
         "objectives[1].latency_ms.batch: found 0, wanted a number of at least 1"),
        ("[params, accuracy]", "objectives[0]: found 'params', a cost; the first is what trials of full report: "
         "accuracy, loss, train_loss"),
        ("[{accuracy: {target: 0.9}}, params]", "objectives[0].accuracy.target: the first objective is what"),
        ("[accuracy, {params: {target: -1}}]", "objectives[1].params.target: found -1, wanted a number above 0"),
        ("[accuracy, {params: {target: .nan}}]", "objectives[1].params.target: found nan, wanted a finite number"),
        ("[accuracy, {params: {weight: -0.1}}]", "objectives[1].params.target: this key is missing: `weight` is that"),
        ("[accuracy, {params: {target: 1, weight: 0.1}}]",
         "objectives[1].params.weight: found 0.1, wanted a number below 0: params is to be minimised"),
        ("[accuracy, {params: {direction: max, target: 1, weight: -0.1}}]",
         "objectives[1].params.weight: found -0.1, wanted a number above 0: params is to be maximised"),
        ("[accuracy, {params: {target: 1, weight: 0}}]", "objectives[1].params.weight: found 0, wanted a number below"),
        ("[]", "objectives: found a list, wanted a list of at least 1 item"),
        ("accuracy", "objectives: found 'accuracy', wanted a list"),
        ("{accuracy: max}", "objectives: found a mapping, wanted a list"),
    ],
)  # fmt: skip
def test_mistakes_in_objectives(load, objectives, message):
    with pytest.raises(NassimError) as of_search:
        load(f"objectives: {objectives}")
    assert f"line 10: searches[0].{message}" in str(of_search.value)
    with pytest.raises(NassimError) as of_all:
        load(whole=f"objectives: {objectives}")
    assert f"line 15: {message}" in str(of_all.value)
    assert str(of_all.value).count("objectives[0]") <= 1, "what all searches share is told once"


@pytest.mark.parametrize(
    ("limits", "message"),
    [
        ("{params: 0}", "limits.params.at_most: found 0, wanted a number above 0"),
        ("{params: -5}", "limits.params.at_most: found -5, wanted a number above 0"),
        ("{params: .nan}", "limits.params.at_most: found nan, wanted a finite number"),
        ("{params: .inf}", "limits.params.at_most: found inf, wanted a finite number"),
        ("{params: few}", "limits.params.at_most: found 'few', wanted a number"),
        ("{params: {}}", "limits.params.at_most: this key is missing"),
        ("{params: {atmost: 5}}", "limits.params.atmost: unknown key (did you mean 'at_most'?); allowed here: device, "
         "batch, at_most"),
        ("{parms: 5}", f"limits.parms: found 'parms' (did you mean 'params'?); allowed: {COSTS}, which are known"),
        ("{accuracy: 0.9}", f"limits.accuracy: found 'accuracy'; allowed: {COSTS}, which are known before anything is"),
        ("{latency_ms: 5}", "limits.latency_ms.device: this key is missing: latency_ms depends on the device"),
        ("{params: {at_most: 5, device: a100}}", "limits.params.device: found 'a100'; params does not depend on it"),
        ("[params]", "limits: found a list, wanted a mapping"),
    ],
)  # fmt: skip
def test_mistakes_in_limits(load, limits, message):
    with pytest.raises(NassimError) as of_search:
        load(f"limits: {limits}")
    assert f"line 10: searches[0].{message}" in str(of_search.value)
    with pytest.raises(NassimError) as of_all:
        load(whole=f"limits: {limits}")
    assert f"line 15: {message}" in str(of_all.value)


def test_a_metric_that_one_evaluator_reports_and_another_does_not(load):
    assert aims(load("objectives: [train_loss]").searches[0].objectives) == [("train_loss", "min")]
    with pytest.raises(
        NassimError, match=r"objectives\[0\]: found 'train_loss'; allowed for enas: accuracy, loss, par"
    ):
        load(whole="objectives: [train_loss]")


def test_reinforce_needs_a_target_for_what_it_weighs(load):
    assert load("objectives: [accuracy, {params: {target: 5}}]", sampler="reinforce")
    with pytest.raises(
        NassimError, match=r"searches\[0\]\.objectives\[1\]\.params\.target: this key is missing: reinf"
    ):
        load("objectives: [accuracy, params]", sampler="reinforce")
    with pytest.raises(
        NassimError, match=r"objectives\[0\]: found 'loss' to be minimised; reinforce weighs the others"
    ):
        load("objectives: [loss, {params: {target: 5}}]", sampler="reinforce")
    assert load("objectives: [loss]", sampler="reinforce")


def test_several_objectives_have_no_pruner(load):
    assert load("pruner: {name: median}\n    objectives: [loss]")
    with pytest.raises(
        NassimError,
        match=r"searches\[0\]\.pruner\.name: found 'median'; a pruner goes by one figure, and would stop trials that "
        r"are good by another: a search with several objectives has none; take it away",
    ):
        load("pruner: {name: median}", "objectives: [accuracy, params]")


@pytest.mark.parametrize("given", ["nee", "0", "-1", "1.5", "true", "[1]", "null"])
def test_what_can_not_be_picked(load, given):
    with pytest.raises(NassimError, match=r"line 14: final\.pick: found .*wanted best, knee, front, or a whole number"):
        load(pick=f"pick: {given}")
