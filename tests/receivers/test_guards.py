"""Rules that answer each other end, visibly."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from rules_engine import Action, Run, testing
from rules_engine.actions import registry
from rules_engine.events import Event as ActionEvent
from rules_engine.models import Event, Execution
from tests.testapp.models import Order, Tag

pytestmark = pytest.mark.django_db


@dataclass(frozen=True, kw_only=True)
class SaveOrder(Action):
    """Save the order again, as a careless host's action does."""

    def run(self, event: ActionEvent, run: Run) -> str:
        Order.objects.get(pk=event.object_id).save()
        return "saved"


@dataclass(frozen=True, kw_only=True)
class MakeTag(Action):
    """Make another tag, so that no object comes twice."""

    def run(self, event: ActionEvent, run: Run) -> str:
        Tag.objects.create(name=str(run.key))
        return "made"


@pytest.fixture(autouse=True)
def _actions() -> Iterator[None]:
    """Register the actions of this module for its tests."""
    registry.register_action("testapp.save_order")(SaveOrder)
    registry.register_action("testapp.make_tag")(MakeTag)
    yield
    registry._actions.remove("testapp.save_order")
    registry._actions.remove("testapp.make_tag")


def test_rule_does_not_run_twice_for_an_object_in_one_chain(make_rule: Any) -> None:
    """An action that saves its own object is answered once more, and that answer is suppressed."""
    make_rule(actions=[{"kind": "testapp.save_order", "config": {}}])
    Order.objects.create()
    testing.drain_now()

    rows = Execution.objects.order_by("event_id")
    assert [(row.state, row.reason) for row in rows] == [("succeeded", ""), ("skipped", "loop")]
    assert rows[1].event.cause_id == rows[0].pk
    assert rows[1].event.data["cause"] == {"event": str(rows[0].event_id), "rule": "paid-orders", "depth": 1}


def test_two_rules_that_answer_each_other_end(make_rule: Any) -> None:
    """Ping and pong over the same object stop when a rule comes round again."""
    make_rule("Ping", actions=[{"kind": "testapp.save_order", "config": {}}])
    make_rule("Pong", actions=[{"kind": "testapp.save_order", "config": {}}])
    Order.objects.create()
    testing.drain_now()

    assert not Execution.objects.unfinished().exists()
    assert Execution.objects.filter(state="succeeded").count() == 4
    assert set(Execution.objects.filter(state="skipped").values_list("reason", flat=True)) == {"loop"}


def test_chain_over_ever_new_objects_is_capped(make_rule: Any, settings: Any) -> None:
    """A rule that makes a new object each time ends at MAX_DEPTH."""
    settings.RULES_ENGINE = {**settings.RULES_ENGINE, "MAX_DEPTH": 3}
    make_rule(sender="testapp.tag", actions=[{"kind": "testapp.make_tag", "config": {}}])
    Tag.objects.create(name="first")
    testing.drain_now()

    rows = list(Execution.objects.order_by("event_id").values_list("state", "reason"))
    assert rows == [("succeeded", ""), ("succeeded", ""), ("succeeded", ""), ("skipped", "depth")]


def test_next_save_by_a_person_starts_a_new_chain(make_rule: Any) -> None:
    """The guard is for one chain: a later save runs the rule again."""
    make_rule(actions=[{"kind": "log", "config": {"message": "x"}}])
    order = Order.objects.create()
    testing.drain_now()
    order.save()
    testing.drain_now()

    assert Execution.objects.filter(state="succeeded").count() == 2
    assert not Event.objects.filter(cause__isnull=False).exists()
