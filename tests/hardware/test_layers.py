import pytest
from torch import nn

from nassim.cost.counting import count
from nassim.errors import NassimError
from nassim.hardware.layers import layer_works
from nassim.hardware.roofline import KernelKind, LayerWork, inference_kernels, training_kernels
from search_spaces.cell import EDGES, Cell


def test_layers_are_what_a_count_says():
    network = nn.Sequential(
        nn.Conv2d(3, 8, 3, padding=1), nn.BatchNorm2d(8), nn.ReLU(), nn.Flatten(), nn.Linear(128, 5)
    )
    maps = 4 * 8 * 16
    assert layer_works(count(network, (3, 4, 4), layers=True)) == (
        LayerWork("0", "Conv2d", 6912, 4 * 3 * 16, maps, 4 * (9 * 3 * 8 + 8), 6912),
        LayerWork("1", "BatchNorm2d", 0, maps, maps, 4 * 4 * 8 + 8),
        LayerWork("2", "ReLU", 0, maps, maps),
        LayerWork("4", "Linear", 1280, maps, 20, 4 * 129 * 5, 2560),
    )


def test_a_published_network_becomes_kernels():
    cell = Cell(width=4, cells=1, input_shape=(1, 8, 8))
    network = cell.subnet(dict.fromkeys(EDGES, "nor_conv_3x3"))
    profile = count(network, cell.input_shape, layers=True)
    works = layer_works(profile)
    kernels = inference_kernels(works)
    assert sum(kernel.flop for kernel in kernels) == profile.forward_flop
    assert sum(kernel.bytes for kernel in kernels) == profile.read_bytes + profile.written_bytes
    # 18 convolutions in the cells, 1 before, 6 in the two reductions, 1 classifier.
    assert sum(kernel.kind is KernelKind.CONTRACTION for kernel in kernels) == 26
    assert sum(kernel.flop for kernel in training_kernels(works)) == profile.forward_flop + profile.backward_flop


def test_layers_must_have_been_counted():
    with pytest.raises(NassimError, match="count the network with layers=True"):
        layer_works(count(nn.Linear(2, 2), (2,)))
