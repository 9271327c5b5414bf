"""Whatever a file holds, it is an experiment or one message says what is wrong."""

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from nassim.errors import NassimError
from nassim.experiment import Experiment, bundled, load_experiment

QUICKSTART = bundled()["quickstart"].read_bytes()
TOKENS = (
    *b": , - { } [ ] & * ! # | > ' ~ ? % @ \" \t \n \r \\ \xff \x00 null .nan 1e999 0x -0 *a".split(b" "),
    *(b"!!binary ", b"<<: ", b"&a ", b"2026-01-01", b'"\\ud800"', b"9" * 400),
)
ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=5,
)


def loads(folder, content: bytes) -> bool:
    """Whether a file with this content is an experiment; if not, it must be refused as the user can understand."""
    path = folder / "any.yaml"
    path.write_bytes(content)
    try:
        return isinstance(load_experiment(path), Experiment)
    except NassimError as error:
        told = str(error)
    assert told.startswith(str(path))
    assert len(told) < 20_000
    return False


@pytest.mark.slow
@settings(max_examples=1500, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_an_experiment_that_is_damaged_anywhere(tmp_path, data):
    content = QUICKSTART
    for _ in range(data.draw(st.integers(1, 4))):
        begin = data.draw(st.integers(0, len(content)))
        end = data.draw(st.integers(begin, min(len(content), begin + 12)))
        content = content[:begin] + data.draw(st.sampled_from(TOKENS) | st.binary(max_size=4)) + content[end:]
    loads(tmp_path, content)


@pytest.mark.slow
@settings(max_examples=1500, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_an_experiment_with_anything_for_a_value(tmp_path, data):
    document = yaml.safe_load(QUICKSTART)
    for _ in range(data.draw(st.integers(1, 3))):
        place = document
        while True:
            key = data.draw(st.sampled_from(sorted(place) if isinstance(place, dict) else range(len(place))))
            if not isinstance(place[key], dict | list) or not place[key] or data.draw(st.booleans()):
                break
            place = place[key]
        place[key] = data.draw(ANYTHING)
        if not document:
            break
    loads(tmp_path, yaml.safe_dump(document, allow_unicode=data.draw(st.booleans())).encode("utf-8", "surrogatepass"))


def test_what_the_others_damage_is_an_experiment(tmp_path):
    assert loads(tmp_path, QUICKSTART)
