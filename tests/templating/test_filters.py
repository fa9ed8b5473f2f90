"""The filters, over texts, numbers and lists."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from tests.templating.rendering import message, render


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("{{ text|upper }} {{ text|title }} {{ text|capfirst }}", "ONE TWO THREE One Two Three One two three"),
        ("{{ 'ABC'|lower }}", "abc"),
        ("[{{ missing|upper }}]", "[]"),
        ("{{ text|truncatechars:5 }} {{ text|truncatewords:1 }}", "one … one …"),
        ("{{ missing|default:'a' }}{{ nothing|default_if_none:'b' }}{{ no|default:'c' }}{{ text|default:'d' }}",
         "abcone two three"),
        ("{{ tags|join:', ' }} {{ mixed|join:'|' }}", 'new, vip 1|2.50||true|{"k":"v"}'),
        ("{{ tags|length }} {{ text|length }} {{ missing|length }} {{ count|length }}", "2 13 0 0"),
        ("{{ tags|first }} {{ tags|last }} {{ empty|first }}", "new vip "),
        ("{{ text|slice:':3' }} {{ mixed|slice:'1:3' }}", "one [2.50,null]"),
        ("{{ count }} order{{ count|pluralize }} {{ 1 }} part{{ 1|pluralize }} {{ tags|pluralize:'y,ies' }}",
         "1234567 orders 1 part ies"),
        ("{{ yes|yesno:'on,off' }} {{ nothing|yesno:'on,off,unknown' }} {{ no|yesno }}", "on unknown no"),
        ("{{ text|cut:' ' }}", "onetwothree"),
        ("{{ 'a b&c/d'|urlencode }} {{ 'a/b'|urlencode:'' }}", "a%20b%26c/d a%2Fb"),
        ("{{ name|escape }}", "Ada &lt;ada@example.com&gt;"),
        ("{{ '<p>a<b>c</b></p>'|striptags }}", "ac"),
        ("{{ 'Über uns!'|slugify }} {{ text|wordcount }}", "uber-uns 3"),
        ("{{ name|json }} {{ nothing|json }} {{ total|json }}", '"Ada <ada@example.com>" null 1234.50'),
        ("[{{ 'a'|ljust:3 }}|{{ 'a'|rjust:'3' }}|{{ 'a'|center:3 }}]", "[a  |  a| a ]"),
        ("{{ total|add:0.55 }} {{ '5'|add:'3' }} {{ 2|add:2 }}", "1235.05 8 4"),
        ("{{ 'Order '|add:count }} {{ tags|add:tags|length }}", "Order 1234567 4"),
        ("{{ 0.1|add:0.2 }}", "0.3"),
        ("{{ total|floatformat:1 }} {{ total|floatformat }} {{ total|floatformat:'2g' }} {{ 5|floatformat:-2 }}",
         "1234.5 1234.5 1,234.50 5"),
        ("{{ 2.345|floatformat:2 }} {{ '-0.001'|floatformat:2 }} [{{ text|floatformat }}]", "2.35 0.00 []"),
        ("{{ count|divisibleby:3 }} {{ 9|divisibleby:'3' }}", "false true"),
    ],
)  # fmt: skip
def test_allowed_filter_renders(text: str, expected: str) -> None:
    """Each allowed filter does what Django's documentation, or the docstring of the package, says."""
    assert render(text) == expected


def test_arithmetic_keeps_every_digit() -> None:
    """``add`` does not round to the 28 digits of Python's default context."""
    data = {"n": Decimal("12345678901234567890.123456789012345678")}
    assert render("{{ n|add:1 }}", data) == "12345678901234567891.123456789012345678"


@pytest.mark.parametrize(
    "data",
    [
        {"n": Decimal("1E+999999999")},
        {"n": Decimal("1E-999999999")},
        {"n": 10**5000},
    ],
)
@pytest.mark.parametrize("text", ["{{ n|add:1 }}", "{{ n|floatformat:2 }}", "{{ 'a'|ljust:n }}"])
def test_monstrous_number_in_the_data_is_not_calculated_with(text: str, data: dict[str, Any]) -> None:
    """A number of a million digits is refused before anything computes it."""
    assert message(text, data).endswith("a number has more than 200 digits.")
