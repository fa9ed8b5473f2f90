"""Rules are saved with their actions as one change, and switched between their modes."""

from __future__ import annotations

from typing import Any

import pytest
from django.core.exceptions import ValidationError

from rules_engine import services
from rules_engine.exceptions import StaleRule
from rules_engine.models import Rule, RuleAction, RuleVersion
from tests.services.conftest import LOG, MAIL, a_rule, an_execution, saved

pytestmark = pytest.mark.django_db


class TestSaveRule:
    """Rule and actions as one change."""

    def test_new_rule_is_one_version_by_its_user(self, ada: Any) -> None:
        """The actions are numbered as they came."""
        rule = services.save_rule(
            rule=a_rule(), actions=[LOG, {**MAIL, "on_error": "stop", "enabled": False}], by=ada
        )

        assert [(item.position, item.kind, item.on_error, item.enabled) for item in rule.actions.all()] == [
            (1, "log", "continue", True),
            (2, "email", "stop", False),
        ]
        version = RuleVersion.objects.get()
        assert (version.change, version.created_by) == ("created", ada)
        assert len(version.snapshot["actions"]) == 2

    def test_action_that_stays_keeps_its_row(self) -> None:
        """Executions that wait for it still find it."""
        rule = saved(LOG, MAIL)
        before = {item.kind: item.pk for item in rule.actions.all()}

        services.save_rule(rule=rule, actions=[{"kind": "log", "config": {"message": "new"}}, MAIL], by=None)

        assert {item.kind: item.pk for item in rule.actions.all()} == before
        assert rule.actions.get(kind="log").config == {"message": "new"}
        assert rule.version == 2

    def test_action_of_another_kind_is_another_action(self) -> None:
        """What waited for the old one must not run the new one."""
        rule = saved(LOG, MAIL)
        before = {item.kind: item.pk for item in rule.actions.all()}

        services.save_rule(rule=rule, actions=[MAIL, LOG], by=None)

        after = {item.kind: (item.position, item.pk) for item in rule.actions.all()}
        assert {kind: position for kind, (position, _) in after.items()} == {"email": 1, "log": 2}
        assert not {pk for _, pk in after.values()} & set(before.values())

    def test_actions_that_are_left_out_are_removed(self) -> None:
        """And None leaves them as they are."""
        rule = saved(LOG, MAIL)

        services.save_rule(rule=rule, actions=None, by=None)
        assert rule.actions.count() == 2

        services.save_rule(rule=rule, actions=[LOG], by=None)
        assert [item.kind for item in rule.actions.all()] == ["log"]

    def test_everything_that_is_wrong_is_told_at_once_and_nothing_is_written(self) -> None:
        """By field for the rule, and by field for each action."""
        rule = a_rule(signal="post_savd", name="")

        with pytest.raises(services.RuleInvalid) as caught:
            services.save_rule(rule=rule, actions=[LOG, {"kind": "lgo", "config": {}}, {"kind": "log"}], by=None)

        error = caught.value
        assert isinstance(error, ValidationError)
        assert set(error.fields) == {"signal", "name"}
        assert [set(item) for item in error.actions] == [set(), {"kind"}, {"config"}]
        assert error.message_dict["actions"] == [
            "Action 2, kind: 'lgo' is not an action known here. Did you mean 'log'?",
            "Action 3, config: message is required.",
        ]
        assert not Rule.objects.exists()
        assert not RuleVersion.objects.exists()

    def test_invalid_change_leaves_the_stored_rule_as_it_was(self) -> None:
        """And the instance can be mended and saved."""
        rule = saved(LOG)
        rule.condition = "instance.nothing"

        with pytest.raises(services.RuleInvalid):
            services.save_rule(rule=rule, actions=[], by=None)

        assert Rule.objects.get().condition == ""
        assert rule.actions.count() == 1
        rule.condition = "instance.number"
        assert services.save_rule(rule=rule, actions=[LOG], by=None).version == 2

    def test_version_that_was_edited_is_compared(self) -> None:
        """The form or If-Match says which one it was; an older one is refused before anything is checked."""
        rule = saved(LOG)
        services.save_rule(rule=rule, actions=None, by=None)
        fresh = Rule.objects.get()
        fresh.name = ""

        with pytest.raises(StaleRule, match="you edited version 1, it is now at version 2"):
            services.save_rule(rule=fresh, actions=[LOG], by=None, version=1)

        fresh.name = "Paid"
        assert services.save_rule(rule=fresh, actions=[LOG], by=None, version=2).version == 3

    def test_stale_rule_changes_no_action(self) -> None:
        """Rule and actions are one change, or none."""
        rule = saved(LOG)
        Rule.objects.update(description="theirs")

        with pytest.raises(StaleRule):
            services.save_rule(rule=rule, actions=[MAIL], by=None)

        assert [item.kind for item in RuleAction.objects.all()] == ["log"]
        assert Rule.objects.get().description == "theirs"


class TestSetMode:
    """Off, shadow, live."""

    def test_only_what_changes_is_a_change(self, ada: Any) -> None:
        """One version for each of them, by the user who did it."""
        live, shadow = saved(LOG, name="a", mode="live"), saved(LOG, name="b")

        changed = services.set_mode(rules=[live, shadow], mode="live", by=ada)

        assert changed == [shadow]
        assert RuleVersion.objects.filter(change="changed").get().created_by == ada
        assert set(Rule.objects.values_list("mode", "version")) == {("live", 1), ("live", 2)}

    def test_stale_rule_changes_none_of_them(self) -> None:
        """All or nothing."""
        first, second = saved(LOG, name="a"), saved(LOG, name="b")
        Rule.objects.filter(pk=second.pk).update(description="theirs")

        with pytest.raises(StaleRule):
            services.set_mode(rules=[first, second], mode="live", by=None)

        assert set(Rule.objects.values_list("mode", flat=True)) == {"shadow"}

    def test_going_off_cancels_what_is_pending(self) -> None:
        """With the reason."""
        rule = saved(LOG, mode="live")
        execution = an_execution(rule)

        services.set_mode(rules=[rule], mode="off", by=None)

        execution.refresh_from_db()
        assert (execution.state, execution.reason) == ("cancelled", "rule_off")
