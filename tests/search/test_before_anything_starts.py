"""What can be found out beforehand is, before a run is in the ledger or anything is paid for."""

from collections.abc import Callable

import pytest
from searching import ENAS, FULL, INLINE, RAY, experiment, run
from torch import nn

from nassim.errors import NassimError
from nassim.run import execute
from nassim.space import SearchSpace
from nassim.space.checking import check_networks

UNSHARED = '''
"""A space whose widths go where no weights can be shared."""

from torch import nn

from nassim.space import Choose, SearchSpace


class Unshared(SearchSpace):
    """Its width is a plain number of a plain layer."""

    input_shape = (1, 8, 8)
    classes = 10

    def build(self, choose: Choose) -> nn.Module:
        width = choose("width", {"narrow": 4, "wide": 8})
        return nn.Sequential(nn.Flatten(), nn.Linear(64, width), nn.ReLU(), nn.Linear(width, 10))
'''


def is_untouched(folder) -> bool:
    return not (folder / "ledger.db").exists() and not (folder / "runs").exists()


def test_shared_weights_that_can_not_be_are_told_before_the_searches_that_come_first(tmp_path):
    (tmp_path / "unshared.py").write_text(UNSHARED)
    space = {"name": f"{tmp_path / 'unshared.py'}:Unshared"}
    plan = experiment(tmp_path, FULL, ENAS, space=space)
    seen = []
    with pytest.raises(NassimError, match=r"search enas: .*width"):
        execute(plan, name="run", observe=seen.append)
    assert seen == []
    assert is_untouched(tmp_path)
    assert run(experiment(tmp_path, FULL, space=space)).status == "finished"


def test_a_cluster_that_is_not_there_leaves_no_run_behind(tmp_path):
    with pytest.raises(NassimError, match=r"there is no Ray to join at 127\.0\.0\.1:1: "):
        execute(experiment(tmp_path, executor=RAY | {"address": "127.0.0.1:1"}), name="run")
    assert is_untouched(tmp_path)


class Shape(SearchSpace):
    """Networks with something else than logits at their end."""

    input_shape = (1, 8, 8)
    classes = 10

    def __init__(self, *ends: Callable[[], nn.Module]) -> None:
        self._ends = ends

    def build(self, choose) -> nn.Module:
        return nn.Sequential(choose("end", {f"end{n}": end for n, end in enumerate(self._ends)}))


def test_networks_that_do_not_return_an_output_a_class_are_told():
    with pytest.raises(
        NassimError, match=r"outputs of shape \('batch', 1, 64\), wanted \(batch, classes\), \('batch', 10\)"
    ):
        check_networks(Shape(lambda: nn.Flatten(2)))


def test_one_network_that_fails_is_its_trials_matter_and_all_of_them_are_the_runs():
    good, bad = (lambda n=n: nn.Sequential(nn.Flatten(), nn.Linear(n, 10)) for n in (64, 63))
    check_networks(Shape(good, bad))
    with pytest.raises(NassimError, match=r"no network of Shape could be built and run, of 1: RuntimeError: "):
        check_networks(Shape(bad))


@pytest.mark.slow
def test_a_search_with_a_budget_needs_no_number_of_trials(tmp_path):
    without = {key: value for key, value in FULL.items() if key != "trials"}
    done = run(experiment(tmp_path, without | {"budget": {"flop": 3e9}}, executor=INLINE))
    assert done.status == "finished"
    spent = done.flop(search="full", stage="search")
    assert spent >= 3e9
    assert len(done.trials) > 1


def test_a_search_that_trains_nothing_twice_ends_with_its_space_if_no_budget_ends_it_before(tmp_path):
    without = {key: value for key, value in FULL.items() if key != "trials"} | {"sampler": {"name": "random"}}
    space = {"name": str(tmp_path / "two.py:Two")}
    (tmp_path / "two.py").write_text(UNSHARED.replace("Unshared", "Two"))
    search = without | {"duplicates": "reuse", "budget": {"flop": 1e18}}
    done = run(experiment(tmp_path, search, space=space))
    assert done.status == "finished"
    assert set(done.trials["outcome"]) == {"complete", "duplicate"}
    assert (done.trials["outcome"] == "complete").sum() == 2
    assert (done.trials["outcome"][-1000:] == "duplicate").all()
