"""One function of a host: its annotations read as a JMESPath signature, and its calls."""

from __future__ import annotations

import inspect
import types
import typing
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import cached_property
from math import isfinite
from numbers import Number
from typing import Annotated, Any, Literal, Union

from rules_engine.conditions.faults import Fault
from rules_engine.conditions.signatures import Signature
from rules_engine.conditions.values import (
    ARRAY,
    BOOLEAN,
    NULL,
    NUMBER,
    OBJECT,
    STRING,
    UNKNOWN,
    Spend,
    exact,
    kind_of,
    present,
)
from rules_engine.exceptions import RulesEngineError

_KINDS: dict[Any, str] = {
    str: STRING,
    bool: BOOLEAN,
    int: NUMBER,
    float: NUMBER,
    Decimal: NUMBER,
    Number: NUMBER,
    list: ARRAY,
    tuple: ARRAY,
    Sequence: ARRAY,
    Iterable: ARRAY,
    dict: OBJECT,
    Mapping: OBJECT,
    None: NULL,
    type(None): NULL,
}
_ANYTHING = (Any, object, inspect.Parameter.empty)
Library = Mapping[str, "HostFunction"]
"""Functions by name, besides JMESPath's own."""

_SIMPLE_KINDS = frozenset({STRING, BOOLEAN, OBJECT, NULL})
_JSON_SCALARS = frozenset({str, bool, int, type(None)})

_LARGEST_EXPONENT = 1000
"""An int of more digits than this is not built for a function."""


@dataclass(frozen=True)
class _Parameter:
    name: str
    kinds: tuple[str, ...]
    number: type | None
    """``int``, ``float`` or ``Decimal``: what numbers, or those in a list, are converted to; None leaves them."""
    choices: tuple[Any, ...] = ()
    """The values of a ``Literal``; empty for any."""
    check: Callable[[Any], object] | None = None
    """The ``Checked`` of an ``Annotated``: it raises Fault for a value that is no good."""


@dataclass(frozen=True)
class Checked:
    """In ``Annotated[str, Checked(check)]``: constants among the arguments are checked when a rule is saved.

    ``check`` raises Fault for a value that is no good. The function itself checks what comes at run time.
    """

    check: Callable[[Any], object]


@dataclass(frozen=True)
class HostFunction:
    """A Python function with the signature that conditions see."""

    name: str
    function: Callable[..., Any]
    signature: Signature
    parameters: tuple[_Parameter, ...]
    doc: str
    returns: tuple[str, ...] = ()
    """The JMESPath types of what it returns, where its annotation says so; empty for any."""
    spends: bool = False
    """Whether it takes ``spend``, to count the work that its arguments do not show."""

    @classmethod
    def of(cls, name: str, function: Callable[..., Any]) -> HostFunction:
        """Read the annotations of ``function``; raises TypeError where they have no JMESPath type."""
        parameters, required, variadic, spends = [], 0, False, False
        hints = _hints(name, function)
        for parameter in inspect.signature(function).parameters.values():
            if parameter.kind is parameter.VAR_KEYWORD or _is_optional_keyword(parameter):
                spends |= hints.get(parameter.name) == Spend
                continue
            if parameter.kind is parameter.KEYWORD_ONLY:
                raise TypeError(f"{name}() cannot be called in a condition: {parameter.name!r} is keyword-only.")
            if parameter.kind is parameter.VAR_POSITIONAL:
                variadic = True
            elif parameter.default is parameter.empty:
                required += 1
            parameters.append(_parameter(name, parameter.name, hints.get(parameter.name, parameter.empty)))
        signature = Signature(tuple(parameter.kinds for parameter in parameters), required, variadic)
        doc = inspect.getdoc(function) or ""
        return cls(name, function, signature, tuple(parameters), doc, _returned(hints), spends)

    def call(self, arguments: list[Any], spend: Spend, **given: Any) -> Any:
        """Call the function with arguments that fit its signature; raises Fault if it raises.

        ``given`` are further keyword arguments for a function of this package.
        """
        if self._is_simple:
            converted = arguments
        else:
            converted = [self._converted(index, argument) for index, argument in enumerate(arguments)]
        if self.spends:
            given["spend"] = spend
        try:
            result = self.function(*converted, **given)
        except (Fault, RulesEngineError):
            raise
        except Exception as error:
            # The message of a foreign error may hold anything; it stays in the cause, for the log.
            raise Fault(f"The function {self.name}() failed with {type(error).__name__}.") from error
        if type(result) in _JSON_SCALARS:
            return result
        if kind_of(result) == UNKNOWN:
            raise Fault(f"The function {self.name}() returned a {type(result).__name__}, which is no JSON value.")
        return present(result)

    @cached_property
    def _is_simple(self) -> bool:
        """Whether arguments are handed on as they are: texts, objects, true and false."""
        return all(item.kinds and set(item.kinds) <= _SIMPLE_KINDS for item in self.parameters)

    def parameter_at(self, index: int) -> _Parameter:
        """The parameter that takes argument ``index``."""
        return self.parameters[min(index, len(self.parameters) - 1)]

    def _converted(self, index: int, argument: Any) -> Any:
        parameter = self.parameter_at(index)
        if kind_of(argument) == ARRAY and parameter.kinds:
            return [self._item(item, parameter) for item in argument]
        return self._item(argument, parameter)

    def _item(self, value: Any, parameter: _Parameter) -> Any:
        if kind_of(value) == NUMBER and parameter.number is not None:
            return self._as_number(value, parameter)
        return present(value)

    def _as_number(self, argument: Any, parameter: _Parameter) -> Any:
        number = exact(argument)
        if parameter.number is Decimal:
            return Decimal(number)
        if parameter.number is float:
            try:
                result = float(number)
            except OverflowError:
                result = float("inf")
            if isfinite(result):
                return result
            raise Fault(f"{self.name}() cannot take so large a number as {parameter.name!r}.")
        if isinstance(number, int):
            return number
        if number.adjusted() > _LARGEST_EXPONENT or number != number.to_integral_value():
            raise Fault(f"{self.name}() needs a whole number as {parameter.name!r}.")
        return int(number)


def _is_optional_keyword(parameter: inspect.Parameter) -> bool:
    return parameter.kind is parameter.KEYWORD_ONLY and parameter.default is not parameter.empty


def _hints(name: str, function: Callable[..., Any]) -> dict[str, Any]:
    try:
        return typing.get_type_hints(function, include_extras=True)
    except NameError as error:
        raise TypeError(
            f"The annotations of {name}() cannot be read: {error}. Import that name where the function is defined, "
            "not only for type checking."
        ) from error


def _parameter(function: str, name: str, annotation: Any) -> _Parameter:
    check = None
    if typing.get_origin(annotation) is Annotated:
        check = next((item.check for item in annotation.__metadata__ if isinstance(item, Checked)), None)
        annotation = annotation.__origin__
    choices = typing.get_args(annotation) if typing.get_origin(annotation) is Literal else ()
    return _Parameter(name, _kinds(function, name, annotation), _number(annotation), choices, check)


def _returned(hints: Mapping[str, Any]) -> tuple[str, ...]:
    """The types of a return annotation; whatever has none is found out when the function returns it."""
    try:
        return _kinds("", "return", hints.get("return", Any))
    except TypeError:
        return ()


def _kinds(name: str, parameter: str, annotation: Any) -> tuple[str, ...]:
    """The JMESPath types of an annotation; empty for any."""
    if annotation in _ANYTHING:
        return ()
    origin = typing.get_origin(annotation)
    if origin in (Union, types.UnionType):
        found = [_kinds(name, parameter, part) for part in typing.get_args(annotation)]
        return () if () in found else tuple(dict.fromkeys(kind for kinds in found for kind in kinds))
    if origin is Literal:
        return tuple(dict.fromkeys(kind_of(value) for value in typing.get_args(annotation)))
    kind = _KINDS.get(origin or annotation)
    if kind is None:
        shown = getattr(annotation, "__name__", str(annotation))
        raise TypeError(
            f"{name}() cannot be called in a condition: {parameter!r} is a {shown}, which JMESPath does not know. "
            "Annotate it as str, bool, int, float, Decimal, list or dict; dates are texts."
        )
    return (_list_kind(name, parameter, annotation),) if kind == ARRAY else (kind,)


def _list_kind(name: str, parameter: str, annotation: Any) -> str:
    of = [part for part in typing.get_args(annotation) if part is not ...]
    kinds = _kinds(name, parameter, of[0]) if len(of) == 1 else ()
    if len(kinds) == 1 and kinds[0] in (STRING, NUMBER, BOOLEAN, OBJECT):
        return f"{ARRAY}-{kinds[0]}"
    return ARRAY


def _number(annotation: Any) -> type | None:
    origin = typing.get_origin(annotation)
    if origin in (Union, types.UnionType) or _KINDS.get(origin) == ARRAY:
        found = {_number(part) for part in typing.get_args(annotation)} - {None}
        return found.pop() if len(found) == 1 else None
    return annotation if annotation in (int, float, Decimal) else None
