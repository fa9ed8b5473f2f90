"""Senders: labels in rules, model classes in signals."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any

from django.apps import apps
from django.contrib.auth import get_user_model
from django.db.models import Model

from rules_engine.catalog.spec import Kind, SignalSpec
from rules_engine.conf import settings
from rules_engine.exceptions import UnknownKey

NEVER = frozenset({"rules_engine"})
"""Apps that rules never listen to, whatever the settings say: the engine would answer itself for ever."""
NOT_BY_DEFAULT = frozenset({"sessions", "admin", "migrations", "contenttypes"})
"""Apps that rules listen to only where ``ALLOWED_SENDERS`` names them: bookkeeping, and session data."""
NOT_BY_DEFAULT_MODELS = frozenset({"auth.permission"})


@dataclass(frozen=True)
class Sender:
    """One sender that a rule may choose."""

    label: str
    title: str
    sends: Any
    """What Django passes as ``sender``: a model class, a through model, or None for signals without one."""


def model_label(model: type[Model]) -> str:
    """The label of a model in rules: ``shop.order``."""
    return model._meta.label_lower


def is_allowed(model: type[Model]) -> bool:
    """Tell whether rules may listen to a model (``ALLOWED_SENDERS``)."""
    app, label = model._meta.app_label, model._meta.label_lower
    if app in NEVER:
        return False
    allowed = settings.ALLOWED_SENDERS
    if allowed is None:
        return app not in NOT_BY_DEFAULT and label not in NOT_BY_DEFAULT_MODELS
    names = {item.lower() for item in allowed}
    return bool({"*", f"{app.lower()}.*", label} & names)


def allowed_models() -> list[type[Model]]:
    """Every model that rules may listen to, as the app registry orders them."""
    return [model for model in apps.get_models() if is_allowed(model) and not model._meta.swapped]


def sender_choices(spec: SignalSpec) -> list[Sender]:
    """The senders a rule on this signal may choose; "any" (the empty label) stands for all of them."""
    if spec.kind is Kind.MODEL:
        return [Sender(model_label(model), _title(model), model) for model in allowed_models()]
    if spec.kind is Kind.M2M:
        return list(_many_to_many())
    if spec.kind is Kind.USER:
        user = get_user_model()
        return [Sender(model_label(user), _title(user), None)]
    return [Sender(label, label, None) for label in spec.senders]


def _title(model: type[Model]) -> str:
    return f"{model._meta.app_config.verbose_name}: {model._meta.verbose_name}"


def _many_to_many() -> Iterator[Sender]:
    for model in allowed_models():
        for field in model._meta.local_many_to_many:
            through = field.remote_field.through
            yield Sender(f"{model_label(model)}.{field.name}", f"{_title(model)}: {field.verbose_name}", through)


def resolve_sender(spec: SignalSpec, label: str) -> list[Sender]:
    """Return what to connect for a rule's sender: one sender, or all allowed ones for the empty label.

    Raises UnknownKey with a suggestion for a label that this signal does not have.
    """
    choices = sender_choices(spec)
    if spec.kind in (Kind.NONE, Kind.CUSTOM) and not choices:
        if label and spec.kind is Kind.NONE:
            raise UnknownKey(f"sender of {spec.key} (it has none to choose from)", label)
        return [Sender(label, label, None)]
    if not label:
        return choices if spec.kind in (Kind.MODEL, Kind.M2M) else [Sender("", "", None)]
    found = [sender for sender in choices if sender.label == label]
    if not found:
        close = get_close_matches(label, [sender.label for sender in choices], n=1)
        raise UnknownKey(f"sender of {spec.key}", label, close[0] if close else "")
    return found


def label_of(spec: SignalSpec, sender: Any, given: Mapping[str, Any]) -> str:
    """The label of what sent a signal that has one receiver for all; empty if nothing tells.

    A signal that is sent without a sender but with the object it is about has that object's model as its sender.
    """
    if spec.kind is Kind.NONE:
        return ""
    if sender is None and spec.instance and isinstance(given.get(spec.instance), Model):
        return model_label(type(given[spec.instance]))
    if isinstance(sender, type) and issubclass(sender, Model):
        return model_label(sender)
    if isinstance(sender, str):
        return sender
    if sender is None:
        return ""
    named = sender if isinstance(sender, type) else type(sender)
    return f"{named.__module__}.{named.__qualname__}"


def sender_model(spec: SignalSpec, label: str) -> type[Model] | None:
    """The model whose instance the event of this signal and sender is about, if that is known."""
    if not label or spec.kind is Kind.NONE:
        return get_user_model() if spec.kind is Kind.USER else None
    name = ".".join(label.split(".")[:2])
    try:
        return apps.get_model(name)
    except (LookupError, ValueError):
        return None
