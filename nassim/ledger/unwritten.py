"""Unwritten: a file beside the ledger with the postings that couldn't be written to it."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path

from nassim.durable import sync_folder, write_durably
from nassim.errors import NassimError
from nassim.ledger.postings import TABLES, Posting

_FORMAT = 2
"""1, of nassim 0.1.0, had no checksum."""


@dataclass(frozen=True, slots=True)
class Unwritten:
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


def save(left: Unwritten, folder: Path) -> Path:
    """Write the file: whole, or not at all.

    Raises:
        NassimError: It can't be written there.
    """
    path = path_of(folder, left.run)
    try:
        write_durably(path, "".join(f"{line}\n" for line in _lines(left)).encode("utf-8", "surrogatepass"))
    except OSError as error:
        raise NassimError(
            f"{len(left.postings)} unwritten postings of run {left.run} can't be saved in {folder}: "
            f"{error.strerror}. Free space there, or save them in a folder on another disk"
        ) from None
    return path


def load(folder: Path, run: str) -> Unwritten | None:
    """Return what was saved for a run; None where nothing was.

    Raises:
        NassimError: The file is not one that `save` wrote.
    """
    path = path_of(folder, run)
    try:
        first, *rest = path.read_bytes().decode("utf-8", "surrogatepass").splitlines()
        header = json.loads(first)
        if header["format"] not in (1, _FORMAT) or header["count"] != len(rest):
            raise ValueError("format or count")
        if header["format"] == _FORMAT and header["checksum"] != _checksum(header, rest):
            raise ValueError("checksum")
        postings = tuple(Posting(table, row) for table, row in map(json.loads, rest))
        _check(postings, header["run_id"])
        return Unwritten(header["run"], header["run_id"], header["started_at"], header["session"], postings)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise NassimError(f"{path}, the run's unwritten postings, can't be read: {error.strerror}") from None
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise NassimError(
            f"{path} is not a whole file of unwritten postings, or was changed ({type(error).__name__}: {error}). "
            "Restore it, or move it away to resume without it"
        ) from None


def remove(folder: Path, run: str) -> None:
    """Remove the file of a run, once what it holds is in the ledger."""
    path_of(folder, run).unlink(missing_ok=True)
    sync_folder(folder)


def _lines(left: Unwritten) -> Sequence[str]:
    header = {
        "format": _FORMAT,
        "run": left.run,
        "run_id": left.run_id,
        "started_at": left.started_at,
        "session": left.session,
        "count": len(left.postings),
    }
    lines = [json.dumps(posting) for posting in left.postings]
    return [json.dumps(header | {"checksum": _checksum(header, lines)}), *lines]


def _checksum(header: Mapping[str, object], lines: Sequence[str]) -> str:
    """Return a hash of all that a file says."""
    said = {key: value for key, value in header.items() if key != "checksum"}
    return blake2b("\n".join([json.dumps(said, sort_keys=True), *lines]).encode(), digest_size=16).hexdigest()


def _check(postings: Sequence[Posting], run_id: object) -> None:
    """Look whether all postings are rows of the ledger's tables, of this run, one after the other.

    Raises:
        ValueError: One is not.
    """
    first = postings[0].row["seq"] if postings else 0
    for seq, (table, row) in enumerate(postings, first):
        if table not in TABLES or not {*row} <= {*TABLES[table].columns.keys()}:
            raise ValueError(f"posting {seq} is of no table of the ledger")
        if row["run_id"] != run_id or row["seq"] != seq:
            raise ValueError(f"posting {seq} is of another run, or out of order")
