"""The admin of events: what was recorded, and what it brought about."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any
from uuid import UUID

from django.contrib import admin
from django.db.models import Prefetch, Q, QuerySet
from django.http import HttpRequest
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from rules_engine.admin.display import (
    EMPTY,
    admin_link,
    badge,
    json_block,
    moment,
    object_link,
    short_moment,
    signal_title,
)
from rules_engine.admin.executions import executions_table
from rules_engine.admin.filters import EventRuleFilter, SenderFilter, SignalFilter
from rules_engine.admin.guard import hidden_text
from rules_engine.admin.history import HistoryAdminMixin
from rules_engine.models import Event, Execution

if TYPE_CHECKING:
    Base = admin.ModelAdmin[Event]
else:
    Base = object


class EventAdminMixin(HistoryAdminMixin, Base):
    """Everything of the admin of events; mix it into another theme's ``ModelAdmin``."""

    list_display = ["short_when", "what", "about", "outcomes"]
    # No date_hierarchy: it reads the dates of all events there are.
    list_filter = [SignalFilter, SenderFilter, EventRuleFilter, ("created_at", admin.DateFieldListFilter)]
    search_fields = ["object_id__exact", "sender", "signal"]
    search_help_text = gettext_lazy("Id of an event, an execution or an object, or a sender")
    ordering = ["-id"]
    fieldsets = [
        (None, {"fields": ["when", "what", "sender", "about", "shown_id", "caused_by"]}),
        (gettext_lazy("What rules did"), {"fields": ["shown_executions"]}),
        (gettext_lazy("What was recorded"), {"fields": ["payload"]}),
    ]
    readonly_fields = [
        "when",
        "what",
        "sender",
        "about",
        "shown_id",
        "caused_by",
        "shown_executions",
        "payload",
    ]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Event]:
        # The recorded documents are long; only the page of one event reads one.
        states = Execution.objects.only("event_id", "state").order_by()
        return super().get_queryset(request).defer("data").prefetch_related(Prefetch("executions", states))

    def by_id(self, wanted: UUID, text: str) -> Q:
        owner = Execution.objects.filter(pk=wanted).values("event_id")
        return Q(pk=wanted) | Q(pk__in=owner) | Q(object_id=text)

    @admin.display(description=gettext_lazy("when"), ordering="created_at")
    def when(self, event: Event) -> str:
        """When the signal was sent."""
        return moment(event.created_at)

    @admin.display(description=gettext_lazy("when"), ordering="created_at")
    def short_when(self, event: Event) -> SafeString:
        """The same for the list, where every column counts."""
        return short_moment(event.created_at)

    @admin.display(description=gettext_lazy("signal"), ordering="signal")
    def what(self, event: Event) -> str:
        """The signal in words."""
        return signal_title(event.signal)

    @admin.display(description=gettext_lazy("object"), ordering="object_id")
    def about(self, event: Any) -> Any:
        """What it is about."""
        return object_link(self.admin_site, event.viewer.user, event.sender, event.object_id)

    @admin.display(description=gettext_lazy("executions"))
    def outcomes(self, event: Event) -> Any:
        """How many of its executions are in which state."""
        counts = Counter(Execution.State(row.state) for row in event.executions.all())
        found = [badge(state, f"{number} {state.label}") for state, number in sorted(counts.items())]
        return format_html(" ".join(["{}"] * len(found)), *found) if found else EMPTY

    @admin.display(description=gettext_lazy("id"))
    def shown_id(self, event: Event) -> str:
        """Its id, as logs and webhooks name it."""
        return str(event.pk)

    @admin.display(description=gettext_lazy("caused by"))
    def caused_by(self, event: Event) -> Any:
        """The execution whose action sent the signal."""
        if event.cause is None:
            return _("no rule: it came from the site itself")
        return admin_link(self.admin_site, "rules_engine.execution", event.cause.pk, event.cause)

    @admin.display(description=gettext_lazy("executions"))
    def shown_executions(self, event: Event) -> SafeString:
        """What it brought about."""
        rows = Execution.objects.filter(event=event).order_by("priority", "rule_name", "position")
        return executions_table(self.admin_site, rows)

    @admin.display(description=gettext_lazy("data"))
    def payload(self, event: Any) -> Any:
        """The recorded document."""
        if not event.viewer.may_see(event):
            return hidden_text(event.signal, event.sender)
        return json_block(event.data, _("What was recorded"))


@admin.register(Event)
class EventAdmin(EventAdminMixin, admin.ModelAdmin):  # type: ignore[type-arg]
    """Events in Django's own admin."""
