"""The kinds of faults, each inflicted on a driver of a run."""

import os
import random
import shutil
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from threading import Timer

from fault_drivers import PATIENCE_S, Death, Driver
from fault_places import Cluster, Disk, Lock, Server
from fault_runs import Subject, wait_until

from nassim.notices import FinalEnded, SearchEnded

PAUSE_S = 1.2
"""From the beginning of work to a fault at most, uniformly random."""
AT_WORK = 0.8
"""Share of the faults that wait for work; the others come at any moment, the driver's start included."""
START_S = 2.0
"""About what a driver takes to begin its work."""
START_ON_RAY_S = 6.0
"""The same on a Ray cluster, its workers' start included."""
CLOSE_S = 0.03
"""About what books take to close once the last model is trained."""
FINAL_S = 0.5
"""About what the last final training takes."""
DOZE_S = 1.0
"""How long a fault that passes lasts at most; less than the drivers' patience."""
PASSING_S = 1.8
"""How long after a kill at most; less than connecting to a database may take."""


@dataclass
class Bench:
    """Where runs are disturbed.

    Attributes:
        random: Says what happens, and when.
        cluster: A Ray cluster, where the kind is of one.
        server: A database server, where the kind is of one.
        disk: The disk that runs leave their files on, where the kind is of one.
    """

    random: random.Random
    cluster: Cluster | None = None
    server: Server | None = None
    disk: Disk | None = None
    _passing: Timer | None = None

    def pause(self, longest_s: float = PAUSE_S) -> float:
        """Return a random time."""
        return self.random.uniform(0, longest_s)

    def pass_later(self, passes: Callable[[], None]) -> None:
        """Have a fault pass: now, or only when the next driver has begun."""
        if self.random.random() < 0.5:
            passes()
            return
        self._passing = Timer(self.pause(PASSING_S), passes)
        self._passing.start()

    @property
    def is_calm(self) -> bool:
        """Whether no fault is left that is to pass by itself."""
        return self._passing is None or not self._passing.is_alive()

    def await_calm(self) -> None:
        """Wait until what is to pass by itself has passed."""
        if self._passing:
            self._passing.join()

    def calm(self) -> None:
        """Have all faults pass."""
        self.await_calm()
        if self.server:
            self.server.go_on()
        if self.disk:
            self.disk.empty()


Inflict = Callable[[Bench, Subject, Driver], bool]
"""Inflicts a fault on a driver and says whether it did; a driver may have ended before."""


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of faults.

    Attributes:
        name: What it is called.
        faults: How many the long form has.
        inflict: Inflicts one; None for those that a driver inflicts on itself.
        shape: What runs are made of.
        needs: The place that fails.
        may_stop: Whether drivers may stop, with a message, for a next one to go on.
        alike: Whether the faults may change results, so that all but these is compared.
        pair: Whether two runs of one name, on a ledger each, share a folder.
    """

    name: str
    faults: int
    inflict: Inflict | None
    shape: str = "both"
    needs: str | None = None
    may_stop: bool = False
    alike: bool = False
    pair: bool = False

    def death(self, bench: Bench, last_search: str) -> Death | None:
        """Return when a driver is to kill itself."""
        if self.inflict:
            return None
        if bench.random.random() < 0.5:
            return Death(FinalEnded, last_search, bench.pause(CLOSE_S))
        return Death(SearchEnded, last_search, bench.pause(FINAL_S))


def _await_moment(bench: Bench, subject: Subject, driver: Driver, at_work: float = AT_WORK) -> None:
    """Wait for the moment of a fault, with this probability one at work."""
    if bench.random.random() < at_work:
        subject.wait_for_work(driver)
    time.sleep(bench.pause())
    bench.await_calm()


def kill(bench: Bench, subject: Subject, driver: Driver) -> bool:
    """Kill the driver."""
    _await_moment(bench, subject, driver)
    return driver.kill()


def kill_at_start(bench: Bench, subject: Subject, driver: Driver) -> bool:
    """Kill the driver before it has begun its work, or hardly so."""
    time.sleep(bench.pause(START_ON_RAY_S if bench.cluster else START_S))
    return driver.kill()


def kill_worker(bench: Bench, subject: Subject, driver: Driver) -> bool:
    """Kill a worker."""
    _await_moment(bench, subject, driver)
    return driver.lives and bench.cluster.kill_worker()


def kill_node(bench: Bench, subject: Subject, driver: Driver) -> bool:
    """Kill a node, and replace it."""
    _await_moment(bench, subject, driver)
    return driver.lives and bench.cluster.replace_node()


def kill_locked_out(bench: Bench, subject: Subject, driver: Driver) -> bool:
    """Hold the ledger's write lock, then kill the driver."""
    _await_moment(bench, subject, driver, at_work=1)
    lock = Lock(subject.ledger_file)
    time.sleep(bench.pause(DOZE_S / 2))
    killed = driver.kill()
    bench.pass_later(lock.release)
    return killed


def stall(bench: Bench, subject: Subject, driver: Driver) -> bool:
    """Stop the database without closing it."""
    _await_moment(bench, subject, driver, at_work=1)
    if not driver.lives:
        return False
    how = bench.random.choice(["for a while", "connections for good", "driver killed", "out of patience"])
    if how == "connections for good":
        bench.server.stall_connections()
        time.sleep(bench.pause())
        return True
    bench.server.stall()
    if how == "for a while":
        time.sleep(bench.pause(DOZE_S))
        bench.server.go_on()
    elif how == "driver killed":
        time.sleep(bench.pause(DOZE_S))
        driver.kill()
        bench.pass_later(bench.server.go_on)
    else:
        driver.join()
        bench.server.go_on()
    return True


def fill_disk(bench: Bench, subject: Subject, driver: Driver) -> bool:
    """Fill the disk for less time than the driver is patient; or kill it meanwhile."""
    _await_moment(bench, subject, driver)
    if not driver.lives:
        return False
    bench.disk.fill_for(bench.pause(DOZE_S))
    if bench.random.random() < 0.5:
        driver.kill()
        bench.pass_later(bench.disk.empty)
    else:
        bench.disk.empty()
    return True


def fill_disk_for_long(bench: Bench, subject: Subject, driver: Driver) -> bool:
    """Fill the disk until the driver stops."""
    _await_moment(bench, subject, driver)
    struck = driver.lives
    while driver.lives:
        bench.disk.fill_for(PATIENCE_S / 4)
    bench.disk.empty()
    return struck


def harm_trainings(bench: Bench, subject: Subject, driver: Driver) -> bool:
    """Kill the driver, then delete or damage what trainings have left."""
    return _harm(bench, subject, driver, ["checkpoints/**/*.pt", "models/**/*.safetensors"])


def harm_shared_weights(bench: Bench, subject: Subject, driver: Driver) -> bool:
    """Kill the driver, then delete or damage what rounds have left."""
    return _harm(bench, subject, driver, ["shared-weights/**/*.pt"])


def _harm(bench: Bench, subject: Subject, driver: Driver, patterns: list[str]) -> bool:
    def files() -> list[Path]:
        return sorted(file for folder in subject.files for pattern in patterns for file in folder.glob(pattern))

    wait_until(lambda: files() or not driver.lives)
    time.sleep(bench.pause(PAUSE_S / 2))
    if not driver.kill() or not (left := files()):
        return False
    for file in bench.random.sample(left, bench.random.randint(1, len(left))):
        _damage(bench.random, file, left)
    return True


def _damage(rng: random.Random, file: Path, others: list[Path]) -> None:
    content = file.read_bytes() if file.exists() else b""
    middle = len(content) // 2
    match rng.choice(["gone", "folder gone", "empty", "cut", "zeros", "other bytes", "another's"]):
        case "gone":
            file.unlink(missing_ok=True)
        case "folder gone":
            shutil.rmtree(file.parent, ignore_errors=True)
        case "another's" if (other := rng.choice(others)).exists() and other != file and file.exists():
            shutil.copyfile(other, file)
        case _ if not content:
            return
        case "empty":
            file.write_bytes(b"")
        case "cut" | "another's":
            file.write_bytes(content[:middle])
        case "zeros":
            file.write_bytes(content[: middle // 2] + bytes(middle) + content[middle // 2 + middle :])
        case "other bytes":
            file.write_bytes(content[:middle] + os.urandom(64) + content[middle + 64 :])


KINDS = (
    Kind("driver killed on Ray", 12, kill, needs="cluster"),
    Kind("worker killed on Ray", 14, kill_worker, needs="cluster"),
    Kind("node killed on Ray", 6, kill_node, needs="cluster"),
    Kind("two workers on Ray, one killed", 6, kill_worker, "any order", needs="cluster"),
    Kind("driver killed at its start on Ray", 6, kill_at_start, needs="cluster"),
    Kind("driver killed", 16, kill),
    Kind("driver killed at its start", 16, kill_at_start),
    Kind("driver killed at its close", 16, None, "trainings"),
    Kind("driver killed, database locked", 20, kill_locked_out, may_stop=True),
    Kind("database stalled", 20, stall, needs="server", may_stop=True),
    Kind("disk full for a while", 16, fill_disk, needs="disk", may_stop=True),
    Kind("disk full for long", 8, fill_disk_for_long, needs="disk", may_stop=True),
    Kind("two ledgers, one folder", 14, kill, pair=True),
    Kind("rounds shorter than a commit", 12, kill, "short rounds"),
    Kind("trainings' checkpoints harmed", 10, harm_trainings, "trainings"),
    Kind("rounds' checkpoints harmed", 8, harm_shared_weights, "shared weights", alike=True),
)
