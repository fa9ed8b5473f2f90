"""The order of actions within one rule and event: what becomes of the next when one is done."""

from __future__ import annotations

from django.db.models import Q
from django.utils import timezone

from rules_engine.models import Execution, Reason, RuleAction
from rules_engine.models.execution import ExecutionQuerySet


def after(execution: Execution, state: Execution.State) -> None:
    """Let the action after ``execution`` start, or cancel those after it, as its ``on_error`` says.

    ``continue``: the next starts after this one's first attempt. ``stop``: it starts when this one succeeded (a
    cancelled or removed one counts) and is cancelled when this one failed for good.

    Call it in the transaction that writes ``state``: a crash between the two would leave the next waiting for ever.
    """
    stops = execution.action is not None and execution.action.on_error == RuleAction.OnError.STOP
    if stops and state == Execution.State.PENDING:
        return
    later = _later(execution)
    waiting = later.filter(state=Execution.State.PENDING, due_at__isnull=True)
    if stops and state == Execution.State.FAILED:
        waiting.cancel_pending(Reason.PREDECESSOR_FAILED)
        return
    # Only the very next: where that one runs already, it is the one that those after it wait for.
    following = later.unfinished().order_by("position", "id").values_list("pk", flat=True).first()
    if following is not None:
        waiting.filter(pk=following).update(due_at=timezone.now())


def _later(execution: Execution) -> ExecutionQuerySet:
    """Executions of the same rule and event that come after ``execution``."""
    after_it = Q(position__gt=execution.position) | Q(position=execution.position, id__gt=execution.pk)
    rows = Execution.objects.using(execution._state.db)
    return rows.filter(after_it, event_id=execution.event_id, rule_slug=execution.rule_slug)
