"""Search spaces: `choose`, architectures, domains, subnets, supernets, elastic layers.

What a space's author needs is here by name; each is imported when it is first asked for, so that this package is light.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from nassim.space.architecture import Architecture
    from nassim.space.choosing import Choose
    from nassim.space.domain import Choice, Domain
    from nassim.space.elastic import BatchNorm2d, Conv2d, LayerNorm, Linear
    from nassim.space.search_space import SearchSpace
    from nassim.space.supernet import Supernet

_HOMES = {
    "Architecture": "architecture",
    "BatchNorm2d": "elastic",
    "Choice": "domain",
    "Choose": "choosing",
    "Conv2d": "elastic",
    "Domain": "domain",
    "LayerNorm": "elastic",
    "Linear": "elastic",
    "SearchSpace": "search_space",
    "Supernet": "supernet",
}

__all__ = [
    "Architecture",
    "BatchNorm2d",
    "Choice",
    "Choose",
    "Conv2d",
    "Domain",
    "LayerNorm",
    "Linear",
    "SearchSpace",
    "Supernet",
]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
