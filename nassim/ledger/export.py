"""Export: a run's Optuna studies, copied with what they cost into an ordinary Optuna storage."""

import math
from collections import defaultdict
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any

import pandas as pd
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError, DBAPIError

from nassim.cost.work import AMOUNTS, WAITING
from nassim.errors import NassimError
from nassim.ledger.credentials import without_credentials
from nassim.ledger.entry import DRIVER, SIDES
from nassim.ledger.finding import Finding
from nassim.ledger.store import Ledger

if TYPE_CHECKING:
    from optuna.storages import BaseStorage
    from optuna.study import Study
    from optuna.trial import FrozenTrial

PREFIX = "nassim:"
"""Of the names of all attributes that are added."""
PASSED_OVER = f"{PREFIX}passed over"
"""A constraint that trials as good as the found one break which were not found: those that a controller learnt from,
and of equals the later ones. So `study.best_trial` is the trial that nassim found."""
ALLOWED = "sqlite:///FILE or postgresql+psycopg://USER:PASSWORD@HOST/DATABASE"


def export_studies(ledger: Ledger, run: str, url: str) -> list[str]:
    """Copy a run's studies into an ordinary Optuna storage, all or none, each as `run/search`; return their names.

    Each trial gets what it cost and what became of it as user attributes, each study what its search cost in all (more
    than its trials: the training of shared weights, idle workers), what it found, and what that costs. What is unknown
    is left out. `docs/model.md` lists them.

    Args:
        ledger: Where the run is.
        run: Its name.
        url: Where to, for example `sqlite:///studies.db`.

    Raises:
        NassimError: There is no such run; there can be no Optuna storage at that URL, or it has a study of one of
            these names.
    """
    import optuna

    optuna.logging.set_verbosity(optuna.logging.WARNING)
    source, target = ledger.storage(run), _open(url)
    searches = {name: name.removeprefix(f"{run}/") for name in optuna.get_all_study_names(source)}
    there = {name: f"{run}/{search}" for name, search in searches.items()}
    taken = sorted(set(there.values()).intersection(optuna.get_all_study_names(target)))
    if taken:
        shown = without_credentials(url)
        raise NassimError(f"{shown} has the study {taken[0]!r} already; delete it there, or export elsewhere")
    facts = _Facts(ledger, run)
    made: list[str] = []
    with _undone_if_it_fails(made, target, url):
        for name, search in searches.items():
            study = optuna.load_study(study_name=name, storage=source)
            made.append(there[name])
            copy = optuna.create_study(study_name=there[name], storage=target, directions=study.directions)
            _fill(copy, study, facts, search)
    return made


def _open(url: str) -> "BaseStorage":
    import optuna

    try:
        parsed = make_url(url)
        in_memory = parsed.get_backend_name() == "sqlite" and (
            parsed.database in (None, "", ":memory:") or parsed.query.get("mode") == "memory"
        )
        if in_memory:
            raise NassimError(f"{url} is in memory, where studies are gone once they are exported. Wanted: {ALLOWED}")
        return optuna.storages.get_storage(url)
    except (ArgumentError, DBAPIError, ImportError, ValueError) as error:
        raise _impossible(url, error) from None


@contextmanager
def _undone_if_it_fails(made: list[str], target: "BaseStorage", url: str) -> Iterator[None]:
    """Delete the studies that were made if not all of them could be."""
    import optuna

    try:
        yield
    except BaseException as error:
        for name in made:
            with suppress(Exception):
                optuna.delete_study(study_name=name, storage=target)
        if isinstance(error, (DBAPIError, optuna.exceptions.StorageInternalError)):
            raise _impossible(url, error) from None
        raise


def _impossible(url: str, error: Exception) -> NassimError:
    reason = without_credentials(str(error).partition("\n")[0].rstrip("."))
    return NassimError(f"there can be no Optuna storage at {without_credentials(url)}: {reason}. Wanted: {ALLOWED}")


class _Facts:
    """What the ledger says of a run, as attributes without their prefix."""

    def __init__(self, ledger: Ledger, run: str) -> None:
        self.of_run = {"run": run, "status": ledger.run(run).status}
        self.findings: dict[str, list[Finding]] = defaultdict(list)
        for finding in ledger.findings(run):
            self.findings[finding.search].append(finding)
        self._totals = ledger.totals(run, by=("search", "stage", "activity", "worker"))
        self._uncounted = ledger.uncounted(run)
        trials = ledger.trials(run).astype(object).to_dict("records")
        self._trials = {(row["search"], row["trial"]): row for row in trials}

    def of_trial(self, search: str, trial: "FrozenTrial") -> dict[str, Any]:
        """Return what a trial cost and what became of it; of one that nothing is booked of, nothing."""
        row = self._trials.get((search, trial.number))
        if row is None:
            return {}
        told = {name: row[name] for name in ("outcome", "reason", "attempts") if row[name] is not None}
        told |= {"architecture": dict(trial.params), "architecture_id": row["architecture"]}
        if trial.values is not None:
            told["value"] = trial.values[0]
        if found := self.findings[search]:
            told["found"] = any(finding.trial == trial.number for finding in found)
        return told | _amounts(row)

    def of_search(self, search: str) -> dict[str, Any]:
        """Return what a search and its final training cost, and what it found."""
        rows = self._totals[self._totals["search"] == search]
        told: dict[str, Any] = {**self.of_run, "search": search}
        for side, stages in SIDES.items():
            of_side = rows[rows["stage"].isin(stages)]
            told |= {f"{side}_{name}": amount for name, amount in _sums(of_side).items()}
            lacking = self._uncounted.query("search == @search and stage in @stages")
            if not lacking.empty:
                told[f"{side}_uncounted"] = sorted({*lacking["operation"]})
        if found := self.findings[search]:
            told |= {f"found_{name}": value for name, value in _found(found[0]).items()}
        return told


def _sums(rows: pd.DataFrame) -> dict[str, Any]:
    by_driver = rows["worker"] == DRIVER
    busy = ~by_driver & ~rows["activity"].isin(WAITING)
    sums = {**rows[[*AMOUNTS]].sum(), "seconds": rows.loc[busy, "seconds"].sum()}
    sums["energy_j"] = rows["energy_j"].sum(min_count=1)
    return _amounts(sums) | {"driver_s": float(rows.loc[by_driver, "seconds"].sum())}


def _amounts(row: Mapping[Any, Any]) -> dict[str, Any]:
    """Return the amounts of a row of totals under names with units, those that are known."""
    amounts: dict[str, Any] = {name: int(row[name]) for name in AMOUNTS if name != "bytes"}
    for name in ("elementwise_flop", "elementwise_bytes"):
        # Inputs that were processed without any are of a version that did not count them.
        if amounts["samples"] and not amounts[name]:
            del amounts[name]
    amounts["device_s"] = float(row["seconds"])
    if not math.isnan(row["energy_j"]):
        amounts["energy_j"] = float(row["energy_j"])
    return amounts


def _found(finding: Finding) -> dict[str, Any]:
    """Return what a search found, and what one input through it costs."""
    found = {
        "trial": finding.trial,
        "architecture": dict(finding.architecture),
        "architecture_id": finding.architecture_id,
        "params": finding.params,
        "forward_flop": finding.forward_flop,
        "backward_flop": finding.backward_flop,
        "torch_flop": finding.torch_flop,
        "elementwise_flop": finding.elementwise_flop or None,
        "uncounted": list(finding.uncounted) or None,
        "test_metrics": dict(finding.metrics),
    }
    return {name: value for name, value in found.items() if value is not None}


def _fill(copy: "Study", study: "Study", facts: _Facts, search: str) -> None:
    """Copy a study's attributes and trials, each trial in one transaction, and add the facts."""
    for name, value in {**study.user_attrs, **_named(facts.of_search(search))}.items():
        copy.set_user_attr(name, value)
    trials = study.get_trials()
    for trial in trials:
        for name, value in _named(facts.of_trial(search, trial)).items():
            trial.set_user_attr(name, value)
    if (found := facts.findings[search]) and len(study.directions) == 1:
        _mark_passed_over(trials, found[0].trial, study)
    copy.add_trials(trials)


def _mark_passed_over(trials: list["FrozenTrial"], found: int | None, study: "Study") -> None:
    from optuna.study import StudyDirection
    from optuna.trial import TrialState

    sign = 1 if study.direction == StudyDirection.MAXIMIZE else -1
    complete = {trial.number: trial for trial in trials if trial.state == TrialState.COMPLETE and trial.values}
    if found not in complete:
        return
    best = sign * complete[found].values[0]
    for trial in complete.values():
        if trial.number != found and sign * trial.values[0] >= best:
            trial.set_constraint(PASSED_OVER, 1.0)


def _named(facts: Mapping[str, Any]) -> dict[str, Any]:
    return {f"{PREFIX}{name}": value for name, value in facts.items()}
