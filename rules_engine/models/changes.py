"""Every change of rules, however it is made, is recorded, counted and announced in its own transaction.

``recording()`` collects what one use case touches. Where nothing is recording, each ``save()``, ``delete()`` and
queryset operation records itself. At the end, still inside the transaction: one ``RuleVersion`` for each rule,
executions of rules that no longer run are cancelled, and the token is renewed. After commit, the signal
``rules_changed`` makes this process reload.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any

from django.db import connections, router, transaction
from django.db.models import F
from django.utils import timezone

from rules_engine.exceptions import StaleRule
from rules_engine.models.execution import Execution, Reason
from rules_engine.models.version import RuleSetToken, RuleVersion
from rules_engine.signals import rules_changed

if TYPE_CHECKING:
    from rules_engine.models.rule import Rule

_current: ContextVar[Changes | None] = ContextVar("rules_engine_changes", default=None)


class Changes:
    """The rules that one transaction has touched so far."""

    def __init__(self, using: str, by: Any) -> None:
        self.using, self.by = using, by
        self._touched: dict[int, str] = {}
        self._deleted = False
        self._made: list[Rule] = []
        self._bumped: list[tuple[Rule, int]] = []

    def created(self, rule: Rule) -> None:
        """Note a rule that was just inserted."""
        self._touched[rule.pk] = RuleVersion.Change.CREATED
        self._made.append(rule)

    def changed(self, ids: Iterable[int]) -> None:
        """Count up the version of rules whose caller does not know it (actions, bulk operations)."""
        fresh = [pk for pk in ids if pk not in self._touched]
        if fresh:
            self._rules().filter(pk__in=fresh).update_quietly(version=F("version") + 1, **self._stamp())
            self._touched.update(dict.fromkeys(fresh, RuleVersion.Change.CHANGED))

    def claim(self, rule: Rule) -> None:
        """Count up a rule's version if it is still the one this instance was read at; raises StaleRule."""
        if rule.pk in self._touched:
            self._claim_again(rule)
        elif not self._count_up(rule):
            raise StaleRule(self._stored_name(rule), rule.version, self._stored_version(rule))
        if self.by is not None:
            rule.updated_by = self.by

    def _claim_again(self, rule: Rule) -> None:
        """Bring an instance to the version that another change of this transaction has counted up already."""
        actual = self._stored_version(rule)
        if rule.version == actual:
            return
        counted = self._touched[rule.pk] == RuleVersion.Change.CHANGED
        if not counted or actual is None or rule.version != actual - 1:
            raise StaleRule(rule.name, rule.version, actual)
        self._bumped.append((rule, rule.version))
        rule.version = actual

    def _count_up(self, rule: Rule) -> bool:
        rows = self._rules().filter(pk=rule.pk, version=rule.version)
        if not rows.update_quietly(version=rule.version + 1, **self._stamp()):
            return False
        self._touched[rule.pk] = RuleVersion.Change.CHANGED
        self._bumped.append((rule, rule.version))
        rule.version += 1
        return True

    def _stored_name(self, rule: Rule) -> str:
        """The name that others know: the instance may hold a new one that is not saved."""
        return self._rules().filter(pk=rule.pk).values_list("name", flat=True).first() or rule.name

    def _stored_version(self, rule: Rule) -> int | None:
        found: int | None = self._rules().filter(pk=rule.pk).values_list("version", flat=True).first()
        return found

    def touch(self, rule: Rule) -> None:
        """Count up the version of a rule whose action changes, in this instance too if it is up to date.

        Not checked like ``claim``: adding an action overwrites nothing of the rule itself.
        """
        if rule.pk not in self._touched and not self._count_up(rule):
            self.changed([rule.pk])

    def deleting(self, rules: Iterable[Rule]) -> None:
        """Record rules that are about to be deleted: their last version, their executions cancelled."""
        rules = list(rules)
        ids = [rule.pk for rule in rules]
        self._deleted = self._deleted or bool(ids)
        self._executions(ids).cancel_pending(Reason.RULE_DELETED)
        self._record(rules, dict.fromkeys(ids, RuleVersion.Change.DELETED), step=1)
        for pk in ids:
            self._touched.pop(pk, None)

    def finish(self) -> None:
        """Write the versions, cancel what must not run, renew the token; called inside the transaction."""
        if not self._touched and not self._deleted:
            return
        rules = list(self._rules().filter(pk__in=self._touched).prefetch_related("actions"))
        self._record(rules, self._touched)
        for mode, reason in (("off", Reason.RULE_OFF), ("shadow", Reason.RULE_SHADOW)):
            stopped = [rule.pk for rule in rules if rule.mode == mode]
            if stopped:
                self._executions(stopped).cancel_pending(reason)
        announce_changes(self.using)

    def restore(self) -> None:
        """Give instances back what they were before a failure, so that they can be corrected and saved again."""
        for rule, version in self._bumped:
            rule.version = version
        for rule in self._made:
            rule.pk, rule._state.adding = None, True

    def _record(self, rules: list[Rule], changes: dict[int, str], step: int = 0) -> None:
        RuleVersion.objects.using(self.using).bulk_create(
            [
                RuleVersion(
                    rule_id=rule.pk,
                    rule_slug=rule.slug,
                    number=rule.version + step,
                    change=changes[rule.pk],
                    snapshot=rule.snapshot(),
                    created_by=self.by or rule.updated_by,
                )
                for rule in rules
            ]
        )

    def _stamp(self) -> dict[str, Any]:
        stamp: dict[str, Any] = {"updated_at": timezone.now()}
        if self.by is not None:
            stamp["updated_by"] = self.by
        return stamp

    def _rules(self) -> Any:
        from rules_engine.models.rule import Rule  # the two files describe one table: rule.py imports this one

        return Rule.objects.using(self.using)

    def _executions(self, rule_ids: list[int]) -> Any:
        return Execution.objects.using(self.using).filter(rule_id__in=rule_ids)


@contextmanager
def recording(by: Any = None, using: str | None = None) -> Iterator[Changes]:
    """Make the changes of the block one change: one transaction, one version of each rule, one reload.

    ``by`` is the user who makes it. Blocks may be nested: the outermost is the change, by the first user named.
    """
    outer = _current.get()
    if outer is not None:
        outer.by = outer.by or by
        yield outer
        return
    alias = using or write_alias()
    changes = Changes(alias, by)
    with transaction.atomic(using=alias):
        reset = _current.set(changes)
        try:
            yield changes
            changes.finish()
        except BaseException:
            changes.restore()
            raise
        finally:
            _current.reset(reset)


def is_recording() -> bool:
    """Tell whether a change of rules is being made here that is not finished, and may be rolled back."""
    return _current.get() is not None


def write_alias() -> str:
    """Alias of the database that holds the rules."""
    return router.db_for_write(RuleSetToken)


def announce_changes(using: str) -> None:
    """Renew the token in the open transaction, and have this process reload once it is committed."""
    RuleSetToken.renew(using)
    if not any(hook is announce for _, hook, *_ in connections[using].run_on_commit):
        transaction.on_commit(announce, using=using)


def announce() -> None:
    """Tell this process that rules changed; its presence among a connection's hooks marks uncommitted changes."""
    rules_changed.send_robust(sender=None)
