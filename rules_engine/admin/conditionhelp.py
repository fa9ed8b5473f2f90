"""What a condition on a signal and sender can read and call, for the help beside its field."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.utils.translation import gettext_lazy

from rules_engine.admin.display import pretty
from rules_engine.catalog import context_shape, get_signal
from rules_engine.conditions import Leaf, Shape, function_help
from rules_engine.conditions.shapes import fields_of, resolved

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
        "example": pretty(dict(spec.example)) if spec.example else "",
        "names": list(_names(shape)),
        "functions": [{"usage": item.usage, "help": item.doc} for item in function_help()],
    }


def _names(shape: Shape) -> Iterator[dict[str, str]]:
    """The names of the context, and one level below those that are objects."""
    for name, field in fields_of(shape).items():
        found = resolved(field)
        if isinstance(found, Leaf) or found is None:
            yield {"path": name, "kind": _kind(found)}
            continue
        for inner, member in fields_of(found).items():
            yield {"path": f"{name}.{inner}", "kind": _kind(resolved(member))}


def _kind(field: Any) -> str:
    if isinstance(field, Leaf):
        if field.redacted:
            return "***"
        return "" if field.open else field.kind
    if isinstance(field, Shape):
        return f"{field.title} […]" if field.many else f"{field.title} …"
    return ""
