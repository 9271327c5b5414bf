"""A job running in this process: its generator played step by step, each step stamped."""

import gc
import socket
import sys
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from enum import Enum, auto
from typing import Any

from nassim.cost.work import Work
from nassim.errors import NassimError
from nassim.evaluation import Diverged, Job, Progress, Runner, StateLost
from nassim.executors.base import Ending
from nassim.executors.clock import stamp

AGAIN_S = 0.5
"""How long a job waits that a fault of the machine hinders, before it tries again."""
REASON_LENGTH = 300
"""A reason is one line of at most so many characters."""


class Mark(Enum):
    """What a running job comes to, besides Progress and its end."""

    BEGAN = auto()
    WAITED = auto()
    """The job had waited: to be told what to do after a report, or before it tries again what a fault hindered."""


@dataclass(frozen=True, slots=True)
class End:
    """The job is over: how, for a failed one why, and for one that is set back to which step."""

    ending: Ending
    reason: str | None = None
    step: int | None = None


@dataclass(frozen=True, slots=True)
class Moment:
    """What a job came to, and when, by its process's monotonic clock."""

    at: float
    what: Mark | Progress | End


def play(runner: Runner, job: Job, go_on: Callable[[], bool], rest: Callable[[], bool]) -> Iterator[Moment]:
    """Run a job and yield its moments: BEGAN first, an End last.

    Whatever the job raises ends it as failed, unless what it was to go on from is lost. It is stopped, and fails, at
    the first Progress past its time limit, to which doesn't count what it tried in vain, for a fault of the machine,
    nor for how long it waited to be told what to do.

    Args:
        runner: Runs it.
        job: What to run.
        go_on: Called after each report; whether to go on. For a gated job it waits until that is decided.
        rest: Called when the job is hindered. Waits for about AGAIN_S, and says whether to try again.
    """
    began = since = stamp()
    yield Moment(began, Mark.BEGAN)
    try:
        steps = runner(job)
        for yielded in steps:
            progress, at = _sound(yielded), stamp()
            yield Moment(at, progress)
            if progress.hindrance:
                end = None if rest() else End(Ending.STOPPED)
                began += stamp() - since
            else:
                end = _verdict(job, at - began, progress, go_on)
            if progress.hindrance or (job.gated and progress.is_report):
                yield Moment(stamp(), Mark.WAITED)
            since = stamp()
            if job.gated and progress.is_report:
                began += since - at
            if end is not None:
                if close := getattr(steps, "close", None):
                    close()
                break
        else:
            end = End(Ending.DONE)
    except StateLost as lost:
        end = End(Ending.SET_BACK, str(lost)[:REASON_LENGTH], lost.step)
    except (Exception, SystemExit) as error:  # noqa: BLE001, a candidate may fail in any way, and fails alone
        end = End(Ending.FAILED, reason_of(error))
    if end.ending is Ending.FAILED:
        free_memory()
    yield Moment(stamp(), end)


def _sound(progress: Any) -> Progress:
    """Return what a job yields with its metrics as plain numbers, whatever library they are of.

    Raises:
        TypeError: It is no Progress, or a metric is no number.
    """
    if not isinstance(progress, Progress) or not isinstance(progress.work, Work):
        raise TypeError(f"the evaluator yields {progress!r:.80}; wanted a Progress with its Work")
    return replace(progress, metrics=dict(map(_number, progress.metrics.items()))) if progress.metrics else progress


def _number(metric: tuple[str, Any]) -> tuple[str, float]:
    name, value = metric
    with suppress(TypeError, ValueError):
        if not isinstance(value, str):
            return name, float(value)
    raise TypeError(f"the evaluator reports {name} as {value!r:.80}; wanted a number")


def _verdict(job: Job, ran_s: float, progress: Progress, go_on: Callable[[], bool]) -> End | None:
    """Return how a job ends after a Progress; None if it goes on."""
    told_to_stop = progress.is_report and not go_on()
    if job.timeout_s is not None and ran_s > job.timeout_s:
        return End(Ending.FAILED, over_time(job.timeout_s))
    return End(Ending.STOPPED) if told_to_stop else None


def over_time(limit_s: float) -> str:
    """Return the reason of a job that ran over its time limit."""
    return f"ran over its time limit of {limit_s:g} s"


def reason_of(error: BaseException) -> str:
    """Return why an exception ended something: its type and the first line of its message."""
    lines = str(error).strip().splitlines()
    kind = "Diverged" if isinstance(error, Diverged) else type(error).__name__
    return (f"{kind}: {lines[0]}" if lines else kind)[:REASON_LENGTH]


def start_problem(error: BaseException) -> str:
    """Return the message for the user when a worker can't make its runner."""
    node = socket.gethostname()
    why = str(error) if isinstance(error, NassimError) else reason_of(error)
    return f"a worker on {node} could not start: {why}"


def same_job(mine: Job | None, job: Job) -> bool:
    """Whether two jobs are the same handing-out of the same job."""
    return mine is not None and mine.id == job.id and mine.attempt == job.attempt


def free_memory() -> None:
    """Give back what a failed job may have left behind: reference cycles and torch's cached blocks."""
    gc.collect()
    torch = sys.modules.get("torch")
    if torch is not None and torch.cuda.is_initialized():
        torch.cuda.empty_cache()
