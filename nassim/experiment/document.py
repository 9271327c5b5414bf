"""Document: a YAML file read strictly, which remembers on what line each value stands.

Scalars follow YAML 1.2's core schema and not PyYAML's 1.1: `1e-3` is a number, `no` and `on` are text, `12:30` is not a
number of seconds. `1_000_000` is a number too.
"""

import re
from dataclasses import dataclass
from typing import Any

import yaml
from yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from nassim.errors import KeyPath

LARGEST_CHARACTERS = 1_000_000
LARGEST_VALUES = 100_000
"""Aliases let a few lines stand for billions of values; an experiment file has some hundreds."""
DEEPEST = 40

_TAG = "tag:yaml.org,2002:"


@dataclass(frozen=True, slots=True)
class Mistake:
    """One thing wrong with a document.

    Attributes:
        path: Where; empty for the document as a whole.
        message: What was found, what is allowed.
        line: On what line, from 1; None where that is unknown.
    """

    path: KeyPath
    message: str
    line: int | None = None

    def __str__(self) -> str:
        line = "" if self.line is None else f"line {self.line}: "
        return f"{line}{show_path(self.path)}{': ' if self.path else ''}{self.message}"


def show_path(path: KeyPath) -> str:
    """Return a key path as people write it: `searches[1].sampler.name`."""
    return "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in path).removeprefix(".")


class Unreadable(Exception):  # noqa: N818, what is wrong is in the mistake
    """The text is no document: it can't even be searched for more mistakes."""

    def __init__(self, message: str, line: int | None = None) -> None:
        super().__init__(message)
        self.mistake = Mistake((), message, line)


class _CoreLoader(yaml.SafeLoader):
    """PyYAML's composer with YAML 1.2's core schema."""

    yaml_implicit_resolvers: dict[str, list[tuple[str, re.Pattern[str]]]] = {}


for _name, _pattern, _first in (
    ("null", r"(?:~|null|)$", ["~", "n", ""]),
    ("bool", r"(?:true|false)$", list("tf")),
    ("int", r"[-+]?[0-9][0-9_]*$", list("-+0123456789")),
    (
        "float",
        r"(?:[-+]?(?:[0-9][0-9_]*(?:\.[0-9_]*)?|\.[0-9]+)(?:[eE][-+]?[0-9]+)?|[-+]?\.inf|\.nan)$",
        list("-+.0123456789"),
    ),
):
    _CoreLoader.add_implicit_resolver(_TAG + _name, re.compile(_pattern), _first)


class Document:
    """A document's values, and where they stand.

    Attributes:
        value: Plain dicts, lists and scalars.
        mistakes: What is wrong with it as YAML but leaves the rest readable: keys given twice, keys that aren't text.
    """

    def __init__(self, text: str) -> None:
        """Read a document.

        Raises:
            Unreadable: The text isn't YAML, is empty, or is larger or deeper than any experiment.
        """
        self.mistakes: list[Mistake] = []
        self._values = 0
        self._root = _compose(text)
        self.value: Any = self._read(self._root, ())

    def line(self, path: KeyPath) -> int:
        """Return the line, from 1, of the deepest key on the path that is there."""
        node, line = self._root, self._root.start_mark.line
        for part in path:
            child = _child(node, part)
            if child is None:
                break
            key, node = child
            line = key.start_mark.line
        return int(line) + 1

    def _read(self, node: Node, path: KeyPath) -> Any:
        self._values += 1
        if self._values > LARGEST_VALUES:
            raise Unreadable(f"more than {LARGEST_VALUES:,} values, with what its aliases stand for")
        if len(path) > DEEPEST:
            raise Unreadable(f"nested more than {DEEPEST} levels deep", node.start_mark.line + 1)
        if isinstance(node, MappingNode):
            return self._read_mapping(node, path)
        if isinstance(node, SequenceNode):
            return [self._read(item, (*path, index)) for index, item in enumerate(node.value)]
        assert isinstance(node, ScalarNode)
        return self._read_scalar(node, path)

    def _read_mapping(self, node: MappingNode, path: KeyPath) -> dict[str, Any]:
        first: dict[str, int] = {}
        values: dict[str, Any] = {}
        for key, value in node.value:
            line = key.start_mark.line + 1
            if not isinstance(key, ScalarNode) or key.tag != _TAG + "str":
                shown = key.value if isinstance(key, ScalarNode) else "a list or mapping"
                self.mistakes.append(Mistake(path, f"keys are text, found the key {shown!r}", line))
            elif key.value in values:
                message = f"the key is given twice, first on line {first[key.value]}"
                self.mistakes.append(Mistake((*path, key.value), message, line))
            else:
                first[key.value] = line
                values[key.value] = self._read(value, (*path, key.value))
        return values

    def _read_scalar(self, node: ScalarNode, path: KeyPath) -> Any:
        text = node.value
        match node.tag.removeprefix(_TAG):
            case "str":
                if not text.isascii() and any("\ud800" <= character <= "\udfff" for character in text):
                    self.mistakes.append(Mistake(path, "half a surrogate pair is no text", node.start_mark.line + 1))
                    return "?"
                return text
            case "null":
                return None
            case "bool":
                return text == "true"
            case "int":
                # Python refuses to read longer numbers; as a float a longer one is infinite, which is refused later.
                return int(text) if len(text) < 1000 else float("inf")
            case "float":
                return float(text.replace("_", "").replace(".inf", "inf").replace(".nan", "nan"))
            case tag:
                self.mistakes.append(Mistake(path, f"the tag {tag!r} is not allowed", node.start_mark.line + 1))
                return text


def _compose(text: str) -> Node:
    if len(text) > LARGEST_CHARACTERS:
        raise Unreadable(f"{len(text):,} characters, allowed are {LARGEST_CHARACTERS:,}")
    try:
        root = yaml.compose(text, Loader=_CoreLoader)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        what = " ".join(part for part in (error.context, error.problem) if part)
        hint = "; YAML indents with spaces, never with tabs" if "'\\t'" in what else ""
        raise Unreadable(f"not YAML: {what}{hint}", mark.line + 1 if mark else None) from error
    except yaml.reader.ReaderError as error:
        line = text[: error.position].count("\n") + 1
        raise Unreadable(f"not YAML: the control character {text[error.position]!r}", line) from error
    except RecursionError as error:
        raise Unreadable(f"nested more than {DEEPEST} levels deep") from error
    if root is None:
        raise Unreadable("the file is empty")
    return root


def _child(node: Node, part: str | int) -> tuple[Node, Node] | None:
    """Return the node that names the child and the child's own, or None."""
    if isinstance(node, MappingNode):
        return next(((key, value) for key, value in node.value if key.value == part), None)
    if isinstance(node, SequenceNode) and isinstance(part, int) and part < len(node.value):
        return node.value[part], node.value[part]
    return None
