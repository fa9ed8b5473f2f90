"""Arithmetic, exact on decimals."""

from __future__ import annotations

from decimal import Decimal
from functools import partial, reduce
from numbers import Number as AnyNumber

from rules_engine.conditions import arithmetic
from rules_engine.conditions.arithmetic import MAX_DIGITS
from rules_engine.conditions.faults import Fault
from rules_engine.conditions.hostfunctions import HostFunction
from rules_engine.conditions.values import Number, exact


def add(first: AnyNumber, second: AnyNumber, *more: AnyNumber) -> int | Decimal:
    """The sum of two or more numbers.

    Examples:
        add(`0.1`, `0.2`) -> 0.3
        add(price, shipping, `1`) on {"price": 19.99, "shipping": 4.90} -> 25.89
        add('1', `2`) -> error: add() needs a number as argument 1, but it is a text.
    """
    return reduce(partial(arithmetic.added, "add"), map(exact, (first, second, *more)))


def subtract(first: AnyNumber, second: AnyNumber) -> int | Decimal:
    """The first number less the second.

    Examples:
        subtract(`0.3`, `0.1`) -> 0.2
        subtract(changes.total.new, changes.total.old) on {"changes": {"total": {"old": 9.5, "new": 20}}} -> 10.5
    """
    return arithmetic.added("subtract", exact(first), _negative(exact(second)))


def multiply(first: AnyNumber, second: AnyNumber, *more: AnyNumber) -> int | Decimal:
    """The product of two or more numbers.

    Examples:
        multiply(price, quantity) on {"price": 19.99, "quantity": 3} -> 59.97
        multiply(`1.1`, `1.1`, `10`) -> 12.1
    """
    return reduce(partial(arithmetic.multiplied, "multiply"), map(exact, (first, second, *more)))


def divide(first: AnyNumber, second: AnyNumber) -> int | Decimal:
    """The first number divided by the second; where that never comes out even, its first 34 digits.

    Examples:
        divide(`10`, `4`) -> 2.5
        divide(`10`, `5`) -> 2
        divide(`1`, `3`) -> 0.3333333333333333333333333333333333
        divide(`1`, `0`) -> error: divide() cannot divide by zero.
    """
    return arithmetic.divided("divide", exact(first), exact(second))


def modulo(first: AnyNumber, second: AnyNumber) -> int | Decimal:
    """What remains of the first number after division by the second; it has the second one's sign.

    Examples:
        modulo(`10`, `3`) -> 1
        modulo(`-1`, `3`) -> 2
        modulo(`5.5`, `2`) -> 1.5
        modulo(id, `100`) == `0` on {"id": 1200} -> true
        modulo(`1`, `0`) -> error: modulo() cannot divide by zero.
    """
    return arithmetic.remainder("modulo", exact(first), exact(second))


def round_to(number: AnyNumber, digits: int = 0) -> int | Decimal:
    """The number rounded to a whole one, or to so many decimals; a half goes away from zero.

    Examples:
        round(`2.5`) -> 3
        round(`-2.5`) -> -3
        round(`19.995`, `2`) -> 20.00
        round(`1234`, `-2`) -> 1200
    """
    if abs(digits) > MAX_DIGITS:
        raise Fault(f"round() takes a number of decimals between -{MAX_DIGITS} and {MAX_DIGITS}.")
    return arithmetic.rounded("round", exact(number), digits)


def _negative(number: Number) -> Number:
    # -number would round a Decimal to the precision that the host's thread happens to have.
    return number.copy_negate() if isinstance(number, Decimal) else -number


FUNCTIONS = (
    *(HostFunction.of(function.__name__, function) for function in (add, subtract, multiply, divide, modulo)),
    HostFunction.of("round", round_to),
)
