"""Checkpoints: the files from which unfinished trainings can go on, kept for as long as somebody may need them."""

import shutil
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

from nassim.errors import StorageFault
from nassim.evaluation import Job
from nassim.folder import RunFolder


class Checkpoints:
    """Where trainings leave their states, and when these may go.

    A state may go once the ledger holds, durably, that a later one of its job is there or that the job is over. Until
    then a driver that takes over may be sent back to it by what the ledger says. So what is obsolete is named when it
    is posted and removed after the commit.

    Args:
        folder: The run's folder.
        every: Epochs between checkpoints of a training; 0 for none.
    """

    def __init__(self, folder: RunFolder, every: int = 1) -> None:
        self.every = every
        self._folder = folder
        self._latest: dict[str, int] = {}
        self._obsolete: list[Path] = []

    def folder_of(self, job: Job) -> str:
        """Return where a job keeps its states."""
        return str(self._folder.checkpoints_of(job.search, job.id))

    def written(self, job: Job, step: int) -> None:
        """A job's state after a step is there, and posted."""
        before = self._latest.get(job.id, job.first)
        if before:
            self._obsolete.append(job.checkpoint_file(before))
        self._latest[job.id] = step

    def gone(self, job: Job) -> None:
        """What a job was to go on from is gone."""
        self._latest.pop(job.id, None)

    def over(self, job: Job) -> None:
        """A job is over, and posted as such."""
        if self._latest.pop(job.id, job.first) and job.checkpoint is not None:
            self._obsolete.append(Path(job.checkpoint))

    def needless(self, files: Iterable[Path]) -> None:
        """Files that nobody needs any more once all that is posted is committed."""
        self._obsolete.extend(files)

    def sweep(self) -> None:
        """Remove what is obsolete, as far as that can be done. To be called when all that is posted is committed.

        While another run's folder stands where the run's own was, or none, nothing is removed.
        """
        if not self._obsolete:
            return
        try:
            self._folder.check()
        except StorageFault:
            return
        for path in self._obsolete:
            if path.is_dir():
                shutil.rmtree(path, ignore_errors=True)
            else:
                with suppress(OSError):
                    path.unlink(missing_ok=True)
        self._obsolete.clear()
