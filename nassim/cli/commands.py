"""The commands."""

import sys
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Any

import typer
from typer.core import TyperGroup

from nassim.cli.interrupting import tell
from nassim.errors import Interrupted, NassimError
from nassim.hardware.terms import STATED

if TYPE_CHECKING:
    from nassim.notices import Observe

DEFAULT_LEDGER = "sqlite:///nassim.db"


class _Commands(TyperGroup):
    def invoke(self, ctx: Any) -> Any:
        """Call a command. Typer would end it without a word on any KeyboardInterrupt, with status 130."""
        try:
            return super().invoke(ctx)
        except Interrupted as error:
            raise typer.Exit(tell(error)) from None


app = typer.Typer(
    cls=_Commands,
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
CatalogueFile = Annotated[str | None, typer.Option("--catalogue", metavar="FILE", help=f"{STATED['catalogue'].what}.")]
Region = Annotated[str | None, typer.Option(help=f"{STATED['region'].what}.")]
Pue = Annotated[str | None, typer.Option(help=f"{STATED['pue'].what}.")]
Provider = Annotated[str | None, typer.Option(help=f"{STATED['provider'].what}.")]
Billing = Annotated[str | None, typer.Option(help=f"{STATED['billing'].what}.")]
Strict = Annotated[bool, typer.Option("--strict", help="Assume nothing: what nobody says is unknown.")]
Run = Annotated[str | None, typer.Argument(metavar="[RUN]", help="Name of a run; by default the latest.")]


def run_command() -> None:
    """Run the command line; mistakes of the user's are told in one message, without a traceback, with status 2."""
    from nassim.cli.output import lenient, note

    try:
        with lenient():
            app()
    except NassimError as error:
        note(str(error))
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
    strict: Strict = False,
) -> None:
    """Run an experiment, show how it goes on, and report what it cost.

    The exit status is 0 when all is done; 1 when the run failed, after the report of what it came to; 2 for a mistake,
    before anything is started; 130 when Ctrl-C interrupted it, 143 when SIGTERM did.
    """
    from nassim.cli.running import follow, override
    from nassim.experiment import load_experiment, located

    chosen = override(load_experiment(experiment), ledger=ledger, workers=workers, address=address, seed=seed)

    def drive(observe: "Observe") -> None:
        from nassim.executors.clock import process_age_s
        from nassim.run import execute  # takes seconds, so only now: a mistake in the file is told at once

        with located(experiment):
            execute(chosen, name=name, observe=observe, strict=strict, since_s=process_age_s())

    searches = ", ".join(search.name for search in chosen.searches)
    follow(drive, chosen.ledger, strict, f"starting experiment {chosen.name}: {searches}")


@app.command()
def resume(
    run: Run = None,
    ledger: LedgerUrl = DEFAULT_LEDGER,
    strict: Strict = False,
    trust: Annotated[
        bool, typer.Option("--trust", help="Run the code of its space though it is not what the run began with.")
    ] = False,
) -> None:
    """Go on with a run that was interrupted, or whose driver was killed.

    That imports its search space, which the ledger names. Where the space's code is not what the run began with, it is
    asked first; without a terminal, --trust says so beforehand.
    """
    from nassim.cli.running import follow, is_trusted, opening
    from nassim.ledger.store import Ledger

    name = run or _latest(ledger)
    record = Ledger.open(ledger).run(name)
    trusted = trust or is_trusted(record)

    def drive(observe: "Observe") -> None:
        from nassim.executors.clock import process_age_s
        from nassim.run import resume as go_on

        go_on(name, ledger, observe=observe, strict=strict, since_s=process_age_s(), trust=trusted)

    follow(drive, ledger, strict, opening(record))


@app.command()
def report(
    run: Run = None,
    format: Annotated[Format, typer.Option(help="Text for people, JSON for programs.")] = Format.TEXT,
    ledger: LedgerUrl = DEFAULT_LEDGER,
    device: Annotated[str | None, typer.Option(help="Price the run as if its seconds were on this device.")] = None,
    region: Region = None,
    pue: Pue = None,
    provider: Provider = None,
    billing: Billing = None,
    catalogue: CatalogueFile = None,
    strict: Strict = False,
) -> None:
    """Report what a run cost, next to what the models it found cost, from the ledger alone.

    Region, PUE and prices are applied anew: those given; or else those of the experiment's `site`, or else of one's own
    (`nassim site`). What nobody says is assumed, and marked.
    """
    from nassim.cli.running import report as print_report

    given = {"device": device, "region": region, "pue": pue, "provider": provider, "billing": billing}
    as_json = format is Format.JSON
    print_report(
        run or _latest(ledger), ledger, as_json=as_json, given={**given, "catalogue": catalogue}, strict=strict
    )


@app.command()
def site(
    device: Annotated[str | None, typer.Option(help="What hardware is that the catalogue doesn't list.")] = None,
    region: Region = None,
    pue: Pue = None,
    provider: Provider = None,
    billing: Billing = None,
    catalogue: CatalogueFile = None,
    unset: Annotated[list[str] | None, typer.Option(metavar="NAME", help="Take this back, or all; repeatable.")] = None,
    format: Annotated[Format, typer.Option(help="Text for people, JSON for programs.")] = Format.TEXT,
) -> None:
    """Say once for all where this user's hardware is and what it costs; show what holds."""
    from nassim.cli.hardware import keep_site, show_site

    given = {"device": device, "region": region, "pue": pue, "provider": provider, "billing": billing}
    keep_site({**given, "catalogue": catalogue}, unset or ())
    show_site(format is Format.JSON)


@app.command()
def runs(ledger: LedgerUrl = DEFAULT_LEDGER) -> None:
    """List the runs in a ledger."""
    from rich.table import Table
    from rich.text import Text

    from nassim.cli.printing import print_plainly
    from nassim.ledger.store import Ledger

    table = Table("run", "status", "started", "experiment", "seed", box=None, pad_edge=False)
    for record in Ledger.open(ledger).runs():
        plan = record.experiment
        status = f"{record.status}, simulated" if record.simulated else record.status
        table.add_row(record.name, status, record.started_at, Text(plan.get("name", "")), str(plan.get("seed", "")))
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
    from nassim.space.catalogue import SPACES

    table = Table("space", "class", box=None, pad_edge=False)
    for name, target in SPACES.list().items():
        table.add_row(name, target)
    print_plainly(table, "\nOne's own is named path/to/file.py:Class or module:Class.")


@app.command()
def devices(
    name: Annotated[str | None, typer.Argument(metavar="[NAME]", help="Show all about one, with its prices.")] = None,
    format: Annotated[Format, typer.Option(help="Text for people, JSON for programs.")] = Format.TEXT,
    catalogue: CatalogueFile = None,
) -> None:
    """List the devices that runs can be priced as."""
    from nassim.cli.hardware import list_devices

    list_devices(name, catalogue, format is Format.JSON)


@app.command()
def regions(
    name: Annotated[str | None, typer.Argument(metavar="[NAME]", help="Show all about one.")] = None,
    format: Annotated[Format, typer.Option(help="Text for people, JSON for programs.")] = Format.TEXT,
    catalogue: CatalogueFile = None,
) -> None:
    """List countries, states, cloud regions with the carbon intensity of their electricity, and data centres' PUE."""
    from nassim.cli.hardware import list_regions

    list_regions(name, catalogue, format is Format.JSON)


@app.command()
def calibrate(
    device: Annotated[str, typer.Option(help="What to measure: cpu or cuda.")] = "cpu",
    threads: Annotated[int, typer.Option(min=1, max=1024, help="CPU threads, as many as a worker has.")] = 1,
    address: Annotated[str | None, typer.Option(help="Measure each kind of node of this Ray cluster.")] = None,
) -> None:
    """Measure what this machine's device can do, in under a minute, and keep it for workers to know."""
    from nassim.cli.hardware import calibrate

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
def model(
    name: Annotated[
        str | None,
        typer.Argument(
            metavar="[RUN/SEARCH]",
            help="RUN alone where it has one search, SEARCH alone for the latest run; by default both.",
        ),
    ] = None,
    output: Annotated[
        str | None, typer.Option("--output", "-o", metavar="DIR", help="Write the model to this folder.")
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Write also into a folder with files.")] = False,
    onnx: Annotated[bool, typer.Option("--onnx", help="Write it as ONNX too; needs nassim[onnx].")] = False,
    ledger: LedgerUrl = DEFAULT_LEDGER,
) -> None:
    """Hand over a found model, trained, in a folder; without -o list those that there are."""
    from nassim.cli.results import hand_over, list_models

    if output is not None:
        hand_over(ledger, name, output, force=force, onnx=onnx)
    elif force or onnx or (name is not None and "/" in name):
        raise NassimError("a model is written to a folder, and none is given: `nassim model RUN/SEARCH -o DIR`")
    else:
        list_models(ledger, name)


@app.command()
def dashboard(
    run: Run = None,
    port: Annotated[int, typer.Option(min=1, max=65535, help="Where to listen on this machine.")] = 8080,
    ledger: LedgerUrl = DEFAULT_LEDGER,
) -> None:
    """Show a run's studies in optuna-dashboard, live or finished, until Ctrl-C."""
    from nassim.cli.results import serve

    serve(run or _latest(ledger), ledger, port)


@app.command()
def export(
    optuna: Annotated[str, typer.Option("--optuna", metavar="URL", help="An Optuna storage.")],
    run: Run = None,
    ledger: LedgerUrl = DEFAULT_LEDGER,
) -> None:
    """Copy a run's studies into an ordinary Optuna storage, with what they cost as attributes."""
    from nassim.ledger.export import export_studies
    from nassim.ledger.store import Ledger

    for study in export_studies(Ledger.open(ledger), run or _latest(ledger), optuna):
        print(study)


def _latest(ledger: str) -> str:
    from nassim.ledger.store import Ledger

    opened = Ledger.open(ledger)
    records = opened.runs()
    if not records:
        raise NassimError(f"the ledger {opened.url} has no runs yet; `nassim run EXPERIMENT` makes one")
    return records[-1].name
