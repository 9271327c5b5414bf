"""Notices: what a run tells whoever watches it, while it works.

A notice is for display alone. Nothing is decided by one and nothing is lost with one: the facts are in the ledger. Each
carries `at_s`, the run's own clock, so that a watcher needs none.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from nassim.ledger.entry import Outcome, Stage


@dataclass(frozen=True, slots=True, kw_only=True)
class RunStarted:
    """The run is on the ledger and workers are being leased.

    Attributes:
        run: The run's name.
        at_s: Seconds on the run's clock; more than 0 for a run that goes on.
        searches: The names of its searches, in their order.
        workers: How many workers were asked for.
        ledger: Where the ledger is, without credentials.
    """

    run: str
    at_s: float
    searches: tuple[str, ...]
    workers: int
    ledger: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SearchStarted:
    """A search begins, or goes on.

    Attributes:
        search: Its name.
        at_s: Seconds on the run's clock.
        evaluator: Kind of its evaluator, for example "full".
        sampler: Name of its sampler, for example "tpe".
        trials: How many trials it is to have; None where a budget ends it.
        finished: How many of them have ended before now.
        failed: How many of these have failed.
        best: The best value among these that the search may find; None without one.
        maximised: Whether more of its first objective is better.
    """

    search: str
    at_s: float
    evaluator: str
    sampler: str
    trials: int | None
    finished: int = 0
    failed: int = 0
    best: float | None = None
    maximised: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class JobReported:
    """A running job has completed a step (an epoch, a round).

    Attributes:
        search: The search it belongs to.
        at_s: Seconds on the run's clock.
        kind: What the job does, a label: "training".
        stage: What it is on the books as.
        step: Steps completed.
        last: Steps completed when the job ends.
        trial: The trial that `value` is of; None outside trials.
        value: Of the search's first objective, in [0, 1] for an accuracy; None where the step has none.
        running: Jobs on workers at this moment.
        flop: FLOP on the books of this search so far, final training left out.
    """

    search: str
    at_s: float
    kind: str
    stage: Stage
    step: int
    last: int
    trial: int | None
    value: float | None
    running: int
    flop: int


@dataclass(frozen=True, slots=True, kw_only=True)
class TrialEnded:
    """A trial is over and on the books.

    Attributes:
        search: The search it belongs to.
        at_s: Seconds on the run's clock.
        trial: Its number.
        outcome: What became of it.
        value: Of the search's first objective; None for a trial without one.
        reason: Why, for a trial that failed, was stopped or is beyond the limits.
        running: Jobs on workers at this moment.
        flop: FLOP on the books of this search so far.
        may_be_found: Whether the search may find it; not so with trials that a controller learns from alone.
        values: Of all objectives by name, as far as there are any.
    """

    search: str
    at_s: float
    trial: int
    outcome: Outcome
    value: float | None
    reason: str | None
    running: int
    flop: int
    may_be_found: bool = True
    values: Mapping[str, float] = field(default_factory=dict, hash=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class SearchEnded:
    """A search has found its architecture, or several.

    Attributes:
        search: Its name.
        at_s: Seconds on the run's clock.
        reason: Why it ended: "trials", or the budget that was reached.
        trial: The trial of the found architecture, of several the first; None where no trial proposed it.
        value: That trial's value of the first objective; None without a trial.
        values: That trial's values of all objectives by name.
        front: How many trials are on the front of the search, if it has several objectives.
        found: How many architectures are found.
    """

    search: str
    at_s: float
    reason: str
    trial: int | None
    value: float | None
    values: Mapping[str, float] = field(default_factory=dict, hash=False)
    front: int = 1
    found: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class FinalEnded:
    """A found architecture is trained by the final schedule and tested.

    Attributes:
        search: The search that found it.
        at_s: Seconds on the run's clock.
        metrics: What the final training reported last: figures on the test split, such as `accuracy`.
    """

    search: str
    at_s: float
    metrics: dict[str, float]


@dataclass(frozen=True, slots=True)
class Warned:
    """Something went wrong that the run survives: a worker died, the database is away, a budget was overshot.

    Attributes:
        message: One line.
        at_s: Seconds on the run's clock.
        search: The search it concerns; None for the whole run.
    """

    message: str
    at_s: float
    search: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RunEnded:
    """The workers are released and the books are closed.

    Attributes:
        run: The run's name.
        at_s: Seconds on the run's clock.
        complete: Whether everything the experiment asks for is done; False for a run that was interrupted.
        signal: The signal that asked the run to stop, if one did.
    """

    run: str
    at_s: float
    complete: bool
    signal: int | None = None


Notice = RunStarted | SearchStarted | JobReported | TrialEnded | SearchEnded | FinalEnded | Warned | RunEnded

Observe = Callable[[Notice], None]
"""Who watches a run. Called on the driver, between events; must be quick."""
