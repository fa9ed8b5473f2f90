"""Templates of administrators: what renders, what is refused, what is read, and what cannot be exhausted."""

from __future__ import annotations

import subprocess
import sys
import time
import traceback
from decimal import Decimal
from typing import Any

import pytest
from django.db import models
from django.template.base import tag_re
from django.test import override_settings
from django.utils import timezone, translation
from django.utils.safestring import mark_safe
from hypothesis import given, settings
from hypothesis import strategies as st

from rules_engine import templating
from rules_engine.exceptions import RulesEngineError, TemplateInvalid
from rules_engine.templating import (
    ALLOWED_FILTERS,
    ALLOWED_TAGS,
    HTML_ONLY_FILTERS,
    MAX_OUTPUT,
    MAX_TEMPLATE,
    compile_template,
)

DATA: dict[str, Any] = {
    "name": "Ada <ada@example.com>",
    "nothing": None,
    "yes": True,
    "no": False,
    "count": 1_234_567,
    "total": Decimal("1234.50"),
    "zero": Decimal("0E-8"),
    "tags": ["new", "vip"],
    "mixed": [1, Decimal("2.50"), None, True, {"k": "v"}],
    "lines": [{"sku": "A1", "n": 2}, {"sku": "B2", "n": 1}],
    "pairs": [["a", 1], ["b", 2]],
    "object": {"keys": "own keys", "b": {"c": 3}},
    "with_items": {"items": [["own", "items"]]},
    "empty": [],
    "when": "2024-07-01T12:30:00.000000Z",
    "winter": "2024-01-01T23:30:00.000000Z",
    "day": "2024-07-01",
    "never": "9999-12-31T23:59:59.999999Z",
    "text": "one two three",
}
HUNDRED: dict[str, Any] = {"x": list(range(100)), "big": "y" * 60_000}


def render(text: str, data: dict[str, Any] | None = None, **options: Any) -> str:
    return compile_template(text, html=options.pop("html", False)).render(DATA if data is None else data, **options)


def message(text: str, data: dict[str, Any] | None = None, **options: Any) -> str:
    with pytest.raises(TemplateInvalid) as caught:
        render(text, data, **options)
    return str(caught.value)


# --- renderings -------------------------------------------------------------------------------------------


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
        # tags
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
        # filters
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
def test_template_of_allowed_parts_renders(text: str, expected: str) -> None:
    """Each allowed tag and filter does what Django's documentation, or this module's docstring, says."""
    assert render(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("{{ when|date:'Y-m-d H:i' }}", "2024-07-01 14:30"),
        ("{{ winter|date:'Y-m-d H:i T' }}", "2024-01-02 00:30 CET"),
        ("{{ when|time:'H:i' }}", "14:30"),
        ("{{ '08:05:00'|time:'H:i' }}", "08:05"),
        ("{{ day|date:'j F Y' }}", "1 July 2024"),
        ("{{ day|date }}", "July 1, 2024"),
        ("{{ day|date:'SHORT_DATE_FORMAT' }}", "07/01/2024"),
        ("{{ never|date:'Y-m-d H:i' }}", "9999-12-31 23:59"),
        ("[{{ day|date:'H:i' }}{{ day|time }}{{ text|date }}{{ missing|date:'Y' }}{{ count|date:'Y' }}]", "[]"),
        ("[{{ '2024-13-45'|date:'Y' }}{{ '2024-13-45T00:00:00Z'|date:'Y' }}]", "[]"),
        ("{{ when }}", "2024-07-01T12:30:00.000000Z"),
    ],
)
@pytest.mark.parametrize("use_tz", [True, False])
def test_date_filters_show_iso_texts_in_the_time_zone_of_the_project(text: str, expected: str, use_tz: bool) -> None:
    """The texts of events become local dates and times, with and without USE_TZ; other texts become empty."""
    with override_settings(USE_TZ=use_tz):
        assert render(text) == expected


def test_date_filters_ignore_the_active_time_zone() -> None:
    """A rule caused by a visitor in Tokyo writes the project's time, as its retry in a worker will."""
    with timezone.override("Asia/Tokyo"):
        assert render("{{ when|date:'H:i' }} {{ when|time:'H:i' }}") == "14:30 14:30"


@pytest.mark.parametrize("language", ["en", "de", "fr", "ar", "hi"])
def test_rendering_is_the_same_whatever_language_is_active(language: str) -> None:
    """Numbers, dates and answers follow the project's language, not that of whoever caused the event."""
    text = "{{ total }} {{ count }} {{ total|floatformat:2 }} {{ day|date:'F' }} {{ yes|yesno }} {{ total|add:1 }}"
    with translation.override(language), override_settings(USE_THOUSAND_SEPARATOR=True):
        assert render(text) == "1234.50 1234567 1234.50 July yes 1235.50"
        assert translation.get_language() == language


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


def test_arithmetic_keeps_every_digit() -> None:
    """``add`` does not round to the 28 digits of Python's default context."""
    data = {"n": Decimal("12345678901234567890.123456789012345678")}
    assert render("{{ n|add:1 }}", data) == "12345678901234567891.123456789012345678"


def test_text_choices_render_their_value() -> None:
    """A member of an enumeration of texts or integers is its value."""

    class Size(models.TextChoices):
        SMALL = "s", "Small"

    class Level(models.IntegerChoices):
        LOW = 1, "Low"

    assert render("{{ a }}{{ b }}", {"a": Size.SMALL, "b": Level.LOW}) == "s1"


def test_templates_need_no_template_settings() -> None:
    """A project that configures no template engine can render."""
    code = (
        "import django; from django.conf import settings; settings.configure(TEMPLATES=[]); django.setup()\n"
        "from rules_engine.templating import compile_template\n"
        "print(compile_template('{% for x in l %}{{ x|upper }}{% endfor %}').render({'l': ['a', 'b']}))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (done.stdout, done.stderr) == ("AB\n", "")


def test_compiling_the_same_text_again_answers_from_the_cache() -> None:
    """Compiled templates are shared, separately for text and HTML, and the cache is bounded."""
    text = "{{ cached }}"
    assert compile_template(text) is compile_template(text)
    assert compile_template(text) is not compile_template(text, html=True)
    assert templating._compile.cache_parameters()["maxsize"] == 256


# --- refusals ---------------------------------------------------------------------------------------------

REFUSED_TAGS = [
    "load", "include", "extends", "block", "debug", "csrf_token", "url", "now", "autoescape", "filter", "cycle",
    "lorem", "regroup", "ifchanged", "widthratio", "templatetag", "static", "querystring", "partial", "trans",
]  # fmt: skip
REFUSED_FILTERS = [
    "safe", "safeseq", "pprint", "stringformat", "random", "timesince", "timeuntil", "json_script", "dictsort",
    "unordered_list", "make_list", "urlize", "filesizeformat", "phone2numeric", "wordwrap", "linenumbers",
]  # fmt: skip


@pytest.mark.parametrize("html", [False, True])
@pytest.mark.parametrize("tag", REFUSED_TAGS)
def test_tag_that_is_not_allowed_is_refused_with_its_line(tag: str, html: bool) -> None:
    """Whatever loads, includes or asks the host is unknown here, and the error lists what there is."""
    text = message(f"one\ntwo\n{{% {tag} 'x' %}}", html=html)
    assert text.startswith(f"Line 3: {tag!r} is not allowed in rule templates.")
    assert text.endswith(f"Allowed tags: {', '.join(ALLOWED_TAGS)}.")


@pytest.mark.parametrize("html", [False, True])
@pytest.mark.parametrize("name", REFUSED_FILTERS)
def test_filter_that_is_not_allowed_is_refused_with_its_line(name: str, html: bool) -> None:
    """A filter outside the list is refused, in a value and in a condition alike."""
    for text in (f"\n{{{{ a|{name} }}}}", f"\n{{% if a|{name}:1 %}}{{% endif %}}"):
        error = message(text, html=html)
        assert error.startswith(f"Line 2: {name!r} is not allowed in rule templates.")
        assert "Allowed filters: add, addslashes," in error


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("{{ a|uper }}", "Line 1: 'uper' is not allowed in rule templates. Did you mean 'upper'? Allowed filters"),
        ("{% iff a %}", "Line 1: 'iff' is not allowed in rule templates. Did you mean 'if'? Allowed tags"),
        ("\n{% if a %}\n\n{{ b }}", "Line 2: {% if %} is not closed. Add {% endif %} after it."),
        ("{% for x in y %}{% else %}{% endfor %}",
         "Line 1: {% else %} closes nothing. Expected here: {% empty %} or {% endfor %}."),
        ("\n{% endif %}", "Line 2: {% endif %} closes nothing. No block is open here. Remove it."),
        ("{% comment %}", "Line 1: {% comment %} is not closed. Add {% endcomment %} after it."),
        ("{% verbatim %}{{ x }}", "Line 1: {% verbatim %} is not closed. Add {% endverbatim %} after it."),
        ("{{ }}", "Line 1: {{ }} is empty. Write a path such as instance.name into it."),
        ("{% %}", "Line 1: {% %} is empty. Write a tag into it, or remove it."),
        ("{{ a-b }}", "Line 1: Could not parse the remainder: '-b' from 'a-b'. Write a path such as"),
        ("{{ a..b }}", "Line 1: 'a..b' is not a path. Write names with single points between them."),
        ("{{ 1.2.3 }}", "Line 1: '1.2.3' is not a path."),
        ("{{ a|default }}", "Line 1: 'default' needs an argument. Write it like |default:\"…\"."),
        ("{{ a|upper:1 }}", "Line 1: 'upper' takes no argument. Leave out what follows the colon."),
        ("{{ a|linebreaks }}", "Line 1: 'linebreaks' makes HTML, and this is a plain text. Leave it out."),
        ("{{ _('x') }}", 'Line 1: _("…") is not allowed in rule templates. Write the text itself.'),
        ("{{ a|default:_('x') }}", 'Line 1: _("…") is not allowed in rule templates.'),
        ("{% if a b %}{% endif %}", "Line 1: Unused 'b' at end of if expression."),
        ("{% if a == %}{% endif %}", "Line 1: Unexpected end of expression in if tag."),
        ("{% if %}{% endif %}", "Line 1: {% if %} takes 1 to 60 words"),
        ("{% if a %}{% elif %}{% endif %}", "Line 1: {% if %} takes 1 to 60 words"),
        ("{% for x y %}{% endfor %}", "Line 1: {% for %} is written like {% for line in instance.lines %}."),
        ("{% for x|y in z %}{% endfor %}", "Line 1: 'x|y' is not a name. Use letters, digits and underscores."),
        ("{% with %}{% endwith %}", "Line 1: {% with %} is written like {% with name=instance.name %}."),
        ("{% with a=1 b %}{% endwith %}", "Line 1: {% with %} is written like {% with name=instance.name %}."),
        ("{% with secrets=1 %}{% endwith %}", "Line 1: 'secrets' has a meaning of its own here."),
        ("{% for forloop in a %}{% endfor %}", "Line 1: 'forloop' has a meaning of its own here."),
        ("{% firstof %}", "Line 1: {% firstof %} needs values to choose from"),
        ("{% firstof a as None %}", "Line 1: 'None' has a meaning of its own here."),
        ("{{ 1e999 }}", "Line 1: a number has more than 200 digits."),
        ("{{ 1e99999999999999999999 }}", "Line 1: "),
    ],
)  # fmt: skip
def test_template_that_does_not_parse_is_refused_with_line_and_remedy(text: str, expected: str) -> None:
    """The error of a broken template says where it breaks and how to mend it."""
    with pytest.raises(TemplateInvalid) as caught:
        compile_template(text)
    assert str(caught.value).startswith(expected)
    assert isinstance(caught.value, RulesEngineError)


def test_something_other_than_text_is_refused() -> None:
    """A template from unchecked JSON may be anything; only a text compiles."""
    with pytest.raises(TemplateInvalid, match=r"^A template is a text, not NoneType\.$"):
        compile_template(None)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a\n{% for x in object %}{% endfor %}",
         "Line 2: the template cannot be rendered: {% for x in … %} needs a list and found an object. "
         "Give two names for an object: {% for key, value in … %}."),
        ("{% for x in text %}{% endfor %}",
         "Line 1: the template cannot be rendered: {% for x in … %} needs a list and found a text."),
        ("{% for x in count %}{% endfor %}",
         "Line 1: the template cannot be rendered: {% for x in … %} needs a list and found a number."),
        ("{% for x in yes %}{% endfor %}",
         "Line 1: the template cannot be rendered: {% for x in … %} needs a list and found a boolean."),
        ("{% for a, b in tags %}{% endfor %}",
         "Line 1: the template cannot be rendered: {% for a, b in … %} needs items of 2 values."),
        ("{{ 1|divisibleby:0 }}",
         "Line 1: the template cannot be rendered: 'divisibleby' needs a whole number other than zero."),
        ("{{ 1|floatformat:'x' }}",
         "Line 1: the template cannot be rendered: 'floatformat' takes up to 30 places, such as 2, -2 or \"2g\"."),
        ("{{ 1|ljust:'x' }}",
         "Line 1: the template cannot be rendered: the width of a column must be a whole number up to 200."),
    ],
)  # fmt: skip
def test_data_that_does_not_fit_fails_with_line_and_remedy(text: str, expected: str) -> None:
    """What would silently render nothing fails, and the cause is kept."""
    with pytest.raises(TemplateInvalid) as caught:
        render(text)
    assert str(caught.value) == expected
    assert caught.value.__cause__ is not None


def test_value_that_is_not_json_fails_without_being_asked_for_its_text() -> None:
    """An object that slipped into the data is named by its class; nothing of it is called."""

    class Loud:
        def __str__(self) -> str:
            raise AssertionError("called")

    expected = "Line 1: the template cannot be rendered: the data holds a Loud, which is not a JSON value."
    assert message("{{ a }}", {"a": Loud()}) == expected
    assert message("{% for x in a %}{{ x }}{% endfor %}", {"a": [Loud()]}) == expected
    assert "TypeError" in message("{{ a }}", {"a": [Loud()]})


def test_failing_condition_does_not_pass_for_false() -> None:
    """Django's ``{% if %}`` takes any failure for an answer; here only a comparison of unlike types is False."""
    assert "the width of a column" in message("{% if name|ljust:9999 == 1 or yes %}a{% endif %}")


# --- nothing to call --------------------------------------------------------------------------------------


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


# --- hostile templates ------------------------------------------------------------------------------------


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


@pytest.mark.parametrize("opener", ["{{", "{%", "{#", "{{}", "{{{%", "{{ }"])
def test_line_of_opening_braces_takes_linear_time(opener: str) -> None:
    """Django's lexer needs seconds for this text, because each brace is searched a partner anew."""
    text = opener * (MAX_TEMPLATE // len(opener))
    started = time.process_time()
    assert render(text) == text
    # A tenth of it is usual; searching anew takes more than a second.
    assert time.process_time() - started < 0.7


@given(line=st.text("{}%# a"))
def test_line_is_split_like_djangos_lexer_splits_it(line: str) -> None:
    """The faster search finds the same tags, of the Django that is installed."""
    pieces = [(piece, index % 2 == 1) for index, piece in enumerate(tag_re.split(line)) if piece]
    assert list(templating._pieces(line)) == pieces


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


# --- secrets ----------------------------------------------------------------------------------------------

SECRETS = {"token": "s3cr3t-value", "other": "never-read"}


def test_secret_is_rendered_only_where_it_is_handed_in() -> None:
    """Sending reads the value; showing reads three stars, through filters too."""
    template = compile_template("Bearer {{ secrets.token }}")
    assert template.secrets == {"token"}
    assert template.paths == frozenset()
    assert template.render({}, secrets=SECRETS) == "Bearer s3cr3t-value"
    assert template.render({}) == "Bearer ***"
    assert render("{{ secrets.token|upper }}{% with t=secrets.token %}{{ t }}{% endwith %}") == "******"
    assert render("{% if secrets.token == 's3cr3t-value' %}guessed{% endif %}") == ""


def test_secret_wins_over_data_of_that_name() -> None:
    """An event cannot bring its own secrets."""
    assert render("{{ secrets.token }}", {"secrets": {"token": "forged"}}) == "***"
    assert render("{{ secrets.token }}", {"secrets": {"token": "forged"}}, secrets=SECRETS) == "s3cr3t-value"


def test_secret_is_escaped_in_html() -> None:
    """A secret is a value like any other."""
    assert render("{{ secrets.x }}", {}, html=True, secrets={"x": "<b>"}) == "&lt;b&gt;"


@pytest.mark.parametrize(
    "text",
    [
        "{{ secrets }}", "{{ secrets|json }}", "{% for x in secrets %}{{ x }}{% endfor %}",
        "{% for k, v in secrets.items %}{{ v }}{% endfor %}", "{% for k, v in secrets %}{{ v }}{% endfor %}",
        "{% with s=secrets %}{{ s.token }}{% endwith %}", "{% firstof secrets %}", "{% if secrets %}{% endif %}",
        "{{ a|default:secrets }}", "{{ a|add:secrets }}", "{{ secrets.token.0 }}",
    ],
)  # fmt: skip
def test_secrets_as_a_whole_are_refused(text: str) -> None:
    """Each secret is named in the text, so that what a template reads is known before it runs."""
    error = message(text, secrets=SECRETS)
    assert "names no secret. Write {{ secrets.NAME }}." in error
    assert "s3cr3t" not in error


def test_missing_secret_is_reported_before_anything_renders() -> None:
    """The error names the secret and the setting, also where the tag would not be reached."""
    expected = "There is no secret named 'x'. Add it to RULES_ENGINE[\"SECRETS\"]."
    assert message("{{ secrets.x }}", {}, secrets=SECRETS) == expected
    assert message("{% if no %}{{ secrets.x }}{% endif %}", secrets=SECRETS) == expected


@pytest.mark.parametrize(
    "text",
    [
        "{{ 'a'|ljust:secrets.token }}",
        "{{ 1|floatformat:secrets.token }}",
        "{% for x in secrets.token %}{% endfor %}",
        "{{ secrets.token }}{{ bad }}",
        "{{ secrets.token|truncatechars:bad }}",
        "{{ secrets.token }}{{ deep }}",
    ],
)
def test_failure_of_a_template_with_secrets_shows_none(text: str) -> None:
    """Neither the error nor anything chained to it, nor a repr, holds the value of a secret."""
    data = {"bad": object(), "deep": [object()]}
    template = compile_template(text)
    with pytest.raises(TemplateInvalid) as caught:
        template.render(data, secrets=SECRETS)
    shown = "".join(traceback.format_exception(caught.value)) + repr(caught.value.__cause__) + repr(template)
    assert "s3cr3t" not in shown
    assert caught.value.__cause__ is not None
    assert caught.value.__context__ is None


def test_foreign_error_is_withheld_when_secrets_were_given(monkeypatch: pytest.MonkeyPatch) -> None:
    """A filter of Django that quotes its argument in an error cannot leak it."""

    def leak(value: object) -> str:
        raise KeyError(value)

    monkeypatch.setitem(templating._FILTERS, "leak", leak)
    template = templating._compile.__wrapped__("{{ secrets.token|leak }}", False)
    with pytest.raises(TemplateInvalid) as caught:
        template.render({}, secrets=SECRETS)
    assert "s3cr3t" not in "".join(traceback.format_exception(caught.value))
    assert "KeyError (its text is withheld, because the template reads secrets)" in str(caught.value)
    with pytest.raises(TemplateInvalid, match=r"KeyError: '\*\*\*'"):
        template.render({})


# --- HTML -------------------------------------------------------------------------------------------------

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


def test_line_breaks_of_values_stay_for_the_user_of_the_text_to_refuse() -> None:
    """Templating does not know headers: who writes a subject from this must refuse the line break."""
    assert render("Order {{ x }}", {"x": "1\r\nBcc: all@example.com"}) == "Order 1\r\nBcc: all@example.com"
    assert "header" in (templating.__doc__ or "")


# --- paths ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "paths"),
    [
        ("plain {{ 'a' }} {{ 5 }} {{ True }} {{ secrets.x }}", []),
        ("{{ instance.customer.email }}", ["instance.customer.email"]),
        ("{{ instance.lines.0.sku }}", ["instance.lines.sku"]),
        ("{{ a|default:b.c|add:d }}", ["a", "b.c", "d"]),
        ("{% if a.b and not c|length > d.e %}{{ f }}{% elif g in h %}{{ i }}{% else %}{{ j }}{% endif %}",
         ["a.b", "c", "d.e", "f", "g", "h", "i", "j"]),
        ("{% for line in instance.lines %}{{ line.sku }}{% endfor %}", ["instance.lines.sku"]),
        ("{% for line in instance.lines %}{{ line }}{% endfor %}", ["instance.lines"]),
        ("{% for line in instance.lines %}x{% endfor %}", ["instance.lines"]),
        ("{% for line in instance.lines %}{% with l=line %}x{% endwith %}{% endfor %}", ["instance.lines"]),
        ("{% for a in x.l %}{% for b in a.m %}{{ b.n }}{{ a.o }}{% endfor %}{% endfor %}", ["x.l.m.n", "x.l.o"]),
        ("{% for a in l %}{{ forloop.counter }}{{ a.b }}{% empty %}{{ a.c }}{% endfor %}{{ a.d }}",
         ["a.c", "a.d", "l.b"]),
        ("{% for line in x.lines|slice:n %}{{ line.sku }}{% endfor %}", ["n", "x.lines.sku"]),
        ("{% with f=x.lines|first %}{{ f.sku }}{% endwith %}", ["x.lines.sku"]),
        ("{% for line in x.lines|default:y %}{{ line.sku }}{% endfor %}", ["x.lines", "y"]),
        ("{% for k, v in changes.items %}{{ k }}{{ v.old }}{% endfor %}", ["changes"]),
        ("{% for k, v in x.pairs %}{{ v.old }}{% endfor %}", ["x.pairs"]),
        ("{% for line in x.items %}{{ line.sku }}{% endfor %}", ["x.items.sku"]),
        ("{% with c=instance.customer d=user %}{{ c.email }}{% endwith %}{{ c.name }}",
         ["c.name", "instance.customer.email"]),
        ("{% with c=a|upper %}{{ c.x }}{% endwith %}", ["a"]),
        ("{% with c=a %}{% with c=c.b %}{{ c.d }}{% endwith %}{% endwith %}", ["a.b.d"]),
        ("{% firstof a.b c 'x' as y %}{{ y }}", ["a.b", "c"]),
        ("{{ y }}{% firstof a as y %}", ["a", "y"]),
        ("{% comment %}{{ a }}{% endcomment %}{% verbatim %}{{ b }}{% endverbatim %}{# {{ c }} #}", []),
        ("{% spaceless %}{{ a }}{% endspaceless %}{{ b.secrets }}", ["a", "b.secrets"]),
    ],
)  # fmt: skip
def test_paths_are_what_rendering_can_read(text: str, paths: list[str]) -> None:
    """Names that tags bind are followed to the data, positions are dropped, secrets are not paths."""
    assert sorted(".".join(path) for path in compile_template(text).paths) == paths


def pruned(value: Any, paths: set[tuple[str, ...]]) -> Any:
    """What is left when only the paths are recorded: through lists, whole where a path ends."""
    if () in paths:
        return value
    if isinstance(value, list):
        return [pruned(item, paths) for item in value]
    if isinstance(value, dict):
        below = {key: {path[1:] for path in paths if path[0] == key} for key in value}
        return {key: pruned(value[key], below[key]) for key in value if below[key]}
    return value


NAMES = st.sampled_from(["a", "b", "c", "items"])
SCALARS = st.sampled_from([None, True, 0, 3, Decimal("2.50"), "", "text", "<b>", "2024-07-01"])
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=4),
    max_leaves=25,
)
DOCUMENTS = st.dictionaries(NAMES, VALUES, max_size=4)
PATHS = st.lists(NAMES | st.sampled_from(["0", "1"]), max_size=3).flatmap(
    lambda rest: NAMES.map(lambda root: ".".join([root, *rest]))
)
FILTERS = st.sampled_from(
    [
        "",
        "",
        "",
        "|first",
        "|last",
        "|slice:':1'",
        "|length",
        "|upper",
        "|join:'-'",
        "|json",
        "|default:{}",
        "|add:{}",
    ]
)
EXPRESSIONS = st.builds(lambda path, filter_, arg: path + filter_.format(arg), PATHS, FILTERS, PATHS)
LEAVES = st.one_of(
    EXPRESSIONS.map("{{{{ {} }}}}".format),
    st.just("{{ forloop.counter }}."),
    st.builds("{{% firstof {} {} %}}".format, EXPRESSIONS, EXPRESSIONS),
    st.builds("{{% firstof {} as {} %}}".format, EXPRESSIONS, NAMES),
)


def blocks(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    bodies = st.lists(inner, max_size=3).map("".join)
    other = inner
    operators = st.sampled_from(["and", "or", "==", "!=", "in", "not in", "<"])
    return st.one_of(
        st.builds("{{% for {} in {} %}}{}-{{% empty %}}{}{{%endfor %}}".format, NAMES, EXPRESSIONS, bodies, other),
        st.builds("{{% for k, {} in {}.items %}}{{{{ k }}}}{}{{% endfor %}}".format, NAMES, PATHS, bodies),
        st.builds("{{% for k, {} in {} %}}{}{{% endfor %}}".format, NAMES, EXPRESSIONS, bodies),
        st.builds("{{% with {}={} %}}{}{{% endwith %}}".format, NAMES, EXPRESSIONS, bodies),
        st.builds(
            "{{% if {} {} {} %}}{}{{% else %}}{}{{% endif %}}".format,
            EXPRESSIONS, operators, EXPRESSIONS, bodies, bodies,
        ),
    )  # fmt: skip


TEMPLATES = st.lists(st.recursive(LEAVES, blocks, max_leaves=8), min_size=1, max_size=3).map("".join)


def outcome(text: str, data: dict[str, Any]) -> tuple[str, str]:
    try:
        return "text", compile_template(text).render(data)
    except TemplateInvalid as error:
        return "error", str(error)


@settings(max_examples=400, deadline=None)
@given(text=TEMPLATES, data=DOCUMENTS)
def test_rendering_recorded_paths_equals_rendering_everything(text: str, data: dict[str, Any]) -> None:
    """A replay, which has only the recorded paths, renders what the event rendered, failures included."""
    paths = compile_template(text).paths
    assert outcome(text, pruned(data, set(paths))) == outcome(text, data)


@settings(max_examples=400, deadline=None)
@given(
    text=st.lists(
        st.sampled_from(
            ["{{", "}}", "{%", "%}", "{#", "#}", " ", "\n", "if", "endif", "for", "x", "in", "y", "endfor",
             "empty", "else", "elif", "with", "endwith", "=", "as", "|", ":", "'", '"', ".", ",", "add", "1",
             "1e9", "-", "_(", ")", "secrets", "firstof", "verbatim", "endverbatim", "comment", "spaceless",
             "\\", "not", "and", "é", "\0"]
        ),
        max_size=40,
    ).map("".join)
)  # fmt: skip
def test_any_text_compiles_and_renders_or_is_template_invalid(text: str) -> None:
    """No text leads to another kind of error."""
    kind, result = outcome(text, {"x": [1], "y": "z"})
    assert kind == "text" or result.endswith((".", ")")), result


def test_lists_of_allowed_names_are_complete() -> None:
    """What the help shows is what the parser knows, sorted."""
    assert list(ALLOWED_TAGS) == ["comment", "firstof", "for", "if", "spaceless", "verbatim", "with"]
    assert list(ALLOWED_FILTERS) == sorted(ALLOWED_FILTERS)
    assert not set(ALLOWED_FILTERS) & set(REFUSED_FILTERS)
