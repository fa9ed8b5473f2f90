"""Values of the data: what they render as, and what a path finds."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from django.db import models
from django.utils.safestring import mark_safe

from rules_engine.exceptions import TemplateInvalid
from tests.templating.rendering import message, render


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("plain { text } 100% #1", "plain { text } 100% #1"),
        ("a\n{{ count }}\r\n\nb", "a\n1234567\r\n\nb"),
        ("{{ name }}", "Ada <ada@example.com>"),
        ("[{{ nothing }}{{ missing }}{{ missing.deeper.still }}]", "[]"),
        ("{{ yes }} {{ no }}", "true false"),
        ("{{ total }} {{ count }} {{ zero }}", "1234.50 1234567 0.00000000"),
        ("{{ mixed }}", '[1,2.50,null,true,{"k":"v"}]'),
        ("{{ object.b }}", '{"c":3}'),
        ("{{ lines.1.sku }}{{ lines.2.sku }}", "B2"),
        ("{{ 'text' }} {{ 5 }} {{ 19.90 }} {{ None }}{{ True }}", "text 5 19.90 true"),
    ],
)  # fmt: skip
def test_text_and_value_render(text: str, expected: str) -> None:
    """Text stays as it is; a value renders as the docstring of the package says."""
    assert render(text) == expected


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (Decimal("19.990"), "19.990"),
        (Decimal("1E+3"), "1000"),
        (Decimal("12345678901234567890.123456789012345678"), "12345678901234567890.123456789012345678"),
        (Decimal("1E+999999999"), "1E+999999999"),
        (Decimal("NaN"), ""),
        (10**40, "1" + "0" * 40),
        (0.1, "0.1"),
        (float("inf"), ""),
    ],
)
def test_number_renders_exactly(value: object, expected: str) -> None:
    """Every digit of a number is written, and one with a monstrous exponent fills no memory."""
    assert render("{{ n }}", {"n": value}) == expected


def test_text_choices_render_their_value() -> None:
    """A member of an enumeration of texts or integers is its value."""

    class Size(models.TextChoices):
        SMALL = "s", "Small"

    class Level(models.IntegerChoices):
        LOW = 1, "Low"

    assert render("{{ a }}{{ b }}", {"a": Size.SMALL, "b": Level.LOW}) == "s1"


def test_value_that_is_not_json_fails_without_being_asked_for_its_text() -> None:
    """An object that slipped into the data is named by its class; nothing of it is called."""

    class Loud:
        def __str__(self) -> str:
            raise AssertionError("called")

    expected = "Line 1: the template cannot be rendered: the data holds a Loud, which is not a JSON value."
    assert message("{{ a }}", {"a": Loud()}) == expected
    assert message("{% for x in a %}{{ x }}{% endfor %}", {"a": [Loud()]}) == expected
    assert "TypeError" in message("{{ a }}", {"a": [Loud()]})


@pytest.mark.parametrize(
    "path",
    [
        "o.items", "o.keys", "o.values", "o.get", "o.clear", "o.pop", "o.copy", "l.pop", "l.append", "l.sort",
        "t.upper", "t.format", "t.encode", "n.bit_length", "n.real", "d.as_tuple", "d.sqrt", "b.numerator",
        "t.0", "forloop.items", "o.b.items", "False.real", "s.upper",
    ],
)  # fmt: skip
def test_path_finds_keys_and_never_methods(path: str) -> None:
    """A name that is no key is empty, although the Python value has an attribute of that name."""
    data = {"o": {"b": {}}, "l": [3, 1], "t": "text", "n": 5, "d": Decimal(2), "b": True, "s": mark_safe("x")}
    text = f"[{{{{ {path} }}}}{{% if {path} %}}yes{{% endif %}}{{% with x={path} %}}{{{{ x }}}}{{% endwith %}}]"
    assert render(text, data) == "[]"
    assert data["o"] == {"b": {}}
    assert data["l"] == [3, 1]


@pytest.mark.parametrize("name", ["items", "keys", "values", "get", "pop", "count", "index", "data", "counter"])
def test_key_named_like_a_method_wins(name: str) -> None:
    """Data may use any name."""
    assert render(f"{{{{ o.{name} }}}}{{{{ {name} }}}}", {"o": {name: "mine"}, name: "too"}) == "minetoo"


@pytest.mark.parametrize(
    "path", ["t.__class__", "o.__init__.__globals__", "_x", "o._private", "t.__class__.__mro__.1.__subclasses__"]
)
def test_name_with_leading_underscore_is_refused(path: str) -> None:
    """Django's rule stays; it would find nothing anyway."""
    error = message(f"{{{{ {path} }}}}")
    assert error == f"Line 1: Variables and attributes may not begin with underscores: '{path}'."


def test_data_with_callables_calls_none() -> None:
    """A function in the data is not a JSON value: an error, not a call."""
    called: list[int] = []
    error = message("{{ f }}", {"f": lambda: called.append(1)})
    assert "the data holds a function, which is not a JSON value" in error
    assert render("{{ f.x }}", {"f": lambda: called.append(1)}) == ""
    assert called == []


def test_deeply_nested_data_does_not_exhaust_the_stack() -> None:
    """Data nested thousands of levels deep ends as TemplateInvalid, not as RecursionError."""
    deep: Any = []
    for _ in range(100_000):
        deep = [deep]
    with pytest.raises(TemplateInvalid, match="RecursionError") as caught:
        render("{{ a }}", {"a": deep})
    assert isinstance(caught.value.__cause__, RecursionError)
    while deep:
        deep = deep.pop()
