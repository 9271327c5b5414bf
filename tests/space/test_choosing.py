import pytest
from torch import nn

from nassim.errors import NassimError
from nassim.space.choosing import PlainReader, read_options, realise


def refused(name, options):
    with pytest.raises(NassimError) as caught:
        read_options(name, options)
    return str(caught.value)


def test_labels():
    assert read_options("a", [1, 2.5, "x"]) == {"1": 1, "2.5": 2.5, "x": "x"}
    assert read_options("a", range(2)) == {"0": 0, "1": 1}
    assert read_options("a", {3: nn.ReLU, "id": nn.Identity}) == {"3": nn.ReLU, "id": nn.Identity}


def test_options_that_are_refused():
    assert refused("a", []) == refused("a", {}) == "choice 'a' has no options; give at least one"
    assert refused("", [1]) == "a choice is named by a string that is not empty, found ''"
    assert refused(3, [1]) == "a choice is named by a string that is not empty, found 3"
    assert "choice 'a' has two options labelled '1'" in refused("a", [1, "1"])
    assert "choice 'a' has two options labelled '1'" in refused("a", {1: 2, "1": 3})
    assert "choice 'a': a label is a string or a number, found (1, 2); to choose between other things" in refused(
        "a", [(1, 2)]
    )
    assert "options are a dictionary (label: value or factory) or a list" in refused("a", "relu")
    assert "found int" in refused("a", 3)
    assert "choice 'a': option 'x' is a module that is built already; give its class or a lambda" in refused(
        "a", {"x": nn.ReLU()}
    )
    assert refused("a", {"x": nn.ReLU, "y": None}) == (
        "choice 'a' mixes factories of modules (x) with values (y); for an option without a layer, give nn.Identity"
    )


def test_a_factory_makes_a_module():
    with pytest.raises(NassimError, match=r"choice 'a': option 'x' makes 3, which is not an nn\.Module"):
        realise("a", "x", lambda: 3)


def test_only_what_is_chosen_is_built_and_a_repeated_choice_is_one_decision():
    built = []

    def make(label):
        return lambda: built.append(label) or nn.Identity()

    decisions = iter(["y", "never"])
    reader = PlainReader(lambda name, labels: next(decisions))
    options = {"x": make("x"), "y": make("y")}
    first, second = reader("a", options), reader("a", options)
    assert first is not second
    assert built == ["y", "y"]
    assert reader.taken == {"a": "y"}
    with pytest.raises(
        NassimError, match="choice 'a' is asked with the options x and elsewhere with x, y; a choice has"
    ):
        reader("a", {"x": nn.ReLU})
