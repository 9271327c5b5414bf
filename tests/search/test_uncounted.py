"""Operations without a formula are warned of and marked: never a silent 0."""

from pathlib import Path

from searching import FULL, experiment, run

from nassim.hardware.figure import Bound
from nassim.report.reading import read_run

SPACE = Path(__file__).parent / "own_operator.py"


def test_a_run_says_what_it_can_not_count(tmp_path):
    search = FULL | {"sampler": {"name": "grid"}, "trials": 2}
    done = run(experiment(tmp_path, search, space={"name": f"{SPACE}:Own"}))
    (warning,) = done.warnings
    assert "nassim_tests.twice" in warning
    facts = read_run(done.ledger, "run")
    of_search = facts.searches[0].search.compute
    assert of_search.uncounted == ("nassim_tests.twice",)
    assert of_search.flop.bound is Bound.AT_LEAST
    assert facts.counting.uncounted == ("nassim_tests.twice",)
