"""Hostile conditions: they fail with a condition error, soon."""

from __future__ import annotations

import inspect
import sys
from typing import Any

import pytest

from rules_engine.conditions import (
    ConditionError,
    ConditionEvaluationError,
    ConditionSyntaxError,
    check_traps,
    compile_condition,
)
from rules_engine.conditions.limits import MAX_DEPTH, MAX_TEXT_LENGTH

DOUBLED = "[@,@]" + " | [@,@]" * 60

TOO_DEEP = [
    "(" * 4000 + "a" + ")" * 4000,
    "!" * 9000 + "a",
    "[" * 9000,
    "a" + "[*]" * 3000,
    "a" + ".*" * 4000,
    "a" + "[]" * 4000,
    "a" + " < a" * 2000,
    "a" + "[?a" * 2000 + "]" * 2000,
    "a" + ".[a" * 2000 + "]" * 2000,
    "abs(" * 1500 + "a" + ")" * 1500,
    "{a:" * 2000 + "a" + "}" * 2000,
    "`" + "[" * 4000 + "]" * 4000 + "`",
    "`" + "[" * 200 + "]" * 200 + "`",
    "`" + '{"a":' * 1500 + "1" + "}" * 1500 + "`",
]


@pytest.mark.parametrize("text", TOO_DEEP, ids=[f"{text[:4]}-{len(text)}" for text in TOO_DEEP])
def test_deep_nesting_is_a_syntax_error(text: str) -> None:
    """No nesting, of whatever kind, gets as far as Python's recursion limit."""
    with pytest.raises(ConditionSyntaxError, match=f"nested too deeply: at most {MAX_DEPTH} levels"):
        compile_condition(text)
    assert [problem.message for problem in check_traps(text)] != []


@pytest.mark.parametrize(
    "text", ["a" + " || a" * 10_000, "'" + "x" * MAX_TEXT_LENGTH + "'", "`" + "1" * 20_000 + "`"]
)
def test_a_text_that_is_too_long_is_a_syntax_error(text: str) -> None:
    """The length of a condition is limited, and the message says to what."""
    with pytest.raises(ConditionSyntaxError, match="characters; at most 10,000 are allowed"):
        compile_condition(text)


@pytest.mark.parametrize(
    "text",
    [
        "a" + "||a" * 3000,
        "b" + "&&b" * 3000,
        "@" + "|@" * 4000,
        "a" + ".a" * 4000,
        "a" + "|a" * 4000,
        "a" + "[0]" * 3000,
        "(a||b)" + "|(a||b)" * 1200,
        "[" + "a," * 4000 + "a]",
        "not_null(" + "a," * 4000 + "a)",
        "(" * 60 + "a" + ")" * 60,
        "!" * 100 + "a",
        "a" + "[*].a" * 110,
    ],
    ids=lambda text: f"{text[:8]}-{len(text)}",
)
def test_a_long_chain_is_not_deep(text: str) -> None:
    """Chains of operators, fields and arguments compile, evaluate and tell their paths, however long they are."""
    condition = compile_condition(text)

    condition.matches({"a": None, "b": True})

    assert len(condition.paths) <= 2500
    assert check_traps(text) == []
    assert condition.explain({"a": None, "b": True})


@pytest.mark.parametrize("digits", [5000, 9000])
@pytest.mark.parametrize("form", ["`%s`", "a[%s]", "`[%s]`"])
def test_a_number_of_thousands_of_digits_is_a_syntax_error(form: str, digits: int) -> None:
    """Python's own limit on digits does not get out."""
    with pytest.raises(ConditionSyntaxError, match=r"This number is too (large|long)"):
        compile_condition(form % ("9" * digits))


BOMBS = [
    DOUBLED,
    f"{DOUBLED} | to_string(@)",
    f"{DOUBLED} | @ == @",
    f"({DOUBLED}) == ({DOUBLED})",
    "[a, b]" + " | [@, @][]" * 200,
    "join('', [a, a])" + " | join('', [@, @])" * 100,
    "to_string(@)" + " | to_string([@])" * 100,
    "{a: @, b: @}" + " | {a: @, b: @}" * 60 + " | to_string(merge(@, @))",
    "many[*].[many2[*].[many2[*].x]]",
    "many[?length([@, @, @, @, @]) == `0`]",
    "pairs[?[0] == [1]]",
    "map(&contains(@, 'y'), pairs[])",
    "to_string([big])",
    "map(&sort(`[2, 1, 3, 4, 5, 6, 7, 8, 9]`), many)",
]
MANY: dict[str, Any] = {
    "a": "x" * 100,
    "b": "y",
    "big": "x" * 1_100_000,
    "many": [{} for _ in range(40_000)],
    "many2": [{"x": 1}] * 100,
    "pairs": [["x" * 1_000_000, "x" * 500_000 + "x" * 500_000]] * 300,
}


@pytest.mark.parametrize("text", BOMBS, ids=[f"{number}-{text[:20]}" for number, text in enumerate(BOMBS)])
def test_an_evaluation_that_grows_without_end_is_a_condition_error(text: str) -> None:
    """Doubling results and loops in loops stop at a limit, not at the end of memory or patience."""
    with pytest.raises(ConditionEvaluationError) as caught:
        compile_condition(text).evaluate(MANY)

    assert "more than" in caught.value.summary


@pytest.mark.parametrize(
    "text",
    [
        "ceil(`1e999999999`)",
        "abs(`-1e999999999`)",
        "sum([`1e999999999`, `1`])",
        "avg([`1e999999999`, `1e-999999999`])",
        "floor(`1e-999999999`)",
        "to_string(`1e999999999`)",
        "`1e999999999` > `1`",
        "`1e999999999` != `1`",
        "max([`1e999999999`, `1`])",
        "sort([`1e999999999`, `1`])",
        "to_number('1e999999999')",
    ],
)
def test_a_number_with_a_huge_exponent_is_never_written_out(text: str) -> None:
    """Numbers of a thousand million digits are compared and rounded without being built."""
    value = compile_condition(text).evaluate({})

    assert value is not None
    assert len(str(value)) < 200


def test_a_condition_within_the_limits_works_deep_inside_a_call_stack() -> None:
    """Near Python's recursion limit a condition fails with a condition error, or works; nothing else escapes."""
    text = "(" * 50 + "a" + ")" * 50

    def descend(frames: int) -> str:
        if frames:
            return descend(frames - 1)
        for name in ("_cached", "_parsed"):
            compile_condition.__globals__[name].cache_clear()
        try:
            return "works" if compile_condition(text).matches({"a": 1}) else "does not match"
        except ConditionError as error:
            return error.summary

    used = len(inspect.stack(0))
    limit = sys.getrecursionlimit()

    assert descend(limit - used - 500) == "works"
    assert "nested too deeply" in descend(limit - used - 80)
