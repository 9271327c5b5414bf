"""With two objectives every sampler finds a better front than random search does, and can be resumed."""

from functools import cache

import numpy as np
import optuna
import pytest

from nassim import pareto
from nassim.samplers.catalogue import make_sampler
from nassim.samplers.evolution import EvolutionSampler
from nassim.samplers.reward import WeightedProduct
from search_spaces.cell import Cell

SPACE = Cell(input_shape=(1, 8, 8), classes=10, width=4, cells=1)
TRIALS = {"tpe": 60, "nsga2": 120, "evolution": 120, "reinforce": 100}
SEEDS = range(4)
PARAMETERS = {
    "random": {},
    "tpe": {},
    "nsga2": {"population_size": 16},
    "evolution": {"population": 30, "tournament": 8},
    "reinforce": {"batch": 5, "learning_rate": 0.02},
}


@cache
def flop():
    """FLOP of all 15,625 cells as a share of the greatest, in the order of the space."""
    found = SPACE.table.arrays()["forward_flop"].astype(float)
    return found / found.max()


@cache
def accuracy(seed):
    """A made-up accuracy of all cells: options that compute are worth more, each edge and each pair with luck."""
    generator = np.random.default_rng(seed)
    codes = np.stack(np.unravel_index(np.arange(5**6), (5,) * 6), axis=1)
    worth = np.array([0.0, 0.25, 0.6, 1.0, 0.35]) + 0.35 * generator.normal(size=(6, 5))
    pairs = 0.25 * generator.normal(size=(6, 6, 5, 5))
    score = worth[np.arange(6), codes].sum(axis=1)
    for i in range(6):
        for j in range(i):
            score = score + pairs[i, j, codes[:, i], codes[:, j]]
    return 1 / (1 + np.exp(-(score - score.mean()) / score.std()))


def hypervolume(losses):
    """The area that (1 - accuracy, FLOP) of a front has behind it, up to (1, 1)."""
    ends = losses[pareto.front(losses)]
    return float(((np.append(ends[1:, 0], 1.0) - ends[:, 0]) * (1 - ends[:, 1])).sum())


def index(trial):
    found = 0
    for choice in SPACE.domain.choices:
        found = found * 5 + choice.labels.index(trial.suggest_categorical(choice.name, choice.labels))
    return found


def sampler(name, seed):
    reward = WeightedProduct(((float(np.median(flop())), -0.07),))
    return make_sampler(name, seed, PARAMETERS[name], SPACE.domain, reward=reward)


def search(name, seed, trials, renew_every=None):
    """The cells that a search proposes; with `renew_every`, a new sampler and study object take over that often."""
    study = optuna.create_study(directions=["maximize", "minimize"], sampler=sampler(name, seed), study_name="s")
    found = []
    for number in range(trials):
        if renew_every and number % renew_every == 0:
            study = optuna.load_study(study_name="s", storage=study._storage, sampler=sampler(name, seed))
        trial = study.ask()
        found.append(index(trial))
        if number % 9 == 4:
            study.tell(trial, state=optuna.trial.TrialState.FAIL)
        else:
            study.tell(trial, (accuracy(seed)[found[-1]], flop()[found[-1]]))
    return found


@cache
def gaps(name, trials):
    """How far the hypervolume of each seed's front is from that of the whole space."""
    found = []
    for seed in SEEDS:
        losses = np.stack([1 - accuracy(seed), flop()], axis=1)
        found.append(hypervolume(losses) - hypervolume(losses[search(name, seed, trials)]))
    return np.array(found)


@pytest.mark.slow
@pytest.mark.parametrize("name", TRIALS)
def test_fronts_are_better_than_those_of_random_search(name):
    ours, theirs = gaps(name, TRIALS[name]), gaps("random", TRIALS[name])
    assert (theirs > 0).all()
    assert ours.mean() < 0.75 * theirs.mean()
    assert (ours < theirs).sum() >= len(SEEDS) - 1


@pytest.mark.parametrize("name", PARAMETERS)
def test_a_new_sampler_goes_on_as_the_old_one_would_have(name):
    undisturbed = search(name, 3, 40)
    assert search(name, 3, 40, renew_every=3) == undisturbed
    assert search(name, 4, 40) != undisturbed


def test_a_tournament_goes_by_rank_and_then_by_room():
    evolution = EvolutionSampler(seed=0, population=5, tournament=60)
    study = optuna.create_study(directions=["maximize", "minimize"], sampler=evolution)
    # All but the third are on the front; of its ends and the middle, the ends have most room, and of the two the one
    # that is drawn first is taken.
    told = [(0.9, 9.0), (0.8, 8.0), (0.1, 9.0), (0.7, 7.5), (0.1, 0.1)]
    asked = []
    for values in told:
        trial = study.ask()
        asked.append({name: trial.suggest_categorical(name, "abcde") for name in "pqrstu"})
        study.tell(trial, values)
    parents = set()
    for _ in range(12):
        trial = study.ask()
        child = {name: trial.suggest_categorical(name, "abcde") for name in "pqrstu"}
        (parent,) = [i for i, other in enumerate(asked) if sum(child[n] != other[n] for n in child) == 1]
        parents.add(parent)
    assert parents <= {0, 4}


def test_the_oldest_die_however_good_they_are():
    evolution = EvolutionSampler(seed=0, population=3, tournament=30)
    study = optuna.create_study(directions=["maximize", "minimize"], sampler=evolution)

    def tell(values):
        trial = study.ask()
        params = {name: trial.suggest_categorical(name, "abcde") for name in "pqrstu"}
        study.tell(trial, values)
        return params

    def differ(one, other):
        return sum(one[name] != other[name] for name in one)

    champion = tell((1.0, 0.0))
    for _ in range(2):
        tell((0.1, 1.0))
    child = tell((0.5, 0.5))
    assert differ(child, champion) == 1, "nothing is as good as the champion while it lives"
    assert differ(tell((0.1, 1.0)), child) == 1, "three younger ones have finished: it is dead"
