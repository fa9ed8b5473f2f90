"""HTML: every value is escaped, the text of the author stays."""

from __future__ import annotations

import pytest
from django.utils.safestring import mark_safe

from rules_engine.templating import HTML_ONLY_FILTERS
from tests.templating.rendering import render

EVIL = "\"><script>alert('x')</script>&"
EVIL_ESCAPED = "&quot;&gt;&lt;script&gt;alert(&#x27;x&#x27;)&lt;/script&gt;&amp;"


@pytest.mark.parametrize(
    "text",
    [
        "{{ x }}", "{{ x|escape }}", "{{ x|force_escape }}", "{{ missing|default:x }}", "{{ x|lower }}",
        "{% firstof missing x %}", "{% firstof x as y %}{{ y }}", "{% with y=x %}{{ y }}{% endwith %}",
        "{{ l.0 }}", "{{ l|first }}", "{{ l|join:', ' }}", "{% for i in l %}{{ i }}{% endfor %}",
        "{{ x|cut:'z' }}", "{{ x|slice:':' }}", "{{ x|truncatechars:99 }}", "{{ x|add:'' }}", "{{ ''|add:x }}",
        "{{ x|linebreaksbr }}", "{% for k, v in o.items %}{{ k }}{% endfor %}", "{{ safe }}",
        "{% spaceless %}{{ safe }}{% endspaceless %}", "{% for i in safe_list %}{{ i }}{% endfor %}",
        "{{ safe_list|last }}",
    ],
)  # fmt: skip
def test_value_is_escaped_in_html_wherever_it_passes(text: str) -> None:
    """Markup and quotes of a value are escaped once, also when the value claims to be safe."""
    safe = mark_safe(EVIL)
    data = {"x": EVIL, "l": [EVIL], "o": {EVIL: 1}, "safe": safe, "safe_list": [safe]}
    assert render(text, data, html=True) == EVIL_ESCAPED


def test_quote_cannot_leave_an_attribute() -> None:
    """Both kinds of quotes are escaped inside attributes."""
    text = "<a title=\"{{ x }}\" rel='{{ x }}'>"
    assert render(text, {"x": "\"'"}, html=True) == "<a title=\"&quot;&#x27;\" rel='&quot;&#x27;'>"


def test_html_of_the_author_stays() -> None:
    """Text and literals of the template are not escaped, JSON of values is."""
    assert render("<b>{{ '<i>' }}</b>{{ missing|default:'<hr>' }}", html=True) == "<b><i></b><hr>"
    assert render("{{ mixed.4 }}", html=True) == "{&quot;k&quot;:&quot;v&quot;}"
    assert render("{{ x|linebreaks }}", {"x": "a<\n\nb"}, html=True) == "<p>a&lt;</p>\n\n<p>b</p>"
    assert HTML_ONLY_FILTERS == ("linebreaks", "linebreaksbr")


def test_plain_text_is_not_escaped() -> None:
    """Text mode writes values as they are."""
    assert render("{{ x }}", {"x": EVIL}) == EVIL
