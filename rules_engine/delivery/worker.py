"""``drain``: claim what is due, run it outside any transaction, write what came of it, until nothing is due."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

from django.utils import timezone

from rules_engine.catalog.emission import current_cause
from rules_engine.conf import settings
from rules_engine.delivery import outbox
from rules_engine.delivery.causes import cause_of
from rules_engine.delivery.retention import prune_if_due
from rules_engine.delivery.running import Result, run_action, stand_in_the_way
from rules_engine.models import Attempt, Execution
from rules_engine.signals import execution_finished, execution_started

logger = logging.getLogger("rules_engine")

BeforeBatch = Callable[[], None]
_before_batch: list[BeforeBatch] = []


class Drained(NamedTuple):
    """What one ``drain`` did."""

    finished: int
    """Executions that were run or closed."""
    next_due: float | None
    """Seconds until the next execution is due; None if none waits for its time."""


def drain(limit: int | None = None, deadline: float | None = None) -> Drained:
    """Run due executions until none is left, ``limit`` have been run, or ``deadline`` seconds have passed.

    Safe to call anywhere and in any number of processes: each execution is claimed by one. Only errors of the
    database itself come out of it.
    """
    using = outbox.home()
    until = None if deadline is None else time.monotonic() + deadline
    finished = 0
    if settings.ENABLED:
        outbox.take_over_expired(using=using)
    while settings.ENABLED and (limit is None or finished < limit) and not _over(until):
        for check in _before_batch:
            check()
        room = settings.BATCH_SIZE if limit is None else min(settings.BATCH_SIZE, limit - finished)
        batch = outbox.claim(room, using=using)
        if not batch:
            break
        finished += _run_batch(batch, until)
    return Drained(finished, _next_due(using))


def work(deadline: float) -> Drained:
    """One round of a worker that goes on: drain for ``deadline`` seconds, and delete old history once an hour."""
    drained = drain(deadline=deadline)
    prune_if_due()
    return drained


def before_batch(check: BeforeBatch) -> None:
    """Have ``check`` called before each batch (the receivers look for changed rules there)."""
    if check not in _before_batch:
        _before_batch.append(check)


def _over(until: float | None) -> bool:
    return until is not None and time.monotonic() >= until


def _run_batch(batch: list[Execution], until: float | None) -> int:
    done = 0
    for number, execution in enumerate(batch):
        if _over(until):
            outbox.release(batch[number:])
            break
        _run_one(execution)
        done += 1
    return done


def _run_one(claimed: Execution) -> None:
    execution = outbox.read(claimed)
    if execution is None:
        return
    obstacle = stand_in_the_way(execution)
    if obstacle is not None:
        outbox.finish(execution, obstacle.state, reason=obstacle.reason, note=obstacle.note)
        return
    if not outbox.start(execution):
        return
    execution_started.send_robust(sender=Execution, execution=execution)
    started, clock = timezone.now(), time.perf_counter()
    with _as_cause(execution):
        result = run_action(execution)
    attempt = _attempt(execution, result, started, clock)
    _close(execution, attempt, result)
    execution_finished.send_robust(sender=Execution, execution=execution, attempt=attempt)


@contextmanager
def _as_cause(execution: Execution) -> Iterator[None]:
    reset = current_cause.set(cause_of(execution))
    try:
        yield
    finally:
        current_cause.reset(reset)


def _attempt(execution: Execution, result: Result, started: Any, clock: float) -> Attempt:
    return Attempt(
        execution=execution,
        number=execution.attempts_made,
        rule_version=execution.rule.version if execution.rule else None,
        started_at=started,
        duration_ms=round((time.perf_counter() - clock) * 1000),
        outcome=result.outcome,
        error=result.error,
        detail=result.detail,
    )


def _close(execution: Execution, attempt: Attempt, result: Result) -> None:
    if result.delay is not None:
        logger.info(
            "rules: attempt %s of execution %s failed (%s); next attempt in %.0f s",
            attempt.number,
            execution.pk,
            result.error,
            result.delay,
        )
        outbox.postpone(execution, result.delay, attempt=attempt, note=result.error)
    elif result.outcome == Attempt.Outcome.SUCCEEDED:
        outbox.finish(execution, Execution.State.SUCCEEDED, attempt=attempt, note=result.line)
    else:
        logger.warning(
            "rules: execution %s of rule %r failed for good: %s", execution.pk, execution.rule_slug, result.error
        )
        outbox.finish(execution, Execution.State.FAILED, attempt=attempt, reason=result.reason, note=result.error)


def _next_due(using: str) -> float | None:
    rows = Execution.objects.using(using).filter(state=Execution.State.PENDING, due_at__isnull=False)
    due = rows.order_by("due_at").values_list("due_at", flat=True).first()
    return None if due is None else (due - timezone.now()).total_seconds()
