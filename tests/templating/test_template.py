"""Compiled templates: shared, and the same whoever renders them."""

from __future__ import annotations

import subprocess
import sys

import pytest
from django.test import override_settings
from django.utils import translation

from rules_engine import templating
from rules_engine.templating import compile_template
from rules_engine.templating.template import compile_cached
from tests.templating.rendering import render


@pytest.mark.parametrize("language", ["en", "de", "fr", "ar", "hi"])
def test_rendering_is_the_same_whatever_language_is_active(language: str) -> None:
    """Numbers, dates and answers follow the project's language, not that of whoever caused the event."""
    text = "{{ total }} {{ count }} {{ total|floatformat:2 }} {{ day|date:'F' }} {{ yes|yesno }} {{ total|add:1 }}"
    with translation.override(language), override_settings(USE_THOUSAND_SEPARATOR=True):
        assert render(text) == "1234.50 1234567 1234.50 July yes 1235.50"
        assert translation.get_language() == language


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
    assert compile_cached.cache_parameters()["maxsize"] == 256


def test_line_breaks_of_values_stay_for_the_user_of_the_text_to_refuse() -> None:
    """Templating does not know headers: who writes a subject from this must refuse the line break."""
    assert render("Order {{ x }}", {"x": "1\r\nBcc: all@example.com"}) == "Order 1\r\nBcc: all@example.com"
    assert "header" in (templating.__doc__ or "")
