"""Secrets: rendered where they are handed in, shown nowhere."""

from __future__ import annotations

import traceback

import pytest

from rules_engine.exceptions import TemplateInvalid
from rules_engine.templating import compile_template
from rules_engine.templating.filters import TEXT_FILTERS
from rules_engine.templating.template import compile_cached
from tests.templating.rendering import message, render

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

    monkeypatch.setitem(TEXT_FILTERS, "leak", leak)
    compiled = compile_cached.__wrapped__("{{ secrets.token|leak }}", False)
    with pytest.raises(TemplateInvalid) as caught:
        compiled.render({}, secrets=SECRETS)
    assert "s3cr3t" not in "".join(traceback.format_exception(caught.value))
    assert "KeyError (its text is withheld, because the template reads secrets)" in str(caught.value)
    with pytest.raises(TemplateInvalid, match=r"KeyError: '\*\*\*'"):
        compiled.render({})
