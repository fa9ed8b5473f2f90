"""Each rule as a sentence: "When an order was saved and instance.status == 'paid': call a webhook"."""

from __future__ import annotations

from collections.abc import Iterable

from django.core.exceptions import FieldDoesNotExist
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from rules_engine.admin.display import kind_title, listed, not_installed
from rules_engine.catalog import Kind, SignalSpec, get_signal, sender_model
from rules_engine.exceptions import UnknownKey
from rules_engine.models import Rule, RuleAction

LONGEST_CONDITION = 160


def sentence(rule: Rule, actions: Iterable[RuleAction]) -> SafeString:
    """What the rule does, as one sentence of HTML."""
    condition = " ".join(rule.condition.split())
    values = {"occasion": occasion(rule.signal, rule.sender), "actions": deeds(actions)}
    if not condition:
        return format_html(_("When {occasion}: {actions}"), **values)
    if len(condition) > LONGEST_CONDITION:
        condition = f"{condition[:LONGEST_CONDITION]}…"
    code = format_html("<code>{}</code>", condition)
    return format_html(_("When {occasion} and {condition}: {actions}"), condition=code, **values)


def occasion(signal: str, sender: str) -> str:
    """What happens before the rule looks: "an order was saved"."""
    try:
        spec = get_signal(signal)
    except UnknownKey:
        return _("“%(signal)s” is sent") % {"signal": not_installed(signal)}
    if spec.kind is Kind.MODEL:
        return spec.title.replace(_("an object"), _object(spec, sender))
    if spec.kind is Kind.M2M:
        return _relation(spec, sender)
    if spec.kind is Kind.CUSTOM and sender:
        return _("%(title)s (%(sender)s)") % {"title": spec.title, "sender": sender}
    return spec.title


def _object(spec: SignalSpec, sender: str) -> str:
    if not sender:
        return _("any object")
    model = sender_model(spec, sender)
    if model is None:
        return not_installed(sender)
    noun = str(model._meta.verbose_name)
    return _("an %(noun)s") % {"noun": noun} if noun[:1] in "aeiouAEIOU" else _("a %(noun)s") % {"noun": noun}


def _relation(spec: SignalSpec, sender: str) -> str:
    if not sender:
        return _("any many-to-many relation changed")
    model = sender_model(spec, sender)
    name = sender.rpartition(".")[2]
    try:
        field = model._meta.get_field(name) if model is not None else None
    except FieldDoesNotExist:
        field = None
    if field is None:
        return _("%(sender)s changed") % {"sender": not_installed(sender)}
    title = getattr(field, "verbose_name", name)
    return _("the %(field)s of %(object)s changed") % {"field": title, "object": _object(spec, sender)}


def deeds(actions: Iterable[RuleAction]) -> str:
    """What is done then: "call a webhook, send an email"."""
    found = [_deed(action) for action in actions]
    return listed(found) if found else _("do nothing yet, it has no action")


def _deed(action: RuleAction) -> str:
    title = kind_title(action.kind)
    text = title[:1].lower() + title[1:]
    return text if action.enabled else _("%(action)s (switched off)") % {"action": text}
