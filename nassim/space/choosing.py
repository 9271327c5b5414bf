"""What `build` asks: `choose`, its options, and the reader that builds plain networks."""

from collections.abc import Callable, Mapping, Sequence
from itertools import islice
from typing import Any, Protocol

from nassim.errors import NassimError, shorten

MOST_OPTIONS = 1_000
"""Options of one choice: reading a space runs its `build` for each."""

MOST_CHOICES = 1_000
"""Choices that one network asks."""

MOST_ASKED = 10_000
"""How often one network asks, each time that a choice is asked again included."""

LONGEST_NAME = 1_000
"""Characters of a choice's name or of a label."""

Options = Mapping[str, Any] | Mapping[int, Any] | Mapping[float, Any] | Sequence[str | int | float]
"""Option label to value or to factory of a module; or numbers or strings, which are labelled by their `str`."""


class Choose(Protocol):
    """The function that `build` is given, and asks wherever the network may vary."""

    def __call__(self, name: str, options: Options) -> Any:
        """Return what is chosen: the value, or the module that the chosen factory makes.

        Asked again in one network with the same name and labels, it gives the same decision (a cell that is repeated
        has one architecture), and a module of its own.

        Args:
            name: The choice, unique in the space.
            options: Option label to value, or to a factory without arguments (a class, a lambda) that makes a module
                once it is chosen; or a sequence of numbers or strings.

        Raises:
            NassimError: No options, a label twice, or a name that was asked before with other labels.
        """
        ...


def read_options(name: str, options: Options) -> dict[str, Any]:
    """Return option label to value or factory, in the order given.

    Raises:
        NassimError: The name or a label is not usable, there are no options, a label appears twice, values and
            factories are mixed, or an option is a module that is built already.
    """
    if not isinstance(name, str) or not name:
        raise NassimError(f"a choice is named by a string that is not empty, found {name!r}")
    _check_text("a choice's name", name)
    where = f"choice {name!r}"
    pairs: list[tuple[Any, Any]]
    if isinstance(options, Mapping):
        pairs = list(islice(options.items(), MOST_OPTIONS + 1))
    elif isinstance(options, Sequence) and not isinstance(options, str | bytes):
        pairs = [(value, value) for value in islice(options, MOST_OPTIONS + 1)]
    else:
        raise NassimError(
            f"{where}: options are a dictionary (label: value or factory) or a list of numbers or strings, found "
            f"{type(options).__name__}"
        )
    if not pairs:
        raise NassimError(f"{where} has no options; give at least one")
    if len(pairs) > MOST_OPTIONS:
        raise NassimError(
            f"{where} has more than {MOST_OPTIONS:,} options; make it several choices, each of a part of the decision"
        )
    table: dict[str, Any] = {}
    for label, option in pairs:
        if not isinstance(label, str | int | float):
            raise NassimError(
                f"{where}: a label is a string or a number, found {label!r}; to choose between other things, give a "
                "dictionary with a label for each"
            )
        _check_text(f"{where}: a label", str(label))
        if str(label) in table:
            raise NassimError(f"{where} has two options labelled {str(label)!r}; give each a label of its own")
        table[str(label)] = option
    _check_kinds(where, table)
    return table


def _check_text(what: str, text: str) -> None:
    if len(text) > LONGEST_NAME or not text.isprintable():
        raise NassimError(
            f"{what} has at most {LONGEST_NAME:,} characters, all of which can be printed, found "
            f"'{shorten(text, 80)}' of {len(text):,}"
        )


def _check_kinds(where: str, table: Mapping[str, Any]) -> None:
    for label, option in table.items():
        if _is_module(option):
            raise NassimError(
                f"{where}: option {label!r} is a module that is built already; give its class or a lambda, so that "
                "only what is chosen is built"
            )
    factories = [label for label, option in table.items() if callable(option)]
    if factories and len(factories) < len(table):
        values = [label for label in table if label not in factories]
        raise NassimError(
            f"{where} mixes factories of modules ({', '.join(factories)}) with values ({', '.join(values)}); for an "
            "option without a layer, give nn.Identity"
        )


def _is_module(value: object) -> bool:
    return any(f"{kind.__module__}.{kind.__name__}" == "torch.nn.modules.module.Module" for kind in type(value).__mro__)


def realise(name: str, label: str, option: Any) -> Any:
    """Return a chosen option: a value as it is, a factory's module.

    Raises:
        NassimError: The factory makes something that is not a module.
    """
    if not callable(option):
        return option
    made = option()
    if not _is_module(made):
        raise NassimError(
            f"choice {name!r}: option {label!r} makes {made!r}, which is not an nn.Module; to choose a value, give the "
            "value itself instead of a function"
        )
    return made


def check_asked_again(name: str, before: Sequence[str], labels: Sequence[str]) -> None:
    """Refuse a choice that is asked a second time with other labels."""
    if set(before) != set(labels):
        raise NassimError(
            f"choice {name!r} is asked with the options {', '.join(labels)} and elsewhere with {', '.join(before)}; a "
            "choice has the same options wherever it is asked: use another name"
        )


class PlainReader:
    """A `choose` that takes one option at each choice, so that `build` makes a plain network.

    Attributes:
        asked: Choice name to labels, in the order asked.
        taken: Choice name to the label taken, in the order asked.
    """

    def __init__(self, decide: Callable[[str, tuple[str, ...]], str]) -> None:
        self._decide = decide
        self.asked: dict[str, tuple[str, ...]] = {}
        self.taken: dict[str, str] = {}
        self._times = 0

    def __call__(self, name: str, options: Options) -> Any:
        """Answer `build`: see `Choose`."""
        self._times += 1
        table = read_options(name, options)
        labels = tuple(table)
        if name in self.asked:
            check_asked_again(name, self.asked[name], labels)
        else:
            self.taken[name] = self._decide(name, labels)
            self.asked[name] = labels
        if len(self.asked) > MOST_CHOICES or self._times > MOST_ASKED:
            raise NassimError(
                f"one network asks more than {MOST_CHOICES:,} choices, or more than {MOST_ASKED:,} times; found the "
                f"choice {name!r} last: see that build comes to an end"
            )
        label = self.taken[name]
        return realise(name, label, table[label])
