"""The published tables that tests read: samples that lie here, and the whole ones where NASSIM_TABLES says."""

import os
from pathlib import Path

import pytest

SAMPLES = Path(__file__).parent / "tables"


@pytest.fixture(scope="session", params=["sample", pytest.param("whole", marks=pytest.mark.slow)])
def tables(request) -> Path:
    """The folder of the tables: first of the samples, then, among the slow tests, of the whole ones."""
    if request.param == "sample":
        return SAMPLES
    if folder := os.environ.get("NASSIM_TABLES"):
        return Path(folder)
    pytest.skip("NASSIM_TABLES doesn't name a folder of the whole tables (tests/tables/README.md)")
