"""Dry runs as the API shows them: which document, and how much of the outcome."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from django.core.exceptions import ObjectDoesNotExist
from django.core.exceptions import ValidationError as DjangoValidationError
from django.db import DataError
from django.db.models import Model
from rest_framework.exceptions import ErrorDetail, PermissionDenied, ValidationError

from rules_engine import services
from rules_engine.catalog import get_signal, sender_model
from rules_engine.context import freeze, typed
from rules_engine.exceptions import UnknownKey
from rules_engine.models import Event, Rule, RuleAction


def dry_run(rule: Rule, asked: dict[str, Any], user: Any) -> dict[str, Any]:
    """Try a rule on what was asked for; raises ValidationError for a document that is not there.

    Who may not view the sender's model learns whether the saved rule matches, and nothing of the data. Such a user
    may not try conditions of their own: with enough of them, every value could be guessed.
    """
    event = _event(rule, asked["event"]) if "event" in asked else None
    hidden = "data" not in asked and _is_hidden(rule, event, user)
    if hidden and ("condition" in asked or "actions" in asked):
        raise PermissionDenied(
            "Trying an unsaved change on recorded data needs the permission to view the sender's model. "
            "Give the document yourself, as `data`."
        )
    found = _run(rule, asked, event)
    warnings = services.condition_warnings(rule=rule)
    if hidden:
        error = "The condition could not be evaluated." if found.error else ""
        return {
            "matches": found.matches,
            "value": None,
            "error": error,
            "missing": found.missing,
            "warnings": warnings,
            "explanation": [],
            "actions": [],
            "data": None,
            "data_hidden": True,
        }
    return {
        "matches": found.matches,
        "value": freeze(typed(found.value)),
        "error": found.error,
        "missing": found.missing,
        "warnings": warnings,
        "explanation": [
            {
                **asdict(part),
                "value": freeze(typed(part.value)),
                "reads": [{"path": path, "value": freeze(typed(value))} for path, value in reads],
            }
            for part, reads in zip(found.explanation, found.reads, strict=True)
        ],
        "actions": [freeze(typed(item)) for item in found.actions],
        "data": found.data,
        "data_hidden": False,
    }


def _run(rule: Rule, asked: dict[str, Any], event: Event | None) -> services.DryRun:
    rule.condition = asked.get("condition", rule.condition)
    actions = None
    if "actions" in asked:
        entries = enumerate(asked["actions"], start=1)
        actions = [RuleAction(rule=rule, position=number, **values) for number, values in entries]
    instance = _instance(rule, asked["object_id"]) if "object_id" in asked else None
    if event is None and "data" not in asked:
        _check_example(rule)
    return services.dry_run(rule=rule, actions=actions, event=event, instance=instance, data=asked.get("data"))


def _is_hidden(rule: Rule, event: Event | None, user: Any) -> bool:
    if event is not None:
        may_see_event = user.has_perm("rules_engine.view_event")
        return not (may_see_event and services.may_see_payload(user=user, signal=event.signal, sender=event.sender))
    # Without a model there is the signal's example alone: made up, and in the catalogue.
    return _model(rule) is not None and not services.may_see_payload(
        user=user, signal=rule.signal, sender=rule.sender
    )


def _model(rule: Rule) -> type[Model] | None:
    try:
        spec = get_signal(rule.signal)
    except UnknownKey:
        return None
    return sender_model(spec, rule.sender) if spec.instance else None


def _event(rule: Rule, key: Any) -> Event:
    event = Event.objects.filter(pk=key).first()
    if event is None:
        raise _wrong("event", "There is no such event.")
    if event.signal != rule.signal or rule.sender not in ("", event.sender):
        raise _wrong(
            "event",
            f"This is an event of {event.signal} from {event.sender or 'any sender'}; the rule listens to "
            f"{rule.signal} from {rule.sender or 'any sender'}.",
        )
    return event


def _check_example(rule: Rule) -> None:
    """Refuse a dry run on an object where the rule, by its sender, is not about objects of one model."""
    try:
        about_objects = bool(get_signal(rule.signal).instance)
    except UnknownKey:
        return
    if about_objects and _model(rule) is None:
        message = "The rule does not listen to one model, so there is no object to take. Give `event` or `data`."
        raise _wrong("object_id", message)


def _instance(rule: Rule, key: str) -> Model:
    _check_example(rule)
    model = _model(rule)
    if model is None:
        raise _wrong("object_id", f"{rule.signal} is not about an object. Leave this out, or give `event` or `data`.")
    try:
        return model._base_manager.get(pk=key)
    except (ObjectDoesNotExist, DjangoValidationError, ValueError, TypeError, OverflowError, DataError):
        raise _wrong("object_id", f"There is no {model._meta.verbose_name} with this key.") from None


def _wrong(name: str, message: str) -> ValidationError:
    return ValidationError({name: [ErrorDetail(message, "does_not_exist")]})
