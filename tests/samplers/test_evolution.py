import optuna
import pytest
from optuna.trial import TrialState

from nassim.samplers.evolution import EvolutionSampler

OPTIONS = tuple("abcde")


def ask(study, names="pqrstu"):
    trial = study.ask()
    return trial, {name: trial.suggest_categorical(name, OPTIONS) for name in names}


def test_a_child_differs_from_one_of_the_population_in_exactly_one_parameter():
    study = optuna.create_study(direction="maximize", sampler=EvolutionSampler(seed=0, population=10, tournament=4))
    for _ in range(60):
        trial, params = ask(study)
        if trial.number >= 10:
            population = [other.params for other in study.trials[trial.number - 10 : trial.number]]
            assert 1 in {sum(params[name] != other[name] for name in params) for other in population}
        study.tell(trial, float(sum(value == "c" for value in params.values())))


def test_the_oldest_die_however_good_they_are():
    study = optuna.create_study(direction="maximize", sampler=EvolutionSampler(seed=0, population=3, tournament=20))
    champion, best = ask(study)
    study.tell(champion, 100.0)
    for _ in range(2):
        study.tell(ask(study)[0], 0.0)
    trial, child = ask(study)
    assert sum(child[name] != best[name] for name in best) == 1, "the champion is the parent while it lives"
    study.tell(trial, 1.0)
    trial, grandchild = ask(study)
    assert sum(grandchild[name] != child[name] for name in best) == 1, "three younger ones have finished: it is dead"


def test_age_counts_from_finishing():
    study = optuna.create_study(direction="maximize", sampler=EvolutionSampler(seed=0, population=2, tournament=20))
    slow, params = ask(study)
    for _ in range(5):
        study.tell(ask(study)[0], 0.0)
    study.tell(slow, 1.0)
    _, child = ask(study)
    assert sum(child[name] != params[name] for name in params) == 1


def test_pruned_trials_rank_below_completed_ones_and_failed_ones_are_left_out():
    study = optuna.create_study(direction="maximize", sampler=EvolutionSampler(seed=0, population=3, tournament=30))
    pruned, _ = ask(study)
    pruned.report(100.0, 1)
    study.tell(pruned, state=TrialState.PRUNED)
    complete, params = ask(study)
    study.tell(complete, 1.0)
    study.tell(ask(study)[0], state=TrialState.FAIL)
    study.tell(ask(study)[0], 0.0)
    _, child = ask(study)
    assert sum(child[name] != params[name] for name in params) == 1


def test_parameters_that_a_mutation_reaches_are_drawn_and_those_cut_off_are_gone():
    study = optuna.create_study(direction="maximize", sampler=EvolutionSampler(seed=0, population=4, tournament=4))
    reached = 0
    for _ in range(80):
        trial = study.ask()
        if trial.suggest_categorical("kind", ("plain", "wide")) == "wide":
            trial.suggest_categorical("width", (1, 2, 4))
            reached += trial.number >= 4
        study.tell(trial, float("width" in trial.params and trial.params["width"]))
        assert set(trial.params) == ({"kind", "width"} if trial.params["kind"] == "wide" else {"kind"})
    assert reached > 20


def test_integers_are_mutated_to_other_values_on_their_grid():
    study = optuna.create_study(direction="maximize", sampler=EvolutionSampler(seed=0, population=1, tournament=1))
    before = None
    for _ in range(30):
        trial = study.ask()
        now = trial.suggest_int("width", 16, 64, step=16)
        assert now in (16, 32, 48, 64)
        assert now != before
        before = now
        study.tell(trial, 1.0)


@pytest.mark.parametrize(("name", "value"), [("population", 0), ("tournament", -1)])
def test_sizes_are_at_least_one(name, value):
    with pytest.raises(ValueError, match=f"{name} must be at least 1, found {value}"):
        EvolutionSampler(seed=0, **{name: value})
