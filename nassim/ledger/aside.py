"""Aside: a file beside the ledger with the postings that couldn't be written to it."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from nassim.durable import sync_folder, write_durably
from nassim.errors import NassimError
from nassim.ledger.postings import TABLES, Posting

_FORMAT = 1


@dataclass(frozen=True, slots=True)
class Aside:
    """Postings of one driver that are not, or may not be, in the ledger.

    Attributes:
        run: Name of the run.
        run_id: Its number in the ledger.
        started_at: When the run was started, which tells it from one of the same name in another ledger.
        session: Which of the run's drivers saved it.
        postings: What was unwritten, in the order of their numbers.
    """

    run: str
    run_id: int
    started_at: str
    session: int
    postings: tuple[Posting, ...]


def path_of(folder: Path, run: str) -> Path:
    """Return where the unwritten postings of a run lie."""
    return folder / f"{run}.unwritten.jsonl"


def save(aside: Aside, folder: Path) -> Path:
    """Write the file: whole, or not at all.

    Raises:
        NassimError: It can't be written there.
    """
    path = path_of(folder, aside.run)
    try:
        write_durably(path, "".join(f"{line}\n" for line in _lines(aside)).encode())
    except OSError as error:
        raise NassimError(
            f"{len(aside.postings)} unwritten postings of run {aside.run} can't be saved in {folder}: "
            f"{error.strerror}. Free space there, or save them in a folder on another disk"
        ) from None
    return path


def load(folder: Path, run: str) -> Aside | None:
    """Return what was saved for a run; None where nothing was.

    Raises:
        NassimError: The file is not one that `save` wrote.
    """
    path = path_of(folder, run)
    try:
        header, *rows = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
        if header["format"] != _FORMAT or header["count"] != len(rows):
            raise ValueError("format or count")
        postings = tuple(Posting(table, row) for table, row in rows)
        if not all(posting.table in TABLES for posting in postings):
            raise ValueError("table")
        return Aside(header["run"], header["run_id"], header["started_at"], header["session"], postings)
    except FileNotFoundError:
        return None
    except (ValueError, KeyError, TypeError):
        raise NassimError(
            f"{path} is not a whole file of unwritten postings. Restore it, or move it away to resume without it"
        ) from None


def remove(folder: Path, run: str) -> None:
    """Remove the file of a run, once what it holds is in the ledger."""
    path_of(folder, run).unlink(missing_ok=True)
    sync_folder(folder)


def _lines(aside: Aside) -> Sequence[str]:
    header = {
        "format": _FORMAT,
        "run": aside.run,
        "run_id": aside.run_id,
        "started_at": aside.started_at,
        "session": aside.session,
        "count": len(aside.postings),
    }
    return [json.dumps(header), *(json.dumps(posting) for posting in aside.postings)]
