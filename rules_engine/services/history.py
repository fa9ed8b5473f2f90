"""The history: retry what failed."""

from __future__ import annotations

from django.db import transaction

from rules_engine.delivery import outbox
from rules_engine.exceptions import StateConflict
from rules_engine.models import Execution
from rules_engine.models.execution import ExecutionQuerySet

RETRIED = (Execution.State.FAILED, Execution.State.CANCELLED)
"""States out of which a person can move an execution."""
RULE_GONE = "The rule was deleted; there is nothing to run."


def retry(*, executions: ExecutionQuerySet) -> int:
    """Make failed and cancelled executions due now, with the same idempotency key; returns how many.

    One that used up its schedule is tried once more. Others are left as they are, and so are those whose rule was
    deleted; see ``outbox.reopen`` for the order of several.
    """
    alias = outbox.home()
    with transaction.atomic(using=alias):
        rows = outbox.reopen(executions.using(alias).filter(rule__isnull=False))
        if rows:
            outbox.wake_on_commit(alias)
    return rows


def retry_one(*, execution: Execution) -> Execution:
    """Retry one execution; raises StateConflict if its state does not allow it, or its rule is gone."""
    if not retry(executions=Execution.objects.filter(pk=execution.pk)):
        execution.refresh_from_db()
        raise StateConflict(_refusal(execution))
    execution.refresh_from_db()
    return execution


def _refusal(execution: Execution) -> str:
    if execution.state in RETRIED and execution.rule_id is None:
        return RULE_GONE
    return f"Only a failed or cancelled execution can be retried; this one is {execution.get_state_display()}."
