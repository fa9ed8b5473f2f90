"""One demo for one database: two would take each other's work, and each may call only its own port."""

from __future__ import annotations

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


class DatabaseServed(Exception):
    """Another process serves this database, at ``port``."""

    def __init__(self, port: int) -> None:
        super().__init__(f"A demo at port {port} serves this database.")
        self.port = port


@contextmanager
def claimed(database: Path, port: int) -> Iterator[None]:
    """Hold a database for the demo at ``port`` during the block; raises DatabaseServed if another demo holds it.

    The system lets go of the lock when the process ends, however it ends: no stale lock is ever left.
    """
    # Opened for appending: whoever does not get the lock must not empty the file.
    with _lock_file(database).open("a+") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise DatabaseServed(_port_in(database)) from None
        file.truncate(0)
        file.write(str(port))
        file.flush()
        yield


def served_at(database: Path) -> int | None:
    """Return the port of the demo that serves a database; None if there is none."""
    try:
        with _lock_file(database).open() as file:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except FileNotFoundError:
        return None
    except BlockingIOError:
        return _port_in(database)
    return None


def own_database(database: Path, port: int) -> Path:
    """The file that a second demo uses instead."""
    return database.with_name(f"{database.stem}-{port}{database.suffix}")


def _lock_file(database: Path) -> Path:
    return database.with_name(f"{database.name}.lock")


def _port_in(database: Path) -> int:
    # Empty for the moment between the lock and the number.
    return int(_lock_file(database).read_text() or 0)
