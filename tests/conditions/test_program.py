"""Generated code against closures: two ways to run a condition, one meaning."""

from __future__ import annotations

import enum
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, NoReturn

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from rules_engine.conditions import compile_condition
from rules_engine.conditions.closures import closure_of
from rules_engine.conditions.codegen import Scope, Writer
from rules_engine.conditions.faults import Fault
from rules_engine.conditions.limits import Budget
from rules_engine.conditions.parser import parse
from rules_engine.conditions.program import matcher, pays, reader, source_of
from rules_engine.conditions.registry import registered
from rules_engine.conditions.values import is_true, present
from tests.conditions.strategies import NAMES, expressions, lazy


class Text(enum.StrEnum):
    """A text with a class of its own."""

    A = "a"


class Whole(enum.IntEnum):
    """A number with a class of its own."""

    TWO = 2


NUMBERS = [0, 1, 2, 3, 2**60, -5, 1.0, 2.0, 2.5, 0.1, 19.99, float("nan"), float("inf"), 1e308, -1e308]
DECIMALS = [Decimal(digits) for digits in ["2.50", "2", "0.1", "19.99", "NaN", "sNaN", "-Infinity", "1e999999"]]
TEXTS = ["", "a", "b", "ab", "paid", "1"]
OTHERS = [None, True, False, Text.A, Whole.TWO, datetime(2026, 3, 1, tzinfo=UTC), object()]
SCALARS = st.one_of([st.sampled_from(values) for values in (NUMBERS, DECIMALS, TEXTS, OTHERS)])
ANY_DOCUMENTS = st.dictionaries(
    st.sampled_from(NAMES),
    st.recursive(
        SCALARS,
        lambda inner: st.one_of(
            st.lists(inner, max_size=3),
            st.lists(inner, max_size=3).map(tuple),
            st.dictionaries(st.sampled_from(NAMES), inner, max_size=4),
        ),
        max_leaves=8,
    ),
    max_size=4,
)
LITERALS = st.sampled_from(
    [
        "`null`",
        "`true`",
        "`false`",
        "`0`",
        "`1`",
        "`2`",
        "`2.5`",
        "`19.99`",
        "`0.1000000000000000000001`",
        "`-5`",
        "`1152921504606846976`",
        "`1e308`",
        "`1e400`",
        "'a'",
        "'ab'",
        "''",
        "`[1,2]`",
        '`{"a":2}`',
    ]
)
SIGNS = st.sampled_from(["==", "!=", "<", "<=", ">", ">="])
CALLS = st.sampled_from(
    [
        "length({})",
        "contains({},'a')",
        'contains(`["a",1,null,2.5,true]`,{})',
        "contains({},`2`)",
        "sum({})",
        "max({})",
        "sort({})",
        "starts_with({},'a')",
        "ends_with({},'b')",
        "coalesce({},b,'a')",
        "if({},a,b[*].c)",
        "not_null({},a)",
        "{}[?a==`2`]",
        "{}[?b>`1`&&a]",
        "{}[*].a",
        "{}[]",
        "!({})",
        "{}.a",
        "{}[0]",
    ]
)
COMPARISONS = st.one_of(
    st.tuples(expressions, SIGNS, LITERALS).map(lambda parts: f"({parts[0]}) {parts[1]} {parts[2]}"),
    st.tuples(LITERALS, SIGNS, expressions).map(lambda parts: f"{parts[0]} {parts[1]} ({parts[2]})"),
    st.tuples(CALLS, expressions).map(lambda parts: parts[0].replace("{}", f"({parts[1]})")),
)
CONDITIONS = st.one_of(
    expressions,
    COMPARISONS,
    st.tuples(COMPARISONS, st.sampled_from(["&&", "||", "|"]), COMPARISONS).map(" ".join),
    st.lists(COMPARISONS, min_size=2, max_size=4).map(" && ".join),
)


def outcome(run: Any) -> Any:
    """The value in a form that tells kinds apart, or what was said against it."""
    try:
        return shown(run())
    except Fault as fault:
        return "fault", fault.summary, fault.position


def shown(value: Any) -> Any:
    """A value with its types; NaN and Infinity are null."""
    if isinstance(value, (list, tuple)):
        return [shown(item) for item in value]
    if isinstance(value, dict):
        return {key: shown(item) for key, item in value.items()}
    value = present(value)
    return (type(value).__name__, value)


def fail(error: Exception) -> NoReturn:
    """Let an error pass as it is."""
    raise error


@settings(max_examples=400)
@given(CONDITIONS, ANY_DOCUMENTS)
@example("a[*].[b == `2`, b]", {"a": [{"b": 2}, {"b": float("nan")}]})
@example("a && b[?a] && c", {"a": 1, "b": [{"a": 1}], "c": ""})
@example("a == b && b[?a == b]", {"a": "x", "b": [{"a": 1, "b": 1.0}]})
def test_generated_code_and_closures_agree(text: str, document: dict[str, Any]) -> None:
    """Value, truth and failure are equal for every value that a context may hold, plain and lazy."""
    tree = parse(text).tree
    closure = closure_of(tree, registered)
    read, match = reader(tree, registered), matcher(parse(text), registered, fail)

    for context in (document, lazy(document)):
        expected = outcome(lambda context=context: closure(Budget(), context, context))
        assert outcome(lambda context=context: read(context)) == expected
        truth = outcome(lambda context=context: is_true(closure(Budget(), context, context)))
        assert outcome(lambda context=context: match(context)) == truth


def test_nothing_that_is_written_becomes_code() -> None:
    """Names and literals are no part of the source, so that no quoting can go wrong."""
    text = r"""a."x\"); import os; (\"" == 'quote \'); import os' && contains(`["{os}"]`, b.'x')"""
    text = text.replace("b.'x'", 'b."\\u0027 + os"')
    writer = Writer(registered)

    writer.line(f"return {writer.test(parse(text).tree, Scope())}")

    source = source_of(writer)
    assert "os" not in source.replace("isos", "")
    assert compile_condition(text).matches(
        {"a": {'x"); import os; ("': "quote '); import os"}, "b": {"' + os": "{os}"}}
    )


def test_conditions_of_one_shape_share_their_code() -> None:
    """Only names and values differ, and those are constants beside the code."""
    one, other = compile_condition("a.b == 'x' && c > `1`"), compile_condition("d.e == 'y' && f > `22`")

    assert one.matches.__code__ is other.matches.__code__
    assert one.matches({"a": {"b": "x"}, "c": 2})
    assert not other.matches({"a": {"b": "x"}, "c": 2})


@pytest.mark.parametrize(
    "text", ["!" * 40 + "a", "[" * 30 + "a" + "]" * 30, " || ".join(f"a == `{n}`" for n in range(300))]
)
def test_what_is_too_large_for_code_is_run_by_closures(text: str) -> None:
    """Python's compiler would refuse it, or take long."""
    assert not pays(parse(text).tree)
    assert compile_condition(text).matches({"a": 7}) is True
    assert compile_condition(text).explain({"a": 7})[0].verdict is True


def test_loops_inside_many_loops_are_run_by_closures() -> None:
    """Python allows twenty blocks inside each other."""
    text = "a" + "[?a" * 12 + "]" * 12

    assert compile_condition(text).matches({"a": []}) is False


def test_a_path_is_read_once_by_a_condition() -> None:
    """What has surely been read is not read again; what may not have been is."""

    # A subclass is asked with get(), since it may have its own.
    class Counting(dict[str, Any]):
        reads = 0

        def get(self, key: str, default: Any = None) -> Any:
            Counting.reads += 1
            return super().get(key, default)

    context = Counting({"a": {"b": 1, "c": 2}})

    assert compile_condition("a.b == `1` && a.c == `2` && a.b != `3`").matches(context)
    assert Counting.reads == 1


def test_what_decides_first_is_all_that_is_read() -> None:
    """The second operand is not touched when the first has decided."""

    class Touchy(dict[str, Any]):
        def get(self, key: str, default: Any = None) -> Any:
            assert key == "a"
            return super().get(key, default)

    assert compile_condition("a == 'x' && b == 'y' && c[?d]").matches(Touchy(a="z")) is False
    assert compile_condition("a == 'z' || b == 'y'").matches(Touchy(a="z")) is True
    assert compile_condition("if(a, 'yes', b[*].c)").matches(Touchy(a="z")) is True
