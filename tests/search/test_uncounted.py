"""Operations without a formula are warned of and marked: never a silent 0."""

import torch
from searching import FULL, experiment, run
from torch import Tensor, nn

from nassim.hardware.figure import Bound
from nassim.report.json import document
from nassim.report.reading import read_run
from nassim.space import Choose, SearchSpace


@torch.library.custom_op("nassim_tests::twice", mutates_args=())
def twice(x: Tensor) -> Tensor:
    """Return the double of a tensor by an operator of one's own."""
    return 2 * x


@twice.register_fake
def _(x):
    return torch.empty_like(x)


twice.register_autograd(lambda context, gradient: 2 * gradient)


class Twice(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return twice(x)


class Own(SearchSpace):
    """A layer, with or without an operator that nobody can count."""

    input_shape = (1, 8, 8)
    classes = 10

    def build(self, choose: Choose) -> nn.Module:
        end = choose("end", {"plain": nn.Identity, "own": Twice})
        return nn.Sequential(nn.Flatten(), nn.Linear(64, 10), end)


def test_a_run_says_what_it_can_not_count(tmp_path):
    search = FULL | {"sampler": {"name": "grid"}, "trials": 2}
    done = run(experiment(tmp_path, search, space={"name": f"{__file__}:Own"}))
    (warning,) = done.warnings
    assert "nassim_tests.twice" in warning
    facts = read_run(done.ledger, "run")
    of_search = facts.searches[0].search.compute
    assert of_search.uncounted == ("nassim_tests.twice",)
    assert of_search.flop.bound is Bound.AT_LEAST
    assert document(facts)["counting"]["uncounted"] == ["nassim_tests.twice"]
