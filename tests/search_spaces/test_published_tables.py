"""Every architecture of the published tables, by look-up."""

import pytest
from published import table

from search_spaces.cell import Cell
from search_spaces.chain import Chain


@pytest.mark.parametrize(
    ("classes", "size", "macs", "params"),
    [
        (10, 32, "flops_M_cifar10", "params_M_cifar10valid"),
        (100, 32, "flops_M_cifar100", "params_M_cifar100"),
        (120, 16, "flops_M_imagenet16", "params_M_imagenet16_120"),
    ],
)
def test_nas_bench_201(classes, size, macs, params):
    rows = table("nasbench201/architectures.parquet")
    rows = rows[~rows.flops_inferred_from_isomorph]
    assert len(rows) == 15625 - 150
    cell = Cell(classes=classes, input_shape=(3, size, size))
    profiles = [cell.profile(Cell.from_string(text)) for text in rows.arch_str]
    assert [f"{cell.published_macs(profile) / 1e6:.6f}" for profile in profiles] == [f"{x:.6f}" for x in rows[macs]]
    assert [f"{profile.params / 1e6:.6f}" for profile in profiles] == [f"{x:.6f}" for x in rows[params]]


def test_nas_bench_macro():
    rows = table("nasbench_macro/nasbench_macro_cifar10.parquet").set_index("arch")
    chain = Chain()
    arrays = chain.table.arrays()
    names = [Chain.to_digits(architecture) for architecture in chain.enumerate()]
    assert len(names) == len(rows) == 6561
    assert arrays["params"].tolist() == rows.params[names].tolist()
    assert (arrays["forward_flop"] // 2).tolist() == rows.flops[names].tolist()
