"""Shared weights: one training of a supernet, whose states are kept a file a step."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from nassim.evaluation import StateLost
from nassim.evaluators import checkpoint


@dataclass(frozen=True, slots=True)
class SharedWeights:
    """One training of a supernet, which several searches may use: a Preparation.

    Attributes:
        id: The id of its jobs.
        folder: Where its states are, on a path that workers and the driver share. Nothing else is there.
        seed: Everything random about it derives from this.
    """

    id: str
    folder: Path
    seed: int

    def standing(self, step: int) -> int:
        """Return the last step up to this one whose state is there and sound; 0 without one.

        Raises:
            StorageFault: A state can't be read now.
        """
        return next((each for each in range(step, 0, -1) if self._is_sound(each)), 0)

    def needless(self, step: int) -> Sequence[Path]:
        """Return the files of all steps but the last two: one more is there in case that the last is damaged."""
        return [file for file in self.folder.glob("round-*.pt") if file < self._file(max(1, step - 1))]

    def write(self, step: int, state: Mapping[str, Any]) -> int:
        """Write the state after a step, durably, and return its bytes.

        Raises:
            StorageFault: It can't be written now.
        """
        return checkpoint.write(self._file(step), {**state, **self._whose(step)})

    def read(self, step: int, device: str) -> tuple[dict[str, Any], int]:
        """Return the state after a step, on a device, and its bytes; version 0.1.0's don't say of which step.

        Raises:
            StateLost: It is missing, damaged or another.
            StorageFault: It can't be read now.
        """
        file, wanted = self._file(step), self._whose(step)
        state, size = checkpoint.read(file, device)
        found = {name: state.get(name, value) for name, value in wanted.items()}
        if found != wanted:
            raise StateLost(f"shared weights {file} are of {found}; wanted those of {wanted}")
        return state, size

    def _is_sound(self, step: int) -> bool:
        try:
            self.read(step, "cpu")
        except StateLost:
            return False
        return True

    def _whose(self, step: int) -> dict[str, int]:
        return {"round": step - 1, "seed": self.seed}

    def _file(self, step: int) -> Path:
        return self.folder / f"round-{step - 1:05d}.pt"
