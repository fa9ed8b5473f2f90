"""The list of rules: what it tells, what it costs, and its actions."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.urls import reverse

from rules_engine.models import Execution, Rule, RuleAction, RuleVersion
from tests.admin.conftest import LogIn
from tests.fixtures import MakeRule
from tests.testapp.models import Order

pytestmark = pytest.mark.django_db

LIST = "/admin/rules_engine/rule/"


def rows(response: Any) -> list[Any]:
    """The rules that a list shows."""
    return list(response.context["cl"].result_list)


def test_list_tells_each_rule_as_a_sentence(log_in: LogIn, make_rule: MakeRule) -> None:
    """Mode in a word, and what happens when, in words."""
    make_rule(load=False, condition="instance.status == 'paid'")
    make_rule("Any tag", signal="m2m_changed", sender="testapp.order.tags", load=False, mode="shadow")
    make_rule("Crash", signal="got_request_exception", sender="", load=False, mode="off", actions=[])

    content = log_in().get(LIST).content.decode()

    assert "When an order was saved and <code>instance.status == &#x27;paid&#x27;</code>: log a line" in content
    assert "When the tags of an order changed: log a line" in content
    assert "When a page crashed: do nothing yet, it has no action" in content
    for mode in ("live", "shadow", "off"):
        assert f'<span class="rules-badge rules-badge-{mode}">{mode}</span>' in content


def test_list_shows_last_run_and_counts(
    log_in: LogIn, make_rule: MakeRule, django_capture_on_commit_callbacks: Any
) -> None:
    """What its executions came to, with links to them."""
    make_rule(slug="paid")
    with django_capture_on_commit_callbacks(execute=True):
        Order.objects.create()
        Order.objects.create()
    Execution.objects.filter(pk=Execution.objects.values("pk")[:1]).update(state="failed")

    content = log_in().get(LIST).content.decode()

    assert ">1 succeeded</span>" in content
    assert ">1 failed</span>" in content
    assert '<a href="/admin/rules_engine/execution/?rule_slug=paid&amp;state__exact=failed">' in content


def test_list_shows_why_a_rule_is_quarantined(log_in: LogIn, make_rule: MakeRule) -> None:
    """A rule that does not run says so, and why."""
    rule = make_rule(load=False)
    Rule.objects.filter(pk=rule.pk).update_quietly(problem="Order has no field 'statsu'.")
    client = log_in()

    content = client.get(LIST).content.decode()

    assert "quarantined, does not run" in content
    assert "Order has no field &#x27;statsu&#x27;." in content
    assert len(rows(client.get(LIST, {"problem": "yes"}))) == 1
    assert not rows(client.get(LIST, {"problem": "no"}))


def test_list_makes_the_same_queries_for_many_rules(
    log_in: LogIn, make_rule: MakeRule, django_assert_num_queries: Any, django_assert_max_num_queries: Any
) -> None:
    """Sentences, counts and editors are read for the whole page at once."""
    client = log_in(superuser=True)
    make_rule("One", load=False)

    def queries(number: int) -> int:
        with django_assert_max_num_queries(100) as captured:
            assert len(rows(client.get(LIST))) == number
        return len(captured)

    one = queries(1)
    for number in range(8):
        make_rule(f"Rule {number}", load=False, actions=[{"kind": "log", "config": {"message": "x"}}] * 2)

    assert queries(9) == one
    # session, user, two counts, rules, actions, history, two filters of values
    assert one == 9


@pytest.mark.parametrize("query", ["paid orders", "paid-orders", "for the books", "status == "])
def test_search_finds_by_name_slug_description_and_condition(log_in: LogIn, make_rule: MakeRule, query: str) -> None:
    """All that a person may remember of a rule."""
    make_rule(load=False, description="for the books", condition="instance.status == 'paid'")
    make_rule("Other", load=False)

    assert [rule.name for rule in rows(log_in().get(LIST, {"q": query}))] == ["Paid orders"]


@pytest.mark.parametrize("query", [{"mode": "live"}, {"signal": "post_save"}, {"sender": "testapp.order"}])
def test_filters_narrow_the_list(log_in: LogIn, make_rule: MakeRule, query: dict[str, str]) -> None:
    """By mode, signal and sender."""
    make_rule("Here", load=False)
    make_rule("There", signal="user_logged_in", sender="", mode="off", load=False)

    assert [rule.name for rule in rows(log_in().get(LIST, query))] == ["Here"]


@pytest.mark.parametrize(
    ("action", "mode", "message"),
    [
        ("go_live", "live", "2 rules are live: their actions run."),
        ("to_shadow", "shadow", "2 rules are in shadow mode: recorded only, nothing is sent."),
        ("switch_off", "off", "2 rules are switched off."),
    ],
)
def test_list_action_switches_the_mode(
    log_in: LogIn, make_rule: MakeRule, action: str, mode: str, message: str
) -> None:
    """Those that change get one version and one log entry each; those that had the mode are counted."""
    others = [name for name in ("live", "shadow", "off") if name != mode]
    rules = [make_rule(f"Rule {other}", mode=other, load=False) for other in others]
    same = make_rule("Same", mode=mode, load=False)
    keys = [rule.pk for rule in [*rules, same]]

    response = log_in().post(LIST, {"action": action, "_selected_action": keys}, follow=True)

    assert set(Rule.objects.values_list("mode", flat=True)) == {mode}
    assert [str(text) for text in response.context["messages"]] == [f"1 rule was {mode} already.", message]
    assert RuleVersion.objects.filter(created_by__username="ada").count() == 2
    assert [entry.get_change_message() for entry in LogEntry.objects.all()] == [f"Mode: {mode}."] * 2


def test_list_actions_need_the_permission_to_change(log_in: LogIn, make_rule: MakeRule) -> None:
    """A viewer is not offered them, and cannot post them."""
    rule = make_rule(load=False)
    client = log_in("view_rule")

    content = client.get(LIST).content.decode()
    client.post(LIST, {"action": "switch_off", "_selected_action": [rule.pk]})

    assert "switch_off" not in content
    assert Rule.objects.get().mode == "live"


def test_mode_button_goes_live_and_logs_it(log_in: LogIn, make_rule: MakeRule) -> None:
    """One post, one version by the user, one log entry, and back to the rule."""
    rule = make_rule(mode="shadow", load=False)
    url = reverse("admin:rules_engine_rule_mode", args=[rule.pk])

    response = log_in().post(url, {"mode": "live"}, follow=True)

    rule.refresh_from_db()
    assert (rule.mode, str(rule.updated_by)) == ("live", "ada")
    assert [str(text) for text in response.context["messages"]] == ["“Paid orders” is live: its actions run."]
    assert LogEntry.objects.get().get_change_message() == "Mode: live."


def test_going_live_with_a_broken_rule_says_that_it_does_not_run(log_in: LogIn, make_rule: MakeRule) -> None:
    """Live is what was asked for; that nothing will happen must not be found out later."""
    rule = make_rule(mode="shadow", load=False)
    Rule.objects.filter(pk=rule.pk).update_quietly(problem="Order has no field 'statsu'.")

    url = reverse("admin:rules_engine_rule_mode", args=[rule.pk])
    response = log_in().post(url, {"mode": "live"}, follow=True)

    assert [str(text) for text in response.context["messages"]] == [
        "“Paid orders” is live: its actions run.",
        "“Paid orders” is quarantined and does not run: Order has no field 'statsu'.",
    ]
    assert "When it matches, its actions run." not in response.content.decode()


def test_mode_button_refuses_get_and_other_words(log_in: LogIn, make_rule: MakeRule) -> None:
    """A link cannot switch a rule, nor can a misspelt mode."""
    rule = make_rule(mode="shadow", load=False)
    url = reverse("admin:rules_engine_rule_mode", args=[rule.pk])
    client = log_in()

    assert client.get(url).status_code == 405
    assert client.post(url, {"mode": "alive"}).status_code == 400
    assert client.post(reverse("admin:rules_engine_rule_mode", args=[999]), {"mode": "live"}).status_code == 404
    assert Rule.objects.get().mode == "shadow"


def test_mode_button_is_protected_against_forgery(log_in: LogIn, make_rule: MakeRule) -> None:
    """The post needs the token of the page."""
    rule = make_rule(mode="shadow", load=False)
    client = log_in()
    client.handler.enforce_csrf_checks = True

    response = client.post(reverse("admin:rules_engine_rule_mode", args=[rule.pk]), {"mode": "live"})

    assert response.status_code == 403


@pytest.mark.parametrize(
    ("orders", "text"),
    [
        (0, "Nothing is waiting to run; versions and history stay."),
        (1, "1 execution that has not run will be cancelled; versions and history stay."),
        (2, "2 executions that have not run will be cancelled; versions and history stay."),
    ],
)
def test_deleting_asks_with_its_consequences(log_in: LogIn, make_rule: MakeRule, orders: int, text: str) -> None:
    """The page of one rule and that of several tell what is cancelled and what stays."""
    rule = make_rule()
    for _ in range(orders):
        Order.objects.create()
    Execution.objects.update(state="pending")
    client = log_in()

    one = client.get(reverse("admin:rules_engine_rule_delete", args=[rule.pk]))
    several = client.post(LIST, {"action": "delete_selected", "_selected_action": [rule.pk]})

    assert text in one.content.decode()
    assert text in several.content.decode()


def test_deleting_a_rule_records_who_did_it(log_in: LogIn, make_rule: MakeRule) -> None:
    """The last version says who deleted it; by page and by list alike."""
    first, second = make_rule("First", load=False), make_rule("Second", load=False)
    client = log_in()

    client.post(reverse("admin:rules_engine_rule_delete", args=[first.pk]), {"post": "yes"})
    client.post(LIST, {"action": "delete_selected", "_selected_action": [second.pk], "post": "yes"})

    gone = RuleVersion.objects.filter(change="deleted").order_by("pk")
    assert [(version.rule_slug, str(version.created_by)) for version in gone] == [("first", "ada"), ("second", "ada")]
    assert not RuleAction.objects.exists()
