import pytest
import torch
from torch import nn

from nassim.cost.counting import count
from nassim.cost.profile import CalledOperation
from nassim.cost.shape import ContractionShape
from nassim.errors import NassimError
from nassim.hardware.kernels import KernelKind, inference_kernels, training_kernels
from nassim.hardware.layers import operations_of
from search_spaces.cell import EDGES, Cell


def test_layers_are_what_a_count_says():
    network = nn.Sequential(
        nn.Conv2d(3, 8, 3, padding=1), nn.BatchNorm2d(8), nn.ReLU(), nn.Flatten(), nn.Linear(128, 5)
    )
    maps = 4 * 8 * 16
    assert operations_of(count(network, (3, 4, 4), layers=True)) == (
        CalledOperation(
            "convolution", 6912, 4 * 3 * 16, maps, 4 * (9 * 3 * 8 + 8), 6912, ContractionShape(8, 3, window=9)
        ),
        # The statistics of the batch stand in for the stored ones, of which inference reads as many.
        CalledOperation("_native_batch_norm_legit", 0, maps, maps, 4 * 4 * 8),
        CalledOperation("relu", 0, maps, maps),
        CalledOperation("addmm", 1280, maps, 20, 4 * 129 * 5, 2560, ContractionShape(5, 128)),
    )


def test_a_published_network_becomes_kernels():
    cell = Cell(width=4, cells=1, input_shape=(1, 8, 8))
    network = cell.subnet(dict.fromkeys(EDGES, "nor_conv_3x3"))
    profile = count(network, cell.input_shape, layers=True)
    operations = operations_of(profile)
    kernels = inference_kernels(operations)
    assert sum(kernel.flop for kernel in kernels) == profile.forward_flop
    assert sum(kernel.bytes for kernel in kernels) == profile.read_bytes + profile.written_bytes
    # 18 in the cells, 1 before, 6 in the two reductions.
    assert sum(kernel.kind is KernelKind.CONVOLUTION for kernel in kernels) == 25
    assert sum(kernel.kind is KernelKind.PRODUCT for kernel in kernels) == 1
    assert sum(kernel.flop for kernel in training_kernels(operations)) == profile.forward_flop + profile.backward_flop


class NormalCell(nn.Module):
    """Named as if it normalised, pooled and convolved, and adds."""

    def forward(self, x):
        return x + x + torch.relu(x)


class LinearPoolNorm(nn.Conv2d):
    pass


def test_a_kernel_is_known_by_what_is_dispatched_and_not_by_the_name_of_a_module():
    network = nn.Sequential(NormalCell(), LinearPoolNorm(4, 4, 3, groups=2), nn.MaxPool2d(2))
    operations = operations_of(count(network, (4, 8, 8), layers=True))
    # Two additions alike, and a relu: three launches of one module.
    assert sorted(operation.name for operation in operations[:3]) == ["add", "add", "relu"]
    kinds = [kernel.kind for kernel in inference_kernels(operations)]
    assert kinds == [KernelKind.ELEMENTWISE] * 3 + [KernelKind.GROUPED, KernelKind.REDUCTION]
    assert KernelKind.STATISTICS not in {kernel.kind for kernel in training_kernels(operations)}


@pytest.mark.parametrize(
    ("layer", "shape"),
    [
        (nn.Conv2d(8, 12, 3, groups=2, stride=2), ContractionShape(6, 4, 9, 2, 4)),
        (nn.Conv2d(8, 8, (1, 5), groups=8), ContractionShape(1, 1, 5, 8)),
        (nn.ConvTranspose2d(8, 12, 3, groups=2), ContractionShape(6, 4, 9, 2)),
        (nn.Linear(6, 7), ContractionShape(7, 6)),
        (nn.Linear(6, 7, bias=False), ContractionShape(7, 6)),
    ],
)
def test_the_shape_of_a_contraction_is_that_of_its_weights(layer, shape):
    profile = count(layer, (8, 6, 6), layers=True)
    assert [operation.shape for operation in operations_of(profile) if operation.flop] == [shape]


def test_dropout_is_a_kernel_of_training_alone():
    network = nn.Sequential(nn.Linear(4, 4), nn.Dropout(0.5), nn.Linear(4, 4))
    operations = operations_of(count(network, (4,), layers=True))
    # Read 16 bytes, write them and which were kept.
    assert [
        (operation.read_bytes, operation.written_bytes)
        for operation in operations
        if operation.name == "native_dropout"
    ] == [(16, 32)]
    assert [kernel.kind for kernel in inference_kernels(operations)] == [KernelKind.PRODUCT] * 2
    assert (
        sum(kernel.kind is KernelKind.ELEMENTWISE for kernel in training_kernels(operations)) == 2 + 2
    )  # and SGD's passes


def test_attention_is_several_launches_of_one_module():
    network = nn.TransformerEncoderLayer(16, 2, 32, batch_first=True)
    profile = count(network, (5, 16), layers=True)
    assert sum(operation.flop for operation in operations_of(profile)) == profile.forward_flop
    attention = [layer for layer in profile.layers if layer.name.startswith("self_attn")]
    assert sum(called.calls for layer in attention for called in layer.operations if called.flop) >= 3


def test_layers_must_have_been_counted():
    with pytest.raises(NassimError, match="count the network with layers=True"):
        operations_of(count(nn.Linear(2, 2), (2,)))
