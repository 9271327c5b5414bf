"""What a run leaves on disks: who may read it, and that no password is in it."""

import json
import os
import stat

import pytest
from postgresql import PASSWORD
from searching import FULL, experiment, run
from sqlalchemy import create_engine, text
from sqlalchemy.engine import make_url

from nassim.ledger.store import Ledger

ONE = FULL | {"trials": 1}


@pytest.mark.parametrize("umask", [0o002, 0o077], ids=oct)
def test_the_users_umask_says_who_may_read_and_write(tmp_path, umask):
    before = os.umask(umask)
    try:
        run(experiment(tmp_path, ONE))
    finally:
        os.umask(before)
    modes = {path: stat.S_IMODE(path.stat().st_mode) for path in tmp_path.rglob("*")}
    assert {path.name for path in modes} >= {"ledger.db", "run.json", "full.safetensors"}
    for path, mode in modes.items():
        assert mode == (0o777 if path.is_dir() else 0o666) & ~umask, path


def test_no_password_is_written_anywhere(tmp_path, postgresql_url, monkeypatch):
    monkeypatch.chdir(tmp_path)
    secrets = (PASSWORD, make_url(postgresql_url).render_as_string(hide_password=False).split("@")[0].split(":")[-1])
    site = {"region": f"https://me:{PASSWORD.replace(' ', '')}@example.org"}
    run(experiment(tmp_path, ONE, ledger=postgresql_url))
    Ledger(postgresql_url).create("another", {"site": site, "ledger": postgresql_url}, "now").save_aside(tmp_path)
    written = [path.read_bytes().decode(errors="replace") for path in tmp_path.rglob("*") if path.is_file()]
    with create_engine(make_url(postgresql_url).set(drivername="postgresql+psycopg")).connect() as connection:
        written += [json.dumps(list(map(list, connection.execute(text("SELECT experiment, about FROM nassim_runs")))))]
    assert len(written) > 3
    for secret in (*secrets, PASSWORD.replace(" ", "")):
        assert not [each for each in written if secret in each]
