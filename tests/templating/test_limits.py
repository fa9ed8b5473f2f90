"""Hostile templates and data: neither time nor memory can be exhausted."""

from __future__ import annotations

import time
from decimal import Decimal
from typing import Any

import pytest

from rules_engine.templating import MAX_OUTPUT, MAX_TEMPLATE
from tests.templating.rendering import message, render

HUNDRED: dict[str, Any] = {"x": list(range(100)), "big": "y" * 60_000}


def four_loops(body: str) -> str:
    """A template that renders ``body`` a hundred million times."""
    return "".join(f"{{% for {name} in x %}}" for name in "abcd") + body + "{% endfor %}" * 4


DOUBLING = (
    "{% with v0=big %}"
    + "".join(f"{{% with v{i + 1}=v{i}|add:v{i} %}}" for i in range(18))
    + "{{ v18|length }}"
    + "{% endwith %}" * 19
)
WORK = "it takes too much work. Loop over shorter lists, or nest fewer loops."
LONG = f"the text is longer than {MAX_OUTPUT} characters."


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (four_loops(""), WORK),
        (four_loops("{{ a }}"), WORK),
        (four_loops("{% if a == b %}{% endif %}"), WORK),
        (four_loops("{% if big|striptags == 1 %}{% endif %}"), WORK),
        (four_loops("{% if big|title|slugify|urlencode == 1 %}{% endif %}"), WORK),
        (four_loops("{% if x == x|slice:':' %}{% endif %}"), WORK),
        (four_loops("{% firstof x|json|cut:x as y %}"), WORK),
        (four_loops("{{ big }}"), LONG),
        ("{% spaceless %}" + four_loops("      ") + "{% endspaceless %}", LONG),
        (DOUBLING, LONG),
        (DOUBLING.replace("v0=big", "v0=x"), LONG),
        ("{{ big|join:big }}{{ x|join:big }}", LONG),
        ("{{ 'a'|ljust:9999999999 }}", "the width of a column must be a whole number up to 200."),
        ("{{ 'a'|center:'99999999999999999' }}", "the width of a column"),
        ("{{ 'a'|rjust:-1 }}", "the width of a column"),
        ("{{ 1|floatformat:999999999 }}", "'floatformat' takes up to 30 places"),
        ("{{ 1|floatformat:'-999' }}", "'floatformat' takes up to 30 places"),
        ("{% if a %}" * 4000, "more than 20 blocks stand inside each other. Nest fewer."),
        ("{% with a=1 %}" * 21, "more than 20 blocks stand inside each other"),
        ("{% if " + "not " * 400 + "a %}{% endif %}", "{% if %} takes 1 to 60 words"),
        ("{% if " + "not " * 4000 + "a %}{% endif %}", "a tag has more than 2000 characters. Split it."),
        ("{% if a %}{% elif " + "a or " * 4000 + "a %}{% endif %}", "a tag has more than 2000 characters"),
        ("{{ a" + "|upper" * 5000 + " }}", "a tag has more than 2000 characters"),
        ("{{ " + "9" * 1500 + " }}{{ " + "9" * 1500 + "|add:1 }}", "a number has more than 200 digits."),
        ("x" * (MAX_TEMPLATE + 1), f"The template has {MAX_TEMPLATE + 1} characters; {MAX_TEMPLATE} are allowed."),
    ],
    ids=range(25),
)
def test_hostile_template_is_refused_soon(text: str, expected: str) -> None:
    """Loops, widths, doublings and nestings end in an error after little time and memory."""
    started = time.process_time()
    assert expected in message(text, HUNDRED)
    # The honest cost is some tenths of a second; without limits each of these runs for minutes.
    assert time.process_time() - started < 10


def test_round_of_a_loop_without_content_is_work() -> None:
    """A million empty rounds are refused, although nothing is rendered in them."""
    text = "{% for a in x %}{% for b in x %}{% endfor %}{% endfor %}"
    assert WORK in message(text, {"x": [None] * 1000})
    assert render(text, {"x": [None] * 100}) == ""


def test_output_of_exactly_the_limit_renders() -> None:
    """The limit itself is allowed, one character more is not."""
    assert len(render("{{ a }}", {"a": "x" * MAX_OUTPUT})) == MAX_OUTPUT
    assert LONG in message("{{ a }}!", {"a": "x" * MAX_OUTPUT})
    assert LONG in message("{{ a }}", {"a": "<" * (MAX_OUTPUT // 2)}, html=True)


def test_ordinary_large_template_stays_within_the_limits() -> None:
    """A table of a thousand lines with a dozen values each is no attack."""
    lines = [{"sku": f"A{n}", "price": Decimal("19.90"), "title": "A thing of some length"} for n in range(1000)]
    row = "{% if line.sku %}{{ line.sku }} {{ line.title|truncatechars:20|ljust:22 }}{% endif %}"
    text = (
        "{% for line in lines %}"
        + row
        + "{{ line.price|floatformat:2 }} {{ line.price|add:1 }}{% if lines|length > 9 %}\n{% endif %}{% endfor %}"
    )
    assert render(text, {"lines": lines}).count("\n") == 1000
