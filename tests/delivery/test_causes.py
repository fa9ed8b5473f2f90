"""The chain of causes behind an execution."""

from __future__ import annotations

from typing import Any

import pytest

from rules_engine.delivery.causes import cause_of
from rules_engine.models import Event, Execution, Rule

pytestmark = pytest.mark.django_db


@pytest.fixture
def rule() -> Rule:
    """A rule for all links of a chain."""
    return Rule.objects.create(name="Paid", signal="post_save")


def link(rule: Rule, object_id: str, cause: Execution | None = None) -> Execution:
    """An event about an object, caused by an execution or by nothing, and the rule's execution for it."""
    event = Event.objects.create(
        signal="post_save", sender="testapp.order", object_id=object_id, data={}, cause=cause
    )
    return Execution.objects.create(event=event, rule=rule, rule_slug=rule.slug, rule_name=rule.name)


def test_first_link_has_depth_one_and_costs_no_query(rule: Rule, django_assert_num_queries: Any) -> None:
    """Nearly every execution is one."""
    execution = Execution.objects.select_related("event").get(pk=link(rule, "1").pk)

    with django_assert_num_queries(0):
        cause = cause_of(execution)

    assert (cause.event, cause.execution, cause.rule, cause.depth) == (execution.event_id, execution.pk, "paid", 1)
    assert cause.chain == {(rule.pk, "testapp.order:1")}


def test_chain_holds_every_rule_and_object_before(rule: Rule) -> None:
    """So that no rule runs twice for the same object in one chain."""
    last = link(rule, "3", link(rule, "2", link(rule, "1")))

    cause = cause_of(last)

    assert cause.depth == 3
    assert cause.chain == {(rule.pk, f"testapp.order:{number}") for number in (1, 2, 3)}


def test_chain_is_followed_one_beyond_the_deepest(rule: Rule, settings: Any) -> None:
    """More links than that change nothing, and a long history costs no more."""
    settings.RULES_ENGINE = {**settings.RULES_ENGINE, "MAX_DEPTH": 3}
    last = link(rule, "0")
    for number in range(1, 20):
        last = link(rule, str(number), last)

    assert cause_of(last).depth == 4


def test_chain_ends_where_history_was_pruned(rule: Rule) -> None:
    """A cause that is gone is no error."""
    first = link(rule, "1")
    last = link(rule, "2", first)
    first.event.delete()
    last.refresh_from_db()

    assert cause_of(last).depth == 1


def test_deleted_rule_is_left_out_of_the_chain(rule: Rule) -> None:
    """Its key may be given to another one."""
    last = link(rule, "1")
    rule.delete()
    last.refresh_from_db()

    assert cause_of(last).chain == frozenset()
