"""Who may see what the engine recorded; one answer for admin and API."""

from __future__ import annotations

from typing import Any

from django.db.models import Model

from rules_engine.catalog import Kind, get_signal, sender_model
from rules_engine.exceptions import UnknownKey

SUPERUSER = ""
"""Stands for a permission that nobody can be given: the model is not installed, so there is nothing to ask."""

_ABOUT_MODELS = (Kind.MODEL, Kind.M2M, Kind.USER)


def payload_permissions(signal: str, sender: str) -> list[str]:
    """The permissions that show what was recorded of ``signal`` from ``sender``, as ``app.view_model``.

    A many-to-many change is about the models on both sides. Where no model is concerned it takes
    ``rules_engine.view_event``; where the model is not installed any more, ``SUPERUSER``.
    """
    try:
        spec = get_signal(signal)
    except UnknownKey:
        return [SUPERUSER]
    model = sender_model(spec, sender)
    if model is None:
        # A custom signal's object may be of any model where its sender does not tell.
        untold = (spec.kind in _ABOUT_MODELS and sender) or (spec.kind is Kind.CUSTOM and spec.instance)
        return [SUPERUSER] if untold else ["rules_engine.view_event"]
    models = [model, _other_side(model, sender)] if spec.kind is Kind.M2M else [model]
    return [f"{item._meta.app_label}.view_{item._meta.model_name}" for item in models if item is not None]


def _other_side(model: type[Model], sender: str) -> type[Model] | None:
    name = sender.rpartition(".")[2]
    fields = {field.name: field for field in model._meta.many_to_many}
    found = fields[name].related_model if name in fields else None
    return found if isinstance(found, type) else None


def may_see_payload(*, user: Any, signal: str, sender: str) -> bool:
    """Tell whether ``user`` may see the data of such an event, and whatever was rendered from it."""
    return all(_has(user, permission) for permission in payload_permissions(signal, sender))


def _has(user: Any, permission: str) -> bool:
    if permission == SUPERUSER:
        return bool(user.is_active and user.is_superuser)
    # Who may change a model may view it: Django's own rule.
    return bool(user.has_perm(permission) or user.has_perm(permission.replace(".view_", ".change_", 1)))


def may_see_history(*, user: Any, model: str) -> bool:
    """Tell whether ``user`` may see that there were events or executions (``model``: ``event``, ``execution``).

    The history belongs to the rules: who may see them may see what they did, without the payload.
    """
    names = (f"view_{model}", "view_rule", "change_rule")
    return any(user.has_perm(f"rules_engine.{name}") for name in names)
