"""Every architecture of a space at once: as rows of numbers, and what they cost as arrays."""

from collections.abc import Callable, Iterator, Sequence
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from nassim.cost.profile import AMOUNTS, Profile
from nassim.errors import NassimError
from nassim.space.architecture import Architecture
from nassim.space.costs.dependence import LARGEST, CallSums, Found, learn_sums
from nassim.space.costs.skeleton import Amounts, Skeleton
from nassim.space.domain import Choice, Domain

MOST_ARCHITECTURES = 20_000_000
"""Beyond it a space isn't enumerated: its arrays would take gigabytes."""

UNREACHED = -1
"""Stands for the label of a choice that an architecture doesn't reach."""

MOST_ALONE = 100
"""Families to be measured, or networks to be counted, beyond which it is tried to learn what they cost from some."""

PROBES = 8
"""Random architectures on which what was learnt is checked."""


class Counted(Protocol):
    """What tells what single architectures cost: see `nassim.space.costs.table.CostTable`."""

    sums: CallSums | None

    @property
    def structural(self) -> frozenset[str]:
        """The choices on which the rest of the network depends."""

    @property
    def separable(self) -> bool:
        """Whether `build` uses what `choose` returns without looking into it."""

    def profile(self, architecture: Architecture) -> Profile:
        """Return what one costs."""

    def skeleton(self, architecture: Architecture) -> Skeleton | None:
        """Return what its family costs."""

    def look(self, architecture: Architecture) -> Found:
        """Count its network call by call."""


class Enumeration(Sequence[Architecture]):
    """The architectures of a domain in the order of `Domain.enumerate`, each by its index.

    Attributes:
        codes: Index of the label at each choice, or UNREACHED; shape (architectures, choices).

    Raises:
        NassimError: There are too many.
    """

    def __init__(self, domain: Domain) -> None:
        if domain.size > MOST_ARCHITECTURES:
            raise NassimError(
                f"the space has {domain.size:,} architectures, more than the {MOST_ARCHITECTURES:,} that are "
                "enumerated at once; ask for the profiles of those that are needed"
            )
        self._domain = domain
        columns: list[NDArray[np.int16]] = []
        rows = 1
        for choice in domain.choices:
            reached = self._reached(choice, columns, rows)
            repeats = np.where(reached, len(choice.labels), 1)
            ends = np.cumsum(repeats)
            rows = int(ends[-1])
            within = np.arange(rows) - np.repeat(ends - repeats, repeats)
            code = np.where(np.repeat(reached, repeats), within, UNREACHED).astype(np.int16)
            columns = [*(np.repeat(column, repeats) for column in columns), code]
        self.codes = np.stack(columns, axis=1) if columns else np.zeros((1, 0), np.int16)

    def _reached(self, choice: Choice, columns: list[NDArray[np.int16]], rows: int) -> NDArray[np.bool_]:
        places = {earlier.name: i for i, earlier in enumerate(self._domain.choices)}
        reached = np.zeros(rows, np.bool_)
        for condition in choice.when:
            holds = np.ones(rows, np.bool_)
            for name, labels in condition:
                codes = [i for i, label in enumerate(self._domain[name].labels) if label in labels]
                holds &= np.isin(columns[places[name]], codes)
            reached |= holds
        return reached

    def __len__(self) -> int:
        return len(self.codes)

    def __getitem__(self, index: int) -> Architecture:  # type: ignore[override]
        """Return the architecture with this index."""
        pairs = zip(self._domain.choices, self.codes[index].tolist(), strict=True)
        return Architecture({choice.name: choice.labels[code] for choice, code in pairs if code != UNREACHED})

    def index(self, architecture: Architecture, start: int = 0, stop: int | None = None) -> int:
        """Return the index of a canonical architecture.

        Raises:
            ValueError: It isn't of this domain.
        """
        wanted = [
            choice.labels.index(architecture[choice.name]) if choice.name in architecture else UNREACHED
            for choice in self._domain.choices
        ]
        found = np.flatnonzero((self.codes[start:stop] == wanted).all(axis=1))
        if not len(found) or len(architecture) != sum(code != UNREACHED for code in wanted):
            raise ValueError(f"{architecture!r} is not of this domain")
        return start + int(found[0])


def tabulate(domain: Domain, table: Counted, counted: Callable[[], None]) -> dict[str, NDArray[np.int64]]:
    """Return what every architecture costs: see `CostTable.arrays`."""
    every = Enumeration(domain)
    tried = False
    while True:
        structural = table.structural
        families = list(_families(domain, every, structural))
        totals = np.zeros((len(every), len(AMOUNTS) + 1), np.int64)
        alone: list[int] = []
        for rows in families if tried or len(families) <= MOST_ALONE else ():
            found = _family(domain, table, every, rows)
            if table.structural != structural:
                break
            if found is None:
                alone += rows.tolist()
            else:
                totals[rows] = found
                counted()
        if table.structural != structural:
            continue
        if not tried and max(len(families), len(alone)) > MOST_ALONE:
            tried = True
            if sums := _learnt(domain, table, every, counted):
                return _named(sums.of(every.codes))
            continue
        for row in alone:
            totals[row] = _row(table.profile(every[row]))
            counted()
            if table.structural != structural:
                break
        else:
            return _named(totals)


def _named(totals: NDArray[np.int64]) -> dict[str, NDArray[np.int64]]:
    return {name: totals[:, i] for i, name in enumerate((*AMOUNTS, "uncounted_calls"))}


def _learnt(domain: Domain, table: Counted, every: Enumeration, counted: Callable[[], None]) -> CallSums | None:
    """Return what architectures cost as sums over calls, held against counting; None where they are no such sums."""

    def look(architecture: Architecture) -> Found:
        counted()
        return table.look(architecture)

    if table.sums is None and table.separable:
        sums = learn_sums(domain, every.codes, look)
        probes = np.random.default_rng(1).integers(len(every), size=PROBES)
        if sums and sums.of(every.codes[probes]).tolist() == [[*_row(table.profile(every[i]))] for i in probes]:
            table.sums = sums
    return table.sums


def _family(domain: Domain, table: Counted, every: Enumeration, rows: NDArray[np.int64]) -> NDArray[np.int64] | None:
    """Return the costs of one family; None where each of it is to be counted, or it turns out to be several."""
    structural = table.structural
    skeleton = table.skeleton(every[rows[0]]) if len(rows) > 1 else None
    if skeleton is None or table.structural != structural:
        return None
    codes = every.codes[rows]
    stray = _uncovered(domain, table, skeleton, codes)
    if stray is None:
        return _sums(domain, skeleton, codes)
    table.profile(every[rows[stray]])
    return None


def _families(domain: Domain, every: Enumeration, structural: frozenset[str]) -> Iterator[NDArray[np.int64]]:
    """Yield the indices of the architectures that agree on the structural choices."""
    columns = [i for i, choice in enumerate(domain.choices) if choice.name in structural]
    if not columns:
        yield np.arange(len(every))
        return
    _, family = np.unique(every.codes[:, columns], axis=0, return_inverse=True)
    order = np.argsort(family, kind="stable")
    yield from np.split(order, np.flatnonzero(np.diff(family[order])) + 1)


def _uncovered(domain: Domain, table: Counted, skeleton: Skeleton, codes: NDArray[np.int16]) -> int | None:
    """Return a row that takes an option which the skeleton lacks, if there is one."""
    for i, choice in enumerate(domain.choices):
        for code, label in enumerate(choice.labels):
            if choice.name not in table.structural and (choice.name, label) not in skeleton.options:
                found = np.flatnonzero(codes[:, i] == code)
                if len(found):
                    return int(found[0])
    return None


def _sums(domain: Domain, skeleton: Skeleton, codes: NDArray[np.int16]) -> NDArray[np.int64]:
    """Return the costs of architectures of one family, given by their codes."""
    nothing = (0,) * (len(AMOUNTS) + 1)
    fixed = _with_calls(skeleton, skeleton.fixed, frozenset())
    effects = [
        [_with_calls(skeleton, skeleton.options.get((choice.name, label)), frozenset({(choice.name, label)}))
         for label in choice.labels] + [nothing]
        for choice in domain.choices
    ]  # fmt: skip
    nested = {decisions: _with_calls(skeleton, amounts, decisions) for decisions, amounts in skeleton.nested.items()}
    _check([[fixed], *effects, *([amounts] for amounts in nested.values())])
    totals = np.tile(np.array(fixed, np.int64), (len(codes), 1))
    for column, effect in zip(codes.T, effects, strict=True):
        totals += np.array(effect, np.int64)[column]  # UNREACHED takes the last row, which is nothing
    for decisions, amounts in nested.items():
        taken = dict(decisions)
        holds = np.ones(len(codes), np.bool_)
        for i, choice in enumerate(domain.choices):
            if choice.name in taken:
                holds &= codes[:, i] == choice.labels.index(taken[choice.name])
        totals[holds] += np.array(amounts, np.int64)
    return totals


def _with_calls(skeleton: Skeleton, amounts: Amounts | None, decisions: frozenset[tuple[str, str]]) -> Amounts:
    return (*(amounts or (0,) * len(AMOUNTS)), sum(skeleton.uncounted.get(decisions, {}).values()))


def _row(profile: Profile) -> Amounts:
    row = (*(getattr(profile, name) for name in AMOUNTS), sum(calls for _, calls in profile.uncounted))
    _check([[row]])
    return row


def _check(terms: Sequence[Sequence[Amounts]]) -> None:
    """Refuse amounts whose sum, with one of each term's alternatives, can be beyond 64 bits."""
    for i, name in enumerate((*AMOUNTS, "uncounted_calls")):
        greatest = sum(max(amounts[i] for amounts in alternatives) for alternatives in terms)
        if greatest > LARGEST:
            raise NassimError(
                f"{name} of this space's architectures reaches {greatest:,}, beyond the {LARGEST:,} of a 64-bit array; "
                "ask for their profiles one by one"
            )
