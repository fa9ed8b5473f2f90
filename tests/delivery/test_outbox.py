"""The outbox: written with its cause or not at all, claimed by one worker, changed by nobody else."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.db import connection, transaction
from django.db.models.signals import post_save
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from rules_engine import testing
from rules_engine.delivery import executors, outbox
from rules_engine.models import Attempt, Event, Execution, Rule, RuleAction
from tests.delivery.conftest import MakeExecutions, add_event
from tests.fixtures import MakeRule
from tests.testapp.models import Order

SECOND = timedelta(seconds=1)


class PowerCut(Exception):
    """Stands for a crash: nothing of the engine catches it, because it is raised outside the engine."""


@pytest.fixture
def wakes(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Grows by one at each wake; nothing is drained."""
    heard: list[str] = []
    monkeypatch.setattr(executors, "wake", lambda: heard.append("wake"))
    return heard


@pytest.fixture
def cut_power() -> Iterator[Callable[[], None]]:
    """Return a function that makes every later save of an order fail in a ``post_save`` receiver."""

    def cut(**kwargs: Any) -> None:
        raise PowerCut

    yield lambda: post_save.connect(cut, sender=Order, weak=False, dispatch_uid="power")
    post_save.disconnect(sender=Order, dispatch_uid="power")


def counts() -> tuple[int, int, int]:
    """How many orders, events and executions are stored."""
    return Order.objects.count(), Event.objects.count(), Execution.objects.count()


# --- what is guaranteed -------------------------------------------------------------------------------------


@pytest.mark.django_db(transaction=True)
class TestGuarantee:
    """Section by section what the engine promises about a match and the change that caused it."""

    def test_autocommit_writes_row_and_event(self, make_rule: MakeRule) -> None:
        """One save, one event, one execution, run at once by the inline executor."""
        make_rule()

        Order.objects.create(number="1")

        assert counts() == (1, 1, 1)
        assert Execution.objects.get().state == "succeeded"

    def test_commit_brings_exactly_one_execution(self, make_rule: MakeRule) -> None:
        """Nothing runs before the commit; after it, it runs once."""
        make_rule()

        with transaction.atomic():
            Order.objects.create(number="1")
            assert Execution.objects.get().state == "pending"

        assert counts() == (1, 1, 1)
        assert Execution.objects.get().state == "succeeded"
        assert Attempt.objects.count() == 1

    def test_rollback_leaves_nothing(self, make_rule: MakeRule, wakes: list[str]) -> None:
        """No phantom event for an order that never was."""
        make_rule()

        with pytest.raises(PowerCut), transaction.atomic():
            Order.objects.create(number="1")
            raise PowerCut

        assert counts() == (0, 0, 0)
        assert wakes == []

    def test_rollback_to_a_savepoint_leaves_nothing_of_it(self, make_rule: MakeRule) -> None:
        """What was saved before and after it stays."""
        make_rule()

        with transaction.atomic():
            Order.objects.create(number="before")
            with pytest.raises(PowerCut), transaction.atomic():
                Order.objects.create(number="undone")
                raise PowerCut
            Order.objects.create(number="after")

        assert counts() == (2, 2, 2)
        numbers = {event.data["instance"]["number"] for event in Event.objects.all()}
        assert numbers == {"before", "after"}
        assert set(Execution.objects.values_list("state", flat=True)) == {"succeeded"}

    @pytest.mark.parametrize("cut_first", [True, False], ids=["before the match", "after the match"])
    def test_autocommit_is_two_commits(
        self, make_rule: MakeRule, cut_power: Callable[[], None], cut_first: bool
    ) -> None:
        """Django commits the row before it sends the signal: a crash in between loses the match, and only that."""
        if cut_first:
            cut_power()
        make_rule()
        if not cut_first:
            cut_power()

        with pytest.raises(PowerCut):
            Order.objects.create(number="1")

        assert counts() == ((1, 0, 0) if cut_first else (1, 1, 1))

    @pytest.mark.parametrize("cut_first", [True, False], ids=["before the match", "after the match"])
    @pytest.mark.parametrize("named", [["testapp.order"], "*"], ids=["by name", "all with live rules"])
    def test_atomic_saves_are_one_commit(
        self, make_rule: MakeRule, cut_power: Callable[[], None], settings: Any, cut_first: bool, named: Any
    ) -> None:
        """A crash anywhere in the save leaves neither the row nor the event."""
        settings.RULES_ENGINE = {**settings.RULES_ENGINE, "ATOMIC_SAVES": named}
        if cut_first:
            cut_power()
        make_rule()
        if not cut_first:
            cut_power()

        with pytest.raises(PowerCut):
            Order.objects.create(number="1")

        assert counts() == (0, 0, 0)

    def test_atomic_saves_wake_after_their_commit(self, make_rule: MakeRule, settings: Any) -> None:
        """The action runs when row and event are there."""
        settings.RULES_ENGINE = {**settings.RULES_ENGINE, "ATOMIC_SAVES": ["testapp.order"]}
        make_rule()

        Order.objects.create(number="1")

        assert counts() == (1, 1, 1)
        assert Execution.objects.get().state == "succeeded"

    def test_host_that_manages_transactions_itself(self, make_rule: MakeRule) -> None:
        """Without autocommit there is no hook: the event is in the host's transaction; the next drain finds it."""
        make_rule()
        connection.set_autocommit(False)
        try:
            Order.objects.create(number="undone")
            connection.rollback()
            Order.objects.create(number="1")
            connection.commit()
        finally:
            connection.set_autocommit(True)

        assert counts() == (1, 1, 1)
        assert Execution.objects.get().state == "pending"
        assert testing.drain_now().finished == 1


@pytest.mark.django_db
@pytest.mark.parametrize("rules", [1, 5])
def test_match_costs_two_inserts_in_one_savepoint(make_rule: MakeRule, statements: Any, rules: int) -> None:
    """Whatever the number of rules and of their actions."""
    for number in range(rules):
        actions = [{"kind": "log", "config": {"message": "x"}} for _ in range(2)]
        make_rule(f"Rule {number}", actions=actions, load=number == rules - 1)

    with CaptureQueriesContext(connection) as queries, statements() as found:
        Order.objects.create(number="1")

    assert found.kinds == [
        "INSERT testapp_order",
        "INSERT rules_engine_event",
        "INSERT rules_engine_execution",
    ]
    assert sum(query["sql"].startswith("SAVEPOINT") for query in queries) == 1
    assert Execution.objects.count() == 2 * rules


@pytest.mark.django_db(transaction=True)
def test_failing_insert_does_not_poison_the_hosts_transaction(
    make_rule: MakeRule, caplog: pytest.LogCaptureFixture, wakes: list[str]
) -> None:
    """The match is lost and the log says whose; what the host does before and after is committed."""
    event = Event.objects.create(signal="post_save", sender="testapp.order", data={})
    again = Event(id=event.pk, signal="post_save", sender="testapp.order", data={})
    row = Execution(event_id=event.pk, rule_slug="paid", rule_name="Paid")

    with transaction.atomic():
        Order.objects.create(number="before")
        outbox.write(again, [row], using="default")
        Order.objects.create(number="after")

    assert counts() == (2, 1, 0)
    assert wakes == []
    assert [record.getMessage() for record in caplog.records] == [
        "rules: the match of post_save on testapp.order could not be written; these rules did not run: paid"
    ]


@pytest.mark.django_db(transaction=True)
def test_failing_insert_of_executions_takes_the_event_along(caplog: pytest.LogCaptureFixture) -> None:
    """Two INSERTs, one savepoint: no event without what it brought about."""
    event = Event(signal="post_save", data={})
    rows = [Execution(id=key, event_id=event.pk, rule_slug="a", rule_name="A") for key in [uuid4()] * 2]

    with transaction.atomic():
        outbox.write(event, rows, using="default")

    assert counts() == (0, 0, 0)
    assert "could not be written" in caplog.text


@pytest.mark.django_db
def test_match_in_another_database_is_written_after_its_commit(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the outbox is not in the database of the change, it can only follow that one's commit."""
    hooks: list[tuple[Any, dict[str, Any]]] = []
    monkeypatch.setattr(transaction, "on_commit", lambda hook, **options: hooks.append((hook, options)))

    outbox.write(Event(signal="post_save", data={}), [], using="elsewhere")

    assert not Event.objects.exists()
    ((hook, options),) = hooks
    assert options == {"using": "elsewhere", "robust": True}
    hook()
    assert Event.objects.count() == 1


# --- waking -------------------------------------------------------------------------------------------------


def save(number: str = "1") -> None:
    Order.objects.create(number=number)


def save_and_undo() -> None:
    with pytest.raises(PowerCut), transaction.atomic():
        save()
        raise PowerCut


def save_in_a_savepoint() -> None:
    with transaction.atomic():
        save()


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(
    ("steps", "expected"),
    [
        ([save, save, save], 1),
        ([save_in_a_savepoint, save], 1),
        ([save_in_a_savepoint, save_in_a_savepoint], 1),
        ([save_and_undo], 0),
        ([save_and_undo, save], 1),
        ([save, save_and_undo], 1),
        ([save_and_undo, save_in_a_savepoint, save_and_undo], 1),
        ([], 0),
    ],
)
def test_transaction_wakes_once_if_something_of_it_remains(
    make_rule: MakeRule, wakes: list[str], steps: list[Callable[[], None]], expected: int
) -> None:
    """Also when savepoints were rolled back, before or after; and the next transaction wakes anew."""
    make_rule()

    for _ in range(2):
        with transaction.atomic():
            for step in steps:
                step()
            assert wakes == []

        assert len(wakes) == expected
        wakes.clear()


@pytest.mark.django_db(transaction=True)
def test_rolled_back_transaction_does_not_keep_the_next_from_waking(make_rule: MakeRule, wakes: list[str]) -> None:
    """There is no flag that could stay behind."""
    make_rule()
    save_and_undo()

    save()

    assert wakes == ["wake"]


@pytest.mark.django_db(transaction=True)
def test_shadow_rule_wakes_nobody(make_rule: MakeRule, wakes: list[str]) -> None:
    """There is nothing to run."""
    make_rule(mode="shadow")

    save()

    assert (counts(), wakes) == ((1, 1, 1), [])
    assert Execution.objects.get().state == "shadow"


# --- claiming -----------------------------------------------------------------------------------------------


@pytest.mark.django_db
def test_claim_marks_what_is_due_with_one_token_and_a_lease(executions: MakeExecutions, settings: Any) -> None:
    """Until the lease ends they are nobody else's."""
    settings.RULES_ENGINE = {**settings.RULES_ENGINE, "LEASE_SECONDS": 30}
    executions("a")
    executions("a")
    before = timezone.now()

    first, second = outbox.claim(10, using="default")

    stored = Execution.objects.get(pk=first.pk)
    assert stored.state == "claimed"
    assert stored.claim_token == first.claim_token == second.claim_token
    assert before + 30 * SECOND <= stored.lease_until <= timezone.now() + 30 * SECOND  # type: ignore[operator]
    assert stored.attempts_made == 0
    assert outbox.claim(10, using="default") == []


@pytest.mark.django_db
def test_read_brings_rule_and_action_as_they_are_now_in_one_query(
    executions: MakeExecutions, django_assert_num_queries: Any
) -> None:
    """With all that running needs: nothing else is read for it."""
    executions("a")
    (claimed,) = outbox.claim(1, using="default")
    Rule.objects.update_quietly(name="Paid in full")
    RuleAction.objects.update(config={"name": "b"})

    with django_assert_num_queries(1):
        found = outbox.read(claimed)
        assert found is not None
        at_hand = (found.event.data, getattr(found.rule, "name", ""), getattr(found.action, "config", ""))

    assert at_hand == ({}, "Paid in full", {"name": "b"})


@pytest.mark.django_db
def test_read_of_a_lost_claim_finds_nothing(executions: MakeExecutions) -> None:
    """Another worker has it: its token is not this one's."""
    executions("a")
    (claimed,) = outbox.claim(1, using="default")
    Execution.objects.update(claim_token=uuid4())

    assert outbox.read(claimed) is None


@pytest.mark.django_db
def test_claim_takes_the_longest_due_first_and_no_more_than_asked(executions: MakeExecutions) -> None:
    """Whatever the priority: rules that are busy must not starve the others."""
    now = timezone.now()
    for seconds, priority in ((3, 1), (9, 100), (6, 50), (6, 5)):
        (row,) = executions("a", priority=priority)
        Execution.objects.filter(pk=row.pk).update(due_at=now - seconds * SECOND)

    claimed = outbox.claim(3, using="default")

    assert [row.priority for row in claimed] == [100, 5, 50]


@pytest.mark.django_db
def test_claim_leaves_what_waits(executions: MakeExecutions) -> None:
    """For its time, or for the action before it."""
    first, second = executions("a", "b")
    Execution.objects.filter(pk=first.pk).update(due_at=timezone.now() + 60 * SECOND)

    assert outbox.claim(10, using="default") == []
    assert set(Execution.objects.values_list("state", flat=True)) == {"pending"}
    assert second.due_at is None


@pytest.mark.django_db(transaction=True)
def test_four_workers_never_claim_the_same_execution(executions: MakeExecutions) -> None:
    """All is claimed, each by one, whatever the database and however they race."""
    (row,) = executions("a")
    assert row.rule is not None
    for _ in range(199):
        add_event(row.rule)
    start = threading.Barrier(4)
    claimed: list[list[Any]] = [[] for _ in range(4)]
    errors: list[BaseException] = []

    def work(mine: list[Any]) -> None:
        try:
            start.wait(20)
            while batch := outbox.claim(7, using="default"):
                mine.extend(item.pk for item in batch)
        except BaseException as error:
            errors.append(error)
        finally:
            connection.close()

    threads = [threading.Thread(target=work, args=(mine,)) for mine in claimed]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)

    assert errors == []
    everything = [pk for mine in claimed for pk in mine]
    assert len(everything) == len(set(everything)) == 200
    assert Execution.objects.filter(state="claimed").count() == 200


@pytest.mark.django_db
def test_row_that_another_worker_took_since_it_was_read_is_not_taken_again(
    executions: MakeExecutions, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where rows cannot be locked: the guarded UPDATE changes none, and the worker looks for others."""
    monkeypatch.setattr(connection.features, "has_select_for_update_skip_locked", False)
    taken, free = executions("a")[0], executions("a")[0]
    theirs = uuid4()
    mark = outbox._mark
    calls: list[int] = []

    def lose_the_race(ids: list[Any], *args: Any) -> int:
        if not calls:
            mark(ids, theirs, *args[1:])
        calls.append(mark(ids, *args))
        return calls[-1]

    monkeypatch.setattr(outbox, "_mark", lose_the_race)

    claimed = outbox.claim(1, using="default")

    assert [row.pk for row in claimed] == [free.pk]
    assert calls == [0, 1]
    assert Execution.objects.get(pk=taken.pk).claim_token == theirs


# --- after the claim ----------------------------------------------------------------------------------------


def expire() -> None:
    """Let every lease be over."""
    Execution.objects.update(lease_until=timezone.now() - SECOND)


def an_attempt(row: Execution) -> Attempt:
    return Attempt(
        execution=row, number=row.attempts_made, started_at=timezone.now(), duration_ms=1, outcome="succeeded"
    )


@pytest.mark.django_db
def test_start_counts_the_attempt_and_renews_the_lease(executions: MakeExecutions) -> None:
    """The attempt counts when it starts, so that mates of a crashed one are not used up."""
    executions("a")
    (row,) = outbox.claim(1, using="default")
    expire()

    assert outbox.start(row) is True

    stored = Execution.objects.get()
    assert stored.attempts_made == row.attempts_made == 1
    assert stored.lease_until is not None
    assert stored.lease_until > timezone.now()


@pytest.mark.django_db
def test_finish_writes_state_and_attempt_together(executions: MakeExecutions) -> None:
    """The claim is over, the note is cut to its column."""
    executions("a")
    (row,) = outbox.claim(1, using="default")
    outbox.start(row)

    done = outbox.finish(row, Execution.State.SUCCEEDED, attempt=an_attempt(row), note="x" * 600)

    stored = Execution.objects.get()
    assert done is True
    assert (stored.state, stored.claim_token, stored.lease_until, stored.due_at) == ("succeeded", None, None, None)
    assert stored.note == "x" * 499 + "…"
    assert stored.finished_at is not None
    assert stored.attempts.get().number == 1
    assert (row.state, row.finished_at) == (stored.state, stored.finished_at)


@pytest.mark.django_db
def test_postpone_makes_it_due_again(executions: MakeExecutions) -> None:
    """It is pending with a later time, in nobody's hands."""
    executions("a")
    (row,) = outbox.claim(1, using="default")
    outbox.start(row)

    outbox.postpone(row, 60, attempt=an_attempt(row), note="HTTP 503")

    stored = Execution.objects.get()
    assert (stored.state, stored.note, stored.claim_token, stored.finished_at) == ("pending", "HTTP 503", None, None)
    assert stored.due_at is not None
    assert 59 * SECOND < stored.due_at - timezone.now() <= 60 * SECOND


@pytest.mark.django_db
def test_release_gives_back_what_was_not_started(executions: MakeExecutions) -> None:
    """At its old place in the queue, and only what this claim still holds."""
    executions("a")
    executions("a")
    rows = outbox.claim(2, using="default")
    Execution.objects.filter(pk=rows[1].pk).update(claim_token=uuid4())

    outbox.release(rows)

    stored = {row.pk: row for row in Execution.objects.all()}
    assert stored[rows[0].pk].state == "pending"
    assert stored[rows[0].pk].due_at == rows[0].due_at
    assert stored[rows[0].pk].attempts_made == 0
    assert stored[rows[1].pk].state == "claimed"


@pytest.mark.django_db
@pytest.mark.parametrize("taken", [False, True], ids=["not claimed again", "claimed by another"])
def test_late_worker_changes_nothing(
    executions: MakeExecutions, caplog: pytest.LogCaptureFixture, taken: bool
) -> None:
    """Its lease was taken over: whatever it does with the old token is dropped, and the log says so."""
    executions("a", "b")
    (late,) = outbox.claim(1, using="default")
    outbox.start(late)
    expire()
    assert outbox.take_over_expired(using="default") == 1
    if taken:
        (current,) = outbox.claim(1, using="default")
        outbox.start(current)
    before = list(Execution.objects.order_by("pk").values())

    assert outbox.start(late) is False
    assert outbox.finish(late, Execution.State.SUCCEEDED, attempt=an_attempt(late)) is False
    assert outbox.postpone(late, 5, attempt=an_attempt(late), note="late") is False
    outbox.release([late])

    assert list(Execution.objects.order_by("pk").values()) == before
    assert not Attempt.objects.exists()
    assert "its result came; the result is dropped" in caplog.text
    if taken:
        assert outbox.finish(current, Execution.State.SUCCEEDED, attempt=an_attempt(current)) is True
        assert Attempt.objects.get().number == 2


@pytest.mark.django_db
def test_expired_lease_is_taken_over(executions: MakeExecutions, caplog: pytest.LogCaptureFixture) -> None:
    """Due again with its attempts kept; a lease that still runs is left alone."""
    executions("a")
    (gone,) = outbox.claim(1, using="default")
    outbox.start(gone)
    expire()
    executions("a")
    (busy,) = outbox.claim(1, using="default")

    assert outbox.take_over_expired(using="default") == 1

    states = dict(Execution.objects.values_list("pk", "state"))
    assert states == {gone.pk: "pending", busy.pk: "claimed"}
    assert "1 claims expired: 1 run again, 0 failed for good" in caplog.text
    (again,) = outbox.claim(5, using="default")
    assert (again.pk, again.attempts_made) == (gone.pk, 1)


@pytest.mark.django_db
def test_take_over_costs_one_query_when_nothing_expired(
    executions: MakeExecutions, django_assert_num_queries: Any
) -> None:
    """And no lock: it is asked at every drain."""
    executions("a")
    outbox.claim(1, using="default")

    with django_assert_num_queries(1):
        assert outbox.take_over_expired(using="default") == 0


@pytest.mark.django_db
@pytest.mark.parametrize(("on_error", "next_state"), [("continue", "pending"), ("stop", "cancelled")])
def test_expired_lease_without_an_attempt_left_fails(
    executions: MakeExecutions, settings: Any, on_error: str, next_state: str
) -> None:
    """An execution that kills its worker cannot loop for ever, and the one after it is not forgotten."""
    settings.RULES_ENGINE = {**settings.RULES_ENGINE, "RETRY_SCHEDULE": [0]}
    first, second = executions("a", "b", on_error=on_error)
    (row,) = outbox.claim(1, using="default")
    outbox.start(row)
    expire()

    assert outbox.take_over_expired(using="default") == 0

    first.refresh_from_db()
    second.refresh_from_db()
    assert (first.state, first.reason) == ("failed", "lease_expired")
    assert first.note == "The worker that ran it did not come back, and no attempt is left."
    assert second.state == next_state
    assert (second.due_at is not None) is (on_error == "continue")


# --- opening again ------------------------------------------------------------------------------------------


@pytest.mark.django_db
def test_reopen_makes_failed_and_cancelled_due_with_key_and_attempts(executions: MakeExecutions) -> None:
    """What ended otherwise, or has not ended, stays as it is."""
    rows = {state: executions("a", attempts_made=3)[0] for state in Execution.State.values}
    for state, row in rows.items():
        Execution.objects.filter(pk=row.pk).update(state=state, reason="refused", note="no", due_at=None)

    with transaction.atomic():
        assert outbox.reopen(Execution.objects.all()) == 2

    for state, row in rows.items():
        row.refresh_from_db()
        opened = state in ("failed", "cancelled")
        assert row.state == ("pending" if opened else state)
        assert (row.due_at is not None, row.reason == "") == (opened, opened)
        assert row.attempts_made == 3


@pytest.mark.django_db
def test_reopened_actions_of_one_event_keep_their_order(executions: MakeExecutions) -> None:
    """The first is due, the others wait for it; another event has its own first."""
    executions("a", "b", "c")
    executions("a", "b", "c")
    Execution.objects.update(state="failed", due_at=None)
    Execution.objects.filter(position=1).update(state="succeeded")

    with transaction.atomic():
        assert outbox.reopen(Execution.objects.all()) == 4

    due = Execution.objects.filter(state="pending", due_at__isnull=False)
    assert [row.position for row in due] == [2, 2]
    assert Execution.objects.filter(state="pending", due_at__isnull=True, position=3).count() == 2


@pytest.mark.django_db
def test_reopen_takes_many(executions: MakeExecutions, monkeypatch: pytest.MonkeyPatch) -> None:
    """In statements of limited size."""
    monkeypatch.setattr(outbox, "REOPENED_AT_ONCE", 2)
    for _ in range(5):
        executions("a")
    Execution.objects.update(state="failed", due_at=None)

    with transaction.atomic():
        assert outbox.reopen(Execution.objects.filter(rule__name="Paid").order_by("note")) == 5

    assert Execution.objects.filter(state="pending").count() == 5
