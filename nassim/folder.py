"""RunFolder: where a run leaves its files, and how they are known for its own.

In it are `run.json`, which says whose it is; `checkpoints/SEARCH/trial/17/`, states from which unfinished trainings go
on; `shared-weights/SEARCH/`, states of weights that architectures share; and `models/SEARCH.safetensors`, the model
that the search found, trained and tested (further ones, where it trained several, in `models/SEARCH/`).
"""

import json
import os
import re
import secrets
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path
from typing import Any
from urllib.parse import quote

from nassim.durable import UNFINISHED, write_durably
from nassim.errors import NassimError, StorageFault
from nassim.ledger.records import RunRecord

MARKER = "run.json"
LONGEST = 60
"""Characters of a name that a path shows."""
TRIED_BYTES = 2**20
"""Size of the file by which a folder is tried out: that of a small network's state."""

_PLAIN = re.compile(rf"(?=.{{1,{LONGEST}}}$)[a-z0-9][a-z0-9_-]*(\.[a-z0-9_-]+)*")
_RESERVED = re.compile(r"(con|prn|aux|nul|com\d|lpt\d)(\..*)?")
"""Names that are devices on Windows."""


def encoded(name: str) -> str:
    """Return a name as one part of a path, another for each name, also where a file system ignores case.

    Plain names (small letters, digits, "_", "-" and "." between them) stay as they are. Any other is percent-encoded
    and cut, and a hash of it follows, which no plain name has.
    """
    if _PLAIN.fullmatch(name) and not _RESERVED.fullmatch(name):
        return name
    raw = name.encode("utf-8", "surrogatepass")
    shown = quote(raw, safe="").replace(".", "%2E")[:LONGEST]
    return f"{shown}~{blake2b(raw, digest_size=6).hexdigest()}"


@dataclass(frozen=True, slots=True)
class RunFolder:
    """A run's own folder, on a path that its workers share. Making one touches no disk.

    Attributes:
        path: Where it is.
        run: Name of the run.
        identity: Random text that the ledger and the folder's marker have; None for a run of nassim 0.1.0, whose folder
            has no marker.
    """

    path: Path
    run: str
    identity: str | None

    def checkpoints_of(self, search: str, job: str) -> Path:
        """Return where a job of a search keeps its states."""
        parts = job.removeprefix(f"{search}/").split("/")
        return self._of_search("checkpoints", search).joinpath(*map(encoded, parts))

    def shared_weights_of(self, search: str) -> Path:
        """Return where a search keeps the weights that its architectures share."""
        return self._of_search("shared-weights", search)

    def model_of(self, search: str, job: str) -> Path:
        """Return the file of the model that a final training of a search makes."""
        further = job.removeprefix(f"{search}/final").removeprefix("/")
        parts = (encoded(search), encoded(further)) if further else (encoded(search),)
        return self.path.joinpath("models", *parts[:-1], f"{parts[-1]}.safetensors")

    def check(self) -> None:
        """Find out whether it is this run's, before anything in it is written or removed.

        Raises:
            StorageFault: It is another run's, or can't be seen from here.
        """
        marker = _read(self.path)
        if marker is None and self.identity is not None:
            raise StorageFault(
                f"the folder of run {self.run}, {self.path}, can't be seen from here: there is no {MARKER} in it. "
                "Workers need a folder that they share with the driver, at the same path; set checkpoint.folder to one"
            )
        if marker is not None and marker.get("identity") != self.identity:
            raise self._taken(marker)

    def make(self, *folders: Path) -> None:
        """Make folders in it, which must be there and this run's.

        Raises:
            StorageFault: It is not, or they can't be made.
        """
        self.check()
        try:
            for folder in folders:
                folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise StorageFault(f"{error.filename} can't be made: {error.strerror}") from error

    def try_out(self) -> None:
        """Find out whether it is this run's and files can be written in it.

        Raises:
            NassimError: It is not, or they can't.
        """
        self.check()
        tried = self.path / f"tried.{secrets.token_hex(4)}{UNFINISHED}"
        with _explained(self.path):
            write_durably(tried, bytes(TRIED_BYTES))
            tried.unlink()

    def take_up(self) -> None:
        """Make sure that it is there, this run's, and can be written, for a driver that goes on with the run.

        Raises:
            NassimError: It is not this run's, can't be written, or can't be made where it is gone.
        """
        if self.identity is None or (self.path / MARKER).exists():
            self.check()
        elif self.path.exists() and any(self.path.iterdir()):
            raise self._taken({})
        with _explained(self.path):
            self.path.mkdir(parents=True, exist_ok=True)
            if self.identity is not None and not (self.path / MARKER).exists():
                _mark(self, {})
        self.try_out()

    def clear(self) -> None:
        """Remove what only an unfinished run needs: checkpoints, and files that killed workers left half written."""
        with suppress(NassimError, OSError):
            self.check()
            shutil.rmtree(self.path / "checkpoints", ignore_errors=True)
            for file in self.path.glob(f"models/**/*{UNFINISHED}"):
                file.unlink(missing_ok=True)

    def _of_search(self, kind: str, search: str) -> Path:
        """Return a search's folder. Runs of nassim 0.1.0 go on where that version, which took names as paths, began."""
        top = self.path / kind
        before = Path(os.path.normpath(top / search))
        if self.identity is None and before != top and before.is_relative_to(top):
            return before
        return top / encoded(search)

    def _taken(self, marker: Mapping[str, Any]) -> StorageFault:
        whose = ", ".join(f"{key} {marker[key]}" for key in ("run", "started_at", "ledger") if key in marker)
        return StorageFault(
            f"the folder {self.path} is not that of run {self.run}: its {MARKER} says {whose or 'nothing'}. Nothing in "
            "it was changed. Move it away, or put the run's own folder back"
        )


@contextmanager
def claimed(root: Path, run: str, **about: str) -> Iterator[RunFolder]:
    """Make a folder for a run that begins, another than any there is; it goes again if what follows fails.

    Args:
        root: Where runs have their folders.
        run: Name of the run.
        about: What else its marker says, for people.

    Raises:
        NassimError: It can't be made.
    """
    with _explained(root):
        made = [folder for folder in (root, *root.parents) if not folder.exists()]
    folder = None
    try:
        with _explained(root):
            root.mkdir(parents=True, exist_ok=True)
            folder = RunFolder(_make(root, encoded(run)), run, secrets.token_hex(8))
            _mark(folder, about)
        folder.try_out()
        yield folder
    except BaseException:
        with suppress(OSError):
            if folder:
                (folder.path / MARKER).unlink(missing_ok=True)
                folder.path.rmdir()
            for empty in made:
                empty.rmdir()
        raise


def folder_of(record: RunRecord) -> RunFolder:
    """Return the folder of a run that is on a ledger."""
    root = Path(record.experiment.get("checkpoint", {}).get("folder", "runs"))
    return RunFolder(root / record.about.get("folder", record.name), record.name, record.about.get("identity"))


def _make(root: Path, name: str) -> Path:
    """Make a folder of this name, or with a number after it where another run has that."""
    number = 1
    while True:
        path = root / (name if number == 1 else f"{name}~{number}")
        try:
            path.mkdir()
        except FileExistsError:
            number += 1
        else:
            return path


def _mark(folder: RunFolder, about: Mapping[str, str]) -> None:
    marker = {"run": folder.run, "identity": folder.identity, **about}
    write_durably(folder.path / MARKER, json.dumps(marker, indent=2, ensure_ascii=False).encode())


def _read(folder: Path) -> dict[str, Any] | None:
    """Return what a folder's marker says; None where there is none."""
    try:
        marker = json.loads((folder / MARKER).read_text(encoding="utf-8"))
    except (FileNotFoundError, NotADirectoryError):
        return None
    except (OSError, ValueError):
        return {}
    return marker if isinstance(marker, dict) else {}


@contextmanager
def _explained(folder: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise NassimError(
            f"{folder} can't be written, where runs leave their files: {error.strerror}. Set checkpoint.folder to a "
            "folder that can"
        ) from None
