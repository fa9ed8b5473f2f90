"""Rules with their actions, and their versions."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers
from rest_framework.exceptions import ErrorDetail, ValidationError

from rules_engine.api.moments import MomentField
from rules_engine.api.serializers.shapes import Document, StrictSerializer, Text
from rules_engine.models import RuleAction

MAX_ACTIONS = 100
"""Most actions of one rule."""


class ActionListSerializer(serializers.ListSerializer[Any]):
    """Actions in their order; what is wrong is told as a list with one entry for each."""

    def to_internal_value(self, data: Any) -> list[Any]:
        if not isinstance(data, list):
            message = f"This must be a list of actions, not {type(data).__name__}."
            raise ValidationError([ErrorDetail(message, "not_a_list")])
        if len(data) > MAX_ACTIONS:
            message = f"A rule has at most {MAX_ACTIONS} actions; these are {len(data)}."
            raise ValidationError([ErrorDetail(message, "max_length")])
        checked = [self._checked(item) for item in data]
        if any(errors for _, errors in checked):
            raise ValidationError([errors for _, errors in checked])
        return [value for value, _ in checked]

    def _checked(self, item: Any) -> tuple[Any, Any]:
        assert self.child is not None  # noqa: S101 - REST framework's own invariant
        try:
            return self.child.run_validation(item), {}
        except ValidationError as error:
            return None, error.detail if isinstance(error.detail, dict) else {"non_field_errors": error.detail}


class ActionSerializer(StrictSerializer):
    """One action of a rule; its place is that in the list."""

    class Meta:
        list_serializer_class = ActionListSerializer

    noun = "an action"
    DEFAULTS = {"config": {}, "on_error": RuleAction.OnError.CONTINUE.value, "enabled": True}

    position = serializers.IntegerField(read_only=True, help_text="Place in the rule, counted from 1.")
    kind = Text(help_text="Key of the catalogue of actions.")
    config = Document(help_text="Configuration, as the kind's schema says.")
    on_error = Text(help_text="Whether the actions after it wait for its success (`stop`) or not (`continue`).")
    enabled = serializers.BooleanField()

    def to_internal_value(self, data: Any) -> Any:
        # The list replaces the actions that were there, also in a PATCH: what an entry leaves out has its default.
        if isinstance(data, dict):
            if "kind" not in data:
                raise ValidationError({"kind": [ErrorDetail("This field is required.", "required")]})
            data = {**self.DEFAULTS, **data}
        return super().to_internal_value(data)


class RuleSerializer(StrictSerializer):
    """A rule with its actions.

    ``version`` is counted by the engine; sent back, it says which version was edited.
    """

    noun = "a rule"

    name = Text(help_text="Name for people.")
    slug = Text(required=False, help_text="Identifier in addresses and files; made from the name if left out.")
    description = Text(required=False)
    mode = Text(required=False, help_text="`off`, `shadow` (records what it would do, sends nothing) or `live`.")
    signal = Text(help_text="Key of the catalogue of signals.")
    sender = Text(required=False, help_text="Who sends it, such as `shop.order`; empty is any allowed sender.")
    condition = Text(required=False, help_text="JMESPath over the event; empty is always.")
    priority = serializers.IntegerField(required=False, help_text="Lower numbers run first.")
    stop_on_match = serializers.BooleanField(
        required=False, help_text="When this live rule matches, rules after it do not see the event."
    )
    actions = ActionSerializer(many=True, required=False)
    version = serializers.IntegerField(
        required=False, help_text="Version of the rule. In a change: the version that was edited; 412 if it is old."
    )
    problem = serializers.CharField(read_only=True, help_text="Why the rule is quarantined; empty if it is not.")
    created_at = MomentField()
    updated_at = MomentField()
    created_by = serializers.CharField(source="created_by.get_username", read_only=True, allow_null=True)
    updated_by = serializers.CharField(source="updated_by.get_username", read_only=True, allow_null=True)


class RuleVersionSerializer(serializers.Serializer[Any]):
    """What a rule looked like after one change."""

    number = serializers.IntegerField(read_only=True)
    change = serializers.CharField(read_only=True, help_text="`created`, `changed` or `deleted`.")
    created_at = MomentField()
    created_by = serializers.CharField(source="created_by.get_username", read_only=True, allow_null=True)
    snapshot = serializers.JSONField(read_only=True, help_text="The rule and its actions.")
