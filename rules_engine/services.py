"""Use cases shared by admin, API and commands; keyword arguments throughout."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import Model
from django.utils import timezone

from rules_engine import conf, events, jsontext
from rules_engine.actions import build_action, default_run
from rules_engine.catalog import SignalSpec, get_signal, sender_model
from rules_engine.catalog.emission import Emission
from rules_engine.conditions import compile_condition
from rules_engine.conf import settings
from rules_engine.context import Plan, freeze, missing_paths
from rules_engine.context.documents import names_at
from rules_engine.delivery import outbox
from rules_engine.delivery.running import frozen_event
from rules_engine.exceptions import ConditionError, ConfigInvalid, StaleRule, StateConflict, UnknownKey
from rules_engine.models import Event, Execution, Rule, RuleAction, recording
from rules_engine.models.execution import ExecutionQuerySet


def save_rule(
    *, rule: Rule, actions: Sequence[Mapping[str, Any]] | None, by: Any, version: int | None = None
) -> Rule:
    """Write a rule and, unless ``actions`` is None, all its actions as one change by user ``by``.

    ``actions`` are mappings of ``kind``, ``config``, ``on_error`` and ``enabled`` in their order; those that stay at
    their place and kind keep their row, so that executions that wait for them still find them. ``version`` is the
    version that was edited.

    Raises ValidationError (fields, and ``actions`` as a list with one entry for each) and StaleRule; then nothing is
    written.
    """
    if version is not None and not rule._state.adding and version != rule.version:
        raise StaleRule(rule.name, version, rule.version)
    validate_rule(rule=rule, actions=actions)
    with recording(by=by):
        rule.save()
        if actions is not None:
            _replace_actions(rule, actions)
    return rule


def validate_rule(*, rule: Rule, actions: Sequence[Mapping[str, Any]] | None) -> None:
    """Raise ValidationError with everything that is wrong with a rule and its actions."""
    rule.fill_slug()
    problems: dict[str, list[str]] = {}
    try:
        rule.full_clean()
    except ValidationError as error:
        problems.update(error.message_dict)
    found = [_action_errors(values) for values in actions or []]
    if problems or any(found):
        raise RuleInvalid(problems, found)


class RuleInvalid(ValidationError):
    """What is wrong with a rule: ``fields`` by name, ``actions`` one dict of messages by field for each action."""

    def __init__(self, fields: dict[str, list[str]], actions: list[dict[str, list[str]]]) -> None:
        self.fields, self.actions = fields, actions
        numbered = [
            f"Action {number}, {name}: {message}"
            for number, errors in enumerate(actions, start=1)
            for name, messages in errors.items()
            for message in messages
        ]
        super().__init__({**fields, **({"actions": numbered} if numbered else {})})


def _action_errors(values: Mapping[str, Any]) -> dict[str, list[str]]:
    action = RuleAction(position=1, **{name: value for name, value in values.items() if name != "position"})
    try:
        action.full_clean(exclude=["rule"])
    except ValidationError as error:
        return error.message_dict
    return {}


def _replace_actions(rule: Rule, actions: Sequence[Mapping[str, Any]]) -> None:
    old = list(rule.actions.order_by("position", "pk"))
    for number, values in enumerate(actions, start=1):
        kept = next((item for item in old if item.position == number and item.kind == values["kind"]), None)
        if kept is not None:
            old.remove(kept)
        action = kept or RuleAction(rule=rule)
        for name in ("kind", "config", "on_error", "enabled"):
            if name in values:
                setattr(action, name, values[name])
        action.position = number
        action.save()
    for item in old:
        item.delete()


def set_mode(*, rules: Iterable[Rule], mode: str, by: Any) -> list[Rule]:
    """Switch rules to ``off``, ``shadow`` or ``live``; returns those that changed. One version for each."""
    changed = []
    with recording(by=by):
        for rule in rules:
            if rule.mode == mode:
                continue
            rule.mode = mode
            rule.save(update_fields=["mode"])
            changed.append(rule)
    return changed


@dataclass(frozen=True)
class DryRun:
    """What a rule would make of an event; nothing was written or sent."""

    matches: bool | None
    """None is *unknown*: the event does not hold what the condition asks for."""
    value: Any = None
    error: str = ""
    missing: list[str] = field(default_factory=list)
    explanation: list[Any] = field(default_factory=list)
    actions: list[dict[str, Any]] = field(default_factory=list)
    """For each action: ``kind``, ``enabled``, and its ``preview`` or ``error``."""
    data: dict[str, Any] = field(default_factory=dict)


def dry_run(
    *,
    rule: Rule,
    actions: Sequence[RuleAction] | None = None,
    event: Event | None = None,
    instance: Model | None = None,
    data: Mapping[str, Any] | None = None,
) -> DryRun:
    """Evaluate a rule, saved or not, and preview its actions with the evaluator of production.

    The document is a recorded ``event``, an ``instance`` put into the signal's example, ``data`` as it is, or the
    signal's example with the sender's latest object.
    """
    actions = list(rule.actions.all()) if actions is None and rule.pk else list(actions or [])
    try:
        condition = compile_condition(rule.condition)
        spec = get_signal(rule.signal)
    except (ConditionError, UnknownKey) as error:
        return DryRun(None, error=str(error))
    frozen = _document(spec, rule, actions, event, instance, data)
    missing = _missing(spec, rule, condition.paths, frozen.data)
    if missing:
        return DryRun(None, missing=missing, data=frozen.data, actions=_previews(rule, actions, frozen))
    try:
        value = condition.evaluate(frozen.data)
        matches = condition.matches(frozen.data)
    except ConditionError as error:
        return DryRun(False, error=str(error), data=frozen.data)
    return DryRun(
        matches,
        value=value,
        explanation=list(condition.explain(frozen.data)),
        actions=_previews(rule, actions, frozen),
        data=frozen.data,
    )


def _document(
    spec: SignalSpec,
    rule: Rule,
    actions: Sequence[RuleAction],
    event: Event | None,
    instance: Model | None,
    data: Mapping[str, Any] | None,
) -> events.Event:
    if event is not None:
        return frozen_event(event)
    if data is not None:
        emission = Emission(spec, rule.sender, None, {})
        document: Any = {**emission.context(Plan()), **freeze(data)} if spec.instance == "" else dict(data)
    else:
        emission = Emission(spec, rule.sender, None, _example(spec, rule, instance))
        document = freeze(emission.context(Plan(paths_of(rule=rule, actions=actions))))
    return events.Event(
        id=emission.id,
        signal=spec.key,
        sender=rule.sender,
        object_id=emission.object_id,
        created_at=emission.at,
        data=document,
        text=jsontext.dumps(document),
    )


def _example(spec: SignalSpec, rule: Rule, instance: Model | None) -> dict[str, Any]:
    given = dict(spec.example)
    if spec.instance:
        model = sender_model(spec, rule.sender)
        if instance is None and model is not None:
            # A made-up object where there is none yet: columns have their defaults.
            instance = model._base_manager.order_by("-pk").first() or model()
        if instance is not None:
            given[spec.instance] = instance
    return given


def paths_of(*, rule: Rule, actions: Iterable[RuleAction]) -> set[tuple[str, ...]]:
    """Every path of the event that a rule's condition, templates and bodies read."""
    found = set(compile_condition(rule.condition).paths)
    for action in actions:
        try:
            found |= build_action(action.kind, action.config).paths()
        except (UnknownKey, ConfigInvalid):
            continue  # the preview says what is wrong with it
    return found


def _missing(spec: SignalSpec, rule: Rule, paths: Iterable[tuple[str, ...]], data: Mapping[str, Any]) -> list[str]:
    model = sender_model(spec, rule.sender)
    known = names_at(spec.instance, model) if model is not None and spec.instance else (lambda path: None)
    return [".".join(path) for path in missing_paths(paths, data, known)]


def _previews(rule: Rule, actions: Sequence[RuleAction], event: events.Event) -> list[dict[str, Any]]:
    return [
        {"kind": action.kind, "enabled": action.enabled, **preview_action(action=action, rule=rule, event=event)}
        for action in actions
    ]


def preview_action(*, action: RuleAction, rule: Rule | None, event: events.Event) -> dict[str, Any]:
    """Return ``{"preview": …}`` or ``{"error": …}`` for one action; sends nothing."""
    try:
        built = build_action(action.kind, action.config)
        return {"preview": built.preview(event, default_run(rule.slug if rule else ""))}
    except (UnknownKey, ConfigInvalid) as error:
        return {"error": str(error)}
    except Exception as error:  # noqa: BLE001 - a host's action; the person sees what it says
        return {"error": f"{type(error).__name__}: {error}"}


def retry(*, executions: ExecutionQuerySet) -> int:
    """Make failed and cancelled executions due now, with the same idempotency key; returns how many.

    One that used up its schedule is tried once more. Others are left as they are; see ``outbox.reopen`` for the
    order of several.
    """
    alias = outbox.home()
    with transaction.atomic(using=alias):
        rows = outbox.reopen(executions.using(alias))
        if rows:
            outbox.wake_on_commit(alias)
    return rows


def retry_one(*, execution: Execution) -> Execution:
    """Retry one execution; raises StateConflict if its state does not allow it."""
    if not retry(executions=Execution.objects.filter(pk=execution.pk)):
        execution.refresh_from_db()
        raise StateConflict(
            f"Only a failed or cancelled execution can be retried; this one is {execution.get_state_display()}."
        )
    execution.refresh_from_db()
    return execution


def prune(*, older_than_days: float | None = None, batch: int = 500) -> int:
    """Delete events older than ``RETENTION_DAYS`` whose executions are all finished; returns how many events.

    In batches with a commit each, so that no long lock stands in the site's way.
    """
    days = settings.RETENTION_DAYS if older_than_days is None else older_than_days
    if days is None:
        return 0
    alias = outbox.home()
    limit = timezone.now() - timedelta(days=min(days, conf.OLDEST_DAYS))
    unfinished = Execution.objects.using(alias).unfinished().values("event_id")
    old = Event.objects.using(alias).filter(created_at__lt=limit).exclude(pk__in=unfinished)
    gone = 0
    while ids := list(old.order_by("created_at").values_list("pk", flat=True)[:batch]):
        Event.objects.using(alias).filter(pk__in=ids).delete()
        gone += len(ids)
    return gone
