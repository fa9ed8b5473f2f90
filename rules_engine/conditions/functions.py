"""The functions of JMESPath, exact on Decimals and at home with lazy mappings and tuples.

The docstrings are shown in the condition help; their examples are tests.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal
from functools import cache
from inspect import getdoc
from re import ASCII
from re import compile as compile_pattern
from typing import Any

from jmespath import functions as jmespath_functions
from jmespath.functions import signature

from rules_engine.conditions.arithmetic import quotient, total, whole
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
        return function.call(resolved_args, self._budget.spend)

    # --- numbers ---

    @signature({"types": ["number"]})
    def _func_abs(self, arg: Any) -> Number:
        """The number without its sign.

        Examples:
            abs(`-5`) -> 5
            abs(balance) on {"balance": -0.50} -> 0.50
        """
        number = exact(arg)
        # abs() of a Decimal would round it to the precision that the host's thread happens to have.
        return number.copy_abs() if isinstance(number, Decimal) else abs(number)

    @signature({"types": ["array-number"]})
    def _func_sum(self, arg: Any) -> Number:
        """The sum of a list of numbers; 0 for an empty list.

        Examples:
            sum(lines[*].price) on {"lines": [{"price": 0.1}, {"price": 0.2}]} -> 0.3
            sum(`[]`) -> 0
        """
        return total(arg)

    @signature({"types": ["array-number"]})
    def _func_avg(self, arg: Any) -> Number | None:
        """The average of a list of numbers; null for an empty list.

        Examples:
            avg(`[1, 2]`) -> 1.5
            avg(`[]`) -> null
        """
        return quotient(total(arg), len(arg)) if len(arg) else None

    @signature({"types": ["number"]})
    def _func_ceil(self, arg: Any) -> Number:
        """The number rounded up to a whole one.

        Examples:
            ceil(`1.2`) -> 2
            ceil(`-1.2`) -> -1
        """
        return whole(exact(arg), ROUND_CEILING)

    @signature({"types": ["number"]})
    def _func_floor(self, arg: Any) -> Number:
        """The number rounded down to a whole one.

        Examples:
            floor(`1.8`) -> 1
            floor(`-1.2`) -> -2
        """
        return whole(exact(arg), ROUND_FLOOR)

    @signature({"types": []})
    def _func_to_number(self, arg: Any) -> Any:
        """The number that a text holds, exactly; null for what is no number.

        Examples:
            to_number('19.99') -> 19.99
            to_number('soon') -> null
        """
        kind = kind_of(arg)
        if kind == NUMBER:
            return arg
        return _number_of(arg) if kind == STRING else None

    # --- texts ---

    @signature({"types": ["string"]}, {"types": ["string"]})
    def _func_starts_with(self, search: str, prefix: str) -> bool:
        """Whether a text begins with another.

        Examples:
            starts_with(sku, 'A-') on {"sku": "A-1042"} -> true
            starts_with(sku, 'a-') on {"sku": "A-1042"} -> false
        """
        return search.startswith(prefix)

    @signature({"types": ["string"]}, {"types": ["string"]})
    def _func_ends_with(self, search: str, suffix: str) -> bool:
        """Whether a text ends with another.

        Examples:
            ends_with(email, '@example.com') on {"email": "ada@example.com"} -> true
        """
        return search.endswith(suffix)

    @signature({"types": ["string"]}, {"types": ["array-string"]})
    def _func_join(self, separator: str, array: Any) -> str:
        """The texts of a list in one, with a separator between them.

        Examples:
            join(', ', tags) on {"tags": ["new", "vip"]} -> "new, vip"
        """
        check_built_text(sum(len(text) + len(separator) for text in array), "join")
        return separator.join(array)

    @signature({"types": []})
    def _func_to_string(self, arg: Any) -> str:
        """A text as it is, anything else as JSON text.

        Examples:
            to_string(`[1, true]`) -> "[1,true]"
            to_string('as it is') -> "as it is"
        """
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
        """Whether a list holds a value, or a text holds another text.

        Examples:
            contains(tags, 'vip') on {"tags": ["new", "vip"]} -> true
            contains('invoice', 'voice') -> true
            contains(notes, 'x') on {"notes": null} -> error: contains() needs a list or a text as argument 1, but it is null. It may be missing: guard it with && in front.
        """  # noqa: E501 - an example is one line
        if kind_of(subject) == STRING:
            if kind_of(search) != STRING:
                raise Fault("contains() can look only for a text in a text. Use to_string() on the second argument.")
            return search in subject
        return any(equal(item, search, self._budget.spend) for item in subject)

    @signature({"types": ["string", "array", "object"]})
    def _func_length(self, arg: Any) -> int:
        """The number of characters, items or fields.

        Examples:
            length('paid') -> 4
            length(lines) > `1` on {"lines": [1, 2]} -> true
        """
        return len(arg)

    @signature({"types": ["array", "string"]})
    def _func_reverse(self, arg: Any) -> Any:
        """A list or text from its end to its beginning.

        Examples:
            reverse(`[1, 2]`) -> [2, 1]
            reverse('abc') -> "cba"
        """
        if kind_of(arg) == STRING:
            return arg[::-1]
        self._budget.spend(len(arg))
        return list(reversed(arg))

    @signature({"types": []})
    def _func_type(self, arg: Any) -> str | None:
        """``string``, ``number``, ``boolean``, ``array``, ``object`` or ``null``.

        Examples:
            type('paid') -> "string"
            type(total) on {"total": 1.5} -> "number"
        """
        kind = kind_of(arg)
        return None if kind == UNKNOWN else kind

    @signature({"types": [], "variadic": True})
    def _func_not_null(self, *arguments: Any) -> Any:
        """The first argument that is not null.

        Examples:
            not_null(nickname, name) on {"nickname": null, "name": "Ada"} -> "Ada"
        """
        return next((argument for argument in arguments if kind_of(argument) != NULL), None)

    @signature({"types": []})
    def _func_to_array(self, arg: Any) -> Any:
        """A list as it is, anything else as the only item of a list.

        Examples:
            to_array('a') -> ["a"]
            to_array(`[1]`) -> [1]
        """
        return arg if kind_of(arg) == ARRAY else [arg]

    @signature({"types": ["object"]})
    def _func_keys(self, arg: Mapping[str, Any]) -> list[str]:
        """The names of an object's fields.

        Examples:
            keys(address) on {"address": {"city": "Bern"}} -> ["city"]
        """
        self._budget.spend(len(arg))
        return list(arg.keys())

    @signature({"types": ["object"]})
    def _func_values(self, arg: Mapping[str, Any]) -> list[Any]:
        """The values of an object's fields.

        Examples:
            values(address) on {"address": {"city": "Bern"}} -> ["Bern"]
        """
        self._budget.spend(len(arg))
        return [present(value) for value in arg.values()]

    @signature({"types": ["object"], "variadic": True})
    def _func_merge(self, *arguments: Mapping[str, Any]) -> dict[str, Any]:
        """One object with the fields of all; the last one wins.

        Examples:
            merge(`{"a": 1, "b": 1}`, `{"b": 2}`) -> {"a": 1, "b": 2}
        """
        merged: dict[str, Any] = {}
        for argument in arguments:
            self._budget.spend(len(argument))
            merged.update(argument)
        return merged

    # --- lists ---

    @signature({"types": ["expref"]}, {"types": ["array"]})
    def _func_map(self, expref: Expression, arg: Any) -> list[Any]:
        """The result of an expression for each item.

        Examples:
            map(&price, lines) on {"lines": [{"price": 3}, {}]} -> [3, null]
        """
        return [expref(item) for item in arg]

    @signature({"types": ["array-string", "array-number"]})
    def _func_sort(self, arg: Any) -> list[Any]:
        """A list of numbers or of texts in ascending order.

        Examples:
            sort(`[3, 1, 2]`) -> [1, 2, 3]
        """
        return sorted(arg, key=_order_key)

    @signature({"types": ["array-number", "array-string"]})
    def _func_max(self, arg: Any) -> Any:
        """The largest number or last text of a list; null for an empty list.

        Examples:
            max(`[3, 1, 2]`) -> 3
            max(`[]`) -> null
        """
        return max(arg, key=_order_key, default=None)

    @signature({"types": ["array-number", "array-string"]})
    def _func_min(self, arg: Any) -> Any:
        """The smallest number or first text of a list; null for an empty list.

        Examples:
            min(`[3, 1, 2]`) -> 1
            min(`[]`) -> null
        """
        return min(arg, key=_order_key, default=None)

    @signature({"types": ["array"]}, {"types": ["expref"]})
    def _func_sort_by(self, array: Any, expref: Expression) -> list[Any]:
        """A list in ascending order of an expression.

        Examples:
            sort_by(lines, &price)[0].sku on {"lines": [{"sku": "a", "price": 9}, {"sku": "b", "price": 3}]} -> "b"
        """
        keys = self._keys("sort_by", array, expref)
        return [array[index] for index in sorted(range(len(keys)), key=keys.__getitem__)]

    @signature({"types": ["array"]}, {"types": ["expref"]})
    def _func_max_by(self, array: Any, expref: Expression) -> Any:
        """The item with the largest value of an expression.

        Examples:
            max_by(lines, &price).sku on {"lines": [{"sku": "a", "price": 9}, {"sku": "b", "price": 3}]} -> "a"
        """
        keys = self._keys("max_by", array, expref)
        return array[max(range(len(keys)), key=keys.__getitem__)] if keys else None

    @signature({"types": ["array"]}, {"types": ["expref"]})
    def _func_min_by(self, array: Any, expref: Expression) -> Any:
        """The item with the smallest value of an expression.

        Examples:
            min_by(lines, &price).sku on {"lines": [{"sku": "a", "price": 9}, {"sku": "b", "price": 3}]} -> "b"
        """
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
    return {name: getdoc(spec["function"]) or "" for name, spec in Functions.FUNCTION_TABLE.items()}


# --- numbers and texts --------------------------------------------------------------------------------------


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
