"""Keeping passwords out of messages, files and rows."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy.engine import URL

HIDDEN = "***"

# Greedy up to the last @: a password that should have been percent-encoded may hold any character but a space.
_USER_INFO = re.compile(r"([a-zA-Z][\w+.-]*://[^\s:/?#@]*):\S*@")
_SECRET_KEY = re.compile(r"pass|pwd|token|secret|key$", re.IGNORECASE)
_SECRET_PARAMETER = re.compile(r"([?&][\w-]*(?:pass|pwd|token|secret|key)[\w-]*=)[^&\s\"']*", re.IGNORECASE)


def without_credentials(value: Any) -> Any:
    """Return the text, or the JSON-like value with each text in it, with the passwords of URLs as `***`."""
    if isinstance(value, str):
        if "://" not in value:
            return value
        return _SECRET_PARAMETER.sub(rf"\1{HIDDEN}", _USER_INFO.sub(rf"\1:{HIDDEN}@", value))
    if isinstance(value, Mapping):
        return {key: without_credentials(item) for key, item in value.items()}
    if isinstance(value, Sequence):
        return [without_credentials(item) for item in value]
    return value


def secrets_of(url: URL) -> tuple[str, ...]:
    """Return the passwords that a URL holds, in its user part and in its parameters."""
    found = [str(url.password)] if url.password else []
    for key, values in url.normalized_query.items():
        if _SECRET_KEY.search(key):
            found += values
    return tuple(found)


def shown(url: URL) -> str:
    """Return the URL as text with each password as `***`."""
    return str(without_credentials(url.render_as_string(hide_password=True)))
