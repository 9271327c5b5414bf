"""Shelf: the models that the runs of a ledger have saved."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from nassim.errors import NassimError
from nassim.folder import folder_of
from nassim.ledger.finding import Finding
from nassim.ledger.records import RunRecord
from nassim.ledger.store import Ledger

_WAY_ON = {
    "running": "the run goes on; or, if its driver is gone, `nassim resume {run}` goes on with it",
    "interrupted": "the run was interrupted; `nassim resume {run}` goes on with it",
    "failed": "the run has failed (`nassim report {run}`); `nassim resume {run}` tries again",
    "stopped": "the run was stopped by its experiment's budget before the final training was through",
    "finished": "the run has finished without one",
}
"""What is said of a search without a final model, by its run's status."""


@dataclass(frozen=True, slots=True)
class ShelvedModel:
    """A found model and its file.

    Attributes:
        run: Name of the run.
        finding: What the search found.
        file: Where its weights were saved.
        bytes: Size of that file; None where it isn't there.
        is_first: Whether it is the search's only one, or of several the best by the first objective.
    """

    run: str
    finding: Finding
    file: Path
    bytes: int | None
    is_first: bool

    @property
    def name(self) -> str:
        """What it is called: RUN/SEARCH, and further ones of a search RUN/SEARCH/TRIAL."""
        search = f"{self.run}/{self.finding.search}"
        return search if self.is_first else f"{search}/{self.finding.trial}"


def shelved_models(ledger: Ledger, run: str | None = None) -> list[ShelvedModel]:
    """Return the found models of a run, or of all runs, in the order in which they were found.

    Raises:
        NassimError: There is no such run.
    """
    return [model for record in ([ledger.run(run)] if run else ledger.runs()) for model in _of_run(ledger, record)]


def _of_run(ledger: Ledger, record: RunRecord) -> Iterator[ShelvedModel]:
    seen: set[str] = set()
    for finding in ledger.findings(record.name):
        file = folder_of(record).model_of(finding.search, finding.job)
        size = file.stat().st_size if file.is_file() else None
        yield ShelvedModel(record.name, finding, file, size, finding.search not in seen)
        seen.add(finding.search)


def find_model(ledger: Ledger, name: str | None) -> ShelvedModel:
    """Return the model of a search, its weights there.

    Args:
        ledger: Where the run is.
        name: RUN/SEARCH; RUN where it has one search, SEARCH of the latest run, or None for both. With /TRIAL after
            the search, another of those that it trained.

    Raises:
        NassimError: There is no such run or search, the run has several, or the search has no model.
    """
    record, search = _meant(ledger, name)
    models = {model.name: model for model in _of_run(ledger, record)}
    models |= {f"{model.run}/{model.finding.search}/{model.finding.trial}": model for model in models.values()}
    wanted = f"{record.name}/{search}"
    if wanted not in models and wanted.rpartition("/")[0] in models:
        raise NassimError(f"there is no model {wanted!r}; there are {_quoted([*dict.fromkeys(models)])}")
    if wanted not in models:
        way_on = _WAY_ON[record.status].format(run=record.name)
        raise NassimError(f"search {search} of run {record.name} has no final model yet: {way_on}")
    model = models[wanted]
    if model.bytes is None and "identity" not in record.about:
        raise NassimError(
            f"run {record.name} is of nassim {record.about.get('nassim', '0.1.0')}, which did not save models"
        )
    if model.bytes is None:
        raise NassimError(
            f"the weights of search {search}, run {record.name}, are gone: there is no file {model.file}. The worker "
            "that trained the model has written it there, in the run's folder; put that back, or mount it here"
        )
    return model


def _meant(ledger: Ledger, name: str | None) -> tuple[RunRecord, str]:
    """Return the run and the search that a name stands for."""
    records = {record.name: record for record in ledger.runs()}
    if not records:
        raise NassimError(f"the ledger {ledger.url} has no runs yet; `nassim run EXPERIMENT` makes one")
    latest = next(reversed(records.values()))
    if name is None:
        return latest, _only_search(latest)
    run, slash, search = name.partition("/")
    if run in records:
        record = records[run]
        return record, _known_search(record, search) if slash else _only_search(record)
    if name in _searches(latest):
        return latest, name
    if slash:
        ledger.run(run)
    raise NassimError(
        f"there is no run {name!r} in the ledger {ledger.url}, and its latest run {latest.name} has no search of that "
        f"name, but {_quoted(_searches(latest))}. The latest runs: {', '.join([*records][:-6:-1])}; `nassim model` "
        "lists all models"
    )


def _searches(record: RunRecord) -> Sequence[str]:
    return [plan["name"] for plan in record.experiment.get("searches", ())]


def _known_search(record: RunRecord, search: str) -> str:
    if not {search, search.rpartition("/")[0]} & {*_searches(record)}:
        raise NassimError(f"run {record.name} has no search {search!r}; it has {_quoted(_searches(record))}")
    return search


def _only_search(record: RunRecord) -> str:
    searches = _searches(record)
    if len(searches) != 1:
        raise NassimError(f"run {record.name} has the searches {_quoted(searches)}; say which: {record.name}/SEARCH")
    return searches[0]


def _quoted(names: Sequence[str]) -> str:
    return ", ".join(map(repr, names)) or "none"
