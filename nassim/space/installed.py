"""The search spaces that packages install."""

from importlib.metadata import entry_points

GROUP = "nassim.search_spaces"
"""The entry-point group under which packages install search spaces."""


def list_spaces() -> dict[str, str]:
    """Return the installed spaces: name to `module:Class`, without importing them."""
    return {entry.name: entry.value for entry in sorted(entry_points(group=GROUP), key=lambda entry: entry.name)}


def package_of(name: str) -> tuple[str, str] | None:
    """Return the name and the version of the package that installs a space; None where none does."""
    for entry in entry_points(group=GROUP):
        if entry.name == name and entry.dist is not None:
            return entry.dist.name, entry.dist.version
    return None
