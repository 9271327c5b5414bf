"""The commands."""

import sys
from collections.abc import Mapping
from enum import StrEnum
from typing import Annotated

import typer

from nassim.errors import NassimError

DEFAULT_LEDGER = "sqlite:///nassim.db"

app = typer.Typer(
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
)


class Format(StrEnum):
    """How a report is written."""

    TEXT = "text"
    JSON = "json"


LedgerUrl = Annotated[
    str,
    typer.Option(
        "--ledger", envvar="NASSIM_LEDGER", metavar="URL", help="The ledger, for example sqlite:///nassim.db."
    ),
]
CatalogueFile = Annotated[
    str | None,
    typer.Option("--catalogue", metavar="FILE", help="A file that adds to the catalogue (docs/hardware.md)."),
]
Run = Annotated[str | None, typer.Argument(metavar="[RUN]", help="Name of a run; by default the latest.")]


def main() -> None:
    """Run the command line; mistakes of the user's are told in one message, without a traceback, with status 2."""
    try:
        app()
    except NassimError as error:
        print(f"nassim: {error}", file=sys.stderr)
        sys.exit(2)


def _print_version(wanted: bool) -> None:
    if wanted:
        from nassim import __version__

        print(__version__)
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[
        bool, typer.Option("--version", help="Print the version and exit.", is_eager=True, callback=_print_version)
    ] = False,
) -> None:
    """The cost of neural architecture search: all of it, next to the cost of the model that it found."""


@app.command()
def run(
    experiment: Annotated[str, typer.Argument(help="A YAML file, or the name of one that comes with nassim.")],
    name: Annotated[str | None, typer.Option(help="Name of the run; by default the experiment's and a number.")] = None,
    ledger: Annotated[
        str | None,
        typer.Option(envvar="NASSIM_LEDGER", metavar="URL", help="The ledger; by default the experiment's."),
    ] = None,
    workers: Annotated[int | None, typer.Option(min=1, max=100_000, help="How many Ray workers.")] = None,
    address: Annotated[str | None, typer.Option(help="The Ray cluster to join: host:port, or auto.")] = None,
    seed: Annotated[int | None, typer.Option(min=0, max=2**31 - 1, help="The run's seed.")] = None,
) -> None:
    """Run an experiment, show how it goes on, and report what it cost."""
    from nassim.cli.overriding import override
    from nassim.cli.watching import watch
    from nassim.experiment import load_experiment

    chosen = override(load_experiment(experiment), ledger=ledger, workers=workers, address=address, seed=seed)
    with watch() as observe:
        from nassim.run import execute  # takes seconds, so only now: a mistake in the file is told at once

        finished = execute(chosen, name=name, observe=observe)
    _end(finished, chosen.ledger)


@app.command()
def resume(run: Run = None, ledger: LedgerUrl = DEFAULT_LEDGER) -> None:
    """Go on with a run that was interrupted, or whose driver was killed."""
    from nassim.cli.watching import watch

    name = run or _latest(ledger)
    with watch() as observe:
        from nassim.run import resume as go_on

        go_on(name, ledger, observe=observe)
    _end(name, ledger)


@app.command()
def report(
    run: Run = None,
    format: Annotated[Format, typer.Option(help="Text for people, JSON for programs.")] = Format.TEXT,
    ledger: LedgerUrl = DEFAULT_LEDGER,
    device: Annotated[str | None, typer.Option(help="Price the run as if its seconds were on this device.")] = None,
    region: Annotated[str | None, typer.Option(help="Country, state or cloud region of the electricity.")] = None,
    pue: Annotated[
        str | None, typer.Option(help="Energy of the data centre over the devices': a number or a name.")
    ] = None,
    provider: Annotated[str | None, typer.Option(help="Whose prices; by default the first listed.")] = None,
    billing: Annotated[str | None, typer.Option(help="On what terms: on-demand, spot, ...")] = None,
    catalogue: CatalogueFile = None,
) -> None:
    """Report what a run cost, next to what the models it found cost, from the ledger alone.

    Region, PUE and prices are applied anew; those not given are the experiment's own, if it names any.
    """
    given = {"device": device, "region": region, "pue": pue, "provider": provider, "billing": billing}
    _report(run or _latest(ledger), format, ledger, {**given, "catalogue": catalogue})


@app.command()
def runs(ledger: LedgerUrl = DEFAULT_LEDGER) -> None:
    """List the runs in a ledger."""
    from rich.table import Table

    from nassim.cli.printing import print_plainly
    from nassim.ledger.store import Ledger

    table = Table("run", "status", "started", "experiment", "seed", box=None, pad_edge=False)
    for record in Ledger.open(ledger).runs():
        plan = record.experiment
        table.add_row(
            record.name, record.status, record.started_at, str(plan.get("name", "")), str(plan.get("seed", ""))
        )
    print_plainly(table)


@app.command()
def migrate(ledger: LedgerUrl = DEFAULT_LEDGER) -> None:
    """Bring a ledger that an earlier nassim wrote to this one's schema."""
    from nassim.ledger.store import Ledger

    before, now = Ledger(ledger).migrate()
    print(f"the ledger has schema {now}" + (f", it had {before}" if before != now else " already"))


@app.command()
def spaces() -> None:
    """List the installed search spaces."""
    from rich.table import Table

    from nassim.cli.printing import print_plainly
    from nassim.space.loading import list_spaces

    table = Table("space", "class", box=None, pad_edge=False)
    for name, target in list_spaces().items():
        table.add_row(name, target)
    print_plainly(table, "\nOne's own is named path/to/file.py:Class or module:Class.")


@app.command()
def devices(
    name: Annotated[str | None, typer.Argument(metavar="[NAME]", help="Show all about one, with its prices.")] = None,
    format: Annotated[Format, typer.Option(help="Text for people, JSON for programs.")] = Format.TEXT,
    catalogue: CatalogueFile = None,
) -> None:
    """List the devices that runs can be priced as."""
    from nassim.cli.listing import list_devices

    list_devices(name, catalogue, format is Format.JSON)


@app.command()
def regions(
    name: Annotated[str | None, typer.Argument(metavar="[NAME]", help="Show all about one.")] = None,
    format: Annotated[Format, typer.Option(help="Text for people, JSON for programs.")] = Format.TEXT,
    catalogue: CatalogueFile = None,
) -> None:
    """List countries, states, cloud regions with the carbon intensity of their electricity, and data centres' PUE."""
    from nassim.cli.listing import list_regions

    list_regions(name, catalogue, format is Format.JSON)


@app.command()
def calibrate(
    device: Annotated[str, typer.Option(help="What to measure: cpu or cuda.")] = "cpu",
    threads: Annotated[int, typer.Option(min=1, max=1024, help="CPU threads, as many as a worker has.")] = 1,
    address: Annotated[str | None, typer.Option(help="Measure each kind of node of this Ray cluster.")] = None,
) -> None:
    """Measure what this machine's device can do, in under a minute, and keep it for workers to know."""
    from nassim.cli.calibrating import calibrate

    calibrate(device, threads, address)


@app.command()
def profile(
    space: Annotated[str, typer.Argument(help="An installed space, module:Class or path/to/file.py:Class.")],
    architecture: Annotated[
        str | None, typer.Argument(help="JSON, or the space's own string; by default the range over the space.")
    ] = None,
    layers: Annotated[bool, typer.Option("--layers", help="Also each layer; needs an architecture.")] = False,
    parameter: Annotated[
        list[str] | None, typer.Option("--parameter", "-p", metavar="NAME=VALUE", help="Of the space; repeatable.")
    ] = None,
    format: Annotated[Format, typer.Option(help="Text for people, JSON for programs.")] = Format.TEXT,
) -> None:
    """Show what networks cost for one input: parameters, FLOP, bytes moved and held."""
    from nassim.cli.profile import show

    show(space, architecture, layers=layers, settings=parameter or [], as_json=format is Format.JSON)


@app.command()
def dashboard(
    run: Run = None,
    port: Annotated[int, typer.Option(min=1, max=65535, help="Where to listen on this machine.")] = 8080,
    ledger: LedgerUrl = DEFAULT_LEDGER,
) -> None:
    """Show a run's studies in optuna-dashboard, live or finished, until Ctrl-C."""
    from nassim.cli.serving import serve

    serve(run or _latest(ledger), ledger, port)


@app.command()
def export(
    optuna: Annotated[str, typer.Option("--optuna", metavar="URL", help="An Optuna storage.")],
    run: Run = None,
    ledger: LedgerUrl = DEFAULT_LEDGER,
) -> None:
    """Copy a run's studies into an ordinary Optuna storage."""
    from nassim.ledger.export import export_studies
    from nassim.ledger.store import Ledger

    run = run or _latest(ledger)
    for study in export_studies(Ledger.open(ledger).storage(run), run, optuna):
        print(study)


def _latest(ledger: str) -> str:
    from nassim.ledger.store import Ledger

    opened = Ledger.open(ledger)
    records = opened.runs()
    if not records:
        raise NassimError(f"the ledger {opened.url} has no runs yet; `nassim run EXPERIMENT` makes one")
    return records[-1].name


def _report(run: str, format: Format, ledger: str, terms: Mapping[str, str | None] | None = None) -> str:
    """Print a run's report and return its status."""
    from nassim.cli.printing import print_plainly, width
    from nassim.ledger.store import Ledger
    from nassim.report.bill import run_cost
    from nassim.report.json import to_json
    from nassim.report.reading import summarise
    from nassim.report.text import render

    opened = Ledger.open(ledger)
    summary = summarise(opened, run)
    cost = run_cost(opened, run, {name: term for name, term in (terms or {}).items() if term is not None})
    if format is Format.JSON:
        print(to_json(summary, cost))
    else:
        print_plainly(render(summary, cost, width()))
    return summary.status


def _end(run: str, ledger: str) -> None:
    """Report a run that has ended, and exit with what became of it."""
    status = _report(run, Format.TEXT, ledger)
    if status == "interrupted":
        print(f"\n`nassim resume {run}` goes on with it.")
        raise typer.Exit(130)
