"""What generated code calls when a value is not of the exact type that it handles in line.

Generated code tests ``type(x) is dict`` and the like itself; these functions are for all the rest: lazy mappings,
tuples, subclasses, floats, missing values, foreign objects. They are the meaning; the code in line is a shortcut.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from decimal import ROUND_HALF_EVEN, Context, Decimal
from functools import partial
from operator import ge, gt, le, lt
from typing import Any

from rules_engine.conditions.faults import Fault
from rules_engine.conditions.forms import Call, SpecialForm
from rules_engine.conditions.functions import Functions
from rules_engine.conditions.hostfunctions import Library
from rules_engine.conditions.limits import Budget
from rules_engine.conditions.signatures import Expression
from rules_engine.conditions.values import (
    NULL,
    NUMBER,
    STRING,
    detached,
    equal,
    exact,
    is_true,
    kind_of,
    order_keys,
    present,
)

PLAIN = frozenset({type(None), bool, str, list, dict, tuple})
"""Types whose truth in Python is their truth in JMESPath, and that are never NaN."""
NEVER_NULL = frozenset({bool, int, str, list, dict, tuple})
"""Types that are never null."""
NO_LISTS = frozenset({type(None), bool, int, float, Decimal, str, dict})
"""Types that are no lists."""
SHORT = 64
"""Loops of so few items, outside of other loops, are not counted as steps."""


def is_mapping(value: Any) -> bool:
    """Tell whether a value is an object; remembers the answer by type, since ``isinstance`` of an ABC is slow."""
    kind = type(value)
    known = _MAPPINGS.get(kind)
    if known is None:
        if len(_MAPPINGS) > 256:
            _MAPPINGS.clear()
        known = _MAPPINGS[kind] = issubclass(kind, Mapping)
    return known


_MAPPINGS: dict[type, bool] = {}


def get(value: Any, key: str) -> Any:
    """The field ``key`` of any value; None where it has none."""
    return value.get(key) if is_mapping(value) else None


def item(value: Any, index: int) -> Any:
    """The item at ``index`` of any value; None where there is none."""
    if not isinstance(value, (list, tuple)):
        return None
    try:
        return value[index]
    except IndexError:
        return None


def part(value: Any, positions: slice, budget: Budget) -> Any:
    """A slice of any value; None where it has no items."""
    if not isinstance(value, (list, tuple)):
        return None
    found = list(value[positions])
    budget.spend(len(found))
    return found


def flat(value: Any, budget: Budget) -> Any:
    """The items of a list, those of the lists among them in their place."""
    if not isinstance(value, (list, tuple)):
        return None
    merged: list[Any] = []
    for entry in value:
        inner = entry if isinstance(entry, (list, tuple)) else (entry,)
        budget.spend(len(inner))
        merged.extend(inner)
    return merged


def null(value: Any) -> bool:
    """Whether a value is null: None, NaN and Infinity are."""
    return value is None or present(value) is None


def kept(values: Iterable[Any]) -> list[Any]:
    """The results of a projection: those that are not null."""
    return [value for value in values if not null(value)]


# --- comparisons ------------------------------------------------------------------------------------------


def same(left: Any, right: Any) -> bool:
    """Whether a value equals a scalar literal."""
    if left is None:
        return right is None
    return equal(left, right, _free)


def other(left: Any, right: Any) -> bool:
    """Whether a value differs from a scalar literal."""
    return not same(left, right)


def equals(left: Any, right: Any, budget: Budget) -> bool:
    """Whether two values are equal."""
    return equal(left, right, budget.spend)


def differs(left: Any, right: Any, budget: Budget) -> bool:
    """Whether two values are not equal."""
    return not equal(left, right, budget.spend)


def _free(steps: int) -> None:
    """A literal is no longer than its condition: comparing with it needs no count."""


def _ordering(sign: Callable[[Any, Any], bool]) -> Callable[[Any, Any], bool | None]:
    def ordered(left: Any, right: Any) -> bool | None:
        """Whether two numbers or two texts stand in this order; None for all else."""
        keys = order_keys(left, right)
        return sign(*keys) if keys is not None else None

    return ordered


below, at_most, above, at_least = _ordering(lt), _ordering(le), _ordering(gt), _ordering(ge)


# --- keys -------------------------------------------------------------------------------------------------


class _Key:
    """Stands in a hash table for a value that would be mixed up with another one there."""

    __slots__ = ("_name",)

    def __init__(self, name: str) -> None:
        self._name = name

    def __repr__(self) -> str:
        return self._name


TRUE, FALSE, NO_KEY = _Key("TRUE"), _Key("FALSE"), _Key("NO_KEY")
"""Booleans would be found as 1 and 0; a value that no scalar equals has NO_KEY."""


def key_of(value: Any) -> Any:
    """A hashable form of a value: two scalars are equal exactly when their keys are."""
    kind = type(value)
    if kind is str or kind is int or value is None:
        return value
    if kind is bool:
        return TRUE if value else FALSE
    return _other_key(value)


def _other_key(value: Any) -> Any:
    kind = kind_of(value)
    if kind == NUMBER:
        number = exact(value)
        # The hash of a subclass (an enum's member) may be anything.
        return number if isinstance(number, Decimal) else int.__int__(number)
    if kind == STRING:
        return str.__str__(value)
    return None if kind == NULL else NO_KEY


def among(value: Any, keys: frozenset[Any]) -> bool:
    """Whether a value equals one of several scalars, given as their keys."""
    return key_of(value) in keys


def holds(items: list[Any], text: str) -> bool:
    """Whether a list holds a text."""
    for entry in items:
        if type(entry) is str:
            if entry == text:
                return True
        elif isinstance(entry, str) and str.__eq__(entry, text):
            return True
    return False


# --- functions --------------------------------------------------------------------------------------------


def caller(name: str, library: Library, position: int | None) -> Callable[..., Any]:
    """Return a function that calls the function ``name`` as ``call(budget, *arguments)``."""

    def call(budget: Budget, *arguments: Any) -> Any:
        try:
            return Functions(library, budget).call_function(name, [present(argument) for argument in arguments])
        except Fault as fault:
            raise _placed(fault, position) from fault.__cause__

    return call


def form_caller(form: SpecialForm, position: int | None) -> Callable[..., Any]:
    """Return a function that calls a special form as ``call(budget, root, current, *arguments)``.

    Each argument is a function of a budget, a root and a current value.
    """

    def call(budget: Budget, root: Any, current: Any, *arguments: Callable[..., Any]) -> Any:
        bound = [partial(_evaluated, argument, budget) for argument in arguments]
        try:
            return form.run(Call(present(root), present(current), bound, budget.spend))
        except Fault as fault:
            raise _placed(fault, position) from fault.__cause__

    return call


def _evaluated(argument: Callable[..., Any], budget: Budget, root: Any, current: Any) -> Any:
    return present(argument(budget, root, current))


def _placed(fault: Fault, position: int | None) -> Fault:
    if fault.position is None:
        fault.position = position
    return fault


_SUMS = Context(prec=100, rounding=ROUND_HALF_EVEN, Emin=-(10**9), Emax=10**9, traps=[])


def quick_sum(items: Any) -> int | Decimal | None:
    """The sum of a short plain list of ints and Decimals; None for any other argument."""
    if type(items) is not list or len(items) > SHORT:
        return None
    kinds = set(map(type, items))
    if kinds <= _INT:
        return sum(items)
    if not kinds <= _EXACT:
        return None
    total = Decimal(0)
    for number in items:
        total = _SUMS.add(total, number)
    return total if total.is_finite() else None


_INT, _EXACT = frozenset({int}), frozenset({int, Decimal})


NAMESPACE: dict[str, Any] = {
    "Budget": Budget,
    "Decimal": Decimal,
    "Expression": Expression,
    "NEVER_NULL": NEVER_NULL,
    "PLAIN": PLAIN,
    "above": above,
    "among": among,
    "at_least": at_least,
    "at_most": at_most,
    "below": below,
    "detached": detached,
    "differs": differs,
    "equals": equals,
    "flat": flat,
    "get": get,
    "holds": holds,
    "is_mapping": is_mapping,
    "item": item,
    "kept": kept,
    "no_list": NO_LISTS.issuperset,
    "null": null,
    "other": other,
    "part": part,
    "partial": partial,
    "quick_sum": quick_sum,
    "same": same,
    "true": is_true,
}
"""The global names of generated code."""
