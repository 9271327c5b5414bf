"""The contract of samplers as tests. A new sampler subclasses `SamplerContract` and supplies the fixture `make`.

Example:
    ```
    class TestMine(SamplerContract):
        @pytest.fixture
        def make(self):
            return lambda seed: MySampler(seed=seed)
    ```
"""

from collections.abc import Callable, Mapping

import optuna
import pytest
from optuna.samplers import BaseSampler
from optuna.trial import TrialState

from nassim.samplers.base import as_sampler
from nassim.space.domain import Choice, Domain

DOMAIN = Domain(
    (
        Choice("depth", ("1", "2", "3")),
        Choice("first", ("a", "b", "c", "d")),
        Choice("second", ("a", "b", "c", "d"), ((("depth", frozenset({"2", "3"})),),)),
        Choice("third", ("a", "b", "c", "d"), ((("depth", frozenset({"3"})),),)),
    )
)
"""A space of 1 x 4 + 1 x 16 + 1 x 64 architectures: some choices are reached by some architectures alone."""

TRIALS = 30

Make = Callable[[int], BaseSampler]
"""Makes a new sampler of a seed."""


def propose(trial: optuna.Trial) -> Mapping[str, str]:
    """Ask a trial for an architecture, choice by choice, as the search loop does."""
    return DOMAIN.walk(lambda choice: trial.suggest_categorical(choice.name, choice.labels))


def worth(architecture: Mapping[str, str]) -> float:
    """Return the value of an architecture."""
    return float(sum({"a": 0, "b": 1, "c": 3, "d": 2}.get(label, 0) for label in architecture.values()))


def search(make: Make, seed: int, renew_every: int = TRIALS) -> list[dict[str, str]]:
    """Run a search of some complete, failed and pruned trials, and return what was proposed.

    Args:
        make: Makes the sampler.
        seed: Its seed.
        renew_every: After how many trials a new sampler takes over, as when a run is resumed.
    """
    storage, proposed = optuna.storages.InMemoryStorage(), []
    optuna.create_study(direction="maximize", storage=storage, study_name="s")
    study = optuna.load_study(study_name="s", storage=storage, sampler=make(seed))
    for number in range(as_sampler(study.sampler).trials_at_most or TRIALS):
        if number and number % renew_every == 0:
            study = optuna.load_study(study_name="s", storage=storage, sampler=make(seed))
        trial = study.ask()
        architecture = propose(trial)
        proposed.append(dict(architecture))
        if number % 7 == 3:
            study.tell(trial, state=TrialState.FAIL)
        elif number % 7 == 5:
            trial.report(worth(architecture) / 2, 1)
            study.tell(trial, state=TrialState.PRUNED)
        else:
            study.tell(trial, worth(architecture))
    return proposed


class SamplerContract:
    """What every sampler keeps to, whatever it proposes."""

    @pytest.fixture
    def make(self) -> Make:
        """Return what makes a new sampler of a seed."""
        raise NotImplementedError("supply the fixture `make`")

    def test_it_proposes_what_the_space_has(self, make: Make) -> None:
        """Also where a choice is reached by some architectures alone, and after trials that failed."""
        assert all(dict(DOMAIN.canonical(each)) == each for each in search(make, 1))

    def test_the_same_seed_proposes_the_same(self, make: Make) -> None:
        """A run is to be repeated."""
        assert search(make, 1) == search(make, 1)

    def test_another_seed_proposes_something_else(self, make: Make) -> None:
        """Or seeds would say nothing about chance."""
        assert search(make, 1) != search(make, 2)

    def test_a_new_sampler_goes_on_as_the_old_one_would_have(self, make: Make) -> None:
        """A run that is resumed proposes what an undisturbed one had: the state is the seed and the finished trials."""
        assert search(make, 1) == search(make, 1, renew_every=4)

    def test_what_it_draws_outside_of_trials_follows_from_its_seed(self, make: Make) -> None:
        """Of a sampler that draws; and that leaves no trace in what it proposes."""
        sampler = as_sampler(make(1))
        if not sampler.draws:
            pytest.skip("it draws nothing outside of trials")
        study = optuna.create_study(direction="maximize", sampler=sampler)
        first, again = (sampler.draw(study, 5, 3, DOMAIN.walk) for _ in range(2))
        assert first == again
        assert len(first) == 5
        assert sampler.draw(study, 5, 4, DOMAIN.walk) != first
        undrawn = optuna.create_study(direction="maximize", sampler=make(1))
        assert propose(study.ask()) == propose(undrawn.ask())
