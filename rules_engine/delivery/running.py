"""Run the action of one execution and say what came of it; touches no execution row."""

from __future__ import annotations

import logging
from dataclasses import dataclass, field
from typing import Any

from rules_engine import events, jsontext
from rules_engine.actions import Run, build_action
from rules_engine.conf import settings
from rules_engine.context import typed
from rules_engine.delivery.retry import next_delay
from rules_engine.exceptions import ActionError, ActionRefused, ConfigInvalid, UnknownKey
from rules_engine.models import Attempt, Event, Execution, Reason, Rule, RuleAction

logger = logging.getLogger("rules_engine")


@dataclass(frozen=True)
class Obstacle:
    """Why an execution must not run any more."""

    state: Execution.State
    reason: Reason

    @property
    def note(self) -> str:
        """The reason as a sentence."""
        return str(self.reason.label)


@dataclass(frozen=True, kw_only=True)
class Result:
    """What came of one attempt."""

    outcome: Attempt.Outcome
    line: str = ""
    error: str = ""
    reason: Reason | str = ""
    delay: float | None = None
    """Seconds until the next attempt, for a retry."""
    detail: dict[str, Any] = field(default_factory=dict)


def stand_in_the_way(execution: Execution) -> Obstacle | None:
    """What changed since the match so that the action must not run; None if it may."""
    rule, action = execution.rule, execution.action
    cancelled = Execution.State.CANCELLED
    if rule is None:
        return Obstacle(cancelled, Reason.RULE_DELETED)
    if rule.mode == Rule.Mode.OFF:
        return Obstacle(cancelled, Reason.RULE_OFF)
    if rule.mode == Rule.Mode.SHADOW:
        return Obstacle(cancelled, Reason.RULE_SHADOW)
    if action is None:
        return Obstacle(cancelled, Reason.ACTION_REMOVED)
    if not action.enabled:
        return Obstacle(cancelled, Reason.ACTION_OFF)
    return None


def frozen_event(row: Event) -> events.Event:
    """The event as actions see it."""
    return events.Event(
        id=row.pk,
        signal=row.signal,
        sender=row.sender,
        object_id=row.object_id,
        created_at=row.created_at,
        data=row.data,
        text=jsontext.dumps(row.data),
    )


def run_action(execution: Execution) -> Result:
    """Run the action with the rule's current configuration; never raises."""
    action = execution.action
    assert action is not None  # noqa: S101 - stand_in_the_way has seen to it
    run = Run(
        key=execution.pk,
        attempt=execution.attempts_made,
        rule=execution.rule_slug,
        secrets=dict(settings.SECRETS),
    )
    try:
        built = build_action(action.kind, action.config)
        line = built.run(frozen_event(execution.event), run)
    except UnknownKey as error:
        app = action.kind.partition(".")[0]
        text = f"{error} Is the app {app!r} still in INSTALLED_APPS? Install it, then retry."
        return _failed(run, text, Reason.NOT_INSTALLED)
    except ConfigInvalid as error:
        return _failed(run, f"{error} Mend the action, then retry.", Reason.CONFIG_INVALID)
    except ActionRefused as error:
        if error.switch_off:
            RuleAction.objects.filter(pk=action.pk).update(enabled=False)
        return _failed(run, str(error), Reason.REFUSED)
    except ActionError as error:
        return _again(run, str(error), error.retry_after)
    except Exception as error:
        # A bug in a host's action: it may pass, and it must not end the worker.
        logger.exception("rules: action %r of rule %r raised", action.kind, execution.rule_slug)
        return _again(run, f"{type(error).__name__}: {error}", None)
    text = run.masked(str(line or ""))
    return Result(outcome=Attempt.Outcome.SUCCEEDED, line=text, detail=_detail(run, {"result": text}))


def _failed(run: Run, error: str, reason: Reason) -> Result:
    text = run.masked(error)
    return Result(outcome=Attempt.Outcome.FAILED, error=text, reason=reason, detail=_detail(run))


def _again(run: Run, error: str, retry_after: float | None) -> Result:
    delay = next_delay(settings.RETRY_SCHEDULE, run.attempt, retry_after=retry_after)
    if delay is None:
        return _failed(run, error, Reason.EXHAUSTED)
    return Result(outcome=Attempt.Outcome.RETRY, error=run.masked(error), delay=delay, detail=_detail(run))


def _detail(run: Run, more: dict[str, Any] | None = None) -> dict[str, Any]:
    """What the action noted, as plain JSON data without secrets."""
    found = _masked(run, typed({**run.detail, **(more or {})}))
    return found if isinstance(found, dict) else {}


def _masked(run: Run, node: Any) -> Any:
    if isinstance(node, str):
        return run.masked(node)
    if isinstance(node, list):
        return [_masked(run, item) for item in node]
    if isinstance(node, dict):
        return {key: _masked(run, item) for key, item in node.items()}
    return node
