import numpy as np
import optuna
from toy_spaces import Conditional

from nassim.space.distributions import distributions, suggest
from search_spaces.cell import Cell


def test_optuna_is_asked_for_what_is_reached_and_no_more():
    space = Conditional()
    study = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=0))
    found = set()
    for _ in range(400):
        trial = study.ask()
        architecture = suggest(trial, space.domain)
        assert space.canonical(architecture) == architecture
        assert trial.params == dict(architecture)
        known = distributions(space.domain)
        assert all(distribution == known[name] for name, distribution in trial.distributions.items())
        found.add(architecture)
    assert len(found) > 40


def test_fixed_trials_give_their_architecture_back():
    space = Cell()
    rng = np.random.default_rng(0)
    for _ in range(10):
        architecture = space.sample(rng)
        assert suggest(optuna.trial.FixedTrial(dict(architecture)), space.domain) == architecture
    assert list(distributions(space.domain)) == [choice.name for choice in space.domain.choices]
