"""Arithmetic."""

from __future__ import annotations

import decimal
from decimal import Decimal
from fractions import Fraction
from math import floor
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rules_engine.conditions import ConditionEvaluationError, compile_condition

numbers = st.one_of(
    st.integers(-(10**12), 10**12),
    st.decimals(-1_000_000, 1_000_000, allow_nan=False, places=4),
    st.floats(-1e6, 1e6).filter(lambda number: "e" not in repr(number)),
)


def exactly(number: Any) -> Fraction:
    """A number as JSON writes it, as a fraction."""
    return Fraction(repr(number) if isinstance(number, float) else number)


def value(text: str, /, **context: Any) -> Any:
    """The value of a condition on a context."""
    return compile_condition(text).evaluate(context)


@given(numbers, numbers)
def test_sums_differences_and_products_are_exact(a: Any, b: Any) -> None:
    """Ints, Decimals and floats mix; a float is the number that is written."""
    left, right = exactly(a), exactly(b)

    assert Fraction(value("add(a, b)", a=a, b=b)) == left + right
    assert Fraction(value("subtract(a, b)", a=a, b=b)) == left - right
    assert Fraction(value("multiply(a, b)", a=a, b=b)) == left * right


@given(numbers, numbers.filter(bool))
def test_quotient_and_remainder_agree(a: Any, b: Any) -> None:
    """A quotient is right to 34 digits; the remainder is exact and has the sign of the divisor."""
    left, right = exactly(a), exactly(b)

    quotient, rest = Fraction(value("divide(a, b)", a=a, b=b)), Fraction(value("modulo(a, b)", a=a, b=b))

    assert abs(quotient - left / right) <= abs(left / right) / 10**33
    assert rest == left - right * floor(left / right)


@given(numbers, st.integers(-6, 6))
def test_rounding_goes_to_the_nearest_and_a_half_away_from_zero(a: Any, digits: int) -> None:
    """As people round money."""
    scaled = abs(exactly(a)) * Fraction(10) ** digits
    expected = Fraction(floor(scaled + Fraction(1, 2))) / Fraction(10) ** digits

    assert Fraction(value("round(a, digits)", a=a, digits=digits)) == (expected if exactly(a) >= 0 else -expected)


@pytest.mark.parametrize("zero", [0, Decimal("0.00"), 0.0, -0.0])
@pytest.mark.parametrize("name", ["divide", "modulo"])
def test_division_by_zero_is_a_condition_error(name: str, zero: Any) -> None:
    """Zero of any type; never a match, never an exception of another kind."""
    with pytest.raises(ConditionEvaluationError, match=rf"{name}\(\) cannot divide by zero\."):
        value(f"{name}(`1`, zero)", zero=zero)


@pytest.mark.parametrize(
    "text",
    [
        "multiply(huge, huge)",
        "multiply(tiny, tiny)",
        "add(huge, `0.1`)",
        "add(large, large)",
        "subtract(huge, tiny)",
        "multiply(large, `7.5`, large)",
        "modulo(huge, `3`)",
        "round(tiny, `200`)",
        "divide(huge, tiny)",
    ],
)
def test_a_result_of_too_many_digits_is_a_condition_error(text: str) -> None:
    """What would have to be rounded, or would fill the memory, is refused."""
    context = {"huge": Decimal("1e999999999"), "tiny": Decimal("1e-999999999"), "large": 10**100 - 1}
    if "round" in text:
        with pytest.raises(ConditionEvaluationError, match="a number of decimals between -100 and 100"):
            value(text, **context)
        return
    with pytest.raises(ConditionEvaluationError, match="has more than 100 digits"):
        value(text, **context)


def test_repeated_squaring_stops() -> None:
    """A chain of products cannot build a number that fills the memory."""
    text = "a" + " | multiply(@, @)" * 500

    with pytest.raises(ConditionEvaluationError, match="has more than 100 digits"):
        value(text, a=3)


def test_the_hosts_decimal_context_changes_nothing() -> None:
    """A host's thread may round to three digits and trap what it likes."""
    with decimal.localcontext(decimal.Context(prec=3, traps=[decimal.Inexact, decimal.Rounded])):
        assert value("add(a, a)", a=Decimal("1234.5678")) == Decimal("2469.1356")
        assert value("subtract(`0`, a)", a=Decimal("1234.5678")) == Decimal("-1234.5678")
        assert value("round(a, `2`)", a=Decimal("1234.5678")) == Decimal("1234.57")
        assert value("divide(a, `2`)", a=Decimal("1234.5678")) == Decimal("617.2839")
        assert value("modulo(a, `1000`)", a=Decimal("1234.5678")) == Decimal("234.5678")


def test_whole_results_of_whole_numbers_are_whole() -> None:
    """So that they can be an index, a width or a number of days."""
    for text in ("divide(`6`, `3`)", "round(`2.4`)", "modulo(`7`, `4`)"):
        assert type(value(text)) is int
    assert value("pad_left('x', divide(`6`, `2`), '.')") == "..x"
