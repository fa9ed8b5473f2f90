"""The tags."""

from __future__ import annotations

import pytest

from tests.templating.rendering import message, render


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("{% if yes and not no %}a{% endif %}", "a"),
        ("{% if nothing %}a{% elif count == 1234567 %}b{% else %}c{% endif %}", "b"),
        ("{% if missing %}a{% else %}c{% endif %}", "c"),
        ("{% if total == 1234.5 %}same{% endif %}", "same"),
        ("{% if total > 1234.49 and total < 1234.51 %}exact{% endif %}", "exact"),
        ("{% if total > name %}a{% else %}a number is not compared with a text{% endif %}",
         "a number is not compared with a text"),
        ("{% if 'vip' in tags and 'x' not in tags %}in{% endif %}", "in"),
        ("{% if missing is None %}null{% endif %}", "null"),
        ("{% if when > '2024-06-30' %}later{% endif %}", "later"),
        ("{% for line in lines %}{{ line.n }}x{{ line.sku }} {% endfor %}", "2xA1 1xB2 "),
        ("{% for tag in tags reversed %}{{ tag }}{% endfor %}", "vipnew"),
        ("{% for tag in empty %}a{% empty %}none{% endfor %}", "none"),
        ("{% for tag in missing %}a{% empty %}none{% endfor %}", "none"),
        ("{% for k, v in pairs %}{{ k }}{{ v }}{% endfor %}", "a1b2"),
        ("{% for k, v in object.items %}{{ k }}={{ v }};{% endfor %}", 'keys=own keys;b={"c":3};'),
        ("{% for k,v in object.b %}{{ k }}={{ v }}{% endfor %}", "c=3"),
        ("{% for a, b in with_items.items %}{{ a }} {{ b }}{% endfor %}", "own items"),
        ("{% for t in tags %}{{ forloop.counter }}/{{ forloop.length }}{% if not forloop.last %}, {% endif %}"
         "{% endfor %}", "1/2, 2/2"),
        ("{% for a in tags %}{% for b in tags %}{{ forloop.parentloop.counter0 }}{{ forloop.revcounter }} "
         "{% endfor %}{% endfor %}", "02 01 12 11 "),
        ("{% with n=object.b total=5 %}{{ n.c }} {{ total }}{% endwith %} {{ total }}", "3 5 1234.50"),
        ("{% with object.b as n %}{{ n.c }}{% endwith %}", "3"),
        ("{% firstof nothing missing text %}", "one two three"),
        ("{% firstof nothing 'nobody' %}", "nobody"),
        ("{% firstof nothing text as found %}[{{ found }}]", "[one two three]"),
        ("a{% comment %}{{ b|nope }}{% load x %}{% endcomment %}{# c #}d", "ad"),
        ("{% verbatim %}{{ name }}{% if %}{% endverbatim %}", "{{ name }}{% if %}"),
        ("{% verbatim mine %}{% endverbatim %}{% endverbatim mine %}", "{% endverbatim %}"),
        ("{% spaceless %} <p>\n <b>x y</b> </p> {% endspaceless %}", "<p><b>x y</b></p>"),
    ],
)  # fmt: skip
def test_allowed_tag_renders(text: str, expected: str) -> None:
    """Each allowed tag does what Django's documentation, or the docstring of the package, says."""
    assert render(text) == expected


def test_failing_condition_does_not_pass_for_false() -> None:
    """Django's ``{% if %}`` takes any failure for an answer; here only a comparison of unlike types is False."""
    assert "the width of a column" in message("{% if name|ljust:9999 == 1 or yes %}a{% endif %}")
