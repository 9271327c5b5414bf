"""Reads a run's summary from the ledger alone."""

import math
from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import Any

import pandas as pd

from nassim.cost.work import Activity
from nassim.ledger.entry import DRIVER, Outcome, Stage
from nassim.ledger.finding import Finding
from nassim.ledger.store import Ledger
from nassim.report.summary import (
    ActivityCost,
    Compute,
    Device,
    FoundModel,
    OutcomeCost,
    RunSummary,
    SearchSummary,
    WorkerBalance,
)

EVALUATED = (Outcome.COMPLETE, Outcome.DUPLICATE, Outcome.PRUNED)

Row = dict[str, Any]


def summarise(ledger: Ledger, run: str) -> RunSummary:
    """Return a run's summary, of a run that goes on as well as of one that has ended.

    Raises:
        NassimError: There is no such run, or the ledger can't be reached.
    """
    record = ledger.run(run)
    experiment = record.experiment
    leases = ledger.leases(run)
    peaks = {lease["worker"]: _known(lease["peak_flop_per_s"]) for lease in rows_of(leases)}
    rows = rows_of(ledger.totals(run, by=("search", "stage", "activity", "worker")))
    trials = rows_of(ledger.trials(run))
    findings = {finding.search: finding for finding in reversed(ledger.findings(run))}
    # A search that trained several networks is reported with the first, and with what that one's training took.
    finals = rows_of(ledger.totals(run, by=("job", "stage", "activity", "worker"), stage=Stage.FINAL))
    plans = {plan["name"]: plan for plan in experiment.get("searches", ())}
    names = dict.fromkeys([*plans, *(row["search"] for row in rows if row["search"] is not None)])
    balance = tuple(
        WorkerBalance(row["worker"], row["leased_s"], row["posted_s"], bool(row["closed"]))
        for row in rows_of(ledger.balance(run))
    )
    return RunSummary(
        run=record.name,
        status=record.status,
        started_at=record.started_at,
        drivers=record.sessions,
        experiment=experiment.get("name"),
        space=experiment.get("space", {}).get("name"),
        data=experiment.get("data", {}).get("name"),
        seed=experiment.get("seed"),
        devices=_devices(leases),
        searches=tuple(
            _search(
                name,
                plans.get(name, {}),
                [row for row in rows if row["search"] == name],
                [trial for trial in trials if trial["search"] == name],
                findings.get(name),
                finals,
                peaks,
            )
            for name in names
        ),
        shared=_compute((row for row in rows if is_shared(row)), peaks),
        total=_compute(rows, peaks),
        wall_s=next((worker.leased_s for worker in balance if worker.worker == DRIVER), None),
        balance=balance,
    )


def is_shared(row: Row) -> bool:
    """Whether a row belongs to no single search. Workers start up for all of them, whichever is at hand then."""
    return row["search"] is None or row["activity"] == Activity.STARTUP


def _search(
    name: str,
    plan: Mapping[str, Any],
    rows: list[Row],
    trials: list[Row],
    finding: Finding | None,
    finals: list[Row],
    peaks: Mapping[str, float | None],
) -> SearchSummary:
    own = [row for row in rows if not is_shared(row)]
    final = _compute((row for row in own if row["stage"] == Stage.FINAL), peaks)
    return SearchSummary(
        name=name,
        evaluator=plan.get("evaluator", {}).get("kind"),
        sampler=plan.get("sampler", {}).get("name"),
        pruner=plan.get("pruner", {}).get("name"),
        outcomes=_outcomes(trials),
        architectures=len({trial["architecture"] for trial in trials if trial["outcome"] in EVALUATED}),
        search=_compute((row for row in own if row["stage"] == Stage.SEARCH), peaks),
        final=final,
        found=None if finding is None else _found(finding, [r for r in finals if r["job"] == finding.job] or own),
    )


def _compute(rows: Iterable[Row], peaks: Mapping[str, float | None]) -> Compute:
    sums: dict[Activity, list[Row]] = defaultdict(list)
    burden_flop: float | None = 0.0
    for row in rows:
        sums[Activity(row["activity"])].append(row)
        if row["worker"] != DRIVER:
            peak = peaks.get(row["worker"])
            known = burden_flop is not None and peak is not None
            burden_flop = burden_flop + row["processor_seconds"] * peak if known else None
    return Compute(
        tuple(
            ActivityCost(
                activity,
                sum((row["seconds"] for row in sums[activity] if row["worker"] != DRIVER), 0.0),
                sum((row["seconds"] for row in sums[activity] if row["worker"] == DRIVER), 0.0),
                sum(row["forward_flop"] for row in sums[activity]),
                sum(row["backward_flop"] for row in sums[activity]),
            )
            for activity in Activity
            if activity in sums
        ),
        burden_flop,
    )


def _outcomes(trials: list[Row]) -> tuple[OutcomeCost, ...]:
    known: list[Outcome | None] = [*Outcome, None]
    by_outcome = {outcome: [trial for trial in trials if trial["outcome"] == (outcome or "open")] for outcome in known}
    return tuple(
        OutcomeCost(
            outcome,
            len(group),
            sum(trial["seconds"] for trial in group),
            sum(trial["forward_flop"] + trial["backward_flop"] for trial in group),
        )
        for outcome, group in by_outcome.items()
        if group
    )


def _found(finding: Finding, rows: Iterable[Row]) -> FoundModel:
    of_final = _compute((row for row in rows if row["stage"] == Stage.FINAL), {})
    training = [cost for cost in of_final.activities if cost.activity is Activity.TRAIN]
    return FoundModel(
        architecture_id=finding.architecture_id,
        architecture=dict(finding.architecture),
        trial=finding.trial,
        params=finding.params,
        forward_macs=finding.forward_macs,
        forward_flop=finding.forward_flop,
        training_forward_flop=sum(cost.forward_flop for cost in training),
        training_backward_flop=sum(cost.backward_flop for cost in training),
        training_s=sum(cost.device_s for cost in training),
        training_samples=finding.samples,
        seed=finding.seed,
        metrics={name: value if math.isfinite(value) else None for name, value in finding.metrics.items()},
        training_torch_flop=finding.torch_flop * finding.samples,
    )


def _devices(leases: pd.DataFrame) -> tuple[Device, ...]:
    groups: dict[tuple[Any, ...], list[Row]] = defaultdict(list)
    for lease in rows_of(leases):
        if lease["worker"] != DRIVER:
            alike = lease["device"], lease["processors"], _known(lease["peak_flop_per_s"]), lease["peak_source"]
            groups[alike].append(lease)
    return tuple(
        Device(
            device,
            len({lease["worker"] for lease in group}),
            len({lease["node"] for lease in group}),
            processors,
            peak,
            None if peak is None else source,
        )
        for (device, processors, peak, source), group in groups.items()
    )


def rows_of(table: pd.DataFrame) -> list[Row]:
    """Return a table's rows as dicts, with None where a value is missing."""
    names = list(table.columns)
    return [
        {name: None if pd.isna(value) else value for name, value in zip(names, values, strict=True)}
        for values in table.itertuples(index=False, name=None)
    ]


def _known(value: float | None) -> float | None:
    """Return a number, or None for one that isn't known."""
    return None if value is None or pd.isna(value) else float(value)
