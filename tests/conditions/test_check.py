"""Paths against what a context can hold."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from rules_engine.conditions import Leaf, Shape, check_paths, compile_condition

TEXT, NUMBER = Leaf(kind="text"), Leaf(kind="number")


def order_fields() -> Mapping[str, Any]:
    """The fields of an order, which refer to a customer, which refers to orders."""
    return {
        "id": NUMBER,
        "status": TEXT,
        "total": NUMBER,
        "data": Leaf(open=True),
        "customer": CUSTOMER,
        "lines": Shape("Line", {"sku": TEXT, "order": lambda: ORDER}, many=True),
    }


ORDER = Shape("Order", order_fields)
CUSTOMER = Shape(
    "Customer",
    {"name": TEXT, "password": Leaf(redacted=True), "orders": lambda: Shape("Order", order_fields, many=True)},
)
SCHEMA: dict[str, Any] = {
    "signal": TEXT,
    "created": Leaf(kind="true or false"),
    "update_fields": None,
    "instance": ORDER,
    "changes": {"status": {"old": TEXT, "new": TEXT}},
    "extra": {"*": None},
    "counts": {"*": NUMBER},
}

SOUND = [
    "",
    "created",
    "instance.status == 'paid'",
    "instance",
    "instance.data.any.thing[0].at_all",
    "update_fields[?@ == 'status']",
    "extra.any.thing",
    "counts.lines > `1`",
    "changes.status.new == 'paid'",
    "instance.customer.orders[*].customer.orders[0].lines[?sku == 'a'].order.id",
    "length(instance.lines)",
    "instance.lines[0].sku",
    "instance.lines[1:].sku",
    "instance.lines[].sku",
    "instance.lines[*].order.lines[].sku",
    "instance.lines[*].sku | [0]",
    "instance.lines[?sku] | [0].sku",
    "(instance.lines | [0]).sku",
    "sort_by(instance.lines, &sku)[0].sku",
    "max_by(instance.lines, &sku).sku",
    "map(&sku, instance.lines)[0]",
    "reverse(instance.lines)[0].sku",
    "not_null(instance.customer, `{}`).name",
    "to_array(instance.customer)[0].name",
    "instance.{x: status}.anything",
    '`{"a": 1}`.b',
    "instance.lines[*].[sku, order.status]",
]


@pytest.mark.parametrize("text", SOUND)
def test_a_condition_that_fits_has_no_problem(text: str) -> None:
    """Known fields, open-ended values and computed values are fine."""
    assert [problem.message for problem in check_paths(compile_condition(text), SCHEMA)] == []


PROBLEMS: list[tuple[str, int, str]] = [
    ("instance.statsu != 'paid'", 9, "Order has no field 'statsu'. Did you mean 'status'?"),
    ("instance.Status", 9, "Order has no field 'Status'. Did you mean 'status'?"),
    ("instnce.status", 0, "The context has no field 'instnce'. Did you mean 'instance'?"),
    ("instance.xyz", 9, "Order has no field 'xyz'. It has: customer, data, id, lines, status, total."),
    ("changes.total.new", 8, "'changes' has no field 'total'. It has: status."),
    ("changes.status.nwe", 15, "'status' has no field 'nwe'. Did you mean 'new'?"),
    ("instance.customer.nme", 18, "Customer has no field 'nme'. Did you mean 'name'?"),
    ("instance.customer.password", 18, "'password' is redacted and never available to rules."),
    ("instance.customer.password.x", 18, "'password' is redacted and never available to rules."),
    ("instance.status.x", 16, "'status' is a text and has nothing below it."),
    ("counts.a.b", 9, "'a' is a number and has nothing below it."),
    (
        "instance.lines.sku",
        15,
        "'lines' is a list of Line: write lines[*].sku for all of them, or lines[?…].sku for some.",
    ),
    ("instance.lines.skuu", 15, "'lines' is a list of Line: write lines[*].skuu"),
    ("instance.lines[*].skuu", 18, "Line has no field 'skuu'. Did you mean 'sku'?"),
    ("instance.lines[?skuu == 'a']", 16, "Line has no field 'skuu'."),
    ("instance.lines | [*].skuu", 21, "Line has no field 'skuu'."),
    ("sort_by(instance.lines, &skuu)", 25, "Line has no field 'skuu'."),
    ("instance.customer[0].name", 9, "'customer' is one Customer and no list"),
    ("instance.status[0]", 9, "'status' is a text and no list."),
    ("instance.lines[*].sku[0]", 18, "'sku' is a text and no list."),
    ("instance.lines[0][0].sku", 9, "'lines' is one Line and no list"),
    ("instance.{a: statsu}", 13, "Order has no field 'statsu'."),
    ("!(instance.statsu)", 11, "Order has no field 'statsu'."),
    ("statsu && created", 0, "The context has no field 'statsu'."),
]


@pytest.mark.parametrize(("text", "position", "message"), PROBLEMS, ids=[text for text, _, _ in PROBLEMS])
def test_a_condition_that_does_not_fit_is_told_where_and_why(text: str, position: int, message: str) -> None:
    """One problem at the first name that is wrong, and none for what stands below it."""
    (problem,) = check_paths(compile_condition(text), SCHEMA)

    assert problem.message.startswith(message)
    assert problem.position == position
    assert problem.text == text


def test_every_wrong_name_is_reported_in_the_order_of_the_text() -> None:
    """Several typos give several problems; a name that is wrong twice is reported twice."""
    condition = compile_condition("instance.statsu == 'x' && instance.totl > `1` || instance.statsu")

    assert [problem.position for problem in check_paths(condition, SCHEMA)] == [9, 35, 58]


def test_the_root_may_be_a_shape() -> None:
    """Its title is used in messages."""
    (problem,) = check_paths(compile_condition("x"), Shape("The context of post_save", {"signal": TEXT}))

    assert problem.message == "The context of post_save has no field 'x'. It has: signal."


class _OnDemand(Mapping[str, Any]):
    def __init__(self) -> None:
        self.built: list[str] = []

    def __getitem__(self, key: str) -> Any:
        self.built.append(key)
        return TEXT

    def __contains__(self, key: object) -> bool:
        return key in ("a", "b")

    def __iter__(self) -> Iterator[str]:
        return iter(("a", "b"))

    def __len__(self) -> int:
        return 2


def test_only_the_fields_that_are_read_are_built() -> None:
    """A mapping may build its shapes when they are asked for."""
    fields = _OnDemand()

    check_paths(compile_condition("instance.a == 'x'"), {"instance": Shape("Order", fields)})

    assert fields.built == ["a"]
