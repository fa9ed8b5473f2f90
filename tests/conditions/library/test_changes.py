"""Functions on what has changed, and the special forms."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from typing import Any

import pytest
from hypothesis import given

from rules_engine.conditions import ConditionEvaluationError, compile_condition
from rules_engine.conditions.values import is_true
from tests.conditions.strategies import documents, expressions, lazy

PAID = {
    "instance": {"status": "paid", "total": 120, "lines": [{"sku": "a", "qty": 2}, {"sku": "b", "qty": 1}]},
    "previous": {"status": "new", "total": 110, "lines": [{"sku": "a", "qty": 1}]},
    "changes": {"status": {"old": "new", "new": "paid"}, "total": {"old": 110, "new": 120}},
    "flag": True,
}

CASES = [
    ("changed('status')", True),
    ("changed('lines')", False),
    ("changed('lines', 'total')", True),
    ("changed(instance.lines[0].sku)", False),
    ("changed_to('status', 'paid')", True),
    ("changed_to('status', 'new')", False),
    ("changed_to('total', `120.0`)", True),
    ("changed_from('status', 'new')", True),
    ("changed_from('lines', `null`)", False),
    ("instance.lines[?changed('status')].sku", ["a", "b"]),
    ("instance.lines[?changed_to('status', 'new')].sku", []),
    ("instance.lines[*].changed('status')", [True, True]),
    ("instance | changed('status')", True),
    ("map(&changed('status'), instance.lines)", [True, True]),
    ("became(instance.status == 'paid')", True),
    ("became(instance.total > `100`)", False),
    ("became(instance.total > `115`)", True),
    ("became(instance.lines[?qty > `1`])", True),
    ("became(flag)", False),
    ("became(changed('status'))", False),
    ("became(became(instance.status == 'paid'))", True),
    ("became(instance.status == 'new')", False),
    ("instance.lines[?became(instance.status == 'paid')].sku", ["a", "b"]),
    ("instance.lines[*].became(instance.status == 'paid')", [True, True]),
    ("instance.lines[?became(sku == 'a')]", []),
    ("became(instance.lines[*].became(instance.total > `115`) | [0])", True),
]


@pytest.mark.parametrize(("text", "expected"), CASES)
def test_a_change_is_seen_from_anywhere(text: str, expected: Any) -> None:
    """Change functions read the root, inside projections, filters, pipes and expressions; also of lazy contexts."""
    condition = compile_condition(text)

    assert condition.evaluate(PAID) == expected
    assert condition.evaluate(lazy(PAID)) == expected
    assert condition.matches(PAID) is is_true(expected)


@pytest.mark.parametrize("previous", [{}, {"previous": None}, {"previous": float("nan")}])
def test_what_had_no_before_becomes_what_it_is(previous: Any) -> None:
    """A new object became all that it is; even what would be true of nothing counts as not true before."""
    context = {"instance": {"status": "paid"}, **previous}

    assert compile_condition("became(instance.status == 'paid')").matches(context)
    assert compile_condition("became(instance.status != 'draft')").matches(context)
    assert not compile_condition("became(instance.status == 'draft')").matches(context)


@pytest.mark.parametrize(
    "changes", [None, {}, {"status": None}, {"status": "x"}, {"status": {"old": 1, "new": 1.0}}, [1], "status"]
)
def test_without_a_change_nothing_has_changed(changes: Any) -> None:
    """No record, an empty one, one of something else, and one of equal values are no change."""
    for text in ("changed('status')", "changed_to('status', `1`)", "changed_from('status', `1`)"):
        assert compile_condition(text).evaluate({"changes": changes}) is False
        assert compile_condition(text).evaluate(changes) is False


def test_became_asks_for_the_past_only_if_it_is_true_now() -> None:
    """Most events do not get as far as the previous instance, which is a query away."""

    class Guarded(Mapping[str, Any]):
        """A context whose previous instance must not be read."""

        def __getitem__(self, name: str) -> Any:
            if name == "previous":
                raise AssertionError("previous was read")
            return {"instance": {"paid": False}}[name]

        def __iter__(self) -> Iterator[str]:
            return iter(("instance", "previous"))

        def __len__(self) -> int:
            return 2

    assert not compile_condition("became(instance.paid)").matches(Guarded())


def test_an_error_inside_became_is_a_condition_error_of_its_place() -> None:
    """Now or before: the caret stands at the call that failed."""
    with pytest.raises(ConditionEvaluationError) as caught:
        compile_condition("flag && became(length(instance.total) > `1`)").evaluate(PAID)

    assert caught.value.position == 15
    with pytest.raises(ConditionEvaluationError, match=r"length\(\) needs"):
        compile_condition("became(length(instance.name) > `1`)").evaluate(
            {"instance": {"name": "Ada"}, "previous": {"name": None}}
        )


@given(expressions, documents, documents)
def test_became_is_true_now_and_not_true_with_the_previous_instance(text: str, now: Any, before: Any) -> None:
    """The definition, on random expressions below the instance."""
    inner = f"instance.{text}" if text.isidentifier() else f"instance | ({text})"

    def truth(instance: Any) -> bool | None:
        try:
            return compile_condition(inner).matches({"instance": instance})
        except ConditionEvaluationError:
            return None

    try:
        found = compile_condition(f"became({inner})").evaluate({"instance": now, "previous": before})
    except ConditionEvaluationError:
        found = None

    expected = truth(before)
    assert found == (truth(now) and (None if expected is None else not expected))


def test_became_in_became_stays_bounded() -> None:
    """Each level doubles the evaluations: a hostile condition ends with an error, its paths stay two."""
    condition = compile_condition("(became(" * 60 + "instance.a" + ") || `true`)" * 60)
    start = time.process_time()

    assert condition.paths == {("instance", "a"), ("previous", "a")}
    with pytest.raises(ConditionEvaluationError, match="more than 200,000 steps"):
        condition.evaluate({"instance": {"a": 1}, "previous": {"a": 1}})
    assert time.process_time() - start < 2


READS = [
    ("changed('status')", {("changes", "status")}),
    ("changed('status', 'total')", {("changes", "status"), ("changes", "total")}),
    ("changed(instance.name)", {("changes",), ("instance", "name")}),
    ("lines[?changed_to('status', sku)]", {("changes", "status"), ("lines",), ("lines", "sku")}),
    ('instance.lines[*].changed_from(`"x"`, @)', {("changes", "x"), ("instance", "lines")}),
    ("became(instance.total > `100`)", {("instance", "total"), ("previous", "total")}),
    ("lines[?became(instance.a.b)]", {("lines",), ("instance", "a", "b"), ("previous", "a", "b")}),
    ("became(instance.lines[?sku == 'a'].qty)", None),
    ("became(became(instance.a))", {("instance", "a"), ("previous", "a")}),
    ("became(instance)", {("instance",), ("previous",)}),
    ("became(created)", {("created",), ("previous",)}),
    ("became(changed('a') && instance.b)", {("changes", "a"), ("instance", "b"), ("previous", "b")}),
    ("in_group(user, 'Staff')", {("user", "groups", "name")}),
    ("in_group(instance.owner, name)", {("instance", "owner", "groups", "name"), ("name",)}),
    ("now()", {("event", "time")}),
    ("today()", {("event", "time"), ("event", "timezone")}),
    ("lines[?hour(sent) > `9`]", {("event", "timezone"), ("lines",), ("lines", "sent")}),
    ("if(a, b, c).x", {("a",), ("b", "x"), ("c", "x")}),
    ("coalesce(a, b).x", {("a", "x"), ("b", "x")}),
]


@pytest.mark.parametrize(("text", "expected"), READS)
def test_the_paths_of_a_condition_name_what_its_functions_read(text: str, expected: Any) -> None:
    """Whatever is read from the root without being written is among them."""
    paths = compile_condition(text).paths

    if expected is None:
        expected = {(start, "lines", name) for start in ("instance", "previous") for name in ("sku", "qty")}
    assert paths == frozenset(expected)


def test_a_function_that_is_handed_in_takes_the_place_of_a_form() -> None:
    """Its arguments and paths are then those of an ordinary function."""
    condition = compile_condition("lines[?became(sku)]", {"became": lambda sku: sku == "a"})

    assert condition.evaluate({"lines": [{"sku": "a"}, {"sku": "b"}]}) == [{"sku": "a"}]
    assert condition.paths == {("lines",), ("lines", "sku")}


def test_choices_evaluate_only_what_they_need() -> None:
    """An argument that would raise does no harm where it is not chosen."""
    for text, expected in (
        ("if(a, a, length(b))", 1),
        ("if(b, length(b), a)", 1),
        ("if(b, length(b))", None),
        ("coalesce(b, a, length(b))", 1),
        ("lines[*].if(@ == 'x', @, 'y')", ["x", "y"]),
        ("lines[*].coalesce(missing, @)", ["x", "z"]),
    ):
        assert compile_condition(text).evaluate({"a": 1, "lines": ["x", "z"]}) == expected
    with pytest.raises(ConditionEvaluationError, match=r"length\(\) needs"):
        compile_condition("if(b, a, length(b))").evaluate({"a": 1})


GROUPS = [
    ({"groups": [{"name": "Sales"}, {"name": "Staff"}]}, True),
    ({"groups": ["Staff"]}, True),
    ({"groups": [{"name": "staff"}]}, False),
    ({"groups": [{"name": None}, {}, None, 1, {"name": ["Staff"]}]}, False),
    ({"groups": "Staff"}, False),
    ({"groups": None}, False),
    ({}, False),
    (None, False),
]


@pytest.mark.parametrize(("user", "expected"), GROUPS)
def test_in_group_looks_for_the_name(user: Any, expected: bool) -> None:
    """Groups are objects with a name, or names; capitals count; nobody is in no group."""
    for context in ({"user": user}, lazy({"user": user})):
        assert compile_condition("in_group(user, 'Staff')").evaluate(context) is expected
        assert compile_condition("in_group(user, 'Admins', 'Staff')").evaluate(context) is expected
