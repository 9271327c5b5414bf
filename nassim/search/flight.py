"""Flight: a job on its way, from its plan to its end, on one worker after another if need be."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType

from nassim.evaluation import Candidate, Job, JobKind


@dataclass(frozen=True, slots=True)
class Point:
    """Where an unfinished job goes on from.

    Attributes:
        step: The step of its last checkpoint; 0 without one.
        attempt: How often it has been handed out before.
    """

    step: int
    attempt: int


NO_POINTS: Mapping[str, Point] = MappingProxyType({})
"""Of a run that begins."""


@dataclass(slots=True)
class Flight:
    """A job that is waiting for a worker or on one.

    Attributes:
        job: The job, as it is handed out at present.
        plan: Returns the job anew, going on from a step.
        step: Steps reported.
        fruitless: How often in a row it was lost without getting any further than before.
        furthest: The furthest step from which it has gone on so far.
        reported: The last metrics reported of each trial.
        metrics: The last metrics reported.
        pruned: Whether the pruner has it stopped.
    """

    job: Job
    plan: Callable[[int], Job]
    step: int = 0
    fruitless: int = 0
    furthest: int = 0
    reported: dict[int | None, Mapping[str, float]] = field(default_factory=dict)
    metrics: dict[str, float] = field(default_factory=dict)
    pruned: bool = False

    def send_back(self, step: int) -> None:
        """Let it go on from a step after its worker was lost."""
        self.fruitless = 0 if step > max(self.furthest, self.job.first) else self.fruitless + 1
        self.set_back(step)

    def set_back(self, step: int) -> None:
        """Let it go on from an earlier step, for what it was to go on from is gone."""
        self.furthest = max(self.furthest, self.job.first)
        self.job = replace(self.plan(step), attempt=self.job.attempt + 1)

    @property
    def is_through(self) -> bool:
        """Whether a trial has reported its last step, so that stopping it has taken nothing from it."""
        return self.job.kind is JobKind.TRAIN and self.step == self.job.last

    @property
    def trials(self) -> list[Candidate]:
        """Those of its candidates that are trials, and not children that shared weights are trained on."""
        return [candidate for candidate in self.job.candidates if candidate.trial is not None]
