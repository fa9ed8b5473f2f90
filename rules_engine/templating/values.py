"""The JSON values of the data: finding, reading, writing and weighing them."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from decimal import Decimal

from rules_engine import jsontext
from rules_engine.templating.limits import MAX_DIGITS, MAX_WORK
from rules_engine.templating.problem import Problem


class _Missing:
    """What a path without a value finds; apart from null only where a loop looks for a key named "items"."""


MISSING = _Missing()


def find(value: object, parts: Sequence[str]) -> object:
    """Return what lies at ``parts`` below ``value``: keys of objects, positions in lists, nothing else."""
    for part in parts:
        if isinstance(value, Mapping):
            value = value.get(part, MISSING)
        elif isinstance(value, (list, tuple)) and is_position(part):
            value = value[int(part)] if int(part) < len(value) else MISSING
        else:
            return MISSING
    return value


def is_position(part: str) -> bool:
    """Tell whether a part of a path is a position in a list."""
    return part.isascii() and part.isdecimal() and len(part) < 10


def clean(value: object) -> object:
    """Return a value from the data as exactly one of the JSON types; the data never brings safe HTML."""
    if value is None or value is MISSING:
        return None
    if isinstance(value, (bool, Decimal, list, dict)):
        return value
    if isinstance(value, str):
        # Adding a plain text turns a SafeString, or a member of TextChoices, into a plain text.
        return value if type(value) is str else value + ""
    if isinstance(value, int):
        return int(value)
    if isinstance(value, float):
        return Decimal(repr(value)) if math.isfinite(value) else None
    if isinstance(value, tuple):
        return list(value)
    if isinstance(value, Mapping):
        return dict(value)
    raise Problem(f"the data holds a {type(value).__name__}, which is not a JSON value.")


def as_text(value: object) -> str:
    """Return the text that a value renders as."""
    if isinstance(value, str):
        return value
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, Decimal):
        return _decimal_text(value)
    return str(value) if isinstance(value, int) else jsontext.dumps(value)


def _decimal_text(value: Decimal) -> str:
    if not value.is_finite():
        return ""
    # "f" writes 0E-8, the zero of a column with eight places, as 0.00000000; but 1E+999999999 would fill memory.
    return format(value, "f") if _is_handy(value) else str(value)


def _is_handy(value: int | Decimal) -> bool:
    if isinstance(value, int):
        return value.bit_length() < 3 * MAX_DIGITS
    parts = value.as_tuple()
    return isinstance(parts.exponent, int) and len(parts.digits) + abs(parts.exponent) <= MAX_DIGITS


def as_number(value: object) -> int | Decimal | None:
    """Return the number that a value is or spells, or None. Raises Problem for one of monstrous size."""
    if isinstance(value, str) and re.fullmatch(r"\s*[-+]?\d{1,60}(\.\d{1,60})?\s*", value, re.ASCII):
        value = Decimal(value) if "." in value else int(value)
    if not isinstance(value, (int, Decimal)) or (isinstance(value, Decimal) and not value.is_finite()):
        return None
    return checked_number(value)


def checked_number(number: int | Decimal) -> int | Decimal:
    """Return the number. Raises Problem for one of monstrous size."""
    if not _is_handy(number):
        raise Problem(f"a number has more than {MAX_DIGITS} digits.")
    return number


def weigh(value: object) -> int:
    """Return about how many characters handling the value touches."""
    weight, waiting = 0, [value]
    while waiting and weight <= MAX_WORK:
        item = waiting.pop()
        weight += 10
        if isinstance(item, str):
            weight += len(item)
        elif isinstance(item, Mapping):
            weight += 10 * len(item)
            waiting.extend(item.values())
        elif isinstance(item, (list, tuple)):
            waiting.extend(item)
    return weight


def kind_of(value: object) -> str:
    """Return the name of the JSON type, for errors."""
    if isinstance(value, Mapping):
        return "an object"
    return {bool: "a boolean", str: "a text"}.get(type(value), "a number")
