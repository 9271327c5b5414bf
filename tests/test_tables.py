"""The samples of published tables are what they are said to be."""

import pandas as pd
import pytest
from published import SAMPLES

NAMES = sorted(file.relative_to(SAMPLES) for file in SAMPLES.rglob("*.parquet"))


def test_every_sample_has_its_source_and_licence_beside_it():
    readme = (SAMPLES / "README.md").read_text(encoding="utf-8")
    assert len(NAMES) == 5
    for name in NAMES:
        assert f"`{name.as_posix()}`" in readme
        assert (SAMPLES / name.parent / "LICENSE").read_text(encoding="utf-8").count("Copyright") > 0
    assert sum(file.stat().st_size for file in SAMPLES.rglob("*")) < 300_000


@pytest.mark.parametrize("tables", [pytest.param("whole", marks=pytest.mark.slow)], indirect=True)
@pytest.mark.parametrize("name", NAMES, ids=str)
def test_a_sample_is_rows_of_the_whole_table(tables, name):
    sample, whole = pd.read_parquet(SAMPLES / name), pd.read_parquet(tables / name)
    assert len(sample.merge(whole.drop_duplicates())) == len(sample) > 300
