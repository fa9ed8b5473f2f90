"""Comparisons that can never be true, or never false: of other types, or with a value that a field cannot hold."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from decimal import Decimal
from difflib import get_close_matches
from typing import Any

from rules_engine.conditions.guesses import Guess
from rules_engine.conditions.moments import canonical_moment
from rules_engine.conditions.shapes import DATE, DATE_AND_TIME, Leaf, Shape
from rules_engine.conditions.signatures import wording
from rules_engine.conditions.values import ARRAY, BOOLEAN, NULL, NUMBER, STRING, exact, kind_of

ORDERS = {"lt": "<", "lte": "<=", "gt": ">", "gte": ">="}
_SHOWN_CHOICES = 8
_SHOWN_CHARACTERS = 40

Side = tuple[str, Guess]
"""The text of an operand, and what it can be."""


def comparison_problem(sign: str, left: Side, right: Side) -> str:
    """Say why a comparison makes no sense, or return an empty text; ``sign`` is the parser's word for it."""
    if sign in ORDERS:
        return _order_problem(left, right) or _value_problem(left, right, ordered=True)
    return _type_problem(sign, left, right) or _value_problem(left, right, ordered=False)


def _order_problem(left: Side, right: Side) -> str:
    if left[1].kinds & right[1].kinds & {NUMBER, STRING}:
        return ""
    for (text, guess), other in ((left, right), (right, left)):
        if not guess.kinds & {NUMBER, STRING}:
            hint = _list_hint((text, guess), other)
            return f"{text} is {_words(guess)}, which has no order: this is never true.{hint}"
    return (
        f"{left[0]} is {_words(left[1])} and {right[0]} {_words(right[1])}: they have no order, so this is never "
        f"true.{_number_hint(left, right)}"
    )


def _type_problem(sign: str, left: Side, right: Side) -> str:
    common = left[1].kinds & right[1].kinds
    if common - {NULL}:
        return ""
    if {NULL} in (left[1].kinds, right[1].kinds):
        text, guess = right if left[1].kinds == {NULL} else left
        if common:
            return ""
        return f"{text} is {_words(guess)} and never null: {_always(sign)}."
    hint = _list_hint(left, right) or _list_hint(right, left) or _number_hint(left, right) or _flag_hint(left, right)
    verdict = f"{_always(sign)}, unless both are null" if common else _always(sign)
    return f"{left[0]} is {_words(left[1])} and {right[0]} {_words(right[1])}: {verdict}.{hint}"


def _always(sign: str) -> str:
    return "this is always true" if sign == "ne" else "this is never true"


def _words(guess: Guess) -> str:
    return wording(tuple(sorted(guess.kinds - {NULL} or guess.kinds)))


def _list_hint(side: Side, other: Side) -> str:
    text, guess = side
    if guess.kinds - {NULL} != {ARRAY} or other[1].kinds & {ARRAY}:
        return ""
    if isinstance(guess.known, Shape):
        return f" Compare a field of its items, as in {text}[?x == {other[0]}]."
    return f" Look into it: contains({text}, {other[0]})."


def _number_hint(left: Side, right: Side) -> str:
    for (text, guess), (_, other) in ((left, right), (right, left)):
        if guess.constant and guess.kinds == {STRING} and NUMBER in other.kinds and _is_number(guess.constant[0]):
            return f" Numbers stand in backticks: `{guess.constant[0]}`."
        if guess.constant and guess.kinds == {NUMBER} and STRING in other.kinds:
            return f" Texts stand in quotes: '{text.strip('`')}'."
    return ""


def _flag_hint(left: Side, right: Side) -> str:
    for (_, guess), (_, other) in ((left, right), (right, left)):
        if guess.constant and BOOLEAN in other.kinds and guess.constant[0] in ("true", "false"):
            return f" Constants stand in backticks: `{guess.constant[0]}`."
    return ""


def _is_number(text: str) -> bool:
    try:
        return Decimal(text).is_finite()
    except ArithmeticError:
        return False


# --- values -----------------------------------------------------------------------------------------------


def _value_problem(left: Side, right: Side, *, ordered: bool) -> str:
    for (text, guess), (_, other) in ((left, right), (right, left)):
        if isinstance(guess.known, Leaf) and other.constant:
            return value_problem(text, guess.known, other.constant[0], ordered=ordered)
    return ""


def value_problem(text: str, leaf: Leaf, value: Any, *, ordered: bool = False) -> str:
    """Say why a field can never hold a value, or return an empty text."""
    kind = kind_of(value)
    if kind == STRING and leaf.kind in _DATES:
        return _date_problem(text, leaf.kind, value, ordered=ordered)
    if ordered or kind == NULL:
        return ""
    if leaf.choices and value != "" and not any(_equal(choice, value) for choice in leaf.choices):
        return _no_choice(text, leaf.choices, value)
    if kind == STRING and leaf.max_length is not None and len(value) > leaf.max_length:
        return f"{text} has at most {leaf.max_length:,} characters, this text has {len(value):,}."
    if kind == NUMBER and leaf.whole and exact(value) % 1 != 0:
        return f"{text} is a whole number and never {_shown(value)}."
    return ""


def _equal(choice: Any, value: Any) -> bool:
    kind = kind_of(choice)
    if kind != kind_of(value):
        return False
    return bool(exact(choice) == exact(value)) if kind == NUMBER else bool(choice == value)


def _no_choice(text: str, choices: tuple[Any, ...], value: Any) -> str:
    shown = ", ".join(_shown(choice) for choice in choices[:_SHOWN_CHOICES])
    more = ", …" if len(choices) > _SHOWN_CHOICES else ""
    texts = {str(choice).lower(): choice for choice in choices}
    close = get_close_matches(str(value).lower(), texts, n=1)
    hint = f" Did you mean {_shown(texts[close[0]])}?" if close else ""
    return f"{text} has no choice {_shown(value)}.{hint} Choices: {shown}{more}."


def _shown(value: Any) -> str:
    if isinstance(value, str):
        return f"'{value}'" if len(value) <= _SHOWN_CHARACTERS else f"'{value[:_SHOWN_CHARACTERS]}…'"
    return f"`{value}`"


def _is_day(text: str) -> bool:
    return len(text) == 10 and _reads(dt.date.fromisoformat, text)


def _is_moment(text: str) -> bool:
    return canonical_moment(text).endswith("Z") and _reads(dt.datetime.fromisoformat, text)


def _reads(read: Callable[[str], object], text: str) -> bool:
    try:
        read(text)
    except ValueError:
        return False
    return True


_DATES: dict[str, tuple[Callable[[str], bool], str]] = {
    DATE: (_is_day, "2026-03-01"),
    DATE_AND_TIME: (_is_moment, "2026-03-01T12:00:00Z"),
}


def _date_problem(text: str, kind: str, value: str, *, ordered: bool) -> str:
    is_right, example = _DATES[kind]
    # The beginning of a date has its place in the order of dates, as '2026-03' has before '2026-03-01'.
    if is_right(value) or (ordered and (_is_day(value) or value[:4].isdigit())):
        return ""
    return f"{text} is a {kind} and never {_shown(value)}: it is written as in '{example}'."
