"""The configuration of an action as drawn fields, and as plain text where django-jsonform is missing."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

import pytest
from django.forms.models import inlineformset_factory
from django.test import modify_settings

from rules_engine.actions import all_actions
from rules_engine.admin import configs
from rules_engine.admin.forms import ConfigField, RuleActionForm
from rules_engine.admin.widgets import ConfigText, DrawnConfig, config_widget
from rules_engine.models import Rule, RuleAction


def test_widget_is_drawn_where_the_app_is_installed() -> None:
    """Its scripts are in the media, before the one that follows the kind."""
    widget = config_widget()

    assert isinstance(widget, DrawnConfig)
    scripts = str(widget.media["js"])
    assert 0 < scripts.index("django_jsonform/index.js") < scripts.index("rules_engine/actions.js")


def test_drawn_widget_has_no_inline_style_or_script() -> None:
    """A content security policy without exceptions lets it through."""
    field = ConfigField()
    field.follow("log", {}, kept=False)

    html = str(field.widget.render("config", field.prepare_value({}), {"id": "id_config"}))

    assert "style=" not in html
    assert "<script" not in html
    assert "<textarea hidden" in html


@pytest.mark.parametrize("posted", ["", "{bad", "[1]", "null"])
def test_drawn_widget_survives_what_is_not_an_object(posted: str) -> None:
    """The script is never given what it cannot parse."""
    field = ConfigField()
    field.follow("log", {}, kept=False)

    html = field.widget.render("config", posted, {"id": "id_config"})

    assert "&quot;data&quot;: &quot;{}&quot;" in html


@pytest.mark.parametrize("kind", [kind for kind, _ in all_actions()])
def test_every_kind_can_be_drawn(kind: str) -> None:
    """The blank configuration has every field, and each has a type that the widget knows."""
    schema = configs.drawn(kind)

    assert set(configs.filled(kind, {})) == set(schema["keys"])
    assert json.loads(json.dumps(schema)) == schema
    for member in schema["keys"].values():
        assert "type" in member
        assert "description" not in member


def test_schema_is_a_fresh_copy_each_time() -> None:
    """The library changes the schemas it is given."""
    configs.drawn("log")["keys"].clear()

    assert configs.drawn("log")["keys"]
    configs.drawn("")["keys"]["x"] = 1
    assert configs.drawn("")["keys"] == {}


def test_missing_optional_keys_are_shown_and_not_stored() -> None:
    """An action that was saved through the API without them is drawn whole, and stays as it is."""
    field = ConfigField()
    stored = {"message": "x"}
    field.follow("log", stored, kept=False)

    shown = field.prepare_value(stored)

    assert json.loads(shown) == {"message": "x", "level": "info", "logger": "rules_engine.log"}
    assert not field.has_changed(stored, shown)
    assert field.clean(shown) == stored


def test_emptied_number_means_the_default() -> None:
    """The widget posts null for an empty number field."""
    field = ConfigField()
    field.follow("webhook", {}, kept=False)

    assert field.clean('{"url": "https://example.com/", "timeout_seconds": null}') == {"url": "https://example.com/"}


@modify_settings(INSTALLED_APPS={"remove": "django_jsonform"})
def test_plain_text_where_the_app_is_not_installed() -> None:
    """JSON is typed; messages name the key; a kind that is not installed cannot be typed into."""

    class PlainForm(RuleActionForm):
        config = ConfigField()

    rows = inlineformset_factory(Rule, RuleAction, form=PlainForm, extra=1)
    data: dict[str, Any] = {
        "actions-TOTAL_FORMS": "1",
        "actions-INITIAL_FORMS": "0",
        "actions-0-kind": "log",
        "actions-0-on_error": "continue",
        "actions-0-config": '{"message": ""}',
    }

    assert isinstance(config_widget(), ConfigText)
    bad = rows(data)
    assert not bad.is_valid()
    assert bad.errors == [{"config": ["message: must not be empty."]}]
    assert rows({**data, "actions-0-config": '{"message": "x"}'}).is_valid()
    assert not rows({**data, "actions-0-config": ""}).is_valid()
    assert "message is required." in str(rows({**data, "actions-0-config": ""}).errors)
    kept = PlainForm(instance=RuleAction(pk=1, kind="slack", config={"a": 1}))
    assert "readonly" in str(kept["config"])


def test_admin_works_where_the_library_is_missing() -> None:
    """Nothing but one file knows the library, and that file does without it."""
    script = """
import sys
sys.modules["django_jsonform"] = None
from tests import settings
settings.INSTALLED_APPS.remove("django_jsonform")
import django
django.setup()
from rules_engine.admin.forms import RuleActionForm
print(type(RuleActionForm().fields["config"].widget).__name__, RuleActionForm().media)
"""
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", script],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        env=_environment(),
    )

    assert done.stderr == ""
    assert done.stdout.startswith("ConfigText")
    assert "rules_engine/actions.js" in done.stdout
    assert "django_jsonform" not in done.stdout


def _environment() -> dict[str, str]:
    import os

    return {**os.environ, "DJANGO_SETTINGS_MODULE": "tests.settings"}
