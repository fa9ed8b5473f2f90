"""The writer of executions' states: write, claim, start, finish, release, reopen.

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
from rules_engine.delivery import executors, succession
from rules_engine.models import Attempt, Event, Execution, Reason
from rules_engine.models.execution import ExecutionQuerySet
from rules_engine.models.transactions import waits_for_commit

logger = logging.getLogger("rules_engine")

ORDER = ("due_at", "priority", "event_id", "position", "id")
"""First come, first served; within one event by the rules' priority."""
REOPENED_AT_ONCE = 500
"""Keys in one statement: databases limit their number."""

UNREADABLE = (ValueError, ArithmeticError, RecursionError)
"""What reading a column of JSON raises that holds something else."""

_UNCLAIMED: dict[str, Any] = {"claim_token": None, "lease_until": None}


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
    if not waits_for_commit(connection, executors.wake):
        transaction.on_commit(executors.wake, using=using)


def claim(limit: int, *, using: str) -> list[Execution]:
    """Take up to ``limit`` due executions for this worker. ``read`` brings each up to date before it runs."""
    now, token = timezone.now(), uuid4()
    due = Execution.objects.using(using).due(now).order_by(*ORDER).values_list("pk", flat=True)
    if connections[using].features.has_select_for_update_skip_locked:
        with transaction.atomic(using=using):
            _mark(list(due.select_for_update(skip_locked=True)[:limit]), token, now, using)
    else:
        # Compare and set: of two workers that read the same rows, the UPDATE of one changes none, and it looks again.
        while ids := list(due[:limit]):
            if _mark(ids, token, now, using):
                break
    return list(Execution.objects.using(using).held_by(token).order_by(*ORDER))


def _mark(ids: list[UUID], token: UUID, now: datetime, using: str) -> int:
    if not ids:
        return 0
    rows = Execution.objects.using(using).due(now).filter(pk__in=ids)
    return rows.update(state=Execution.State.CLAIMED, claim_token=token, lease_until=now + _lease())


def _lease() -> timedelta:
    return timedelta(seconds=settings.LEASE_SECONDS)


def take_over_expired(*, using: str) -> int:
    """Make executions due again whose worker did not come back, or fail those without an attempt left.

    Returns how many are due again.
    """
    now = timezone.now()
    expired = Execution.objects.using(using).expired(now)
    # Nearly always empty, and reading takes no lock.
    found = list(expired.select_related("action").defer("action__config"))
    if not found:
        return 0
    limit = len(settings.RETRY_SCHEDULE)
    lost = sum(_lose(execution) for execution in found if execution.attempts_made >= limit)
    again = expired.filter(attempts_made__lt=limit).update(state=Execution.State.PENDING, **_UNCLAIMED)
    logger.warning("rules: %s claims expired: %s run again, %s failed for good", lost + again, again, lost)
    return again


def _lose(execution: Execution) -> bool:
    note = str(Reason.LEASE_EXPIRED.label)
    return finish(execution, Execution.State.FAILED, reason=Reason.LEASE_EXPIRED, note=note)


def read(execution: Execution) -> Execution | None:
    """Return a claimed execution with event, rule and action as they are now; None if the claim was lost.

    Its turn in the batch may come long after the claim, and rules change meanwhile.
    """
    rows = _owned(execution).select_related("event", "rule", "action")
    try:
        return rows.first()
    except UNREADABLE:
        # A stored text that is no JSON. Left out here, it fails where it is used: this execution, not the worker.
        return rows.defer("event__data", "action__config").first()


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
    """Put a claimed execution into a final state and see to the next action; False if the claim was lost."""
    values = {
        "state": state,
        "reason": str(reason),
        "note": short(note),
        "finished_at": timezone.now(),
        "due_at": None,
    }
    return _close(execution, attempt, values)


def postpone(execution: Execution, delay: float, *, attempt: Attempt, note: str) -> bool:
    """Make a claimed execution due again in ``delay`` seconds; False if the claim was lost."""
    due = timezone.now() + timedelta(seconds=delay)
    return _close(execution, attempt, {"state": Execution.State.PENDING, "due_at": due, "note": short(note)})


def _close(execution: Execution, attempt: Attempt | None, values: dict[str, Any]) -> bool:
    """Write what came of a claim, its attempt and what it means for the next action: all of it, or nothing."""
    values = {**values, **_UNCLAIMED}
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
        succession.after(execution, values["state"])
    for name, value in values.items():
        setattr(execution, name, value)
    return True


def release(executions: Sequence[Execution]) -> None:
    """Give back executions of one claim that were not started, such as at the end of a worker's time."""
    first = executions[0]
    held = Execution.objects.using(first._state.db).held_by(first.claim_token)
    held.filter(pk__in=[row.pk for row in executions]).update(state=Execution.State.PENDING, **_UNCLAIMED)


def _owned(execution: Execution) -> ExecutionQuerySet:
    return Execution.objects.using(execution._state.db).held_by(execution.claim_token).filter(pk=execution.pk)


def reopen(executions: ExecutionQuerySet) -> int:
    """Make failed and cancelled executions due; their key and their attempts stay. Returns how many.

    Of several for the same rule and event the first is due at once, and the others wait for it as they did before.
    Call it in a transaction.
    """
    using = executions.db
    # By key, because databases cannot lock the rows of every query that an admin's filters make.
    rows = _closed(using).filter(pk__in=executions.order_by().values("pk")).select_for_update()
    chains: dict[tuple[UUID, str], list[UUID]] = {}
    for event_id, slug, pk in rows.order_by("position", "id").values_list("event_id", "rule_slug", "pk"):
        chains.setdefault((event_id, slug), []).append(pk)
    first = [chain[0] for chain in chains.values()]
    waiting = [pk for chain in chains.values() for pk in chain[1:]]
    return _reopen(first, timezone.now(), using) + _reopen(waiting, None, using)


def _closed(using: str) -> ExecutionQuerySet:
    states = [Execution.State.FAILED, Execution.State.CANCELLED]
    return Execution.objects.using(using).filter(state__in=states)


def _reopen(ids: list[UUID], due_at: datetime | None, using: str) -> int:
    return sum(
        _closed(using)
        .filter(pk__in=ids[start : start + REOPENED_AT_ONCE])
        .update(state=Execution.State.PENDING, due_at=due_at, finished_at=None, reason="", note="")
        for start in range(0, len(ids), REOPENED_AT_ONCE)
    )
