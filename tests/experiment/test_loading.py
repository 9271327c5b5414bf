"""Every mistake in an experiment file is answered by one message: line, key path, what was found, what is allowed."""

from pathlib import Path

import pytest
import yaml

from nassim.errors import NassimError
from nassim.experiment import Experiment, bundled, load_experiment
from nassim.experiment.document import LARGEST_VALUES, Document, show_path

GOOD = """\
name: small
seed: 7
space: {name: cell, parameters: {input_shape: [1, 8, 8], width: 4}}
data: {name: digits}
training: {epochs: 2, learning_rate: 1e-1}
searches:
  - name: full-tpe
    evaluator: {kind: full}
    sampler: {name: tpe}
    trials: 4
  - name: enas
    evaluator: {kind: enas, rounds: 2}
    sampler: {name: reinforce}
final: {schedule: {epochs: 3}}
executor: {kind: ray, workers: 2}
budget: {flop: 1e15, wall_s: 90}
"""


@pytest.fixture
def refusal(tmp_path):
    """Load a text as an experiment file and return the message that refuses it."""

    def refuse(text: str | bytes) -> str:
        path = tmp_path / "e.yaml"
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        with pytest.raises(NassimError) as caught:
            load_experiment(path)
        message = str(caught.value)
        assert message.startswith(str(path))
        return message.removeprefix(str(path)).removeprefix(": ")

    return refuse


def change(old: str, new: str) -> str:
    assert old in GOOD
    return GOOD.replace(old, new, 1)


def load(tmp_path: Path, text: str) -> Experiment:
    path = tmp_path / "e.yaml"
    path.write_text(text, encoding="utf-8")
    return load_experiment(path)


def test_a_good_file_loads(tmp_path):
    experiment = load(tmp_path, GOOD)
    assert [search.name for search in experiment.searches] == ["full-tpe", "enas"]
    assert experiment.training.learning_rate == 0.1
    assert experiment.budget.flop == 10**15
    assert isinstance(experiment.budget.flop, int)
    assert experiment.space.parameters == {"input_shape": [1, 8, 8], "width": 4}


def test_it_survives_the_round_trip_through_json(tmp_path):
    experiment = load(tmp_path, GOOD)
    assert Experiment.model_validate_json(experiment.model_dump_json()) == experiment


def test_it_is_frozen(tmp_path):
    with pytest.raises(ValueError, match="frozen"):
        load(tmp_path, GOOD).seed = 3


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (change("seed: 7", "sede: 7"), "line 2: sede: unknown key (did you mean 'seed'?); allowed here: name, seed, "),
        (
            change("    trials: 4", "    trails: 4\n    trials: 4"),
            "line 10: searches[0].trails: unknown key (did you mean 'trials'?)",
        ),
        (change("rounds: 2", "rounds: 2, x: 1"), "line 12: searches[1].evaluator.x: unknown key; allowed here: "),
        (
            change("{name: tpe}", "{name: TPEE}"),
            "line 9: searches[0].sampler.name: found 'TPEE' (did you mean 'tpe'?); allowed: random, tpe, nsga2, "
            "grid, reinforce, evolution",
        ),
        (
            change("kind: full", "kind: ful"),
            "line 8: searches[0].evaluator.kind: found 'ful' (did you mean 'full'?); allowed: full, enas, "
            "or one's own: module:Class or path/to/file.py:Class",
        ),
        (change("{kind: full}", "{}"), "line 8: searches[0].evaluator.kind: this key is missing"),
        (change("data: {name: digits}", "data: {name: mnist}"), "line 4: data.name: found 'mnist'"),
        (change("data: {name: digits}", "data: {name: arrays}"), "line 4: data.path: this key is missing"),
        (change("seed: 7", "seed: -1"), "line 2: seed: found -1, wanted a number of at least 0"),
        (change("seed: 7", "seed: 4294967296"), "line 2: seed: found 4294967296, wanted a number below 2147483648"),
        (change("seed: 7", "seed: '7'"), "line 2: seed: found '7', wanted a whole number"),
        (change("seed: 7", "seed: true"), "line 2: seed: found true, wanted a whole number"),
        (change("seed: 7", "seed:"), "line 2: seed: found nothing, wanted a whole number"),
        (change("seed: 7", "seed: " + "9" * 5000), "line 2: seed: found inf, wanted a whole number"),
        (change("trials: 4", "trials: 0"), "line 10: searches[0].trials: found 0, wanted a number of at least 1"),
        (change("trials: 4", "trials: 4.5"), "line 10: searches[0].trials: found 4.5, wanted a whole number"),
        (change("trials: 4", "trials: 1e9"), "wanted a number of at most 10000000"),
        (change("trials: 4", "trials: [4]"), "line 10: searches[0].trials: found a list, wanted a whole number"),
        (change("1e-1", ".nan"), "line 5: training.learning_rate: found nan, wanted a finite number"),
        (change("1e-1", "-0.1"), "line 5: training.learning_rate: found -0.1, wanted a number above 0"),
        (change("1e-1", "fast"), "line 5: training.learning_rate: found 'fast', wanted a number"),
        (change("wall_s: 90", "wall_s: .inf"), "line 16: budget.wall_s: found inf, wanted a finite number"),
        (change("wall_s: 90", "wall_s: 1:30"), "line 16: budget.wall_s: found '1:30', wanted a number"),
        (change("seed: 7", "seed: 7\nsite: {pue: 0.9}"), "line 3: site.pue: found 0.9: wanted a number of at least 1"),
        (change("seed: 7", "seed: 7\nsite: {pue: '0.9'}"), "line 3: site.pue: found '0.9': wanted a number of at"),
        (change("seed: 7", f"seed: 7\nsite: {{pue: 1{'0' * 400}}}"), "line 3: site.pue: found 1"),
        (change("seed: 7", "seed: 7\nsite: {pue: [2]}"), "line 3: site.pue: found a list: wanted a number of at least"),
        (change("name: small", "name: no"), None),
        (change("name: small", 'name: ""'), "line 1: name: found '', wanted text of at least 1 character"),
        (change("name: small", 'name: "a\\nb"'), "line 1: name: found 'a\\nb'"),
        (change("name: small", 'name: "\\ud800"'), "line 1: name: half a surrogate pair is no text"),
        (change("name: small", "name: 2026"), "line 1: name: found 2026, wanted text"),
        (change("{name: cell, parameters", "[cell, {p").replace("4}}", "4}}]", 1), "line 3: space: found a list"),
        (change("space: {name: cell,", "space: {nmae: cell,"), "space.nmae: unknown key (did you mean 'name'?)"),
        (
            GOOD[: GOOD.index("searches")] + "searches: []\nfinal: {schedule: {epochs: 3}}\n",
            "line 6: searches: found a list, wanted a list of at least 1 item",
        ),
        (
            GOOD[: GOOD.index("searches")] + "searches: {a: 1}\nfinal: {schedule: {epochs: 3}}\n",
            "line 6: searches: found a mapping, wanted a list",
        ),
        (
            change("name: enas", "name: full-tpe"),
            "line 11: searches[1].name: found 'full-tpe', which searches[0] has already",
        ),
        (
            change("trials: 4", "trials: 4\n    budget: {trials: 3}"),
            "line 11: searches[0].budget.trials: a search says how many trials in its key `trials`",
        ),
        (
            change("{name: digits}", "{name: digits, validation: 0.5, test: 0.5}"),
            "line 4: data.test: found 0.5, with validation 0.5 nothing is left to train on; together they are below 1",
        ),
        (change("seed: 7", "seed: 7\nseed: 8"), "line 3: seed: the key is given twice, first on line 2"),
        (change("seed: 7", "7: 7"), "line 2: keys are text, found the key '7'"),
        (change("seed: 7", "seed: !!python/object:os.system ls"), "the tag 'python/object:os.system' is not allowed"),
        (change("seed: 7", "<<: {seed: 7}"), "line 2: <<: unknown key"),
    ],
)  # fmt: skip
def test_mistakes_name_line_key_found_and_allowed(tmp_path, refusal, text, message):
    if message is None:
        assert load(tmp_path, text).name == "no"
    else:
        assert message in refusal(text)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "the file is empty"),
        ("# only a comment\n", "the file is empty"),
        ("just text", "line 1: found 'just text', wanted a mapping with the keys name, seed, space"),
        ("- a\n- b\n", "line 1: found a list, wanted a mapping"),
        ("name: [1, 2\n", "line 2: not YAML: "),
        ("name: a\n\tseed: 1\n", "spaces, never with tabs"),
        ("name: a\n--- \nname: b\n", "not YAML: expected a single document"),
        ("name: a\x07b\n", "line 1: not YAML: the control character '\\x07'"),
        (b"name: \xff\n", "not UTF-8 text: byte 0xff at position 6"),
        ("name: &a [*a]\n", "nested more than 40 levels deep"),
        ("[" * 20_000, "nested more than 40 levels deep"),
        ("x" * 1_000_001, "1,000,001 characters, allowed are 1,000,000"),
    ],
)
def test_what_is_no_experiment_at_all(refusal, text, message):
    assert message in refusal(text)


def test_aliases_that_stand_for_billions_of_values_are_refused_at_once(refusal):
    lines = ["a0: &a0 [1, 1, 1, 1, 1, 1, 1, 1, 1, 1]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 12)]
    assert f"more than {LARGEST_VALUES:,} values" in refusal("\n".join(lines))


def test_all_mistakes_are_listed_together_in_the_order_of_the_lines(refusal):
    message = refusal(change("seed: 7", "sede: 7").replace("trials: 4", "trials: 0").replace("epochs: 3", "epochs: x"))
    lines = message.splitlines()
    assert lines[0].endswith("has 3 mistakes:")
    assert [line.split(":")[0].strip() for line in lines[1:]] == ["line 2", "line 10", "line 14"]


def test_a_long_list_of_mistakes_is_cut(refusal):
    message = refusal(GOOD + "".join(f"key{n}: 1\n" for n in range(50)))
    assert message.splitlines()[0].endswith("has 50 mistakes:")
    assert message.splitlines()[-1] == "  and 30 more"


def test_a_list_whose_items_are_all_wrong_is_not_called_empty_as_well(refusal):
    text = GOOD[: GOOD.index("searches")] + "searches: [1]\nfinal: {schedule: {epochs: 3}}\n"
    assert refusal(text).startswith("line 6: searches[0]: found 1, wanted a mapping with the keys name, evaluator")


@pytest.mark.parametrize("name", ["наука", "実験", "größe ½", "a/b: c"])
def test_names_of_any_script(tmp_path, name):
    assert (
        load(
            tmp_path, change("name: small", f"name: {yaml.safe_dump(name, allow_unicode=True).split('...')[0].strip()}")
        ).name
        == name
    )


def test_paths_start_from_the_files_folder(tmp_path):
    text = change("data: {name: digits}", "data: {name: arrays, path: mine.npz}").replace(
        "name: cell", "name: s.py:Mine"
    )
    experiment = load(tmp_path, text)
    assert experiment.data.path == str(tmp_path / "mine.npz")
    assert experiment.space.name == f"{tmp_path / 's.py'}:Mine"


def test_a_byte_order_mark_is_no_mistake(tmp_path):
    (tmp_path / "e.yaml").write_bytes(b"\xef\xbb\xbf" + GOOD.encode())
    assert load_experiment(tmp_path / "e.yaml").name == "small"


def test_files_that_are_not_there(tmp_path):
    with pytest.raises(NassimError, match=r"nowhere\.yaml: there is no such file; an experiment is a YAML file"):
        load_experiment("nowhere.yaml")
    (tmp_path / "folder.yaml").mkdir()
    with pytest.raises(NassimError, match="is a folder"):
        load_experiment(tmp_path / "folder.yaml")
    with pytest.raises(
        NassimError, match=r"no experiment 'quikstart' \(did you mean 'quickstart'\?\); allowed: the path"
    ):
        load_experiment("quikstart")


def test_bundled_experiments_load():
    assert "quickstart" in bundled()
    for name in bundled():
        assert load_experiment(name).searches


def test_scalars_are_those_of_yaml_1_2():
    text = "[1e3, 1_000, 010, 0x10, yes, off, true, 12:30, 2024-01-01, ~, null, '', .5, -3]"
    expected = [1000.0, 1000, 10, "0x10", "yes", "off", True, "12:30", "2024-01-01", None, None, "", 0.5, -3]
    assert Document(text).value == expected


def test_key_paths_are_written_as_people_write_them():
    assert show_path(("searches", 1, "sampler", "name")) == "searches[1].sampler.name"


@pytest.mark.parametrize("scale", ["0", "-1", ".nan", ".inf", "1e-320", "huh", "[1]", "true", "Standard", "é"])
def test_a_scale_that_is_none_is_told(tmp_path, scale):
    text = (
        (bundled()["quickstart"])
        .read_text(encoding="utf-8")
        .replace("{name: digits,", f"{{name: digits, scale: {scale},")
    )
    (tmp_path / "scaled.yaml").write_text(text, encoding="utf-8")
    with pytest.raises(NassimError, match=r"data\.scale: found .*: wanted a number from 1e-12 to 1e12, or standard"):
        load_experiment(tmp_path / "scaled.yaml")
