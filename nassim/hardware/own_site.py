"""The user's own site, kept in a file of theirs: what holds wherever an option or an experiment says nothing else."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from nassim.catalogue import did_you_mean
from nassim.durable import write_durably
from nassim.errors import NassimError
from nassim.hardware.tariff import tariff
from nassim.hardware.terms import STATED, SaidBy, Terms, agree, pue_number

Values = dict[str, str | float]
"""What is said, by its name in STATED."""

_REMEDY = "correct the file, or remove it and say it anew with `nassim site`"


def site_file() -> Path:
    """Return where the user's site is kept: nassim/site.yaml in XDG_CONFIG_HOME, or in ~/.config."""
    folder = os.environ.get("XDG_CONFIG_HOME", "")
    return Path(folder if os.path.isabs(folder) else os.path.expanduser("~/.config")) / "nassim" / "site.yaml"


def own_site() -> Values:
    """Return what the user's site says; nothing where there is no file.

    Raises:
        NassimError: The file can't be read, or says something that isn't so; the message names it and the remedy.
    """
    path = site_file()
    try:
        text = path.read_text(encoding="utf-8")
        values = yaml.safe_load(text)
    except FileNotFoundError:
        return {}
    except (OSError, ValueError, RecursionError, yaml.YAMLError) as error:
        reason = error.strerror if isinstance(error, OSError) else " ".join(str(error).split())
        raise NassimError(f"your site, {path}, can't be read: {reason}; {_REMEDY}") from error
    try:
        return check_site(values or {})
    except NassimError as error:
        raise NassimError(f"your site, {path}: {error}; {_REMEDY}") from error


def check_site(values: Any) -> Values:
    """Return what somebody says of a site, all of it looked up.

    Args:
        values: A mapping of names in STATED to text; `pue` may be a number too.

    Raises:
        NassimError: A name or a value is not what it may be.
    """
    if not isinstance(values, Mapping):
        raise NassimError(f"found no mapping; any of {', '.join(STATED)}, each with its value")
    checked: Values = {}
    for name, value in values.items():
        if name not in STATED:
            raise NassimError(f"found {name!r}{did_you_mean(str(name), STATED)}; any of {', '.join(STATED)}")
        checked[name] = (pue_number(value) if name == "pue" else None) or _text(name, value)
    tariff(agree({SaidBy.SITE: checked}), ())
    return checked


def _text(name: str, value: Any) -> str:
    if not isinstance(value, str) or not value.strip() or not value.isprintable():
        raise NassimError(f"{name}: found {value!r}; text on one line")
    return value.strip()


def save_site(values: Values) -> Path:
    """Write what the user's site says in place of what it said, and return where.

    Raises:
        NassimError: The file can't be written.
    """
    path = site_file()
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_durably(path, yaml.safe_dump(values, allow_unicode=True, sort_keys=False).encode())
    except OSError as error:
        raise NassimError(
            f"your site can't be written to {path}: {error.strerror}; set XDG_CONFIG_HOME to a folder that can be"
        ) from error
    return path


def terms_of(experiment: Mapping[str, Any], given: Mapping[str, Any] | None = None, strict: bool = False) -> Terms:
    """Return the terms that hold for an experiment's runs.

    Args:
        experiment: The experiment, as the ledger keeps it.
        given: What options say.
        strict: Whether what nobody says stays unknown.

    Raises:
        NassimError: The file of the user's site can't be read, or says something that isn't so.
    """
    said = {SaidBy.OPTION: given or {}, SaidBy.EXPERIMENT: experiment.get("site") or {}, SaidBy.SITE: own_site()}
    joined = (experiment.get("executor") or {}).get("address")
    return agree(said, cluster=joined is not None, strict=strict)
