"""Site: shows and keeps where the user's hardware is and what it costs there."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

from rich.table import Table

from nassim.cli.printing import print_plainly
from nassim.errors import NassimError
from nassim.hardware.own_site import check_site, own_site, save_site, site_file
from nassim.hardware.tariff import tariff
from nassim.hardware.terms import STATED, SaidBy, agree

ALL = "all"
HELP = (
    "Kept in {file}. An experiment's `site` goes before it, and options of `nassim report` before both. "
    "`nassim site --region DEU --pue 1.2` changes it, `nassim site --unset region` takes something back."
)


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
