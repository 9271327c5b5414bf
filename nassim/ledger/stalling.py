"""Stalling: a server that has taken a request and never answers it."""

import os
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any


class Sockets:
    """The sockets of a database's connections, to be shut when an answer stays away.

    A server may be stopped without being closed: its machine still acknowledges what it is sent, and no time limit that
    the server itself keeps would be kept. Who waits for an answer on a socket that is shut hears at once that it is.
    """

    def __init__(self) -> None:
        self._connections: dict[int, Any] = {}

    def add(self, connection: Any) -> None:
        """A connection, of psycopg's kind, was opened."""
        self._connections[id(connection)] = connection

    def remove(self, connection: Any) -> None:
        """A connection was closed."""
        self._connections.pop(id(connection), None)

    @contextmanager
    def answered_within(self, seconds: float) -> Iterator[threading.Event]:
        """Shut all sockets if what is done within takes longer, and yield what then is set."""
        shut = threading.Event()

        def shut_all() -> None:
            shut.set()
            for connection in [*self._connections.values()]:
                with suppress(Exception):  # whatever a connection says that is closed by now
                    socket.socket(fileno=os.dup(connection.fileno())).shutdown(socket.SHUT_RDWR)

        timer = threading.Timer(seconds, shut_all)
        timer.daemon = True
        timer.start()
        try:
            yield shut
        finally:
            timer.cancel()
