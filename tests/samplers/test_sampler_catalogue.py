import subprocess
import sys

import optuna
import pytest

from nassim.errors import NassimError
from nassim.samplers.catalogue import make_pruner, make_sampler
from nassim.space.domain import Choice, Domain

DOMAIN = Domain(
    (
        Choice("block", ("plain", "wide")),
        Choice("width", ("16", "32", "64"), ((("block", frozenset({"wide"})),),)),
    )
)


def sampler(name, **parameters):
    return make_sampler(name, 0, parameters, DOMAIN)


@pytest.mark.parametrize(
    ("name", "parameters", "message"),
    [
        (
            "reinforced",
            {},
            "there is no sampler 'reinforced' (did you mean 'reinforce'?); the samplers are random, tpe, nsga2, "
            "grid, reinforce, evolution",
        ),
        (
            "evolution",
            {"populaton": 10},
            "the sampler 'evolution' has no parameter 'populaton' (did you mean 'population'?); its parameters are "
            "population, tournament",
        ),
        ("random", {"x": 1}, "the sampler 'random' has no parameter 'x'; it takes no parameters"),
        ("evolution", {"population": "many"}, "the sampler 'evolution': population is a whole number, found 'many'"),
        ("evolution", {"population": True}, "the sampler 'evolution': population is a whole number, found True"),
        ("evolution", {"population": 0}, "the sampler 'evolution': population must be at least 1, found 0"),
        (
            "reinforce",
            {"learn_trials": 1.5},
            "the sampler 'reinforce': learn_trials is a whole number or null, found 1.5",
        ),
        (
            "reinforce",
            {"baseline_decay": 1},
            "the sampler 'reinforce': baseline_decay must be at least 0 and below 1, found 1",
        ),
        ("reinforce", {"seed": 1}, "the sampler 'reinforce' has no parameter 'seed'"),
        (
            "tpe",
            {"n_ei_candidates": 0},
            "the sampler 'tpe': n_startup_trials must be at least 0 and n_ei_candidates at least 1, found 10 and 0",
        ),
        ("tpe", {"multivariate": "yes"}, "the sampler 'tpe': multivariate is true or false, found 'yes'"),
        ("tpe", {"group": True, "multivariate": False}, "the sampler 'tpe': ``group`` option can only be enabled when"),
    ],
)
def test_what_is_wrong_with_a_sampler_is_said(name, parameters, message):
    with pytest.raises(NassimError) as error:
        sampler(name, **parameters)
    assert str(error.value).startswith(message)


@pytest.mark.parametrize(
    ("name", "parameters", "message"),
    [
        (
            "medium",
            {},
            "there is no pruner 'medium' (did you mean 'median'?); the pruners are none, median, successive_halving, "
            "hyperband",
        ),
        ("none", {"x": 1}, "the pruner 'none' has no parameter 'x'; it takes no parameters"),
        ("hyperband", {"min_resource": "auto"}, "the pruner 'hyperband': min_resource is a whole number, found 'auto'"),
        ("median", {"n_startup_trials": -1}, "the pruner 'median': Number of startup trials cannot be negative"),
    ],
)
def test_what_is_wrong_with_a_pruner_is_said(name, parameters, message):
    with pytest.raises(NassimError) as error:
        make_pruner(name, parameters, last_step=3)
    assert str(error.value).startswith(message)


def test_pruners_are_optunas():
    assert isinstance(make_pruner("none", {}, 3), optuna.pruners.NopPruner)
    assert isinstance(make_pruner("median", {"n_warmup_steps": 1}, 3), optuna.pruners.MedianPruner)
    assert isinstance(make_pruner("successive_halving", {}, 3), optuna.pruners.SuccessiveHalvingPruner)
    assert make_pruner("hyperband", {}, 9)._max_resource == 9


def test_parameters_are_passed_on_and_whole_numbers_are_numbers():
    made = sampler("reinforce", batch=3, learning_rate=1, learn_trials=None)
    study = optuna.create_study(sampler=made)
    for _ in range(7):
        study.tell(study.ask({"x": optuna.distributions.CategoricalDistribution("ab")}), 1.0)
    assert made.learn(study) == 2


def test_a_grid_proposes_each_architecture_once_and_says_when_it_ends():
    made = sampler("grid")
    assert made.trials_at_most == DOMAIN.size == 4
    assert sampler("tpe").trials_at_most is None
    study = optuna.create_study(direction="maximize", sampler=made)
    found = []
    for _ in range(4):
        trial = study.ask()
        found.append(DOMAIN.walk(lambda choice, t=trial: t.suggest_categorical(choice.name, choice.labels)))
        study.tell(trial, 1.0)
    assert set(found) == set(DOMAIN.enumerate())
    with pytest.raises(NassimError, match="the grid has 4 points and trial 4 asks for another; stop after 4 trials"):
        study.ask().suggest_categorical("block", ("plain", "wide"))


def test_the_order_of_a_grid_depends_on_the_seed():
    orders = {tuple(make_sampler("grid", seed, {}, DOMAIN)._points) for seed in range(20)}
    assert len(orders) > 5


def test_a_grid_refuses_a_space_that_is_too_large_and_one_that_is_not_its_own():
    large = Domain(tuple(Choice(f"c{i}", tuple("abcdefghij")) for i in range(7)))
    with pytest.raises(
        NassimError, match="the sampler 'grid': the space has 10,000,000 architectures and a grid at most"
    ):
        make_sampler("grid", 0, {}, large)
    study = optuna.create_study(sampler=sampler("grid"))
    with pytest.raises(NassimError, match=r"has no parameter 'depth'; it has .*: make the grid from the space"):
        study.ask().suggest_categorical("depth", ("1", "2"))


@pytest.mark.parametrize("name", ["random", "tpe", "reinforce", "evolution"])
def test_hyperband_and_every_sampler_get_along(name):
    parameters = {
        "reinforce": {"batch": 2},
        "evolution": {"population": 5, "tournament": 2},
        "tpe": {"n_startup_trials": 3},
    }
    study = optuna.create_study(
        direction="maximize",
        study_name="hyperband",
        sampler=sampler(name, **parameters.get(name, {})),
        pruner=make_pruner("hyperband", {"reduction_factor": 2}, last_step=8),
    )

    def objective(trial):
        architecture = DOMAIN.walk(lambda choice: trial.suggest_categorical(choice.name, choice.labels))
        for step in range(1, 9):
            trial.report(len(architecture) + step / 10, step)
            if trial.should_prune():
                raise optuna.TrialPruned
        return float(len(architecture))

    study.optimize(objective, n_trials=40)
    states = {trial.state for trial in study.trials}
    assert states == {optuna.trial.TrialState.COMPLETE, optuna.trial.TrialState.PRUNED}


def test_sampling_loads_neither_torch_nor_ray():
    code = (
        "import sys, optuna; from nassim.samplers.catalogue import make_sampler; "
        "from nassim.space.domain import Choice, Domain; "
        "d = Domain((Choice('a', ('x', 'y')),)); s = optuna.create_study(sampler=make_sampler('reinforce', 0, {}, d)); "
        "[s.tell(t, 1.0) for t in (s.ask() for _ in range(12)) if t.suggest_categorical('a', ('x', 'y'))]; "
        "sys.exit(' '.join({'torch', 'ray'} & set(sys.modules)) or None)"
    )
    finished = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert finished.returncode == 0, finished.stderr
