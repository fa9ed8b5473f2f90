"""The page "Dry run" of a rule: what it would make of an event, with nothing done."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from uuid import UUID

import django
from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.utils.translation import gettext as _

from rules_engine import services
from rules_engine.admin.display import kind_title, moment, pretty
from rules_engine.admin.guard import hidden_text
from rules_engine.admin.sentences import sentence
from rules_engine.models import Event, Rule

if TYPE_CHECKING:
    Base = admin.ModelAdmin[Rule]
else:
    Base = object

SHOWN_EVENTS = 20

OL_BREADCRUMBS = django.VERSION >= (6, 1)
"""Django's own pages have their breadcrumbs in an ordered list from 6.1 on, and style only that."""


class DryRunPage(Base):
    """A mixin for the admin of rules."""

    if TYPE_CHECKING:

        def rule_or_404(self, request: HttpRequest, object_id: str) -> Rule: ...

    def dry_run_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Evaluate the rule over the signal's example, or over a recorded event (``?event=``)."""
        rule = self.rule_or_404(request, object_id)
        if not self.has_view_or_change_permission(request, rule):
            raise PermissionDenied
        events = recent_events(rule)
        event = _chosen(request.GET.get("event", ""))
        result = services.dry_run(rule=rule, event=event)
        about = (event.signal, event.sender) if event else (rule.signal, rule.sender)
        open_to_user = services.may_see_payload(user=request.user, signal=about[0], sender=about[1])
        request.current_app = self.admin_site.name
        context = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "original": rule,
            "title": _("Dry run"),
            "subtitle": str(rule),
            "page_title": _("Dry run"),
            "ol_breadcrumbs": OL_BREADCRUMBS,
            "media": self.media,
            "sentence": sentence(rule, rule.actions.all()),
            "events": [{"pk": str(item.pk), "text": _line(item)} for item in events],
            "chosen": str(event.pk) if event else "",
            "result": result,
            "parts": _parts(result, open_to_user),
            "actions": _previews(result) if open_to_user else [],
            "document": pretty(result.data) if open_to_user and result.data else "",
            "hidden": "" if open_to_user else hidden_text(*about),
        }
        return TemplateResponse(request, "rules_engine/admin/dry_run.html", context)


def recent_events(rule: Rule) -> QuerySet[Event]:
    """The latest recorded events that the rule could have seen."""
    events = Event.objects.filter(signal=rule.signal)
    if rule.sender:
        events = events.filter(sender=rule.sender)
    return events.defer("data").order_by("-id")[:SHOWN_EVENTS]


def _chosen(text: str) -> Event | None:
    if not text:
        return None
    try:
        return Event.objects.get(pk=UUID(text))
    except (ValueError, Event.DoesNotExist):
        raise Http404(_("There is no such event.")) from None


def _line(event: Event) -> str:
    # Milliseconds and the id tell two of the same second and object apart.
    when = f"{moment(event.created_at)}.{event.created_at.microsecond // 1000:03}"
    return " ".join(part for part in (when, event.sender, event.object_id, f"({str(event.pk)[-6:]})") if part)


def _parts(result: services.DryRun, open_to_user: bool) -> list[dict[str, Any]]:
    return [
        {
            "depth": min(part.depth, 6),
            "text": part.text,
            "value": pretty(part.value) if open_to_user else "",
            "verdict": part.verdict,
            "error": part.error if open_to_user else "",
            "reads": [{"path": path, "value": pretty(value)} for path, value in reads] if open_to_user else [],
        }
        for part, reads in zip(result.explanation, result.reads, strict=True)
    ]


def _previews(result: services.DryRun) -> list[dict[str, Any]]:
    return [
        {
            "title": kind_title(item["kind"]),
            "enabled": item["enabled"],
            "error": item.get("error", ""),
            "preview": pretty(item["preview"]) if "preview" in item else "",
        }
        for item in result.actions
    ]
