"""Signal to event: build the context, match, guard, and write to the outbox or hold until the save is done.

Nothing here may break the host: every failure is logged with its consequence and the host's operation goes on.
"""

from __future__ import annotations

import logging
from typing import Any

from django.utils import timezone

from rules_engine import jsontext
from rules_engine.catalog import SignalSpec
from rules_engine.catalog.emission import Emission, current_cause
from rules_engine.context import freeze
from rules_engine.delivery import outbox
from rules_engine.evaluation import LoadedRule, Verdict
from rules_engine.models import Event, Execution, Reason
from rules_engine.models.fields import FrozenText
from rules_engine.receivers import held
from rules_engine.receivers.connections import set_handler
from rules_engine.receivers.guards import ErrorCap, suppressed
from rules_engine.receivers.loading import loader

logger = logging.getLogger("rules_engine")

error_cap = ErrorCap()


def handle(spec: SignalSpec, label: str, sender: Any, given: dict[str, Any]) -> None:
    """Receive one emission; never raises."""
    if given.get("raw"):
        return
    try:
        loader.keep_current()
        _release_held(spec, given)
        _match(spec, label, sender, given)
    except Exception:
        # Whatever went wrong with the rules, the host's save, log-in or request must go on.
        logger.exception("rules: %s of %s was not evaluated; no rule ran for it", spec.key, label or "any sender")


def _release_held(spec: SignalSpec, given: dict[str, Any]) -> None:
    record = held.release(spec, given)
    if record is not None:
        record.write()


def _match(spec: SignalSpec, label: str, sender: Any, given: dict[str, Any]) -> None:
    group = loader.book.group(spec.key, label)
    emission = Emission(spec, label, sender, given, current_cause.get())
    record = None
    try:
        if group is not None:
            context = emission.context(group.plan)
            verdict = group.evaluate(context)
            record = record_of(emission, context, verdict) if verdict else None
    finally:
        if spec.held_until and emission.instance is not None:
            held.keep(spec, emission.instance, record)
            record = None
    if record is not None:
        record.write()


def record_of(emission: Emission, context: dict[str, Any], verdict: Verdict) -> held.Record | None:
    """Return the event with one execution for each action; None if nothing is left to record."""
    executions = [row for rule in verdict.matched for row in _of_match(rule, emission)]
    for rule, error in verdict.errors:
        logger.warning("rules: condition of %r failed on %s: %s", rule.slug, emission.spec.key, error)
        if error_cap.allows(rule.id):
            executions.append(_skipped(rule, emission, Reason.CONDITION_ERROR, note=str(error)))
    if not executions:
        return None
    document = freeze(context)
    event = Event(
        id=emission.id,
        signal=emission.spec.key,
        sender=emission.label[:200],
        object_id=emission.object_id,
        data=FrozenText(jsontext.dumps(document)),
        created_at=emission.at,
        cause_id=emission.cause.execution if emission.cause else None,
    )
    return held.Record(event, executions, emission.using)


def _of_match(rule: LoadedRule, emission: Emission) -> list[Execution]:
    reason = suppressed(rule, emission)
    if reason is not None:
        return [_skipped(rule, emission, reason)]
    actions = [action for action in rule.actions if action.enabled]
    if not actions:
        return [_skipped(rule, emission, Reason.NO_ACTIONS)]
    live = rule.mode == "live"
    rows = []
    for number, action in enumerate(actions):
        row = _execution(rule, emission)
        row.action_id, row.action_kind, row.position = action.id, action.kind, action.position
        row.state = Execution.State.PENDING if live else Execution.State.SHADOW
        # Only the first may run; each of the others waits for the one before it.
        row.due_at = emission.at if live and number == 0 else None
        row.finished_at = None if live else emission.at
        rows.append(row)
    return rows


def _execution(rule: LoadedRule, emission: Emission) -> Execution:
    return Execution(
        event_id=emission.id,
        rule_id=rule.id,
        rule_slug=rule.slug,
        rule_name=rule.name,
        priority=rule.priority,
    )


def _skipped(rule: LoadedRule, emission: Emission, reason: Reason, note: str = "") -> Execution:
    row = _execution(rule, emission)
    row.state, row.reason, row.finished_at = Execution.State.SKIPPED, reason, timezone.now()
    row.note = outbox.short(note or str(reason.label))
    return row


set_handler(handle)
