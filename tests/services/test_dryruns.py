"""Dry runs: evaluate and show."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from django.core import mail

from rules_engine import services
from rules_engine.actions.log import Log
from rules_engine.models import Event, Rule, RuleAction
from tests.services.conftest import LOG, MAIL, a_rule, saved
from tests.testapp.models import Customer, Order

pytestmark = pytest.mark.django_db


class TestDryRun:
    """Evaluate and show: nothing is written, nothing is sent."""

    @pytest.fixture
    def order(self) -> Order:
        """An order of a customer with a secret."""
        customer = Customer.objects.create(name="Kim", email="kim@example.com", password="hunter2")
        return Order.objects.create(number="N-1", status="paid", total=Decimal("19.90"), customer=customer)

    def test_instance_is_put_into_the_signal(self, order: Order) -> None:
        """Verdict, value, explanation, the document, and what each action would do."""
        rule = saved(LOG, {**MAIL, "enabled": False}, condition="instance.total > `19`")

        result = services.dry_run(rule=rule, instance=order)

        assert (result.matches, result.value, result.error, result.missing) == (True, True, "", [])
        assert result.data["instance"]["number"] == "N-1"
        assert result.explanation
        assert [(item["kind"], item["enabled"]) for item in result.actions] == [("log", True), ("email", False)]
        assert result.actions[0]["preview"]["message"] == "N-1"
        assert not Event.objects.exists()
        assert mail.outbox == []

    @pytest.mark.parametrize(
        ("condition", "reads"),
        [
            ("", [[]]),
            ("instance.status", [[]]),
            ("instance.status == 'pending'", [[("instance.status", "paid")]]),
            ("(instance.status) == (instance.number)", [[("instance.number", "N-1"), ("instance.status", "paid")]]),
            (
                "!(instance.status == 'cancelled') && created",
                [[], [], [("instance.status", "paid")], []],
            ),
            ("instance.status == 'cancelled' && instance.number == 'N-1'", [[], [("instance.status", "paid")], []]),
            ("instance.customer == `null`", [[]]),
        ],
    )
    def test_comparison_tells_what_it_looked_at(self, order: Order, condition: str, reads: list[Any]) -> None:
        """A comparison that fails shows what the value is; the whole, and what was not asked, show nothing."""
        result = services.dry_run(rule=saved(LOG, condition=condition), instance=order)

        assert result.reads == reads
        assert len(result.reads) == len(result.explanation)

    def test_relations_that_an_action_names_are_read(self, order: Order) -> None:
        """And secrets are never shown."""
        rule = saved({"kind": "log", "config": {"message": "{{ instance.customer.name }}"}})

        result = services.dry_run(rule=rule, instance=order)

        assert result.actions[0]["preview"]["message"] == "Kim"
        assert result.data["instance"]["customer"]["password"] == "***"
        assert "hunter2" not in str(result)

    def test_latest_object_is_taken_where_none_is_named(self, order: Order) -> None:
        """So that a form needs no choice to show something."""
        assert services.dry_run(rule=saved(LOG)).data["instance"]["number"] == "N-1"

    def test_made_up_object_is_taken_where_there_is_none_yet(self) -> None:
        """With the defaults of its columns."""
        assert services.dry_run(rule=saved(LOG)).data["instance"]["status"] == "pending"

    def test_rule_need_not_be_saved(self, order: Order) -> None:
        """The form shows what it holds."""
        rule, action = a_rule(condition="instance.status == 'pending'"), RuleAction(**LOG)

        result = services.dry_run(rule=rule, actions=[action], instance=order)

        assert (result.matches, result.value) == (False, False)
        assert result.actions[0]["preview"]["message"] == "N-1"
        assert not Rule.objects.exists()

    def test_recorded_event_is_replayed(self) -> None:
        """With the document that it has."""
        event = Event.objects.create(
            signal="post_save", sender="testapp.order", data={"instance": {"number": "old", "total": Decimal("5.00")}}
        )
        rule = saved(LOG, condition="instance.total == `5`")

        result = services.dry_run(rule=rule, event=event)

        assert (result.matches, result.actions[0]["preview"]["message"]) == (True, "old")

    def test_path_that_was_not_recorded_is_unknown(self) -> None:
        """Never *no match*."""
        event = Event.objects.create(signal="post_save", sender="testapp.order", data={"instance": {"number": "old"}})
        rule = saved(LOG, condition="instance.customer.name == 'Kim'")

        result = services.dry_run(rule=rule, event=event)

        assert (result.matches, result.missing) == (None, ["instance.customer.name"])

    def test_data_is_brought_to_its_context_form(self) -> None:
        """A float is the decimal that it was written as; what is named a secret is not shown."""
        rule = saved(LOG, condition="instance.total == `19.99`")

        result = services.dry_run(rule=rule, data={"instance": {"total": 19.99, "number": "x", "api_token": "t"}})

        assert result.matches is True
        assert result.data["instance"]["api_token"] == "***"

    def test_condition_that_fails_on_the_document_is_shown(self, order: Order) -> None:
        """It is never a match."""
        rule = saved(LOG, condition="divide(`1`, subtract(instance.total, instance.total)) > `0`")

        result = services.dry_run(rule=rule, instance=order)

        assert result.matches is False
        assert "divide" in result.error

    @pytest.mark.parametrize("values", [{"condition": "("}, {"signal": "nothing"}])
    def test_rule_that_cannot_be_evaluated_says_why(self, values: dict[str, str]) -> None:
        """As its own error, not as a crash."""
        result = services.dry_run(rule=a_rule(**values))

        assert result.matches is None
        assert result.error

    @pytest.mark.parametrize(
        ("action", "said"),
        [
            ({"kind": "shop.gift", "config": {}}, "'shop.gift' is not an action known here."),
            ({"kind": "log", "config": {}}, "message is required."),
        ],
    )
    def test_action_that_cannot_run_says_why(self, order: Order, action: dict[str, Any], said: str) -> None:
        """The others are previewed all the same."""
        result = services.dry_run(rule=a_rule(), actions=[RuleAction(**action), RuleAction(**LOG)], instance=order)

        assert result.matches is True
        assert said in result.actions[0]["error"]
        assert result.actions[1]["preview"]["message"] == "N-1"

    def test_preview_that_raises_is_shown(self, order: Order, monkeypatch: pytest.MonkeyPatch) -> None:
        """It is a host's action."""

        def broken(self: Any, event: Any, run: Any) -> Any:
            raise KeyError("oops")

        monkeypatch.setattr(Log, "preview", broken)

        result = services.dry_run(rule=a_rule(), actions=[RuleAction(**LOG)], instance=order)

        assert result.actions[0]["error"] == "KeyError: 'oops'"
