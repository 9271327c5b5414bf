"""Samplers are pure functions of the seed and the finished trials."""

import copy
import pickle
import random

import optuna
import pytest
from optuna.trial import TrialState

from nassim.samplers.catalogue import make_sampler
from nassim.samplers.evolution import EvolutionSampler
from nassim.samplers.reinforce import ReinforceSampler
from nassim.samplers.uniform import UniformSampler
from nassim.space.domain import Choice, Domain

DOMAIN = Domain(
    (
        Choice("depth", ("1", "2", "3")),
        Choice("first", ("a", "b", "c", "d")),
        Choice("second", ("a", "b", "c", "d"), ((("depth", frozenset({"2", "3"})),),)),
        Choice("third", ("a", "b", "c", "d"), ((("depth", frozenset({"3"})),),)),
    )
)
MAKERS = {
    "random": {},
    "grid": {},
    "tpe": {"n_startup_trials": 5},
    "reinforce": {"batch": 4, "learning_rate": 0.05},
    "evolution": {"population": 8, "tournament": 3},
}


def make(name, seed=11):
    return make_sampler(name, seed, MAKERS[name], DOMAIN)


def propose(trial):
    return DOMAIN.walk(lambda choice: trial.suggest_categorical(choice.name, choice.labels))


def value_of(architecture):
    return sum({"a": 0, "b": 1, "c": 3, "d": 2}.get(label, 0) for label in architecture.values())


def tell(study, trial, architecture):
    """Finish a trial: most complete, some fail, some are pruned after a report."""
    if trial.number % 7 == 3:
        study.tell(trial, state=TrialState.FAIL)
    elif trial.number % 7 == 5:
        trial.report(value_of(architecture) / 2, 1)
        study.tell(trial, state=TrialState.PRUNED)
    else:
        study.tell(trial, value_of(architecture))


def search(name, trials, *, renew_every=None, storage=None):
    """Run a search; with `renew_every`, a new sampler and a new study object take over that often."""
    study = optuna.create_study(
        direction="maximize", sampler=make(name), storage=storage, study_name="s", load_if_exists=True
    )
    found = []
    for number in range(trials):
        if renew_every is not None and number % renew_every == 0:
            study = optuna.load_study(study_name="s", storage=study._storage, sampler=make(name))
        trial = study.ask()
        found.append(propose(trial))
        tell(study, trial, found[-1])
    return found


@pytest.mark.parametrize("name", MAKERS)
def test_a_new_sampler_goes_on_as_the_old_one_would_have(name):
    undisturbed = search(name, 48)
    assert search(name, 48, renew_every=1) == undisturbed
    assert search(name, 48, renew_every=7) == undisturbed


@pytest.mark.parametrize("name", ["tpe", "reinforce", "evolution"])
def test_a_durable_storage_gives_the_same(name, tmp_path):
    journal = optuna.storages.JournalStorage(optuna.storages.journal.JournalFileBackend(str(tmp_path / "journal")))
    assert search(name, 30, storage=journal, renew_every=10) == search(name, 30)


@pytest.mark.parametrize("name", MAKERS)
def test_another_seed_proposes_others(name):
    studies = [optuna.create_study(direction="maximize", sampler=make(name, seed)) for seed in (1, 2)]
    assert [propose(studies[0].ask()) for _ in range(8)] != [propose(studies[1].ask()) for _ in range(8)]


@pytest.mark.parametrize("name", MAKERS)
def test_a_pickled_sampler_goes_on_like_the_original(name):
    study = optuna.create_study(direction="maximize", sampler=make(name))
    for _ in range(20):
        trial = study.ask()
        tell(study, trial, propose(trial))
    sampler = study.sampler
    proposals = []
    for twin in (pickle.loads(pickle.dumps(sampler)), copy.deepcopy(sampler), sampler):
        other = optuna.create_study(direction="maximize", sampler=twin)
        other.add_trials(study.trials)
        proposals.append(propose(other.ask()))
    assert proposals[0] == proposals[1] == proposals[2]


@pytest.mark.parametrize("name", ["random", "grid", "reinforce", "evolution"])
def test_trials_asked_for_at_once_do_not_disturb_each_other(name):
    def study_with_history():
        study = optuna.create_study(direction="maximize", sampler=make(name))
        for _ in range(16):
            trial = study.ask()
            tell(study, trial, propose(trial))
        return study

    one, other = study_with_history(), study_with_history()
    in_turn = [propose(one.ask()) for _ in range(4)]
    trials = [other.ask() for _ in range(4)]
    interleaved = {}
    for trial in reversed(trials):
        interleaved[trial.number] = propose(trial)
    assert [interleaved[trial.number] for trial in trials] == in_turn


@pytest.mark.parametrize("seed", range(5))
def test_reinforce_learns_the_same_in_whatever_order_a_block_finishes(seed):
    def after_block(order):
        study = optuna.create_study(direction="maximize", sampler=ReinforceSampler(seed=0, batch=6, learning_rate=0.05))
        trials = [study.ask() for _ in range(18)]
        proposed = [propose(trial) for trial in trials]
        for number in order:
            tell(study, trials[number], proposed[number])
        assert study.sampler.learn(study) == 3
        return [propose(study.ask()) for _ in range(5)]

    shuffled = list(range(18))
    random.Random(seed).shuffle(shuffled)
    assert after_block(shuffled) == after_block(range(18))


def test_reinforce_waits_for_a_block_and_no_longer():
    study = optuna.create_study(direction="maximize", sampler=ReinforceSampler(seed=0, batch=4))
    trials = [study.ask() for _ in range(8)]
    for trial in trials:
        propose(trial)
    for number in (4, 5, 6, 7, 0, 1, 3):
        study.tell(trials[number], 1.0)
        assert study.sampler.learn(study) == 0
    study.tell(trials[2], state=TrialState.FAIL)
    assert study.sampler.learn(study) == 2


def test_reinforce_does_not_learn_from_the_trials_that_derive_the_result():
    def last_policy(values):
        sampler = ReinforceSampler(seed=0, batch=4, learning_rate=0.05, learn_trials=10)
        study = optuna.create_study(direction="maximize", sampler=sampler)
        for number in range(30):
            trial = study.ask()
            architecture = propose(trial)
            study.tell(trial, value_of(architecture) if number < 10 else values)
        return sampler.learn(study), sampler.draw(study, 20, 0, DOMAIN.walk)

    blocks, drawn = last_policy(0.0)
    assert blocks == 3, "two whole blocks, and the one that the tenth trial ends"
    assert last_policy(100.0) == (blocks, drawn)


def test_minimising_a_value_is_maximising_its_negative():
    for maker in (
        lambda: ReinforceSampler(seed=4, batch=4, learning_rate=0.05),
        lambda: EvolutionSampler(seed=4, population=6, tournament=3),
    ):
        found = []
        for direction, sign in (("maximize", 1), ("minimize", -1)):
            study = optuna.create_study(direction=direction, sampler=maker())
            for _ in range(40):
                trial = study.ask()
                study.tell(trial, sign * value_of(propose(trial)))
            found.append([trial.params for trial in study.trials])
        assert found[0] == found[1]


def test_draws_depend_on_the_policy_and_the_seed_alone():
    study = optuna.create_study(direction="maximize", sampler=ReinforceSampler(seed=0, batch=4, learning_rate=0.1))
    before = study.sampler.draw(study, 200, 7, DOMAIN.walk)
    assert before == study.sampler.draw(study, 200, 7, DOMAIN.walk)
    assert before != study.sampler.draw(study, 200, 8, DOMAIN.walk)
    for _ in range(200):
        trial = study.ask()
        study.tell(trial, value_of(propose(trial)))
    after = study.sampler.draw(study, 200, 7, DOMAIN.walk)
    again = ReinforceSampler(seed=0, batch=4, learning_rate=0.1)
    assert after == again.draw(study, 200, 7, DOMAIN.walk)
    assert sum(map(value_of, after)) > 1.2 * sum(map(value_of, before)), "the policy has learnt what is better"
    assert len(study.trials) == 200, "draws are no trials"


def test_uniform_draws_are_uniform_at_each_choice():
    sampler = UniformSampler(seed=0)
    study = optuna.create_study(sampler=sampler)
    drawn = sampler.draw(study, 6000, 1, DOMAIN.walk)
    for label in "123":
        assert sum(architecture["depth"] == label for architecture in drawn) == pytest.approx(2000, abs=150)
    assert drawn == sampler.draw(study, 6000, 1, DOMAIN.walk)


def test_non_finite_values_are_left_out_of_what_reinforce_learns():
    study = optuna.create_study(direction="minimize", sampler=ReinforceSampler(seed=0, batch=2, learning_rate=0.05))
    for number in range(20):
        trial = study.ask()
        study.tell(trial, float("inf") if number % 3 == 0 else -value_of(propose(trial)))
    assert study.sampler.learn(study) == 10
    propose(study.ask())
