"""What rules can be made of: signals, actions, functions."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from rules_engine.actions import Action, action_schema
from rules_engine.catalog import SignalSpec, sender_choices
from rules_engine.context import freeze, typed


class SenderSerializer(serializers.Serializer[Any]):
    """One sender that a rule may choose."""

    label = serializers.CharField(help_text="What a rule's `sender` holds.")  # type: ignore[assignment]
    title = serializers.CharField()


class SignalSerializer(serializers.Serializer[Any]):
    """One signal that rules may listen to."""

    key = serializers.CharField(help_text="What a rule's `signal` holds.")
    title = serializers.CharField(help_text="What happened.")
    description = serializers.CharField()
    arguments = serializers.DictField(
        child=serializers.CharField(), help_text="Names in the context, each with an explanation."
    )
    senders = SenderSerializer(many=True, help_text="Empty: the signal has none, or lets a rule name any.")
    example = serializers.JSONField(help_text="Arguments of a typical emission.")

    def to_representation(self, instance: SignalSpec) -> dict[str, Any]:
        return {
            "key": instance.key,
            "title": str(instance.title),
            "description": str(instance.description),
            "arguments": {name: str(text) for name, text in instance.arguments.items()},
            "senders": [{"label": item.label, "title": str(item.title)} for item in sender_choices(instance)],
            "example": freeze(typed(dict(instance.example))),
        }


class ActionKindSerializer(serializers.Serializer[Any]):
    """One kind of action."""

    kind = serializers.CharField(help_text="What an action's `kind` holds.")
    title = serializers.CharField()
    description = serializers.CharField()
    phase = serializers.CharField(help_text="`after_commit` or `in_signal`.")
    schema = serializers.JSONField(help_text="JSON Schema (draft 2020-12) of the configuration.")

    def to_representation(self, instance: tuple[str, type[Action]]) -> dict[str, Any]:
        kind, action = instance
        schema = action_schema(kind)
        return {
            "kind": kind,
            "title": str(schema["title"]),
            "description": str(schema["description"]),
            "phase": action.phase.value,
            "schema": schema,
        }


class FunctionSerializer(serializers.Serializer[Any]):
    """One function that a condition can call."""

    name = serializers.CharField()
    usage = serializers.CharField()
    doc = serializers.CharField()
