"""Optuna's studies in the ledger: the driver's, in memory and posted, and those that other processes look at."""

import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import cache
from typing import Any, NoReturn

from optuna.distributions import BaseDistribution, distribution_to_json
from optuna.exceptions import DuplicatedStudyError
from optuna.storages import InMemoryStorage, JournalStorage
from optuna.storages.journal import BaseJournalBackend
from optuna.storages.journal._storage import JournalOperation
from optuna.study import StudyDirection
from optuna.trial import FrozenTrial, TrialState
from sqlalchemy import select

from nassim.errors import NassimError
from nassim.ledger.database import Database
from nassim.ledger.errors import LedgerDamaged
from nassim.ledger.schema import journal


class RunStorage(InMemoryStorage):
    """The studies of a run as its driver has them: in memory, each change posted as a log of Optuna's journal.

    Optuna's own JournalStorage reads back all that it writes, and makes each trial's options anew from it, which take
    samplers longer to compare than those of the space. It signs each log with random numbers, and stamps trials by the
    host's clock. Here they are signed with the driver's number, and stamped as the run says, so that what is written
    follows from the run alone.

    Only the thread that drives the search uses it.

    Args:
        texts: The journal so far, as JSON.
        post: Posts one log, as JSON.
        driver: Which driver of the run it is of, from 1.
        date: Returns the date that goes with the run's clock.

    Raises:
        LedgerDamaged: The journal is no JSON.
    """

    def __init__(
        self, texts: Sequence[str], post: Callable[[str], None], driver: int, date: Callable[[], datetime]
    ) -> None:
        super().__init__()
        self._post = post
        self._signature = f"driver {driver}"
        self._date = date
        self._take_up(JournalStorage(_Replay(texts)))

    def __getstate__(self) -> NoReturn:
        raise TypeError("the driver's Optuna storage can't be pickled: only the driver writes the ledger")

    def _take_up(self, past: JournalStorage) -> None:
        """Make the studies and trials of earlier drivers anew, in the order of their ids, which are the same then."""
        trials: list[tuple[int, FrozenTrial]] = []
        for study in past.get_all_studies():
            number = super().create_new_study(study.directions, study.study_name)
            for key, value in study.user_attrs.items():
                super().set_study_user_attr(number, key, value)
            for key, value in study.system_attrs.items():
                super().set_study_system_attr(number, key, value)
            trials += [(number, trial) for trial in past.get_all_trials(study._study_id, deepcopy=False)]
        for number, trial in sorted(trials, key=lambda each: each[1]._trial_id):
            super().create_new_trial(number, trial)

    def create_new_study(self, directions: Sequence[StudyDirection], study_name: str | None = None) -> int:
        """Make a study."""
        if study_name in [study.study_name for study in self.get_all_studies()]:
            raise DuplicatedStudyError(f"there is a study {study_name!r} already")
        number = super().create_new_study(directions, study_name)
        name = self.get_study_name_from_id(number)
        self._post(self._text(JournalOperation.CREATE_STUDY, study_name=name, directions=list(directions)))
        return number

    def delete_study(self, study_id: int) -> NoReturn:
        """Refuse: what is on the books stays there.

        Raises:
            NassimError: Always.
        """
        raise NassimError("a run's studies are on its books and can't be deleted")

    def set_study_user_attr(self, study_id: int, key: str, value: Any) -> None:
        """Set an attribute of a study."""
        with self._posted(JournalOperation.SET_STUDY_USER_ATTR, study_id=study_id, user_attr={key: value}):
            super().set_study_user_attr(study_id, key, _as_read(value))

    def set_study_system_attr(self, study_id: int, key: str, value: Any) -> None:
        """Set an attribute of a study that is Optuna's or a sampler's."""
        with self._posted(JournalOperation.SET_STUDY_SYSTEM_ATTR, study_id=study_id, system_attr={key: value}):
            super().set_study_system_attr(study_id, key, _as_read(value))

    def create_new_trial(self, study_id: int, template_trial: FrozenTrial | None = None) -> int:
        """Make a trial: one that is running from now on, or one like a template."""
        date = self._date() if template_trial is None else None
        about = _like(template_trial) if template_trial else {"datetime_start": date and _stamp(date)}
        with self._posted(JournalOperation.CREATE_TRIAL, study_id=study_id, **about):
            number = super().create_new_trial(study_id, template_trial)
        if date:
            self.get_trial(number).datetime_start = _local(date)
        return number

    def set_trial_param(
        self, trial_id: int, param_name: str, param_value_internal: float, distribution: BaseDistribution
    ) -> None:
        """Set a parameter of a trial."""
        with self._posted(
            JournalOperation.SET_TRIAL_PARAM,
            trial_id=trial_id,
            param_name=param_name,
            param_value_internal=param_value_internal,
            distribution=_distribution_text(distribution),
        ):
            super().set_trial_param(trial_id, param_name, param_value_internal, distribution)

    def set_trial_state_values(self, trial_id: int, state: TrialState, values: Sequence[float] | None = None) -> bool:
        """Set a trial's state, and its values; returns whether it is set, for another may have begun it before."""
        date, name = self._date(), "datetime_complete" if state.is_finished() else "datetime_start"
        dated = {} if state is TrialState.WAITING else {name: _stamp(date)}
        text = self._text(
            JournalOperation.SET_TRIAL_STATE_VALUES, trial_id=trial_id, state=state, values=values, **dated
        )
        if not super().set_trial_state_values(trial_id, state, values):
            return False
        if dated:
            setattr(self.get_trial(trial_id), name, _local(date))
        self._post(text)
        return True

    def set_trial_intermediate_value(self, trial_id: int, step: int, intermediate_value: float) -> None:
        """Set what a trial reported at a step."""
        with self._posted(
            JournalOperation.SET_TRIAL_INTERMEDIATE_VALUE,
            trial_id=trial_id,
            step=step,
            intermediate_value=intermediate_value,
        ):
            super().set_trial_intermediate_value(trial_id, step, intermediate_value)

    def set_trial_user_attr(self, trial_id: int, key: str, value: Any) -> None:
        """Set an attribute of a trial."""
        with self._posted(JournalOperation.SET_TRIAL_USER_ATTR, trial_id=trial_id, user_attr={key: value}):
            super().set_trial_user_attr(trial_id, key, _as_read(value))

    def set_trial_system_attr(self, trial_id: int, key: str, value: Any) -> None:
        """Set an attribute of a trial that is Optuna's or a sampler's."""
        with self._posted(JournalOperation.SET_TRIAL_SYSTEM_ATTR, trial_id=trial_id, system_attr={key: value}):
            super().set_trial_system_attr(trial_id, key, _as_read(value))

    @contextmanager
    def _posted(self, operation: JournalOperation, **about: Any) -> Iterator[None]:
        """Post what is done within, once it is done; what is no JSON is refused before."""
        text = self._text(operation, **about)
        yield
        self._post(text)

    def _text(self, operation: JournalOperation, **about: Any) -> str:
        return json.dumps({"op_code": operation, "worker_id": self._signature, **about}, separators=(",", ":"))


def _as_read(value: Any) -> Any:
    """Return an attribute as a later driver reads it: a tuple is a list then."""
    return json.loads(json.dumps(value))


_distribution_text = cache(distribution_to_json)


def _like(trial: FrozenTrial) -> dict[str, Any]:
    """Return what a log says of a trial that is put in as it is."""
    several = trial.values is not None and len(trial.values) > 1
    return {
        "state": trial.state,
        "value": None if several else trial.value,
        "values": trial.values if several else None,
        "datetime_start": trial.datetime_start and _stamp(trial.datetime_start.astimezone()),
        **({"datetime_complete": _stamp(trial.datetime_complete.astimezone())} if trial.datetime_complete else {}),
        "distributions": {name: distribution_to_json(each) for name, each in trial.distributions.items()},
        "params": {name: trial.distributions[name].to_internal_repr(value) for name, value in trial.params.items()},
        "user_attrs": trial.user_attrs,
        "system_attrs": trial.system_attrs,
        "intermediate_values": trial.intermediate_values,
    }


def _stamp(date: datetime) -> str:
    return date.astimezone(UTC).isoformat(timespec="microseconds")


def _local(date: datetime) -> datetime:
    """Return a date as Optuna keeps it: of the host's time zone, without saying so."""
    return date.astimezone().replace(tzinfo=None)


class _Replay(BaseJournalBackend):
    """A journal as it was, to be read once."""

    def __init__(self, texts: Sequence[str]) -> None:
        self._texts = texts

    def read_logs(self, log_number_from: int) -> list[dict[str, Any]]:
        return _parsed(self._texts[log_number_from:])

    def append_logs(self, logs: list[dict[str, Any]]) -> NoReturn:
        raise RuntimeError("what was is not changed")


class ReaderJournal(BaseJournalBackend):
    """A run's journal as the database has it now, to look at.

    Args:
        database: Where the ledger is.
        run_id: The run's number in it.
        run: The run's name.
    """

    def __init__(self, database: Database, run_id: int, run: str) -> None:
        self._database = database
        self._run_id = run_id
        self._run = run
        self._texts: list[str] = []
        self._behind = -1

    def read_logs(self, log_number_from: int) -> list[dict[str, Any]]:
        """Return the logs from that number on, those that the driver has committed since the last call among them."""
        with self._database.reading() as connection:
            rows = connection.execute(
                select(journal.c.seq, journal.c.log)
                .where(journal.c.run_id == self._run_id, journal.c.seq > self._behind)
                .order_by(journal.c.seq)
            ).all()
        if rows:
            self._texts += [row.log for row in rows]
            self._behind = rows[-1].seq
        return _parsed(self._texts[log_number_from:])

    def append_logs(self, logs: list[dict[str, Any]]) -> NoReturn:
        """Refuse.

        Raises:
            NassimError: Always.
        """
        raise NassimError(
            f"the studies of run {self._run} can only be looked at here: its driver alone writes them. "
            "Copy a study to a storage of its own (`nassim export --optuna URL`) to change it"
        )


def _parsed(texts: Sequence[str]) -> list[dict[str, Any]]:
    try:
        return [json.loads(text) for text in texts]
    except ValueError as error:
        raise LedgerDamaged(f"the ledger's journal of Optuna's studies is damaged: {error}") from error
