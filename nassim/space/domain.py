"""Domain: the choices of a search space, and when each is reached. Knows nothing of networks."""

import json
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from nassim.errors import NassimError
from nassim.space.architecture import Architecture

Condition = tuple[tuple[str, frozenset[str]], ...]
"""A conjunction: for each named earlier choice, the labels that fulfil it. An empty one always holds."""

ALWAYS: tuple[Condition, ...] = ((),)


@dataclass(frozen=True, slots=True)
class Choice:
    """One question that a search space asks.

    Attributes:
        name: Unique in the space.
        labels: The options.
        when: It is reached when one of these conditions on earlier choices holds.
    """

    name: str
    labels: tuple[str, ...]
    when: tuple[Condition, ...] = ALWAYS

    def reached(self, decided: Mapping[str, str]) -> bool:
        """Say whether this choice is asked after these decisions."""
        if self.when is ALWAYS:
            return True
        return any(all(decided.get(name) in labels for name, labels in condition) for condition in self.when)

    @property
    def needs(self) -> frozenset[str]:
        """Names of the choices that decide whether this one is reached."""
        return frozenset(name for condition in self.when for name, _ in condition)


@dataclass(frozen=True, slots=True)
class Domain:
    """The choices of a search space in an order in which they can be asked.

    Attributes:
        choices: Each after the choices that its conditions name.
    """

    choices: tuple[Choice, ...]
    _by_name: Mapping[str, Choice] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_by_name", {choice.name: choice for choice in self.choices})

    def __getitem__(self, name: str) -> Choice:
        return self._by_name[name]

    def __contains__(self, name: object) -> bool:
        return name in self._by_name

    def walk(self, pick: Callable[[Choice], str]) -> Architecture:
        """Return the architecture that `pick` decides, asked for the choices that are reached and no others.

        Raises:
            NassimError: `pick` returns something that is not a label of the choice.
        """
        decided: dict[str, str] = {}
        for choice in self.choices:
            if choice.reached(decided):
                label = pick(choice)
                if label not in choice.labels:
                    raise NassimError(
                        f"choice {choice.name!r} has no option {label!r}; its options are {', '.join(choice.labels)}"
                    )
                decided[choice.name] = label
        return Architecture(decided)

    def covering(self, most: int = 8) -> list[Architecture]:
        """Return architectures that together take every option of choices with at most `most` of them.

        Options of choices that only some of the others reach may be missing.
        """
        count = min(most, max((len(choice.labels) for choice in self.choices), default=1))
        place = {choice.name: number for number, choice in enumerate(self.choices)}

        def shifted(shift: int) -> Architecture:
            return self.walk(lambda choice: choice.labels[(place[choice.name] + shift) % len(choice.labels)])

        return list(dict.fromkeys(shifted(shift) for shift in range(count)))

    def canonical(self, labels: Mapping[str, str]) -> Architecture:
        """Return the architecture of these decisions, without those on choices that it doesn't reach.

        Raises:
            NassimError: A name or a label that the space doesn't have, or a choice that is reached and undecided.
        """
        for name, label in labels.items():
            if name not in self._by_name:
                raise NassimError(f"there is no choice {name!r}; the choices are {', '.join(self._by_name)}")
            if label not in self._by_name[name].labels:
                raise NassimError(
                    f"choice {name!r} has no option {label!r}; its options are {', '.join(self._by_name[name].labels)}"
                )

        def pick(choice: Choice) -> str:
            if choice.name not in labels:
                raise NassimError(
                    f"choice {choice.name!r} is reached and not decided in {json.dumps(dict(labels))}; its options are "
                    f"{', '.join(choice.labels)}"
                )
            return labels[choice.name]

        return self.walk(pick)

    @property
    def size(self) -> int:
        """Number of distinct canonical architectures: exact, also with conditions."""
        counts: Counter[tuple[tuple[str, str], ...]] = Counter({(): 1})
        for choice, remembered in zip(self.choices, self._remembered(), strict=True):
            after: Counter[tuple[tuple[str, str], ...]] = Counter()
            for state, count in counts.items():
                for decided in _branches(choice, dict(state)):
                    after[tuple((name, label) for name, label in decided.items() if name in remembered)] += count
            counts = after
        return counts.total()

    def _remembered(self) -> Sequence[frozenset[str]]:
        """Return, after each choice, the names on which later choices still depend."""
        later: frozenset[str] = frozenset()
        remembered = []
        for choice in reversed(self.choices):
            remembered.append(later)
            later |= choice.needs
        return remembered[::-1]

    def enumerate(self) -> Iterator[Architecture]:
        """Yield every canonical architecture once; the last choice varies fastest."""
        yield from self._enumerate(0, {})

    def _enumerate(self, position: int, decided: dict[str, str]) -> Iterator[Architecture]:
        if position == len(self.choices):
            yield Architecture(decided)
            return
        for branch in _branches(self.choices[position], decided):
            yield from self._enumerate(position + 1, branch)


def _branches(choice: Choice, decided: dict[str, str]) -> Iterator[dict[str, str]]:
    """Yield the decisions that can follow: one for each label, or none further where the choice isn't reached."""
    if not choice.reached(decided):
        yield decided
        return
    for label in choice.labels:
        yield {**decided, choice.name: label}
