"""Exact arithmetic on ints and Decimals, independent of the decimal context of the host's thread."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import ROUND_HALF_EVEN, ROUND_HALF_UP, Context, Decimal, Inexact

from rules_engine.conditions.faults import Fault
from rules_engine.conditions.values import Number, exact

MAX_DIGITS = 100
"""Significant digits of an exact result."""

_QUOTIENT_DIGITS = 34
"""Digits of a quotient that does not come out even, as in IEEE 754 decimal128."""

_MAX_BITS = 333
"""What ``MAX_DIGITS`` digits take as an int, and less than one digit more."""


def _context(digits: int) -> Context:
    # Not the thread's context: a host may have set another precision, or traps.
    return Context(prec=digits, rounding=ROUND_HALF_EVEN, Emin=-(10**9), Emax=10**9, traps=[])


def total(numbers: Iterable[object]) -> Number:
    """The sum of numbers; one of more than ``MAX_DIGITS`` digits is rounded."""
    terms = [exact(number) for number in numbers]
    if not any(isinstance(term, Decimal) for term in terms):
        return sum(terms)
    context, result = _context(MAX_DIGITS), Decimal(0)
    for term in terms:
        result = context.add(result, term)
    return result


def quotient(dividend: Number, divisor: Number) -> Number:
    """A quotient by something other than 0, exact where that takes no more than ``MAX_DIGITS`` digits."""
    context = _context(MAX_DIGITS)
    result = context.divide(dividend, divisor)
    return _context(_QUOTIENT_DIGITS).divide(dividend, divisor) if context.flags[Inexact] else result


def whole(number: Number, rounding: str) -> Number:
    """A number rounded to a whole one."""
    # A Decimal with a large exponent is whole already, and its digits would fill the memory.
    if isinstance(number, int) or int(number.as_tuple().exponent) >= 0:
        return number
    return int(number.to_integral_value(rounding=rounding))


def added(name: str, left: Number, right: Number) -> Number:
    """The exact sum; Fault where it takes too many digits."""
    if isinstance(left, int) and isinstance(right, int):
        return _small(name, left + right)
    context = _context(MAX_DIGITS)
    return _exact(name, context, context.add(Decimal(left), Decimal(right)))


def multiplied(name: str, left: Number, right: Number) -> Number:
    """The exact product; Fault where it takes too many digits."""
    if isinstance(left, int) and isinstance(right, int):
        if left.bit_length() + right.bit_length() > _MAX_BITS + 1:
            raise _too_long(name)
        return _small(name, left * right)
    context = _context(MAX_DIGITS)
    return _exact(name, context, context.multiply(Decimal(left), Decimal(right)))


def divided(name: str, dividend: Number, divisor: Number) -> Number:
    """The quotient, a whole number where it comes out even between whole numbers; Fault for a divisor of 0."""
    _check_divisor(name, divisor)
    if isinstance(dividend, int) and isinstance(divisor, int) and dividend % divisor == 0:
        return _small(name, dividend // divisor)
    return _finite(name, quotient(dividend, divisor))


def remainder(name: str, dividend: Number, divisor: Number) -> Number:
    """What a division to the next lower whole quotient leaves; it has the sign of the divisor."""
    _check_divisor(name, divisor)
    if isinstance(dividend, int) and isinstance(divisor, int):
        return dividend % divisor
    context = _context(MAX_DIGITS)
    rest = _exact(name, context, context.remainder(Decimal(dividend), Decimal(divisor)))
    # Decimal's remainder has the sign of the dividend.
    if rest and (rest < 0) != (divisor < 0):
        return _exact(name, context, context.add(rest, Decimal(divisor)))
    return rest


def rounded(name: str, number: Number, digits: int) -> Number:
    """The number with at most ``digits`` decimals, a half away from zero."""
    if isinstance(number, int) and digits >= 0:
        return number
    number = Decimal(number)
    if int(number.as_tuple().exponent) >= -digits:
        return number
    context = Context(prec=MAX_DIGITS, rounding=ROUND_HALF_UP, Emin=-(10**9), Emax=10**9, traps=[])
    # The digits are counted, not the exponent: Decimal(1).scaleb() would use the thread's context.
    result = _finite(name, context.quantize(number, Decimal((0, (1,), -digits))))
    return int(result) if digits <= 0 else result


def _check_divisor(name: str, divisor: Number) -> None:
    if divisor == 0:
        raise Fault(f"{name}() cannot divide by zero.")


def _small(name: str, number: int) -> int:
    if number.bit_length() > _MAX_BITS:
        raise _too_long(name)
    return number


def _exact(name: str, context: Context, result: Decimal) -> Decimal:
    if context.flags[Inexact]:
        raise _too_long(name)
    return _finite(name, result)


def _finite(name: str, result: Number) -> Decimal:
    # No trap is set: an overflow is Infinity here, and a division with too many digits NaN.
    result = Decimal(result)
    if not result.is_finite():
        raise _too_long(name)
    return result


def _too_long(name: str) -> Fault:
    return Fault(f"The result of {name}() has more than {MAX_DIGITS} digits.")
