"""What can fail under a run: the ledger's lock, a database server, a disk, a Ray cluster."""

import os
import random
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import psutil

sys.path.insert(0, str(Path(__file__).parents[2] / "tests"))
from nodes import HEAD, NODE
from postgresql import PostgresqlServer, backends

DISK_BYTES = 16 * 2**20


class Lock:
    """SQLite's write lock, held by another connection from the beginning."""

    def __init__(self, file: Path) -> None:
        self._connection = sqlite3.connect(file, isolation_level=None, check_same_thread=False)
        self._connection.execute("BEGIN IMMEDIATE")

    def release(self) -> None:
        """Let others write."""
        self._connection.close()


class Server:
    """A PostgreSQL server whose processes can be stopped without being ended."""

    def __init__(self) -> None:
        self._server = PostgresqlServer(Path(tempfile.mkdtemp(prefix="nassim-pg-")))
        self._server.start()
        self._stopped: list[int] = []

    def new_database(self) -> str:
        """Return the URL of a new database; connecting to it takes no longer than 2 s."""
        return f"{self._server.new_database()}&connect_timeout=2"

    def stall_connections(self) -> None:
        """Stop what serves the connections that there are; new ones are served."""
        self._stop(backends(self._server))

    def stall(self) -> None:
        """Stop all of it."""
        postmaster = int((self._server.folder / "data" / "postmaster.pid").read_text().split()[0])
        self._stop([postmaster, *(child.pid for child in psutil.Process(postmaster).children())])

    def go_on(self) -> None:
        """Let go on what was stopped."""
        while self._stopped:
            with suppress(ProcessLookupError):
                os.kill(self._stopped.pop(), signal.SIGCONT)

    def close(self) -> None:
        """End the server."""
        self.go_on()
        self._server.stop()
        shutil.rmtree(self._server.folder, ignore_errors=True)

    def _stop(self, processes: list[int]) -> None:
        for process in processes:
            with suppress(ProcessLookupError):
                os.kill(process, signal.SIGSTOP)
                self._stopped.append(process)


class Disk:
    """A disk that can be full: a small one in memory where one may be mounted, or else folders that are made files.

    Attributes:
        folder: Where it is.
        is_mounted: Whether it is a disk of its own.
    """

    def __init__(self, folder: Path) -> None:
        folder.mkdir()
        self.folder = folder
        mount = ["mount", "-t", "tmpfs", "-o", f"size={DISK_BYTES}", "nassim-faults", str(folder)]
        self.is_mounted = subprocess.run(mount, stderr=subprocess.DEVNULL, check=False).returncode == 0
        self._moved: list[tuple[Path, Path]] = []

    def fill(self) -> None:
        """Leave no room on it."""
        if self.is_mounted:
            with suppress(OSError), (self.folder / "filler").open("ab", buffering=0) as file:
                while True:
                    file.write(bytes(4096))
            return
        for folder in self.folder.glob("*/*/"):
            aside = self.folder.parent / f"aside-{len(self._moved)}"
            folder.rename(aside)
            folder.touch()
            self._moved.append((folder, aside))

    def fill_for(self, seconds: float) -> None:
        """Keep it full for so long, though files on it are removed."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            self.fill()
            time.sleep(0.02)

    def empty(self) -> None:
        """Make room on it again."""
        (self.folder / "filler").unlink(missing_ok=True)
        while self._moved:
            folder, aside = self._moved.pop()
            folder.unlink()
            aside.rename(folder)

    def close(self) -> None:
        """Take it away."""
        if self.is_mounted:
            subprocess.run(["umount", "--lazy", str(self.folder)], check=False)


class Cluster:
    """A Ray cluster of local nodes of one CPU each, whose processes can be killed.

    Attributes:
        address: Where drivers join it.
    """

    def __init__(self, nodes: int, rng: random.Random) -> None:
        os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
        from ray.cluster_utils import Cluster

        self._random = rng
        self._cluster = Cluster(initialize_head=True, head_node_args=HEAD)
        self.address: str = self._cluster.address
        for _ in range(nodes):
            self._cluster.add_node(**NODE)

    def kill_worker(self) -> bool:
        """Kill a worker process, and say whether there was one."""
        workers = sorted(self._workers())
        if workers:
            os.kill(self._random.choice(workers), signal.SIGKILL)
        return bool(workers)

    def replace_node(self) -> bool:
        """Kill a node with all that runs on it, and add another."""
        self._cluster.remove_node(self._random.choice(list(self._cluster.worker_nodes)), allow_graceful=False)
        self._cluster.add_node(**NODE)
        return True

    def close(self) -> None:
        """End the cluster."""
        self._cluster.shutdown()

    def _workers(self) -> Iterator[int]:
        """Yield the processes of its workers."""
        raylets = {info.process.pid for node in self._cluster.worker_nodes for info in node.all_processes["raylet"]}
        for folder in Path("/proc").glob("[0-9]*"):
            try:
                parent = int((folder / "stat").read_text().rpartition(")")[2].split()[1])
                if parent in raylets and (folder / "cmdline").read_text().startswith("ray::RayWorker"):
                    yield int(folder.name)
            except (OSError, ValueError):
                continue
