"""Site: where the workers' devices are and on what terms, as an experiment file says it."""

from typing import Annotated, Any

from pydantic import BeforeValidator, Field
from pydantic_core import PydanticCustomError

from nassim.errors import NassimError
from nassim.hardware.terms import PUE_VALUES, STATED, pue_number
from nassim.spec import Spec, Text


def _pue(value: Any) -> Any:
    try:
        number = pue_number(value)
    except NassimError:
        number, value = None, None
    if number is None and not (isinstance(value, str) and value):
        raise PydanticCustomError("pue", "{wanted}", {"wanted": f"wanted {PUE_VALUES}"})
    return value if number is None else number


Pue = Annotated[float | str, BeforeValidator(_pue)]
"""A number of at least 1, or text."""


def _term(name: str, but: str = "") -> Any:
    """Return the field of a term: none by default, and described as elsewhere, but for what experiments say of it."""
    what, otherwise = STATED[name]
    return Field(None, description=f"{what}{but}; by default {otherwise}.")


class SiteSpec(Spec):
    """Where the workers' devices are and what they cost: what reports are priced by, and budgets in kWh, USD, gCO2e."""

    device: Text | None = _term("device")
    region: Text | None = _term("region")
    pue: Pue | None = _term("pue")
    provider: Text | None = _term("provider")
    billing: Text | None = _term("billing")
    catalogue: Text | None = _term("catalogue", ", relative to the experiment file's folder")
