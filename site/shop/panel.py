"""What the rules did, read from the engine's history for the panel on the home page."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.urls import NoReverseMatch, reverse
from django.utils import timezone

from rules_engine.conditions import Part, compile_condition
from rules_engine.jsontext import dumps
from rules_engine.models import Attempt, Event, Execution, Rule
from rules_engine.services import dry_run

LINES = 10
EVENTS = 12
"""How far back rules that did not match are looked for."""
TOGETHER = timedelta(seconds=2)
"""Events that are no further apart come from one press of a button: an order and the product it took."""
MOST_PASSED = 2


@dataclass(frozen=True, kw_only=True)
class Line:
    """One action of one rule for one event."""

    id: UUID
    url: str
    rule: str
    signal: str
    about: str
    action: str
    state: str
    """The execution's state, or ``retry`` for one that failed and waits for its next attempt."""
    outcome: str
    note: str
    milliseconds: int | None
    at: datetime


@dataclass(frozen=True, kw_only=True)
class Unmatched:
    """A rule that listened to an event and did not match."""

    name: str
    url: str
    condition: str
    because: str


@dataclass(frozen=True, kw_only=True)
class Passed:
    """An event that some of the rules that listened to it let pass."""

    signal: str
    about: str
    at: datetime
    rules: Sequence[Unmatched]


@dataclass(frozen=True, kw_only=True)
class Panel:
    """All that the panel shows."""

    lines: Sequence[Line]
    passed: Sequence[Passed]


def what_the_rules_did() -> Panel:
    """The newest executions, and the rules that let the newest events pass."""
    executions = Execution.objects.select_related("event").prefetch_related("attempts")
    newest = executions.order_by("-event_id", "priority", "position")[:LINES]
    return Panel(lines=[line_of(execution) for execution in newest], passed=_passed())


def _passed() -> list[Passed]:
    """Events with rules that did not match: those that happened together with the newest of them."""
    found: list[Passed] = []
    for event in Event.objects.prefetch_related("executions")[:EVENTS]:
        if len(found) == MOST_PASSED or (found and found[0].at - event.created_at > TOGETHER):
            break
        rules = not_matched(event)
        if rules:
            found.append(Passed(signal=event.signal, about=about(event), at=event.created_at, rules=rules))
    return found


def line_of(execution: Execution) -> Line:
    """Tell one execution in the panel's words."""
    attempts = list(execution.attempts.all())
    last = attempts[-1] if attempts else None
    state, outcome = _outcome(execution, attempts)
    return Line(
        id=execution.pk,
        url=admin_page("execution_change", execution.pk),
        rule=execution.rule_name,
        signal=execution.event.signal,
        about=about(execution.event),
        action=execution.action_kind or "none",
        state=state,
        outcome=outcome,
        note=(execution.reason or (last.summary if last else ""))[:200],
        milliseconds=last.duration_ms if last else None,
        at=execution.event.created_at,
    )


def _outcome(execution: Execution, attempts: Sequence[Attempt]) -> tuple[str, str]:
    """A state for the eye and the words for it."""
    if execution.state == Execution.State.PENDING and attempts:
        return "retry", f"try {len(attempts)} failed, next {_until(execution.due_at)}"
    if execution.state == Execution.State.SUCCEEDED and len(attempts) > 1:
        return execution.state, f"succeeded at try {len(attempts)}"
    return execution.state, Execution.State(execution.state).value


def _until(moment: datetime | None) -> str:
    if moment is None:
        return "later"
    seconds = (moment - timezone.now()).total_seconds()
    return f"in {seconds:.0f} s" if seconds >= 1 else "now"


def admin_page(name: str, *keys: object) -> str:
    """Address of a page of the rules' admin; empty in a project that has taken that page out of its admin."""
    try:
        return reverse(f"admin:rules_engine_{name}", args=keys)
    except NoReverseMatch:
        return ""


def about(event: Event) -> str:
    """Name what an event is about, as a person of the shop would: "order 1007", "log-in as mallory"."""
    data: dict[str, Any] = event.data
    instance = data.get("instance") or {}
    noun = event.sender.removeprefix("shop.").partition(".")[0]
    for name in ("number", "sku", "name", "username"):
        if instance.get(name):
            return f"{noun} {instance[name]}"
    if data.get("sku"):
        return f"product {data['sku']}"
    if data.get("credentials"):
        return f"log-in as {data['credentials'].get('username')}"
    if data.get("request"):
        return f"page {data['request'].get('path')}"
    return f"{noun} {event.object_id}".strip() or "the site"


def not_matched(event: Event) -> list[Unmatched]:
    """Rules that listened to this event's signal and sender and did not match, each with the reason."""
    matched = {execution.rule_id for execution in event.executions.all()}
    listening = Rule.objects.exclude(mode=Rule.Mode.OFF).filter(signal=event.signal, sender__in=["", event.sender])
    return [
        Unmatched(
            name=rule.name,
            url=admin_page("rule_change", rule.pk),
            condition=rule.condition,
            because=why_not(rule, event),
        )
        for rule in listening
        if rule.pk not in matched and rule.updated_at <= event.created_at
    ]


def why_not(rule: Rule, event: Event) -> str:
    """Say in one line why the rule did not match: the part that decided, and the values it looked at."""
    result = dry_run(rule=rule, actions=[], event=event)
    if result.error:
        return result.error
    if result.missing:
        return f"The event does not hold {', '.join(result.missing)}."
    part = _deciding(result.explanation)
    if part is None:
        return "It would match; a rule before it stopped the event, or it was off."
    if part.error:
        return f"{part.text}: {part.error}"
    values = [f"{path} is {_shown(path, result.data)}" for path in _paths(part.text) if path != part.text]
    return f"{part.text} is false" + (f": {', '.join(values)}" if values else "")


def _deciding(parts: Sequence[Part]) -> Part | None:
    """The innermost part that is false or failed, the first of several."""
    wrong = [part for part in parts if part.error or part.verdict is False]
    for part in wrong:
        inside = [other for other in wrong if part.start <= other.start and other.end <= part.end and other != part]
        if not inside:
            return part
    return None


def _paths(text: str) -> list[str]:
    return sorted({".".join(path) for path in compile_condition(text).paths})


def _shown(path: str, data: dict[str, Any]) -> str:
    return dumps(compile_condition(path).evaluate(data))[:80]
