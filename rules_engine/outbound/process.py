"""What a process keeps between calls: idle connections, the watchdog, lookups under way, TLS settings.

All of it is made by the first call, and made anew in a forked process: a connection shared by two processes
would mix up their answers, and threads do not survive a fork.
"""

from __future__ import annotations

import os
import ssl
import threading
from collections.abc import Hashable
from time import monotonic

from rules_engine.exceptions import OutboundFailed
from rules_engine.outbound.connection import Connection
from rules_engine.outbound.lookup import Lookups
from rules_engine.outbound.watchdog import Watchdog

IDLE_SECONDS = 30.0
"""Longest rest of a connection; most servers close theirs by then."""
AGE_SECONDS = 120.0
"""Longest life of a connection, so that changes in DNS are followed."""
MOST_IDLE = 256
"""Most connections that rest in one process."""


class Pool:
    """Idle connections by key; safe to use from several threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._idle: dict[Hashable, list[tuple[float, Connection]]] = {}
        self._count = 0
        self._next_sweep = monotonic() + IDLE_SECONDS

    def take(self, key: Hashable) -> Connection | None:
        """Return a connection that is still open, the one used last, or None."""
        while True:
            with self._lock:
                rested = self._idle.get(key)
                if not rested:
                    return None
                since, connection = rested.pop()
                self._count -= 1
                if not rested:
                    del self._idle[key]
            if self._fresh(since, connection) and connection.is_connected:
                return connection
            connection.close()

    def park(self, key: Hashable, connection: Connection) -> None:
        """Keep an open connection for the next call with this key."""
        now = monotonic()
        stale = self._swept(now)
        with self._lock:
            if self._count < MOST_IDLE:
                self._idle.setdefault(key, []).append((now, connection))
                self._count += 1
            else:
                stale.append(connection)
        for old in stale:
            old.close()

    def close(self) -> None:
        """Close all idle connections."""
        with self._lock:
            idle, self._idle, self._count = self._idle, {}, 0
        for rested in idle.values():
            for _, connection in rested:
                connection.close()

    def _swept(self, now: float) -> list[Connection]:
        """Take out, once in a while, what rested too long: its server may have closed it unnoticed."""
        with self._lock:
            if now < self._next_sweep:
                return []
            self._next_sweep = now + IDLE_SECONDS
            stale = [item for rested in self._idle.values() for item in rested if not self._fresh(*item)]
            gone = {id(connection) for _, connection in stale}
            kept = {key: [item for item in rested if id(item[1]) not in gone] for key, rested in self._idle.items()}
            self._idle = {key: rested for key, rested in kept.items() if rested}
            self._count -= len(stale)
        return [connection for _, connection in stale]

    @staticmethod
    def _fresh(since: float, connection: Connection) -> bool:
        now = monotonic()
        return now - since < IDLE_SECONDS and now - connection.opened_at < AGE_SECONDS


class Process:
    """The state of one process."""

    def __init__(self) -> None:
        self.pool = Pool()
        self.watchdog = Watchdog()
        self.lookups = Lookups()
        self._contexts: dict[str, ssl.SSLContext] = {}

    def context(self, ca_file: str) -> ssl.SSLContext:
        """Return the TLS settings that trust ``ca_file``, or the system's authorities."""
        found = self._contexts.get(ca_file)
        if found is None:
            try:
                context = ssl.create_default_context(cafile=ca_file or None)
            except OSError as error:
                raise OutboundFailed(
                    f"The certificate authorities in {ca_file or 'the system'} cannot be read, so nothing was "
                    "sent. Check that the file exists and is a PEM file."
                ) from error
            # Loading them takes many milliseconds: done once, not for each connection.
            found = self._contexts.setdefault(ca_file, context)
        return found


_processes: dict[int, Process] = {}


def here() -> Process:
    """Return the state of the running process."""
    number = os.getpid()
    found = _processes.get(number)
    if found is None:
        for other in list(_processes):
            # The parent's: dropping our copies of its sockets does not end its connections.
            _processes.pop(other, None)
        # One atomic step instead of a lock, which a fork could copy while it is held.
        found = _processes.setdefault(number, Process())
    return found


def close_idle() -> None:
    """Close the connections that this process keeps open for later calls."""
    here().pool.close()
