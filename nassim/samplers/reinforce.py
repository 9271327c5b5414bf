"""REINFORCE: a controller that learns to propose (Zoph & Le 2017; ENAS, Pham et al. 2018)."""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any, TypeVar

from optuna.distributions import BaseDistribution
from optuna.study import Study, StudyDirection
from optuna.trial import FrozenTrial

from nassim.samplers.base import Sampler
from nassim.samplers.controller import Controller, Episode, Path, Slot
from nassim.samplers.gradient import Moments, ascend, gradients
from nassim.samplers.memory import PerStudy
from nassim.samplers.options import count, fraction, index_of, option_at, uniform
from nassim.space.domain import Choice

A = TypeVar("A")

MOST_UNITS = 1024
"""Units of the controller. What it holds, in the driver's memory, grows with their square: 64 MiB at that many."""


@dataclass(frozen=True, slots=True)
class Policy:
    """A controller with all that its learning needs: a value, never changed in place.

    Attributes:
        controller: The LSTM.
        learning_rate: Adam's.
        entropy_weight: Weight of the entropy bonus.
        baseline_decay: Decay of the moving average of the rewards, per reward.
        moments: Adam's moments by tensor.
        baseline: Moving average of the rewards; None before the first.
        blocks: Blocks of trials learnt from.
    """

    controller: Controller
    learning_rate: float
    entropy_weight: float
    baseline_decay: float
    moments: Mapping[str, Moments] = field(default_factory=dict)
    baseline: float | None = None
    blocks: int = 0

    def learn(self, paths: Sequence[Path], rewards: Sequence[float]) -> "Policy":
        """Return the policy after one update, made from one block of trials.

        Args:
            paths: The decisions of the block's trials in order of their numbers; may be empty.
            rewards: What each of them earned; more is better.
        """
        if not paths:
            return replace(self, blocks=self.blocks + 1)
        baseline = sum(rewards) / len(rewards) if self.baseline is None else self.baseline
        advantages = []
        for reward in rewards:
            advantages.append(reward - baseline)
            baseline = self.baseline_decay * baseline + (1 - self.baseline_decay) * reward
        found = gradients(self.controller, paths, advantages, self.entropy_weight)
        controller, moments = ascend(self.controller, self.moments, found, self.learning_rate)
        return replace(self, controller=controller, moments=moments, baseline=baseline, blocks=self.blocks + 1)


@dataclass(slots=True)
class _Memory:
    """What the sampler remembers of one study: the present policy, and its trials that are being proposed."""

    policy: Policy
    episodes: dict[int, tuple[Episode, int]] = field(default_factory=dict)


class ReinforceSampler(Sampler):
    """Proposes with an LSTM controller that REINFORCE trains on the values of finished trials.

    The parameters of a trial are decided one after the other in the order in which they are asked for, each given
    those before it, so conditional (define-by-run) spaces work as they are. Categorical parameters and integers of at
    most 128 values are learnt; others are drawn uniformly and not learnt. One objective, maximised or minimised, or
    several with a `reward`.

    **A pure function of the seed and the finished trials.** Update number k is made from the trials
    [k * batch, (k + 1) * batch), in order of their numbers, once all of them are finished, whichever finished first;
    the random number of a parameter depends on the seed, the trial's number and the parameter's name alone. So a new
    sampler on the same storage goes on exactly as the old one would have. Failed trials and values that aren't finite
    are left out; pruned trials count with the last value they reported. A trial that never finishes (of a process that
    was killed) holds up the learning: tell it as failed.

    The defaults are those of ENAS except for the learning rate and the baseline: ENAS makes thousands of updates, and
    these were chosen on tables for the hundreds of trials that training from scratch affords. With the paper's learning
    rate the policy is after 640 trials about where it began; `docs/weight-sharing.md` has the measurements.

    Args:
        seed: Everything random derives from this.
        batch: Trials in a block, that is, per policy update: 10, as ENAS's published code for cells.
        hidden: Units of the LSTM: 100 (Pham et al. 2018, section 2.2).
        learning_rate: Adam's; ENAS: 0.00035 (section 3.1), its published code 0.0035 for cells.
        entropy_weight: Weight of the entropy bonus: 0.0001 (section 3.1). It is differentiated, where ENAS adds the
            sampled entropy to the reward, which gives a decision no gradient from its own entropy.
        baseline_decay: Decay of the moving average of the rewards, per trial; ENAS's published code: 0.99.
        baseline_start: Where the moving average begins; None for the mean of the first block's rewards; ENAS's
            published code: 0.
        tanh_constant: Bounds the logits: 2.5 (section 3.1; Bello et al. 2017); ENAS's published code for cells: 0.44
            for operations.
        temperature: Divides the outputs before tanh: 5 (section 3.1); ENAS's published code: 1.
        learn_trials: Trials of this number and above are sampled from the policy and never learnt from, as when ENAS
            derives its final architecture (section 2.2); None to learn from all.
        reward: Makes one reward of a trial's values where there are several objectives; more is better.

    Raises:
        ValueError: An argument is out of its range.
    """

    learns = True
    draws = True
    redraws = True

    def __init__(
        self,
        *,
        seed: int,
        batch: int = 10,
        hidden: int = 100,
        learning_rate: float = 0.01,
        entropy_weight: float = 1e-4,
        baseline_decay: float = 0.95,
        baseline_start: float | None = None,
        tanh_constant: float = 2.5,
        temperature: float = 5.0,
        learn_trials: int | None = None,
        reward: Callable[[Sequence[float]], float] | None = None,
    ) -> None:
        for name, value, allowed, text in (
            ("batch", batch, batch >= 1, "at least 1"),
            ("hidden", hidden, 1 <= hidden <= MOST_UNITS, f"at least 1 and at most {MOST_UNITS:,}"),
            ("learning_rate", learning_rate, learning_rate > 0, "above 0"),
            ("entropy_weight", entropy_weight, entropy_weight >= 0, "at least 0"),
            ("baseline_decay", baseline_decay, 0 <= baseline_decay < 1, "at least 0 and below 1"),
            ("baseline_start", baseline_start, baseline_start is None or math.isfinite(baseline_start), "finite"),
            ("tanh_constant", tanh_constant, tanh_constant > 0, "above 0"),
            ("temperature", temperature, temperature > 0, "above 0"),
            ("learn_trials", learn_trials, learn_trials is None or learn_trials >= 0, "at least 0, or None"),
        ):
            if not allowed:
                raise ValueError(f"{name} must be {text}, found {value!r}")
        self._seed = seed
        self._batch = batch
        self._learn_trials = learn_trials
        self._reward = reward
        controller = Controller(seed, hidden, tanh_constant, temperature, {})
        initial = Policy(controller, learning_rate, entropy_weight, baseline_decay, baseline=baseline_start)
        self._memories: PerStudy[_Memory] = PerStudy(partial(_Memory, initial))

    def learn(self, study: Study) -> int:
        """Bring the policy up to date with the finished trials; return how many blocks it has learnt from.

        Proposing does this by itself. Call it to have the learning done, and timed, at a moment of one's own.
        """
        return self._policy(study, use_cache=False).blocks

    def draw(self, study: Study, n: int, seed: int, walk: Callable[[Callable[[Choice], str]], A]) -> list[A]:
        """Draw from the present policy, outside of any trial: see `Sampler.draw`.

        Args:
            study: The study whose finished trials the policy has learnt from.
            n: How many to draw.
            seed: The draws depend on this and the policy alone.
            walk: Walks through the space once, asking for an option's label at each choice that is reached, and
                returns what was chosen: `nassim.space.Domain.walk`.

        Returns:
            What `walk` returned, n times.
        """
        controller = self._policy(study, use_cache=False).controller

        def one(number: int) -> A:
            episode = Episode(controller)

            def pick(choice: Choice) -> str:
                slot = Slot(choice.name, len(choice.labels))
                if slot.options == 1:
                    return choice.labels[0]
                option = episode.decide(slot, fraction(seed, "draw", number, choice.name))
                episode.take(slot, option)
                return choice.labels[option]

            return walk(pick)

        return [one(number) for number in range(n)]

    def infer_relative_search_space(self, study: Study, trial: FrozenTrial) -> dict[str, BaseDistribution]:
        """Return no space: parameters are decided one by one, when they are asked for."""
        self._raise_error_if_multi_objective(study)
        return {}

    def sample_relative(
        self, study: Study, trial: FrozenTrial, search_space: dict[str, BaseDistribution]
    ) -> dict[str, Any]:
        """Return no parameters; see `infer_relative_search_space`."""
        self._raise_error_if_multi_objective(study)
        return {}

    def sample_independent(
        self, study: Study, trial: FrozenTrial, param_name: str, param_distribution: BaseDistribution
    ) -> Any:
        """Decide the next parameter of a trial, given those that it has."""
        self._raise_error_if_multi_objective(study)
        options = count(param_distribution)
        if options is None:
            return uniform(study, trial, param_name, param_distribution, self._seed)
        place = fraction(self._seed, "trial", trial.number, param_name)
        return option_at(param_distribution, self._episode(study, trial).decide(Slot(param_name, options), place))

    def after_trial(self, study: Study, trial: FrozenTrial, state: object, values: Sequence[float] | None) -> None:
        """Forget the trial's episode."""
        self._memories.of(study).episodes.pop(trial.number, None)

    def _raise_error_if_multi_objective(self, study: Study) -> None:
        """Take several objectives where a reward is made of them."""
        if self._reward is None:
            super()._raise_error_if_multi_objective(study)

    def _episode(self, study: Study, trial: FrozenTrial) -> Episode:
        """Return the trial's episode, brought up to the parameters it has by now (fixed ones are among them).

        A trial keeps the policy it began with.
        """
        episodes = self._memories.of(study).episodes
        episode, taken = episodes.get(trial.number) or (Episode(self._policy(study, use_cache=True).controller), 0)
        path = _path(trial)
        for slot, option in path[taken:]:
            episode.take(slot, option)
        episodes[trial.number] = episode, len(path)
        return episode

    def _policy(self, study: Study, *, use_cache: bool) -> Policy:
        """Return the policy that has learnt from every block that is finished."""
        memory = self._memories.of(study)
        trials = study._get_trials(deepcopy=False, use_cache=use_cache)
        policy = memory.policy
        reward = self._reward or _value_of(study)
        while (block := self._block(policy.blocks, trials)) is not None:
            told = [t for t in block if t.values is not None and all(map(math.isfinite, t.values)) and _path(t)]
            policy = policy.learn([_path(t) for t in told], [reward(t.values) for t in told])
        memory.policy = policy
        return policy

    def _block(self, number: int, trials: Sequence[FrozenTrial]) -> Sequence[FrozenTrial] | None:
        """Return the trials of a block, or None while it isn't finished, or where nothing is learnt any more."""
        start, end = number * self._batch, (number + 1) * self._batch
        if self._learn_trials is not None:
            end = min(end, self._learn_trials)
        block = trials[start:end]
        complete = start < end <= len(trials) and all(trial.state.is_finished() for trial in block)
        return block if complete else None


def _value_of(study: Study) -> Callable[[Sequence[float]], float]:
    """Return the reward of a study with one objective: its value, or the negative of one to be minimised."""
    sign = 1.0 if study.direction == StudyDirection.MAXIMIZE else -1.0
    return lambda values: sign * values[0]


def _path(trial: FrozenTrial) -> list[tuple[Slot, int]]:
    """Return the trial's decisions that a controller can take, in the order in which they were asked for."""
    path = []
    for name, distribution in trial.distributions.items():
        options = count(distribution)
        if options is None or options == 1:
            continue
        index = index_of(distribution, trial.params[name])
        if 0 <= index < options:
            path.append((Slot(name, options), index))
    return path
