"""Reads a run's facts from the ledger alone."""

import math
import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Literal

from nassim.cost.differences import DIFFERENCES
from nassim.cost.work import Activity
from nassim.errors import NassimError
from nassim.hardware.catalogue import load_catalogue
from nassim.hardware.figure import Bound, Figure, Kind
from nassim.hardware.own_site import terms_of
from nassim.hardware.tariff import Tariff, tariff
from nassim.hardware.terms import Terms
from nassim.ledger.entry import DRIVER, SIDES, Outcome, Stage
from nassim.ledger.finding import Finding
from nassim.ledger.records import RunRecord
from nassim.ledger.store import Ledger
from nassim.report.amounts import Part
from nassim.report.facts import (
    Balance,
    Counting,
    DeviceFacts,
    Failure,
    FoundModel,
    FrontTrial,
    OutcomeCost,
    RunFacts,
    SearchFacts,
    SiteFacts,
    Term,
    WorkerBalance,
)
from nassim.report.folding import BY, COUNTED_AS_TORCH, Folding, Row, flop_figure, flop_of, is_torch_count, rows_of

EVALUATED = (Outcome.COMPLETE, Outcome.DUPLICATE, Outcome.PRUNED)


def read_run(ledger: Ledger, run: str, given: Mapping[str, Any] | None = None, strict: bool = False) -> RunFacts:
    """Return the facts of a run, of one that goes on as well as of one that has ended.

    Args:
        ledger: Where the run is.
        run: Its name.
        given: What options say of the site, by the names in `nassim.hardware.terms.STATED`.
        strict: Whether what nobody says of the site stays unknown.

    Raises:
        NassimError: There is no such run, the ledger can't be reached, or what is said of the site can't be found.
    """
    record = ledger.run(run)
    with ledger.understood():
        return _facts(ledger, record, given or {}, strict)


def _facts(ledger: Ledger, record: RunRecord, given: Mapping[str, Any], strict: bool) -> RunFacts:
    run, experiment, version = record.name, record.experiment, record.about.get("nassim")
    leases, rows = rows_of(ledger.leases(run)), rows_of(ledger.totals(run, by=BY))
    workers = [lease for lease in leases if lease["worker"] != DRIVER]
    terms, prices, problem = _site(experiment, given, strict, [lease["device"] for lease in workers])
    folding = Folding(
        {lease["worker"]: _peak(lease) for lease in workers}, prices, version if version in COUNTED_AS_TORCH else None
    )
    uncounted = rows_of(ledger.uncounted(run))
    operations = tuple(sorted({row["operation"] for row in uncounted}))
    searches = _searches(ledger, run, experiment, rows, uncounted, folding)
    whole, balance = folding.part(rows, operations), _balance(ledger, run)
    return RunFacts(
        run=run,
        status=record.status,
        simulated=record.simulated,
        started_at=record.started_at,
        drivers=record.sessions,
        experiment=experiment.get("name"),
        space=experiment.get("space", {}).get("name"),
        data=experiment.get("data", {}).get("name"),
        seed=experiment.get("seed"),
        wall_s=next((worker.leased_s for worker in balance.workers if worker.worker == DRIVER), None),
        devices=_devices(workers),
        searches=searches,
        shared=folding.part(
            (row for row in rows if _is_shared(row)), (row["operation"] for row in uncounted if row["search"] is None)
        ),
        total=whole,
        counting=Counting(
            convention=_convention(rows, folding), version=version, uncounted=operations, differences=DIFFERENCES
        ),
        site=_site_facts(terms, prices, problem, whole),
        balance=balance,
    )


def _site(
    experiment: Mapping[str, Any], given: Mapping[str, Any], strict: bool, devices: Sequence[str]
) -> tuple[Terms, Tariff, tuple[str, ...]]:
    """Return the terms that hold, what seconds cost by them, and why the experiment's own don't hold, if so.

    An experiment may name a file that this machine does not have. Its run is reported all the same.
    """
    terms = terms_of(experiment, given, strict)
    try:
        return terms, tariff(terms, devices), ()
    except NassimError as error:
        without = terms_of({**experiment, "site": None}, given, strict)
        try:
            return without, tariff(without, devices), (f"the experiment's site can't be applied: {error}",)
        except NassimError:
            raise error from None


def _site_facts(terms: Terms, prices: Tariff, problem: tuple[str, ...], whole: Part) -> SiteFacts:
    return SiteFacts(
        terms={name: Term(value=value, origin=origin) for name, (value, origin) in terms.stated.items()},
        strict=terms.strict,
        basis=(*problem, *prices.basis),
        assumed=prices.assumed,
        missing=tuple(dict.fromkeys((*whole.leased.gco2e.missing, *whole.leased.usd.missing))),
    )


def _balance(ledger: Ledger, run: str) -> Balance:
    rows = rows_of(ledger.balance(run))
    return Balance(
        workers=tuple(
            WorkerBalance(
                worker=row["worker"],
                leased_s=row["leased_s"],
                posted_s=row["posted_s"],
                released=bool(row["closed"]),
            )
            for row in rows
        )
    )


def _peak(lease: Row) -> Figure:
    """Return the peak rate of one of a lease's processors."""
    if lease["peak_flop_per_s"] is None:
        return Figure.unknown(f"peak rate of {lease['device']}")
    listed = load_catalogue().recognise(lease["device"]) if lease["peak_source"] == "catalogue" else None
    doubtful = listed is not None and "fp32_flop_per_s" in listed.unverified
    return Figure(lease["peak_flop_per_s"], Kind.ASSUMED if doubtful else Kind.MEASURED)


def _is_shared(row: Row) -> bool:
    """Whether a row belongs to no single search. Workers start up for all of them, whichever is at hand then."""
    return row["search"] is None or row["activity"] == Activity.STARTUP


def _convention(rows: Sequence[Row], folding: Folding) -> str:
    """Return how FLOP were counted: see Counting."""
    if folding.torch_version is None:
        return "performed"
    counts = {
        is_torch_count(flop_of(row), row["elementwise_flop"], row["elementwise_bytes"]) for row in rows if flop_of(row)
    }
    return {frozenset({True}): "torch", frozenset({True, False}): "mixed"}.get(frozenset(counts), "performed")


def _searches(
    ledger: Ledger,
    run: str,
    experiment: Mapping[str, Any],
    rows: Sequence[Row],
    uncounted: Sequence[Row],
    folding: Folding,
) -> tuple[SearchFacts, ...]:
    findings: dict[str, list[Finding]] = defaultdict(list)
    for finding in ledger.findings(run):
        findings[finding.search].append(finding)
    fronts: dict[str, list[Row]] = defaultdict(list)
    for trial in rows_of(ledger.front(run)):
        fronts[trial["search"]].append(trial)
    plans = {plan["name"]: plan for plan in experiment.get("searches", ())}
    rows_by: dict[str, list[Row]] = {name: [] for name in plans}
    for row in rows:
        if not _is_shared(row):
            rows_by.setdefault(row["search"], []).append(row)
    trials_by: dict[str, list[Row]] = defaultdict(list)
    for trial in rows_of(ledger.trials(run)):
        trials_by[trial["search"]].append(trial)
    operations: dict[tuple[str, str], set[str]] = defaultdict(set)
    for row in uncounted:
        operations[row["search"], row["stage"]].add(row["operation"])
    names = dict.fromkeys([*rows_by, *trials_by])
    return tuple(
        _search(
            name,
            plans.get(name, {}),
            rows_by.get(name, []),
            trials_by[name],
            {side: set().union(*(operations[name, stage] for stage in SIDES[side])) for side in SIDES},
            findings[name],
            fronts[name],
            folding,
        )
        for name in names
    )


def _search(
    name: str,
    plan: Mapping[str, Any],
    rows: Sequence[Row],
    trials: Sequence[Row],
    uncounted: Mapping[Stage, Iterable[str]],
    findings: Sequence[Finding],
    front: Sequence[Row],
    folding: Folding,
) -> SearchFacts:
    search, final = (
        folding.part((row for row in rows if row["stage"] in SIDES[side]), uncounted[side])
        for side in (Stage.SEARCH, Stage.FINAL)
    )
    return SearchFacts(
        name=name,
        evaluator=plan.get("evaluator", {}).get("kind"),
        sampler=plan.get("sampler", {}).get("name"),
        pruner=plan.get("pruner", {}).get("name"),
        trials=len(trials),
        outcomes=_outcomes(trials, bool(search.compute.uncounted)),
        failures=_failures(trials),
        architectures=len({trial["architecture"] for trial in trials if trial["outcome"] in EVALUATED}),
        search=search,
        final=final,
        found=_found(findings[0], folding) if findings else None,
        also_found=tuple(_found(finding, folding) for finding in findings[1:]),
        objectives=dict(findings[0].objectives) if findings else {},
        front=_front(front, findings[0].objectives) if findings else (),
    )


def _outcomes(trials: Sequence[Row], is_least: bool) -> tuple[OutcomeCost, ...]:
    known: tuple[Outcome | Literal["open"], ...] = (*Outcome, "open")
    by_outcome = {outcome: [trial for trial in trials if trial["outcome"] == outcome] for outcome in known}
    return tuple(
        OutcomeCost(
            outcome=outcome,
            trials=len(group),
            device_s=sum(trial["seconds"] for trial in group),
            flop=flop_figure(group, is_least),
        )
        for outcome, group in by_outcome.items()
        if group
    )


def _failures(trials: Sequence[Row]) -> tuple[Failure, ...]:
    """Group failed trials by their reasons, of which those are one that differ in numbers alone."""
    groups: dict[str, list[Row]] = defaultdict(list)
    for trial in trials:
        if trial["outcome"] == Outcome.FAILED:
            groups[re.sub(r"\d[\d.,]*", "#", trial["reason"] or "")].append(trial)
    failures = (
        Failure(reason=group[0]["reason"] or "", trials=len(group), example=group[0]["trial"])
        for group in groups.values()
    )
    return tuple(sorted(failures, key=lambda failure: -failure.trials))


def _front(rows: Sequence[Row], objectives: Mapping[str, str]) -> tuple[FrontTrial, ...]:
    """Return a search's front, each architecture once; none of a search by one objective, whose front is its best."""
    if len(objectives) < 2:
        return ()
    first: dict[str, Row] = {}
    for row in rows:
        earlier = first.setdefault(row["architecture"], row)
        if row["found"] and not earlier["found"]:
            first[row["architecture"]] = row
    return tuple(
        FrontTrial(
            trial=row["trial"],
            architecture_id=row["architecture"],
            values={name: row[name] for name in objectives},
            found=row["found"],
        )
        for row in first.values()
    )


def _found(finding: Finding, folding: Folding) -> FoundModel:
    bound = Bound.AT_LEAST if finding.uncounted else Bound.EXACT
    operations, moved = folding.elementwise(finding.forward_flop, finding.elementwise_flop, finding.elementwise_bytes)
    return FoundModel(
        architecture_id=finding.architecture_id,
        architecture=dict(finding.architecture),
        words=finding.words,
        trial=finding.trial,
        params=finding.params,
        forward_macs=Figure(finding.forward_macs, bound=bound),
        forward_flop=Figure(finding.forward_flop, bound=bound),
        elementwise_flop=operations,
        elementwise_bytes=moved,
        training_samples=finding.samples,
        seed=finding.seed,
        metrics={name: value if math.isfinite(value) else None for name, value in finding.metrics.items()},
    )


def _devices(leases: Sequence[Row]) -> tuple[DeviceFacts, ...]:
    groups: dict[tuple[str, float], list[Row]] = defaultdict(list)
    for lease in leases:
        groups[lease["device"], lease["processors"]].append(lease)
    return tuple(
        DeviceFacts(
            device=device,
            workers=_held_at_once(group),
            nodes=len({lease["node"] for lease in group}),
            processors=processors,
            peak_flop_per_s=_peak(group[-1]),
            peak_source=None if group[-1]["peak_flop_per_s"] is None else group[-1]["peak_source"],
        )
        for (device, processors), group in groups.items()
    )


def _held_at_once(leases: Sequence[Row]) -> int:
    """Return how many leases were open at a time, at most; one that begins as another ends takes its place."""
    changes = [(lease["opened_s"], 1) for lease in leases]
    changes += [(lease["closed_s"], -1) for lease in leases if lease["closed_s"] is not None]
    most = held = 0
    for _, change in sorted(changes):
        held += change
        most = max(most, held)
    return most
