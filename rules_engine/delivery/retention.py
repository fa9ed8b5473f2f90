"""Old history goes, so that the tables do not grow for ever."""

from __future__ import annotations

import logging
import threading
import time
from datetime import timedelta

from django.utils import timezone

from rules_engine import conf
from rules_engine.conf import settings
from rules_engine.delivery import outbox
from rules_engine.models import Event, Execution

logger = logging.getLogger("rules_engine")

EVERY_SECONDS = 3600.0
"""How often a worker looks for history that is old enough to go."""

_lock = threading.Lock()
_next = 0.0


def prune(*, older_than_days: float | None = None, batch: int = 500) -> int:
    """Delete events older than ``RETENTION_DAYS`` whose executions are all finished; returns how many events.

    In batches with a commit each, so that no long lock stands in the site's way.
    """
    days = settings.RETENTION_DAYS if older_than_days is None else older_than_days
    if days is None:
        return 0
    alias = outbox.home()
    limit = timezone.now() - timedelta(days=min(days, conf.OLDEST_DAYS))
    unfinished = Execution.objects.using(alias).unfinished().values("event_id")
    old = Event.objects.using(alias).filter(created_at__lt=limit).exclude(pk__in=unfinished)
    gone = 0
    while ids := list(old.order_by("created_at").values_list("pk", flat=True)[:batch]):
        # Deleting reads the rows first; their documents are large, and one that is unreadable would end it.
        Event.objects.using(alias).filter(pk__in=ids).defer("data").delete()
        gone += len(ids)
    return gone


def prune_if_due() -> None:
    """Prune once an hour and process; workers call this between two rounds. Never raises."""
    global _next
    with _lock:
        if time.monotonic() < _next:
            return
        _next = time.monotonic() + EVERY_SECONDS
    try:
        gone = prune()
    except Exception:
        logger.exception("rules: old history could not be deleted; it is tried again in an hour")
        return
    if gone:
        logger.info("rules: %s events older than RETENTION_DAYS were deleted", gone)
