"""Query parameters of lists: each one declared, checked and turned into a lookup."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any, ClassVar, NoReturn

from django.conf import settings as django_settings
from django.db.models import Q, QuerySet
from django.utils import timezone
from rest_framework import ISO_8601, serializers
from rest_framework.filters import BaseFilterBackend
from rest_framework.request import Request

from rules_engine.api.moments import utc
from rules_engine.models import Execution, Reason, Rule


class Moment(serializers.DateTimeField):
    """A point in time, ISO 8601; without an offset it is in the site's time zone."""

    def __init__(self, **kwargs: Any) -> None:
        # Not those of the host's settings.
        super().__init__(required=False, input_formats=[ISO_8601], **kwargs)

    def enforce_timezone(self, value: datetime) -> datetime:
        return value

    def to_internal_value(self, value: Any) -> datetime:
        moment = super().to_internal_value(value)
        try:
            # Databases are asked in UTC, which the first and last days of the calendar have no form in.
            moment = utc(moment)
            return moment if django_settings.USE_TZ else timezone.make_naive(moment)
        except (OverflowError, ValueError):
            self.fail("overflow", timezone="UTC")


class Ordering(serializers.CharField):
    """Names separated by commas, each with ``-`` for descending; only those that are listed."""

    default_error_messages = {"unknown": "{name} is not an ordering. Known: {known}."}

    def __init__(self, names: Mapping[str, str], **kwargs: Any) -> None:
        self.names = names
        kwargs.setdefault("help_text", f"Order by {', '.join(names)}; `-` before a name is descending.")
        super().__init__(required=False, **kwargs)

    def to_internal_value(self, data: Any) -> list[str]:  # type: ignore[override]
        return [self._column(part.strip()) for part in super().to_internal_value(data).split(",")]

    def _column(self, part: str) -> str:
        name = part.removeprefix("-")
        if name not in self.names:
            self.fail("unknown", name=repr(name), known=", ".join(self.names))
        return f"-{self.names[name]}" if part.startswith("-") else self.names[name]


class Filters(serializers.Serializer[Any]):
    """Declared parameters; ``lookups`` maps the name of each to the lookup it stands for."""

    lookups: ClassVar[Mapping[str, str]] = {}

    def apply(self, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """Return the rows that were asked for, in the order asked for."""
        for name, value in self.validated_data.items():
            if name in self.lookups and value:
                queryset = queryset.filter(**{self.lookups[name]: value})
        ordering = self.validated_data.get("ordering")
        # The key makes the order total: without it a row could stand on two pages, and another on none.
        return queryset.order_by(*ordering, "-pk") if ordering else queryset


class QueryFilter(BaseFilterBackend):
    """Applies the ``Filters`` that a view names for its action; a wrong value is an error, not an empty list."""

    def filter_queryset(self, request: Request, queryset: QuerySet[Any], view: Any) -> QuerySet[Any]:
        declared = getattr(view, "filters", None)
        if declared is None or getattr(view, "action", "") != "list":
            return queryset
        filters = declared(data=request.query_params)
        filters.is_valid(raise_exception=True)
        chosen: QuerySet[Any] = filters.apply(queryset)
        return chosen


def _text(**kwargs: Any) -> serializers.CharField:
    return serializers.CharField(required=False, **kwargs)


class Choices(serializers.MultipleChoiceField):
    """A choice that may be repeated, ``state=failed&state=cancelled``; left empty, it asks for nothing."""

    default_error_messages = {"invalid_choice": "{input!r} is not one of {known}."}

    def __init__(self, choices: Iterable[tuple[str, Any]], **kwargs: Any) -> None:
        super().__init__(choices=list(choices), required=False, **kwargs)

    def get_value(self, dictionary: Mapping[str, Any]) -> Any:
        given = super().get_value(dictionary)
        return [value for value in given if value != ""] if isinstance(given, list) else given

    def fail(self, key: str, **kwargs: Any) -> NoReturn:
        super().fail(key, known=", ".join(self.choices), **kwargs)


class RuleFilters(Filters):
    """Parameters of the list of rules."""

    mode = Choices(Rule.Mode.choices)
    signal = _text()
    sender = _text()
    action_kind = _text(help_text="Rules with an action of this kind.")
    has_problem = serializers.BooleanField(
        required=False, allow_null=True, default=None, help_text="Quarantined rules, or all others."
    )
    search = _text(help_text="Text in name, slug or description.")
    ordering = Ordering(
        {
            "priority": "priority",
            "name": "name",
            "slug": "slug",
            "mode": "mode",
            "created_at": "created_at",
            "updated_at": "updated_at",
        }
    )

    lookups = {"mode": "mode__in", "signal": "signal", "sender": "sender"}

    def apply(self, queryset: QuerySet[Any]) -> QuerySet[Any]:
        queryset = super().apply(queryset)
        given = self.validated_data
        if "action_kind" in given:
            # A subquery, not a join: a rule with two such actions is one row.
            rules = queryset.model.objects.filter(actions__kind=given["action_kind"])
            queryset = queryset.filter(pk__in=rules.values("pk"))
        if given.get("has_problem") is not None:
            queryset = queryset.exclude(problem="") if given["has_problem"] else queryset.filter(problem="")
        if "search" in given:
            text = given["search"]
            found = Q(name__icontains=text) | Q(slug__icontains=text) | Q(description__icontains=text)
            queryset = queryset.filter(found)
        return queryset


class EventFilters(Filters):
    """Parameters of the list of events."""

    signal = _text()
    sender = _text()
    object_id = _text()
    rule = _text(help_text="Slug of a rule that the event has an execution of.")
    created_after = Moment(help_text="This moment or later.")
    created_before = Moment(help_text="Before this moment.")
    ordering = Ordering({"created_at": "id", "signal": "signal", "sender": "sender"})

    lookups = {
        "signal": "signal",
        "sender": "sender",
        "object_id": "object_id",
        "created_after": "created_at__gte",
        "created_before": "created_at__lt",
    }

    def apply(self, queryset: QuerySet[Any]) -> QuerySet[Any]:
        queryset = super().apply(queryset)
        if "rule" in self.validated_data:
            mine = Execution.objects.filter(of_rule(self.validated_data["rule"]))
            queryset = queryset.filter(pk__in=mine.values("event_id"))
        return queryset


class ExecutionFilters(Filters):
    """Parameters of the list of executions."""

    state = Choices(Execution.State.choices)
    rule = _text(help_text="Slug of the rule, as it is now or as it was then.")
    action_kind = _text()
    event = serializers.UUIDField(required=False, help_text="All executions of one event.")
    signal = _text()
    sender = _text()
    object_id = _text()
    reason = _text(help_text=f"Why it is in its state: {', '.join(Reason.values)}.")
    created_after = Moment(help_text="Of an event at this moment or later.")
    created_before = Moment(help_text="Of an event before this moment.")
    ordering = Ordering(
        {
            "created_at": "event_id",
            "finished_at": "finished_at",
            "due_at": "due_at",
            "state": "state",
            "attempts_made": "attempts_made",
            "rule": "rule_slug",
            "action_kind": "action_kind",
        }
    )

    lookups = {
        "state": "state__in",
        "action_kind": "action_kind",
        "event": "event_id",
        "signal": "event__signal",
        "sender": "event__sender",
        "object_id": "event__object_id",
        "reason": "reason",
        "created_after": "event__created_at__gte",
        "created_before": "event__created_at__lt",
    }

    def apply(self, queryset: QuerySet[Any]) -> QuerySet[Any]:
        queryset = super().apply(queryset)
        if "rule" in self.validated_data:
            queryset = queryset.filter(of_rule(self.validated_data["rule"]))
        return queryset


def of_rule(slug: str) -> Q:
    """Executions of the rule that has this slug, or had it when they were made."""
    return Q(rule_slug=slug) | Q(rule_id__in=Rule.objects.filter(slug=slug).values("pk"))
