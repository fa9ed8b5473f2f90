"""Guards against loops and floods; what they suppress is recorded, never silent."""

from __future__ import annotations

import threading
import time

from rules_engine.catalog.emission import Emission
from rules_engine.conf import settings
from rules_engine.evaluation import LoadedRule
from rules_engine.models import Reason

ERRORS_PER_MINUTE = 10
"""Condition errors of one rule that one process records in a minute; the log has them all."""


def suppressed(rule: LoadedRule, emission: Emission) -> Reason | None:
    """Why a matching rule must not run in this chain of causes, or None."""
    cause = emission.cause
    if cause is None:
        return None
    if (rule.id, about(emission.label, emission.object_id)) in cause.chain:
        return Reason.LOOP
    if cause.depth >= settings.MAX_DEPTH:
        return Reason.DEPTH
    return None


def about(label: str, object_id: str) -> str:
    """What an event is about, as chains of causes remember it."""
    return f"{label}:{object_id}"


class ErrorCap:
    """Lets a limited number of condition errors per rule and minute into the history."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._seen: dict[int, tuple[int, int]] = {}

    def allows(self, rule_id: int) -> bool:
        """Count one error; tell whether it is still to be recorded."""
        minute = int(time.monotonic() // 60)
        with self._lock:
            then, count = self._seen.get(rule_id, (minute, 0))
            count = count + 1 if then == minute else 1
            self._seen[rule_id] = (minute, count)
        return count <= ERRORS_PER_MINUTE
