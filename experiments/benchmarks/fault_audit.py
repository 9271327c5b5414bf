"""The audit: what the ledgers say of runs that were disturbed, next to one that was not."""

from collections import Counter
from dataclasses import dataclass, field
from typing import Any

import pandas as pd
from fault_runs import Subject, lines
from searching import check_books

from nassim.cost.work import Activity
from nassim.ledger.entry import DRIVER, Outcome

TAKEN = [Activity.LOST, Activity.PREEMPTED]


@dataclass
class Audit:
    """What the runs of one kind of faults came to, all together.

    Attributes:
        kind: Name of the kind.
        runs: How many.
        faults: How many they were subjected to.
        drivers: How many they took.
        equal: Runs that came to the same as an undisturbed one: proposals, values, steps, FLOP kept and findings.
        alike: Runs that came to other values, and in all else to the same.
        entries: Entries of their ledgers.
        lost: Entries that were acknowledged, and are gone.
        changed: Entries that are not as they were after a fault.
        twice: Entries that say what another one says.
        difference_s: The most by which what is posted on a worker differs from what it was leased for.
        lost_s: Seconds of workers that were lost to faults.
        leased_s: Seconds for which workers were leased.
        lost_flop: FLOP that were lost to faults.
        flop: FLOP that were performed.
        wrong: What the books of a run are wrong in.
    """

    kind: str
    runs: int = 0
    faults: int = 0
    drivers: int = 0
    equal: int = 0
    alike: int = 0
    entries: int = 0
    lost: int = 0
    changed: int = 0
    twice: int = 0
    difference_s: float = 0.0
    lost_s: float = 0.0
    leased_s: float = 0.0
    lost_flop: int = 0
    flop: int = 0
    wrong: list[str] = field(default_factory=list)

    def add(self, subject: Subject, undisturbed: dict[str, Any], may_differ: bool) -> None:
        """Take a run in.

        Args:
            subject: The run.
            undisturbed: The results of one that was not disturbed.
            may_differ: Whether what it was subjected to may change values.
        """
        done = subject.done()
        results, now, balance = comparable(done.results()), lines(done.entries), done.ledger.balance(subject.run)
        self.runs += 1
        self.faults += subject.faults
        self.drivers += subject.drivers
        self.entries += len(now)
        self.lost += len(subject.acknowledged() - now.keys())
        self.changed += sum(now.get(seq) != line for seq, line in subject.seen.items())
        self.twice += _twice(done.entries)
        self.difference_s = max(self.difference_s, float(balance["difference_s"].abs().max()))
        try:
            check_books(done)
        except AssertionError as error:
            self.wrong.append(f"{subject.run}: {error}")
        if results == undisturbed:
            self.equal += 1
        elif may_differ and _but_for_values(results) == _but_for_values(undisturbed):
            self.alike += 1
        else:
            self.wrong.append(f"{subject.run}: {_differences(results, undisturbed)}")
        workers = done.entries[done.entries["worker"] != DRIVER]
        taken = workers[workers["activity"].isin(TAKEN)]
        self.lost_s += float(taken["seconds"].sum())
        self.leased_s += float(workers["seconds"].sum())
        self.lost_flop += _flop(taken)
        self.flop += _flop(workers)

    def add_up(self, other: "Audit") -> None:
        """Take in all runs of another one."""
        for name, value in vars(other).items():
            if name == "difference_s":
                self.difference_s = max(self.difference_s, value)
            elif name != "kind":
                setattr(self, name, getattr(self, name) + value)

    @property
    def is_clean(self) -> bool:
        """Whether nothing is lost, changed, twice or unequal, and the books close."""
        return not (self.lost or self.changed or self.twice or self.wrong) and self.difference_s < 1e-6


def comparable(results: dict[str, Any]) -> dict[str, Any]:
    """Return results without what depends on which of two workers is faster.

    Of two trials of the same architecture that is which one is the duplicate.
    """
    same = {Outcome.DUPLICATE: Outcome.COMPLETE}
    return results | {"outcomes": [same.get(outcome, outcome) for outcome in results["outcomes"]]}


def _but_for_values(results: dict[str, Any]) -> dict[str, Any]:
    """Return what results have in common with those of other proposals and values."""
    return {
        "outcomes": Counter(results["outcomes"]),
        "trials": {name: len(trials) for name, trials in results["trials"].items()},
        "samples": {name: amounts[-1] for name, amounts in results["flop"].items()},
        "findings": set(results["findings"]),
    }


def _differences(results: dict[str, Any], undisturbed: dict[str, Any]) -> str:
    told = [f"{key}: {results[key]} instead of {value}" for key, value in undisturbed.items() if results[key] != value]
    return f"is not equal in {'; '.join(told)}"


def _twice(entries: pd.DataFrame) -> int:
    """Count entries that say the same of the same worker and moment as an earlier one, corrections left out."""
    laps = entries[(entries["seconds"] > 0) & ~entries["activity"].isin(TAKEN)]
    closings = entries[entries["outcome"].notna()]
    twice = laps.duplicated(["worker", "lease", "start_s", "activity"]).sum()
    return int(twice + closings.duplicated(["search", "trial"]).sum() + entries["seq"].duplicated().sum())


def _flop(entries: pd.DataFrame) -> int:
    return int(entries["forward_flop"].sum() + entries["backward_flop"].sum())
