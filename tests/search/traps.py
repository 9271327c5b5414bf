"""Small spaces: one of blocks, and one of networks most of which do something bad once they compute."""

import os
import signal
import time
from collections.abc import Callable
from pathlib import Path

import torch
from torch import Tensor, nn

from nassim.space import Choose, SearchSpace

STEPS_PER_EPOCH = 9
"""Of 1,079 digits in minibatches of 128."""


class Trap(nn.Module):
    """Does something in training, from a step on; does nothing while it is counted."""

    def __init__(self, act: Callable[[Tensor], Tensor | None], step: int = 0) -> None:
        super().__init__()
        self._act = act
        self._step = step
        self._steps = 0

    def forward(self, x: Tensor) -> Tensor:
        if x.is_meta or not self.training:
            return x
        self._steps += 1
        done = self._act(x) if self._steps > self._step else None
        return x if done is None else done


def raises(x: Tensor) -> None:
    raise TypeError("this one can't be trained\nand a second line")


def fills_memory(x: Tensor) -> None:
    torch.ones(1 << 50)


def sleeps(x: Tensor) -> None:
    time.sleep(0.06)


def dies(x: Tensor) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


class Blocks(SearchSpace):
    """A stem, three blocks of four options, a classifier: quick to read, to count and to train."""

    input_shape = (1, 8, 8)
    classes = 10

    def build(self, choose: Choose) -> nn.Module:
        options = {
            "conv3": lambda: nn.Conv2d(4, 4, 3, padding=1),
            "conv1": lambda: nn.Conv2d(4, 4, 1),
            "tanh": nn.Tanh,
            "skip": nn.Identity,
        }
        blocks = [choose(f"block{n}", options) for n in range(3)]
        stem = nn.Conv2d(1, 4, 3, stride=2, padding=1), nn.BatchNorm2d(4), nn.ReLU()
        return nn.Sequential(*stem, *blocks, nn.Flatten(), nn.Linear(64, 10))


class Meeting(Blocks):
    """Blocks that are trained once two processes train.

    Args:
        folder: Where each process leaves a file.
    """

    def __init__(self, *, folder: str) -> None:
        self._folder = Path(folder)

    def build(self, choose: Choose) -> nn.Module:
        return nn.Sequential(Trap(self._meet), *super().build(choose))

    def _meet(self, x: Tensor) -> None:
        (self._folder / str(os.getpid())).touch()
        while len(list(self._folder.iterdir())) < 2:
            time.sleep(0.01)


class Traps(SearchSpace):
    """A stem, one choice, a classifier.

    Args:
        options: Names of the options there are; all are named in `build`.
        marker: A file that "dies once" makes before it dies, and that keeps it alive from then on.
    """

    input_shape = (1, 8, 8)
    classes = 10

    def __init__(self, *, options: list[str], marker: str = "") -> None:
        self._options = options
        self._marker = marker

    def build(self, choose: Choose) -> nn.Module:
        every = {
            "fine": nn.ReLU,
            "good": nn.Tanh,
            "best": lambda: nn.Conv2d(4, 4, 3, padding=1),
            "raises": lambda: Trap(raises, STEPS_PER_EPOCH + 3),
            "diverges": lambda: Trap(lambda x: x * float("inf"), STEPS_PER_EPOCH + 3),
            "fills memory": lambda: Trap(fills_memory, STEPS_PER_EPOCH),
            "sleeps": lambda: Trap(sleeps),
            "dies": lambda: Trap(dies, STEPS_PER_EPOCH + 3),
            "dies once": lambda: Trap(self._dies_once, STEPS_PER_EPOCH + 3),
            "dies at once": lambda: Trap(self._dies_once, 2),
            "does not fit": lambda: nn.Conv2d(5, 4, 1),
        }
        return nn.Sequential(
            nn.Conv2d(1, 4, 3, stride=2, padding=1),
            choose("op", {name: every[name] for name in self._options}),
            nn.Flatten(),
            nn.Linear(64, 10),
        )

    def _dies_once(self, x: Tensor) -> None:
        marker = Path(self._marker)
        if not marker.exists():
            marker.touch()
            # What it has reported is on its way; a worker that dies with it unsent has not reported it.
            time.sleep(1.0)
            os.kill(os.getpid(), signal.SIGKILL)
