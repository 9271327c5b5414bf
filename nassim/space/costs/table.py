"""CostTable: what every architecture of a space costs, by look-up.

A space's network is measured with all of its options at once (`nassim.space.costs.swapping`), which shows that what
they cost adds up; choices on which the rest of the network depends (numbers, options that change a shape) are found on
the way, and there is a measurement for each combination of them that is met. What can't be told apart is counted for
each architecture, so that every figure is that of `nassim.cost.counting.count`.
"""

from collections import defaultdict
from collections.abc import Callable, Mapping
from functools import partial

import numpy as np
import torch
from numpy.typing import NDArray

from nassim.cost.calls import count_calls
from nassim.cost.counting import count
from nassim.cost.profile import Profile
from nassim.errors import NassimError
from nassim.space.architecture import Architecture
from nassim.space.costs.bulk import tabulate
from nassim.space.costs.dependence import CallSums, Found
from nassim.space.costs.skeleton import InseparableError, Networks, Skeleton, read_skeleton
from nassim.space.costs.swapping import ClashError
from nassim.space.costs.watching import watch
from nassim.space.domain import Choice

Family = tuple[tuple[str, str], ...]
"""The labels of the choices on which the rest of the network depends. Architectures of one family share a skeleton."""


class CostTable:
    """What the architectures of one space cost. Filled as they are asked for, and the same in any order.

    The first architecture of a family is counted. With the second, the family's options are measured, and checked: the
    first family's on architectures that take every option, all families' on what was counted. If a check fails, `build`
    looks into what `choose` returns, and every architecture is counted. So a search never pays much more than the
    counting of each of its architectures, and for options that can be swapped no more than that of the first few.

    Attributes:
        sums: What all architectures cost, where that was learnt from some of them for their arrays.
    """

    def __init__(self, space: Networks) -> None:
        self.sums: CallSums | None = None
        self._space = space
        self._structural: frozenset[str] = frozenset()
        self._separable = True
        self._checked = False
        self._skeletons: dict[Family, Skeleton] = {}
        self._counted: dict[Architecture, Profile] = {}
        self._members: defaultdict[Family, list[Architecture]] = defaultdict(list)

    def profile(self, architecture: Mapping[str, str]) -> Profile:
        """Return what the network of an architecture costs for one input.

        Raises:
            NassimError: As `SearchSpace.canonical`, `SearchSpace.subnet` and `nassim.cost.counting.count`.
        """
        canonical = self._space.canonical(architecture)
        skeleton = self._skeletons.get(self._family(canonical))
        if skeleton is None or not skeleton.covers(canonical, self._structural):
            if canonical in self._counted:
                return self._counted[canonical]
            skeleton = self._measure(canonical)
        return skeleton.profile(canonical) if skeleton else self._count(canonical)

    def arrays(self, counted: Callable[[], None] = lambda: None) -> dict[str, NDArray[np.int64]]:
        """Return what every architecture of the space costs, in the order of `SearchSpace.enumerate`.

        Args:
            counted: Called each time that a network has been counted, for whoever waits.

        Returns:
            The whole numbers of a Profile by name (`nassim.cost.profile.AMOUNTS`), and `uncounted_calls`, the calls of
            operations that can't be counted; each of shape (size,).

        Raises:
            NassimError: The space has too many architectures, a sum is beyond 64 bits, or as `profile`.
        """
        return tabulate(self._space.domain, self, counted)

    def look(self, architecture: Architecture) -> Found:
        """Count the network of an architecture call by call, and see what its `build` looks at.

        Raises:
            NassimError: As `profile`, or its `build` can't be watched.
        """
        with torch.random.fork_rng(devices=[]):
            with torch.device("meta"):
                network, watched = self._space.subnet(architecture), watch(self._space.build, architecture)
            return count_calls(network, self._space.input_shape, watched.names), watched.looks

    @property
    def structural(self) -> frozenset[str]:
        """The choices, found so far, on which the rest of the network depends."""
        return self._structural

    @property
    def separable(self) -> bool:
        """Whether, as far as is known, `build` uses what `choose` returns without looking into it."""
        return self._separable

    def skeleton(self, architecture: Architecture) -> Skeleton | None:
        """Return what a canonical architecture's family costs; None where each of its architectures is to be counted.

        Raises:
            NassimError: As `profile`.
        """
        self.profile(architecture)
        skeleton = self._skeletons.get(self._family(architecture)) or self._measure(architecture)
        return skeleton if skeleton and skeleton.covers(architecture, self._structural) else None

    def _family(self, architecture: Architecture) -> Family:
        structural = self._structural
        return tuple(item for item in architecture.items() if item[0] in structural) if structural else ()

    def _count(self, architecture: Architecture) -> Profile:
        """Count an architecture, once."""
        if architecture not in self._counted:
            with torch.random.fork_rng(devices=[]):
                with torch.device("meta"):
                    network = self._space.subnet(architecture)
                self._counted[architecture] = count(network, self._space.input_shape)
            self._members[self._family(architecture)].append(architecture)
        return self._counted[architecture]

    def _measure(self, architecture: Architecture) -> Skeleton | None:
        """Return the skeleton of an architecture's family, read and checked; None where there is none (yet)."""
        while self._separable:
            family = self._family(architecture)
            counted = list(self._members[family])
            if not counted or len(family) == len(architecture):
                return None
            try:
                skeleton = read_skeleton(self._space, architecture, self._structural)
            except ClashError as clash:
                self._split(clash.choice)
                continue
            except InseparableError:
                self._separable = False
                return None
            probes = counted if self._checked else [*counted, *self._probes(architecture)]
            covered = [probe for probe in probes if skeleton.covers(probe, self._structural)]
            if all(self._agrees(skeleton, probe) for probe in covered):
                self._checked = True
                self._skeletons[family] = skeleton
                return skeleton
            self._separable = False
            self._skeletons.clear()
        return None

    def _agrees(self, skeleton: Skeleton, probe: Architecture) -> bool:
        try:
            return skeleton.profile(probe) == self._count(probe)
        except NassimError:
            return False  # Its network can't be run, which those who ask for it are to hear, and nobody else.

    def _split(self, choice: str) -> None:
        """Make families smaller: those that differ in one more choice are told apart."""
        self._structural |= {choice}
        self._skeletons.clear()
        self._members.clear()
        for architecture in self._counted:
            self._members[self._family(architecture)].append(architecture)

    def _probes(self, architecture: Architecture) -> list[Architecture]:
        """Return architectures of the same family that together take every option at every choice."""
        place = {choice.name: i for i, choice in enumerate(self._space.domain.choices)}
        most = max(len(choice.labels) for choice in self._space.domain.choices)

        def pick(choice: Choice, shift: int) -> str:
            if choice.name in self._structural and choice.name in architecture:
                return architecture[choice.name]
            return choice.labels[(place[choice.name] + shift) % len(choice.labels)]

        probes = [self._space.domain.walk(partial(pick, shift=shift)) for shift in range(most)]
        return [probe for probe in probes if self._family(probe) == self._family(architecture)]
