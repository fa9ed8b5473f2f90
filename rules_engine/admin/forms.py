"""The forms of a rule and of its actions; what is valid, the models say."""

from __future__ import annotations

import copy
import json
from collections.abc import Mapping
from functools import cached_property
from typing import TYPE_CHECKING, Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from rules_engine.actions import all_actions, build_action
from rules_engine.admin import configs
from rules_engine.admin.choices import sender_widget, signal_choices
from rules_engine.admin.display import clock, kind_title, not_installed
from rules_engine.admin.widgets import ConfigText, DrawnConfig, config_widget
from rules_engine.catalog import get_signal, resolve_sender
from rules_engine.exceptions import ConfigInvalid, StaleRule, UnknownKey
from rules_engine.models import Rule, RuleAction

if TYPE_CHECKING:
    RuleModelForm = forms.ModelForm[Rule]
    ActionModelForm = forms.ModelForm[RuleAction]
else:
    RuleModelForm = ActionModelForm = forms.ModelForm


class EditedVersion(forms.IntegerField):
    """The version of the rule that the form was opened with; no change of the rule by itself."""

    def __init__(self) -> None:
        super().__init__(required=False, widget=forms.HiddenInput)

    def has_changed(self, initial: Any, data: Any) -> bool:
        return False


class RuleForm(RuleModelForm):
    """A rule without its actions.

    ``stale`` and ``copying`` are set on the class that the admin makes for one request: that the rule was changed
    while this form was being saved, and that the form is saved as a new rule.
    """

    edited_version = EditedVersion()
    stale: StaleRule | None = None
    copying = False
    is_stale = False

    class Meta:
        model = Rule
        fields = "__all__"
        widgets = {
            "condition": forms.Textarea(
                attrs={"rows": 3, "cols": 80, "class": "rules-code", "spellcheck": "false", "autocapitalize": "off"}
            ),
            "description": forms.Textarea(attrs={"rows": 2, "cols": 80, "class": "vLargeTextField"}),
        }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if self.instance.pk:
            self.fields["edited_version"].initial = self.instance.version
        if "signal" in self.fields:
            self.fields["signal"].widget = forms.Select(choices=signal_choices(self._shown("signal")))
        if "sender" in self.fields:
            self.fields["sender"].widget = sender_widget(self._shown("signal"), self._shown("sender"))
        if "condition" in self.fields:
            self.fields["condition"].strip = False  # type: ignore[attr-defined]

    def _shown(self, name: str) -> str:
        """The value with which a field is shown: what was posted, or what is stored."""
        if self.is_bound:
            return str(self.data.get(self.add_prefix(name)) or "")
        return str(self.get_initial_for_field(self.fields[name], name) or "")

    def clean_slug(self) -> str:
        """A copy gets a slug of its own."""
        slug: str = self.cleaned_data["slug"]
        return "" if self.copying and Rule.objects.filter(slug=slug).exists() else slug

    def clean_name(self) -> str:
        """A copy can be told from the rule it was made from."""
        name: str = self.cleaned_data["name"]
        if self.copying and Rule.objects.filter(name=name).exists():
            return _("%(name)s (copy)") % {"name": name[:180]}
        return name

    def clean_mode(self) -> str:
        """A copy sends nothing before somebody has looked at it."""
        return str(Rule.Mode.SHADOW) if self.copying else self.cleaned_data["mode"]

    def clean(self) -> dict[str, Any] | None:
        """Refuse to overwrite what somebody else has saved since the form was opened."""
        cleaned = super().clean()
        edited = self.cleaned_data.get("edited_version")
        error = self.stale
        if error is None and self.instance.pk and edited is not None and edited != self.instance.version:
            error = StaleRule(self.instance.name, edited, self.instance.version)
        if error is not None:
            self.is_stale = True
            self.add_error(None, _conflict(self.instance, error))
        return cleaned

    def _post_clean(self) -> None:
        before = (self.instance.signal, self.instance.sender)
        found = _messages(self)
        super()._post_clean()  # type: ignore[misc]
        self.errors.update(found)
        # A rule whose signal or sender is gone can still be renamed or switched off; it stays quarantined.
        if self.instance.pk and (self.instance.signal, self.instance.sender) == before and not _installed(*before):
            for name in ("signal", "sender"):
                self.errors.pop(name, None)


def _conflict(rule: Rule, error: StaleRule) -> str:
    """Who was faster, and how to go on without losing what was typed; ``rule`` is as it was read for this request."""
    texts = (
        _("“%(rule)s” was changed by %(who)s at %(when)s."),
        _("You edited version %(edited)s, it is now at version %(now)s."),
        _("Nothing was saved, and what you typed is still below."),
        _("See above what was changed, then open the stored rule in a new tab and make your change there."),
    )
    values = {
        "rule": rule.name,
        "who": rule.updated_by or _("someone else"),
        "when": clock(rule.updated_at),
        "edited": error.expected,
        "now": error.actual,
    }
    return " ".join(texts) % values


def _messages(form: forms.BaseForm) -> dict[str, Any]:
    """The messages of a form's own fields; the model repeats them in other words, which helps nobody."""
    return {name: copy.copy(messages) for name, messages in form.errors.items() if name in form.fields}


def _installed(signal: str, sender: str) -> bool:
    try:
        resolve_sender(get_signal(signal), sender)
    except UnknownKey:
        return False
    return True


class ConfigField(forms.JSONField):
    """The configuration of one action; the form it belongs to says which kind and what is stored."""

    widget: ConfigText | DrawnConfig

    default_error_messages = {
        "lost": gettext_lazy(
            "The configuration did not arrive: the fields of the action did not load, or scripts are switched off. "
            "Nothing was saved. Reload the page and try again."
        ),
        "not_object": gettext_lazy("The configuration must be a JSON object, such as {}."),
    }

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(required=False, widget=config_widget(), **kwargs)
        self.kind = ""
        self.stored: Any = {}
        self.kept = False

    def follow(self, kind: str, stored: Any, *, kept: bool) -> None:
        """Show and check the configuration of this kind; ``kept`` means that what is stored must stay."""
        self.kind, self.stored, self.kept = kind, stored, kept
        self.widget.show(lambda: configs.drawn(kind, stored), readonly=kept)

    def bound_data(self, data: Any, initial: Any) -> Any:
        """What is shown of a posted form; where nothing arrived, what is stored."""
        return super().bound_data(data, initial) if data else self.stored

    def prepare_value(self, value: Any) -> Any:
        """JSON text, without secrets, with every key that can be set."""
        if isinstance(value, forms.fields.InvalidJSONInput):
            return value
        if self.kept:
            return json.dumps(configs.as_texts(self.stored) if self.widget.draws else self.stored, indent=2)
        shown = configs.masked(self.kind, configs.filled(self.kind, value), mask="")
        return json.dumps(shown, indent=2, ensure_ascii=False)

    def clean(self, value: Any) -> Any:
        """Return the configuration to store; raises ValidationError where it is not an object."""
        if self.kept:
            return self.stored
        config = super().clean(value)
        if config is None:
            # The script of the drawn fields always posts an object; a person may well leave a text empty.
            if self.kind and self.widget.draws:
                raise ValidationError(self.error_messages["lost"], code="lost")
            config = {}
        if not isinstance(config, dict):
            raise ValidationError(self.error_messages["not_object"], code="not_object")
        stored = self.stored if isinstance(self.stored, Mapping) else {}
        return configs.thinned(self.kind, configs.restored(self.kind, config, stored), stored)

    def has_changed(self, initial: Any, data: Any) -> bool:
        """Tell whether anything but the writing changed."""
        try:
            return bool(self.clean(data) != (self.stored or {}))
        except ValidationError:
            return True


class RuleActionForm(ActionModelForm):
    """One action of a rule."""

    config = ConfigField(label=gettext_lazy("Configuration"))

    class Meta:
        model = RuleAction
        fields = ("kind", "config", "on_error", "enabled", "position")
        help_texts = {
            "position": gettext_lazy("Lower numbers run first; empty is last."),
        }
        widgets = {"position": forms.NumberInput(attrs={"min": 1, "class": "rules-position"})}

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if "kind" in self.fields:
            self.fields["kind"].widget = forms.Select(choices=kind_choices(self.instance.kind))
        if isinstance(field := self.fields.get("config"), ConfigField):
            stored = self.instance.config if self._kind == self.instance.kind else {}
            field.follow(self._kind, stored, kept=self._kept)

    @property
    def _kind(self) -> str:
        """The kind that is chosen in the form as it is shown."""
        if self.is_bound:
            return str(self.data.get(self.add_prefix("kind")) or "")
        return self.instance.kind

    @cached_property
    def changed_data(self) -> list[str]:
        """A new row of which no kind was chosen is an empty one, whatever its drawn fields hold."""
        names: list[str] = super().changed_data
        return [] if names == ["config"] and not self.instance.pk and not self._kind else names

    @property
    def _kept(self) -> bool:
        """Whether this is a stored action of a kind that nobody provides, left as it is."""
        kind = self.instance.kind
        return bool(self.instance.pk) and kind == self._kind and configs.schema_of(kind) is None

    def _post_clean(self) -> None:
        found = _messages(self)
        super()._post_clean()  # type: ignore[misc]
        self.errors.update(found)
        if self._kept:
            self.errors.pop("kind", None)
        elif "kind" in found and "config" not in found:
            # Of a kind that is not chosen there is nothing to say.
            self.errors.pop("config", None)
        elif "config" in self.errors and "config" not in found:
            self._locate()

    def _locate(self) -> None:
        """Put each message where the person can mend it."""
        try:
            build_action(self.instance.kind, self.instance.config)
        except UnknownKey:
            return
        except ConfigInvalid as error:
            widget: Any = self.fields["config"].widget
            widget.locate([(path, _sentence(text)) for path, text in error.problems])
            if widget.draws and all(path for path, _text in error.problems):
                self.errors["config"] = self.error_class([_("Please correct the marked fields below.")])


def _sentence(text: str) -> str:
    # An address at the beginning stays as it was written.
    return text if "://" in text.partition(" ")[0] else text[:1].upper() + text[1:]


def kind_choices(stored: str) -> list[tuple[str, str]]:
    """Every kind that can be chosen, and the stored one even if nobody provides it any more."""
    known = [(kind, kind_title(kind)) for kind, _action in all_actions()]
    kept = [(stored, not_installed(stored))] if stored and stored not in dict(known) else []
    return [("", _("Choose what to do…")), *known, *kept]
