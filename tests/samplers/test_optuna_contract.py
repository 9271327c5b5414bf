"""Optuna's own test cases for samplers, as far as they apply.

The relative cases are for samplers that propose all parameters at once; of ours that is evolution. The two samplers
that decide parameter by parameter leave them out, as Optuna does for its random sampler.
"""

import optuna
import pytest
from optuna.testing.pytest_samplers import (
    BasicSamplerTestCase,
    MultiObjectiveSamplerTestCase,
    RelativeSamplerTestCase,
    SingleOnlySamplerTestCase,
)

from nassim.samplers.evolution import EvolutionSampler
from nassim.samplers.reinforce import ReinforceSampler
from nassim.samplers.reseeded import Reseeded
from nassim.samplers.uniform import UniformSampler


class TestReinforce(BasicSamplerTestCase, SingleOnlySamplerTestCase):
    @pytest.fixture
    def sampler(self):
        return lambda: ReinforceSampler(seed=0, batch=2)


class TestEvolution(BasicSamplerTestCase, RelativeSamplerTestCase, MultiObjectiveSamplerTestCase):
    @pytest.fixture
    def sampler(self):
        return lambda: EvolutionSampler(seed=0, population=1, tournament=1)


class TestRewardedReinforce(BasicSamplerTestCase, MultiObjectiveSamplerTestCase):
    @pytest.fixture
    def sampler(self):
        return lambda: ReinforceSampler(seed=0, batch=2, reward=sum)


class TestUniform(BasicSamplerTestCase, MultiObjectiveSamplerTestCase):
    @pytest.fixture
    def sampler(self):
        return lambda: UniformSampler(seed=0)


class TestReseededTPE(BasicSamplerTestCase, RelativeSamplerTestCase, MultiObjectiveSamplerTestCase):
    @pytest.fixture
    def sampler(self):
        return lambda: Reseeded(lambda: optuna.samplers.TPESampler(n_startup_trials=0), seed=0)


class TestReseededNSGAII(BasicSamplerTestCase, MultiObjectiveSamplerTestCase):
    @pytest.fixture
    def sampler(self):
        return lambda: Reseeded(lambda: optuna.samplers.NSGAIISampler(population_size=2), seed=0)
