"""The widget of an action's configuration: django-jsonform where the site has it, else a plain textarea."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from typing import Any

from django import forms
from django.apps import apps

from rules_engine.admin.configs import Schema

try:
    from django_jsonform.utils import ErrorMap
    from django_jsonform.widgets import JSONFormWidget
except ImportError:  # it only draws the form; everything works without it
    ErrorMap, JSONFormWidget = dict, forms.Textarea

OUR_SCRIPT = "rules_engine/actions.js"
Problem = tuple[tuple[str | int, ...], str]


def config_widget() -> ConfigText | DrawnConfig:
    """The widget that this site can serve: its scripts are found only where the app is installed."""
    if JSONFormWidget is not forms.Textarea and apps.is_installed("django_jsonform"):
        return DrawnConfig()
    return ConfigText()


class ConfigText(forms.Textarea):
    """The configuration as JSON text."""

    draws = False

    def __init__(self) -> None:
        super().__init__(attrs={"rows": 8, "cols": 80, "class": "rules-code", "spellcheck": "false"})

    def show(self, schema: Callable[[], Schema], *, readonly: bool) -> None:
        """Nothing depends on the kind here; a configuration that may not be changed cannot be typed into."""
        if readonly:
            self.attrs["readonly"] = True

    def locate(self, problems: Sequence[Problem]) -> None:
        """Nothing: the messages above the field name the key."""

    @property
    def media(self) -> forms.Media:
        return forms.Media(js=[OUR_SCRIPT])


class DrawnConfig(JSONFormWidget):
    """The configuration as fields, drawn from the schema of its kind."""

    draws = True
    # Its own template hides the textarea with an inline style, which a content security policy refuses.
    template_name = "rules_engine/admin/config_widget.html"

    def __init__(self) -> None:
        super().__init__(schema={})
        self.readonly = False

    def show(self, schema: Callable[[], Schema], *, readonly: bool) -> None:
        """Draw this schema; a callable, because the library changes what it is given."""
        self.schema = schema
        self.readonly = readonly

    def locate(self, problems: Sequence[Problem]) -> None:
        """Show messages at the fields they are about."""
        errors = ErrorMap()
        for path, message in problems:
            if path:
                errors.append(path, message)
        self.error_map = errors

    def render(self, name: str, value: Any, attrs: Any = None, renderer: Any = None) -> Any:
        # "disabled" only tells the library to draw it read-only: our template posts the value all the same.
        attrs = {**(attrs or {}), **({"disabled": True} if self.readonly else {})}
        return super().render(name, _sound(value), attrs, renderer)

    def id_for_label(self, id_: str | None) -> str | None:
        # The textarea is hidden; the script names the group of drawn fields after the label instead.
        return None

    @property
    def media(self) -> forms.Media:
        library: forms.Media = super().media
        return library + forms.Media(js=["django_jsonform/index.js", OUR_SCRIPT])


def _sound(value: Any) -> str:
    """Text that the script can parse: what was posted, unless that is broken."""
    try:
        found = json.loads(value)
    except (TypeError, ValueError):
        return "{}"
    return json.dumps(found if isinstance(found, dict) else {})
