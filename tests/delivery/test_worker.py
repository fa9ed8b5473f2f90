"""``drain``: claim what is due, run it, write what came of it."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.db import OperationalError, connection
from django.utils import timezone

import rules_engine
from rules_engine import signals
from rules_engine.catalog.emission import current_cause
from rules_engine.delivery import outbox, worker
from rules_engine.delivery.worker import Drained, before_batch, drain
from rules_engine.exceptions import ActionError, ActionRefused
from rules_engine.models import Attempt, Event, Execution, Rule, RuleAction
from rules_engine.models.fields import FrozenText
from tests.delivery.conftest import Behaviour, MakeExecutions, Stage, add_event, keep
from tests.testapp.models import Order


def slowly(seconds: float) -> Behaviour:
    """An action that takes its time."""

    def behave(event: Any, run: Any) -> str:
        time.sleep(seconds)
        return "done slowly"

    return behave


@pytest.fixture
def heard() -> Iterator[list[tuple[str, Any]]]:
    """The engine's own signals, with the state that the execution had."""
    found: list[tuple[str, Any]] = []

    def started(execution: Execution, **kwargs: Any) -> None:
        found.append(("started", execution.state))

    def finished(execution: Execution, attempt: Attempt, **kwargs: Any) -> None:
        found.append((f"finished {attempt.outcome}", execution.state))

    signals.execution_started.connect(started)
    signals.execution_finished.connect(finished)
    yield found
    signals.execution_started.disconnect(started)
    signals.execution_finished.disconnect(finished)


@pytest.mark.django_db
class TestDrain:
    """What one call does and says."""

    def test_nothing_due_is_nothing_done(self) -> None:
        """It is public, and may be called at any time."""
        assert rules_engine.drain() == Drained(finished=0, next_due=None)

    def test_everything_due_is_run(self, executions: MakeExecutions, stage: Stage, settings: Any) -> None:
        """In as many batches as it takes."""
        settings.RULES_ENGINE = {**settings.RULES_ENGINE, "BATCH_SIZE": 2}
        for _ in range(5):
            executions("a")

        assert drain() == Drained(5, None)

        assert set(Execution.objects.values_list("state", flat=True)) == {"succeeded"}
        assert len(stage.ran) == 5

    def test_attempt_tells_what_was_run_when_and_with_which_version(
        self, executions: MakeExecutions, stage: Stage
    ) -> None:
        """The history of one success."""
        stage("a", slowly(0.02))
        (row,) = executions("a")
        before = timezone.now()

        drain()

        attempt = Attempt.objects.get()
        assert (attempt.execution_id, attempt.number, attempt.rule_version) == (row.pk, 1, 1)
        assert before <= attempt.started_at <= timezone.now()
        assert 20 <= attempt.duration_ms < 5_000
        assert (attempt.outcome, attempt.error, attempt.summary) == ("succeeded", "", "done slowly")
        row.refresh_from_db()
        assert (row.state, row.note, row.attempts_made, row.reason) == ("succeeded", "done slowly", 1, "")

    @pytest.mark.parametrize(
        ("change", "state", "reason"),
        [
            (lambda: Rule.objects.update_quietly(mode="off"), "cancelled", "rule_off"),
            (lambda: Rule.objects.update_quietly(mode="shadow"), "cancelled", "rule_shadow"),
            (lambda: RuleAction.objects.update(enabled=False), "cancelled", "action_off"),
            (lambda: RuleAction.objects.all().delete(), "cancelled", "action_removed"),
            (lambda: Rule.objects.all().delete(), "cancelled", "rule_deleted"),
        ],
        ids=["off", "shadow", "action off", "action removed", "deleted"],
    )
    def test_change_after_the_claim_counts_for_the_rest_of_the_batch(
        self, executions: MakeExecutions, stage: Stage, change: Callable[[], Any], state: str, reason: str
    ) -> None:
        """Who switches a rule off in an emergency does not wait for a slow batch."""
        stage("a", lambda event, run: change() and "changed")
        executions("a")
        (second,) = executions("a")

        drain()

        second.refresh_from_db()
        assert (second.state, second.reason, second.attempts_made) == (state, reason, 0)
        assert stage.names == ["a"]

    def test_edit_after_the_claim_counts_for_the_rest_of_the_batch(
        self, executions: MakeExecutions, stage: Stage
    ) -> None:
        """The attempt tells the version that it ran with."""

        def mend(event: Any, run: Any) -> str:
            action = RuleAction.objects.get()
            action.config = {"name": "mended"}
            action.save()
            return "mended"

        stage("a", mend)
        executions("a")
        executions("a")

        drain()

        assert stage.names == ["a", "mended"]
        assert list(Attempt.objects.order_by("id").values_list("rule_version", flat=True)) == [1, 2]

    def test_queries_grow_by_the_same_number_for_each_execution(
        self, executions: MakeExecutions, statements: Any
    ) -> None:
        """One to read, one to start, one to close, one for the attempt, one to look for the next action."""

        def cost(number: int) -> int:
            for _ in range(number):
                executions("a")
            with statements() as made:
                assert drain().finished == number
            return len(made.all)

        first, second, third = cost(2), cost(5), cost(8)
        assert (second - first, third - second) == (3 * 5, 3 * 5)

    @pytest.mark.parametrize("text", ["{broken", "", "[1e99999999999999999999]", "[" * 100_000])
    def test_event_that_is_no_json_fails_alone(
        self, executions: MakeExecutions, stage: Stage, text: str, caplog: pytest.LogCaptureFixture
    ) -> None:
        """For good, with a note; the rest of the batch runs, and so does what the broken event caused."""
        (broken,) = executions("a")
        (caused,) = executions("a")
        Event.objects.filter(pk=broken.event_id).update(data=FrozenText(text))
        Event.objects.filter(pk=caused.event_id).update(cause=broken)

        drain()

        rows = {row.pk: row for row in Execution.objects.all()}
        assert (rows[broken.pk].state, rows[broken.pk].reason) == ("failed", "refused")
        assert rows[broken.pk].note.startswith(
            "The text stored of the event or of the action's configuration is no JSON: "
        )
        assert rows[broken.pk].note.endswith("Mend it, then retry.")
        assert rows[caused.pk].state == "succeeded"
        assert stage.names == ["a"]

    @pytest.mark.skipif(connection.vendor != "sqlite", reason="other databases refuse such a text in a JSON column")
    def test_configuration_that_is_no_json_fails_alone(self, executions: MakeExecutions, stage: Stage) -> None:
        """As an event does, also when its lease ends meanwhile."""
        (broken,) = executions("a")
        (other,) = executions("b", slug="other")
        with connection.cursor() as cursor, connection.constraint_checks_disabled():
            cursor.execute("PRAGMA ignore_check_constraints = ON")
            cursor.execute("UPDATE rules_engine_ruleaction SET config = '{x' WHERE id = %s", [broken.action_id])
            cursor.execute("PRAGMA ignore_check_constraints = OFF")

        drain()

        states = dict(Execution.objects.values_list("pk", "state"))
        assert states == {broken.pk: "failed", other.pk: "succeeded"}

    def test_limit_is_kept(self, executions: MakeExecutions) -> None:
        """The rest stays due, in nobody's hands."""
        for _ in range(4):
            executions("a")

        done = drain(limit=3)

        assert done.finished == 3
        assert done.next_due is not None
        assert done.next_due <= 0
        assert Execution.objects.get(state="pending").claim_token is None

    def test_deadline_gives_back_what_was_not_started(self, executions: MakeExecutions, stage: Stage) -> None:
        """Without using up an attempt."""
        stage("a", slowly(0.05))
        for _ in range(5):
            executions("a")

        done = drain(deadline=0.08)

        assert 0 < done.finished < 5
        left = Execution.objects.filter(state="pending", due_at__isnull=False, attempts_made=0, claim_token=None)
        assert left.count() == 5 - done.finished

    def test_next_due_is_told_in_seconds(self, executions: MakeExecutions) -> None:
        """So that a worker knows how long to sleep; what waits for another action has no time."""
        first, _ = executions("a", "b")
        Execution.objects.filter(pk=first.pk).update(due_at=timezone.now() + timedelta(seconds=50))

        done = drain()

        assert done.finished == 0
        assert done.next_due is not None
        assert 45 < done.next_due <= 50

    def test_switched_off_engine_runs_nothing(self, executions: MakeExecutions, settings: Any) -> None:
        """What is due stays due."""
        executions("a")
        settings.RULES_ENGINE = {**settings.RULES_ENGINE, "ENABLED": False}

        assert drain().finished == 0

        assert Execution.objects.get().state == "pending"

    def test_expired_leases_are_taken_over_first(self, executions: MakeExecutions, stage: Stage) -> None:
        """A worker that died is not waited for any longer than its lease."""
        executions("a")
        (row,) = outbox.claim(1, using="default")
        outbox.start(row)
        Execution.objects.update(lease_until=timezone.now() - timedelta(seconds=1))

        drain()

        assert stage.ran == [("a", 2)]
        assert Execution.objects.get().state == "succeeded"

    def test_rules_are_looked_at_before_each_batch(
        self, executions: MakeExecutions, settings: Any, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """By whoever asked for it, and once however often that was."""
        settings.RULES_ENGINE = {**settings.RULES_ENGINE, "BATCH_SIZE": 1}
        monkeypatch.setattr(worker, "_before_batch", [])
        calls: list[int] = []

        def check() -> None:
            calls.append(1)

        before_batch(check)
        before_batch(check)
        executions("a")
        executions("a")

        drain()

        assert len(calls) == 3  # the last of them finds nothing

    def test_what_actions_bring_about_is_run_too(self, executions: MakeExecutions, stage: Stage) -> None:
        """Due work that appears meanwhile belongs to the same drain."""

        def more(event: Any, run: Any) -> str:
            if len(stage.ran) < 3:
                add_event(Rule.objects.get())
            return "done"

        stage("a", more)
        executions("a")

        assert drain().finished == 3

    def test_late_result_is_dropped(
        self, executions: MakeExecutions, stage: Stage, caplog: pytest.LogCaptureFixture
    ) -> None:
        """An action that outlives its lease does not overwrite what the next worker does."""

        def slow(event: Any, run: Any) -> str:
            Execution.objects.update(lease_until=timezone.now() - timedelta(seconds=1))
            outbox.take_over_expired(using="default")
            stage.behaviours["a"] = lambda event, run: "second"
            return "first"

        stage("a", slow)
        executions("a")

        drain()

        assert Execution.objects.get().note == "second"
        assert [(item.number, item.summary) for item in Attempt.objects.all()] == [(2, "second")]
        assert "the result is dropped" in caplog.text

    def test_claim_lost_before_the_start_does_not_run(
        self, executions: MakeExecutions, stage: Stage, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Somebody else has it."""
        executions("a")
        claim = outbox.claim

        def claim_and_lose(*args: Any, **kwargs: Any) -> Any:
            rows = claim(*args, **kwargs)
            Execution.objects.update(claim_token=None)
            return rows

        monkeypatch.setattr(outbox, "claim", claim_and_lose)
        drain(limit=1)

        assert stage.ran == []
        assert Execution.objects.get().attempts_made == 0

    def test_error_of_the_database_comes_out(
        self, executions: MakeExecutions, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """The caller decides what a dead database means; nothing is marked as done."""

        def dead(*args: Any, **kwargs: Any) -> Any:
            raise OperationalError("server closed the connection")

        executions("a")
        monkeypatch.setattr(outbox, "finish", dead)

        with pytest.raises(OperationalError, match="server closed"):
            drain()

        assert Execution.objects.get().state == "claimed"


@pytest.mark.django_db
class TestOutcomes:
    """What becomes of an execution after each kind of result."""

    def test_retry_waits_and_then_succeeds(
        self, executions: MakeExecutions, stage: Stage, later: Callable[[], None], caplog: pytest.LogCaptureFixture
    ) -> None:
        """Each attempt is kept; the log says when the next one comes."""
        stage("a", ActionError("HTTP 503"))
        executions("a")

        with caplog.at_level("INFO", "rules_engine"):
            drain()

        row = Execution.objects.get()
        assert (row.state, row.note, row.attempts_made, row.claim_token) == ("pending", "HTTP 503", 1, None)
        assert row.due_at is not None
        assert timedelta(seconds=3.9) < row.due_at - timezone.now() < timedelta(seconds=6)
        assert "failed (HTTP 503); next attempt in" in caplog.text
        assert drain().finished == 0
        later()
        stage("a", lambda event, run: "HTTP 200")
        drain()
        row.refresh_from_db()
        assert (row.state, row.note) == ("succeeded", "HTTP 200")
        attempts = [(item.number, item.outcome, item.summary) for item in row.attempts.all()]
        assert attempts == [(1, "retry", "HTTP 503"), (2, "succeeded", "HTTP 200")]

    def test_retry_after_is_honoured(self, executions: MakeExecutions, stage: Stage) -> None:
        """The receiver's wish, where it is longer than the schedule."""
        stage("a", ActionError("HTTP 429", retry_after=3_600))
        executions("a")

        drain()

        row = Execution.objects.get()
        assert row.due_at is not None
        assert timedelta(seconds=3_590) < row.due_at - timezone.now() <= timedelta(seconds=3_600)

    def test_schedule_ends_in_failure(
        self, executions: MakeExecutions, stage: Stage, later: Callable[[], None], settings: Any
    ) -> None:
        """As many attempts as it has entries; then a person decides."""
        settings.RULES_ENGINE = {**settings.RULES_ENGINE, "RETRY_SCHEDULE": [0, 5, 5]}
        stage("a", ActionError("HTTP 503"))
        executions("a")

        for _ in range(5):
            drain()
            later()

        row = Execution.objects.get()
        assert (row.state, row.reason, row.attempts_made) == ("failed", "exhausted", 3)
        assert [item.outcome for item in row.attempts.all()] == ["retry", "retry", "failed"]

    def test_refused_fails_at_once(
        self, executions: MakeExecutions, stage: Stage, caplog: pytest.LogCaptureFixture
    ) -> None:
        """With the reason for filters and the sentence for people."""
        stage("a", ActionRefused("HTTP 404"))
        (row,) = executions("a")

        drain()

        row.refresh_from_db()
        assert (row.state, row.reason, row.note, row.due_at) == ("failed", "refused", "HTTP 404", None)
        assert f"execution {row.pk} of rule 'paid' failed for good: HTTP 404" in caplog.text

    def test_rule_switched_off_since_the_match_is_cancelled(self, executions: MakeExecutions, stage: Stage) -> None:
        """Without an attempt; its history says why."""
        executions("a")
        Rule.objects.update_quietly(mode="off")

        drain()

        row = Execution.objects.get()
        assert (row.state, row.reason, row.attempts_made) == ("cancelled", "rule_off", 0)
        assert stage.ran == []

    def test_mended_configuration_is_the_one_that_is_retried(self, executions: MakeExecutions, stage: Stage) -> None:
        """Fix it, then retry: the current configuration counts, and the attempt records its version."""
        executions("a")
        RuleAction.objects.update(config={})
        drain()
        assert Execution.objects.get().reason == "config_invalid"
        RuleAction.objects.update(config={"name": "mended"})

        outbox.reopen(Execution.objects.all())
        drain()

        assert stage.names == ["mended"]
        assert list(Attempt.objects.values_list("number", "rule_version", "outcome")) == [
            (1, 2, "failed"),
            (2, 3, "succeeded"),
        ]

    def test_own_signals_are_sent_around_each_attempt(
        self, executions: MakeExecutions, stage: Stage, heard: list[tuple[str, Any]]
    ) -> None:
        """For metrics and alerts of the host."""
        stage("a", ActionError("HTTP 503"))
        executions("a")
        executions("b", slug="other")

        drain()

        assert sorted(heard) == [
            ("finished retry", "pending"),
            ("finished succeeded", "succeeded"),
            ("started", "claimed"),
            ("started", "claimed"),
        ]

    def test_receiver_that_raises_changes_nothing(self, executions: MakeExecutions) -> None:
        """A broken metric is no reason to deliver twice."""

        def broken(**kwargs: Any) -> None:
            raise RuntimeError("metrics are down")

        executions("a")
        signals.execution_started.connect(broken)
        signals.execution_finished.connect(broken)
        try:
            drain()
        finally:
            signals.execution_started.disconnect(broken)
            signals.execution_finished.disconnect(broken)

        assert Execution.objects.get().state == "succeeded"


@pytest.mark.django_db
def test_action_runs_as_the_cause_of_what_it_does(executions: MakeExecutions, stage: Stage) -> None:
    """And no longer than it runs, also when it raises."""
    causes: list[Any] = []

    def look(event: Any, run: Any) -> str:
        causes.append(current_cause.get())
        raise ActionRefused("no")

    stage("a", look)
    (row,) = executions("a")

    drain()

    assert (causes[0].execution, causes[0].event, causes[0].rule) == (row.pk, row.event_id, "paid")
    assert current_cause.get() is None


@pytest.mark.django_db(transaction=True)
def test_event_of_an_action_names_its_cause(stage: Stage, make_rule: Any) -> None:
    """Saved while an action ran, so it is known to be caused by it."""

    def save_another(event: Any, run: Any) -> str:
        Order.objects.create(number="2")
        return "saved"

    make_rule("Answer", condition="instance.number == '1'", actions=[stage("a", save_another)])
    make_rule("Echo", condition="instance.number == '2'", actions=[stage("b")])

    Order.objects.create(number="1")

    first, second = Event.objects.order_by("id")
    assert (first.cause, second.cause.rule_slug) == (None, "answer")  # type: ignore[union-attr]
    assert second.data["cause"] == {"event": str(first.pk), "rule": "answer", "depth": 1}
    assert stage.names == ["a", "b"]


@pytest.mark.django_db(transaction=True)
def test_actions_run_outside_any_transaction(executions: MakeExecutions, stage: Stage) -> None:
    """A slow endpoint must not hold locks."""
    inside: list[bool] = []
    stage("a", lambda event, run: keep(inside, connection.in_atomic_block))
    executions("a")

    drain()

    assert inside == [False]


@pytest.mark.django_db(transaction=True)
def test_four_workers_run_each_execution_once(executions: MakeExecutions, stage: Stage, settings: Any) -> None:
    """However they race, and whatever the database."""
    settings.RULES_ENGINE = {**settings.RULES_ENGINE, "BATCH_SIZE": 5}
    keys: list[Any] = []
    stage("a", lambda event, run: keep(keys, run.key))
    (row,) = executions("a")
    assert row.rule is not None
    for _ in range(59):
        add_event(row.rule)
    start = threading.Barrier(4)
    errors: list[BaseException] = []

    def work() -> None:
        try:
            start.wait(20)
            drain()
        except BaseException as error:
            errors.append(error)
        finally:
            connection.close()

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(120)

    assert errors == []
    assert len(keys) == len(set(keys)) == 60
    assert Execution.objects.filter(state="succeeded").count() == Attempt.objects.count() == 60
