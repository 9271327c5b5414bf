"""REINFORCE and evolution find better architectures than random search on the same budget."""

from functools import cache
from pathlib import Path

import numpy as np
import optuna
import pytest
from scipy.stats import wilcoxon

from nassim.samplers.evolution import EvolutionSampler
from nassim.samplers.reinforce import ReinforceSampler
from nassim.samplers.uniform import UniformSampler

TRIALS = 300
SEEDS = range(20)
CHOICES, OPTIONS = 6, tuple("abcde")
CELLS = Path(__file__).parents[2].parent / "shared/data/nasbench201/architectures.parquet"

SAMPLERS = {
    "random": lambda seed: UniformSampler(seed=seed),
    "reinforce": lambda seed: ReinforceSampler(seed=seed),
    "evolution": lambda seed: EvolutionSampler(seed=seed, population=50, tournament=10),
}


def best_found(make, seed, value_of):
    study = optuna.create_study(direction="maximize", sampler=make(seed))
    for _ in range(TRIALS):
        trial = study.ask()
        options = tuple(trial.suggest_categorical(f"choice{i}", OPTIONS) for i in range(CHOICES))
        study.tell(trial, value_of(options))
    return study.best_value


def landscape(seed):
    """A table of all 15,625 values: an effect of each option, and a weaker one of each pair of options."""
    generator = np.random.default_rng(seed)
    table = np.zeros((len(OPTIONS),) * CHOICES)
    for i in range(CHOICES):
        shape = [1] * CHOICES
        shape[i] = len(OPTIONS)
        table = table + generator.normal(size=len(OPTIONS)).reshape(shape)
        for j in range(i):
            pair = list(shape)
            pair[j] = len(OPTIONS)
            table = table + 0.4 * generator.normal(size=len(OPTIONS) ** 2).reshape(pair)
    return table


@cache
def regrets(name):
    """How far from the known optimum each seed's search ends, each on a landscape of its own."""
    found = []
    for seed in SEEDS:
        table = landscape(seed)
        best = best_found(SAMPLERS[name], seed, lambda options, t=table: t[tuple(map(OPTIONS.index, options))])
        found.append(table.max() - best)
    return np.array(found)


@pytest.mark.parametrize("name", ["reinforce", "evolution"])
def test_beats_random_search_on_tables_with_known_optimum(name):
    ours, theirs = regrets(name), regrets("random")
    assert wilcoxon(ours, theirs, alternative="less").pvalue < 0.001
    assert ours.mean() < 0.5 * theirs.mean()


@cache
def cells():
    if not CELLS.exists():
        pytest.skip(f"no NAS-Bench-201 table at {CELLS}")
    pandas = pytest.importorskip("pandas")
    table = pandas.read_parquet(CELLS, columns=["arch_str", "cifar10valid_eval_acc_200ep_mean"])
    return {
        tuple(part.split("~")[0] for part in text.replace("+", "").strip("|").replace("||", "|").split("|")): accuracy
        for text, accuracy in table.itertuples(index=False)
    }


@cache
def accuracies(name):
    table = cells()
    operations = sorted({operation for cell in table for operation in cell})
    assert len(table) == 15_625
    assert len(operations) == len(OPTIONS)

    def accuracy(options):
        return table[tuple(operations[OPTIONS.index(option)] for option in options)]

    return np.array([best_found(SAMPLERS[name], seed, accuracy) for seed in SEEDS])


@pytest.mark.parametrize("name", ["reinforce", "evolution"])
def test_beats_random_search_on_nas_bench_201(name):
    ours, theirs = accuracies(name), accuracies("random")
    assert wilcoxon(ours, theirs, alternative="greater").pvalue < 0.01
    assert ours.mean() > theirs.mean()
