"""How values look in the admin: badges, links, JSON; everything is escaped."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from typing import Any

import simplejson
from django.apps import apps
from django.contrib.admin import AdminSite
from django.urls import NoReverseMatch, reverse
from django.utils.formats import date_format
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.timezone import is_aware, localtime
from django.utils.translation import gettext as _

from rules_engine.actions import get_action
from rules_engine.catalog import get_signal
from rules_engine.exceptions import UnknownKey

EMPTY = "-"
"""What stands where there is nothing, as in Django's own lists."""
LONGEST = 100_000
"""Characters of a document that a page shows."""


def badge(kind: str, text: Any) -> SafeString:
    """A word with a border; ``kind`` gives the colour, which never says more than the text."""
    return format_html('<span class="rules-badge rules-badge-{}">{}</span>', kind, text)


def pretty(value: Any) -> str:
    """JSON for people: indented, numbers with their own digits, cut where it is very long."""
    text = simplejson.dumps(value, indent=2, use_decimal=True, ignore_nan=True, ensure_ascii=False, default=str)
    if len(text) <= LONGEST:
        return text
    return _("%(start)s\n… cut: %(length)s characters in all") % {"start": text[:LONGEST], "length": len(text)}


def json_block(value: Any, label: str) -> SafeString:
    """A document on the page; ``label`` names it for screen readers, since long ones scroll."""
    return format_html(
        '<pre class="rules-json" tabindex="0" role="region" aria-label="{}">{}</pre>', label, pretty(value)
    )


def moment(value: Any) -> str:
    """A date and time with seconds, in the project's time zone and the user's format."""
    if value is None:
        return EMPTY
    here = localtime(value) if is_aware(value) else value
    return f"{date_format(here, 'SHORT_DATE_FORMAT')} {here:%H:%M:%S}"


def clock(value: Any) -> str:
    """The time alone where it is today's, which is what is meant by "at" in a sentence; else ``moment``."""
    here, today = _local(value)
    return f"{here:%H:%M:%S}" if here.date() == today else moment(value)


def short_moment(value: Any) -> SafeString:
    """``moment`` for a narrow column: today's as the time alone, others as day and month with the time below."""
    here, today = _local(value)
    day = "" if here.date() == today else date_format(here, "j M" if here.year == today.year else "j M Y")
    return format_html(
        '<span class="rules-when" title="{}">{} <wbr>{}</span>', moment(value), day, f"{here:%H:%M:%S}"
    )


def _local(value: datetime) -> tuple[datetime, date]:
    """A moment as it is shown, and what is today beside it."""
    return (localtime(value), localtime().date()) if is_aware(value) else (value, datetime.now().date())


def admin_link(site: AdminSite, model: str, pk: Any, text: Any) -> Any:
    """A link to the change page of ``app.model``, or just the text where the site does not manage that model."""
    try:
        url = reverse(f"admin:{model.replace('.', '_')}_change", args=[pk], current_app=site.name)
    except NoReverseMatch:
        return text
    return format_html('<a href="{}">{}</a>', url, text)


def object_link(site: AdminSite, user: Any, sender: str, object_id: str) -> Any:
    """The object that an event is about, linked where ``user`` may look at it."""
    if not sender and not object_id:
        return EMPTY
    text = f"{sender} {object_id}".strip()
    try:
        # Not for app.model.field: a many-to-many change made from the other side is about the other model.
        model = apps.get_model(sender)
    except (LookupError, ValueError):
        return text
    permission = f"{model._meta.app_label}.view_{model._meta.model_name}"
    if not object_id or model not in site._registry or not user.has_perm(permission):
        return text
    return admin_link(site, sender, object_id, text)


def kind_title(kind: str) -> str:
    """What a kind of action is called: "Call a webhook"; "slack (not installed)" if nobody provides it."""
    if not kind:
        return _("no action")
    try:
        title = get_action(kind).title
    except UnknownKey:
        return not_installed(kind)
    return title or kind.rpartition(".")[2].replace("_", " ").capitalize()


def signal_title(key: str) -> str:
    """What a signal is called: "An object was saved"."""
    try:
        title = get_signal(key).title
    except UnknownKey:
        return not_installed(key)
    return title[:1].upper() + title[1:]


def not_installed(key: str) -> str:
    """How a stored key looks whose provider is gone."""
    return _("%(key)s (not installed)") % {"key": key}


def listed(items: Sequence[str]) -> str:
    """Items of a sentence, separated by commas."""
    return ", ".join(items)
