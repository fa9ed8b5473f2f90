"""Comparisons as Python code: with a literal, whose type is known, or of two values.

Python compares exactly where both sides are ints, Decimals or texts; and a finite float with a number ``k`` exactly
where ``k`` is what some float is written as: 19.99 is, and 0.1000000000000000001 is not. The rest is in ``runtime``.
"""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any

from rules_engine.conditions.parser import Node
from rules_engine.conditions.values import ARRAY, NUMBER, OBJECT, STRING, kind_of

if TYPE_CHECKING:
    from rules_engine.conditions.codegen import Code, Scope, Writer

_SIGNS = {"eq": "==", "ne": "!=", "lt": "<", "lte": "<=", "gt": ">", "gte": ">="}
_TURNED = {"eq": "eq", "ne": "ne", "lt": "gt", "lte": "gte", "gt": "lt", "gte": "lte"}
_SLOW = {"eq": "same", "ne": "other", "lt": "below", "lte": "at_most", "gt": "above", "gte": "at_least"}
_LARGEST = 1.7976931348623157e308
_EXACT_INT = 2**53


def comparator(writer: Writer, node: Node, scope: Scope) -> Code:
    """Write a comparison."""
    sign, (left, right) = node["value"], node["children"]
    if left["type"] == "literal" and right["type"] != "literal":
        sign, left, right = _TURNED[sign], right, left
    if right["type"] == "literal" and kind_of(right["value"]) not in (ARRAY, OBJECT):
        return with_literal(writer, sign, writer.value(left, scope), right["value"])
    mine, yours = writer.several([lambda: writer.value(left, scope), lambda: writer.value(right, scope)])
    return _of_two(writer, sign, mine, yours)


def with_literal(writer: Writer, sign: str, code: Code, literal: Any) -> Code:
    """Write the comparison of a value with a scalar literal."""
    kind = kind_of(literal)
    if kind == STRING:
        return _with_text(writer, sign, code, literal)
    if kind == NUMBER:
        return _with_number(writer, sign, code, literal)
    if sign not in ("eq", "ne"):
        # There is no order of true, false and null; what stands on the other side is evaluated for its errors.
        return _code(writer, f"{_SLOW[sign]}({code.text}, {literal})")
    negation = "" if sign == "eq" else "not "
    if literal is None:
        return _code(writer, f"({negation}{writer.is_null(code)})")
    return _code(writer, f"({code.text} is {negation}{literal})")


def _code(writer: Writer, text: str) -> Code:
    return writer.plain(text)


def _with_text(writer: Writer, sign: str, code: Code, literal: str) -> Code:
    first, name = writer.named(code)
    constant = writer.constant(literal)
    return _code(
        writer,
        f"({name} {_SIGNS[sign]} {constant} if type({first}) is str else {_SLOW[sign]}({name}, {constant}))",
    )


def _with_number(writer: Writer, sign: str, code: Code, literal: Any) -> Code:
    first, name = writer.named(code)
    constant, operator = writer.constant(literal), _SIGNS[sign]
    exact = f"(y := type({first})) is int or y is Decimal and {name}.is_finite()"
    nearest = float_of(literal)
    if nearest is None:
        in_line = f"{name} {operator} {constant} if {exact} else "
    else:
        # NaN and Infinity are null, which has no order, and which nothing but null equals.
        real = "y is float" if sign in ("eq", "ne") else f"y is float and {-_LARGEST!r} <= {name} <= {_LARGEST!r}"
        if nearest is literal:
            in_line = f"{name} {operator} {constant} if {exact} or {real} else "
        else:
            in_line = (
                f"{name} {operator} {constant} if {exact} else "
                f"{name} {operator} {writer.constant(nearest)} if {real} else "
            )
    return _code(writer, f"({in_line}{_SLOW[sign]}({name}, {constant}))")


def float_of(number: Any) -> Any:
    """Return what a float is compared with in place of an exact ``number``, or None if none gives the same answer."""
    if isinstance(number, int):
        return number if abs(number) <= _EXACT_INT else None
    nearest = float(number)
    return nearest if abs(nearest) <= _LARGEST and Decimal(repr(nearest)) == number else None


def _of_two(writer: Writer, sign: str, mine: Code, yours: Code) -> Code:
    left, a = writer.named(mine)
    right, b = writer.named(yours)
    operator = _SIGNS[sign]
    # The right side is evaluated where its type is asked for, which is always.
    kinds = f"(y := type({left})) is type({right}) and (y is int or y is str"
    if writer.in_loop:
        # Comparing long texts again and again takes long, and is counted.
        kinds += f" and len({a}) < 1024"
    if sign in ("eq", "ne"):
        slow = f"{'equals' if sign == 'eq' else 'differs'}({a}, {b}, {writer.budget})"
    else:
        kinds += f" or y is Decimal and {a}.is_finite() and {b}.is_finite()"
        slow = f"{_SLOW[sign]}({a}, {b})"
    return _code(writer, f"({a} {operator} {b} if {kinds}) else {slow})")
