"""Functions that generated code carries out itself for the usual types of their arguments.

Each returns the code, or None where the arguments are not of the usual form; then the function is called. What is
in line here is what the function does; a test holds the two equal.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from rules_engine.conditions.forms import SpecialForm
from rules_engine.conditions.library import OWN
from rules_engine.conditions.parser import Node
from rules_engine.conditions.runtime import NO_KEY, SHORT, key_of
from rules_engine.conditions.signatures import EXPREF

if TYPE_CHECKING:
    from rules_engine.conditions.codegen import Code, Scope, Writer


def _length(writer: Writer, node: Node, scope: Scope) -> Code | None:
    first, name = writer.named(writer.argument(node["children"][0], scope))
    call = writer.plain_call(node, [_variable(writer, name)])
    return writer.plain(
        f"(len({name}) if (y := type({first})) is list or y is str or y is dict else {call.text})", plain=False
    )


def _variable(writer: Writer, name: str) -> Code:
    return writer.plain(name, name=name)


def _contains(writer: Writer, node: Node, scope: Scope) -> Code | None:
    subject, search = node["children"]
    if subject["type"] == "literal":
        return _among(writer, node, scope)
    if search["type"] != "literal" or type(search["value"]) is not str:
        return None
    first, name = writer.named(writer.argument(subject, scope))
    text = writer.constant(search["value"])
    call = writer.plain_call(node, [_variable(writer, name), _variable(writer, text)])
    # Searching long texts again and again takes long, and is counted by the function.
    short = f" and len({name}) < 1024" if writer.in_loop else ""
    return writer.plain(
        f"({text} in {name} if (y := type({first})) is str{short} else "
        f"holds({name}, {text}) if y is list and len({name}) <= {SHORT} else {call.text})"
    )


def _among(writer: Writer, node: Node, scope: Scope) -> Code | None:
    subject, search = node["children"]
    keys = _keys(subject["value"])
    if keys is None or search["type"] == EXPREF:
        return None
    first, name = writer.named(writer.value(search, scope))
    table = writer.constant(keys)
    # Keys of texts are the texts themselves.
    return writer.plain(f"({name} in {table} if type({first}) is str else among({name}, {table}))")


def _keys(items: Any) -> frozenset[Any] | None:
    """The keys of a list of scalars; None for anything else."""
    if not isinstance(items, list):
        return None
    keys = frozenset(key_of(item) for item in items)
    return None if NO_KEY in keys else keys


def _affix(method: str) -> Callable[[Writer, Node, Scope], Code | None]:
    def shortcut(writer: Writer, node: Node, scope: Scope) -> Code | None:
        subject, affix = node["children"]
        if affix["type"] != "literal" or type(affix["value"]) is not str:
            return None
        first, name = writer.named(writer.argument(subject, scope))
        text = writer.constant(affix["value"])
        call = writer.plain_call(node, [_variable(writer, name), _variable(writer, text)])
        return writer.plain(f"({name}.{method}({text}) if type({first}) is str else {call.text})")

    return shortcut


def _sum(writer: Writer, node: Node, scope: Scope) -> Code | None:
    first, name = writer.named(writer.argument(node["children"][0], scope))
    call = writer.plain_call(node, [_variable(writer, name)])
    total = writer.fresh()
    return writer.plain(f"({total} if ({total} := quick_sum({first})) is not None else {call.text})", plain=False)


def _if(writer: Writer, node: Node, scope: Scope) -> Code | None:
    return writer.if_form(node, scope)


def _coalesce(writer: Writer, node: Node, scope: Scope) -> Code | None:
    return writer.coalesce_form(node, scope)


Shortcut = Callable[["Writer", Node, "Scope"], "Code | None"]

_FUNCTIONS: dict[str, Shortcut] = {
    "contains": _contains,
    "ends_with": _affix("endswith"),
    "length": _length,
    "starts_with": _affix("startswith"),
    "sum": _sum,
}
_FORMS: dict[str, Shortcut] = {"coalesce": _coalesce, "if": _if}


def of(name: str, form: SpecialForm | None) -> Shortcut | None:
    """Return the shortcut of a function; of a form only where the name means this package's own."""
    if form is None:
        return _FUNCTIONS.get(name)
    return _FORMS.get(name) if OWN.get(name) is form else None
