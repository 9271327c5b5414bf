"""Rounds: how a search by weight sharing is laid out in rounds of training and in trials."""

from collections.abc import Collection
from dataclasses import dataclass

from nassim.errors import NassimError
from nassim.evaluators.schedule import Schedule


def enas_schedule(rounds: int, batch_size: int = 128, learning_rate: float = 0.05) -> Schedule:
    """Return how ENAS trains its shared weights on CIFAR-10 (Pham et al. 2018, section 3.2), an epoch a round.

    SGD with Nesterov momentum, weight decay 1e-4, gradients clipped at norm 5 as in the authors' code. The learning
    rate falls from 0.05 to 0.001 in one cosine over all rounds; the paper's restarts, at rounds 10, 30, 70 and 150 of
    310, suit its length alone.
    """
    return Schedule(
        epochs=rounds,
        batch_size=batch_size,
        learning_rate=learning_rate,
        final_learning_rate=learning_rate / 50,
        nesterov=True,
        weight_decay=1e-4,
        clip_norm=5.0,
    )


@dataclass(frozen=True, slots=True)
class Rounds:
    """Rounds that train shared weights for an epoch each; all but the first are followed by trials; more at the end.

    The first `warmup` rounds train the weights alone. After each of the others come `updates` x `children` trials, and
    after the last one `derive` more. Trials are numbered from 0 through all rounds; what a trial is for follows from
    its number alone.

    Attributes:
        shared: How the shared weights are trained; one epoch a round, so its epochs are the rounds.
        warmup: Rounds at the beginning that have no trials; fewer than all.
        updates: Controller updates in each of the others.
        children: Trials that the controller learns from in one update.
        derive: Trials after the last round, of which the best is the search's find (Pham et al. 2018, section 2.3).
        minibatch: Validation inputs that a trial is scored on, or all if there are fewer. Those at the end are scored
            on all.

    Raises:
        NassimError: A number is out of range.
    """

    shared: Schedule
    warmup: int = 0
    updates: int = 30
    children: int = 10
    derive: int = 10
    minibatch: int = 128

    def __post_init__(self) -> None:
        for name, least in (("warmup", 0), ("updates", 1), ("children", 1), ("derive", 1), ("minibatch", 2)):
            value = getattr(self, name)
            if not isinstance(value, int) or isinstance(value, bool) or value < least:
                raise NassimError(f"enas: {name} is a whole number of at least {least}, found {value!r}")
        if self.warmup >= self.shared.epochs:
            raise NassimError(
                f"enas: warmup is less than the rounds, found {self.warmup} of {self.shared.epochs}; the controller "
                "learns in the rounds after it"
            )

    @property
    def trials_per_round(self) -> int:
        """Trials between two trainings of the shared weights, after the warm-up."""
        return self.updates * self.children

    @property
    def learn_trials(self) -> int:
        """Trials that the controller learns from: those of all rounds."""
        return (self.shared.epochs - self.warmup) * self.trials_per_round

    @property
    def trials(self) -> int:
        """Trials of the whole search."""
        return self.learn_trials + self.derive

    def is_derived(self, trial: int) -> bool:
        """Whether a trial is one of those at the end."""
        return trial >= self.learn_trials

    def round_of(self, trial: int) -> int:
        """Return the round, from 0, with whose shared weights a trial is scored."""
        return min(self.warmup + trial // self.trials_per_round, self.shared.epochs - 1)

    def finalists(self, trials: Collection[int]) -> list[int]:
        """Return the derived trials, among which the search's find is.

        Of a search that was ended before it derived any, the trials of the last round that has some: those of different
        rounds are of different weights and don't compare.
        """

        def stage(trial: int) -> tuple[bool, int]:
            return self.is_derived(trial), self.round_of(trial)

        last = max(map(stage, trials), default=None)
        return [trial for trial in trials if stage(trial) == last]
