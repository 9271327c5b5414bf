"""A small convolutional space for digits, and what tests of evaluators have in common."""

import pytest
import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from nassim.cost.work import add_up
from nassim.data.source import digits
from nassim.evaluators.schedule import Schedule
from nassim.seeds import derive_seed
from nassim.space import Architecture, SearchSpace

DATA = digits(seed=1)
SCHEDULE = Schedule(epochs=3, batch_size=64, learning_rate=0.05, momentum=0.9, nesterov=True, weight_decay=1e-4)


class Small(SearchSpace):
    """Stem, two chosen blocks, classifier."""

    input_shape = (1, 8, 8)
    classes = 10

    def build(self, choose):
        def conv(kernel):
            return lambda: nn.Sequential(nn.Conv2d(6, 6, kernel, padding=kernel // 2), nn.BatchNorm2d(6), nn.ReLU())

        options = {"conv3": conv(3), "conv1": conv(1), "skip": nn.Identity, "drop": lambda: nn.Dropout(0.3)}
        return nn.Sequential(
            nn.Conv2d(1, 6, 3, stride=2, padding=1, bias=False),
            nn.BatchNorm2d(6),
            choose("first", options),
            choose("second", options),
            nn.Flatten(),
            nn.Linear(96, 10),
        )


def architecture(first, second):
    return Architecture({"first": first, "second": second})


def counted(progresses):
    """Run a job to its end under torch's own counter; return the Progress and the FLOP that torch counted."""
    with FlopCounterMode(display=False) as counter:
        found = list(progresses)
    return found, counter.get_total_flops()


def works(progresses):
    return {work.activity: work for work in add_up(progress.work for progress in progresses)}


def until_raised(progresses, error):
    """Return what a job yields before it raises, and the exception."""
    found = []
    with pytest.raises(error) as caught:
        found.extend(progresses)
    return found, caught.value


def reports(progresses):
    return [(p.step, p.trial, dict(p.metrics)) for p in progresses if p.is_report]


def disturb():
    """Use torch's global random state, as other work in a process does."""
    torch.rand(3)


def seed_of(trial):
    return derive_seed(0, "trial", trial)
