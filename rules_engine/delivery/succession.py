"""The order of actions within one rule and event: what becomes of the next when one is done."""

from __future__ import annotations

from typing import Any

from django.utils import timezone

from rules_engine.models import Execution, Reason, RuleAction


def after(execution: Execution, state: Execution.State) -> None:
    """Let the action after ``execution`` start, or cancel those after it, as its ``on_error`` says.

    ``continue``: the next starts after this one's first attempt. ``stop``: it starts when this one succeeded (a
    cancelled or removed one counts) and is cancelled when this one failed for good.
    """
    action = execution.action
    stops = action is not None and action.on_error == RuleAction.OnError.STOP
    if stops and state == Execution.State.PENDING:
        return
    waiting = _waiting(execution)
    if stops and state == Execution.State.FAILED:
        waiting.cancel_pending(Reason.PREDECESSOR_FAILED)
        return
    following = waiting.order_by("position", "id").values_list("pk", flat=True).first()
    if following is not None:
        waiting.filter(pk=following).update(due_at=timezone.now())


def _waiting(execution: Execution) -> Any:
    """Executions of the same rule and event that wait for one before them."""
    return Execution.objects.using(execution._state.db).filter(
        event_id=execution.event_id,
        rule_slug=execution.rule_slug,
        state=Execution.State.PENDING,
        due_at__isnull=True,
        position__gte=execution.position,
    )
