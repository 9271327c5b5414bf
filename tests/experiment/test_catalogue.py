"""The samplers and pruners that a file may name are those that there are, and the page names their parameters."""

import re
from pathlib import Path

import pytest

from nassim.errors import NassimError
from nassim.samplers.catalogue import PRUNERS, SAMPLERS, make_pruner, make_sampler
from nassim.space.domain import Domain

PAGE = (Path(__file__).parents[2] / "docs" / "experiment.md").read_text(encoding="utf-8")


def refusal(make, *arguments):
    with pytest.raises(NassimError) as caught:
        make(*arguments)
    return str(caught.value)


@pytest.mark.parametrize("name", [*SAMPLERS.list()])
def test_the_page_names_the_parameters_of_samplers(name):
    check(name, refusal(make_sampler, name, 0, {"no_such": 1}, Domain([])))


@pytest.mark.parametrize("name", [name for name in PRUNERS.list() if name != "none"])
def test_the_page_names_the_parameters_of_pruners(name):
    check(name, refusal(make_pruner, name, {"no_such": 1}, 3))


def check(name, message):
    """The message for an unknown parameter lists those that there are."""
    if "takes no parameters" in message:
        assert re.search(rf"`{name}`[^;]* take none", PAGE)
        return
    parameters = message.partition("its parameters are ")[2].split(", ")
    (sentence,) = re.findall(rf"`{name}` takes ([^;.]*)[;.]", PAGE)
    assert re.findall(r"`(\w+)`", sentence) == parameters
