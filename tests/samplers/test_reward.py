"""MnasNet's reward (Tan et al. 2019, equation 2)."""

import optuna
import pytest

from nassim.samplers.reinforce import ReinforceSampler
from nassim.samplers.reward import WeightedProduct


def test_the_reward_is_mnasnets():
    reward = WeightedProduct(((80.0, -0.07),))
    # At the target the reward is the accuracy; at twice the target 2 ^ -0.07 = 0.9526 of it, at half 2 ^ 0.07 = 1.0497.
    assert reward((0.75, 80.0)) == 0.75
    assert reward((0.75, 160.0)) == pytest.approx(0.75 * 0.952638, rel=1e-6)
    assert reward((0.75, 40.0)) == pytest.approx(0.75 * 1.049717, rel=1e-6)
    # The paper's reason for -0.07: 5 % more accuracy at twice the latency is about as good, 1.05 x 2 ^ -0.07 = 1.0003.
    assert reward((0.75 * 1.05, 160.0)) == pytest.approx(reward((0.75, 80.0)), rel=5e-4)


def test_several_others_multiply():
    reward = WeightedProduct(((10.0, -0.5), (4.0, 0.5)))
    # 0.5 x (40 / 10) ^ -0.5 x (1 / 4) ^ 0.5 = 0.5 x 0.5 x 0.5
    assert reward((0.5, 40.0, 1.0)) == pytest.approx(0.125)


def test_a_cost_of_nothing_earns_no_infinite_reward():
    assert 0 < WeightedProduct(((1e6, -0.07),))((0.5, 0.0)) < 10


@pytest.mark.parametrize(("weight", "share_of_cheap"), [(-0.5, 1.0), (0.5, 0.0)])
def test_reinforce_learns_from_it(weight, share_of_cheap):
    """Of two options that are equally good it comes to propose the one with the better cost."""
    sampler = ReinforceSampler(seed=0, batch=5, learning_rate=0.05, reward=WeightedProduct(((10.0, weight),)))
    study = optuna.create_study(directions=["maximize", "minimize"], sampler=sampler)
    cheap = []
    for _ in range(120):
        trial = study.ask()
        cheap.append(trial.suggest_categorical("op", ("cheap", "dear")) == "cheap")
        study.tell(trial, (0.8, 5.0 if cheap[-1] else 50.0))
    assert 0 < sum(cheap) < 120
    assert sum(cheap[-40:]) / 40 == pytest.approx(share_of_cheap, abs=0.1)


def test_several_objectives_without_a_reward_are_refused():
    study = optuna.create_study(directions=["maximize", "minimize"], sampler=ReinforceSampler(seed=0))
    with pytest.raises(ValueError, match="multi-objective"):
        study.ask().suggest_categorical("op", ("cheap", "dear"))
