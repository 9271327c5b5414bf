"""Standing: how far a run has come, folded from its notices; trials that failed alike are told together."""

import re
from dataclasses import dataclass, field

from nassim.ledger.entry import Outcome, Stage
from nassim.notices import (
    FinalEnded,
    JobReported,
    Notice,
    RunStarted,
    SearchEnded,
    SearchStarted,
    TrialEnded,
)

_VALUED = (Outcome.COMPLETE, Outcome.DUPLICATE)
"""Outcomes of trials that a search may find; the last value of one that was pruned or stopped is no result."""
MOST_TOLD = 5
"""Kinds of failures that are told; where every trial fails in its own way, the first few say enough."""


@dataclass(slots=True)
class FailureKind:
    """Trials that failed alike.

    Attributes:
        trial: The first of them.
        reason: Why that one failed.
        told: Whether it is one of the first kinds.
        count: How many there are.
    """

    trial: int
    reason: str
    told: bool
    count: int = 0


@dataclass(slots=True)
class Failures:
    """A search's failed trials.

    Attributes:
        count: How many have failed, those before a resume included.
        kinds: Those since, by what their reasons have in common.
    """

    count: int = 0
    kinds: dict[str, FailureKind] = field(default_factory=dict)

    def take(self, trial: int, reason: str | None) -> str | None:
        """Take a failed trial in, and return what to tell: of each kind the first, the tenth, the hundredth, ..."""
        reason = reason or "for a reason unknown"
        self.count += 1
        kind = self.kinds.setdefault(_alike(reason), FailureKind(trial, reason, len(self.kinds) < MOST_TOLD))
        kind.count += 1
        if not (kind.told and _is_round(kind.count)):
            return None
        if kind.count == 1:
            return f"trial {trial} failed: {reason}"
        return f"{kind.count} trials failed like trial {kind.trial}: {kind.reason}"

    @property
    def most(self) -> str:
        """What most have in common, in one line; empty without failures."""
        if not self.kinds:
            return ""
        kind = max(self.kinds.values(), key=lambda kind: kind.count)
        share = "" if kind.count == self.count else f", {kind.count} of them alike"
        return f"{self.count} failed{share}: {kind.reason}"


@dataclass(slots=True)
class SearchStanding:
    """How far a search has come.

    Attributes:
        name: Its name.
        trials: How many trials it is to have; None where a budget ends it.
        ended: How many have ended.
        best: The best value so far, of the first objective, of a trial that the search may find; None before the first.
        maximised: Whether more of it is better.
        failures: Its failed trials.
        flop: FLOP so far, final training left out.
        running: Jobs on workers.
        doing: What it is busy with.
    """

    name: str
    trials: int | None = None
    ended: int = 0
    best: float | None = None
    maximised: bool = True
    failures: Failures = field(default_factory=Failures)
    flop: int = 0
    running: int = 0
    doing: str = "waiting"


@dataclass(slots=True)
class RunStanding:
    """How far a run has come.

    Attributes:
        run: Its name.
        workers: How many workers it has.
        at_s: Seconds on its clock.
        searches: Its searches by name.
        failure: What to tell of the trial that the last notice was about, if it failed.
    """

    run: str = ""
    workers: int = 0
    at_s: float = 0.0
    searches: dict[str, SearchStanding] = field(default_factory=dict)
    failure: str | None = None

    def take(self, notice: Notice) -> None:
        """Take a notice in."""
        self.at_s, self.failure = notice.at_s, None
        match notice:
            case RunStarted():
                self.run, self.workers = notice.run, notice.workers
                self.searches = {name: SearchStanding(name) for name in notice.searches}
            case SearchStarted():
                search = self.searches[notice.search]
                search.trials, search.ended, search.doing = notice.trials, notice.finished, "starting"
                search.best, search.failures.count = notice.best, notice.failed
                search.maximised = notice.maximised
            case JobReported():
                self._job_reported(self.searches[notice.search], notice)
            case TrialEnded():
                self._trial_ended(self.searches[notice.search], notice)
            case SearchEnded():
                self.searches[notice.search].running = 0
                self.searches[notice.search].doing = "found"
            case FinalEnded():
                self.searches[notice.search].running = 0
                self.searches[notice.search].doing = "done"

    def _trial_ended(self, search: SearchStanding, notice: TrialEnded) -> None:
        search.running, search.flop = notice.running, notice.flop
        search.ended += notice.outcome is not Outcome.INFEASIBLE
        if notice.outcome is Outcome.FAILED:
            self.failure = search.failures.take(notice.trial, notice.reason)
        elif notice.value is not None and notice.outcome in _VALUED and notice.may_be_found:
            better = max if search.maximised else min
            search.best = notice.value if search.best is None else better(search.best, notice.value)

    @staticmethod
    def _job_reported(search: SearchStanding, notice: JobReported) -> None:
        search.running = notice.running
        if notice.stage is Stage.FINAL:
            search.doing = f"final {notice.step}/{notice.last}"
        else:
            search.doing, search.flop = notice.kind, notice.flop


def _alike(reason: str) -> str:
    """Return a reason without what differs between trials of the same fault: numbers and addresses."""
    return re.sub(r"0x[0-9a-f]+|\d+(\.\d+)?", "#", reason)


def _is_round(count: int) -> bool:
    return str(count).strip("0") == "1"
