"""The published tables, where they are at hand."""

from pathlib import Path

import pandas as pd
import pytest

DATA = Path(__file__).parents[2].parent / "shared" / "data"


def table(name):
    path = DATA / name
    if not path.exists():
        pytest.skip(f"no {name} in {DATA}")
    return pd.read_parquet(path)
