"""Helpers for the tests of projects that use the engine: nothing happens by itself, these say when."""

from __future__ import annotations

from typing import Any

import pytest
from django.db.models.signals import post_save
from django.test import TestCase, TransactionTestCase

from rules_engine import testing
from rules_engine.models import Execution, Rule, recording
from tests.testapp.models import Order


def a_rule(message: str = "{{ instance.number }}") -> Rule:
    """A live rule on orders with one action, stored and not loaded."""
    with recording():
        rule = Rule.objects.create(name="Paid", mode="live", signal="post_save", sender="testapp.order")
        rule.actions.create(kind="log", config={"message": message})
    return rule


class InATestCase(TestCase):
    """As most hosts' tests are: inside a transaction that is never committed."""

    def test_nothing_is_loaded_by_itself(self) -> None:
        """A host's test makes no more queries than without the engine."""
        a_rule()

        with self.assertNumQueries(1):
            Order.objects.create(number="1")

        self.assertFalse(Execution.objects.exists())

    def test_rules_of_this_test_are_loaded_also_in_its_transaction(self) -> None:
        """And those who match are recorded, due, and run when the test says so."""
        a_rule()

        with testing.rules_loaded():
            Order.objects.create(number="1")

            self.assertEqual(Execution.objects.get().state, "pending")
            self.assertEqual(testing.drain_now().finished, 1)
            self.assertEqual(Execution.objects.get().note, "info: 1")

    def test_commit_callbacks_run_what_a_request_would_have_run(self) -> None:
        """With Django's own helper, the inline executor does the rest."""
        a_rule()

        with testing.rules_loaded(), self.captureOnCommitCallbacks(execute=True):
            Order.objects.create(number="1")

        self.assertEqual(Execution.objects.get().state, "succeeded")

    def test_rules_are_unloaded_behind_the_block(self) -> None:
        """Also when it raises: no rule of this test reaches the next one."""
        a_rule()

        with self.assertRaises(RuntimeError), testing.rules_loaded():
            raise RuntimeError

        self.assertFalse(post_save.has_listeners(Order))
        Order.objects.create(number="1")
        self.assertFalse(Execution.objects.exists())

    def test_changed_rule_is_in_force_after_it_is_loaded_again(self) -> None:
        """As often as the test likes."""
        rule = a_rule()
        with testing.rules_loaded():
            rule.condition = "instance.number == '2'"
            rule.save()
            testing.load_rules()

            Order.objects.create(number="1")
            Order.objects.create(number="2")

        self.assertEqual(Execution.objects.count(), 1)

    def test_executions_of_a_block_are_captured_in_order(self) -> None:
        """Those before it are not among them."""
        a_rule()
        with testing.rules_loaded():
            Order.objects.create(number="before")
            with testing.capture_executions() as found:
                Order.objects.create(number="1")
                Order.objects.create(number="2")
                self.assertEqual(found, [])

        self.assertEqual([row.event.data["instance"]["number"] for row in found], ["1", "2"])


class InATransactionTestCase(TransactionTestCase):
    """Where commits are real."""

    def test_rules_are_followed_from_the_first_load_on(self) -> None:
        """A commit reloads, and the inline executor runs what matched."""
        with testing.rules_loaded():
            a_rule()
            Order.objects.create(number="1")

        self.assertEqual(Execution.objects.get().state, "succeeded")

    def test_block_in_which_nothing_happens_captures_nothing(self) -> None:
        """An empty list, not an error."""
        with testing.capture_executions() as found:
            pass

        self.assertEqual(found, [])


@pytest.mark.django_db
def test_unload_disconnects_every_receiver(make_rule: Any) -> None:
    """What make_rule loaded."""
    make_rule()
    assert post_save.has_listeners(Order)

    testing.unload_rules()

    assert not post_save.has_listeners(Order)
