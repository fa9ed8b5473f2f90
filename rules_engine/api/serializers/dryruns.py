"""Dry runs: what to try, and what came of it."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers
from rest_framework.exceptions import ValidationError

from rules_engine.api.serializers.rules import ActionSerializer
from rules_engine.api.serializers.shapes import ExactDocument, StrictSerializer, Text

SOURCES = ("event", "object_id", "data")


class DryRunRequestSerializer(StrictSerializer):
    """What to evaluate the rule on; with none of the three, on the signal's example and the latest object."""

    noun = "a dry run"

    event = serializers.UUIDField(required=False, help_text="A recorded event of the rule's signal and sender.")
    object_id = serializers.CharField(
        required=False, max_length=255, help_text="Key of an object of the rule's sender."
    )
    data = ExactDocument(required=False, help_text="The document itself.")  # type: ignore[assignment]
    condition = Text(required=False, help_text="A condition to try instead of the saved one.")
    actions = ActionSerializer(many=True, required=False, help_text="Actions to try instead of the saved ones.")

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        given = [name for name in SOURCES if name in attrs]
        if len(given) > 1:
            message = f"Give one of {', '.join(SOURCES)}, not several."
            raise ValidationError({name: [message] for name in given[1:]})
        return attrs

    def validate_data(self, value: Any) -> Any:
        """A context is an object."""
        if not isinstance(value, dict):
            raise ValidationError("This must be an object.")
        return value


class ReadSerializer(serializers.Serializer[Any]):
    """A field that a part of the condition looked at."""

    path = serializers.CharField()
    value = serializers.JSONField(allow_null=True)


class PartSerializer(serializers.Serializer[Any]):
    """One part of the condition: the whole, and each side of its logical operators."""

    text = serializers.CharField()
    start = serializers.IntegerField(help_text="Offset in the condition.")
    end = serializers.IntegerField()
    depth = serializers.IntegerField(help_text="How many logical operators stand around it.")
    value = serializers.JSONField(allow_null=True)
    verdict = serializers.BooleanField(allow_null=True, help_text="Null: not evaluated, or failed.")
    error = serializers.CharField()
    reads = ReadSerializer(many=True, help_text="What a comparison looked at; empty for a part that has parts.")


class PreviewSerializer(serializers.Serializer[Any]):
    """What one action would do."""

    kind = serializers.CharField()
    enabled = serializers.BooleanField()
    preview = serializers.JSONField(required=False, help_text="What it would do, secrets as `***`.")
    error = serializers.CharField(required=False, help_text="Why it could not run.")


class DryRunSerializer(serializers.Serializer[Any]):
    """What a rule would make of an event; nothing was written or sent."""

    matches = serializers.BooleanField(
        allow_null=True, help_text="Null is *unknown*: the document lacks what the condition asks for."
    )
    value = serializers.JSONField(allow_null=True, help_text="Value of the condition.")
    error = serializers.CharField(help_text="Why the condition could not be evaluated; empty if it could.")
    missing = serializers.ListField(child=serializers.CharField(), help_text="Paths that were not recorded.")
    warnings = serializers.ListField(child=serializers.CharField(), help_text="Allowed, but perhaps not meant.")
    explanation = PartSerializer(many=True)
    actions = PreviewSerializer(many=True)
    data = serializers.JSONField(  # type: ignore[assignment]
        allow_null=True, help_text="The document that the condition saw."
    )
    data_hidden = serializers.BooleanField(
        help_text="Whether data, values and previews are left out, because you may not view the sender's model."
    )
