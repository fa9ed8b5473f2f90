"""Rules: save, delete, switch."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from django.core.exceptions import ValidationError

from rules_engine.exceptions import StaleRule, UnknownKey
from rules_engine.models import Rule, RuleAction, recording, validation


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


def condition_warnings(*, rule: Rule) -> list[str]:
    """Return what is allowed in a rule's condition, but perhaps not meant; each with a caret line."""
    try:
        return validation.condition_warnings(rule.condition, rule.signal, rule.sender)
    except UnknownKey:
        return []


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


def delete_rule(*, rule: Rule, by: Any, version: int | None = None) -> None:
    """Delete a rule as user ``by``: what it has pending is cancelled, its versions and its history stay.

    ``version`` is the version that was looked at; raises StaleRule if the rule is another by now, or gone.
    """
    with recording(by=by):
        # Locked, so that nobody changes it between the look at its version and its end.
        current = Rule.objects.select_for_update().filter(pk=rule.pk).first()
        if current is None or version not in (None, current.version):
            raise StaleRule(rule.name, version or rule.version, current.version if current else None)
        current.delete()


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
