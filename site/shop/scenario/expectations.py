"""What the rules should have done, compared with the execution rows."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db.models import QuerySet

from rules_engine.models import Execution, Rule
from shop.panel import about

LONGEST_WAIT_SECONDS = 60
LOOK_EVERY_SECONDS = 0.1
QUIET_SECONDS = 3
"""What is not in the history when nothing has happened for this long will not come."""


@dataclass(frozen=True)
class Expected:
    """One execution that must be there, with the state in which it must end."""

    rule: str
    action: str
    about: str
    state: str = Execution.State.SUCCEEDED
    attempts: int = 0
    """How many attempts it must at least have taken."""

    def __str__(self) -> str:
        return f"{self.rule}: {self.action} on {self.about} should be {self.state}"


def since(moment: datetime) -> QuerySet[Execution]:
    """The executions of events from this moment on, in the order of their events."""
    rows = Execution.objects.filter(event__created_at__gte=moment).select_related("event")
    return rows.prefetch_related("attempts").order_by("event_id", "priority", "position")


def wait_until_finished(moment: datetime, expected: Sequence[Expected]) -> None:
    """Wait until all that was expected is there, or nothing more is to be expected, or the longest wait is over."""
    end = time.monotonic() + LONGEST_WAIT_SECONDS
    states: list[str] = []
    quiet_since = time.monotonic()
    while time.monotonic() < end:
        rows = list(since(moment))
        if [row.state for row in rows] != states:
            states, quiet_since = [row.state for row in rows], time.monotonic()
        quiet = time.monotonic() - quiet_since > QUIET_SECONDS
        if all(row.is_finished for row in rows) and (quiet or not missing(rows, expected)):
            return
        time.sleep(LOOK_EVERY_SECONDS)


def missing(rows: Sequence[Execution], expected: Sequence[Expected]) -> list[str]:
    """What was expected and is not there, not often enough, or ended otherwise; one line each."""
    return [line for item, times in Counter(expected).items() if (line := _fault(rows, item, times))]


def _fault(rows: Sequence[Execution], item: Expected, times: int) -> str:
    found = [
        row
        for row in rows
        if (row.rule_slug, row.action_kind, about(row.event)) == (item.rule, item.action, item.about)
    ]
    if not found:
        return f"{item}, but there is no such execution{_why_none(item.rule)}"
    for row in found:
        if row.state != item.state or row.attempts_made < item.attempts:
            return f"{item}, but is {row.state} after {row.attempts_made} attempts: {_reason(row)}"
    return f"{item}: {times} times, but only {len(found)} are there" if len(found) < times else ""


def _reason(row: Execution) -> str:
    attempts = list(row.attempts.all())
    return row.reason or (attempts[-1].summary if attempts else "no attempt was made")


def _why_none(slug: str) -> str:
    rule = Rule.objects.filter(slug=slug).first()
    if rule is None:
        return ": the rule was deleted"
    if rule.problem:
        return f": the rule is set aside, because {rule.problem}"
    return f": the rule is {rule.mode}"


def silent_rules(rows: Sequence[Execution]) -> list[Rule]:
    """Rules that are not off and have no execution among these: none of the events matched them."""
    seen = {row.rule_slug for row in rows}
    return [rule for rule in Rule.objects.exclude(mode=Rule.Mode.OFF) if rule.slug not in seen]
