"""Swapping: every option of a choice of modules is measured where it stands, in one training step of one network.

The network is built once with all options. Where a chosen module would run, a `Swap` runs each option by itself on a
tensor like the one that arrives, and passes on a tensor like those that they return; so it does with the gradient on
the way back. If the options return alike (shape, strides, type, and whether a gradient flows), then, operation by
operation, the rest of the network meets the same tensors whichever options are taken: what they cost adds up. That is
shown for all architectures at once, and not sampled, as long as `build` uses what `choose` returns without looking into
it, which supernets ask for as well.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from nassim.cost.dispatch import OperationCounter
from nassim.space.choosing import Options, check_asked_again, read_options, realise

Place = tuple[tuple[str, str], ...]
"""Where an operation stands: the decisions, from the outside in, under which it runs. Empty: in every network."""

ASIDE = "aside"
"""Scope of operations that no network has."""


class ClashError(Exception):
    """The options of a choice can't be swapped for one another: the rest of the network depends on it."""

    def __init__(self, choice: str) -> None:
        super().__init__(choice)
        self.choice = choice


class ElsewhereError(Exception):
    """An option asks a choice on which the network depends and which this architecture doesn't reach."""


class SwapReader:
    """A `choose` that fixes what the network depends on, and takes every option of the other choices.

    Args:
        architecture: One architecture that the network is to cover.
        structural: Choices to be fixed to that architecture's labels.
    """

    def __init__(self, architecture: Mapping[str, str], structural: frozenset[str]) -> None:
        self._architecture = architecture
        self._structural = structural
        self._asked: dict[str, tuple[str, ...]] = {}
        self._within: dict[str, str] = {}

    def __call__(self, name: str, options: Options) -> Any:
        """Answer `build`: see `Choose`."""
        table = read_options(name, options)
        labels = tuple(table)
        check_asked_again(name, self._asked.setdefault(name, labels), labels)
        if name in self._within:
            return realise(name, self._within[name], table[self._within[name]])
        if name in self._structural or not callable(table[labels[0]]):
            if name not in self._architecture:
                raise ElsewhereError(name)
            if name not in self._structural:
                raise ClashError(name)
            return realise(name, self._architecture[name], table[self._architecture[name]])
        modules = dict(self._realise_all(name, table))
        if not modules:
            raise ElsewhereError(name)
        return Swap(name, modules)

    def _realise_all(self, name: str, table: Mapping[str, Any]) -> Iterator[tuple[str, nn.Module]]:
        """Yield the options that the architecture's own structure allows, under their labels."""
        for label, option in table.items():
            self._within[name] = label
            try:
                yield label, realise(name, label, option)
            except ElsewhereError:
                if self._architecture.get(name) == label:
                    raise
            finally:
                del self._within[name]


class Swap(nn.Module):
    """Stands where `build` chose a module: measures every option, and passes on what all of them return.

    Attributes:
        choice: Name of the choice.
        options: The modules.
        labels: Their labels, in the same order.
        counter: Counts the options under their `Place` while the network runs; to be set before.
    """

    counter: OperationCounter

    def __init__(self, choice: str, options: Mapping[str, nn.Module]) -> None:
        super().__init__()
        self.choice = choice
        self.labels = tuple(options)
        self.options = nn.ModuleList(options.values())

    def forward(self, *args: Any, **kwargs: Any) -> Tensor:
        """Measure the options' forward passes, and make the result measure their backward passes."""
        if kwargs or len(args) != 1 or not isinstance(args[0], Tensor):
            raise ClashError(self.choice)
        (x,) = args
        outer = self.counter.scope
        if not isinstance(outer, tuple):
            raise ClashError(self.choice)
        trials = [
            self._try(option, x, (*outer, (self.choice, label)))
            for label, option in zip(self.labels, self.options, strict=True)
        ]
        form = _form(trials[0].output)
        if any(_form(trial.output) != form for trial in trials):
            raise ClashError(self.choice)
        with _scope(self.counter, ASIDE):
            if not trials[0].output.requires_grad:
                return _like(trials[0].output)
            anchor = torch.empty((), device="meta", requires_grad=True)
            result: Tensor = _StandIn.apply(x, anchor, self, trials)  # type: ignore[no-untyped-call]
        return result

    def _try(self, option: nn.Module, x: Tensor, place: Place) -> "_Trial":
        with _scope(self.counter, ASIDE):
            leaf = _like(x).requires_grad_(x.requires_grad)
            # An operation in place may not write to a leaf; its copy passes gradients on for nothing.
            copy = leaf.clone() if x.requires_grad else leaf
        if copy.stride() != x.stride():
            raise ClashError(self.choice)
        with _scope(self.counter, place):
            try:
                output = option(copy)
            except (ClashError, ElsewhereError):
                raise
            except Exception as error:
                raise ClashError(self.choice) from error
        if not isinstance(output, Tensor):
            raise ClashError(self.choice)
        weights = [weight for weight in option.parameters() if weight.requires_grad]
        return _Trial(place, leaf, weights, output)

    def back(self, trials: list["_Trial"], gradient: Tensor) -> Tensor | None:
        """Measure the options' backward passes, and return a gradient like those that all of them pass on."""
        found = []
        for trial in trials:
            with _scope(self.counter, trial.place):
                inputs = [*([trial.leaf] if trial.leaf.requires_grad else []), *trial.weights]
                gradients = torch.autograd.grad(trial.output, inputs, _like(gradient), allow_unused=True)
            found.append(gradients[0] if trial.leaf.requires_grad else None)
        if any(_form(other) != _form(found[0]) for other in found):
            raise ClashError(self.choice)
        return None if found[0] is None else _like(found[0])


@dataclass(frozen=True, slots=True)
class _Trial:
    """One option's run: what went in, what learns, what came out."""

    place: Place
    leaf: Tensor
    weights: Sequence[Tensor]
    output: Tensor


class _StandIn(torch.autograd.Function):
    """Makes a tensor like the options' outputs, and on the way back a gradient like theirs."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, anchor: Tensor, swap: Swap, trials: list[_Trial]) -> Tensor:
        ctx.swap, ctx.trials = swap, trials
        return _like(trials[0].output)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> Any:
        return ctx.swap.back(ctx.trials, gradients[0]), None, None, None


@contextmanager
def _scope(counter: OperationCounter, scope: object) -> Iterator[None]:
    outer, counter.scope = counter.scope, scope
    try:
        yield
    finally:
        counter.scope = outer


def _like(tensor: Tensor) -> Tensor:
    return torch.empty_strided(tensor.shape, tensor.stride(), dtype=tensor.dtype, device="meta")


def _form(tensor: Tensor | None) -> Any:
    return None if tensor is None else (tensor.shape, tensor.stride(), tensor.dtype, tensor.requires_grad)
