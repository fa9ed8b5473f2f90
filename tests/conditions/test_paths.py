"""What conditions read."""

from __future__ import annotations

import pytest

from rules_engine.conditions import compile_condition

PATHS: list[tuple[str, set[str]]] = [
    ("created", {"created"}),
    ("instance.customer.email", {"instance.customer.email"}),
    ("instance.lines[?sku == 'a'].price", {"instance.lines.sku", "instance.lines.price"}),
    ("instance.lines[0].sku", {"instance.lines.sku"}),
    ("instance.lines[-1:].sku", {"instance.lines.sku"}),
    ("instance.lines[*].sku", {"instance.lines.sku"}),
    ("instance.lines[].sku", {"instance.lines.sku"}),
    ("instance.lines[?sku == 'a']", {"instance.lines.sku", "instance.lines"}),
    ("instance.lines[?customer.name == 'a'] | [0].price", {"instance.lines.customer.name", "instance.lines.price"}),
    ("instance | customer.email", {"instance.customer.email"}),
    ("instance.{a: total, b: customer.name}", {"instance.total", "instance.customer.name"}),
    ("instance.[total, status]", {"instance.total", "instance.status"}),
    ("instance.lines[*].[sku, price]", {"instance.lines.sku", "instance.lines.price"}),
    ("(instance || previous).status", {"instance", "instance.status", "previous.status"}),
    ("instance.total > `5` && !(created)", {"instance.total", "created"}),
    ("sort_by(instance.lines, &price)[0].sku", {"instance.lines.price", "instance.lines.sku"}),
    ("max_by(instance.lines, &price).sku", {"instance.lines.price", "instance.lines.sku"}),
    ("sort_by(a, &b)[0].b.c", {"a.b", "a.b.c"}),
    ("a[?b].b.c", {"a.b", "a.b.c"}),
    ("map(&price, instance.lines)", {"instance.lines.price"}),
    ("length(instance.lines)", {"instance.lines"}),
    ("not_null(instance.a, previous).b", {"instance.a.b", "previous.b"}),
    ("contains(instance.tags[*].name, sender)", {"instance.tags.name", "sender"}),
    ("instance.lines[?@ == 'x']", {"instance.lines"}),
    ("instance.*.name", {"instance"}),
    ("keys(instance)", {"instance"}),
    ("{a: instance}.a.b", {"instance"}),
    ('`{"a": 1}`.a', set()),
    ("@", {""}),
    ("length(@)", {""}),
    ("'constant'", set()),
    ('instance."first name".x', {"instance.first name.x"}),
]


@pytest.mark.parametrize(("text", "expected"), PATHS, ids=[text for text, _ in PATHS])
def test_the_paths_of_a_condition_are_those_of_the_table(text: str, expected: set[str]) -> None:
    """Lists leave no trace in paths; a value that is used whole is a path itself."""
    paths = {tuple(path.split(".")) if path else () for path in expected}

    assert compile_condition(text).paths == paths


def test_a_host_function_reads_its_arguments_whole() -> None:
    """Nothing is known of what a registered function looks at."""
    condition = compile_condition("f(instance.customer, a[0].b)", {"f": lambda first, second: True})

    assert condition.paths == {("instance", "customer"), ("a", "b")}
