"""Types and constants of conditions, checked before the first event."""

# ruff: noqa: E501 - the tables hold whole messages

from __future__ import annotations

from typing import Any, Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rules_engine.conditions import (
    ConditionEvaluationError,
    Leaf,
    Shape,
    check_condition,
    compile_condition,
    register_function,
)
from rules_engine.conditions.comparisons import comparison_problem
from rules_engine.conditions.guesses import Guess, guesses_of
from rules_engine.conditions.parser import parse
from rules_engine.conditions.registry import functions
from rules_engine.conditions.values import kind_of
from tests.conditions.strategies import documents, expressions

TEXT, NUMBER, FLAG = Leaf(kind="text"), Leaf(kind="number"), Leaf(kind="true or false")
STATUS = Leaf(kind="text", choices=("draft", "paid", "sent"))
DAY, MOMENT = Leaf(kind="date"), Leaf(kind="date and time")
LINE = {"sku": TEXT, "quantity": Leaf(kind="number", whole=True)}
ORDER: dict[str, Any] = {
    "pk": Leaf(kind="key"),
    "status": STATUS,
    "name": Leaf(kind="text", max_length=5),
    "notes": Leaf(kind="text", nullable=True),
    "total": NUMBER,
    "count": Leaf(kind="number", whole=True),
    "rating": Leaf(kind="number", choices=(1, 2, 3)),
    "paid": FLAG,
    "day": DAY,
    "at": MOMENT,
    "data": Leaf(open=True),
    "customer": Shape("Customer", {"name": TEXT}),
    "lines": Shape("Line", LINE, many=True),
    "odd": Leaf(),
}
SCHEMA: dict[str, Any] = {
    "created": FLAG,
    "update_fields": None,
    "instance": Shape("Order", ORDER),
    "previous": Shape("Order", ORDER),
    "changes": {name: {"old": leaf, "new": leaf} for name, leaf in ORDER.items()},
    "event": {"time": MOMENT, "timezone": TEXT},
    "user": Shape("User", {"groups": Shape("Group", {"name": TEXT}, many=True)}),
}


def found(text: str, schema: Any = SCHEMA) -> list[tuple[str, int, str]]:
    """Severity, offset and message of each finding."""
    problems = check_condition(compile_condition(text), schema)
    return [(problem.severity, problem.position, problem.message) for problem in problems]


SOUND = [
    "",
    "created",
    "instance.status == 'paid'",
    "instance.status == ''",
    "instance.status != `null`",
    "instance.status > 'd'",
    "'paid' == instance.status",
    'contains(`["paid", "sent"]`, instance.status)',
    "instance.total == `19.99` && instance.count == `5.0` && instance.rating == `2`",
    "instance.paid == `true` && instance.pk == `5` && previous.pk == 'x' && instance.odd == `1`",
    "instance.name == 'Adams'",
    "instance.day == '2026-03-01' && instance.day > '2026-03'",
    "instance.at > '2026-03-01' && instance.at == '2026-03-01T12:00:00Z' && instance.at < now()",
    "instance.data.x == 'a' || instance.data.x == `1` || instance.data == `[]`",
    "instance.lines[?sku == 'a' && quantity > `1`]",
    "contains(instance.lines[*].sku, 'a')",
    'instance.lines[*].sku == `["a"]`',
    "length(instance.lines) > `0` && length(instance.status) == `4`",
    "sum(instance.lines[*].quantity) > `5`",
    "max_by(instance.lines, &quantity).sku == 'a'",
    "sort_by(instance.lines, &quantity)[0].quantity == `1`",
    "map(&lower(sku), instance.lines)[0] == 'a'",
    "instance.notes && contains(instance.notes, 'x')",
    "if(instance.notes, length(instance.notes), `0`) > `5`",
    "coalesce(instance.notes, '') == 'x' && length(coalesce(instance.notes, '')) > `1`",
    "(instance.notes || 'none') == 'none'",
    "changed('status') && changed_to('status', 'paid') && changed_from('total', `5`)",
    "became(instance.total > `100` && instance.status == 'paid')",
    "in_group(user, 'Staff') && hour(now()) < `9` && date_diff(now(), instance.at, 'days') > `3`",
    "matches(instance.name, '^[A-Z]') && round(instance.total, `1`) == `5.5`",
    "instance.status == 'paid' || instance.status == 'sent'",
    "instance.status != 'paid' && instance.status != 'sent'",
    "instance.total == `1` && instance.total == `1.0`",
    "update_fields[?@ == 'status'] && contains(update_fields, 'status')",
    "instance.lines[0].sku == instance.status",
    "type(instance.total) == 'number' && to_string(instance.total) == '5'",
    "to_number(instance.name) > `5` && abs(instance.total) > `3`",
    "instance.lines[].[sku, quantity][] | [0] == 'a'",
    "instance.{a: status}.a == 'paid' && instance.[status][0] == 'paid'",
    "values(instance)[0] == 'x' && keys(instance)[0] == 'x' && merge(instance, `{}`).status == 'x'",
    "reverse(instance.lines)[0].sku == 'a' && to_array(instance.lines)[0].sku == 'a'",
    "(instance.lines[1:].sku | [0]) == 'a' && (instance.customer.* | [0]) == 'a'",
]


@pytest.mark.parametrize("text", SOUND)
def test_a_sound_condition_is_left_alone(text: str) -> None:
    """Nothing is said of what can work."""
    assert found(text) == []


ERRORS = [
    ("instance.status == 'payd'", 0, "instance.status has no choice 'payd'. Did you mean 'paid'? Choices: 'draft',"),
    ("'Paid' != instance.status", 0, "instance.status has no choice 'Paid'. Did you mean 'paid'?"),
    ("instance.rating == `7`", 0, "instance.rating has no choice `7`. Choices: `1`, `2`, `3`."),
    ('contains(`["paid", "snt"]`, instance.status)', 9, "instance.status has no choice 'snt'. Did you mean 'sent'?"),
    ('contains(`["2026-03-01T12:00:00Z"]`, instance.at)', 9, "Inside a list a date-time is written as contexts have"),
    ("changed_to('status', 'payd')", 21, "status has no choice 'payd'. Did you mean 'paid'?"),
    ("changed_from('total', 'x')", 22, "total is a number and 'x' a text: this is never true."),
    ("changes.status.new == 'payd'", 0, "changes.status.new has no choice 'payd'."),
    ("became(instance.status == 'payd')", 7, "instance.status has no choice 'payd'."),
    ("instance.lines[?quantity == `1.5`]", 16, "quantity is a whole number and never `1.5`."),
    ("instance.name == 'Adamson'", 0, "instance.name has at most 5 characters, this text has 7."),
    ("instance.total > '100'", 0, "instance.total is a number and '100' a text: they have no order, so this is never "
     "true. Numbers stand in backticks: `100`."),
    ("instance.status > `5`", 0, "instance.status is a text and `5` a number: they have no order, so this is never "
     "true. Texts stand in quotes: '5'."),
    ("instance.paid > `1`", 0, "instance.paid is true or false, which has no order: this is never true."),
    ("instance.total > `null`", 0, "`null` is null, which has no order: this is never true."),
    ("instance.total == '5'", 0, "instance.total is a number and '5' a text: this is never true. Numbers stand in"),
    ("instance.total != 'x'", 0, "instance.total is a number and 'x' a text: this is always true."),
    ("instance.paid == 'true'", 0, "instance.paid is true or false and 'true' a text: this is never true. Constants "
     "stand in backticks: `true`."),
    ("instance.total == instance.status", 0, "instance.total is a number and instance.status a text: this is never "
     "true, unless both are null."),
    ("length(instance.lines) == `null`", 0, "length(instance.lines) is a number and never null: this is never true."),
    ("instance.customer == 'Ada'", 0, "instance.customer is an object and 'Ada' a text: this is never true."),
    ("instance.lines == 'a'", 0, "instance.lines is a list and 'a' a text: this is never true. Compare a field of its "
     "items, as in instance.lines[?x == 'a']."),
    ("instance.lines[*].sku == 'a'", 0, "instance.lines[*].sku is a list and 'a' a text: this is never true. Look into "
     "it: contains(instance.lines[*].sku, 'a')."),
    ("instance.lines[*].quantity > `5`", 0, "instance.lines[*].quantity is a list, which has no order: this is never"),
    ("instance.at == 'yesterday'", 0, "instance.at is a date and time and never 'yesterday': it is written as in"),
    ("instance.at == '2026-03-01'", 0, "instance.at is a date and time and never '2026-03-01'"),
    ("instance.at > 'yesterday'", 0, "instance.at is a date and time and never 'yesterday'"),
    ("instance.day == '2026-3-1'", 0, "instance.day is a date and never '2026-3-1': it is written as in '2026-03-01'."),
    ("lower(instance.total)", 6, "lower() needs a text, but instance.total is a number."),
    ("lower(instance.lines[*].sku) == 'a'", 6, "lower() needs a text, but instance.lines[*].sku is a list. Call it for "
     "each item, as in instance.lines[*].sku[?lower(@, …)]."),
    ("sum(instance.lines[*].sku) > `5`", 4, "sum() needs a list of numbers, but the items of instance.lines[*].sku are "
     "not: a text."),
    ("add('1', `2`) > `1`", 4, "add() needs a number, but '1' is a text."),
    ("round(instance.total, '2') > `1`", 22, "round() needs a number, but '2' is a text."),
    ("changed(length(instance.name))", 8, "changed() needs a text, but length(instance.name) is a number."),
    ("contains(instance.status, `5`)", 26, "instance.status is a text, which contains texts only. Write to_string(`5`)."),
    ("matches(instance.name, '[')", 23, "matches(): This is not a pattern: missing ]: [."),
    ("date_add(now(), `1`, 'eon') > now()", 21, "date_add(): 'eon' is no unit of time."),
    ("in_timezone(now(), 'Mars') == 'x'", 19, "in_timezone(): There is no time zone 'Mars'."),
    ("hour('noon') > `1`", 5, "hour(): This is no date: dates are written"),
    ("instance.status == 'paid' || 'sent'", 29, "'sent' stands alone here and is always true. Each side of || compares "
     "by itself: a == 'sent'."),
    ("instance.paid && ''", 17, "'' stands alone here and is never true."),
    ("instance.lines[?sku == 'a' || 'b']", 30, "'b' stands alone here and is always true."),
    ("length(instance.lines)", 0, "length(instance.lines) is a number, and every number is true, 0 too. Compare it, as "
     "in length(instance.lines) > `0`."),
    ("!(length(instance.lines))", 1, "length(instance.lines) is a number, and every number is true"),
    ("instance.status == 'paid' && instance.status == 'sent'", 29, "instance.status is compared with 'paid' and with "
     "'sent': this is never true. 'or' is written ||."),
    ("instance.status != 'paid' || 'sent' != instance.status", 29, "instance.status is compared with 'paid' and with "
     "'sent': this is always true. 'and' is written &&."),
    ("if(length(instance.name), 'a', 'b') == 'a'", 3, "length(instance.name) is a number, and every number is true"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "position", "message"), ERRORS, ids=[f"{text}-{at}" for text, at, _ in ERRORS])
def test_what_cannot_work_is_an_error_with_its_place(text: str, position: int, message: str) -> None:
    """One finding, which says what is wrong and how to write it."""
    ((severity, at, said),) = found(text)

    assert severity == "error"
    assert said.startswith(message)
    assert at == position


WARNINGS = [
    ("length(instance.notes) > `1`", 7, "instance.notes may be null, and length() fails on null. Guard it: "),
    (
        "instance.notes || contains(instance.notes, 'x')",
        27,
        "instance.notes may be null, and contains() fails on null.",
    ),
    ("`true`", 0, "`true` is always true."),
    ("!(`true`)", 1, "`true` is always true."),
    ("'a' == 'b'", 0, "This compares two constants: it is always the same."),
    ("instance.total == instance.total", 0, "This compares instance.total with itself: it is always the same."),
    ("!created == `true`", 0, "! negates the left side alone"),
]


@pytest.mark.parametrize(("text", "position", "message"), WARNINGS)
def test_what_may_not_be_meant_is_a_warning(text: str, position: int, message: str) -> None:
    """It does not stop the save."""
    ((severity, at, said),) = found(text)

    assert (severity, at) == ("warning", position)
    assert said.startswith(message)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("instance.statsu == `5`", "Order has no field 'statsu'. Did you mean 'status'?"),
        ("instance.status == true", "true is the name of a field here."),
        ("changed_to('statsu', `5`)", "'changes' has no field 'statsu'. Did you mean 'status'?"),
        ("changed('statsu')", "'changes' has no field 'statsu'. Did you mean 'status'?"),
        ("became(instance.statsu == 'x')", "Order has no field 'statsu'. Did you mean 'status'?"),
        ("in_group(instance.customer, 'x')", "Customer has no field 'groups'."),
    ],
)
def test_a_mistake_that_makes_others_is_reported_alone(text: str, message: str) -> None:
    """Types are looked at where names and literals are what they seem."""
    ((severity, _, said),) = found(text)

    assert severity == "error"
    assert said.startswith(message)


WITHOUT_SCHEMA = [
    ("a[*].b == 'x'", "a[*].b is a list and 'x' a text: this is never true. Look into it: contains(a[*].b, 'x')."),
    ("a == 'x' || 'y'", "'y' stands alone here"),
    ("lower(`5`) == 'x'", "lower() needs a text, but `5` is a number."),
    ("length(a)", "length(a) is a number, and every number is true"),
    ("changed_to('status', 'x') == 'true'", "changed_to('status', 'x') is true or false and 'true' a text"),
]


@pytest.mark.parametrize(("text", "message"), WITHOUT_SCHEMA)
def test_without_a_schema_what_never_works_is_found(text: str, message: str) -> None:
    """Signals whose arguments nobody described still have conditions that make sense."""
    ((_, _, said),) = found(text, None)

    assert said.startswith(message)
    assert found("a.b == 'x' && a.b.c > `5` && contains(a, `5`) && lower(d) == e", None) == []


def test_the_functions_of_a_host_are_checked_by_their_annotations() -> None:
    """Parameters, choices and what it returns."""

    @register_function("shipping")
    def shipping(weight: float, speed: Literal["slow", "fast"] = "slow", *zones: str) -> float:
        """The price."""
        return weight

    try:
        assert found("shipping(instance.total, 'fast', 'EU') > `5`") == []
        assert found("shipping(instance.status) > `5`")[0][2].startswith("shipping() needs a number, but instance.st")
        assert found("shipping(`1`, 'fats') > `5`")[0][2] == (
            "shipping() knows no speed 'fats'. There are: 'slow', 'fast'."
        )
        assert (
            found("shipping(`1`, 'fast', 'EU', `5`) > `5`")[0][2] == "shipping() needs a text, but `5` is a number."
        )
        assert found("shipping(`1`) == 'x'")[0][2] == "shipping(`1`) is a number and 'x' a text: this is never true."
    finally:
        functions.remove("shipping")


def fits(value: Any, guess: Guess) -> bool:
    """Whether a value is one that the guess allows."""
    if kind_of(value) not in guess.kinds:
        return False
    return not isinstance(value, list) or guess.item is None or all(fits(item, guess.item) for item in value)


@given(expressions, documents)
def test_a_guess_holds_on_every_document(text: str, document: Any) -> None:
    """What is said never to occur does not: every value has a type of its guess, the items of lists too."""
    parsed = parse(text)
    guess = guesses_of(parsed.tree, None, {})[id(parsed.tree)]
    try:
        value = compile_condition(text).evaluate(document)
    except ConditionEvaluationError:
        return

    assert fits(value, guess), guess


@given(expressions, expressions, st.sampled_from(["==", "!=", "<", ">="]), documents)
def test_what_is_never_true_is_never_true(left: str, right: str, sign: str, document: Any) -> None:
    """A comparison that is an error gives the answer that the message says."""
    text = f"({left}) {sign} ({right})"
    tree = parse(text).tree
    guesses = guesses_of(tree, None, {})
    message = comparison_problem(tree["value"], *(("", guesses[id(child)]) for child in tree["children"]))
    try:
        value = compile_condition(text).evaluate(document)
    except ConditionEvaluationError:
        return

    if "unless both are null" not in message and message:
        assert bool(value) is ("this is always true" in message)
