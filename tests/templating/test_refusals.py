"""What is refused, with its line and the remedy."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rules_engine.exceptions import RulesEngineError, TemplateInvalid
from rules_engine.templating import ALLOWED_FILTERS, ALLOWED_TAGS, compile_template
from tests.templating.rendering import message, outcome, render

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
        ("{{ a b }}", "Line 1: Could not parse the remainder: ' b' from 'a b'. Write a path such as"),
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
