import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nassim.space.architecture import Architecture

labels = st.dictionaries(st.text(), st.text())


@given(labels, st.randoms())
@settings(deadline=None)
def test_the_order_of_decisions_does_not_matter(decisions, random):
    items = list(decisions.items())
    random.shuffle(items)
    one, other = Architecture(decisions), Architecture(dict(items))
    assert one == other
    assert hash(one) == hash(other)
    assert one.id == other.id
    assert one.to_json() == other.to_json()


@given(labels)
@settings(deadline=None)
def test_json_round_trip(decisions):
    architecture = Architecture(decisions)
    assert Architecture.from_json(architecture.to_json()) == architecture
    assert json.loads(architecture.to_json()) == decisions


@given(labels, labels)
@settings(deadline=None)
def test_different_decisions_differ(one, other):
    assert (Architecture(one) == Architecture(other)) == (one == other)
    assert (Architecture(one).id == Architecture(other).id) == (one == other)


def test_ids_never_change():
    assert Architecture({"b": "2", "a": "1"}).id == "332440efcf3f"


def test_what_is_not_an_architecture():
    with pytest.raises(ValueError, match="maps strings to strings, found 'width': 3"):
        Architecture({"width": 3})
    with pytest.raises(ValueError, match="a JSON object"):
        Architecture.from_json("[1]")
