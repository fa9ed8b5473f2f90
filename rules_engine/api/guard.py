"""Who may see what an event recorded: those who may view the model that it is about.

Keep in step with ``admin/guard.py``.
"""

from __future__ import annotations

from typing import Any

from django.db.models import Model

from rules_engine.catalog import Kind, get_signal, sender_model
from rules_engine.exceptions import UnknownKey

_ABOUT_MODELS = (Kind.MODEL, Kind.M2M, Kind.USER)


def may_see_payload(user: Any, signal: str, sender: str) -> bool:
    """Tell whether ``user`` may see the data of such an event, and whatever was rendered from it.

    The data of a many-to-many change is about the models on both sides. Where no model is concerned it takes the
    permission to view events; where the model is not installed any more, a superuser.
    """
    try:
        spec = get_signal(signal)
    except UnknownKey:
        return _is_superuser(user)
    model = sender_model(spec, sender)
    if model is None:
        if spec.kind in _ABOUT_MODELS and sender:
            return _is_superuser(user)
        return bool(user.has_perm("rules_engine.view_event"))
    models = [model, _other_side(model, sender)] if spec.kind is Kind.M2M else [model]
    return all(_may_view(user, item) for item in models if item is not None)


def _may_view(user: Any, model: type[Model]) -> bool:
    # Who may change a model may view it: Django's own rule.
    app, name = model._meta.app_label, model._meta.model_name
    return bool(user.has_perm(f"{app}.view_{name}") or user.has_perm(f"{app}.change_{name}"))


def _other_side(model: type[Model], sender: str) -> type[Model] | None:
    name = sender.rpartition(".")[2]
    fields = {field.name: field for field in model._meta.many_to_many}
    return fields[name].related_model if name in fields else None


def _is_superuser(user: Any) -> bool:
    return bool(user.is_active and user.is_superuser)
