"""The only writer of executions' states: write, claim, start, finish, release.

Every change after the claim is one UPDATE that also asks for the claim's token. A worker whose lease was taken over
changes no row, and its result is dropped.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

from django.db import connections, router, transaction
from django.db.models import F
from django.utils import timezone

from rules_engine.conf import settings
from rules_engine.delivery import executors
from rules_engine.models import Attempt, Event, Execution, Reason

logger = logging.getLogger("rules_engine")

ORDER = ("priority", "event_id", "position", "id")
"""By rule priority, then event, then action."""


def home() -> str:
    """Alias of the database that holds the outbox."""
    return router.db_for_write(Execution)


def short(text: str) -> str:
    """Cut a note to what its column holds."""
    return text if len(text) <= 500 else f"{text[:499]}…"


def write(event: Event, executions: Sequence[Execution], *, using: str) -> None:
    """Write an event and its executions with two INSERTs, in the transaction of connection ``using`` if one is open.

    A failing insert is rolled back to its own savepoint and logged: it never poisons the host's transaction. Where
    the outbox lives in another database than the change, it is written after that change's commit.
    """
    alias = home()
    if alias == using:
        _insert(event, executions, alias)
    else:
        transaction.on_commit(lambda: _insert(event, executions, alias), using=using, robust=True)


def _insert(event: Event, executions: Sequence[Execution], using: str) -> None:
    try:
        with transaction.atomic(using=using):
            # bulk_create sends no signals, so the engine cannot hear itself.
            Event.objects.using(using).bulk_create([event])
            Execution.objects.using(using).bulk_create(executions)
    except Exception:
        logger.exception(
            "rules: the match of %s on %s could not be written; these rules did not run: %s",
            event.signal,
            event.sender or "any sender",
            ", ".join(sorted({row.rule_slug for row in executions})),
        )
        return
    if any(row.state == Execution.State.PENDING for row in executions):
        wake_on_commit(using)


def wake_on_commit(using: str) -> None:
    """Wake the executor once when the open transaction commits, or now if there is none."""
    connection = connections[using]
    if not connection.in_atomic_block and not connection.get_autocommit():
        # A host that manages transactions itself gives no hook; the executor's next poll finds the work.
        return
    # A hook that a savepoint rolled back is gone from this list, so looking is right where a flag would not be.
    if not any(hook is executors.wake for _, hook, *_ in connection.run_on_commit):
        transaction.on_commit(executors.wake, using=using)


def claim(limit: int, *, using: str) -> list[Execution]:
    """Take up to ``limit`` due executions for this worker, with event, rule and action at hand."""
    now = timezone.now()
    token = uuid4()
    due = Execution.objects.using(using).due(now).order_by(*ORDER)
    if connections[using].features.has_select_for_update_skip_locked:
        with transaction.atomic(using=using):
            rows = due.select_for_update(skip_locked=True).values_list("pk", flat=True)[:limit]
            _mark(list(rows), token, now, using)
    else:
        # Compare and set: of two workers that read the same rows, the UPDATE of one changes none.
        _mark(list(due.values_list("pk", flat=True)[:limit]), token, now, using)
    held = Execution.objects.using(using).held_by(token).order_by(*ORDER)
    return list(held.select_related("event", "rule", "action"))


def _mark(ids: list[UUID], token: UUID, now: datetime, using: str) -> None:
    if ids:
        Execution.objects.using(using).due(now).filter(pk__in=ids).update(
            state=Execution.State.CLAIMED, claim_token=token, lease_until=now + _lease(), due_at=None
        )


def _lease() -> timedelta:
    return timedelta(seconds=settings.LEASE_SECONDS)


def take_over_expired(*, using: str) -> int:
    """Make executions whose worker did not come back due again, or fail those without an attempt left."""
    now = timezone.now()
    expired = Execution.objects.using(using).expired(now)
    limit = len(settings.RETRY_SCHEDULE)
    lost = expired.filter(attempts_made__gte=limit).update(
        **_finished(Execution.State.FAILED, Reason.LEASE_EXPIRED, str(Reason.LEASE_EXPIRED.label))
    )
    again = expired.update(state=Execution.State.PENDING, due_at=now, claim_token=None, lease_until=None)
    if lost or again:
        logger.warning("rules: %s claims expired: %s run again, %s failed for good", lost + again, again, lost)
    return again


def start(execution: Execution) -> bool:
    """Count an attempt and renew the lease; False if the claim was lost, and the action must not run."""
    rows = _owned(execution).update(attempts_made=F("attempts_made") + 1, lease_until=timezone.now() + _lease())
    execution.attempts_made += rows
    return bool(rows)


def finish(
    execution: Execution,
    state: Execution.State,
    *,
    attempt: Attempt | None = None,
    reason: Reason | str = "",
    note: str = "",
) -> bool:
    """Put a claimed execution into a final state; False if the claim was lost."""
    return _close(execution, attempt, _finished(state, reason, note))


def postpone(execution: Execution, delay: float, *, attempt: Attempt, note: str) -> bool:
    """Make a claimed execution due again in ``delay`` seconds; False if the claim was lost."""
    due = timezone.now() + timedelta(seconds=delay)
    values = {"state": Execution.State.PENDING, "due_at": due, "note": short(note)}
    return _close(execution, attempt, {**values, "claim_token": None, "lease_until": None})


def release(executions: Sequence[Execution]) -> None:
    """Give back executions that were claimed and not started, such as at the end of a worker's time."""
    for execution in executions:
        _owned(execution).update(
            state=Execution.State.PENDING, due_at=timezone.now(), claim_token=None, lease_until=None
        )


def _owned(execution: Execution) -> Any:
    rows = Execution.objects.using(execution._state.db).filter(pk=execution.pk)
    return rows.held_by(execution.claim_token)


def _finished(state: Execution.State, reason: Reason | str, note: str) -> dict[str, Any]:
    return {
        "state": state,
        "reason": str(reason),
        "note": short(note),
        "finished_at": timezone.now(),
        "claim_token": None,
        "lease_until": None,
        "due_at": None,
    }


def _close(execution: Execution, attempt: Attempt | None, values: dict[str, Any]) -> bool:
    using = execution._state.db
    with transaction.atomic(using=using):
        if not _owned(execution).update(**values):
            logger.warning(
                "rules: the lease of execution %s ran out before its result came; the result is dropped and "
                "another worker decides what becomes of it",
                execution.pk,
            )
            return False
        if attempt is not None:
            attempt.save(using=using, force_insert=True)
    for name, value in values.items():
        setattr(execution, name, value)
    return True


def reopen(executions: Any) -> int:
    """Make failed and cancelled executions due at once; their key and their attempts stay. Returns how many."""
    closed = executions.filter(state__in=[Execution.State.FAILED, Execution.State.CANCELLED])
    rows: int = closed.update(
        state=Execution.State.PENDING, due_at=timezone.now(), finished_at=None, reason="", note=""
    )
    return rows
