"""Executors: each only decides who calls ``drain`` and when. The work itself is in the database."""

from __future__ import annotations

import atexit
import logging
import os
import threading
from typing import Protocol

from django.db import connections

from rules_engine.conf import settings, under_test

logger = logging.getLogger("rules_engine")

ROUND_SECONDS = 1.0
"""A worker drains in rounds of this length, so that it hears in between that it is to stop."""

SHORTEST_PAUSE = 0.01
"""Seconds."""


class Executor(Protocol):
    """Wakes a worker. A lost or repeated wake does no harm."""

    def wake(self) -> None:
        """Executions were committed."""

    def serve(self) -> None:
        """This process serves requests: due retries should not wait for the next match."""


class Inline:
    """Drains in the process and thread that committed; for tests and scripts."""

    def __init__(self) -> None:
        self._local = threading.local()

    def wake(self) -> None:
        # An action that saves something wakes again: the drain that runs it will find that work too.
        if getattr(self._local, "draining", False):
            return
        self._local.draining = True
        try:
            _drain()
        finally:
            self._local.draining = False

    def serve(self) -> None:
        """Nothing: without a commit there is nobody to drain."""


class Nobody:
    """Leaves the work to ``manage.py rules drain``."""

    def wake(self) -> None:
        """Nothing: a worker of its own polls."""

    def serve(self) -> None:
        """Nothing: a worker of its own polls."""


class Thread:
    """Drains in one daemon thread of this process, started at the first wake or request, and anew after a fork."""

    def __init__(self) -> None:
        self._forget()
        os.register_at_fork(after_in_child=self._forget)
        atexit.register(self.stop)

    def _forget(self) -> None:
        """Begin without a thread. A forked child has none, and whoever held the parent's lock is not there either."""
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None
        self._wanted = threading.Event()
        self._stop = threading.Event()

    def wake(self) -> None:
        # A thread in a host's test run would touch its database while the test rolls back.
        if under_test():
            return
        self._ensure()
        self._wanted.set()

    def serve(self) -> None:
        if not under_test():
            self._ensure()

    def stop(self, timeout: float = 5.0) -> None:
        """Let the thread finish the execution that it runs, and end. The next wake starts another."""
        with self._lock:
            thread, self._thread = self._thread, None
        if thread is None:
            return
        self._stop.set()
        self._wanted.set()
        thread.join(timeout)

    def _ensure(self) -> None:
        with self._lock:
            if self._thread is not None and self._thread.is_alive():
                return
            self._wanted, self._stop = threading.Event(), threading.Event()
            self._thread = threading.Thread(
                target=_work, args=(self._wanted, self._stop), name="rules-engine", daemon=True
            )
            self._thread.start()


def _work(wanted: threading.Event, stop: threading.Event) -> None:
    while not stop.is_set():
        try:
            next_due = _round()
        finally:
            # A connection kept through an idle hour may be dead, and counts against the server's limit.
            connections.close_all()
        wanted.wait(pause(next_due))
        wanted.clear()


def pause(next_due: float | None) -> float:
    """Seconds until a worker looks again: when the next execution is due, at most the poll interval."""
    if next_due is None:
        return settings.POLL_SECONDS
    # Never none at all: what is due may be in another worker's hands, and this one would run hot.
    return min(max(next_due, SHORTEST_PAUSE), settings.POLL_SECONDS)


def _round() -> float | None:
    """One round of the thread, whatever happens; return the seconds until the next due execution, if it is known."""
    from rules_engine.delivery import worker  # it writes to the outbox, which wakes executors

    try:
        return worker.work(ROUND_SECONDS).next_due
    except Exception:
        logger.exception("rules: the worker failed; what is due stays due and is tried again")
        return None


def _drain() -> None:
    """Drain here and now, whatever happens."""
    from rules_engine.delivery import worker  # it writes to the outbox, which wakes executors

    try:
        worker.drain()
    except Exception:
        logger.exception("rules: the worker failed; what is due stays due and is tried again")


_executors: dict[str, Executor] = {"inline": Inline(), "thread": Thread(), "none": Nobody()}


def current() -> Executor:
    """The executor that ``RULES_ENGINE["EXECUTOR"]`` names."""
    return _executors[settings.EXECUTOR]


def wake() -> None:
    """Wake the executor; registered with ``on_commit``, so it must never raise."""
    if not settings.ENABLED:
        return
    try:
        current().wake()
    except Exception:
        logger.exception("rules: the executor could not be woken; the work waits for the next poll")
