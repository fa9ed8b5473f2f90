"""Functions that choose between values."""

from __future__ import annotations

from inspect import getdoc
from typing import Any

from rules_engine.conditions.forms import Call, SpecialForm
from rules_engine.conditions.signatures import Signature
from rules_engine.conditions.values import NULL, is_true, kind_of


def _if(call: Call) -> Any:
    """The second value where the condition is true, else the third; null without a third.

    Only the value that is chosen is evaluated.

    Examples:
        if(vip, 'gold', 'plain') on {"vip": true} -> "gold"
        if(total > `100`, 'large', 'small') on {"total": 20} -> "small"
        if(notes, length(notes), `0`) on {"notes": null} -> 0
        if(vip, 'gold') on {"vip": false} -> null
    """
    if is_true(call.value(0)):
        return call.value(1)
    return call.value(2) if len(call.arguments) > 2 else None


def _coalesce(call: Call) -> Any:
    """The first value that is not null. The ones behind it are not evaluated.

    Examples:
        coalesce(nickname, name, 'nobody') on {"nickname": null, "name": "Ada"} -> "Ada"
        coalesce(nickname, name, 'nobody') on {} -> "nobody"
        coalesce(nickname, name) on {"nickname": "", "name": "Ada"} -> ""
        coalesce(a, b) on {} -> null
    """
    for index in range(len(call.arguments)):
        value = call.value(index)
        if kind_of(value) != NULL:
            return value
    return None


FUNCTIONS = (
    SpecialForm("if", Signature(((), (), ()), 2), _if, getdoc(_if) or ""),
    SpecialForm("coalesce", Signature(((),), 1, variadic=True), _coalesce, getdoc(_coalesce) or ""),
)
