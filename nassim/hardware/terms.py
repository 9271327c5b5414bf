"""Terms: what is said of where hardware is and what it costs, by name, and who says it."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, NamedTuple

from nassim.errors import NassimError, shorten


class Meaning(NamedTuple):
    """Something that can be said of the site.

    Attributes:
        what: What it is.
        otherwise: What holds where nobody says it.
    """

    what: str
    otherwise: str


STATED: Mapping[str, Meaning] = {
    "device": Meaning(
        "Device that a worker's seconds are priced as (`nassim devices`)",
        "what the lease of a worker names, or what is closest to it in the catalogue",
    ),
    "region": Meaning("Country, state or cloud region of the electricity (`nassim regions`)", "the world's average"),
    "pue": Meaning(
        "Energy of the data centre over that of its computers: a number, or whose (`nassim regions`)",
        "1 for one machine, data centres' average for a cluster",
    ),
    "provider": Meaning("Whose prices", "the first listed for the device"),
    "billing": Meaning("On what terms: on-demand, spot, preemptible, ...", "on-demand"),
    "catalogue": Meaning("A file that adds to the catalogue (docs/hardware.md)", "the shipped one alone"),
}
"""What can be said, by name."""

LONGEST_SHOWN = 60
"""Characters of a value that a message shows."""
PUE_VALUES = "a number of at least 1, or a name that `nassim regions` lists"


def pue_number(value: Any) -> float | None:
    """Return a PUE as a number; None for what is no number, and may be a name.

    Raises:
        NassimError: The number is no PUE.
    """
    try:
        number = math.nan if isinstance(value, bool) else float(value)
    except OverflowError:
        number = math.inf
    except (TypeError, ValueError):
        return None
    if not 1 <= number < math.inf:
        raise NassimError(f"found the PUE {shorten(str(value), LONGEST_SHOWN)}; {PUE_VALUES}")
    return number


class SaidBy(StrEnum):
    """Who says something, the one who is heard first first."""

    OPTION = "option"
    """An option of the command."""
    EXPERIMENT = "experiment"
    """The experiment's `site`."""
    SITE = "site"
    """The user's own site: `nassim site`."""


@dataclass(frozen=True, slots=True)
class Terms:
    """What is said of hardware's place: names, not yet looked up. What nobody says is None.

    Attributes:
        device: Device to price all seconds as; None for those that the leases name.
        region: Country, state or cloud region.
        pue: A number of at least 1, or the id of one in the catalogue.
        provider: Whose prices; None takes the first listed.
        billing: On what terms; None is on demand.
        catalogue: A file that adds to the catalogue.
        own_device: What the user's hardware is, where the catalogue doesn't list what its leases name.
        cluster: Whether the hardware is a cluster's, and not one machine; for the PUE to assume.
        strict: Whether what nobody says stays unknown. Otherwise defaults are assumed for it.
        origins: Who says each of what is said.
    """

    device: str | None = None
    region: str | None = None
    pue: str | float | None = None
    provider: str | None = None
    billing: str | None = None
    catalogue: str | None = None
    own_device: str | None = None
    cluster: bool = False
    strict: bool = False
    origins: tuple[tuple[str, SaidBy], ...] = field(default=(), compare=False)

    @property
    def stated(self) -> dict[str, tuple[str | float | None, SaidBy | None]]:
        """What is said, by its name in STATED, and who says it."""
        origins = dict(self.origins)
        values = {name: getattr(self, name) for name in STATED} | {"device": self.device or self.own_device}
        return {name: (value, origins.get(name)) for name, value in values.items()}


def agree(said: Mapping[SaidBy, Mapping[str, Any]], *, cluster: bool = False, strict: bool = False) -> Terms:
    """Return the terms of which each is what the first says who says anything of it.

    A device that an option or the experiment names is what all seconds are priced as; one that the user's site names
    is what hardware is taken for that the catalogue doesn't list, or a run on other hardware would be priced as it.

    Args:
        said: For each who says something the values by their names in STATED; None is nothing said.
        cluster: As in Terms.
        strict: As in Terms.
    """
    found: dict[str, tuple[Any, SaidBy]] = {}
    for origin in SaidBy:
        for name in STATED:
            value = said.get(origin, {}).get(name)
            if value is not None:
                found.setdefault(name, (value, origin))
    values = {name: value for name, (value, _) in found.items()}
    if "device" in found and found["device"][1] is SaidBy.SITE:
        values["own_device"] = values.pop("device")
    origins = tuple((name, origin) for name, (_, origin) in found.items())
    return Terms(**values, cluster=cluster, strict=strict, origins=origins)
