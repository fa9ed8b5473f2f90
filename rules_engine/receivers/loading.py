"""Keeps this process's rules current: loads them, compares the token, swaps the book and the receivers."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from typing import TypeVar

from django.db import connections, transaction

from rules_engine.conf import settings, under_test
from rules_engine.models import RuleSetToken
from rules_engine.models.changes import announce, is_recording, write_alias
from rules_engine.models.transactions import is_a_tests, waits_for_commit
from rules_engine.receivers.book import Book, Finding, read_book, write_problems
from rules_engine.receivers.connections import follow

logger = logging.getLogger("rules_engine")

T = TypeVar("T")

RETRY_SECONDS = 5.0
"""Pause after a failed load (tables missing, database down) before the next try."""


class Loader:
    """The rules in force in this process."""

    def __init__(self) -> None:
        self.book = Book()
        self._lock = threading.RLock()
        self._next_check = 0.0
        self._retry_at = 0.0
        self._failed = False
        self._unwritten: tuple[Finding, ...] = ()

    def sync(self, *, force: bool = False) -> bool:
        """Load the rules if they changed since they were read here; tell whether they were loaded.

        Inside a transaction that changed rules nothing is loaded: it may still be rolled back. ``force`` (for
        tests) loads all the same. A database that cannot answer leaves the rules as they are. Never raises.
        """
        if not settings.ENABLED:
            self.clear()
            return False
        try:
            loaded = self._sync(force)
            self._write_findings()
        except Exception as error:  # noqa: BLE001 - logged below; no failure to read rules may stop a site
            self._fail(error)
            return False
        return loaded

    def keep_current(self) -> None:
        """Load the rules that were never loaded, or look for changed ones if that is due; for use inside signals.

        Only reads: a host's save must not wait for somebody who edits a rule. Never raises.
        """
        if self.book.loaded:
            interval = settings.SYNC_INTERVAL_SECONDS
            if interval is None or time.monotonic() < self._next_check:
                return
        elif under_test() or time.monotonic() < self._retry_at:
            return
        try:
            # While the first load is under way others wait for it: their signals are to be served by it too.
            with self._lock:
                if not self.book.loaded or time.monotonic() >= self._next_check:
                    self._sync(force=False)
        except Exception as error:  # noqa: BLE001 - logged below
            self._fail(error)

    def sync_if_due(self) -> None:
        """``keep_current``, and store what was found out about rules; at requests and between batches."""
        self.keep_current()
        if self._unwritten:
            try:
                self._write_findings()
            except Exception:
                logger.exception("rules: what is wrong with quarantined rules could not be stored; tried again later")

    def clear(self) -> None:
        """Forget all rules and disconnect every receiver."""
        with self._lock:
            self.book = Book()
            self._next_check = self._retry_at = 0.0
            self._unwritten = ()
            follow(self.book)

    def _sync(self, force: bool) -> bool:
        # Where rules are written: a replica may lag behind its primary.
        using = write_alias()
        connection = connections[using]
        if connection.needs_rollback:
            return False
        if not force and (is_recording() or waits_for_commit(connection, announce)):
            return False
        with self._lock:
            self._next_check = time.monotonic() + (settings.SYNC_INTERVAL_SECONDS or 0)
            return self._load(using, force)

    def _load(self, using: str, force: bool) -> bool:
        token = _guarded(using, lambda: RuleSetToken.current(using))
        if not force and self.book.token == token:
            return False
        book = _guarded(using, lambda: read_book(using))
        # Connected before it is in force: whoever is called meanwhile waits for this lock, and finds the rules.
        follow(book)
        self.book = book
        self._unwritten = book.findings
        if self._failed:
            logger.warning("rules: loaded after all; rules are in force in this process")
        self._failed = False
        return True

    def _write_findings(self) -> None:
        """Store findings, unless a host's transaction is open, which could roll them back or make others wait."""
        if not self._unwritten:
            return
        using = write_alias()
        connection = connections[using]
        if connection.in_atomic_block and not is_a_tests(connection):
            return
        findings, self._unwritten = self._unwritten, ()
        write_problems(findings, using)

    def _fail(self, error: Exception) -> None:
        self._next_check = self._retry_at = time.monotonic() + RETRY_SECONDS
        if not self._failed:
            logger.warning(
                "rules: cannot be read (%s: %s); the site goes on without changes to them and tries again. "
                "If the tables are missing, run: manage.py migrate rules_engine",
                type(error).__name__,
                str(error).strip().split("\n")[0],
            )
        self._failed = True


def _guarded(using: str, read: Callable[[], T]) -> T:
    """Read in a savepoint where a failure would cost the host its transaction."""
    connection = connections[using]
    # PostgreSQL alone gives up the whole transaction after one failed statement.
    if not connection.in_atomic_block or connection.vendor != "postgresql":
        return read()
    with transaction.atomic(using=using):
        return read()


loader = Loader()


def sync() -> bool:
    """Load the rules now if they changed since this process read them; tell whether they were loaded.

    Needed only where nothing else does it: in a script or a test. Inside a transaction that changed rules it
    does nothing, because the change may still be rolled back; the commit loads them.
    """
    return loader.sync()
