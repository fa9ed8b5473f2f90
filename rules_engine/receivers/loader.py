"""Keeps this process's rules current: loads them, compares the token, swaps the book and the receivers."""

from __future__ import annotations

import logging
import threading
import time
from typing import Any

from django.db import connections, transaction

from rules_engine.conf import settings, under_test
from rules_engine.models import RuleSetToken
from rules_engine.models.changes import announce, write_alias
from rules_engine.models.transactions import waits_for_commit
from rules_engine.receivers.book import Book, read_book
from rules_engine.receivers.connections import follow

logger = logging.getLogger("rules_engine")

RETRY_SECONDS = 5.0
"""Pause after a failed load (tables missing, database down) before the next try."""


class Loader:
    """The rules in force in this process."""

    def __init__(self) -> None:
        self.book = Book()
        self._lock = threading.RLock()
        self._next_check = 0.0
        self._failed = False

    def sync(self, *, force: bool = False) -> bool:
        """Load the rules if they changed since they were read here; tell whether they were loaded.

        Inside a transaction that changed rules nothing is loaded: it may still be rolled back. ``force`` (for
        tests) loads all the same. A database that cannot answer leaves the rules as they are.
        """
        if not settings.ENABLED:
            self.clear()
            return False
        # Where rules are written: a replica may lag behind its primary.
        using = write_alias()
        connection = connections[using]
        if connection.needs_rollback or (not force and waits_for_commit(connection, announce)):
            return False
        with self._lock:
            self._next_check = time.monotonic() + (settings.SYNC_INTERVAL_SECONDS or 0)
            try:
                return self._load(using, force)
            except Exception as error:  # noqa: BLE001 - logged below; no failure to read rules may stop a site
                self._fail(error)
                return False

    def sync_if_due(self) -> None:
        """Compare the token if the last look is older than ``SYNC_INTERVAL_SECONDS``."""
        interval = settings.SYNC_INTERVAL_SECONDS
        if self.book.loaded and interval is None:
            return
        if not self.book.loaded and under_test():
            return
        if time.monotonic() >= self._next_check:
            self.sync()

    def clear(self) -> None:
        """Forget all rules and disconnect every receiver."""
        with self._lock:
            self.book = Book()
            self._next_check = 0.0
            follow(self.book)

    def _load(self, using: str, force: bool) -> bool:
        token = self._guarded(using, lambda: RuleSetToken.current(using))
        if not force and self.book.token == token:
            return False
        book = self._guarded(using, lambda: read_book(using))
        self.book = book
        follow(book)
        if self._failed:
            logger.warning("rules: loaded after all; rules are in force in this process")
        self._failed = False
        return True

    def _guarded(self, using: str, read: Any) -> Any:
        """Read in a savepoint while it is not known that the tables exist: a failure must not poison a host's."""
        if self.book.loaded or not connections[using].in_atomic_block:
            return read()
        with transaction.atomic(using=using):
            return read()

    def _fail(self, error: Exception) -> None:
        self._next_check = time.monotonic() + RETRY_SECONDS
        if not self._failed:
            logger.warning(
                "rules: cannot be read (%s: %s); the site goes on without changes to them and tries again. "
                "If the tables are missing, run: manage.py migrate rules_engine",
                type(error).__name__,
                str(error).strip().split("\n")[0],
            )
        self._failed = True


loader = Loader()


def sync() -> bool:
    """Load the rules now if they changed since this process read them; tell whether they were loaded.

    Needed only where nothing else does it: in a script or a test. Inside a transaction that changed rules it
    does nothing, because the change may still be rolled back; the commit loads them.
    """
    return loader.sync()
