"""Training and examining a network: minibatches, seeds, and the Work of each step.

A result depends on its seeds and the schedule alone, not on what ran before in the process or on which worker it is. On
the CPU two trainings with equal seeds and equally many threads are equal bit for bit; on a GPU they are as far as
torch's kernels for it are deterministic.
"""

import math
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn

from nassim.cost.work import Work
from nassim.data.source import Split
from nassim.evaluation import Diverged, Progress
from nassim.evaluators.measuring import Measurement, loss_of
from nassim.evaluators.schedule import Schedule
from nassim.evaluators.task import CLASSIFICATION, Task
from nassim.seeds import derive_seed

CHECK_EVERY = 32
"""Steps between looks at the losses: on a GPU each look waits for the device."""

EXAMINED_AT_ONCE = 512
"""Inputs of one forward pass outside training."""

Forward = Callable[[int, Tensor], Tensor]
"""Returns the logits of a minibatch, given its number within the epoch and its inputs."""


def best_device() -> str:
    """Return "cuda" where this process holds a GPU, else "cpu"."""
    return "cuda" if torch.cuda.is_available() else "cpu"


@contextmanager
def seeded(seed: int, device: str) -> Iterator[None]:
    """Seed torch's global random state for a while; afterwards it is as it was."""
    with torch.random.fork_rng(devices=[torch.device(device)] if device.startswith("cuda") else []):
        torch.manual_seed(seed)
        yield


class Trainer:
    """A network, its optimiser and how far they are.

    Everything random in an epoch derives from the seed and the epoch's number, so that a state read back needs no
    random state with it.

    Attributes:
        model: The network in training.
        loss: Mean loss of the last epoch, as it was while training.
    """

    def __init__(
        self, model: nn.Module, schedule: Schedule, split: Split, seed: int, task: Task = CLASSIFICATION
    ) -> None:
        self.model = model
        self.loss = math.nan
        self._schedule = schedule
        self._split = split
        self._seed = seed
        self._task = task
        self._device = str(split.x.device)
        self._optimizer = make_optimizer(model, schedule)

    def epoch(self, epoch: int, forward: Forward | None = None) -> Iterator[int]:
        """Train one epoch; yields the number of inputs of each step when it is done.

        To be run to its end without other work in between, which would disturb its random state.

        Args:
            epoch: Its number, from 0.
            forward: How a minibatch is run; by the network as a whole unless given.

        Raises:
            Diverged: A loss is not finite. Steps after that one may have been done.
        """
        forward = forward or (lambda _, x: self.model(x))
        sizes = self._schedule.minibatches(len(self._split))
        generator = torch.Generator().manual_seed(derive_seed(self._seed, "order", epoch))
        order = torch.randperm(len(self._split), generator=generator).to(self._device)
        losses: list[Tensor] = []
        self.model.train()
        with seeded(derive_seed(self._seed, "epoch", epoch), self._device):
            for step, indices in enumerate(torch.split(order, sizes)):
                rate = self._schedule.learning_rate_at(epoch * len(sizes) + step, len(sizes))
                losses.append(self._step(indices, rate, partial(forward, step)))
                yield len(indices)
                if step % CHECK_EVERY == CHECK_EVERY - 1:
                    _check(losses, epoch, step + 1 - CHECK_EVERY)
            values = _check(losses, epoch, 0)
        self.loss = sum(value * size for value, size in zip(values, sizes, strict=True)) / len(self._split)

    def try_step(self, size: int, forward: Callable[[Tensor], Tensor] | None = None) -> int:
        """Train on the first inputs as one minibatch, whatever comes of it, and return how many there were.

        Args:
            size: How many to take.
            forward: How they are run; by the network as a whole unless given.
        """
        self.model.train()
        indices = torch.arange(size, device=self._device)
        with seeded(0, self._device):
            self._step(indices, self._schedule.learning_rate, forward or self.model)
        return size

    def _step(self, indices: Tensor, learning_rate: float, forward: Callable[[Tensor], Tensor]) -> Tensor:
        for group in self._optimizer.param_groups:
            group["lr"] = learning_rate
        loss = loss_of(self._task, forward(self._split.x[indices]), self._split.y[indices])
        self._optimizer.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        if self._schedule.clip_norm is not None:
            nn.utils.clip_grad_norm_(self.model.parameters(), self._schedule.clip_norm)
        self._optimizer.step()
        return loss.detach()

    def state(self) -> dict[str, Any]:
        """Return weights and the optimiser's state: tensors and plain values alone."""
        return {"model": self.model.state_dict(), "optimizer": self._optimizer.state_dict()}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Take up a state that `state` returned.

        Raises:
            RuntimeError, ValueError: It is of another network or optimiser.
        """
        self.model.load_state_dict(state["model"])
        self._optimizer.load_state_dict(state["optimizer"])


class Examination:
    """One pass of a network over a split, without learning.

    Attributes:
        figures: The task's metrics and `loss`, by name; empty until the pass is over.
    """

    def __init__(self, model: nn.Module, split: Split, task: Task = CLASSIFICATION) -> None:
        self.figures: dict[str, float] = {}
        self._model = model
        self._split = split
        self._task = task

    @torch.no_grad()
    def steps(self) -> Iterator[int]:
        """Make the pass; yields the number of inputs of each forward pass when it is done.

        Raises:
            Diverged: The loss is not finite.
        """
        self._model.eval()
        measurement = Measurement(self._task)
        for x, y in self._split.chunks(EXAMINED_AT_ONCE):
            measurement.add(self._model(x), y)
            yield len(y)
        figures = measurement.figures()
        if not math.isfinite(figures["loss"]):
            raise Diverged(f"loss is {figures['loss']} outside training")
        self.figures = figures


def make_optimizer(model: nn.Module, schedule: Schedule) -> torch.optim.Optimizer:
    """Return the schedule's optimiser, with torch's fused kernels: one call a step for all parameters."""
    rate, decay = schedule.learning_rate, schedule.weight_decay
    match schedule.optimizer:
        case "sgd":
            momentum, nesterov = schedule.momentum, schedule.nesterov
            sgd = torch.optim.SGD(model.parameters(), rate, momentum, 0.0, decay, nesterov, fused=True)
            if momentum:
                # The fused kernel can't begin with momenta of some parameters alone, as shared weights would have it.
                # From zero, the first momentum is the gradient: what SGD begins with.
                sgd.state.update({p: {"momentum_buffer": torch.zeros_like(p)} for p in model.parameters()})
            return sgd
        case "adam":
            return torch.optim.Adam(model.parameters(), rate, weight_decay=decay, fused=True)
        case "adamw":
            return torch.optim.AdamW(model.parameters(), rate, weight_decay=decay, fused=True)


def perform(
    steps: Iterator[int], planned: Work, report: Callable[[], Mapping[str, Any]] | None = None
) -> Iterator[Progress]:
    """Run steps to their end and yield their Work as one Progress; when they raise, that of the steps done.

    Args:
        steps: Yields the number of inputs of each step when it is done.
        planned: Work of at least these steps, every input the same.
        report: Returns the other fields of the Progress, once all steps are done.
    """
    samples = 0
    try:
        for size in steps:
            samples += size
    except BaseException:
        yield Progress(planned.part(samples))
        raise
    yield Progress(planned.part(samples), **(report() if report else {}))


def _check(losses: list[Tensor], epoch: int, first: int) -> list[float]:
    """Return the losses from a step on, all finite."""
    values: list[float] = torch.stack(losses[first:]).tolist()
    for step, value in enumerate(values, start=first):
        if not math.isfinite(value):
            raise Diverged(f"loss is {value} at epoch {epoch + 1}, step {step + 1}")
    return values
