"""One receiver for each pair in use, none for others."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.db.models.deletion import Collector
from django.db.models.signals import m2m_changed, post_delete, post_save, pre_save

from rules_engine.models import Execution, Rule
from rules_engine.receivers import loader
from rules_engine.receivers.connections import connected_pairs, follow
from tests.testapp.models import Customer, Line, Order, Tag

pytestmark = pytest.mark.django_db


def receivers(signal: Any, sender: Any) -> list[Any]:
    """Our receivers that a signal would call for a sender."""
    sync, _ = signal._live_receivers(sender)
    return [item for item in sync if type(item).__module__.startswith("rules_engine")]


def test_rule_connects_its_sender_only(make_rule: Any) -> None:
    """A rule on one model leaves every other model without a receiver."""
    make_rule(sender="testapp.order")

    assert len(receivers(post_save, Order)) == 1
    assert receivers(post_save, Customer) == receivers(pre_save, Order) == receivers(post_delete, Order) == []


def test_many_rules_on_one_sender_share_a_receiver(make_rule: Any) -> None:
    """The number of receivers does not grow with the rules."""
    for number in range(5):
        make_rule(f"Rule {number}")

    assert len(receivers(post_save, Order)) == 1


def test_ten_thousand_reloads_leave_one_receiver(make_rule: Any) -> None:
    """Reloading connects nothing twice, and the list inside Django's signal does not grow."""
    make_rule()
    before = len(post_save.receivers)

    for _ in range(10_000):
        follow(loader.book)

    assert len(post_save.receivers) == before
    assert len(receivers(post_save, Order)) == 1


def test_rule_switched_off_disconnects(make_rule: Any) -> None:
    """The last rule of a pair takes its receiver along."""
    rule = make_rule()
    rule.mode = "off"
    rule.save()
    loader.sync()

    assert receivers(post_save, Order) == []
    assert connected_pairs() == frozenset()


def test_rule_for_any_sender_connects_allowed_models(make_rule: Any, settings: Any) -> None:
    """The empty sender stands for each model of ALLOWED_SENDERS, connected one by one."""
    settings.RULES_ENGINE = {"ALLOWED_SENDERS": ["testapp.order", "testapp.tag"]}
    make_rule(sender="")

    assert connected_pairs() == {("post_save", "testapp.order"), ("post_save", "testapp.tag")}
    assert len(receivers(post_save, Tag)) == 1
    assert receivers(post_save, Customer) == []


def test_any_sender_is_never_the_engine_nor_bookkeeping(make_rule: Any) -> None:
    """By default rules hear neither themselves nor sessions, the admin log, content types and permissions."""
    make_rule(sender="")
    apps = {label.partition(".")[0] for _, label in connected_pairs()}

    assert apps == {"auth", "testapp"}
    assert ("post_save", "auth.permission") not in connected_pairs()


def test_engine_cannot_be_allowed(make_rule: Any, settings: Any) -> None:
    """Not even ALLOWED_SENDERS = ["*"] lets a rule listen to the engine's own models."""
    settings.RULES_ENGINE = {"ALLOWED_SENDERS": ["*"]}
    make_rule(sender="")

    assert not [label for _, label in connected_pairs() if label.startswith("rules_engine.")]
    assert receivers(post_save, Execution) == receivers(post_save, Rule) == []


def test_many_to_many_rule_connects_the_through_model(make_rule: Any) -> None:
    """A rule on shop.order.tags listens to that field's through model alone."""
    make_rule(signal="m2m_changed", sender="testapp.order.tags")

    assert len(receivers(m2m_changed, Order.tags.through)) == 1
    assert receivers(m2m_changed, get_user_model().groups.through) == []


def test_held_signal_connects_the_one_that_confirms_it(make_rule: Any) -> None:
    """A pre_save rule also needs post_save, to write its deferred actions."""
    make_rule(signal="pre_save")

    assert connected_pairs() == {("pre_save", "testapp.order"), ("post_save", "testapp.order")}


def test_model_without_delete_rules_keeps_its_fast_delete(make_rule: Any) -> None:
    """Django may delete in bulk what no delete rule listens to, whatever other rules there are."""
    make_rule(signal="post_delete", sender="testapp.order")
    make_rule("Saved", signal="post_save", sender="testapp.line")
    fast = Collector(using="default").can_fast_delete(Line.objects.all())
    make_rule("Deleted", signal="post_delete", sender="testapp.line")

    assert (fast, Collector(using="default").can_fast_delete(Line.objects.all())) == (True, False)


def test_nothing_connects_where_disabled(make_rule: Any, settings: Any) -> None:
    """ENABLED = False disconnects what was connected and connects nothing."""
    make_rule()
    settings.RULES_ENGINE = {"ENABLED": False}
    loader.sync()

    Order.objects.create(status="paid")
    assert connected_pairs() == frozenset()
    assert not Execution.objects.exists()
