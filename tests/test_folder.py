"""Names become parts of paths that lie in their run's folder; a folder is one run's alone."""

import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nassim.errors import NassimError
from nassim.folder import MARKER, RunFolder, claimed, encoded

HOSTILE = (
    "../../../precious",
    "..",
    ".",
    "",
    "/etc/passwd",
    "a/b",
    "a\\b",
    "CON",
    "con",
    "nul.txt",
    "Full TPE",
    "full tpe",
    "FULL",
    "ends.",
    "a%2Fb",
    "tpe~1",
    "x\n",
    "😀" * 80,
    "😀" * 79,
    "x" * 80,
    "é",
    "e\u0301",
)

names = st.one_of(st.text(max_size=80), st.sampled_from(HOSTILE))


@pytest.mark.parametrize("name", ["tpe", "full-tpe", "run_2", "enas.v1", "3"])
def test_plain_names_stay_as_they_are(name):
    assert encoded(name) == name


@pytest.mark.parametrize("name", HOSTILE)
def test_any_other_name_is_one_part_of_a_path_that_shows_it(name):
    part = encoded(name)
    assert part not in (name, "", ".", "..")
    assert Path(part).name == part
    assert part.isascii()
    assert len(part) <= 73  # 60 of the name, "~" and 12 hexadecimal digits
    assert part.lower().split(".")[0] not in ("con", "nul")


@settings(deadline=None)
@given(names, names)
def test_different_names_have_different_parts_where_case_does_not_count_too(one, other):
    assert (encoded(one).lower() == encoded(other).lower()) == (one == other)


@settings(deadline=None)
@given(names, names, st.sampled_from(["final", "trial/17", "../x", "a//b"]), st.sampled_from(["abc", None]))
def test_whatever_a_search_is_called_its_files_lie_in_the_runs_folder(search, other, job, identity):
    folder = RunFolder(Path("/runs/run-1"), "run-1", identity)
    places = [
        [
            folder.checkpoints_of(name, f"{name}/{job}"),
            folder.shared_weights_of(name),
            folder.model_of(name, f"{name}/final"),
        ]
        for name in (search, other)
    ]
    for mine, theirs in zip(*places, strict=True):
        assert ".." not in mine.parts
        assert mine.is_relative_to(folder.path)
        assert mine.relative_to(folder.path).parts[0] in ("checkpoints", "shared-weights", "models")
        if identity:
            assert (mine == theirs) == (search == other)


def test_plain_names_are_seen_in_paths():
    folder = RunFolder(Path("/runs/run-1"), "run-1", "abc")
    assert folder.checkpoints_of("tpe", "tpe/trial/17") == Path("/runs/run-1/checkpoints/tpe/trial/17")
    assert folder.shared_weights_of("enas") == Path("/runs/run-1/shared-weights/enas")
    assert folder.model_of("tpe", "tpe/final") == Path("/runs/run-1/models/tpe.safetensors")


def test_a_run_of_version_0_1_0_goes_on_where_that_version_took_names_as_paths():
    folder = RunFolder(Path("/runs/run-1"), "run-1", None)
    assert folder.checkpoints_of("Full TPE", "Full TPE/trial/17") == Path("/runs/run-1/checkpoints/Full TPE/trial/17")
    assert folder.shared_weights_of("a/b") == Path("/runs/run-1/shared-weights/a/b")
    assert folder.shared_weights_of("../x") == Path("/runs/run-1/shared-weights") / encoded("../x")


def test_a_folder_is_claimed_once_and_says_whose_it_is(tmp_path):
    with claimed(tmp_path / "new" / "runs", "e-1", ledger="sqlite:///a.db") as first:
        first.check()
    with claimed(tmp_path / "new" / "runs", "e-1", ledger="sqlite:///b.db") as second:
        second.check()
    assert [first.path.name, second.path.name] == ["e-1", "e-1~2"]
    marker = json.loads((first.path / MARKER).read_text())
    assert (marker["run"], marker["ledger"], marker["identity"]) == ("e-1", "sqlite:///a.db", first.identity)
    assert first.identity != second.identity


def test_what_was_there_before_is_nobodys_to_take(tmp_path):
    (tmp_path / "e-1").mkdir()
    (tmp_path / "e-1~2").write_text("precious")
    with claimed(tmp_path, "e-1") as folder:
        assert folder.path == tmp_path / "e-1~3"
    assert (tmp_path / "e-1~2").read_text() == "precious"


def test_where_what_follows_fails_the_folder_goes_again_and_nothing_else(tmp_path):
    (tmp_path / "other").mkdir()
    for root in (tmp_path, tmp_path / "new" / "runs"):
        with pytest.raises(ValueError, match="no ledger"), claimed(root, "e-1"):
            raise ValueError("no ledger")
    assert [path.name for path in tmp_path.iterdir()] == ["other"]


def test_a_folder_that_cannot_be_made_is_told_beforehand(tmp_path):
    (tmp_path / "runs").write_text("a file")
    message = r"runs can't be written.*: File exists\. Set checkpoint\.folder"
    with pytest.raises(NassimError, match=message), claimed(tmp_path / "runs", "e-1"):
        raise AssertionError


def test_nothing_is_done_in_another_runs_folder(tmp_path):
    with claimed(tmp_path, "e-1", ledger="sqlite:///a.db") as mine:
        (mine.path / "checkpoints").mkdir()
    other = RunFolder(mine.path, "e-1", "0123456789abcdef")
    old = RunFolder(mine.path, "e-1", None)
    for folder in (other, old):
        for act in (folder.check, folder.take_up):
            with pytest.raises(NassimError, match=r"is not that of run e-1: its run\.json says run e-1, ledger sqlite"):
                act()
        folder.clear()
        assert (mine.path / "checkpoints").exists()
    mine.clear()
    assert not (mine.path / "checkpoints").exists()


@pytest.mark.parametrize("text", ["", "[]", "{", '{"identity": null}'])
def test_a_damaged_marker_is_nobodys(tmp_path, text):
    with claimed(tmp_path, "e-1") as folder:
        (folder.path / MARKER).write_text(text)
    with pytest.raises(NassimError, match="is not that of run e-1"):
        folder.check()


def test_a_worker_that_does_not_see_the_folder_says_so(tmp_path):
    with pytest.raises(NassimError, match=r"can't be seen from here.*Workers need a folder that they share"):
        RunFolder(tmp_path / "e-1", "e-1", "abc").check()
    RunFolder(tmp_path / "e-1", "e-1", None).check()


def test_a_driver_that_takes_over_makes_a_folder_that_is_gone_and_takes_no_others(tmp_path):
    folder = RunFolder(tmp_path / "e-1", "e-1", "abc")
    folder.take_up()
    folder.check()
    (folder.path / MARKER).unlink()
    (folder.path / "thesis.txt").write_text("precious")
    with pytest.raises(NassimError, match=r"its run\.json says nothing"):
        folder.take_up()


def test_clearing_leaves_models_and_shared_weights(tmp_path):
    with claimed(tmp_path, "e-1") as folder:
        files = [folder.model_of("tpe", "tpe/final"), folder.shared_weights_of("enas") / "round-00001.pt"]
        goes = [folder.checkpoints_of("tpe", "tpe/trial/1") / "000001.pt", folder.path / "models" / "tpe.ab.unfinished"]
        for file in (*files, *goes):
            file.parent.mkdir(parents=True, exist_ok=True)
            file.touch()
    folder.clear()
    assert all(file.exists() for file in files)
    assert not any(file.exists() for file in goes)
