"""What the context of a (signal, sender) pair can hold, for checking a condition's paths before it is saved."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.contrib.auth import get_user_model
from django.db import models
from django.db.models import Model

from rules_engine.catalog.senders import sender_model
from rules_engine.catalog.spec import Kind, SignalSpec
from rules_engine.conditions import Leaf, Shape
from rules_engine.context.documents import shape_of

ANYTHING = Leaf(open=True)
_REQUEST = {name: Leaf(kind="text") for name in ("method", "path", "route", "view")}
_EXCEPTION = {name: Leaf(kind="text") for name in ("type", "message")}

_KINDS: tuple[tuple[type[models.Field[Any, Any]], str], ...] = (
    (models.BooleanField, "true or false"),
    (models.DateTimeField, "date and time"),
    (models.DateField, "date"),
    (models.TimeField, "time"),
    (models.IntegerField, "number"),
    (models.DecimalField, "number"),
    (models.FloatField, "number"),
    (models.DurationField, "number of seconds"),
    (models.BinaryField, "text"),
    (models.CharField, "text"),
    (models.TextField, "text"),
    (models.FileField, "text"),
    (models.UUIDField, "text"),
    (models.GenericIPAddressField, "text"),
)


def context_shape(spec: SignalSpec, label: str) -> Shape:
    """Return the names that a condition on this signal and sender may read.

    Where the sender is not known ("any"), the instance is open-ended.
    """
    fields: dict[str, Any] = {
        "signal": Leaf(kind="text"),
        "sender": Leaf(kind="text"),
        "event": {
            "id": Leaf(kind="text"),
            "time": Leaf(kind="date and time"),
            "timezone": Leaf(kind="text"),
        },
        "cause": {"event": Leaf(kind="text"), "rule": Leaf(kind="text"), "depth": Leaf(kind="number")},
    }
    for name in spec.arguments:
        fields[name] = _argument(spec, label, name)
    return Shape(f"The context of {spec.key}", fields)


def _argument(spec: SignalSpec, label: str, name: str) -> Any:
    if name == spec.instance:
        model = sender_model(spec, label)
        # A many-to-many change made from the other side has the other model as its instance.
        return ANYTHING if model is None or spec.kind is Kind.M2M else model_shape(model)
    if name == "user" and spec.kind is not Kind.CUSTOM:
        return model_shape(get_user_model())
    if name in ("request", "exception") and spec.kind is not Kind.CUSTOM:
        return dict(_REQUEST if name == "request" else _EXCEPTION)
    return ANYTHING


def model_shape(model: type[Model], *, many: bool = False) -> Shape:
    """The shape of a model's document; related models are built when a path asks for them."""
    return Shape(str(model._meta.verbose_name).capitalize(), lambda: _fields(model), many=many)


def _fields(model: type[Model]) -> dict[str, Any]:
    shape = shape_of(model)
    fields: dict[str, Any] = {"pk": Leaf(kind="key")}
    for name, relation in shape.relations.items():
        fields[name] = _related(relation.related_model, many=bool(relation.one_to_many or relation.many_to_many))
    for name, field in shape.columns.items():
        fields[name] = _leaf(field, redacted=name in shape.secret)
    return fields


def _related(model: type[Model], *, many: bool) -> Callable[[], Shape]:
    return lambda: model_shape(model, many=many)


def _leaf(field: models.Field[Any, Any], *, redacted: bool) -> Leaf:
    target: models.Field[Any, Any] = field
    while isinstance(target, models.ForeignKey):
        target = target.target_field
    kind = next((word for base, word in _KINDS if isinstance(target, base)), "")
    if not kind:
        # A JSON column, or a type that is not Django's own: anything may stand there.
        return Leaf(redacted=redacted, open=True)
    choices = tuple(value for value, _ in field.flatchoices if value is not None) if field.choices else ()
    return Leaf(
        redacted=redacted,
        kind=kind,
        choices=choices,
        max_length=target.max_length if kind == "text" else None,
        whole=isinstance(target, models.IntegerField),
        nullable=field.null,
    )
