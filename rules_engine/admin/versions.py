"""The page "Versions" of a rule: what was changed, by whom, when."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.utils.translation import gettext as _

from rules_engine.admin import configs
from rules_engine.admin.display import kind_title, moment, pretty
from rules_engine.admin.dryruns import OL_BREADCRUMBS
from rules_engine.models import Rule, RuleVersion

if TYPE_CHECKING:
    Base = admin.ModelAdmin[Rule]
else:
    Base = object

PER_PAGE = 25


class VersionsPage(Base):
    """A mixin for the admin of rules."""

    if TYPE_CHECKING:

        def rule_or_404(self, request: HttpRequest, object_id: str) -> Rule: ...

    def versions_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """List the versions, newest first, each with what it changed."""
        rule = self.rule_or_404(request, object_id)
        if not self.has_view_or_change_permission(request, rule):
            raise PermissionDenied
        rows = RuleVersion.objects.filter(rule=rule).select_related("created_by").order_by("-number", "-pk")
        page = Paginator(rows, PER_PAGE).get_page(request.GET.get("p"))
        # One more than is shown: the oldest of the page is compared with the one before it.
        start = page.start_index() - 1 if page.paginator.count else 0
        found = list(rows[max(start, 0) : max(start, 0) + PER_PAGE + 1])
        request.current_app = self.admin_site.name
        context = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "original": rule,
            "title": _("Versions"),
            "subtitle": str(rule),
            "page_title": _("Versions"),
            "ol_breadcrumbs": OL_BREADCRUMBS,
            "media": self.media,
            "page": page,
            "versions": described(found)[:PER_PAGE],
        }
        return TemplateResponse(request, "rules_engine/admin/versions.html", context)


def described(versions: list[RuleVersion]) -> list[dict[str, Any]]:
    """Versions, newest first, with the changes of each against the one after it in the list."""
    pairs = list(pairwise([*versions, None]))
    return [
        {
            "number": version.number,
            "change": version.get_change_display(),
            "who": version.created_by,
            "when": moment(version.created_at),
            "changes": list(changes(earlier.snapshot, version.snapshot)) if earlier else [],
            "snapshot": pretty(_without_secrets(version.snapshot)),
            "first": earlier is None,
        }
        for version, earlier in pairs
        if version is not None
    ]


def changes(before: dict[str, Any], after: dict[str, Any]) -> Iterator[dict[str, str]]:
    """What differs between two snapshots, by name; secrets only say that they changed."""
    old, new = dict(_flat(before)), dict(_flat(after))
    for name in [*new, *(name for name in old if name not in new)]:
        if old.get(name) == new.get(name):
            continue
        (was, shown_was), (now, shown_now) = old.get(name, ("", "")), new.get(name, ("", ""))
        changed = was != now and shown_was == shown_now and shown_now
        yield {"name": name, "before": shown_was, "after": _("(changed)") if changed else shown_now}


def _flat(snapshot: dict[str, Any]) -> Iterator[tuple[str, tuple[Any, str]]]:
    """Yield (name, (value, text)) of a snapshot's members and of each action's."""
    for name, value in snapshot.items():
        if name != "actions":
            yield name, (value, _text(value))
    for number, action in enumerate(snapshot.get("actions", []), start=1):
        where = _("action %(number)s") % {"number": number}
        kind = str(action.get("kind", ""))
        yield where, (kind, kind_title(kind))
        for name in ("on_error", "enabled"):
            yield f"{where}: {name}", (action.get(name), _text(action.get(name)))
        config = action.get("config") or {}
        shown = configs.masked(kind, config)
        for name, value in config.items() if isinstance(config, dict) else []:
            yield f"{where}: {name}", (value, _text(shown[name]))


def _text(value: Any) -> str:
    return value if isinstance(value, str) else pretty(value)


def _without_secrets(snapshot: dict[str, Any]) -> dict[str, Any]:
    actions = [
        {**action, "config": configs.masked(str(action.get("kind", "")), action.get("config"))}
        for action in snapshot.get("actions", [])
    ]
    return {**snapshot, "actions": actions}
