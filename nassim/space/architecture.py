"""Architecture: which option was taken at each choice."""

import json
from collections.abc import ItemsView, Iterator, Mapping
from functools import cached_property
from hashlib import blake2b


class Architecture(Mapping[str, str]):
    """A frozen, hashable map from choice name to option label.

    It is canonical when a SearchSpace made it: choices that the network doesn't reach are absent, so that equal
    networks compare equal. The order of the items does not matter.

    Raises:
        ValueError: A name or a label is not a string.
    """

    def __init__(self, labels: Mapping[str, str]) -> None:
        for name, label in labels.items():
            if not isinstance(name, str) or not isinstance(label, str):
                raise ValueError(f"an Architecture maps strings to strings, found {name!r}: {label!r}")
        self._labels = dict(sorted(labels.items()))

    def __getitem__(self, name: str) -> str:
        return self._labels[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._labels)

    def __len__(self) -> int:
        return len(self._labels)

    def items(self) -> ItemsView[str, str]:
        """Return the names with their labels, sorted by name."""
        return self._labels.items()

    def __hash__(self) -> int:
        return hash(tuple(self._labels.items()))

    def __eq__(self, other: object) -> bool:
        return self._labels == other._labels if isinstance(other, Architecture) else NotImplemented

    def __repr__(self) -> str:
        return f"Architecture({self._labels!r})"

    @cached_property
    def id(self) -> str:
        """Twelve hexadecimal digits that name this architecture, the same on every machine and in every process."""
        return blake2b(self.to_json().encode(), digest_size=6).hexdigest()

    def to_json(self) -> str:
        """Return the canonical JSON text: sorted names, no spaces."""
        return json.dumps(self._labels, sort_keys=True, separators=(",", ":"), ensure_ascii=False)

    @classmethod
    def from_json(cls, text: str) -> "Architecture":
        """Read what `to_json` wrote.

        Raises:
            ValueError: The text is not a JSON object of strings.
        """
        labels = json.loads(text)
        if not isinstance(labels, dict):
            raise ValueError(f"an Architecture is a JSON object, found {text!r}")
        return cls(labels)
