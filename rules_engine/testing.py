"""Helpers for the tests of projects that use the rules engine.

In a test run nothing happens by itself: no thread, no query for changed rules, no first load. These helpers say
when.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from rules_engine.delivery.worker import Drained, drain
from rules_engine.models import Execution
from rules_engine.receivers import loader


def load_rules() -> None:
    """Load the rules as this test sees them, also inside its transaction."""
    loader.sync(force=True)


def unload_rules() -> None:
    """Disconnect every receiver, so that no rule of this test reaches the next one."""
    loader.clear()


@contextmanager
def rules_loaded() -> Iterator[None]:
    """Have the rules of the database in force inside the block, and none after it."""
    load_rules()
    try:
        yield
    finally:
        unload_rules()


def drain_now() -> Drained:
    """Run what is due, here and now, until nothing is."""
    return drain()


@contextmanager
def capture_executions() -> Iterator[list[Execution]]:
    """Collect the executions that the block brings about, in order; the list is filled at its end."""
    before = set(Execution.objects.values_list("pk", flat=True))
    found: list[Execution] = []
    yield found
    found.extend(Execution.objects.exclude(pk__in=before).select_related("event").order_by("event_id", "position"))
