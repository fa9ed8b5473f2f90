"""Dry runs: what a rule would make of an event; nothing is written or sent."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from django.db.models import Model

from rules_engine import events, jsontext
from rules_engine.actions import build_action, default_run
from rules_engine.catalog import SignalSpec, get_signal, sender_model
from rules_engine.catalog.emission import Emission
from rules_engine.conditions import Part, compile_condition
from rules_engine.context import Plan, freeze, missing_paths, typed
from rules_engine.context.documents import names_at
from rules_engine.delivery.running import frozen_event
from rules_engine.exceptions import ConditionError, ConfigInvalid, UnknownKey
from rules_engine.models import Event, Rule, RuleAction


@dataclass(frozen=True)
class DryRun:
    """What a rule would make of an event; nothing was written or sent."""

    matches: bool | None
    """None is *unknown*: the event does not hold what the condition asks for."""
    value: Any = None
    error: str = ""
    missing: list[str] = field(default_factory=list)
    explanation: list[Any] = field(default_factory=list)
    reads: list[list[tuple[str, Any]]] = field(default_factory=list)
    """For each part of the explanation that has no parts itself: the paths it read, with their values."""
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

    The document is a recorded ``event``, an ``instance`` put into the signal's example, ``data`` (the signal's
    arguments as plain data), or the signal's example with the sender's latest object.
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
    explanation = list(condition.explain(frozen.data))
    return DryRun(
        matches,
        value=value,
        explanation=explanation,
        reads=[_reads(part, explanation, frozen.data) for part in explanation],
        actions=_previews(rule, actions, frozen),
        data=frozen.data,
    )


def _reads(part: Part, parts: Sequence[Part], data: Mapping[str, Any]) -> list[tuple[str, Any]]:
    """What a comparison looked at: ``[("instance.status", "paid")]``; nothing for a part that was not evaluated."""
    if part.verdict is None or any(
        part.start <= other.start and other.end <= part.end for other in parts if other is not part
    ):
        return []
    try:
        paths = compile_condition(part.text).paths
    except ConditionError:
        return []  # cut out of its brackets, the part is no condition by itself
    found = []
    for path in sorted(paths):
        known, value = _at(path, data)
        # A path alone is its own value, which stands beside it already.
        if known and ".".join(path) != part.text.strip():
            found.append((".".join(path), value))
    return found


def _at(path: Sequence[str], data: Any) -> tuple[bool, Any]:
    """Whether plain objects lead along the path, and to what; a list on the way has no one value."""
    for name in path:
        if not isinstance(data, Mapping) or name not in data:
            return False, None
        data = data[name]
    return not isinstance(data, Mapping), data


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
        # What is not given is null, as it is for a signal that was sent without it.
        document: Any = {**emission.envelope(), **dict.fromkeys(spec.arguments), **typed(dict(data))}
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
