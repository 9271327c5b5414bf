"""Every module of torch.nn is counted as summed by hand, or told that it can't be."""

import inspect

import modules
import more_modules
import pytest
from more_modules import BY_THE_INPUT, NO_NETWORKS, REFUSED
from torch import nn

from nassim.cost.counting import count
from nassim.errors import NassimError

CASES = {
    **modules.ACTIVATIONS, **modules.POOLING, **modules.NORMALISATION, **modules.SHAPES, **modules.CONTRACTIONS,
    **more_modules.PAIRS, **more_modules.LOSSES, **more_modules.EMBEDDINGS, **more_modules.RECURRENT,
    **more_modules.SEQUENCES,
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_a_module_costs_what_it_is_by_hand(name):
    case = CASES[name]
    profile = count(case.make(), case.shape, dtype=case.dtype)
    assert (profile.forward_flop, profile.backward_flop) == case.flop
    assert dict(profile.uncounted) == case.uncounted
    if case.elementwise is None:
        assert profile.elementwise_flop > 0
        assert profile.backward_elementwise_flop > 0
    else:
        assert (profile.elementwise_flop, profile.backward_elementwise_flop) == case.elementwise


@pytest.mark.parametrize("name", REFUSED)
def test_a_module_that_meta_can_not_run_is_refused(name):
    with pytest.raises(NassimError, match=r"can't be run .* for counting: (NotImplementedError|RuntimeError): "):
        count(REFUSED[name].make(), REFUSED[name].shape)


def test_no_module_is_missing():
    known = {*CASES, *REFUSED, *NO_NETWORKS, *BY_THE_INPUT}
    every = {name for name, kind in vars(nn).items() if inspect.isclass(kind) and issubclass(kind, nn.Module)}
    assert {name.removeprefix("Lazy") for name in every} <= known
