"""What ships keeps to the contracts that are shipped for authors of parts."""

import numpy as np
import pytest

from nassim.data.reading import ArrayFile, Digits
from nassim.evaluators.catalogue import EVALUATORS
from nassim.experiment.model import EnasSpec
from nassim.samplers.catalogue import make_sampler
from nassim.space.catalogue import load_space
from nassim.testing.data import ReaderContract
from nassim.testing.evaluators import EvaluatorContract
from nassim.testing.samplers import DOMAIN, SamplerContract
from nassim.testing.spaces import SearchSpaceContract

SAMPLERS = {
    "random": {},
    "grid": {},
    "tpe": {"n_startup_trials": 5},
    "nsga2": {"population_size": 5},
    "reinforce": {"batch": 4, "learning_rate": 0.05},
    "evolution": {"population": 8, "tournament": 3},
}


@pytest.mark.parametrize("name", SAMPLERS)
class TestSamplers(SamplerContract):
    @pytest.fixture
    def make(self, name):
        return lambda seed: make_sampler(name, seed, SAMPLERS[name], DOMAIN)


SPACES = {
    "cell": {"width": 2, "cells": 1, "input_shape": (1, 8, 8)},
    "chain": {},
}


@pytest.mark.parametrize("name", SPACES)
class TestSpaces(SearchSpaceContract):
    @pytest.fixture
    def space(self, name):
        return load_space(name, SPACES[name])


@pytest.mark.parametrize("which", ["digits", "classes", "two classes", "numbers"])
class TestReaders(ReaderContract):
    @pytest.fixture
    def reader(self, which, tmp_path):
        if which == "digits":
            return Digits()
        rng = np.random.default_rng(0)
        y = {"classes": np.arange(60) % 3, "two classes": np.arange(60) % 2, "numbers": rng.normal(size=(60, 2))}
        np.savez(tmp_path / "data.npz", x=rng.normal(size=(60, 1, 4, 4)).astype("float32"), y=y[which])
        kind = {"classes": "classification", "two classes": "binary", "numbers": "regression"}
        return ArrayFile(str(tmp_path / "data.npz"), kind[which])


EVALUATORS_WITH = {
    "full": {},
    "enas": EnasSpec(kind="enas", rounds=2, updates=1, children=2, derive=2).arguments,
}


@pytest.mark.parametrize("kind", EVALUATORS_WITH)
class TestEvaluators(EvaluatorContract):
    @pytest.fixture
    def make(self, kind):
        return lambda setting: EVALUATORS.make(kind, EVALUATORS_WITH[kind], {"setting": setting})
