"""Calibrating: measures machines, keeps the results and shows them."""

import sys

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
    for machine in machines:
        if machine.calibration and (at_most := machine.calibration.at_most):
            names = ", ".join(TITLES[name] for name in at_most)
            print(
                f"nassim: {machine.device}: {names} ended at the most that physics allows. Either the peak rates were "
                "measured too low (measure again while nothing else runs), or such kernels are predicted badly",
                file=sys.stderr,
            )


TITLES = {
    "compute_efficiency": "compute efficiency",
    "grouped_efficiency": "efficiency of grouped convolutions",
    "winograd_speedup": "Winograd's speed-up",
    "half_reduction": "products a result at half speed",
    "half_outputs": "results at half speed",
    "memory_efficiency": "memory efficiency",
    "reduction_efficiency": "reduction efficiency",
    "statistics_efficiency": "normalisation efficiency",
    "convolution_launch_s": "launch of a convolution",
    "launch_s": "launch of another kernel",
    "kernel_s": "least time of a kernel",
    "step_s": "overhead of a step",
}
"""The fitted parameters, as they are printed."""


def _table(machine: Machine) -> Table:
    table = Table(box=None, pad_edge=False, show_header=False)
    table.add_column("", no_wrap=True)
    table.add_column("", overflow="fold")
    table.add_row("device", machine.device)
    table.add_row("threads", str(machine.threads))
    table.add_row("peak rate", units.amount(machine.peak_flop_per_s, "FLOP/s"))
    table.add_row("memory bandwidth", units.amount(machine.bandwidth_bytes_per_s, "B/s"))
    if calibration := machine.calibration:
        for name, title in TITLES.items():
            table.add_row(title, _shown(name, getattr(calibration.model, name)))
        table.add_row("measured steps lie off by", units.percent(calibration.misfit))
    table.add_row("", "")
    return table


def _shown(parameter: str, value: float) -> str:
    if parameter.endswith("_efficiency"):
        return units.percent(value)
    return f"{value * 1e6:.3g} us" if parameter.endswith("_s") else f"{value:.3g}"
