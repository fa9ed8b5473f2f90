"""The chain of causes behind an execution, so that rules cannot answer each other for ever."""

from __future__ import annotations

from rules_engine.catalog.emission import Cause
from rules_engine.conf import settings
from rules_engine.models import Execution


def cause_of(execution: Execution) -> Cause:
    """Return the cause that everything carries which this execution's action brings about."""
    chain: set[tuple[int, str]] = set()
    depth = 1
    current: Execution | None = execution
    while current is not None:
        if current.rule_id is not None:
            chain.add((current.rule_id, f"{current.event.sender}:{current.event.object_id}"))
        # One longer than allowed is enough to know that the next is refused.
        if current.event.cause_id is None or depth > settings.MAX_DEPTH:
            break
        depth += 1
        # Without the document, which is large and may be unreadable: only who caused what is asked here.
        rows = Execution.objects.select_related("event").defer("event__data")
        current = rows.filter(pk=current.event.cause_id).first()
    return Cause(execution.event_id, execution.pk, execution.rule_slug, depth, frozenset(chain))
