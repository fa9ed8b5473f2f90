"""The panel "What the rules did", on real signals of the shop."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any

import pytest
from django.test import Client

from rules_engine.models import Execution, Rule
from rules_engine.testing import drain_now, load_rules
from shop import orders, stock
from shop.models import Customer, Order, OutgoingMail
from shop.panel import Line, Unmatched, what_the_rules_did

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("seeded")]
Capture = Callable[..., AbstractContextManager[Any]]


@pytest.fixture
def order(django_capture_on_commit_callbacks: Capture) -> Order:
    """An order of everyday size that was just placed."""
    with django_capture_on_commit_callbacks(execute=True):
        return orders.place(Customer.objects.get(email="carl@demo.example"), {"TEA-01": 2})


def lines(rule: str) -> list[Line]:
    """What the panel shows of one rule."""
    return [line for line in what_the_rules_did().lines if line.rule == rule]


def test_panel_shows_a_shadow_rule_as_such(order: Order) -> None:
    """A new order is recorded by the rule in shadow mode, and no mail is sent."""
    (line,) = lines("Thank the customer")

    assert (line.about, line.action, line.state) == (f"order {order.number}", "email", "shadow")
    assert not OutgoingMail.objects.exists()


def test_panel_explains_the_rule_that_did_not_match(order: Order) -> None:
    """The large-order rule listened; the panel names the part of its condition that was false, and the value."""
    panel = what_the_rules_did()
    passed = {event.about: event for event in panel.passed}
    unmatched = {rule.name: rule for rule in passed[f"order {order.number}"].rules}

    assert passed[f"order {order.number}"].signal == "post_save"
    assert unmatched["Large order"].condition == "created && instance.total > `1000`"
    assert unmatched["Large order"].because == "instance.total > `1000` is false: instance.total is 25.80"
    assert unmatched["Tell the warehouse of a paid order"].because == (
        "instance.status == 'paid' is false: instance.status is \"pending\""
    )
    assert "Thank the customer" not in unmatched
    assert [rule.because for rule in passed["product TEA-01"].rules] == [
        "instance.stock < `5` is false: instance.stock is 38"
    ]


def test_changed_rule_acts_on_the_next_order(order: Order, django_capture_on_commit_callbacks: Capture) -> None:
    """After its condition is lowered, the rule that did not match acts on the next order."""
    with django_capture_on_commit_callbacks(execute=True):
        rule = Rule.objects.get(slug="large-order")
        rule.condition = "created && instance.total > `10`"
        rule.save()
    load_rules()
    with django_capture_on_commit_callbacks(execute=True):
        number = orders.place(order.customer, {"TEA-01": 1}).number
    drain_now()

    (line,) = lines("Large order")
    assert (line.about, line.state, line.note) == (
        f"order {number}",
        "succeeded",
        f"info: Large order {number} over 12.90.",
    )


def test_panel_shows_a_webhook_that_waits_for_its_next_try(
    order: Order, django_capture_on_commit_callbacks: Capture
) -> None:
    """Nobody answers at the inbox's port here: the panel says that the first try failed and when the next is."""
    with django_capture_on_commit_callbacks(execute=True):
        orders.pay(order.number)
    drain_now()

    (line,) = lines("Tell the warehouse of a paid order")
    assert (line.state, line.action) == ("retry", "webhook")
    assert line.outcome.startswith("try 1 failed, next in ")
    assert line.milliseconds is not None


def test_panel_names_what_each_event_is_about(django_capture_on_commit_callbacks: Capture) -> None:
    """Events without a model instance are named by what they carry."""
    with django_capture_on_commit_callbacks(execute=True):
        Client().post("/accounts/login/", {"username": "mallory", "password": "guessed"})
        Client(raise_request_exception=False).get("/crash/")
        stock.count("POT-01", 3, counted_by="rita")

    told = {(line.rule, line.about) for line in what_the_rules_did().lines}
    assert told == {
        ("Failed log-in", "log-in as mallory"),
        ("A page crashed", "page /crash/"),
        ("Counted stock differs", "product POT-01"),
        ("Low stock", "product POT-01"),
        ("Refresh the product page", "product POT-01"),
    }
    assert "guessed" not in str([execution.event.data for execution in Execution.objects.all()])


def test_panel_links_lead_to_the_admin(order: Order) -> None:
    """Every line leads to its execution, every rule to its form, for an editor of rules."""
    client = Client()
    client.post("/accounts/login/", {"username": "rita", "password": "rita"})
    panel = what_the_rules_did()
    shown: list[Line | Unmatched] = [*panel.lines, *(rule for event in panel.passed for rule in event.rules)]

    assert shown
    for item in shown:
        assert item.url.startswith("/admin/rules_engine/")
        assert client.get(item.url).status_code == 200, item.url
