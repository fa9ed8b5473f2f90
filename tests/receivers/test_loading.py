"""Rules stay current in this process: on commit, never inside the transaction that changed them."""

from __future__ import annotations

import logging
from typing import Any

import pytest
from django.db import DatabaseError, connections, transaction

import rules_engine
from rules_engine import testing
from rules_engine.models import Event, Execution, Rule, RuleSetToken, recording
from rules_engine.receivers import book, loader
from tests.testapp.models import Order, Tag


def fires() -> bool:
    """Whether saving an order brings about an event."""
    before = Event.objects.count()
    Order.objects.create()
    return Event.objects.count() > before


@pytest.mark.django_db(transaction=True)
class TestOnCommit:
    """What a change does in its own process."""

    def test_rule_takes_effect_with_its_commit(self, make_rule: Any) -> None:
        """A new rule is in force after its commit, without any call."""
        make_rule(load=False)

        assert fires()

    def test_change_through_update_takes_effect(self, make_rule: Any) -> None:
        """QuerySet.update() counts as a change like save()."""
        make_rule(load=False)
        Rule.objects.update(mode="off")

        assert not fires()

    def test_rolled_back_change_does_not(self, make_rule: Any) -> None:
        """A rule that was rolled back was never in force."""
        with pytest.raises(ZeroDivisionError), transaction.atomic():
            make_rule(load=False)
            raise ZeroDivisionError

        assert not fires()

    def test_nothing_is_loaded_inside_the_transaction_that_changed_rules(self, make_rule: Any) -> None:
        """sync() inside the changing transaction does nothing; the commit loads."""
        with transaction.atomic():
            make_rule(load=False)
            assert rules_engine.sync() is False
            assert not fires()

        assert fires()

    def test_savepoint_that_rolls_back_a_change_allows_loading_again(self, make_rule: Any) -> None:
        """After the inner block with the change is rolled back, the transaction may load."""
        make_rule("Other", sender="testapp.tag", load=False)
        loader.clear()
        with transaction.atomic():
            with pytest.raises(ZeroDivisionError), transaction.atomic():
                make_rule(load=False)
                raise ZeroDivisionError
            assert rules_engine.sync() is True

    def test_sync_tells_whether_it_loaded(self, make_rule: Any) -> None:
        """A second sync finds the same token and loads nothing."""
        make_rule(load=False)
        loader.clear()

        assert [rules_engine.sync(), rules_engine.sync()] == [True, False]

    def test_token_of_another_process_is_noticed_at_the_interval(self, make_rule: Any, settings: Any) -> None:
        """A token that another process wrote is compared at the next event, at most once per interval."""
        rule = make_rule(load=False)
        settings.RULES_ENGINE = {**settings.RULES_ENGINE, "SYNC_INTERVAL_SECONDS": 0}
        Rule.objects.filter(pk=rule.pk).update_quietly(mode="off")  # another process's change …
        RuleSetToken.objects.update(token="another")  # … and its token

        assert not fires()

    def test_no_look_where_the_interval_is_none(self, make_rule: Any) -> None:
        """In a test run nobody looks: one added query would break hosts' query counts."""
        rule = make_rule(load=False)
        Rule.objects.filter(pk=rule.pk).update_quietly(mode="off")
        RuleSetToken.objects.update(token="another")

        assert fires()


@pytest.mark.django_db(transaction=True)
class TestInAHostsTransaction:
    """Looking for changed rules costs a host neither its transaction nor its time."""

    def test_failing_look_does_not_poison_it(self, make_rule: Any, monkeypatch: Any, settings: Any) -> None:
        """A look that fails in the database leaves the host's transaction usable, also on PostgreSQL."""
        make_rule(load=False)
        settings.RULES_ENGINE = {**settings.RULES_ENGINE, "SYNC_INTERVAL_SECONDS": 0}

        def fail(using: str) -> str:
            with connections[using].cursor() as cursor:
                cursor.execute("SELECT * FROM no_such_table")
            return ""

        monkeypatch.setattr(RuleSetToken, "current", fail)
        with transaction.atomic():
            Order.objects.create()
            Order.objects.create()

        assert Event.objects.count() == 2

    def test_findings_are_written_after_it(self, make_rule: Any, settings: Any) -> None:
        """A rule found broken inside a transaction that rolls back is quarantined visibly all the same."""
        make_rule("Sound", load=False)
        broken = make_rule("Broken", load=False)
        settings.RULES_ENGINE = {**settings.RULES_ENGINE, "SYNC_INTERVAL_SECONDS": 0}
        Rule.objects.filter(pk=broken.pk).update_quietly(condition="instance.statsu == 'x'")
        RuleSetToken.objects.update(token="another")
        with pytest.raises(ZeroDivisionError), transaction.atomic():
            Order.objects.create()
            raise ZeroDivisionError
        broken.refresh_from_db()
        before = broken.problem
        loader.sync_if_due()

        broken.refresh_from_db()
        assert (before, "Did you mean 'status'?" in broken.problem) == ("", True)

    def test_unfinished_change_is_not_loaded(self, make_rule: Any) -> None:
        """Inside recording() nothing is loaded, although the commit hook is registered only at its end."""
        rule = make_rule(load=False)
        with recording():
            rule.condition = "instance.number == 'N'"
            rule.save()
            RuleSetToken.objects.update(token="another")

            assert rules_engine.sync() is False

    def test_router_that_raises_stops_nothing(self, make_rule: Any, settings: Any) -> None:
        """A tenant router that knows no tenant yet leaves the rules as they are."""
        make_rule(load=False)
        settings.DATABASE_ROUTERS = ["tests.receivers.test_loading.NoTenant"]

        assert loader.sync() is False


class NoTenant:
    """A router that is asked too early."""

    def db_for_write(self, model: Any, **hints: Any) -> str:
        raise LookupError("no tenant is set")

    db_for_read = db_for_write


@pytest.mark.django_db
class TestInATestCase:
    """A TestCase's transaction is not one that a host could roll back a rule in."""

    def test_sync_loads_what_the_test_made(self, make_rule: Any) -> None:
        """Rules made at the top level of a TestCase are loaded by sync()."""
        make_rule(load=False)

        assert rules_engine.sync() is True
        assert fires()

    def test_nothing_loads_by_itself(self, make_rule: Any, statements: Any) -> None:
        """Without a call no rule is loaded and no query made."""
        make_rule(load=False)
        with statements() as made:
            Order.objects.create()

        assert made.kinds == ["INSERT testapp_order"]

    def test_captured_commits_load_and_run_each_time(
        self, make_rule: Any, django_capture_on_commit_callbacks: Any
    ) -> None:
        """captureOnCommitCallbacks(execute=True) behaves as commits do, the second time too."""
        with django_capture_on_commit_callbacks(execute=True):
            make_rule(load=False)
        for _ in range(2):
            with django_capture_on_commit_callbacks(execute=True):
                assert fires()

        assert set(Execution.objects.values_list("state", flat=True)) == {"succeeded"}

    def test_rules_loaded_is_a_block(self, make_rule: Any) -> None:
        """testing.rules_loaded() has the rules in force inside its block only."""
        make_rule(load=False)
        with testing.rules_loaded():
            inside = fires()

        assert (inside, fires()) == (True, False)


@pytest.mark.django_db
class TestQuarantine:
    """One broken rule does not touch the others."""

    @pytest.mark.parametrize(
        ("values", "problem"),
        [
            ({"condition": "instance.status =="}, "something is missing after =="),
            ({"condition": "instance.statsu != 'paid'"}, "Did you mean 'status'?"),
            ({"condition": "no_such_function(instance)"}, "no_such_function"),
            ({"signal": "shop.gone"}, "'shop.gone' is not a signal known here."),
            ({"sender": "gone.model"}, "'gone.model' is not a sender of post_save known here."),
            ({"condition": "instance.password == 'x'", "sender": "testapp.customer"}, "redacted"),
        ],
    )
    def test_broken_rule_is_left_out_and_visible(
        self, make_rule: Any, values: dict[str, str], problem: str, caplog: Any
    ) -> None:
        """A rule that does not fit is not loaded, says why in ``problem`` and in the log; others run."""
        make_rule("Sound", load=False)
        broken = make_rule("Broken", load=False)
        Rule.objects.filter(pk=broken.pk).update(**values)
        testing.load_rules()

        broken.refresh_from_db()
        assert problem.lower() in broken.problem.lower()
        assert "rule 'broken' is quarantined and does not run" in caplog.text
        assert fires()
        assert set(Event.objects.values_list("executions__rule_slug", flat=True)) == {"sound"}

    def test_mended_rule_runs_again(self, make_rule: Any) -> None:
        """Mending a rule clears its problem and brings it back."""
        rule = make_rule(load=False)
        Rule.objects.filter(pk=rule.pk).update(condition="instance.statsu == 'x'")
        testing.load_rules()
        assert not fires()
        Rule.objects.filter(pk=rule.pk).update(condition="")
        testing.load_rules()

        rule.refresh_from_db()
        assert rule.problem == ""
        assert fires()

    def test_quarantine_is_not_a_change(self, make_rule: Any) -> None:
        """Writing the problem counts up no version and renews no token, or processes would reload for ever."""
        rule = make_rule(load=False)
        Rule.objects.filter(pk=rule.pk).update(condition="instance.statsu == 'x'")
        before = (Rule.objects.get().version, RuleSetToken.current("default"))
        testing.load_rules()

        assert (Rule.objects.get().version, RuleSetToken.current("default")) == before

    def test_unexpected_failure_of_a_check_quarantines_that_rule(self, make_rule: Any, monkeypatch: Any) -> None:
        """A plugin that raises while a rule is checked takes down that rule alone."""
        make_rule("Sound", sender="testapp.tag", load=False)
        make_rule("Broken", load=False)

        def check(rule: Rule) -> dict[str, list[str]]:
            if rule.name == "Broken":
                raise ZeroDivisionError("plugin")
            return {}

        monkeypatch.setattr(book, "rule_problems", check)
        testing.load_rules()
        Tag.objects.create(name="t")

        assert Rule.objects.get(name="Broken").problem == "ZeroDivisionError: plugin"
        assert Event.objects.count() == 1


@pytest.mark.django_db
def test_action_of_a_missing_plugin_does_not_quarantine(make_rule: Any) -> None:
    """A rule whose action is not installed still matches: its execution fails, visibly, and can be retried."""
    rule = make_rule(load=False)
    rule.actions.update(kind="shop.gone")
    testing.load_rules()

    assert fires()
    testing.drain_now()
    execution = Event.objects.get().executions.get()
    assert (execution.state, execution.reason) == ("failed", "not_installed")
    assert "Is the app 'shop' still in INSTALLED_APPS?" in execution.note


@pytest.mark.django_db
def test_database_failure_leaves_rules_as_they_are(make_rule: Any, monkeypatch: Any, caplog: Any) -> None:
    """A load that fails is said once, and what was in force stays in force."""
    make_rule()

    def fail(using: str) -> str:
        raise DatabaseError("connection refused")

    monkeypatch.setattr(RuleSetToken, "current", fail)
    caplog.set_level(logging.WARNING, "rules_engine")
    assert [loader.sync(), loader.sync()] == [False, False]

    assert [record.message.split(";")[0] for record in caplog.records] == [
        "rules: cannot be read (DatabaseError: connection refused)"
    ]
    assert fires()


@pytest.mark.django_db
def test_load_makes_three_queries_whatever_the_number_of_rules(make_rule: Any, statements: Any) -> None:
    """Token, rules, actions."""
    for number in range(5):
        make_rule(f"Rule {number}", load=False)
    loader.clear()
    with statements() as made:
        testing.load_rules()

    reads = [kind for kind in made.kinds if kind != "SELECT rules_engine_rulesettoken"]
    assert reads == ["SELECT rules_engine_rule", "SELECT rules_engine_ruleaction"]
