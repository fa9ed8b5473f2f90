"""The admin of executions: what rules did, why, and the button "Retry"."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from uuid import UUID

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import Q, QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.loader import render_to_string
from django.urls import URLPattern, path, reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from django.views.decorators.http import require_POST

from rules_engine import jsontext, services
from rules_engine.admin.display import (
    EMPTY,
    admin_link,
    badge,
    clock,
    json_block,
    kind_title,
    moment,
    object_link,
    pretty,
    short_moment,
)
from rules_engine.admin.filters import ExecutionSenderFilter, KindFilter, RuleFilter
from rules_engine.admin.guard import hidden_text
from rules_engine.admin.history import HistoryAdminMixin
from rules_engine.delivery.running import frozen_event
from rules_engine.exceptions import StateConflict
from rules_engine.models import Attempt, Execution, Reason
from rules_engine.services.history import RETRIED

if TYPE_CHECKING:
    Base = admin.ModelAdmin[Execution]
else:
    Base = object

PREVIEWED = (Execution.State.PENDING, Execution.State.SHADOW)


class ExecutionAdminMixin(HistoryAdminMixin, Base):
    """Everything of the admin of executions; mix it into another theme's ``ModelAdmin``."""

    change_form_template = "rules_engine/admin/execution.html"
    list_display = ["short_when", "state_badge", "rule_name", "outcome", "kind", "about"]
    list_display_links = ["short_when"]
    list_select_related = ["event"]
    list_filter = [
        "state",
        RuleFilter,
        KindFilter,
        ExecutionSenderFilter,
        ("event__created_at", admin.DateFieldListFilter),
    ]
    search_fields = ["event__object_id__exact", "rule_slug", "rule_name"]
    search_help_text = gettext_lazy("Id of an execution, an event or an object, or a rule's name")
    ordering = ["-event_id", "priority", "position"]
    actions = ["retry_selected"]
    fieldsets = [
        (None, {"fields": ["shown_state", "shown_rule", "kind", "about", "when", "shown_event", "times"]}),
        (gettext_lazy("Attempts"), {"fields": ["attempts"]}),
        (gettext_lazy("Preview"), {"fields": ["preview"]}),
        (gettext_lazy("Other executions of the event"), {"fields": ["siblings"]}),
        (gettext_lazy("What the event recorded"), {"classes": ["collapse"], "fields": ["payload"]}),
    ]
    readonly_fields = [
        "shown_state",
        "shown_rule",
        "kind",
        "about",
        "when",
        "shown_event",
        "times",
        "attempts",
        "preview",
        "siblings",
        "payload",
    ]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Execution]:
        # The recorded documents are long; only the page of one execution reads one.
        return super().get_queryset(request).select_related("event").defer("event__data")

    def by_id(self, wanted: UUID, text: str) -> Q:
        return Q(pk=wanted) | Q(event_id=wanted) | Q(event__object_id=text)

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        """The sections that say something of this execution."""
        left_out = {"preview"} if obj is None or obj.state not in PREVIEWED else {"attempts"}
        if obj is not None and obj.state == Execution.State.PENDING and obj.attempts_made:
            left_out = set()
        sections = super().get_fieldsets(request, obj)
        return [section for section in sections if not left_out & set(section[1]["fields"])]

    # --- retry ---

    def has_retry_permission(self, request: HttpRequest) -> bool:
        """Retrying is a right of its own: it sends something."""
        return request.user.has_perm("rules_engine.retry_execution")

    @admin.action(permissions=["retry"], description=gettext_lazy("Retry the failed and cancelled ones"))
    def retry_selected(self, request: HttpRequest, queryset: QuerySet[Execution]) -> None:
        """List action."""
        chosen = list(queryset.values_list("pk", "state", "rule"))
        failed = [(pk, rule) for pk, state, rule in chosen if state in RETRIED]
        rows = services.retry(executions=Execution.objects.filter(pk__in=[pk for pk, _state, _rule in chosen]))
        if rows:
            retried = [pk for pk, rule in failed if rule is not None]
            for execution in Execution.objects.filter(pk__in=retried):
                self.log_change(request, execution, "Retried.")
            text = ngettext("%(n)d execution is tried again.", "%(n)d executions are tried again.", rows)
            self.message_user(request, text % {"n": rows}, messages.SUCCESS)
        orphans = sum(rule is None for _pk, rule in failed)
        if orphans:
            text = ngettext(
                "%(n)d execution was left as it is: its rule was deleted, so there is nothing to run.",
                "%(n)d executions were left as they are: their rules were deleted, so there is nothing to run.",
                orphans,
            )
            self.message_user(request, text % {"n": orphans}, messages.WARNING)
        if left := len(chosen) - rows - orphans:
            text = ngettext(
                "%(n)d execution was left as it is: only failed and cancelled ones can be retried.",
                "%(n)d executions were left as they are: only failed and cancelled ones can be retried.",
                left,
            )
            self.message_user(request, text % {"n": left}, messages.WARNING)

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(require_POST(self.retry_view))
        return [path("<path:object_id>/retry/", view, name="rules_engine_execution_retry"), *super().get_urls()]

    def retry_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Retry one execution, and return to its page."""
        execution = self.get_object(request, object_id)
        if execution is None:
            raise Http404
        if not (self.has_retry_permission(request) and self.has_view_permission(request, execution)):
            raise PermissionDenied
        try:
            services.retry_one(execution=execution)
        except StateConflict as error:
            self.message_user(request, str(error), messages.ERROR)
        else:
            self.log_change(request, execution, "Retried.")
            self.message_user(
                request, _("It is tried again, with the rule's current configuration."), messages.SUCCESS
            )
        url = reverse("admin:rules_engine_execution_change", args=[execution.pk], current_app=self.admin_site.name)
        return HttpResponseRedirect(url)

    def render_change_form(self, request: HttpRequest, context: dict[str, Any], *args: Any, **kwargs: Any) -> Any:
        execution = kwargs.get("obj")
        if execution is not None and execution.state in RETRIED and self.has_retry_permission(request):
            context["rules_may_retry"] = execution.rule_id is not None
            context["rules_gone"] = execution.rule_id is None
        return super().render_change_form(request, context, *args, **kwargs)

    # --- columns of the list, and lines of the page ---

    @admin.display(description=gettext_lazy("when"), ordering="event_id")
    def when(self, execution: Execution) -> str:
        """When the signal was sent."""
        return moment(execution.event.created_at)

    @admin.display(description=gettext_lazy("when"), ordering="event_id")
    def short_when(self, execution: Execution) -> SafeString:
        """The same for the list, where every column counts."""
        return short_moment(execution.event.created_at)

    @admin.display(description=gettext_lazy("action"), ordering="action_kind")
    def kind(self, execution: Execution) -> str:
        """The kind of action in words."""
        return kind_title(execution.action_kind)

    @admin.display(description=gettext_lazy("object"), ordering="event__object_id")
    def about(self, execution: Any) -> Any:
        """What the event is about."""
        event = execution.event
        return object_link(self.admin_site, execution.viewer.user, event.sender, event.object_id)

    @admin.display(description=gettext_lazy("state"), ordering="state")
    def state_badge(self, execution: Execution) -> SafeString:
        """The state in a word."""
        return badge(execution.state, execution.get_state_display())

    @admin.display(description=gettext_lazy("outcome"))
    def outcome(self, execution: Any) -> str:
        """Why it is in its state, or what came of it; that may quote the data."""
        told = execution.note if execution.viewer.may_see(execution.event) else ""
        return "; ".join(filter(None, [told or reason_text(execution), next_try(execution)])) or EMPTY

    @admin.display(description=gettext_lazy("state"))
    def shown_state(self, execution: Any) -> SafeString:
        """The state, and the reason as a sentence."""
        reason = reason_text(execution)
        note = execution.note if execution.viewer.may_see(execution.event) else ""
        texts = [text for text in dict.fromkeys([reason, note, next_try(execution)]) if text]
        lines = format_html("".join(["<div>{}</div>"] * len(texts)), *texts) if texts else ""
        return format_html("{} {}", self.state_badge(execution), lines)

    @admin.display(description=gettext_lazy("rule"))
    def shown_rule(self, execution: Execution) -> Any:
        """The rule, or its name where it is gone."""
        if execution.rule_id is None:
            return _("%(rule)s (deleted)") % {"rule": execution.rule_name}
        return admin_link(self.admin_site, "rules_engine.rule", execution.rule_id, execution.rule_name)

    @admin.display(description=gettext_lazy("event"))
    def shown_event(self, execution: Execution) -> Any:
        """The event, by its id."""
        return admin_link(self.admin_site, "rules_engine.event", execution.event_id, execution.event_id)

    @admin.display(description=gettext_lazy("times"))
    def times(self, execution: Execution) -> str:
        """When it is due, or when it was finished."""
        if execution.finished_at:
            return _("finished %(when)s") % {"when": moment(execution.finished_at)}
        if execution.due_at:
            return _("due %(when)s") % {"when": moment(execution.due_at)}
        waits = execution.state == Execution.State.PENDING
        return _("waits for the action before it") if waits else EMPTY

    @admin.display(description=gettext_lazy("attempts"))
    def attempts(self, execution: Any) -> SafeString:
        """Every try, with what was sent and answered."""
        rows = [_attempt(row) for row in execution.attempts.all()]
        may_see = execution.viewer.may_see(execution.event)
        hidden = "" if may_see else hidden_text(execution.event.signal, execution.event.sender)
        return render_to_string("rules_engine/admin/attempts.html", {"attempts": rows, "hidden": hidden})

    @admin.display(description=gettext_lazy("it would do"))
    def preview(self, execution: Any) -> Any:
        """What the action would do with the rule's current configuration."""
        event = execution.event
        if not execution.viewer.may_see(event):
            return hidden_text(event.signal, event.sender)
        if execution.action is None:
            return Reason.ACTION_REMOVED.label
        found = services.preview_action(action=execution.action, rule=execution.rule, event=frozen_event(event))
        return found["error"] if "error" in found else json_block(found["preview"], _("Preview"))

    @admin.display(description=gettext_lazy("executions"))
    def siblings(self, execution: Execution) -> SafeString:
        """What else the same event brought about."""
        others = execution.event.executions.exclude(pk=execution.pk).order_by("priority", "rule_name", "position")
        return executions_table(self.admin_site, others)

    @admin.display(description=gettext_lazy("data"))
    def payload(self, execution: Any) -> Any:
        """The recorded document."""
        event = execution.event
        if not execution.viewer.may_see(event):
            return hidden_text(event.signal, event.sender)
        return json_block(event.data, _("What the event recorded"))


def reason_text(execution: Execution) -> str:
    """The reason as a sentence; a word of a newer version is shown as it is."""
    if not execution.reason:
        return ""
    known = execution.reason in Reason.values
    return str(Reason(execution.reason).label) if known else execution.reason


def next_try(execution: Execution) -> str:
    """When an attempt that failed is repeated; nothing for what has not been tried, or is at its end."""
    waits = execution.state == Execution.State.PENDING and execution.attempts_made and execution.due_at
    return _("next try at %(when)s") % {"when": clock(execution.due_at)} if waits else ""


def executions_table(site: admin.AdminSite, executions: QuerySet[Execution]) -> SafeString:
    """Executions as a table with links."""
    rows = [
        {
            "link": admin_link(site, "rules_engine.execution", row.pk, row.rule_name),
            "kind": kind_title(row.action_kind),
            "state": badge(row.state, row.get_state_display()),
            "reason": "; ".join(filter(None, [reason_text(row), next_try(row)])),
        }
        for row in executions
    ]
    return render_to_string("rules_engine/admin/executions.html", {"executions": rows})


def _readable(part: Any) -> Any:
    """A request or response whose body is JSON, with the body as a document instead of as its text."""
    if not isinstance(part, dict) or not isinstance(part.get("body"), str):
        return part
    try:
        return {**part, "body": jsontext.loads(part["body"])}
    except ValueError:
        return part  # it is another kind of text, or was cut


def _attempt(attempt: Attempt) -> dict[str, Any]:
    detail: Any = attempt.detail
    if isinstance(detail, dict):
        detail = {name: _readable(value) for name, value in detail.items()}
    return {
        "number": attempt.number,
        "outcome": badge(attempt.outcome, attempt.get_outcome_display()),
        "started": moment(attempt.started_at),
        "milliseconds": attempt.duration_ms,
        "version": attempt.rule_version,
        "summary": attempt.summary,
        "detail": pretty(detail) if detail else "",
    }


@admin.register(Execution)
class ExecutionAdmin(ExecutionAdminMixin, admin.ModelAdmin):  # type: ignore[type-arg]
    """Executions in Django's own admin."""
