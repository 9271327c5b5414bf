"""REINFORCE and evolution find better architectures than random search on the same budget."""

from functools import cache

import numpy as np
import optuna
import pandas
import pytest
from scipy.stats import wilcoxon

from nassim.samplers.evolution import EvolutionSampler
from nassim.samplers.reinforce import ReinforceSampler
from nassim.samplers.uniform import UniformSampler

TRIALS = 300
SEEDS = range(12)
CHOICES, OPTIONS = 6, tuple("abcde")

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


@pytest.mark.parametrize("name", [pytest.param("reinforce", marks=pytest.mark.slow), "evolution"])
def test_beats_random_search_on_tables_with_known_optimum(name):
    ours, theirs = regrets(name), regrets("random")
    assert wilcoxon(ours, theirs, alternative="less").pvalue < 0.001
    assert ours.mean() < 0.5 * theirs.mean()


@cache
def accuracies(name, folder):
    table = pandas.read_parquet(folder / "nasbench201/architectures.parquet")
    cells = {
        tuple(part.split("~")[0] for part in text.replace("+", "").strip("|").replace("||", "|").split("|")): accuracy
        for text, accuracy in zip(table.arch_str, table.cifar10valid_eval_acc_200ep_mean, strict=True)
    }
    operations = sorted({operation for cell in cells for operation in cell})
    assert len(cells) == 15_625
    assert len(operations) == len(OPTIONS)

    def accuracy(options):
        return cells[tuple(operations[OPTIONS.index(option)] for option in options)]

    return np.array([best_found(SAMPLERS[name], seed, accuracy) for seed in SEEDS])


@pytest.mark.parametrize("tables", [pytest.param("whole", marks=pytest.mark.slow)], indirect=True)
@pytest.mark.parametrize("name", ["reinforce", "evolution"])
def test_beats_random_search_on_nas_bench_201(name, tables):
    ours, theirs = accuracies(name, tables), accuracies("random", tables)
    assert wilcoxon(ours, theirs, alternative="greater").pvalue < 0.01
    assert ours.mean() > theirs.mean()
