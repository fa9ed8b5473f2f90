"""What can be chosen in the form of a rule: signals, and the senders of the chosen one."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext as _

from rules_engine.admin.display import not_installed, signal_title
from rules_engine.catalog import Kind, SignalSpec, all_signals, get_signal, sender_choices
from rules_engine.exceptions import UnknownKey

Choices = list[tuple[str, str]]


def signal_choices(stored: str) -> list[tuple[str, Any]]:
    """Signals in groups, and the stored one even if nobody provides it any more."""
    groups: dict[str, Choices] = {}
    for spec in all_signals():
        groups.setdefault(_group(spec), []).append((spec.key, f"{signal_title(spec.key)} ({spec.key})"))
    known = {key for choices in groups.values() for key, _title in choices}
    kept: list[tuple[str, Any]] = [(stored, not_installed(stored))] if stored and stored not in known else []
    return [("", _("Choose a signal…")), *kept, *groups.items()]


def _group(spec: SignalSpec) -> str:
    if "." in spec.key:
        return _("This site's own")
    if spec.key.startswith("user_"):
        return _("Log-ins")
    return {
        Kind.MODEL: _("Objects"),
        Kind.M2M: _("Objects"),
        Kind.NONE: _("Requests"),
    }.get(spec.kind, _("Others"))


def senders_of(spec: SignalSpec) -> Choices | None:
    """The senders of a signal, "any" first; None if a rule may name one freely."""
    choices = [(sender.label, f"{sender.title} ({sender.label})") for sender in sender_choices(spec)]
    if spec.kind is Kind.CUSTOM and not choices:
        return None
    return [("", _any(spec, len(choices))), *choices]


def _any(spec: SignalSpec, number: int) -> str:
    if spec.kind is Kind.NONE:
        return _("(this signal has no senders to choose from)")
    if spec.kind in (Kind.MODEL, Kind.M2M):
        return _("Any of them (%(number)s)") % {"number": number}
    return _("Any")


def sender_widget(signal: str, stored: str) -> forms.Widget:
    """A select of the senders of ``signal`` with the stored one, or a text field where any text is allowed."""
    try:
        choices = senders_of(get_signal(signal))
    except UnknownKey:
        choices = [("", _("Choose a signal first"))]
    if choices is None:
        return forms.TextInput(attrs={"class": "vTextField"})
    if stored and stored not in dict(choices):
        choices.append((stored, not_installed(stored)))
    return forms.Select(choices=choices)


def form_choices() -> dict[str, Any]:
    """For the script of the form: the senders of each signal; lists that are alike are sent once."""
    lists: list[Choices | None] = []
    signals = {}
    for spec in all_signals():
        choices = senders_of(spec)
        if choices not in lists:
            lists.append(choices)
        signals[spec.key] = lists.index(choices)
    return {"signals": signals, "senders": lists}
