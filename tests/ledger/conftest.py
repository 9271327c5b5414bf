"""Each test that asks for `url` or `ledger` runs on SQLite and on a real PostgreSQL server."""

from collections.abc import Iterator

import pytest

from nassim.ledger.store import Ledger


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request, tmp_path) -> str:
    if request.param == "postgresql":
        return request.getfixturevalue("postgresql_url")
    return f"sqlite:///{tmp_path / 'ledger.db'}"


@pytest.fixture
def ledger(url) -> Iterator[Ledger]:
    with Ledger(url) as ledger:
        yield ledger
