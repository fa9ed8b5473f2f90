"""Events, executions and attempts; payloads only for users who may view the model they are about."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from rules_engine import services
from rules_engine.api.moments import MomentField
from rules_engine.models import Attempt, Event, Execution, Reason

HIDDEN = "Whether payloads are left out, because you may not view the sender's model."


class _Guarded(serializers.Serializer[Any]):
    """Knows whether the user who asks may see the payload of an event."""

    def may_view(self, event: Event) -> bool:
        return services.may_see_payload(user=self.context["request"].user, signal=event.signal, sender=event.sender)


class EventSerializer(_Guarded):
    """One signal emission that matched, without its payload."""

    id = serializers.UUIDField(read_only=True)
    signal = serializers.CharField(read_only=True)
    sender = serializers.CharField(read_only=True)
    object_id = serializers.CharField(read_only=True)
    created_at = MomentField()
    cause = serializers.UUIDField(
        source="cause_id", read_only=True, allow_null=True, help_text="The execution that brought it about."
    )


class EventDetailSerializer(EventSerializer):
    """One event with its payload."""

    data = serializers.JSONField(  # type: ignore[assignment]
        read_only=True, allow_null=True, help_text="The whole context; numbers are exact."
    )
    data_hidden = serializers.BooleanField(read_only=True, help_text=HIDDEN)

    def to_representation(self, instance: Event) -> dict[str, Any]:
        hidden = not self.may_view(instance)
        shape = EventSerializer(instance, context=self.context)
        return {**shape.data, "data": None if hidden else instance.data, "data_hidden": hidden}


class ExecutionSerializer(_Guarded):
    """One action of one rule for one event."""

    id = serializers.UUIDField(read_only=True, help_text="Also the idempotency key.")
    event = serializers.UUIDField(source="event_id", read_only=True)
    signal = serializers.CharField(source="event.signal", read_only=True)
    sender = serializers.CharField(source="event.sender", read_only=True)
    object_id = serializers.CharField(source="event.object_id", read_only=True)
    created_at = MomentField(source="event.created_at")
    rule = serializers.CharField(
        source="rule.slug", read_only=True, allow_null=True, help_text="Slug of the rule; null if it was deleted."
    )
    rule_slug = serializers.CharField(read_only=True, help_text="Slug of the rule at the time.")
    rule_name = serializers.CharField(read_only=True, help_text="Name of the rule at the time.")
    action_kind = serializers.CharField(read_only=True)
    position = serializers.IntegerField(read_only=True)
    state = serializers.ChoiceField(choices=Execution.State.choices, read_only=True)
    reason = serializers.CharField(read_only=True, help_text="Why it is in its state, as a word.")
    note = serializers.CharField(read_only=True, help_text="The same as a sentence, or the result.")
    due_at = MomentField(allow_null=True)
    attempts_made = serializers.IntegerField(read_only=True)
    finished_at = MomentField(allow_null=True)
    data_hidden = serializers.BooleanField(read_only=True, help_text=HIDDEN)

    def to_representation(self, instance: Execution) -> dict[str, Any]:
        instance.data_hidden = not self.may_view(instance.event)  # type: ignore[attr-defined]
        shape = super().to_representation(instance)
        if shape["data_hidden"]:
            # A note is what the action or the condition said, and that quotes the data.
            shape["note"] = str(Reason(instance.reason).label) if instance.reason in Reason.values else ""
        return shape


class AttemptSerializer(serializers.Serializer[Any]):
    """One try of an execution."""

    number = serializers.IntegerField(read_only=True)
    rule_version = serializers.IntegerField(read_only=True, allow_null=True)
    started_at = MomentField()
    duration_ms = serializers.IntegerField(read_only=True)
    outcome = serializers.ChoiceField(choices=Attempt.Outcome.choices, read_only=True)
    error = serializers.CharField(read_only=True, allow_null=True)
    detail = serializers.JSONField(read_only=True, allow_null=True, help_text="What the action noted.")


class ExecutionDetailSerializer(ExecutionSerializer):
    """One execution with its attempts."""

    attempts = AttemptSerializer(many=True, read_only=True)

    def to_representation(self, instance: Execution) -> dict[str, Any]:
        shape = super().to_representation(instance)
        if shape["data_hidden"]:
            shape["attempts"] = [{**attempt, "error": None, "detail": None} for attempt in shape["attempts"]]
        return shape
