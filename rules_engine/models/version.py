"""What a rule looked like after each change, and the token that tells processes that rules changed."""

from __future__ import annotations

import secrets
from typing import Any

from django.conf import settings
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _


class RuleVersion(models.Model):
    """An immutable snapshot of a rule and its actions, one for each change."""

    class Change(models.TextChoices):
        CREATED = "created", _("created")
        CHANGED = "changed", _("changed")
        DELETED = "deleted", _("deleted")

    rule = models.ForeignKey(
        "rules_engine.Rule", on_delete=models.SET_NULL, null=True, related_name="versions", verbose_name=_("rule")
    )
    rule_slug = models.CharField(_("slug of the rule"), max_length=100, db_index=True)
    number = models.PositiveIntegerField(_("version"))
    change = models.CharField(_("change"), max_length=10, choices=Change)
    snapshot = models.JSONField(_("rule and actions"))
    created_at = models.DateTimeField(_("when"), default=timezone.now)
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.SET_NULL,
        null=True,
        related_name="+",
        verbose_name=_("who"),
    )

    class Meta:
        ordering = ["-created_at", "-id"]
        default_permissions = ("view",)
        verbose_name = _("version of a rule")
        verbose_name_plural = _("versions of rules")

    def __str__(self) -> str:
        return f"{self.rule_slug} v{self.number}"


class RuleSetToken(models.Model):
    """One row whose random token changes in the transaction of every change of rules.

    A process that holds another token loads the rules again. It is random rather than a counter, so that a
    restored backup or a rolled-back test cannot make an old state look new.
    """

    token = models.CharField(max_length=32)

    class Meta:
        default_permissions = ()
        verbose_name = _("token of the rule set")
        verbose_name_plural = _("tokens of the rule set")

    def __str__(self) -> str:
        return self.token

    @classmethod
    def renew(cls, using: str) -> None:
        """Write a fresh token; the row is made where a new or flushed database has none."""
        token = secrets.token_hex(16)
        rows: Any = cls.objects.using(using)
        if not rows.filter(pk=1).update(token=token):
            rows.update_or_create(pk=1, defaults={"token": token})

    @classmethod
    def current(cls, using: str) -> str:
        """The token in force; empty where rules were never changed."""
        return cls.objects.using(using).filter(pk=1).values_list("token", flat=True).first() or ""
