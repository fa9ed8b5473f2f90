"""What each list can be asked for: its query parameters, and the rows that they stand for."""

from __future__ import annotations

from django.db.models import Q, QuerySet
from django_filters import FilterSet
from django_filters.filters import UUIDFilter

from rules_engine.api.parameters import ChoicesFilter, MomentFilter, OrderFilter, TextFilter, WordFilter
from rules_engine.models import Event, Execution, Reason, Rule


class RuleFilter(FilterSet):
    """Parameters of the list of rules."""

    mode = ChoicesFilter(Rule.Mode.choices)
    signal = TextFilter()
    sender = TextFilter()
    action_kind = TextFilter(method="with_action", help_text="Rules with an action of this kind.")
    has_problem = WordFilter(method="with_problem", help_text="Quarantined rules, or all others.")
    search = TextFilter(method="with_text", help_text="Text in name, slug or description.")
    ordering = OrderFilter(
        {
            "priority": "priority",
            "name": "name",
            "slug": "slug",
            "mode": "mode",
            "created_at": "created_at",
            "updated_at": "updated_at",
        }
    )

    def with_action(self, queryset: QuerySet[Rule], name: str, value: str) -> QuerySet[Rule]:
        # A subquery, not a join: a rule with two such actions is one row.
        return queryset.filter(pk__in=Rule.objects.filter(actions__kind=value).values("pk"))

    def with_problem(self, queryset: QuerySet[Rule], name: str, value: bool) -> QuerySet[Rule]:
        return queryset.exclude(problem="") if value else queryset.filter(problem="")

    def with_text(self, queryset: QuerySet[Rule], name: str, value: str) -> QuerySet[Rule]:
        return queryset.filter(Q(name__icontains=value) | Q(slug__icontains=value) | Q(description__icontains=value))


class EventFilter(FilterSet):
    """Parameters of the list of events."""

    signal = TextFilter()
    sender = TextFilter()
    object_id = TextFilter()
    rule = TextFilter(method="of_rule", help_text="Slug of a rule that the event has an execution of.")
    created_after = MomentFilter("created_at", "gte", help_text="This moment or later.")
    created_before = MomentFilter("created_at", "lt", help_text="Before this moment.")
    ordering = OrderFilter({"created_at": "id", "signal": "signal", "sender": "sender"})

    def of_rule(self, queryset: QuerySet[Event], name: str, value: str) -> QuerySet[Event]:
        return queryset.filter(pk__in=Execution.objects.filter(of_rule(value)).values("event_id"))


class ExecutionFilter(FilterSet):
    """Parameters of the list of executions."""

    state = ChoicesFilter(Execution.State.choices)
    rule = TextFilter(method="of_rule", help_text="Slug of the rule, as it is now or as it was then.")
    action_kind = TextFilter()
    event = UUIDFilter("event", "exact", help_text="All executions of one event.")
    signal = TextFilter("event__signal")
    sender = TextFilter("event__sender")
    object_id = TextFilter("event__object_id")
    reason = TextFilter(help_text=f"Why it is in its state: {', '.join(Reason.values)}.")
    created_after = MomentFilter("event__created_at", "gte", help_text="Of an event at this moment or later.")
    created_before = MomentFilter("event__created_at", "lt", help_text="Of an event before this moment.")
    ordering = OrderFilter(
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

    def of_rule(self, queryset: QuerySet[Execution], name: str, value: str) -> QuerySet[Execution]:
        return queryset.filter(of_rule(value))


def of_rule(slug: str) -> Q:
    """Executions of the rule that has this slug, or had it when they were made."""
    return Q(rule_slug=slug) | Q(rule_id__in=Rule.objects.filter(slug=slug).values("pk"))
