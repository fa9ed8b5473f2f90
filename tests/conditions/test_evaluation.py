"""What conditions mean where jmespath.py is silent, inexact or surprising: one table of conditions and values."""

from __future__ import annotations

import enum
import uuid
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from decimal import Decimal, getcontext, localcontext
from typing import Any, NamedTuple

import pytest

from rules_engine.conditions import ConditionEvaluationError, compile_condition


class Status(enum.StrEnum):
    """A text with a class of its own, as Django's TextChoices are."""

    PAID = "paid"


class Level(enum.IntEnum):
    HIGH = 3


class Point(NamedTuple):
    x: int
    y: int


class Untouchable:
    """An object of the host whose methods have side effects."""

    def get(self, *args: object) -> object:
        raise AssertionError("get() of a host's object was called")

    values = keys = __iter__ = __len__ = __eq__ = __str__ = get  # type: ignore[assignment]
    __hash__ = None  # type: ignore[assignment]


DOCUMENT: dict[str, Any] = {
    "money": Decimal("19.99"),
    "twenty": Decimal("20.00"),
    "real": 19.99,
    "tenth": 0.1,
    "whole": 3,
    "zero": 0,
    "negative": Decimal("-1.50"),
    "exact": Decimal("0.1000000000000000000000000000000000000001"),
    "nan": float("nan"),
    "infinite": Decimal("Infinity"),
    "signalling": Decimal("sNaN"),
    "prices": [Decimal("0.1"), Decimal("0.2")],
    "reals": [0.1, 0.2],
    "mixed": [1, Decimal("0.5"), 0.25],
    "thirds": [1, 0, 0],
    "dirty": [1, float("nan"), 2],
    "status": Status.PAID,
    "level": Level.HIGH,
    "pair": (1, 2),
    "none": (),
    "point": Point(1, 2),
    "nested": ((1, 2), [3], 4),
    "lines": ({"sku": "a", "price": Decimal("2.50")}, {"sku": "b", "price": 1}),
    "object": {"b": 1, "a": [True]},
    "text": "grüße",
    "empty": {},
    "flag": True,
    "paid_at": "2026-03-01T12:00:00.000000Z",
    "day": "2026-03-01",
}

VALUES: list[tuple[str, Any]] = [
    # numbers are exact
    ("money == `19.99`", True),
    ("real == `19.99`", True),
    ("money == real", True),
    ("twenty == `20`", True),
    ("`20.0` == `20`", True),
    ("tenth == `0.1`", True),
    ("exact == `0.1`", False),
    ("exact > `0.1`", True),
    ("exact == `0.1000000000000000000000000000000000000001`", True),
    ("money < `20`", True),
    ("money >= real", True),
    ("[money] == [`19.99`]", True),
    ("prices == reals", True),
    ("prices == `[0.1, 0.2]`", True),
    ("{a: money} == {a: real}", True),
    ("contains(prices, `0.2`)", True),
    ("contains(reals, `0.2`)", True),
    ("sum(prices) == `0.3`", True),
    ("sum(reals) == `0.3`", True),
    ("sum(prices)", Decimal("0.3")),
    ("sum(mixed)", Decimal("1.75")),
    ("sum(`[]`)", 0),
    ("sum(pair)", 3),
    ("avg(prices)", Decimal("0.15")),
    ("avg(pair) == `1.5`", True),
    ("avg(thirds)", Decimal("0." + "3" * 34)),
    ("avg(none)", None),
    ("abs(negative)", Decimal("1.50")),
    ("abs(exact) == exact", True),
    ("ceil(money)", 20),
    ("ceil(negative)", -1),
    ("floor(money)", 19),
    ("floor(negative)", -2),
    ("floor(real)", 19),
    ("floor(whole)", 3),
    ("max(mixed)", 1),
    ("min(mixed)", 0.25),
    ("sort(mixed)", [0.25, Decimal("0.5"), 1]),
    ("to_number('19.99') == money", True),
    ("to_number('19.99')", Decimal("19.99")),
    ("to_number(' 7 ')", 7),
    ("to_number('1e2') == `100`", True),
    ("to_number('nan')", None),
    ("to_number('Infinity')", None),
    ("to_number('1_0')", None),
    ("to_number('1e99999999999999999999')", None),
    ("to_number(money)", Decimal("19.99")),
    ("to_number(pair)", None),
    ("to_string(money)", "19.99"),
    ("to_string(real)", "19.99"),
    ("to_string(prices)", "[0.1,0.2]"),
    ("to_string(whole)", "3"),
    ("to_string(flag)", "true"),
    ("to_string(nan)", "null"),
    ("to_string(level)", "3"),
    ("to_string(pair)", "[1,2]"),
    ("to_string(object)", '{"b":1,"a":[true]}'),
    ("type(money)", "number"),
    ("type(real)", "number"),
    ("sort_by(lines, &price)[0].sku", "b"),
    ("max_by(lines, &price).sku", "a"),
    ("min_by(lines, &price).sku", "b"),
    # NaN and Infinity are null
    ("nan", None),
    ("nan == `null`", True),
    ("nan == nan", True),
    ("signalling == `1`", False),
    ("infinite > `1`", None),
    ("!nan", True),
    ("type(infinite)", "null"),
    ("nan || 'other'", "other"),
    ("dirty[*]", [1, 2]),
    ("dirty[1]", None),
    ("dirty[1].[a]", None),
    ("dirty[*].[@]", [[1], [2]]),
    ("not_null(nan, whole)", 3),
    ("`NaN`", None),
    # classes of their own
    ("status == 'paid'", True),
    ("starts_with(status, 'p')", True),
    ("length(status)", 4),
    ("contains(['paid', 'sent'], status)", True),
    ("type(status)", "string"),
    ("level > `2`", True),
    ("type(level)", "number"),
    # tuples are arrays
    ("pair[0]", 1),
    ("pair[-1]", 2),
    ("pair[5]", None),
    ("pair[:1]", [1]),
    ("pair[*]", [1, 2]),
    ("pair == `[1, 2]`", True),
    ("pair", [1, 2]),
    ("point.x", None),
    ("point[1]", 2),
    ("point == pair", True),
    ("type(point)", "array"),
    ("to_string(point)", "[1,2]"),
    ("nested[]", [1, 2, 3, 4]),
    ("lines[?sku == 'a'].price", [Decimal("2.50")]),
    ("length(pair)", 2),
    ("reverse(pair)", [2, 1]),
    ("contains(pair, `2`)", True),
    ("to_array(pair)", [1, 2]),
    ("!none", True),
    ("none && 'yes'", []),
    ("join('-', lines[*].sku)", "a-b"),
    # truth
    ("!zero", False),
    ("zero && 'yes'", "yes"),
    ("!empty", True),
    ("!text", False),
    # types are told apart, inside lists too
    ("`1` == `true`", False),
    ("`[1]` == `[true]`", False),
    ("contains(`[1]`, `true`)", False),
    ("object.a == `[1]`", False),
    ("'1' == `1`", False),
    ("missing == `null`", True),
    # order
    ("text < whole", None),
    ("whole < text", None),
    ("missing > `1`", None),
    ("flag > `0`", None),
    ("pair > pair", None),
    ("'a' < 'b'", True),
    ("'3' < '20'", False),
    # dates
    ("paid_at == '2026-03-01T12:00:00Z'", True),
    ("paid_at == '2026-03-01T13:00:00+01:00'", True),
    ('paid_at == `"2026-03-01T12:00"`', True),
    ("'2026-03-01T11:59:59.5Z' < paid_at", True),
    ("paid_at > day", True),
    ("day == '2026-03-01'", True),
    ("'2026-03-01T12:00:00Z'", "2026-03-01T12:00:00Z"),
    # chains and pipes
    ("missing || empty || none || text", "grüße"),
    ("(missing || empty) || text", "grüße"),
    ("whole && zero && flag", True),
    ("whole && (missing && flag)", None),
    ("lines | [0] | sku", "a"),
    ("lines | ([0] | sku)", "a"),
    # old literals (JEP 12)
    ("`foo`", "foo"),
    ("` foo`", "foo"),
]


@pytest.mark.parametrize(("text", "expected"), VALUES, ids=[text for text, _ in VALUES])
def test_a_condition_has_the_value_of_the_table(text: str, expected: Any) -> None:
    """The value and its class are those of the table."""
    value = compile_condition(text).evaluate(DOCUMENT)

    assert value == expected
    assert type(value) is type(expected)


ERRORS: list[tuple[str, str]] = [
    ("contains(missing, 'x')", "contains() needs a list or a text as argument 1, but it is null. It may be missing"),
    ("length(whole)", "length() needs a text or a list or an object as argument 1, but it is a number."),
    ("sum(text)", "sum() needs a list of numbers as argument 1, but it is a text."),
    ("sum(dirty)", "sum() needs a list of numbers as argument 1, but item 2 of the list is null."),
    ('sort(`[1, "a"]`)', "sort() needs a list of texts or a list of numbers as argument 1, but item 2"),
    ("max(lines)", "but item 1 of the list is an object."),
    ("sort_by(lines, &missing)", "sort_by() needs a number for each item, or a text for each item."),
    ('sort_by(`[{"a": 1}, {"a": "x"}]`, &a)', "sort_by() needs a number for each item, or a text for each item."),
    ("contains(text, whole)", "contains() can look only for a text in a text."),
    ("merge(object, whole)", "merge() needs an object as argument 2, but it is a number."),
    ("to_string(other)", "to_string() cannot write something that is no JSON value."),
    ("to_string(long)", "to_string() cannot write a whole number of so many digits."),
    ("flag && abs(text)", "abs() needs a number as argument 1, but it is a text."),
]


@pytest.mark.parametrize(("text", "message"), ERRORS, ids=[text for text, _ in ERRORS])
def test_a_wrong_type_is_a_condition_error_that_names_function_and_argument(text: str, message: str) -> None:
    """The message says what was needed and found, without the value, and points at the call."""
    document = {**DOCUMENT, "other": uuid.uuid4(), "long": 10**5000}

    with pytest.raises(ConditionEvaluationError) as caught:
        compile_condition(text).evaluate(document)

    assert message in caught.value.summary
    assert caught.value.text == text
    assert caught.value.position == text.index(message.split("(")[0] if "(" in message else "max")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("host.name", None),
        ("host.*", None),
        ("host[0]", None),
        ("host[?a]", None),
        ("host == 'x'", False),
        ("host == host", True),
        ("contains([host], 'x')", False),
        ("!host", False),
        ("type(host)", None),
        ("host > `1`", None),
    ],
)
def test_an_object_that_is_no_mapping_is_never_touched(text: str, expected: object) -> None:
    """No method of a host's object is called, not even get(), ``==`` or len()."""
    assert compile_condition(text).evaluate({"host": Untouchable()}) is expected


def test_dates_and_sets_in_a_context_are_opaque() -> None:
    """A value that is not JSON equals nothing, has no order and no fields."""
    document = {"at": datetime(2026, 3, 1, tzinfo=UTC), "tags": {"a"}}

    assert compile_condition("at == '2026-03-01T00:00:00Z' || at > '2026' || tags[0]").evaluate(document) is None


def test_the_arithmetic_context_of_the_thread_changes_nothing() -> None:
    """A host that has set a low precision, or traps, gets the same exact numbers."""
    condition = compile_condition("[sum(prices), abs(exact), avg(thirds), ceil(money), exact > `0.1`]")
    expected = condition.evaluate(DOCUMENT)

    with localcontext() as context:
        context.prec = 2
        for signal in getcontext().traps:
            context.traps[signal] = True
        assert condition.evaluate(DOCUMENT) == expected


def test_a_result_is_the_callers_own() -> None:
    """Changing a result changes neither the literal of the condition nor the context."""
    condition, document = compile_condition("[`[1]`, a]"), {"a": [{"b": 1}]}

    value = condition.evaluate(document)
    value[0].append(2)
    value[1][0]["b"] = 2

    assert condition.evaluate(document) == [[1], [{"b": 1}]]


class _Failing(Mapping[str, Any]):
    def __init__(self, error: Exception) -> None:
        self.error = error

    def __getitem__(self, key: str) -> Any:
        raise self.error

    def __iter__(self) -> Iterator[str]:
        raise self.error

    def __len__(self) -> int:
        raise self.error


@pytest.mark.parametrize("text", ["a", "@ && `1`", "length(@)", "@ == `{}`", "*", "to_string(@)"])
def test_an_error_of_the_context_is_a_condition_error_without_its_text(text: str) -> None:
    """What a lazy context raises is the cause of a condition error; its text, which may hold data, is not shown."""
    error = OSError("password=hunter2")

    with pytest.raises(ConditionEvaluationError) as caught:
        compile_condition(text).matches(_Failing(error))

    assert str(caught.value) == "The context could not be read: OSError."
    assert caught.value.__cause__ is error


def test_an_error_of_the_engine_itself_passes_through_a_lazy_context() -> None:
    """A context that says why it has no answer is not reworded."""
    error = ConditionEvaluationError("'total' is an SQL expression here.")

    with pytest.raises(ConditionEvaluationError) as caught:
        compile_condition("total > `1`").matches(_Failing(error))

    assert caught.value is error


def test_a_context_that_is_nested_too_deeply_is_a_condition_error() -> None:
    """Python's recursion limit does not get out of an evaluation."""
    deep: dict[str, Any] = {}
    for _ in range(5000):
        deep = {"a": deep}

    with pytest.raises(ConditionEvaluationError, match="The context is nested too deeply"):
        compile_condition("@ == @").matches(deep)
