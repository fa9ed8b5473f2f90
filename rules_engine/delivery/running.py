"""Run the action of one execution and say what came of it; touches no execution row."""

from __future__ import annotations

import logging
import traceback
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from rules_engine import events, jsontext
from rules_engine.actions import Action, Run, build_action
from rules_engine.conf import settings
from rules_engine.context import typed
from rules_engine.context.values import MAX_DEPTH
from rules_engine.delivery.outbox import UNREADABLE
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
    """Run the action with the rule's current configuration; raises nothing but errors of the database."""
    run = Run(
        key=execution.pk,
        attempt=execution.attempts_made,
        rule=execution.rule_slug,
        secrets=dict(settings.SECRETS),
    )
    action = execution.action
    assert action is not None  # noqa: S101 - stand_in_the_way has seen to it
    try:
        event, config = frozen_event(execution.event), action.config
    except UNREADABLE as error:
        text = (
            f"The text stored of the event or of the action's configuration is no JSON: {error}. Mend it, then retry."
        )
        return _failed(run, f"{text} Mend it, then retry.", Reason.REFUSED)
    try:
        built = build_action(action.kind, config)
    except UnknownKey as error:
        app = action.kind.partition(".")[0]
        text = f"{error} Is the app {app!r} still in INSTALLED_APPS? Install it, then retry."
        return _failed(run, text, Reason.NOT_INSTALLED)
    except ConfigInvalid as error:
        return _failed(run, f"{error} Mend the action, then retry.", Reason.CONFIG_INVALID)
    except Exception as error:  # noqa: BLE001 - logged, masked
        return _raised(run, action, error)
    return _tried(built, action, event, run)


def _tried(built: Action, action: RuleAction, event: events.Event, run: Run) -> Result:
    try:
        line = built.run(event, run)
    except ActionRefused as error:
        if error.switch_off:
            RuleAction.objects.filter(pk=action.pk).update(enabled=False)
        return _failed(run, _described(error), Reason.REFUSED, error.detail)
    except ActionError as error:
        return _again(run, _described(error), error.retry_after, error.detail)
    except Exception as error:  # noqa: BLE001 - logged, masked
        return _raised(run, action, error)
    text = _text(run, line or "")
    return Result(outcome=Attempt.Outcome.SUCCEEDED, line=text, detail=_detail(run, {"result": text}))


def _raised(run: Run, action: RuleAction, error: Exception) -> Result:
    """A bug in a host's action: it may pass, and it must not end the worker."""
    trail = run.masked("".join(traceback.format_exception(error)))
    logger.error("rules: action %r of rule %r raised\n%s", action.kind, run.rule, trail)
    return _again(run, f"{type(error).__name__}: {_described(error)}")


def _failed(run: Run, error: str, reason: Reason, detail: object = None) -> Result:
    text = _text(run, error)
    return Result(outcome=Attempt.Outcome.FAILED, error=text, reason=reason, detail=_detail(run, _more(detail)))


def _again(run: Run, error: str, retry_after: object = None, detail: object = None) -> Result:
    delay = next_delay(settings.RETRY_SCHEDULE, run.attempt, retry_after=retry_after)
    if delay is None:
        return _failed(run, error, Reason.EXHAUSTED, detail)
    text = _text(run, error)
    return Result(outcome=Attempt.Outcome.RETRY, error=text, delay=delay, detail=_detail(run, _more(detail)))


def _described(error: Exception) -> str:
    """The message of an error, whose ``__str__`` may be a host's and raise."""
    try:
        return str(error)
    except Exception as second:  # noqa: BLE001 - foreign code; the text says what happened
        return f"(its message cannot be shown: __str__ raised {type(second).__name__})"


def _text(run: Run, value: object) -> str:
    """What can be stored of a text, without secrets: masked first, because half a secret would not be recognised."""
    return run.masked(str(typed(run.masked(value) if isinstance(value, str) else value)))


def _more(detail: object) -> dict[str, Any]:
    """What an error brought along for the history."""
    if detail is None:
        return {}
    return dict(detail) if isinstance(detail, Mapping) else {"error": detail}


def _detail(run: Run, more: Mapping[str, Any]) -> dict[str, Any]:
    """What the action noted, as plain JSON data without secrets."""
    noted = _masked(run, {**run.detail, **more})
    found = _masked(run, typed(noted))
    return found if isinstance(found, dict) else {}


def _masked(run: Run, node: Any, depth: int = 0) -> Any:
    if isinstance(node, str):
        return run.masked(node)
    if depth > MAX_DEPTH:
        return node
    if isinstance(node, (list, tuple)):
        return [_masked(run, item, depth + 1) for item in node]
    if isinstance(node, dict):
        return {_masked(run, key, depth): _masked(run, item, depth + 1) for key, item in node.items()}
    return node
