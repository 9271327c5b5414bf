"""Reads a space's domain from its `build`: which choices there are, and under which conditions each is reached.

`build` is any Python, so its conditions are learnt from runs of it on the meta device, which cost no memory: a first
run takes the first option everywhere, then further runs decide so that every pair of decisions is met. A choice is
taken to be always reached until a run doesn't ask it. Then the decisions of a run that asks it are changed one by one
into those of the run that doesn't, by bisection, and the decision at which it disappears joins the choice's condition.
"""

import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice

from nassim.errors import NassimError
from nassim.space.choosing import PlainReader, check_asked_again
from nassim.space.domain import ALWAYS, Choice, Condition, Domain

MAX_RUNS = 5000
"""Runs of `build` after which its conditions count as unreadable."""

MOST_PAIRS = 500_000
"""Pairs of decisions that are kept in mind."""

MOST_NEEDED = 64
"""Choices that the condition of one choice names; reading takes the fourth power of them."""

QUIET_RUNS = 16
"""Random runs that must agree with what was read, before reading ends, where every choice is always reached."""

QUIET_RUNS_WITH_CONDITIONS = 64
"""The same, where some choices have conditions."""

DETERMINISTIC = "it must not depend on chance or on what earlier runs left behind"

NOTHING = ("", "")
"""Paired with a decision, it stands for the decision alone."""

Decision = tuple[str, str]
"""A choice's name and a label."""

Pair = tuple[Decision, Decision]
"""Two decisions, the smaller name first."""

Run = Mapping[str, str]
"""The decisions of one run of `build`: choice name to label, in the order asked."""


def read_domain(build: Callable[[PlainReader], object]) -> Domain:
    """Read the domain of a `build`.

    Args:
        build: Builds the network and throws it away. Deterministic: the same decisions, the same questions.

    Raises:
        NassimError: A choice has other options in other networks, depends on a later choice, or has conditions too
            intricate to be learnt.
    """
    reader = _DomainReader(build)
    reader.read()
    return reader.domain()


@dataclass(slots=True)
class _Box:
    """A guess at one condition: a choice is reached if each named choice has one of these labels.

    Attributes:
        witness: A run that asks the choice; it always stays inside.
        sides: Choice name to labels. No sides: always.
    """

    witness: Run
    sides: dict[str, frozenset[str]] = field(default_factory=dict)

    def __contains__(self, run: object) -> bool:
        return isinstance(run, Mapping) and all(run.get(name) in labels for name, labels in self.sides.items())


class _DomainReader:
    """Collects runs and keeps, for each choice, boxes that hold every run that asks it and no other."""

    def __init__(self, build: Callable[[PlainReader], object]) -> None:
        self._build = build
        self._labels: dict[str, tuple[str, ...]] = {}
        self._order: list[str] = []
        self._runs: dict[frozenset[Decision], Run] = {}
        self._boxes: dict[str, list[_Box]] = {}
        self._settled: dict[str, int] = {}
        self._wanted: dict[Pair, Run] = {}
        self._together: set[tuple[str, str]] = set()
        self._pairs = 0
        self._random = random.Random(0)

    def read(self) -> None:
        """Run `build` until nothing new appears."""
        if self._follow({}) != self._follow({}):
            raise NassimError("build asks other choices when it runs again with the same decisions; " + DETERMINISTIC)
        self._settle()
        while True:
            while self._wanted:
                pair = next(iter(self._wanted))
                both = self._wanted.pop(pair)
                if self._may_meet(*pair) and self._may_meet(*reversed(pair)):
                    self._probe(pair, both)
                    self._settle()
            if self._agrees():
                return

    def _agrees(self) -> bool:
        """Run random architectures of the domain as read so far, and say whether they are as it says."""
        domain = self.domain()
        always = all(choice.when == ALWAYS for choice in domain.choices)
        fresh = 0
        for _ in range(8 * QUIET_RUNS_WITH_CONDITIONS):
            architecture = domain.walk(lambda choice: self._random.choice(choice.labels))
            if frozenset(architecture.items()) in self._runs:
                continue
            self._follow(architecture)
            if self._settle() or self._wanted:
                return False
            fresh += 1
            if fresh == (QUIET_RUNS if always else QUIET_RUNS_WITH_CONDITIONS):
                break
        return True

    def _run(self, decide: Callable[[Run, str, tuple[str, ...]], str]) -> Run:
        if len(self._runs) >= MAX_RUNS:
            raise NassimError(
                f"the conditions of this space's choices are not understood after {MAX_RUNS} runs of build; make the "
                "choices that are asked depend on fewer other choices, for example by asking them inside the option "
                "that needs them"
            )
        taken: dict[str, str] = {}

        def note(name: str, labels: tuple[str, ...]) -> str:
            check_asked_again(name, self._labels.get(name, labels), labels)
            taken[name] = decide(taken, name, labels)
            return taken[name]

        reader = PlainReader(note)
        self._build(reader)
        self._note(reader.asked, reader.taken)
        return reader.taken

    def _note(self, asked: Mapping[str, tuple[str, ...]], taken: Run) -> None:
        position = 0
        for name, labels in asked.items():
            if name in self._labels:
                position = max(position, self._order.index(name) + 1)
            else:
                self._labels[name] = labels
                self._boxes[name] = []
                self._settled[name] = 0
                self._order.insert(position, name)
                position += 1
        self._runs.setdefault(frozenset(taken.items()), taken)
        names = sorted(asked)
        for i, name in enumerate(names):
            for earlier in ("", *names[:i]):
                self._want(earlier, name, taken)
                self._wanted.pop(((earlier, taken.get(earlier, "")), (name, taken[name])), None)

    def _want(self, name: str, other: str, run: Run) -> None:
        """Ask for every pair of labels of two choices that a run, for the first time, asks both."""
        if (name, other) not in self._together:
            self._together.add((name, other))
            mine, theirs = self._labels.get(name, ("",)), self._labels[other]
            self._check_pairs(name, mine, other, theirs)
            self._wanted.update({((name, label), (other, another)): run for label in mine for another in theirs})

    def _check_pairs(self, name: str, mine: Sequence[str], other: str, theirs: Sequence[str]) -> None:
        """Refuse at once what would end only after minutes."""
        pairs = len(mine) * len(theirs)
        if pairs > MAX_RUNS:
            raise NassimError(
                f"the choices {name!r} and {other!r} have {len(mine):,} and {len(theirs):,} options; build is run for "
                f"each pair of options, of which two choices have at most {MAX_RUNS:,}: give them fewer"
            )
        self._pairs += pairs
        if self._pairs > MOST_PAIRS:
            raise NassimError(
                f"the {len(self._labels):,} choices of this space have more than {MOST_PAIRS:,} pairs of options, each "
                "of which is to be seen in some network; give it fewer choices or fewer options"
            )

    def _follow(self, decisions: Run) -> Run:
        """Run with these decisions and the first option at every other choice."""
        return self._run(lambda taken, name, labels: decisions.get(name, labels[0]))

    def _may_meet(self, decision: Decision, other: Decision) -> bool:
        """Say whether, as far as is known, the first choice can be reached with the other decision."""
        name, label = other
        return not self._boxes.get(decision[0]) or any(
            label in box.sides.get(name, (label,)) for box in self._boxes[decision[0]]
        )

    def _probe(self, pair: Pair, both: Run) -> Run:
        """Run with a pair of decisions, and with as many other wanted pairs as can be; at random between equals.

        Args:
            pair: What to decide.
            both: A run that asks both choices; what they need, as far as is known, is decided as in it.
        """
        fixed = {name: both[name] for name in self._needed_by(*dict(pair)) if name in both} | dict(pair)

        def decide(taken: Run, name: str, labels: tuple[str, ...]) -> str:
            if name in fixed:
                return fixed[name]
            wanted = dict.fromkeys(labels, 0)
            for other in (NOTHING, *taken.items()):
                for label in labels:
                    first, second = sorted((other, (name, label)))
                    wanted[label] += (first, second) in self._wanted
            most = max(wanted.values())
            return self._random.choice([label for label in labels if wanted[label] == most])

        return self._run(decide)

    def _needed_by(self, *names: str) -> set[str]:
        """Return the choices on which these depend, as far as is known, directly or through others."""
        needed: set[str] = set()
        waiting = list(names)
        while waiting:
            sides = {side for box in self._boxes.get(waiting.pop(), ()) for side in box.sides}
            waiting += sides - needed
            needed |= sides
        return needed

    def _settle(self) -> bool:
        """Change boxes, with further runs where needed, until they agree with every run; say whether any changed."""
        changed = False
        while any([self._settle_choice(name) for name in list(self._labels)]):  # noqa: C419, each is to be settled
            changed = True
        return changed

    def _settle_choice(self, name: str) -> bool:
        """Make one choice's boxes agree with the runs since it was last settled, or with all if a box changes."""
        changed = False
        for run in islice(list(self._runs.values()), self._settled[name], None):
            inside = [box for box in self._boxes[name] if run in box]
            if name in run and not inside:
                self._boxes[name].append(_Box(run))
                changed = True
            elif name not in run:
                for box in inside:
                    self._narrow(box, name, run)
                    changed = True
        self._settled[name] = 0 if changed else len(self._runs)
        return changed

    def _narrow(self, box: _Box, name: str, outside: Run) -> None:
        """Shrink a box so that it excludes a run that doesn't ask the choice, by a decision that matters."""
        before, decision = self._boundary(box.witness, name, outside)
        if decision in box.witness and box.witness[decision] != outside.get(decision):
            allowed = {
                label for label in self._labels[decision] if name in self._follow({**before, decision: label})
            } | {box.witness[decision]}
        else:
            decision = next(earlier for earlier, label in box.witness.items() if label != outside.get(earlier))
            allowed = set(self._labels[decision])
        allowed -= {outside[decision]} if decision in outside else set()
        box.sides[decision] = box.sides.get(decision, frozenset(self._labels[decision])) & allowed
        if len(box.sides) > MOST_NEEDED:
            raise NassimError(
                f"whether choice {name!r} is asked depends on more than {MOST_NEEDED} others; choose once, of how many "
                "there are, instead of each time whether there is another"
            )

    def _boundary(self, inside: Run, name: str, outside: Run) -> tuple[Run, str]:
        """Return a run that asks the choice, and the decision of `outside` that would make it disappear."""
        steps = [decision for decision in outside if inside.get(decision) != outside[decision]]
        if not steps:
            raise NassimError(
                f"build asks for choice {name!r} in one run and not in another with the same decisions; {DETERMINISTIC}"
            )
        asked, gone, last = 0, len(steps), inside
        while gone - asked > 1:
            middle = (asked + gone) // 2
            run = self._follow({**inside, **{decision: outside[decision] for decision in steps[:middle]}})
            if name in run:
                asked, last = middle, run
            else:
                gone = middle
        return last, steps[asked]

    def domain(self) -> Domain:
        """Return what was learnt, each choice after those it depends on and otherwise in the order asked."""
        choices = [Choice(name, self._labels[name], self._when(name)) for name in self._order]
        ordered: list[Choice] = []
        placed: set[str] = set()
        while choices:
            ready = next((choice for choice in choices if choice.needs <= placed), None)
            if ready is None:
                names = ", ".join(repr(choice.name) for choice in choices)
                raise NassimError(f"the choices {names} depend on one another; ask one of them first in every network")
            choices.remove(ready)
            ordered.append(ready)
            placed.add(ready.name)
        return Domain(tuple(ordered))

    def _when(self, name: str) -> tuple[Condition, ...]:
        boxes = self._needed(name)
        if any(not box.sides for box in boxes):
            return ALWAYS
        conditions = {tuple(sorted(box.sides.items(), key=lambda side: self._order.index(side[0]))) for box in boxes}
        return tuple(sorted(conditions, key=lambda condition: [(n, sorted(labels)) for n, labels in condition]))

    def _needed(self, name: str) -> list[_Box]:
        """Return the boxes of a choice without those whose runs others hold as well."""
        asking = [run for run in self._runs.values() if name in run]
        boxes = sorted(self._boxes[name], key=lambda box: -len(box.sides))
        for box in list(boxes):
            others = [other for other in boxes if other is not box]
            if all(any(run in other for other in others) for run in asking if run in box):
                boxes = others
        return boxes
