"""Pace: how fast work goes, to estimate the work of which nobody heard because its worker went with it."""

from collections import defaultdict
from dataclasses import dataclass

from nassim.cost.work import Activity, Work, add_up
from nassim.evaluation import Job
from nassim.executors.base import Lap


@dataclass(slots=True)
class _Done:
    flop: int = 0
    seconds: float = 0.0


class Pace:
    """FLOP a second, by what jobs begin with: training, shared training, scoring."""

    def __init__(self) -> None:
        self._done: defaultdict[Activity, _Done] = defaultdict(_Done)

    def learn(self, work: Work, seconds: float, job: Job) -> None:
        """Take in what a job has done in some seconds; its checkpoints and transfers among it."""
        if not job.planned:
            return
        done = self._done[job.planned[0].activity]
        done.flop += work.flop
        done.seconds += seconds

    def estimate(self, lap: Lap, job: Job) -> Work | None:
        """Return what was done in a lap that was cut short, an estimate; None for a job that plans nothing.

        The seconds go at the pace of such jobs so far. It can't have been more than a step of the job, which would have
        been reported; where no pace is known, that is the estimate.
        """
        if not job.planned or job.last == job.first:
            return None
        (whole,) = add_up(work.spent_on(lap.activity) for work in job.planned)
        done = self._done[job.planned[0].activity]
        steps = job.last - job.first
        share = 1 / steps
        if done.seconds and whole.flop:
            share = min(share, lap.seconds * done.flop / done.seconds / whole.flop)
        amounts = {name: round(amount * share) for name, amount in whole.amounts.items()}
        amounts["modelled_flop"] = amounts["forward_flop"] + amounts["backward_flop"]
        return Work(lap.activity, uncounted=whole.uncounted, **amounts | {"samples": 0})
