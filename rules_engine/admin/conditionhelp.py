"""What a condition on a signal and sender can read and call, for the help beside its field."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from rules_engine import services
from rules_engine.admin.display import pretty
from rules_engine.catalog import SignalSpec, context_shape, get_signal, sender_model
from rules_engine.conditions import Leaf, Shape, function_help
from rules_engine.conditions.shapes import fields_of, resolved
from rules_engine.models import Rule

SYNTAX = (
    ("instance.status == 'paid'", gettext_lazy("Texts stand in straight single quotes.")),
    ("instance.total > `100`", gettext_lazy("Numbers, true, false and null stand in backticks.")),
    ("a && b, a || b, !(a)", gettext_lazy("And, or, not.")),
    ("contains(`[1, 2]`, instance.pk)", gettext_lazy("One of several.")),
    ("length(instance.lines[?quantity > `1`]) > `0`", gettext_lazy("At least one of a list.")),
)
"""What a beginner needs of JMESPath, each with an example."""


def condition_help(signal: str, sender: str) -> dict[str, Any]:
    """Return title, description, arguments, readable names and functions as plain data; raises UnknownKey."""
    spec = get_signal(signal)
    shape = context_shape(spec, sender)
    return {
        "title": spec.title,
        "description": spec.description,
        "arguments": [{"name": name, "help": text} for name, text in spec.arguments.items()],
        "syntax": [{"usage": usage, "help": str(text)} for usage, text in SYNTAX],
        "example": pretty(example) if (example := _example(spec, sender)) else "",
        "names": list(_names(shape, spec)),
        "functions": [{"usage": item.usage, "help": item.doc} for item in function_help()],
    }


def _example(spec: SignalSpec, sender: str) -> dict[str, Any]:
    """The signal's arguments; the object is a made-up one, since a real one is not for everybody's eyes."""
    example = dict(spec.example)
    model = sender_model(spec, sender) if spec.instance else None
    if model is None:
        return example
    found = services.dry_run(rule=Rule(signal=spec.key, sender=sender), instance=model()).data
    return {spec.instance: found[spec.instance], **example} if spec.instance in found else example


def _names(shape: Shape, spec: SignalSpec) -> Iterator[dict[str, str]]:
    """The names of the context, one level below those that are objects, and one below what these relate to."""
    for name, field in fields_of(shape).items():
        found = resolved(field)
        if isinstance(found, Leaf) or found is None:
            yield {"path": name, "kind": _kind(found) or _kind_of(name, spec)}
            continue
        for inner, member in fields_of(found).items():
            path, below = f"{name}.{inner}", resolved(member)
            yield {"path": path, "kind": _kind(below)}
            if isinstance(below, Shape) and not below.many:
                yield from _scalars(path, below)


def _scalars(path: str, shape: Shape) -> Iterator[dict[str, str]]:
    for name, field in fields_of(shape).items():
        found = resolved(field)
        if isinstance(found, Leaf):
            yield {"path": f"{path}.{name}", "kind": _kind(found)}


def _kind_of(name: str, spec: SignalSpec) -> str:
    """The type of an argument, by the value that the signal's example gives it."""
    if name == "update_fields":
        return _("list of texts, or null")
    value = spec.example.get(name)
    words = {bool: _("true or false"), str: _("text"), int: _("number"), list: _("list"), dict: _("object")}
    return next((word for kind, word in words.items() if isinstance(value, kind)), "")


def _kind(field: Any) -> str:
    if isinstance(field, Leaf):
        if field.redacted:
            return "***"
        return "" if field.open else field.kind
    if isinstance(field, Shape):
        return f"{field.title} […]" if field.many else f"{field.title} …"
    return ""
