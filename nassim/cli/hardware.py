"""Hardware: what is known of it in the catalogue, what is said of one's own, and what is measured."""

import json
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from rich.table import Table

from nassim import units
from nassim.cli.printing import print_plainly
from nassim.errors import NassimError
from nassim.hardware.catalogue import load_catalogue
from nassim.hardware.listing import Rows, device_rows, price_rows, pue_rows, region_rows
from nassim.hardware.machine import Machine
from nassim.hardware.own_site import check_site, own_site, save_site, site_file
from nassim.hardware.tariff import tariff
from nassim.hardware.terms import STATED, SaidBy, agree

FITTED = {
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

DEVICE_COLUMNS = {
    "device": "device",
    "kind": "kind",
    "year": "year",
    "processors": "processors",
    "fp32_tflop_per_s": "FP32 TFLOP/s",
    "tensor16_tflop_per_s": "16-bit TFLOP/s",
    "memory_gb": "memory GB",
    "bandwidth_gb_per_s": "GB/s",
    "max_w": "rated W",
}
REGION_COLUMNS = {"region": "region", "name": "name", "gco2e_per_kwh": "gCO2e/kWh", "year": "year", "source": "source"}
LONG = ("name", "source")
"""Columns that may take several lines."""
PUE_COLUMNS = {"id": "PUE of", "name": "name", "pue": "PUE", "year": "year", "source": "source"}

ALL = "all"
HELP = (
    "Kept in {file}. An experiment's `site` goes before it, and options of `nassim report` before both. "
    "`nassim site --region DEU --pue 1.2` changes it, `nassim site --unset region` takes something back."
)


def list_devices(name: str | None, file: str | None, as_json: bool) -> None:
    """Print the devices; or all about one of them, with its prices.

    Raises:
        NassimError: There is no such device, or the file is wrong.
    """
    catalogue = load_catalogue(Path(file) if file else None)
    devices, prices = device_rows(catalogue), price_rows(catalogue)
    if name is not None:
        wanted = catalogue.find_device(name).id
        devices, prices = ([row for row in rows if row["device"] == wanted] for rows in (devices, prices))
    if as_json:
        print(json.dumps({"devices": devices, "prices": prices}, indent=2, ensure_ascii=False))
    elif name is None:
        print_plainly(
            _table(devices, DEVICE_COLUMNS),
            "\nOf a whole device, which its processors share. `nassim devices NAME` shows one with prices, sources.",
        )
    else:
        print_plainly(*(_all_of(row) for row in (*devices, *prices)))


def list_regions(name: str | None, file: str | None, as_json: bool) -> None:
    """Print grids and data centres; or all about one of them.

    Raises:
        NassimError: There is none of that name, or the file is wrong.
    """
    catalogue = load_catalogue(Path(file) if file else None)
    regions, pues = region_rows(catalogue), pue_rows(catalogue)
    if name is not None:
        try:
            regions, pues = [row for row in regions if row["region"] == catalogue.find_grid(name).id], []
        except NassimError:
            if name not in catalogue.pues:
                raise
            regions, pues = [], [row for row in pues if row["id"] == name]
    if as_json:
        print(json.dumps({"regions": regions, "pue": pues}, indent=2, ensure_ascii=False))
    elif name is None:
        print_plainly(_table(regions, REGION_COLUMNS), "", _table(pues, PUE_COLUMNS), "\nAverages over a year.")
    else:
        print_plainly(*(_all_of(row) for row in (*regions, *pues)))


def _table(rows: Rows, columns: dict[str, str]) -> Table:
    table = Table(box=None, pad_edge=False)
    for key, title in columns.items():
        numeric = any(isinstance(row[key], (int, float)) for row in rows)
        table.add_column(title, justify="right" if numeric else "left", overflow="fold", no_wrap=key not in LONG)
    for row in rows:
        table.add_row(*(_cell(row[key]) for key in columns))
    return table


def _all_of(row: dict[str, str | float | None]) -> Table:
    table = Table(box=None, pad_edge=False, show_header=False)
    for key, value in row.items():
        table.add_row(key, _cell(value))
    table.add_row("", "")
    return table


def _cell(value: str | float | None) -> str:
    if value is None:
        return units.UNKNOWN
    return value if isinstance(value, str) else f"{value:g}"


def keep_site(given: Mapping[str, str | None], unset: Sequence[str]) -> None:
    """Change the user's site, if anything is given, and write its file.

    Raises:
        NassimError: The file can't be read or written, or what is given can't be found; nothing is changed then.
    """
    changes = {name: value for name, value in given.items() if value is not None}
    gone = tuple(STATED) if ALL in unset else tuple(unset)
    if odd := [name for name in gone if name not in STATED]:
        raise NassimError(f"found --unset {odd[0]}; any of {', '.join(STATED)}, or {ALL}")
    if both := [name for name in changes if name in gone]:
        raise NassimError(f"--{both[0]} is given and unset; do one of the two")
    if not changes and not gone:
        return
    if "catalogue" in changes:
        changes["catalogue"] = str(Path(changes["catalogue"]).absolute())
    kept = {} if ALL in unset else own_site()
    values = {name: value for name, value in kept.items() if name not in gone} | changes
    save_site(check_site(values))


def show_site(as_json: bool) -> None:
    """Print what holds, where each comes from, and what it comes to.

    Raises:
        NassimError: The file can't be read, or says something that isn't so.
    """
    values = own_site()
    rates = tariff(agree({SaidBy.SITE: values}), ())
    if as_json:
        terms = {name: {"value": values.get(name), "default": term.otherwise} for name, term in STATED.items()}
        document = {"file": str(site_file()), **terms, "applied": rates.basis, "assumed": rates.assumed}
        print(json.dumps(document, indent=2, ensure_ascii=False))
        return
    table = Table(box=None, pad_edge=False)
    for title in ("", "holds", "from"):
        table.add_column(title, overflow="fold")
    for name, term in STATED.items():
        table.add_row(name, str(values.get(name, term.otherwise)), "your site" if name in values else "assumed")
    print_plainly(
        table, "", *(f"{line}." for line in (*rates.basis, *rates.assumed)), "", HELP.format(file=site_file())
    )


def calibrate(device: str, threads: int, address: str | None) -> None:
    """Measure this machine, or each kind of node of a cluster, keep what was measured and print it.

    Raises:
        NassimError: There is no such device or cluster, or the results can't be written.
    """
    from nassim.executors.calibrating import calibrate_here, keep

    if address is None:
        machines: tuple[Machine, ...] = (calibrate_here(device, threads),)
    else:
        from nassim.executors.ray.calibrating import calibrate_cluster

        machines = calibrate_cluster(address, device, threads)
    path = keep(machines)
    print_plainly(*map(_measured, machines))
    print(f"Measured in FP32, and kept in {path}.")
    print("Workers take their peak rate from there, on such a device and with as many threads, unless it is listed.")
    for machine in machines:
        if machine.calibration and (at_most := machine.calibration.at_most):
            names = ", ".join(FITTED[name] for name in at_most)
            print(
                f"nassim: {machine.device}: {names} ended at the most that physics allows. Either the peak rates were "
                "measured too low (measure again while nothing else runs), or such kernels are predicted badly",
                file=sys.stderr,
            )


def _measured(machine: Machine) -> Table:
    table = Table(box=None, pad_edge=False, show_header=False)
    table.add_column("", no_wrap=True)
    table.add_column("", overflow="fold")
    table.add_row("device", machine.device)
    table.add_row("threads", str(machine.threads))
    table.add_row("peak rate", units.amount(machine.peak_flop_per_s, "FLOP/s"))
    table.add_row("memory bandwidth", units.amount(machine.bandwidth_bytes_per_s, "B/s"))
    if calibration := machine.calibration:
        for name, title in FITTED.items():
            table.add_row(title, _shown(name, getattr(calibration.model, name)))
        table.add_row("measured steps lie off by", units.percent(calibration.misfit))
    table.add_row("", "")
    return table


def _shown(parameter: str, value: float) -> str:
    if parameter.endswith("_efficiency"):
        return units.percent(value)
    return f"{value * 1e6:.3g} us" if parameter.endswith("_s") else f"{value:.3g}"
