"""What a condition holds a Python value for: its kind, truth, equality and order.

Contexts are plain documents or lazy ones, so any ``Mapping`` is an object and a tuple is an array. Subclasses of
``str`` and ``int`` (choices, enums) are text and numbers. NaN and Infinity are null: JSON has no word for them.
Any other object (a date, a UUID, a queryset) has no kind: it is never called, compared or looked into.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from decimal import Decimal
from math import isfinite
from typing import Any

Spend = Callable[[int], None]
Number = int | Decimal

NULL, BOOLEAN, NUMBER, STRING, ARRAY, OBJECT = "null", "boolean", "number", "string", "array", "object"
UNKNOWN = "unknown"

_KINDS: dict[type, str] = {
    type(None): NULL,
    bool: BOOLEAN,
    int: NUMBER,
    str: STRING,
    list: ARRAY,
    tuple: ARRAY,
    dict: OBJECT,
}
_KINDS_OF_SUBCLASSES: tuple[tuple[type, str], ...] = (
    (str, STRING),
    (int, NUMBER),
    (list, ARRAY),
    (tuple, ARRAY),
    (Mapping, OBJECT),
)


def kind_of(value: Any) -> str:
    """Return the JMESPath type of ``value``, or ``UNKNOWN``."""
    kind = _KINDS.get(type(value))
    if kind is not None:
        return kind
    if isinstance(value, (float, Decimal)):
        return NUMBER if _finite(value) else NULL
    for cls, name in _KINDS_OF_SUBCLASSES:
        if isinstance(value, cls):
            return name
    return UNKNOWN


def present(value: Any) -> Any:
    """Return ``value`` as it enters an evaluation: NaN and Infinity become None."""
    if isinstance(value, (float, Decimal)) and not _finite(value):
        return None
    return value


def _finite(number: float | Decimal) -> bool:
    # math.isfinite() goes through float, which large Decimals overflow and signalling NaNs refuse.
    return number.is_finite() if isinstance(number, Decimal) else isfinite(number)


def exact(number: Any) -> Number:
    """Return a finite number as an int or a Decimal; a float by its shortest digits, so that 19.99 is 19.99."""
    return Decimal(float.__repr__(number)) if isinstance(number, float) else number


def is_true(value: Any) -> bool:
    """JMESPath truth: null, false, empty text, empty list and empty object are false; 0 is true."""
    if value is None or value is False:
        return False
    kind = kind_of(value)
    if kind in (STRING, ARRAY, OBJECT):
        return len(value) > 0
    return kind != NULL


def equal(left: Any, right: Any, spend: Spend) -> bool:
    """Deep equality with the JSON types told apart: 1 is not true, also inside lists; 1 and 1.0 are equal."""
    spend(1)
    kind = kind_of(left)
    if kind != kind_of(right):
        return False
    return _EQUAL[kind](left, right, spend)


def _equal_scalars(left: Any, right: Any, spend: Spend) -> bool:
    return bool(left == right)


def _equal_numbers(left: Any, right: Any, spend: Spend) -> bool:
    return exact(left) == exact(right)


def _equal_texts(left: str, right: str, spend: Spend) -> bool:
    if len(left) != len(right):
        return False
    spend(len(left) >> 10)
    return str.__eq__(left, right)


def _equal_arrays(left: Any, right: Any, spend: Spend) -> bool:
    return len(left) == len(right) and all(equal(mine, yours, spend) for mine, yours in zip(left, right, strict=True))


def _equal_objects(left: Mapping[str, Any], right: Mapping[str, Any], spend: Spend) -> bool:
    return left.keys() == right.keys() and all(equal(left[key], right[key], spend) for key in left)


_EQUAL: dict[str, Callable[[Any, Any, Spend], bool]] = {
    NULL: lambda left, right, spend: True,
    BOOLEAN: _equal_scalars,
    NUMBER: _equal_numbers,
    STRING: _equal_texts,
    ARRAY: _equal_arrays,
    OBJECT: _equal_objects,
    UNKNOWN: lambda left, right, spend: left is right,
}


def order_keys(left: Any, right: Any) -> tuple[Any, Any] | None:
    """Return both sides in a form that ``<`` may compare, or None: only two numbers or two texts have an order."""
    kind = kind_of(left)
    if kind != kind_of(right) or kind not in (NUMBER, STRING):
        return None
    return (exact(left), exact(right)) if kind == NUMBER else (left, right)


def detached(value: Any, spend: Spend) -> Any:
    """Return ``value`` with its lists and dicts copied, so that a caller may change them; tuples become lists.

    Lazy mappings are left as they are: copying would read all of them.
    """
    spend(1)
    if isinstance(value, (list, tuple)):
        return [detached(item, spend) for item in value]
    if isinstance(value, dict):
        return {key: detached(item, spend) for key, item in value.items()}
    return present(value)
