"""Rules and their ordered actions."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import chain, count
from typing import Any, cast

from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import models
from django.db.models.signals import post_save
from django.dispatch import receiver
from django.utils import timezone
from django.utils.text import slugify
from django.utils.translation import gettext_lazy as _

from rules_engine.models.changes import Changes, announce_changes, recording
from rules_engine.models.validation import action_problems, rule_problems


class RuleQuerySet(models.QuerySet["Rule"]):
    """Rules; bulk operations count as changes like any other."""

    def listening(self) -> RuleQuerySet:
        """Those that take part: not switched off, in the order in which they run."""
        return self.exclude(mode=Rule.Mode.OFF).order_by("priority", "name", "pk")

    def update(self, **values: Any) -> int:
        with recording(using=self.db) as changes:
            ids = list(self.values_list("pk", flat=True))
            rows = super().update(**values)
            changes.changed(ids)
        return rows

    update.alters_data = True  # type: ignore[attr-defined]

    def update_quietly(self, **values: Any) -> int:
        """Write bookkeeping (``version``, ``problem``) that is not a change of the rule."""
        return super().update(**values)

    update_quietly.alters_data = True  # type: ignore[attr-defined]

    def delete(self) -> tuple[int, dict[str, int]]:
        with recording(using=self.db) as changes:
            changes.deleting(self.prefetch_related("actions"))
            return super().delete()

    delete.alters_data = True  # type: ignore[attr-defined]
    delete.queryset_only = True  # type: ignore[attr-defined]

    def bulk_create(self, objs: Iterable[Rule], *args: Any, **kwargs: Any) -> list[Rule]:
        rules = list(objs)
        with recording(using=self.db) as changes:
            for number, rule in enumerate(rules):
                rule.prepare(changes.by, taken=[other.slug for other in rules[:number]])
            # MySQL tells no keys of bulk inserts; slugs are unique.
            stored = self.model._default_manager.using(self.db).filter(slug__in=[rule.slug for rule in rules])
            updated = set(stored.values_list("pk", flat=True))  # with update_conflicts
            made = super().bulk_create(rules, *args, **kwargs)
            changes.changed(updated)
            for rule in stored.exclude(pk__in=updated):
                changes.created(rule)
        return made


class Rule(models.Model):
    """When ``signal`` is sent by ``sender`` and ``condition`` holds, run the actions."""

    class Mode(models.TextChoices):
        OFF = "off", _("Off")
        SHADOW = "shadow", _("Shadow: records what it would do, sends nothing")
        LIVE = "live", _("Live")

    name = models.CharField(_("name"), max_length=200)
    slug = models.SlugField(
        _("slug"),
        max_length=100,
        unique=True,
        blank=True,
        help_text=_("Stable identifier for the API and for files; made from the name if left empty."),
    )
    description = models.TextField(_("description"), blank=True)
    mode = models.CharField(_("mode"), max_length=10, choices=Mode, default=Mode.SHADOW)
    signal = models.CharField(_("signal"), max_length=100, help_text=_("What the rule listens to."))
    sender = models.CharField(
        _("sender"),
        max_length=200,
        blank=True,
        help_text=_("Who sends it, such as a model; empty is any sender that rules may listen to."),
    )
    condition = models.TextField(
        _("condition"),
        blank=True,
        help_text=_("JMESPath over the event, such as instance.status == 'paid'. Empty is always."),
    )
    priority = models.IntegerField(
        _("priority"), default=100, help_text=_("Lower numbers run first; rules of equal priority by name.")
    )
    stop_on_match = models.BooleanField(
        _("stop on match"),
        default=False,
        help_text=_("When this live rule matches, rules after it do not see the event."),
    )
    version = models.PositiveIntegerField(_("version"), default=1, editable=False)
    problem = models.TextField(_("problem"), blank=True, editable=False)
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.SET_NULL,
        null=True,
        blank=True,
        editable=False,
        related_name="+",
        verbose_name=_("created by"),
    )
    updated_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.SET_NULL,
        null=True,
        blank=True,
        editable=False,
        related_name="+",
        verbose_name=_("changed by"),
    )
    created_at = models.DateTimeField(_("created"), default=timezone.now, editable=False)
    updated_at = models.DateTimeField(_("changed"), default=timezone.now, editable=False)

    objects = RuleQuerySet.as_manager()

    class Meta:
        ordering = ["priority", "name", "pk"]
        indexes = [models.Index(fields=["signal", "sender"], name="rules_rule_signal")]
        constraints = [
            models.CheckConstraint(condition=models.Q(mode__in=["off", "shadow", "live"]), name="rules_rule_mode")
        ]
        verbose_name = _("rule")
        verbose_name_plural = _("rules")

    def __str__(self) -> str:
        return self.name

    def save(self, *args: Any, **kwargs: Any) -> None:
        """Write the rule as one change; raises StaleRule if somebody else changed it since it was read."""
        with recording(using=kwargs.get("using")) as changes:
            if self._state.adding:
                self.prepare(changes.by)
                super().save(*args, **kwargs)
                changes.created(self)
                return
            changes.claim(self)
            self.updated_at = timezone.now()
            if kwargs.get("update_fields") is not None:
                kwargs["update_fields"] = {*kwargs["update_fields"], "version", "updated_at", "updated_by"}
            super().save(*args, **kwargs)

    def delete(self, *args: Any, **kwargs: Any) -> tuple[int, dict[str, int]]:
        with recording(using=kwargs.get("using")) as changes:
            changes.deleting([self])
            return super().delete(*args, **kwargs)

    def clean(self) -> None:
        """Check signal, sender and condition; raises ValidationError with one message for each field."""
        super().clean()
        problems = rule_problems(self)
        if problems:
            raise ValidationError(problems)

    def prepare(self, by: Any, taken: Iterable[str] = ()) -> None:
        """Give a new rule a slug, none of those ``taken``, and the user ``by`` who makes it."""
        self.fill_slug(taken)
        if by is not None:
            self.created_by = self.created_by or by
            self.updated_by = by

    def fill_slug(self, taken: Iterable[str] = ()) -> None:
        """Make a free slug from the name, where there is none yet."""
        if self.slug:
            return
        base = slugify(self.name)[:90] or "rule"
        stored = type(self).objects.filter(slug__startswith=base).values_list("slug", flat=True)
        others = {*stored, *taken}
        numbered = (f"{base}-{number}" for number in count(2))
        self.slug = next(slug for slug in chain([base], numbered) if slug not in others)

    def snapshot(self) -> dict[str, Any]:
        """The rule and its actions as plain data, for ``RuleVersion`` and exports."""
        fields = (
            "name",
            "slug",
            "description",
            "mode",
            "signal",
            "sender",
            "condition",
            "priority",
            "stop_on_match",
        )
        actions = sorted(self.actions.all(), key=lambda action: (action.position, action.pk))
        return {
            **{name: getattr(self, name) for name in fields},
            "actions": [action.snapshot() for action in actions],
        }


class RuleActionQuerySet(models.QuerySet["RuleAction"]):
    """Actions of rules; a change of an action is a change of its rule."""

    def update(self, **values: Any) -> int:
        with recording(using=self.db) as changes:
            ids = set(self.values_list("rule_id", flat=True))
            rows = super().update(**values)
            changes.changed(ids)
        return rows

    update.alters_data = True  # type: ignore[attr-defined]

    def delete(self) -> tuple[int, dict[str, int]]:
        with recording(using=self.db) as changes:
            ids = set(self.values_list("rule_id", flat=True))
            result = super().delete()
            changes.changed(ids)
        return result

    delete.alters_data = True  # type: ignore[attr-defined]
    delete.queryset_only = True  # type: ignore[attr-defined]

    def bulk_create(self, objs: Iterable[RuleAction], *args: Any, **kwargs: Any) -> list[RuleAction]:
        actions = list(objs)
        with recording(using=self.db) as changes:
            for number, action in enumerate(actions, start=1):
                if cast("int | None", action.position) is None:
                    action.position = number
            made = super().bulk_create(actions, *args, **kwargs)
            changes.changed({action.rule_id for action in actions})
        return made


class RuleAction(models.Model):
    """One action of a rule: a kind of the registry and its configuration."""

    class OnError(models.TextChoices):
        CONTINUE = "continue", _("Continue with the next action")
        STOP = "stop", _("Stop: the actions after it wait for its success")

    rule = models.ForeignKey(Rule, on_delete=models.CASCADE, related_name="actions", verbose_name=_("rule"))
    position = models.PositiveSmallIntegerField(_("position"), blank=True)
    kind = models.CharField(_("kind"), max_length=100)
    config = models.JSONField(_("configuration"), default=dict, blank=True)
    on_error = models.CharField(_("on error"), max_length=10, choices=OnError, default=OnError.CONTINUE)
    enabled = models.BooleanField(_("enabled"), default=True)

    objects = RuleActionQuerySet.as_manager()

    class Meta:
        ordering = ["position", "pk"]
        default_permissions = ()
        verbose_name = _("action")
        verbose_name_plural = _("actions")

    def __str__(self) -> str:
        return f"{self.position}. {self.kind}"

    def save(self, *args: Any, **kwargs: Any) -> None:
        """Write the action as a change of its rule; a position is given to one that has none."""
        with recording(using=kwargs.get("using")) as changes:
            self._touch_rule(changes)
            if cast("int | None", self.position) is None:
                last = self.rule.actions.aggregate(last=models.Max("position"))["last"]
                self.position = (last or 0) + 1
            super().save(*args, **kwargs)

    def delete(self, *args: Any, **kwargs: Any) -> tuple[int, dict[str, int]]:
        with recording(using=kwargs.get("using")) as changes:
            self._touch_rule(changes)
            return super().delete(*args, **kwargs)

    def clean(self) -> None:
        """Check kind and configuration; raises ValidationError with one message for each field."""
        super().clean()
        problems = action_problems(self)
        if problems:
            raise ValidationError(problems)

    def _touch_rule(self, changes: Changes) -> None:
        if RuleAction.rule.is_cached(self):
            changes.touch(self.rule)
        else:
            changes.changed([self.rule_id])

    def snapshot(self) -> dict[str, Any]:
        """The action as plain data."""
        fields = ("position", "kind", "config", "on_error", "enabled")
        return {name: getattr(self, name) for name in fields}


@receiver(post_save, sender=Rule, dispatch_uid="rules_engine.fixture_of_rule")
@receiver(post_save, sender=RuleAction, dispatch_uid="rules_engine.fixture_of_action")
def _announce_fixture(*, raw: bool = False, using: str, **kwargs: Any) -> None:
    """Announce rules that ``loaddata`` writes past ``save()``; a fixture brings its own versions with it."""
    if raw:
        announce_changes(using)
