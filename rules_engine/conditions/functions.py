"""The functions of JMESPath, exact on Decimals and at home with lazy mappings and tuples.

The docstrings are shown in the condition help.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from decimal import ROUND_CEILING, ROUND_FLOOR, ROUND_HALF_EVEN, Context, Decimal, Inexact
from functools import cache
from re import ASCII
from re import compile as compile_pattern
from typing import Any

from jmespath import functions as jmespath_functions
from jmespath.functions import signature

from rules_engine.conditions.faults import Fault
from rules_engine.conditions.hostfunctions import HostFunction, Library
from rules_engine.conditions.limits import Budget, check_built_text
from rules_engine.conditions.lookup import find_function
from rules_engine.conditions.signatures import Expression, Signature
from rules_engine.conditions.values import (
    ARRAY,
    NULL,
    NUMBER,
    OBJECT,
    STRING,
    UNKNOWN,
    Number,
    equal,
    exact,
    kind_of,
    present,
)
from rules_engine.jsontext import dumps

_SUM_DIGITS = 100
_QUOTIENT_DIGITS = 34
"""Digits of a quotient that does not come out even, as in IEEE 754 decimal128."""

_NUMBER = compile_pattern(r"\s*[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?\s*", ASCII)


class Functions(jmespath_functions.Functions):
    """Calls functions for one evaluation: the built-in ones below and those of the ``library``."""

    def __init__(self, library: Library, budget: Budget) -> None:
        self._library = library
        self._budget = budget

    def call_function(self, function_name: str, resolved_args: list[Any]) -> Any:
        """Check the arguments and call; raises Fault."""
        builtin = builtin_signatures().get(function_name)
        if builtin is not None:
            builtin.check(function_name, resolved_args, self._budget.spend)
            return self.FUNCTION_TABLE[function_name]["function"](self, *resolved_args)
        function = find_function(function_name, self._library)
        if not isinstance(function, HostFunction):
            raise Fault(f"There is no function {function_name}() any more.")
        function.signature.check(function_name, resolved_args, self._budget.spend)
        return present(function.call(resolved_args))

    # --- numbers ---

    @signature({"types": ["number"]})
    def _func_abs(self, arg: Any) -> Number:
        """The number without its sign."""
        number = exact(arg)
        # abs() of a Decimal would round it to the precision that the host's thread happens to have.
        return number.copy_abs() if isinstance(number, Decimal) else abs(number)

    @signature({"types": ["array-number"]})
    def _func_sum(self, arg: Any) -> Number:
        """The sum of a list of numbers; 0 for an empty list."""
        return _sum(arg)

    @signature({"types": ["array-number"]})
    def _func_avg(self, arg: Any) -> Number | None:
        """The average of a list of numbers; null for an empty list."""
        return _quotient(_sum(arg), len(arg)) if len(arg) else None

    @signature({"types": ["number"]})
    def _func_ceil(self, arg: Any) -> Number:
        """The number rounded up to a whole one."""
        return _whole(exact(arg), ROUND_CEILING)

    @signature({"types": ["number"]})
    def _func_floor(self, arg: Any) -> Number:
        """The number rounded down to a whole one."""
        return _whole(exact(arg), ROUND_FLOOR)

    @signature({"types": []})
    def _func_to_number(self, arg: Any) -> Any:
        """The number that a text holds, exactly; null for what is no number."""
        kind = kind_of(arg)
        if kind == NUMBER:
            return arg
        return _number_of(arg) if kind == STRING else None

    # --- texts ---

    @signature({"types": ["string"]}, {"types": ["string"]})
    def _func_starts_with(self, search: str, prefix: str) -> bool:
        """Whether a text begins with another."""
        return search.startswith(prefix)

    @signature({"types": ["string"]}, {"types": ["string"]})
    def _func_ends_with(self, search: str, suffix: str) -> bool:
        """Whether a text ends with another."""
        return search.endswith(suffix)

    @signature({"types": ["string"]}, {"types": ["array-string"]})
    def _func_join(self, separator: str, array: Any) -> str:
        """The texts of a list in one, with a separator between them."""
        check_built_text(sum(len(text) + len(separator) for text in array), "join")
        return separator.join(array)

    @signature({"types": []})
    def _func_to_string(self, arg: Any) -> str:
        """A text as it is, anything else as JSON text."""
        if kind_of(arg) == STRING:
            return str.__str__(arg)
        document = _Writer(self._budget).plain(arg)
        try:
            text = dumps(document)
        except ValueError:
            raise Fault("to_string() cannot write a whole number of so many digits.") from None
        check_built_text(len(text), "to_string")
        return text

    # --- texts, lists and objects ---

    @signature({"types": ["array", "string"]}, {"types": []})
    def _func_contains(self, subject: Any, search: Any) -> bool:
        """Whether a list holds a value, or a text holds another text."""
        if kind_of(subject) == STRING:
            if kind_of(search) != STRING:
                raise Fault("contains() can look only for a text in a text. Use to_string() on the second argument.")
            return search in subject
        return any(equal(item, search, self._budget.spend) for item in subject)

    @signature({"types": ["string", "array", "object"]})
    def _func_length(self, arg: Any) -> int:
        """The number of characters, items or fields."""
        return len(arg)

    @signature({"types": ["array", "string"]})
    def _func_reverse(self, arg: Any) -> Any:
        """A list or text from its end to its beginning."""
        if kind_of(arg) == STRING:
            return arg[::-1]
        self._budget.spend(len(arg))
        return list(reversed(arg))

    @signature({"types": []})
    def _func_type(self, arg: Any) -> str | None:
        """``string``, ``number``, ``boolean``, ``array``, ``object`` or ``null``."""
        kind = kind_of(arg)
        return None if kind == UNKNOWN else kind

    @signature({"types": [], "variadic": True})
    def _func_not_null(self, *arguments: Any) -> Any:
        """The first argument that is not null."""
        return next((argument for argument in arguments if kind_of(argument) != NULL), None)

    @signature({"types": []})
    def _func_to_array(self, arg: Any) -> Any:
        """A list as it is, anything else as the only item of a list."""
        return arg if kind_of(arg) == ARRAY else [arg]

    @signature({"types": ["object"]})
    def _func_keys(self, arg: Mapping[str, Any]) -> list[str]:
        """The names of an object's fields."""
        self._budget.spend(len(arg))
        return list(arg.keys())

    @signature({"types": ["object"]})
    def _func_values(self, arg: Mapping[str, Any]) -> list[Any]:
        """The values of an object's fields."""
        self._budget.spend(len(arg))
        return [present(value) for value in arg.values()]

    @signature({"types": ["object"], "variadic": True})
    def _func_merge(self, *arguments: Mapping[str, Any]) -> dict[str, Any]:
        """One object with the fields of all; the last one wins."""
        merged: dict[str, Any] = {}
        for argument in arguments:
            self._budget.spend(len(argument))
            merged.update(argument)
        return merged

    # --- lists ---

    @signature({"types": ["expref"]}, {"types": ["array"]})
    def _func_map(self, expref: Expression, arg: Any) -> list[Any]:
        """The result of an expression for each item: ``map(&price, lines)``."""
        return [expref(item) for item in arg]

    @signature({"types": ["array-string", "array-number"]})
    def _func_sort(self, arg: Any) -> list[Any]:
        """A list of numbers or of texts in ascending order."""
        return sorted(arg, key=_order_key)

    @signature({"types": ["array-number", "array-string"]})
    def _func_max(self, arg: Any) -> Any:
        """The largest number or last text of a list; null for an empty list."""
        return max(arg, key=_order_key, default=None)

    @signature({"types": ["array-number", "array-string"]})
    def _func_min(self, arg: Any) -> Any:
        """The smallest number or first text of a list; null for an empty list."""
        return min(arg, key=_order_key, default=None)

    @signature({"types": ["array"]}, {"types": ["expref"]})
    def _func_sort_by(self, array: Any, expref: Expression) -> list[Any]:
        """A list in ascending order of an expression: ``sort_by(lines, &price)``."""
        keys = self._keys("sort_by", array, expref)
        return [array[index] for index in sorted(range(len(keys)), key=keys.__getitem__)]

    @signature({"types": ["array"]}, {"types": ["expref"]})
    def _func_max_by(self, array: Any, expref: Expression) -> Any:
        """The item with the largest value of an expression: ``max_by(lines, &price)``."""
        keys = self._keys("max_by", array, expref)
        return array[max(range(len(keys)), key=keys.__getitem__)] if keys else None

    @signature({"types": ["array"]}, {"types": ["expref"]})
    def _func_min_by(self, array: Any, expref: Expression) -> Any:
        """The item with the smallest value of an expression: ``min_by(lines, &price)``."""
        keys = self._keys("min_by", array, expref)
        return array[min(range(len(keys)), key=keys.__getitem__)] if keys else None

    def _keys(self, name: str, array: Any, expref: Expression) -> list[Any]:
        values = [expref(item) for item in array]
        self._budget.spend(len(values))
        kinds = {kind_of(value) for value in values}
        if len(kinds) > 1 or not kinds <= {NUMBER, STRING}:
            raise Fault(f"{name}() needs a number for each item, or a text for each item.")
        return [_order_key(value) for value in values]


@cache
def builtin_signatures() -> dict[str, Signature]:
    """The signatures of JMESPath's own functions by name."""
    found = {}
    for name, spec in Functions.FUNCTION_TABLE.items():
        kinds = tuple(tuple(argument["types"]) for argument in spec["signature"])
        variadic = bool(spec["signature"]) and bool(spec["signature"][-1].get("variadic"))
        found[name] = Signature(kinds, len(kinds), variadic)
    return found


def builtin_docs() -> dict[str, str]:
    """The docstrings of JMESPath's own functions by name."""
    return {name: spec["function"].__doc__ or "" for name, spec in Functions.FUNCTION_TABLE.items()}


# --- arithmetic -------------------------------------------------------------------------------------------


def _context(digits: int) -> Context:
    # Not the thread's context: a host may have set another precision, or traps.
    return Context(prec=digits, rounding=ROUND_HALF_EVEN, Emin=-(10**9), Emax=10**9, traps=[])


def _sum(numbers: Any) -> Number:
    terms = [exact(number) for number in numbers]
    if not any(isinstance(term, Decimal) for term in terms):
        return sum(terms)
    context, total = _context(_SUM_DIGITS), Decimal(0)
    for term in terms:
        total = context.add(total, term)
    return total


def _quotient(total: Number, count: int) -> Number:
    context = _context(_SUM_DIGITS)
    quotient = context.divide(total, count)
    return _context(_QUOTIENT_DIGITS).divide(total, count) if context.flags[Inexact] else quotient


def _whole(number: Number, rounding: str) -> Number:
    # A Decimal with a large exponent is whole already, and its digits would fill the memory.
    if isinstance(number, int) or int(number.as_tuple().exponent) >= 0:
        return number
    return int(number.to_integral_value(rounding=rounding))


def _number_of(text: str) -> Number | None:
    if not _NUMBER.fullmatch(text):
        return None
    try:
        number = Decimal(text.strip())
    except ArithmeticError:
        return None
    if not number.is_finite():
        return None
    plain = text.strip().lstrip("+-").isdigit()
    return int(number) if plain and len(text) < 1000 else number


def _order_key(value: Any) -> Any:
    return exact(value) if kind_of(value) == NUMBER else value


# --- JSON text --------------------------------------------------------------------------------------------


class _Writer:
    """Turns any value of an evaluation into plain dicts, lists and scalars, within the budget."""

    def __init__(self, budget: Budget) -> None:
        self._budget = budget
        self._writers: dict[str, Callable[[Any], Any]] = {
            "null": lambda value: None,
            "boolean": bool,
            NUMBER: self._number,
            STRING: self._text,
            ARRAY: lambda value: [self.plain(item) for item in value],
            OBJECT: lambda value: {str(key): self.plain(value[key]) for key in value},
        }

    def plain(self, value: Any) -> Any:
        self._budget.spend(1)
        writer = self._writers.get(kind_of(value))
        if writer is None:
            raise Fault("to_string() cannot write something that is no JSON value.")
        return writer(value)

    def _number(self, value: Any) -> Number:
        number = exact(value)
        return number if isinstance(number, Decimal) else int(number)

    def _text(self, value: str) -> str:
        self._budget.spend(len(value) >> 6)
        return str.__str__(value)
