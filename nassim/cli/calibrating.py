"""Calibrating: measures machines, keeps the results and shows them."""

from rich.table import Table

from nassim import units
from nassim.cli.printing import print_plainly
from nassim.hardware.machine import Machine


def calibrate(device: str, threads: int, address: str | None) -> None:
    """Measure this machine, or each kind of node of a cluster, keep what was measured and print it.

    Raises:
        NassimError: There is no such device or cluster, or the results can't be written.
    """
    from nassim.executors.calibrating import calibrate_here, keep

    if address is None:
        machines: tuple[Machine, ...] = (calibrate_here(device, threads),)
    else:
        from nassim.executors.ray_calibrating import calibrate_cluster

        machines = calibrate_cluster(address, device, threads)
    path = keep(machines)
    print_plainly(*map(_table, machines))
    print(f"Measured in FP32, and kept in {path}.")
    print("Workers take their peak rate from there, on such a device and with as many threads, unless it is listed.")


def _table(machine: Machine) -> Table:
    model = machine.model
    table = Table(box=None, pad_edge=False, show_header=False)
    table.add_column("", no_wrap=True)
    table.add_column("", overflow="fold")
    for name, value in (
        ("device", machine.device),
        ("threads", str(machine.threads)),
        ("peak rate", units.amount(machine.peak_flop_per_s, "FLOP/s")),
        ("memory bandwidth", units.amount(machine.bandwidth_bytes_per_s, "B/s")),
        ("compute efficiency", units.percent(model.compute_efficiency)),
        ("memory efficiency", units.percent(model.memory_efficiency)),
        ("reduction efficiency", units.percent(model.reduction_efficiency)),
        ("launch of a contraction", _us(model.contraction_launch_s)),
        ("launch of another kernel", _us(model.launch_s)),
        ("least time of a kernel", _us(model.kernel_s)),
        ("overhead of a step", _us(model.step_s)),
        ("", ""),
    ):
        table.add_row(name, value)
    return table


def _us(seconds: float) -> str:
    return f"{seconds * 1e6:.3g} us"
