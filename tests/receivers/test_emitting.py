"""emit(): an event by hand, where Django sends no signal."""

from __future__ import annotations

from typing import Any

import pytest

import rules_engine
from rules_engine.exceptions import UnknownKey
from rules_engine.models import Event
from tests.testapp.models import Order
from tests.testapp.rules import order_shipped, stock_counted

pytestmark = pytest.mark.django_db


def test_emit_reaches_the_rules_of_a_model_signal(make_rule: Any) -> None:
    """After QuerySet.update(), emit() lets rules see the object; the sender comes from the instance."""
    make_rule(condition="instance.status == 'paid'")
    order = Order.objects.create()
    Order.objects.update(status="paid")
    order.refresh_from_db()
    rules_engine.emit("post_save", instance=order, created=False)

    event = Event.objects.get()
    assert (event.sender, event.object_id, event.data["created"]) == ("testapp.order", str(order.pk), False)


def test_emit_reaches_no_other_receiver(make_rule: Any) -> None:
    """Receivers of the host hear nothing of an emitted event."""
    heard: list[Any] = []
    stock_counted.connect(heard.append)
    make_rule(signal="testapp.stock_counted", sender="")
    rules_engine.emit("testapp.stock_counted", sku="a", count=3)

    assert heard == []
    assert Event.objects.get().data["count"] == 3


def test_emit_of_an_unknown_signal_names_the_closest() -> None:
    """A misspelt key is an error at once."""
    with pytest.raises(UnknownKey, match=r"'post_svae' is not a signal known here\. Did you mean 'post_save'\?"):
        rules_engine.emit("post_svae")


def test_emit_does_nothing_where_disabled(make_rule: Any, settings: Any) -> None:
    """ENABLED = False silences emit() too."""
    make_rule(signal="testapp.stock_counted", sender="")
    settings.RULES_ENGINE = {"ENABLED": False}
    rules_engine.emit("testapp.stock_counted", sku="a")

    assert not Event.objects.exists()


class TestCustomSignals:
    """Signals that an app registers in its rules.py."""

    def test_send_reaches_rules_with_its_arguments(self, make_rule: Any) -> None:
        """A sent signal's arguments stand in the context under their names; missing ones are null."""
        make_rule(signal="testapp.stock_counted", sender="", condition="count < `5`")
        stock_counted.send(sender=None, sku="a", count=3, token="hush")
        stock_counted.send_robust(sender="warehouse", sku="b", count=4)

        events = Event.objects.order_by("id")
        assert [(event.sender, event.data["sku"]) for event in events] == [("", "a"), ("warehouse", "b")]
        assert events[0].data["token"] == "***"
        assert events[0].data["where"] is None

    def test_rule_may_name_a_sender(self, make_rule: Any) -> None:
        """A rule with a sender hears that one; a rule without one hears all; each runs in its order."""
        make_rule("Warehouse", signal="testapp.stock_counted", sender="warehouse", priority=200)
        make_rule("All", signal="testapp.stock_counted", sender="", priority=100)
        stock_counted.send(sender="warehouse", count=1)
        stock_counted.send(sender="shop", count=1)

        fired = [[row.rule_name for row in event.executions.all()] for event in Event.objects.order_by("id")]
        assert fired == [["All", "Warehouse"], ["All"]]

    def test_object_of_a_signal_without_sender_is_its_sender(self, make_rule: Any) -> None:
        """Sent without a sender, the signal is of the model of the object it is about."""
        make_rule(signal="testapp.order_shipped", sender="testapp.order")
        order_shipped.send(sender=None, order=Order.objects.create())

        assert Event.objects.get().sender == "testapp.order"

    def test_model_instance_argument_is_recorded_with_its_columns(self, make_rule: Any) -> None:
        """The argument named as instance gives the event its object."""
        make_rule(signal="testapp.order_shipped", sender="")
        order = Order.objects.create(number="S")
        order_shipped.send(sender=Order, order=order)

        event = Event.objects.get()
        assert (event.object_id, event.data["order"]["number"]) == (str(order.pk), "S")
