"""Who may see what an event recorded: those who may view the model it is about."""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext as _

from rules_engine.catalog import Kind, get_signal, sender_model
from rules_engine.exceptions import UnknownKey

ABOUT_MODELS = (Kind.MODEL, Kind.M2M, Kind.USER)
"""Signals whose events hold columns of a model."""
SUPERUSER = ""
"""Stands for a permission that nobody can be given: the model is not installed, so there is nothing to ask."""


def payload_permission(signal: str, sender: str) -> str:
    """The permission that shows what was recorded of ``signal`` from ``sender``, as ``app.view_model``.

    ``rules_engine.view_event`` where no model is concerned, ``SUPERUSER`` where the model is gone.
    """
    try:
        spec = get_signal(signal)
    except UnknownKey:
        return SUPERUSER
    model = sender_model(spec, sender)
    if model is not None:
        return f"{model._meta.app_label}.view_{model._meta.model_name}"
    if spec.kind in ABOUT_MODELS and sender:
        return SUPERUSER
    return "rules_engine.view_event"


def may_see_payload(user: Any, signal: str, sender: str) -> bool:
    """Tell whether ``user`` may see the data of such an event, and whatever was rendered from it."""
    permission = payload_permission(signal, sender)
    if permission == SUPERUSER:
        return bool(user.is_active and user.is_superuser)
    # Who may change a model may view it: Django's own rule.
    return bool(user.has_perm(permission) or user.has_perm(permission.replace(".view_", ".change_", 1)))


def hidden_text(signal: str, sender: str) -> str:
    """What stands in place of data that a user may not see."""
    permission = payload_permission(signal, sender)
    if permission == SUPERUSER:
        return _("Hidden: the model it is about is not installed, so only superusers may see it.")
    return _("Hidden: needs the permission “%(name)s” (%(codename)s).") % {
        "name": permission.partition(".")[2].replace("_", " "),
        "codename": permission,
    }


def may_see_history(user: Any, model_name: str) -> bool:
    """Tell whether ``user`` may see events or executions: the history belongs to the rules."""
    names = (f"view_{model_name}", "view_rule", "change_rule")
    return any(user.has_perm(f"rules_engine.{name}") for name in names)
