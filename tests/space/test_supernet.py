import threading

import numpy as np
import pytest
import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode
from toy_spaces import Elastic, Nested

from nassim.errors import NassimError
from nassim.space import BatchNorm2d, Conv2d, LayerNorm, Linear, SearchSpace
from search_spaces.cell import Cell
from search_spaces.chain import Chain

SPACES = {
    "cell": lambda: Cell(width=4, cells=1, input_shape=(1, 8, 8)),
    "chain": lambda: Chain(width=4, head=16, input_shape=(1, 8, 8)),
    "elastic": Elastic,
    "nested": Nested,
}


@pytest.fixture(params=SPACES)
def space(request):
    return SPACES[request.param]()


def inputs(space, batch=6, seed=0):
    return torch.randn(batch, *space.input_shape, generator=torch.Generator().manual_seed(seed))


def trained_supernet(space, steps=12):
    """A supernet whose weights and statistics have moved away from where they began."""
    torch.manual_seed(0)
    supernet = space.supernet()
    optimiser = torch.optim.SGD(supernet.parameters(), lr=0.05)
    rng = np.random.default_rng(0)
    for step in range(steps):
        optimiser.zero_grad()
        supernet(inputs(space, seed=step), space.sample(rng)).square().mean().backward()
        optimiser.step()
    return supernet


def test_in_evaluation_a_supernet_agrees_with_the_subnets_it_extracts(space):
    supernet = trained_supernet(space).eval()
    rng = np.random.default_rng(1)
    x = inputs(space)
    outputs = []
    for _ in range(25):
        architecture = space.sample(rng)
        subnet = supernet.extract(architecture)
        assert not subnet.training
        torch.testing.assert_close(supernet(x, architecture), subnet(x), rtol=0, atol=0)
        outputs.append(subnet(x))
    assert any(not torch.equal(outputs[0], other) for other in outputs), "different networks, different results"


def test_a_step_of_training_agrees_too_and_statistics_are_shared(space):
    supernet = trained_supernet(space)
    architecture = space.sample(np.random.default_rng(2))
    subnet = supernet.extract(architecture)
    x = inputs(space)
    supernet.zero_grad()
    supernet(x, architecture).square().sum().backward()
    subnet(x).square().sum().backward()
    again = supernet.extract(architecture)
    for (name, mine), (other, theirs) in zip(subnet.named_buffers(), again.named_buffers(), strict=True):
        assert name == other
        torch.testing.assert_close(mine, theirs)
    norm = sum(p.grad.square().sum() for p in subnet.parameters() if p.grad is not None)
    shared = sum(p.grad.square().sum() for p in supernet.parameters() if p.grad is not None)
    torch.testing.assert_close(norm, shared)


def test_an_extracted_subnet_is_plain_and_has_its_own_weights(space):
    supernet = trained_supernet(space)
    before = torch.get_rng_state()
    architecture = space.sample(np.random.default_rng(3))
    subnet = supernet.extract(architecture)
    assert torch.equal(before, torch.get_rng_state())
    assert [type(part) for part in subnet.modules()] == [type(part) for part in space.subnet(architecture).modules()]
    assert not any(type(part).__module__.startswith("nassim") for part in subnet.modules())
    kept = {name: tensor.clone() for name, tensor in supernet.state_dict().items()}
    with torch.no_grad():
        for parameter in subnet.parameters():
            parameter.add_(1)
    assert all(torch.equal(tensor, kept[name]) for name, tensor in supernet.state_dict().items())


def test_only_the_sampled_path_runs(space):
    supernet = space.supernet()
    x = inputs(space)
    rng = np.random.default_rng(4)
    for _ in range(5):
        architecture = space.sample(rng)
        subnet = space.subnet(architecture)
        counted = []
        for run in (lambda a=architecture: supernet(x, a), lambda subnet=subnet: subnet(x)):
            with FlopCounterMode(display=False) as forward:
                output = run()
            with FlopCounterMode(display=False) as backward:
                output.sum().backward()
            counted.append((forward.get_total_flops(), backward.get_total_flops()))
        assert counted[0] == counted[1]
        profile = space.profile(architecture)
        assert counted[0] == (6 * profile.torch_forward_flop, 6 * profile.torch_backward_flop)


def test_every_option_is_held_once():
    cell = SPACES["cell"]()
    edges = [choice.name for choice in cell.domain.choices]
    alike = [dict.fromkeys(edges, operation) for operation in ("nor_conv_3x3", "nor_conv_1x1", "none")]
    params = [cell.profile(architecture).params for architecture in alike]
    assert sum(p.numel() for p in cell.supernet().parameters()) == params[0] + params[1] - params[2]


def test_calls_leave_nothing_behind():
    space = SPACES["cell"]()
    supernet = space.supernet().eval()
    x = inputs(space)
    with pytest.raises(NassimError, match="choice '0->1' was called by itself; call supernet"):
        supernet.network(x)
    with pytest.raises(NassimError, match=r"doesn't decide choice '0->1', which it reaches"):
        supernet(x, {})
    wrong = {choice.name: "conv" for choice in space.domain.choices}
    with pytest.raises(NassimError, match="choice '0->1' has no option 'conv'; its options are none, skip_connect"):
        supernet(x, wrong)
    with pytest.raises(RuntimeError):
        supernet(x[:, :, :, :3, None], space.sample(np.random.default_rng(0)))
    with pytest.raises(NassimError, match="was called by itself"):
        supernet.network(x)


def test_nested_and_concurrent_calls_run_what_they_were_asked_to():
    space = SPACES["cell"]()
    supernet = space.supernet().eval()
    x = inputs(space)
    rng = np.random.default_rng(5)
    architectures = [space.sample(rng) for _ in range(8)]
    expected = [supernet(x, architecture) for architecture in architectures]

    inner = []
    hook = supernet.network[3].register_forward_hook(
        lambda *_: hook.remove() or inner.append(supernet(x, architectures[1]))
    )
    torch.testing.assert_close(supernet(x, architectures[0]), expected[0])
    torch.testing.assert_close(inner[0], expected[1])

    results = {}

    def work(i):
        for _ in range(10):
            results[i] = supernet(x, architectures[i])
            torch.testing.assert_close(results[i], expected[i])

    threads = [threading.Thread(target=work, args=(i,)) for i in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for i in range(8):
        torch.testing.assert_close(results[i], expected[i])


def test_elastic_layers_are_torch_s_own_where_nothing_is_open():
    assert type(Conv2d(3, 4, 3)) is nn.Conv2d
    assert type(Linear(3, 4)) is nn.Linear
    assert type(BatchNorm2d(3)) is nn.BatchNorm2d
    assert type(LayerNorm(3)) is nn.LayerNorm


def test_a_smaller_kernel_is_the_centre_of_the_greatest():
    space = Elastic()
    supernet = space.supernet()
    base = {"width": "4", "expansion": "1", "block": "mb"}
    small = supernet.extract({**base, "kernel": "3"})[3][3].weight
    large = supernet.extract({**base, "kernel": "5"})[3][3].weight
    torch.testing.assert_close(small, large[:, :, 1:4, 1:4])


def refused(build, input_shape=(3, 8, 8)):
    space = type("Mine", (SearchSpace,), {"input_shape": input_shape, "classes": 2, "build": build})()
    with pytest.raises(NassimError) as caught:
        space.supernet()
    return str(caught.value)


def test_what_a_supernet_can_not_share():
    def plain_conv(self, choose):
        return nn.Sequential(nn.Conv2d(3, choose("width", [4, 8]), 3))

    message = refused(plain_conv)
    assert (
        "choice 'width' is a value that a supernet leaves open, so torch's Conv2d can't use it as a plain one"
        in message
    )
    assert "elastic layers of nassim.space (Conv2d, Linear, BatchNorm2d, LayerNorm)" in message

    for use in (
        lambda depth: [nn.ReLU() for _ in range(depth)],
        lambda depth: depth > 2,
        lambda depth: depth == 2,
        lambda depth: bool(depth),
        lambda depth: int(depth),
        lambda depth: f"{depth}",
        lambda depth: {2: "x"}[depth],
        lambda depth: depth / 2,
        lambda depth: list(depth),
    ):
        assert "choice 'depth' is a value that a supernet leaves open, so build can't use it" in refused(
            lambda self, choose, use=use: use(choose("depth", [2, 3]))
        )

    assert "torch's Linear can't" in refused(lambda self, choose: nn.Linear(choose("width", [2, 3]), 4))
    assert "torch's Dropout can't" in refused(lambda self, choose: nn.Dropout(choose("rate", [0.1, 0.2])))
    assert "Conv2d can't share its stride, which choice 'stride' leaves open" in refused(
        lambda self, choose: Conv2d(3, 4, 3, stride=choose("stride", [1, 2]))
    )
    assert "those of choice 'kernel' are all odd or all even, found 2, 3" in refused(
        lambda self, choose: Conv2d(3, 4, choose("kernel", [2, 3]))
    )
    assert "1 group, or as many as input channels" in refused(
        lambda self, choose: Conv2d(4, choose("width", [4, 8]), 3, groups=2)
    )
    assert "Linear is given choice 'width' for a size, whose options are 0.5, 2; a size is a whole number" in refused(
        lambda self, choose: Linear(4, choose("width", [0.5, 2]))
    )
    assert "an elastic BatchNorm2d needs a momentum" in refused(
        lambda self, choose: BatchNorm2d(choose("width", [4, 8]), momentum=None)
    )
    assert "choice 'a' is asked with the options 1 and elsewhere with 1, 2" in refused(
        lambda self, choose: [choose("a", [1, 2]), choose("a", [1])]
    )


def test_extract_refuses_a_build_that_looks_into_what_it_chose():
    class Nosy(SearchSpace):
        input_shape, classes = (4,), 2

        def build(self, choose):
            layer = choose("layer", {"a": lambda: nn.Linear(4, 4), "b": nn.Identity})
            return nn.Sequential(layer, nn.Linear(4, 2, bias=isinstance(layer, nn.Identity)))

    space = Nosy()
    with pytest.raises(
        NassimError, match=r'Nosy.build makes another module at 1 for {"layer":"b"} than for the supernet'
    ):
        space.supernet().extract({"layer": "b"})
