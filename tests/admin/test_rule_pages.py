"""The pages "Dry run" and "Versions" of a rule."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from rules_engine import register_action, services
from rules_engine.actions import registry
from rules_engine.actions.base import Action
from rules_engine.models import Event, Execution, Rule, RuleAction
from tests.admin.conftest import LogIn
from tests.fixtures import MakeRule
from tests.testapp.models import Order

pytestmark = pytest.mark.django_db


def dry_run(client: Client, rule: Rule, **query: Any) -> str:
    """The page as text."""
    response = client.get(reverse("admin:rules_engine_rule_dry_run", args=[rule.pk]), query)
    assert response.status_code == 200
    return response.content.decode()


def versions(client: Client, rule: Rule, **query: Any) -> str:
    """The page as text."""
    return client.get(reverse("admin:rules_engine_rule_versions", args=[rule.pk]), query).content.decode()


def test_dry_run_tells_that_the_latest_object_matches(log_in: LogIn, make_rule: MakeRule) -> None:
    """The verdict, the value of each part, and what each action would do; nothing is written."""
    rule = make_rule(
        condition="instance.status == 'paid' && instance.total > `10`",
        actions=[{"kind": "log", "config": {"message": "Order {{ instance.number }}"}}],
        load=False,
    )
    Order.objects.create(status="paid", total=20, number="A-1")

    page = dry_run(log_in("view_rule", "testapp.view_order"), rule)

    assert ">Matches</span>" in page
    assert "Order A-1" in page
    assert "instance.total &gt; `10`" in page
    assert not Execution.objects.exists()


def test_dry_run_tells_that_it_does_not_match(log_in: LogIn, make_rule: MakeRule) -> None:
    """No is no."""
    rule = make_rule(condition="instance.status == 'paid'", load=False)
    Order.objects.create()

    page = dry_run(log_in("view_rule", "testapp.view_order"), rule)

    assert ">Does not match</span>" in page
    assert "What its actions would do if it matched" in page
    assert "<code>instance.status</code> is <code>&quot;pending&quot;</code>" in page


@pytest.mark.parametrize(
    ("mode", "verdict", "heading"),
    [
        ("live", "The rule would run its actions.", "What its actions would do<"),
        (
            "shadow",
            "In shadow mode: it would be recorded, nothing sent.",
            "What its actions would do if it were live<",
        ),
        ("off", "The rule is off: nothing would happen.", "What its actions would do if it were live<"),
    ],
)
def test_dry_run_says_what_a_match_means_in_its_mode(
    log_in: LogIn, make_rule: MakeRule, mode: str, verdict: str, heading: str
) -> None:
    """Only a live rule runs its actions."""
    rule = make_rule(load=False, mode=mode)
    Order.objects.create()

    page = dry_run(log_in("view_rule", "testapp.view_order"), rule)

    assert f"Matches</span> {verdict}</p>" in page
    assert heading in page


def test_dry_run_offers_events_that_can_be_told_apart(log_in: LogIn, make_rule: MakeRule) -> None:
    """Two of one object within a second differ in their label."""
    rule = make_rule()
    order = Order.objects.create()
    order.save()
    Event.objects.update(created_at=Event.objects.latest("pk").created_at)

    response = log_in().get(reverse("admin:rules_engine_rule_dry_run", args=[rule.pk]))

    texts = [item["text"] for item in response.context["events"]]
    assert len(set(texts)) == 2
    assert re.search(rf"\d\d:\d\d:\d\d\.\d{{3}} testapp\.order {order.pk} \([0-9a-f]{{6}}\)$", texts[0])


def test_dry_run_on_a_recorded_event_may_be_unknown(log_in: LogIn, make_rule: MakeRule) -> None:
    """A path that was not recorded is unknown, and said by name."""
    rule = make_rule()
    Order.objects.create()
    event = Event.objects.get()
    rule.condition = "instance.customer.name == 'Eve'"
    rule.save()

    page = dry_run(log_in("view_rule", "testapp.view_order"), rule, event=str(event.pk))

    assert ">Unknown</span>" in page
    assert "instance.customer.name" in page


@pytest.mark.parametrize("event", ["nonsense", "01900000-0000-7000-8000-000000000000"])
def test_dry_run_on_an_event_that_is_not_there_is_404(log_in: LogIn, make_rule: MakeRule, event: str) -> None:
    """A stale link is not an error of the server."""
    rule = make_rule(load=False)
    url = reverse("admin:rules_engine_rule_dry_run", args=[rule.pk])

    assert log_in().get(url, {"event": event}).status_code == 404


def test_dry_run_hides_values_from_who_may_not_view_the_model(log_in: LogIn, make_rule: MakeRule) -> None:
    """The verdict is shown; values, previews and the document are not."""
    rule = make_rule(
        condition="instance.number == 'TOP'",
        actions=[{"kind": "log", "config": {"message": "number {{ instance.number }}"}}],
        load=False,
    )
    Order.objects.create(number="TOPSECRET")

    page = dry_run(log_in(), rule)

    assert "TOPSECRET" not in page
    assert ">Does not match</span>" in page
    assert "Hidden: needs the permission “view order” (testapp.view_order)." in page


def test_dry_run_of_a_broken_rule_says_why(log_in: LogIn, make_rule: MakeRule) -> None:
    """A condition that no longer compiles is shown with its message."""
    rule = make_rule(load=False)
    Rule.objects.filter(pk=rule.pk).update_quietly(condition="a ==")

    page = dry_run(log_in("view_rule", "testapp.view_order"), rule)

    assert ">Unknown</span>" in page
    assert "rules-problem" in page


def test_versions_show_what_changed_by_whom(log_in: LogIn, make_rule: MakeRule) -> None:
    """Newest first, each with its differences."""
    rule = make_rule(load=False)
    rule.condition = "instance.status == 'paid'"
    services.save_rule(rule=rule, actions=[{"kind": "log", "config": {"message": "new"}}], by=None)

    page = versions(log_in("view_rule"), rule)

    assert page.index("Version 2: changed") < page.index("Version 1: created")
    assert "instance.status == &#x27;paid&#x27;" in page
    assert "action 1: message" in page


def test_versions_are_paged(log_in: LogIn, make_rule: MakeRule) -> None:
    """Twenty-five a page; the oldest of a page is still compared with the one before it."""
    rule = make_rule(load=False)
    for number in range(26):
        rule.description = f"text {number}"
        rule.save()
    client = log_in("view_rule")

    first, second = versions(client, rule), versions(client, rule, p=2)

    assert "Version 27" in first
    assert "Version 2:" not in first
    assert first.count("Changes of version") == 25
    assert "Version 2:" in second
    assert "Page 2 of 2" in second


def test_versions_do_not_show_secrets(log_in: LogIn, make_rule: MakeRule) -> None:
    """That a secret changed can be seen, what it is cannot."""
    from dataclasses import dataclass, field

    @register_action("testapp.secretive")
    @dataclass(frozen=True, kw_only=True)
    class Secretive(Action):
        key: str = field(default="", metadata={"schema": {"format": "password"}})

    try:
        rule = make_rule(load=False, actions=[{"kind": "testapp.secretive", "config": {"key": "hunter2"}}])
        action = rule.actions.get()
        action.config = {"key": "hunter3"}
        action.save()
        client = log_in()

        pages = (
            versions(client, rule)
            + client.get(reverse("admin:rules_engine_rule_change", args=[rule.pk])).content.decode()
        )
        viewed = log_in("view_rule", name="bob").get(reverse("admin:rules_engine_rule_change", args=[rule.pk]))
        posted = client.post(
            reverse("admin:rules_engine_rule_change", args=[rule.pk]),
            _secret_form(rule),
        )
        assert posted.status_code == 302
    finally:
        registry._actions.remove("testapp.secretive")

    assert "hunter" not in pages + viewed.content.decode()
    assert "(changed)" in pages
    assert RuleAction.objects.get().config == {"key": "hunter3"}


def _secret_form(rule: Rule) -> dict[str, Any]:
    from tests.admin.conftest import rule_form

    action = rule.actions.get()
    row = {"id": str(action.pk), "rule": str(rule.pk), "kind": action.kind, "config": {"key": ""}}
    return rule_form(row, initial=1, mode="live", slug=rule.slug)
