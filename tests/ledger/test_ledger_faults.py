"""The database locked, gone for a while, gone for good, full; and an answer that is lost on its way."""

import os
import signal
import socket
import sqlite3
import subprocess
import threading
from contextlib import contextmanager, suppress
from dataclasses import replace

import optuna
import pytest
from ledger_samples import closing, lap, lease, new_run
from postgresql import backends

from nassim.errors import NassimError
from nassim.executors.clock import utc
from nassim.ledger import unwritten
from nassim.ledger.errors import LedgerUnavailable
from nassim.ledger.store import Ledger
from nassim.ledger.writer import Writer


def test_a_ledger_that_was_closed_is_written_on(tmp_path):
    ledger = Ledger(f"sqlite:///{tmp_path / 'ledger.db'}")
    writer = new_run(ledger)
    for number in range(5):
        writer.append(lap(float(number)))
        writer.commit()
        ledger.close()
        (tmp_path / f"takes-the-inode-of-the-log-{number}").touch()
    assert len(ledger.frame("run")) == 5


def test_a_locked_database_keeps_the_buffer_and_a_later_commit_writes_it(tmp_path):
    file = tmp_path / "ledger.db"
    ledger = Ledger(f"sqlite:///{file}?timeout=0.05")
    writer = new_run(ledger)
    other = sqlite3.connect(file, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    seqs = [writer.append(lap(0.0))]
    with pytest.raises(LedgerUnavailable, match=r"locked. Another program holds it.*1 postings of run run are kept"):
        writer.commit()
    seqs.append(writer.append(lap(1.0)))
    with pytest.raises(LedgerUnavailable):
        writer.commit()
    assert writer.pending == 2
    other.execute("ROLLBACK")
    writer.commit()
    assert ledger.frame("run")["seq"].tolist() == seqs


def test_readers_and_the_writer_do_not_wait_for_each_other(tmp_path):
    file = tmp_path / "ledger.db"
    ledger = Ledger(f"sqlite:///{file}?timeout=0.05")
    writer = new_run(ledger)
    reader = sqlite3.connect(file, isolation_level=None)
    reader.execute("BEGIN")
    reader.execute("SELECT count(*) FROM nassim_entries").fetchall()
    writer.append(lap(0.0))
    writer.commit()
    blocker = sqlite3.connect(file, isolation_level=None)
    blocker.execute("BEGIN IMMEDIATE")
    assert len(ledger.frame("run")) == 1


class TestPostgresqlAway:
    @pytest.fixture
    def server(self, postgresql_server):
        yield postgresql_server
        with suppress(AssertionError):  # The test may have left it stopped.
            postgresql_server.stop()
        postgresql_server.start()

    def test_a_restart_is_sat_out(self, server):
        ledger = Ledger(server.new_database())
        writer = new_run(ledger)
        seqs = [writer.append(lap(0.0))]
        writer.commit()
        server.stop()
        seqs.append(writer.append(lap(1.0)))
        for _ in range(2):
            with pytest.raises(LedgerUnavailable, match="Is the server running"):
                writer.commit()
        seqs.append(writer.append(lap(2.0)))
        server.start()
        writer.commit()
        assert ledger.frame("run")["seq"].tolist() == seqs

    def test_a_restart_between_two_commits_is_not_even_noticed(self, server):
        ledger = Ledger(server.new_database())
        writer = new_run(ledger)
        server.stop()
        server.start()
        writer.append(lap(0.0))
        writer.commit()
        assert len(ledger.frame("run")) == 1

    def test_gone_for_good_is_saved_aside_and_taken_in_once(self, server, tmp_path):
        url = server.new_database()
        writer = new_run(Ledger(url))
        server.stop()
        writer.append(lap(0.0))
        with pytest.raises(LedgerUnavailable):
            writer.close("failed")
        file = writer.save_aside(tmp_path)
        server.start()
        ledger = Ledger(url)
        assert ledger.frame("run").empty
        ledger.resume("run", aside=tmp_path)
        assert len(ledger.frame("run")) == 1
        assert not file.exists()


def test_a_server_that_stalls_in_mid_commit_is_away_and_nothing_is_lost(postgresql_server, monkeypatch):
    monkeypatch.setattr("nassim.ledger.database.WRITE_ANSWER_S", 0.3)
    monkeypatch.setattr("nassim.ledger.engines.BUSY_TIMEOUT_S", 1)
    ledger = Ledger(postgresql_server.new_database())
    writer = new_run(ledger)
    seqs = [writer.append(lap(0.0))]
    stopped, claim = [], Writer._claim

    def stall(writer, connection, upto):
        arrived = claim(writer, connection, upto)
        stopped.extend(backends(postgresql_server))
        for pid in stopped:
            os.kill(pid, signal.SIGSTOP)
        return arrived

    with monkeypatch.context() as patch:
        patch.setattr(Writer, "_claim", stall)
        with pytest.raises(LedgerUnavailable, match=r"it has not answered for 0\.3 s. 1 postings of run run"):
            writer.commit()
    for pid in stopped:
        os.kill(pid, signal.SIGCONT)
    seqs.append(writer.append(lap(1.0)))
    writer.commit()
    assert ledger.frame("run")["seq"].tolist() == seqs


@contextmanager
def deaf(server, deafness):
    """A way to the server on which the answer to a COMMIT gets lost while `deafness` is set: (host, port)."""
    listener = socket.create_server(("127.0.0.1", 0))

    def forward(source, target, from_client, both):
        while data := _received(source):
            if not from_client and both["committing"] and deafness.is_set():
                deafness.clear()
                break
            if from_client:
                both["committing"] = b"COMMIT" in data
            target.sendall(data)
        for end in (source, target):
            _shut(end)

    def serve():
        while True:
            try:
                client, _ = listener.accept()
            except OSError:
                return
            upstream = socket.socket(socket.AF_UNIX)
            upstream.connect(f"{server.folder}/.s.PGSQL.5432")
            both = {"committing": False}
            threading.Thread(target=forward, args=(client, upstream, True, both), daemon=True).start()
            threading.Thread(target=forward, args=(upstream, client, False, both), daemon=True).start()

    threading.Thread(target=serve, daemon=True).start()
    try:
        yield listener.getsockname()
    finally:
        listener.close()


def _received(source):
    try:
        return source.recv(65536)
    except OSError:
        return b""


def _shut(end):
    with suppress(OSError):
        end.shutdown(socket.SHUT_RDWR)


def test_a_commit_whose_answer_was_lost_posts_nothing_twice(postgresql_server, tmp_path):
    url = postgresql_server.new_database()
    deafness = threading.Event()
    with deaf(postgresql_server, deafness) as (host, port):
        over_tcp = url.replace("@/", f"@{host}:{port}/").split("?")[0] + "?sslmode=disable"
        writer = new_run(Ledger(over_tcp))
        study = optuna.create_study(storage=writer.storage(utc))
        seqs = []
        for i in range(3):
            study.tell(study.ask(), 0.5)
            seqs.append(writer.append(lap(float(i))))
            deafness.set()
            with pytest.raises(LedgerUnavailable):
                writer.commit()
            assert not deafness.is_set(), "the COMMIT had reached the server"
            assert len(Ledger(url).frame("run")) == i + 1, "and had been done"
            if i == 1:
                writer.save_aside(tmp_path)
        seqs.append(writer.append(lap(3.0)))
        writer.commit()
        assert writer.pending == 0
    ledger = Ledger(url)
    assert ledger.frame("run")["seq"].tolist() == seqs
    again = ledger.resume("run", aside=tmp_path)
    assert ledger.frame("run")["seq"].tolist() == seqs
    assert len(optuna.load_study(storage=again.storage(utc), study_name=study.study_name).trials) == 3


class TestAside:
    def test_what_was_unwritten_is_taken_in_once(self, ledger, tmp_path):
        writer = new_run(ledger)
        writer.lease(lease())
        writer.append(lap(0.0))
        writer.commit()
        study = optuna.create_study(storage=writer.storage(utc), study_name="tpe")
        study.tell(study.ask(), 0.25)
        seq = writer.append(lap(1.0))
        writer.append(closing(0))
        writer.release("w0", 2.0, "closed")
        file = writer.save_aside(tmp_path / "new folder")
        kept = file.read_bytes()
        again = ledger.resume("run", aside=tmp_path / "new folder")
        assert not file.exists()
        file.write_bytes(kept)
        once_more = ledger.resume("run", aside=tmp_path / "new folder")
        assert not file.exists()
        assert again.clock_s == once_more.clock_s == 2.0
        assert ledger.frame("run")["seq"].tolist()[1] == seq
        assert len(ledger.frame("run")) == 3
        assert ledger.leases("run")["reason"].tolist() == ["closed"]
        assert ledger.balance("run")["difference_s"].abs().max() == 0.0
        assert optuna.load_study(storage=once_more.storage(utc), study_name="tpe").best_value == 0.25

    def test_a_folder_without_a_file_is_fine(self, ledger, tmp_path):
        new_run(ledger)
        assert ledger.resume("run", aside=tmp_path / "none").clock_s == 0.0

    def test_a_file_that_no_longer_fits_is_not_dropped_in_silence(self, ledger, tmp_path):
        writer = new_run(ledger)
        writer.append(lap(0.0))
        file = writer.save_aside(tmp_path)
        ledger.resume("run")
        with pytest.raises(
            NassimError, match=r"has gone on .session 2. without the unwritten postings of its session 1"
        ):
            ledger.resume("run", aside=tmp_path)
        assert file.exists()

    def test_a_file_of_another_run_of_that_name_is_refused(self, ledger, tmp_path):
        writer = new_run(ledger)
        writer.append(lap(0.0))
        writer.save_aside(tmp_path)
        unwritten.save(replace(unwritten.load(tmp_path, "run"), started_at="2020-01-01"), tmp_path)
        with pytest.raises(NassimError, match="are of another run of that name, started 2020-01-01"):
            ledger.resume("run", aside=tmp_path)

    @pytest.mark.parametrize(
        ("row", "message"),
        [
            ({"run_id": 2}, "posting 2 is of another run, or out of order"),
            ({"seq": 7}, "posting 2 is of another run, or out of order"),
            ({"amount": 1}, "posting 2 is of no table of the ledger"),
        ],
    )
    def test_postings_of_others_are_refused(self, ledger, tmp_path, row, message):
        writer = new_run(ledger)
        for start_s in (0.0, 1.0):
            writer.append(lap(start_s))
        writer.save_aside(tmp_path)
        left = unwritten.load(tmp_path, "run")
        first, second = left.postings
        unwritten.save(replace(left, postings=(first, second._replace(row=second.row | row))), tmp_path)
        with pytest.raises(NassimError, match=message):
            ledger.resume("run", aside=tmp_path)
        assert ledger.frame("run").empty

    def test_a_file_that_was_changed_is_refused(self, ledger, tmp_path):
        writer = new_run(ledger)
        writer.append(lap(0.0))
        file = writer.save_aside(tmp_path)
        text = file.read_text()
        assert text.count('"seconds": 1.0') == 1
        file.write_text(text.replace('"seconds": 1.0', '"seconds": 0.5'))
        with pytest.raises(NassimError, match=r"or was changed \(ValueError: checksum\)"):
            ledger.resume("run", aside=tmp_path)
        assert ledger.frame("run").empty

    @pytest.mark.parametrize("keep", [0, 1, -1])
    def test_a_torn_file_is_refused(self, ledger, tmp_path, keep):
        writer = new_run(ledger)
        writer.append(lap(0.0))
        writer.append(lap(1.0))
        file = writer.save_aside(tmp_path)
        file.write_text("\n".join(file.read_text().splitlines()[:keep]))
        with pytest.raises(NassimError, match="is not a whole file of unwritten postings"):
            ledger.resume("run", aside=tmp_path)
        assert ledger.run("run").sessions == 1


class TestDiskFull:
    def test_what_does_not_fit_is_kept_saved_elsewhere_and_taken_in(self, small_disk, tmp_path):
        url = f"sqlite:///{small_disk / 'ledger.db'}"
        with Ledger(url) as ledger:
            writer = new_run(ledger)
            with pytest.raises(LedgerUnavailable, match=r"full\. Free space on that disk"):
                _post_all(writer, range(3000), and_commit=True)
            acknowledged = len(ledger.frame("run"))
            assert acknowledged > 0
            assert writer.pending == 1
            assert ledger.frame("run")["start_s"].tolist() == [float(i) for i in range(acknowledged)]
            _post_all(writer, range(acknowledged + 1, 3000))
            with pytest.raises(NassimError, match=r"can't be saved in .*disk: No space left on device. Free space"):
                writer.save_aside(small_disk)
            assert [file.name for file in small_disk.iterdir() if "unwritten" in file.name] == []
            writer.save_aside(tmp_path)
        subprocess.run(["mount", "-o", "remount,size=16m", str(small_disk)], check=True)
        with Ledger(url) as ledger:
            ledger.resume("run", aside=tmp_path)
            assert ledger.frame("run")["start_s"].tolist() == [float(i) for i in range(3000)]

    def test_space_that_is_freed_is_used(self, small_disk):
        with Ledger(f"sqlite:///{small_disk / 'ledger.db'}") as ledger:
            writer = new_run(ledger)
            ballast = small_disk / "ballast"
            with pytest.raises(OSError, match="No space"):
                ballast.write_bytes(b"x" * 2**20)
            _post_all(writer, range(20))
            with pytest.raises(LedgerUnavailable, match="Free space"):
                writer.commit()
            ballast.unlink()
            writer.commit()
            assert len(ledger.frame("run")) == 20


def _post_all(writer, numbers, and_commit=False):
    """Post an entry of a kilobyte for each number."""
    for number in numbers:
        writer.append(lap(float(number), reason="x" * 1000))
        if and_commit:
            writer.commit()
