"""Events, executions and attempts: states, querysets, and the history that outlives its rule."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.db import IntegrityError, transaction
from django.utils import timezone

from rules_engine.models import Attempt, Event, Execution, Reason, Rule

pytestmark = pytest.mark.django_db

NOW = timezone.now()
SECOND = timedelta(seconds=1)


def an_execution(**values: Any) -> Execution:
    """A stored execution of its own event."""
    event = Event.objects.create(signal="post_save", sender="testapp.order", object_id="7", data={})
    return Execution.objects.create(**{"event": event, "rule_slug": "paid", "rule_name": "Paid", **values})


@pytest.mark.parametrize(
    ("state", "due_at", "is_due"),
    [
        ("pending", NOW - SECOND, True),
        ("pending", NOW, True),
        ("pending", NOW + SECOND, False),
        ("pending", None, False),
        ("claimed", NOW - SECOND, False),
        ("succeeded", NOW - SECOND, False),
    ],
)
def test_due_is_pending_and_its_time_has_come(state: str, due_at: Any, is_due: bool) -> None:
    """One without a time waits for the action before it."""
    an_execution(state=state, due_at=due_at)

    assert Execution.objects.due(NOW).exists() is is_due


def test_expired_is_claimed_with_its_lease_over() -> None:
    """A lease that ends now still counts."""
    an_execution(state="claimed", lease_until=NOW)
    an_execution(state="pending", lease_until=NOW - SECOND)
    gone = an_execution(state="claimed", lease_until=NOW - SECOND)

    assert list(Execution.objects.expired(NOW)) == [gone]


def test_held_by_asks_for_state_and_token() -> None:
    """An old token holds nothing, and neither does the right one when the execution is finished."""
    token = uuid4()
    held = an_execution(state="claimed", claim_token=token)
    an_execution(state="claimed", claim_token=uuid4())
    an_execution(state="succeeded", claim_token=token)

    assert list(Execution.objects.held_by(token)) == [held]


def test_unfinished_is_what_is_pending_or_claimed() -> None:
    """All other states are left by a person only."""
    for state in Execution.State.values:
        assert an_execution(state=state).is_finished is (state not in ("pending", "claimed"))

    assert set(Execution.objects.unfinished().values_list("state", flat=True)) == {"pending", "claimed"}


def test_cancel_pending_touches_nothing_else() -> None:
    """Each row says why it was cancelled, in a word and in a sentence."""
    for state in Execution.State.values:
        an_execution(state=state, due_at=NOW)

    assert Execution.objects.cancel_pending(Reason.RULE_OFF) == 1

    row = Execution.objects.get(reason="rule_off")
    assert (row.state, row.note, row.due_at) == ("cancelled", "The rule was switched off before this ran.", None)
    assert Execution.objects.filter(state="claimed", reason="").count() == 1


def test_history_outlives_its_rule() -> None:
    """A deleted rule leaves its name and slug on its executions."""
    rule = Rule.objects.create(name="Paid", signal="post_save")
    row = an_execution(rule=rule, state="succeeded", action_kind="log")

    rule.delete()

    row.refresh_from_db()
    assert (row.rule, row.rule_slug, row.rule_name, row.state) == (None, "paid", "Paid", "succeeded")
    assert str(row) == "Paid: log"


def test_deleted_event_takes_its_executions_and_attempts_along() -> None:
    """And an event that it caused stays, without its cause."""
    row = an_execution()
    Attempt.objects.create(execution=row, number=1, started_at=NOW, duration_ms=1, outcome="succeeded")
    caused = Event.objects.create(signal="post_save", data={}, cause=row)

    row.event.delete()

    assert not Execution.objects.exists()
    assert not Attempt.objects.exists()
    caused.refresh_from_db()
    assert caused.cause is None


def test_attempt_number_is_unique_for_an_execution() -> None:
    """Two workers cannot both record the same try."""
    row = an_execution()
    values: dict[str, Any] = {"number": 1, "started_at": NOW, "duration_ms": 1, "outcome": "retry"}
    Attempt.objects.create(execution=row, **values)

    with pytest.raises(IntegrityError), transaction.atomic():
        Attempt.objects.create(execution=row, **values)


def test_attempt_is_summed_up_by_its_error_or_its_line() -> None:
    """The list of the history shows one line for each."""
    assert Attempt(error="HTTP 500", detail={"result": "x"}).summary == "HTTP 500"
    assert Attempt(detail={"result": "HTTP 200"}).summary == "HTTP 200"
    assert Attempt(detail=[]).summary == ""


@pytest.mark.parametrize(
    ("values", "text"),
    [
        ({"sender": "shop.order", "object_id": "7"}, "post_save shop.order 7"),
        ({"sender": "shop.order"}, "post_save shop.order"),
        ({}, "post_save"),
    ],
)
def test_event_is_called_by_signal_and_object(values: dict[str, str], text: str) -> None:
    """What is known of it."""
    assert str(Event(signal="post_save", **values)) == text


def test_newest_event_comes_first() -> None:
    """Keys are ordered by time."""
    made = [Event.objects.create(signal="post_save", data={}) for _ in range(5)]

    assert list(Event.objects.all()) == made[::-1]


def test_every_reason_is_short_enough_and_says_a_sentence() -> None:
    """The word fits its column, the sentence ends."""
    for reason in Reason:
        assert len(reason.value) <= 50
        assert str(reason.label).endswith(".")
