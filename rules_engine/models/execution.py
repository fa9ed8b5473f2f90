"""Events, executions and attempts: the history, and at the same time the outbox."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from rules_engine.events import new_id
from rules_engine.models.fields import JSONTextField


class Event(models.Model):
    """One signal emission that matched at least one rule (or raised in one), frozen."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    signal = models.CharField(_("signal"), max_length=100)
    sender = models.CharField(_("sender"), max_length=200, blank=True)
    object_id = models.CharField(_("object"), max_length=255, blank=True)
    data = JSONTextField(_("data"))
    created_at = models.DateTimeField(_("when"), default=timezone.now, db_index=True)
    cause = models.ForeignKey(
        "rules_engine.Execution",
        on_delete=models.SET_NULL,
        null=True,
        blank=True,
        related_name="caused_events",
        verbose_name=_("caused by"),
    )

    class Meta:
        ordering = ["-id"]
        default_permissions = ("view", "delete")
        indexes = [models.Index(fields=["sender", "object_id"], name="rules_event_object")]
        verbose_name = _("event")
        verbose_name_plural = _("events")

    def __str__(self) -> str:
        about = " ".join(part for part in (self.sender, self.object_id) if part)
        return f"{self.signal} {about}".strip()


class Reason(models.TextChoices):
    """Why an execution is in its state, as a word for filters; the label is the sentence for people."""

    LOOP = "loop", _("The rule ran for this object already in the same chain of causes.")
    DEPTH = "depth", _("The chain of causes is longer than MAX_DEPTH.")
    CONDITION_ERROR = "condition_error", _("The condition could not be evaluated.")
    NO_ACTIONS = "no_actions", _("The rule matched but has no action that is switched on.")
    RULE_OFF = "rule_off", _("The rule was switched off before this ran.")
    RULE_SHADOW = "rule_shadow", _("The rule was set to shadow mode before this ran.")
    RULE_DELETED = "rule_deleted", _("The rule was deleted before this ran.")
    ACTION_OFF = "action_off", _("The action was switched off before this ran.")
    ACTION_REMOVED = "action_removed", _("The action was removed from the rule before this ran.")
    PREDECESSOR_FAILED = "predecessor_failed", _("An action before it failed and is set to stop the others.")
    NOT_INSTALLED = "not_installed", _("No app that is installed provides this kind of action.")
    CONFIG_INVALID = "config_invalid", _("The configuration of the action does not fit its schema.")
    REFUSED = "refused", _("The action failed in a way that another try would not mend.")
    EXHAUSTED = "exhausted", _("Every attempt of the schedule failed.")
    LEASE_EXPIRED = "lease_expired", _("The worker that ran it did not come back, and no attempt is left.")


class ExecutionQuerySet(models.QuerySet["Execution"]):
    """Executions by state; every change of state is one UPDATE that names the state it expects."""

    def due(self, now: datetime) -> ExecutionQuerySet:
        """Pending ones whose time has come."""
        return self.filter(state=Execution.State.PENDING, due_at__lte=now)

    def expired(self, now: datetime) -> ExecutionQuerySet:
        """Claimed ones whose worker did not come back."""
        return self.filter(state=Execution.State.CLAIMED, lease_until__lt=now)

    def held_by(self, token: UUID | None) -> ExecutionQuerySet:
        """Those that a claim still owns."""
        return self.filter(state=Execution.State.CLAIMED, claim_token=token)

    def unfinished(self) -> ExecutionQuerySet:
        """The outbox: all that still has to run."""
        return self.filter(state__in=Execution.UNFINISHED)

    def cancel_pending(self, reason: Reason) -> int:
        """Cancel those that no worker holds; returns how many."""
        return self.filter(state=Execution.State.PENDING).update(
            state=Execution.State.CANCELLED,
            reason=reason,
            note=reason.label,
            finished_at=timezone.now(),
            due_at=None,
        )


class Execution(models.Model):
    """One action of one rule for one event: the unit of history, retry and idempotency.

    Indexes serve the claim, ``state = 'pending' AND due_at <= now ORDER BY due_at``, and the lists of the admin and
    the API. A pending one without ``due_at`` waits for the action before it.
    """

    class State(models.TextChoices):
        PENDING = "pending", _("pending")
        CLAIMED = "claimed", _("claimed")
        SUCCEEDED = "succeeded", _("succeeded")
        FAILED = "failed", _("failed")
        CANCELLED = "cancelled", _("cancelled")
        SKIPPED = "skipped", _("skipped")
        SHADOW = "shadow", _("shadow: nothing sent")

    UNFINISHED = (State.PENDING, State.CLAIMED)

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    event = models.ForeignKey(Event, on_delete=models.CASCADE, related_name="executions", verbose_name=_("event"))
    rule = models.ForeignKey(
        "rules_engine.Rule",
        on_delete=models.SET_NULL,
        null=True,
        related_name="executions",
        verbose_name=_("rule"),
    )
    action = models.ForeignKey(
        "rules_engine.RuleAction",
        on_delete=models.SET_NULL,
        null=True,
        related_name="executions",
        verbose_name=_("action"),
    )
    rule_slug = models.CharField(_("slug of the rule"), max_length=100, db_index=True)
    rule_name = models.CharField(_("name of the rule"), max_length=200)
    action_kind = models.CharField(_("kind of action"), max_length=100, blank=True)
    position = models.PositiveSmallIntegerField(_("position"), default=0)
    priority = models.IntegerField(_("priority"), default=100)
    state = models.CharField(_("state"), max_length=10, choices=State, default=State.PENDING)
    due_at = models.DateTimeField(_("due"), null=True, blank=True)
    lease_until = models.DateTimeField(_("lease until"), null=True, blank=True)
    claim_token = models.UUIDField(_("claim"), null=True, blank=True, db_index=True)
    attempts_made = models.PositiveSmallIntegerField(_("attempts"), default=0)
    reason = models.CharField(_("reason"), max_length=50, blank=True)
    note = models.CharField(_("note"), max_length=500, blank=True)
    finished_at = models.DateTimeField(_("finished"), null=True, blank=True)

    objects = ExecutionQuerySet.as_manager()

    class Meta:
        ordering = ["-event_id", "priority", "position"]
        default_permissions = ("view", "delete")
        permissions = [("retry_execution", _("Can retry executions"))]
        indexes = [
            models.Index(fields=["state", "due_at"], name="rules_execution_due"),
            models.Index(fields=["state", "finished_at"], name="rules_execution_finished"),
            models.Index(fields=["rule", "state"], name="rules_execution_rule"),
        ]
        verbose_name = _("execution")
        verbose_name_plural = _("executions")

    def __str__(self) -> str:
        return f"{self.rule_name}: {self.action_kind or _('no action')}"

    @property
    def is_finished(self) -> bool:
        """Whether only a person can move it from here."""
        return self.state not in self.UNFINISHED


class Attempt(models.Model):
    """One try of an execution."""

    class Outcome(models.TextChoices):
        SUCCEEDED = "succeeded", _("succeeded")
        RETRY = "retry", _("failed, tried again later")
        FAILED = "failed", _("failed for good")

    execution = models.ForeignKey(
        Execution, on_delete=models.CASCADE, related_name="attempts", verbose_name=_("execution")
    )
    number = models.PositiveSmallIntegerField(_("number"))
    rule_version = models.PositiveIntegerField(_("version of the rule"), null=True)
    started_at = models.DateTimeField(_("started"))
    duration_ms = models.PositiveIntegerField(_("milliseconds"))
    outcome = models.CharField(_("outcome"), max_length=10, choices=Outcome)
    error = models.TextField(_("error"), blank=True)
    detail = JSONTextField(_("detail"), default=dict)

    class Meta:
        ordering = ["number"]
        default_permissions = ("view",)
        constraints = [models.UniqueConstraint(fields=["execution", "number"], name="rules_attempt_number")]
        verbose_name = _("attempt")
        verbose_name_plural = _("attempts")

    def __str__(self) -> str:
        return f"{self.execution_id} #{self.number}"

    @property
    def summary(self) -> str:
        """The line that the action returned, if it succeeded; else the error."""
        detail: Any = self.detail
        return self.error or (detail.get("result", "") if isinstance(detail, dict) else "")
