"""Filters of the lists; none reads the whole history to find its choices."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from rules_engine.actions import all_actions
from rules_engine.admin.display import kind_title, signal_title
from rules_engine.catalog import all_signals
from rules_engine.models import Execution, Rule

SHOWN_RULES = 50
"""Rules to choose from; others are reached from their own page."""

Choices = list[tuple[str, str]]


class QuarantineFilter(admin.SimpleListFilter):
    """Rules that do not run because something is wrong with them."""

    title = gettext_lazy("problem")
    parameter_name = "problem"

    def lookups(self, request: HttpRequest, model_admin: Any) -> Choices:
        return [("yes", _("Quarantined")), ("no", _("None"))]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        if self.value() == "yes":
            return queryset.exclude(problem="")
        return queryset.filter(problem="") if self.value() == "no" else queryset


class ColumnFilter(admin.SimpleListFilter):
    """Filters by one column; ``known`` gives the choices, to which the chosen value is added."""

    column = ""

    def known(self) -> Choices:
        """The choices, without a look at the history."""
        raise NotImplementedError

    def lookups(self, request: HttpRequest, model_admin: Any) -> Choices:
        choices = self.known()
        chosen = request.GET.get(self.parameter_name or "")
        if chosen and chosen not in dict(choices):
            choices.append((chosen, chosen))
        return choices

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        value = self.value()
        return queryset if value is None else queryset.filter(**{self.column: value})


class RuleFilter(ColumnFilter):
    """By rule; through the slug, which stays when the rule is deleted."""

    title = gettext_lazy("rule")
    parameter_name = "rule_slug"
    column = "rule_slug"

    def known(self) -> Choices:
        return list(Rule.objects.order_by("name").values_list("slug", "name")[:SHOWN_RULES])


class EventRuleFilter(RuleFilter):
    """By a rule that matched the event."""

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        if self.value() is None:
            return queryset
        return queryset.filter(pk__in=Execution.objects.filter(rule_slug=self.value()).values("event_id"))


class KindFilter(ColumnFilter):
    """By kind of action."""

    title = gettext_lazy("kind of action")
    parameter_name = "action_kind"
    column = "action_kind"

    def known(self) -> Choices:
        return [(kind, kind_title(kind)) for kind, _action in all_actions()]


class SenderFilter(ColumnFilter):
    """By sender of the event."""

    title = gettext_lazy("sender")
    parameter_name = "sender"
    column = "sender"

    def known(self) -> Choices:
        labels = Rule.objects.exclude(sender="").order_by("sender").values_list("sender", flat=True).distinct()
        return [(label, label) for label in labels[:SHOWN_RULES]]


class SignalFilter(ColumnFilter):
    """By signal of the event."""

    title = gettext_lazy("signal")
    parameter_name = "signal"
    column = "signal"

    def known(self) -> Choices:
        return [(spec.key, signal_title(spec.key)) for spec in all_signals()]


class ExecutionSenderFilter(SenderFilter):
    """By sender of the execution's event."""

    column = "event__sender"
