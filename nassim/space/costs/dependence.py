"""CallSums: what the networks of a space of numbers cost, from some of them.

A number that is chosen changes what every layer after it costs, but each call of a network depends on few choices: a
convolution on its kernel, its width and the width before it. So networks are counted call by call, and those that are
counted are picked so that this shows: around three networks every option by itself; every two decisions that can meet
have met; and each call has been met under every combination of the choices on which it depends. It depends on a choice
if two networks that are alike in all others on which it depends differ in what it costs.

What `build` does with numbers besides giving them to layers is watched (`nassim.space.costs.watching`), and held to the
same: a look has been met under every combination of the choices from which its numbers come. So a layer that is there
for one combination of many widths is found by the comparison that decides on it. All counted networks must fit, among
them some drawn at random. Where too many would be counted there are no sums.
"""

from collections import defaultdict
from collections.abc import Callable, Collection, Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from math import prod

import numpy as np
from numpy.typing import NDArray

from nassim.cost.calls import CallCost, CallSite
from nassim.cost.profile import AMOUNTS
from nassim.errors import NassimError
from nassim.space.architecture import Architecture
from nassim.space.costs.watching import Look
from nassim.space.domain import Domain

Columns = tuple[int, ...]
"""Positions of choices in their domain."""

Codes = NDArray[np.int16]
"""Index of the label at each choice, in rows: see `nassim.space.costs.bulk.Enumeration`."""

Numbers = NDArray[np.int64]

Row = tuple[int, ...]
"""The amounts of a Profile in their order, and the calls of operations that can't be counted."""

NOTHING: Row = (0,) * (len(AMOUNTS) + 1)

STARS = 3
"""Networks around which every option is tried by itself."""

CHECKS = 32
"""Networks drawn at random that must be as the others say."""

MOST_CANDIDATES = 500
"""Networks among which the next to be counted are picked."""

LEAST_SAVED = 4
"""Sums are given up if more than one network in so many would be counted."""

LARGEST = 2**63 - 1


@dataclass(frozen=True, slots=True)
class CallSums:
    """What networks cost: the sum, over sets of choices, of what the calls cost that depend on these.

    Attributes:
        sizes: How many labels each choice has, and one more for where it isn't reached.
        parts: Of each set of choices the numbers of their combinations, in ascending order, and a row of costs each.
    """

    sizes: tuple[int, ...]
    parts: Mapping[Columns, tuple[Numbers, Numbers]]

    def of(self, codes: Codes) -> Numbers:
        """Return what architectures cost, given by their codes; a row each."""
        totals = np.zeros((len(codes), len(AMOUNTS) + 1), np.int64)
        for columns, (numbers, costs) in self.parts.items():
            totals += costs[np.searchsorted(numbers, _numbers(codes, columns, self.sizes))]
        return totals


Found = tuple[Mapping[CallSite, CallCost], Mapping[Look, Hashable]]
"""What each call of a network costs, and what its `build` looks at."""


def learn_sums(domain: Domain, codes: Codes, count: Callable[[Architecture], Found]) -> CallSums | None:
    """Count some of a space's networks and return what all of them cost; None where it isn't told by a few of them.

    Args:
        domain: The space's choices.
        codes: All of its architectures.
        count: Counts a network.
    """
    try:
        return _Learner(domain, codes, count).learn()
    except (NassimError, _TooMany):
        return None  # Whoever counts each network is told which one can't be, and why.


class _TooMany(Exception):  # noqa: N818, no error: counting each network is as good
    """Too many networks would be counted."""


class _Learner:
    """Counts networks, and finds on which choices each call and each look depends."""

    def __init__(self, domain: Domain, codes: Codes, count: Callable[[Architecture], Found]) -> None:
        self._domain = domain
        self._count = count
        self._random = np.random.default_rng(0)
        self._codes = codes
        self._shuffled = codes[self._random.permutation(len(codes))]
        self._sizes = tuple(len(choice.labels) + 1 for choice in domain.choices)
        self._rows = [NOTHING]
        self._known: dict[Hashable, int] = {}
        self._counted: dict[Architecture, dict[CallSite | Look, int]] = {}
        self._depends: dict[CallSite | Look, Columns] = {}
        self._distinct: dict[Columns, tuple[Numbers, Numbers]] = {}

    def learn(self) -> CallSums:
        """See `learn_sums`.

        Raises:
            _TooMany: Too many networks would be counted.
            NassimError: One of them can't be counted.
        """
        self._look(self._stars())
        pairs: list[Columns] = [*combinations(range(len(self._sizes)), 2)]
        checked = False
        while True:
            self._explain()
            missing = self._missing([*pairs, *set(self._depends.values())])
            if not missing and checked:
                return self._sums()
            checked = not missing
            self._look(missing or [self._architecture(codes) for codes in self._shuffled[:CHECKS]])

    def _look(self, architectures: Iterable[Architecture]) -> None:
        """Count networks, unless they have been."""
        for architecture in architectures:
            if architecture not in self._counted:
                if len(self._counted) * LEAST_SAVED >= len(self._codes):
                    raise _TooMany
                calls, looks = self._count(architecture)
                self._counted[architecture] = {
                    **{call: self._intern(cost, _row(cost)) for call, cost in calls.items()},
                    **{look: self._intern(found, NOTHING) for look, found in looks.items()},
                }

    def _intern(self, found: Hashable, row: Row) -> int:
        """Return the index of something among all that was found; 0 stands for calls that a network doesn't make."""
        if found not in self._known:
            self._known[found] = len(self._rows)
            self._rows.append(row)
        return self._known[found]

    def _stars(self) -> Iterator[Architecture]:
        """Yield architectures of which each differs by one decision from one of a few."""
        for codes in self._shuffled[:STARS]:
            base = self._architecture(codes)
            others = {choice.name: str(self._random.choice(choice.labels)) for choice in self._domain.choices}
            for choice in self._domain.choices:
                for label in choice.labels:
                    yield self._walk({**others, **base, choice.name: label})

    def _walk(self, decided: Mapping[str, str]) -> Architecture:
        return self._domain.walk(lambda choice: decided[choice.name])

    def _explain(self) -> None:
        """Have every call depend on what tells its costs apart in all networks that were counted."""
        codes = np.array([self._coded(architecture) for architecture in self._counted], np.int16)
        alike: defaultdict[tuple[Columns, Columns, tuple[int, ...]], list[CallSite | Look]] = defaultdict(list)
        for call in dict.fromkeys(call for costs in self._counted.values() for call in costs):
            places: dict[int, int] = {}
            pattern = tuple(places.setdefault(costs.get(call, 0), len(places)) for costs in self._counted.values())
            surely = self._columns(call.names if isinstance(call, Look) else ())
            guess = surely if isinstance(call, Look) else self._columns(call.label)
            alike[self._depends.get(call, guess), surely, pattern].append(call)
        for (columns, surely, pattern), calls in alike.items():
            found = _explaining(columns, surely, np.array(pattern), codes, self._sizes)
            self._depends.update(dict.fromkeys(calls, found))

    def _columns(self, names: Collection[str]) -> Columns:
        return tuple(place for place, choice in enumerate(self._domain.choices) if choice.name in names)

    def _missing(self, wanted: Sequence[Columns]) -> list[Architecture]:
        """Return architectures to be counted, so that combinations are met that have not been."""
        counted = np.array([self._coded(architecture) for architecture in self._counted], np.int16)
        gaps = []
        for columns in dict.fromkeys(wanted):
            numbers, rows = self._combinations(columns)
            if len(numbers) * LEAST_SAVED > len(self._codes):
                raise _TooMany
            new = ~np.isin(numbers, _numbers(counted, columns, self._sizes))
            if new.any():
                gaps.append((columns, numbers[new], rows[new]))
        if not gaps:
            return []
        candidates = np.unique(np.concatenate([rows for _, _, rows in gaps]))
        candidates = self._random.permutation(candidates)[:MOST_CANDIDATES]
        picked = _cover(self._shuffled[candidates], [gap[:2] for gap in gaps], self._sizes)
        return [self._architecture(self._shuffled[candidates[i]]) for i in picked]

    def _combinations(self, columns: Columns) -> tuple[Numbers, Numbers]:
        """Return the combinations that there are in some columns, and for each a row that has it."""
        if columns not in self._distinct:
            self._distinct[columns] = _distinct(self._shuffled, columns, self._sizes)
        return self._distinct[columns]

    def _sums(self) -> CallSums:
        codes = np.array([self._coded(architecture) for architecture in self._counted], np.int16)
        together: defaultdict[Columns, list[CallSite]] = defaultdict(list)
        for call, columns in self._depends.items():
            if isinstance(call, CallSite):
                together[columns].append(call)
        networks = list(self._counted.values())
        parts, greatest = {}, [0] * (len(AMOUNTS) + 1)
        for columns, calls in together.items():
            numbers, rows = np.unique(_numbers(codes, columns, self._sizes), return_index=True)
            costs = [
                [*map(sum, zip(*(self._rows[networks[row].get(call, 0)] for call in calls), strict=True))]
                for row in rows
            ]
            greatest = [most + max(amounts) for most, amounts in zip(greatest, zip(*costs, strict=True), strict=True)]
            if max(greatest) > LARGEST:
                raise _TooMany
            parts[columns] = numbers, np.array(costs, np.int64)
        return CallSums(self._sizes, parts)

    def _architecture(self, codes: NDArray[np.int16]) -> Architecture:
        pairs = zip(self._domain.choices, codes.tolist(), strict=True)
        return Architecture({choice.name: choice.labels[code] for choice, code in pairs if code >= 0})

    def _coded(self, architecture: Architecture) -> list[int]:
        return [
            choice.labels.index(architecture[choice.name]) if choice.name in architecture else -1
            for choice in self._domain.choices
        ]


def _row(cost: CallCost) -> Row:
    amounts, uncounted = cost
    return *amounts, sum(calls for _, calls in uncounted)


def _numbers(codes: Codes, columns: Columns, sizes: Sequence[int]) -> Numbers:
    """Return one number for the combination of labels that each row has in some columns."""
    if prod(sizes[column] for column in columns) > LARGEST:
        raise _TooMany
    numbers = np.zeros(len(codes), np.int64)
    for column in columns:
        numbers = numbers * sizes[column] + codes[:, column] + 1
    return numbers


def _explaining(columns: Columns, surely: Columns, pattern: Numbers, codes: Codes, sizes: Sequence[int]) -> Columns:
    """Return choices that tell a pattern.

    Args:
        columns: Choices that may do.
        surely: Those of them that are to be kept.
        pattern: A number for each architecture, the same where the same was found.
        codes: The architectures.
        sizes: As in CallSums.
    """
    differs = pattern[:, None] != pattern[None, :]

    def clashes(columns: Columns) -> NDArray[np.bool_]:
        numbers = _numbers(codes, columns, sizes)
        found: NDArray[np.bool_] = differs & (numbers[:, None] == numbers[None, :])
        return found

    while (left := clashes(columns)).any():
        # The two that are most alike: what else differs between them explains it.
        apart = (codes[:, None, :] != codes[None, :, :]).sum(axis=2)
        one, other = divmod(int(np.where(left, apart, len(sizes) + 1).argmin()), len(codes))
        suspects = np.flatnonzero(codes[one] != codes[other]).tolist()
        columns = min((tuple(sorted((*columns, c))) for c in suspects), key=lambda more: clashes(more).sum())
    for column in set(columns) - set(surely):
        fewer = tuple(c for c in columns if c != column)
        if not clashes(fewer).any():
            columns = fewer
    return columns


def _distinct(codes: Codes, columns: Columns, sizes: Sequence[int]) -> tuple[Numbers, Numbers]:
    """See `_Learner._combinations`."""
    numbers = _numbers(codes, columns, sizes)
    most = prod(sizes[column] for column in columns)
    if most > 4 * len(codes):
        return np.unique(numbers, return_index=True)
    rows = np.full(most, -1)
    rows[numbers] = np.arange(len(codes))
    found = np.flatnonzero(rows >= 0)
    return found, rows[found]


def _cover(codes: Codes, gaps: Sequence[tuple[Columns, Numbers]], sizes: Sequence[int]) -> list[int]:
    """Return rows, each picked for the most combinations that the rows before it lack."""
    first = np.cumsum([0, *(len(numbers) for _, numbers in gaps)])
    nothing = int(first[-1])
    filled = np.full((len(codes), len(gaps)), nothing)
    for i, (columns, wanted) in enumerate(gaps):
        numbers = _numbers(codes, columns, sizes)
        places = np.minimum(np.searchsorted(wanted, numbers), len(wanted) - 1)
        filled[:, i] = np.where(wanted[places] == numbers, first[i] + places, nothing)
    lacking = np.arange(nothing + 1) < nothing
    picked: list[int] = []
    while True:
        gains = lacking[filled].sum(axis=1)
        best = int(gains.argmax())
        if not gains[best]:
            return picked
        picked.append(best)
        lacking[filled[best]] = False
