"""The order of actions within one rule and event."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from rules_engine import services
from rules_engine.delivery import outbox
from rules_engine.delivery.worker import drain
from rules_engine.exceptions import ActionError, ActionRefused
from rules_engine.models import Execution, Rule, RuleAction
from tests.delivery.conftest import MakeExecutions, Stage, add_event

pytestmark = pytest.mark.django_db

FAILS = ActionRefused("no")
PASSES_LATER = ActionError("not now")


def states() -> list[str]:
    """State of each execution by position."""
    return list(Execution.objects.order_by("event_id", "position").values_list("state", flat=True))


@pytest.fixture(autouse=True)
def _two_attempts(settings: Any) -> None:
    settings.RULES_ENGINE = {**settings.RULES_ENGINE, "RETRY_SCHEDULE": [0, 60]}


@pytest.mark.parametrize("on_error", ["continue", "stop"])
def test_actions_run_in_their_order(executions: MakeExecutions, stage: Stage, on_error: str) -> None:
    """One drain does all of them, one after the other."""
    executions("a", "b", "c", on_error=on_error)

    assert drain().finished == 3

    assert stage.names == ["a", "b", "c"]
    assert states() == ["succeeded"] * 3


def test_next_does_not_start_before_the_first_is_done(executions: MakeExecutions, stage: Stage) -> None:
    """While one runs, the others are not due: no other worker can take them."""
    seen: list[Any] = []

    def look(event: Any, run: Any) -> str:
        seen.append(outbox.claim(10, using="default"))
        return "done"

    stage("a", look)
    executions("a", "b")

    drain()

    assert seen == [[]]
    assert stage.names == ["a", "b"]


class TestContinue:
    """An action starts after its predecessor's first attempt."""

    def test_failure_does_not_stop_the_others(self, executions: MakeExecutions, stage: Stage) -> None:
        """Failed for good."""
        stage("a", FAILS)
        executions("a", "b", "c")

        drain()

        assert stage.names == ["a", "b", "c"]
        assert states() == ["failed", "succeeded", "succeeded"]

    def test_retry_does_not_hold_the_others_up(
        self, executions: MakeExecutions, stage: Stage, later: Callable[[], None]
    ) -> None:
        """They run after the first attempt, and not again after the second."""
        stage("a", PASSES_LATER)
        executions("a", "b", "c")

        drain()

        assert stage.ran == [("a", 1), ("b", 1), ("c", 1)]
        assert states() == ["pending", "succeeded", "succeeded"]
        later()
        drain()
        assert stage.ran[3:] == [("a", 2)]
        assert states() == ["failed", "succeeded", "succeeded"]


class TestStop:
    """An action starts when its predecessor has succeeded, and is cancelled when that failed for good."""

    def test_failure_cancels_all_that_follow(self, executions: MakeExecutions, stage: Stage) -> None:
        """With the reason, and they never run."""
        stage("a", FAILS)
        executions("a", "b", "c", on_error="stop")

        drain()

        assert stage.names == ["a"]
        assert states() == ["failed", "cancelled", "cancelled"]
        third = Execution.objects.get(position=3)
        assert (third.reason, third.note) == (
            "predecessor_failed",
            "An action before it failed and is set to stop the others.",
        )

    def test_retry_holds_the_others_up_until_it_succeeds(
        self, executions: MakeExecutions, stage: Stage, later: Callable[[], None]
    ) -> None:
        """Nothing else of the rule runs in between."""
        stage("a", PASSES_LATER)
        executions("a", "b", on_error="stop")

        drain()

        assert states() == ["pending", "pending"]
        later()
        stage("a", lambda event, run: "now")
        drain()
        assert stage.ran == [("a", 1), ("a", 2), ("b", 1)]
        assert states() == ["succeeded", "succeeded"]

    def test_exhausted_retries_cancel_the_others(
        self, executions: MakeExecutions, stage: Stage, later: Callable[[], None]
    ) -> None:
        """The last failure is for good."""
        stage("a", PASSES_LATER)
        executions("a", "b", on_error="stop")

        drain()
        later()
        drain()

        assert states() == ["failed", "cancelled"]

    @pytest.mark.parametrize("how", ["switched off", "removed"])
    def test_action_that_is_gone_counts_as_done(self, executions: MakeExecutions, stage: Stage, how: str) -> None:
        """Skipped counts: the next one runs."""
        executions("a", "b", on_error="stop")
        first = RuleAction.objects.filter(position=1)
        if how == "removed":
            first.delete()
        else:
            first.update(enabled=False)

        drain()

        assert stage.names == ["b"]
        assert states() == ["cancelled", "succeeded"]


def test_later_attempt_of_the_first_does_not_overtake_the_second(
    executions: MakeExecutions, stage: Stage, later: Callable[[], None]
) -> None:
    """The third waits for the second, which stops; that the first succeeded meanwhile is nothing to it."""
    stage("a", PASSES_LATER)
    stage("b", PASSES_LATER)
    executions("a", "b", "c")
    RuleAction.objects.filter(position=2).update(on_error="stop")
    drain()
    assert stage.names == ["a", "b"]
    stage("a", lambda event, run: "now")
    Execution.objects.filter(position=1).update(due_at=timezone.now())

    drain()

    assert stage.names == ["a", "b", "a"]
    assert states() == ["succeeded", "pending", "pending"]


def test_first_of_two_with_the_same_position_runs_first(executions: MakeExecutions, stage: Stage) -> None:
    """Positions set by hand may collide; no action is forgotten for it."""
    executions("a", "b", "c")
    Execution.objects.update(position=1)

    drain()

    assert sorted(stage.names) == ["a", "b", "c"]
    assert states() == ["succeeded"] * 3


def test_other_events_and_rules_are_not_touched(executions: MakeExecutions, stage: Stage) -> None:
    """What one event's action does says nothing about another event's."""
    stage("a", FAILS)
    rows = executions("a", "b", on_error="stop")
    assert rows[0].rule is not None
    other = add_event(rows[0].rule)
    Execution.objects.filter(pk=other[0].pk).update(due_at=timezone.now() + timedelta(days=1))
    executions("x", "y", slug="other")

    drain()

    assert states() == ["failed", "cancelled", "pending", "pending", "succeeded", "succeeded"]


def test_retried_chain_runs_in_order_and_stops_again(executions: MakeExecutions, stage: Stage) -> None:
    """Retrying all of a failed event brings back the order that it had."""
    stage("a", FAILS)
    executions("a", "b", on_error="stop")
    drain()

    services.retry(executions=Execution.objects.all())
    drain()

    assert stage.names == ["a", "a"]
    assert states() == ["failed", "cancelled"]
    stage("a", lambda event, run: "now")
    services.retry(executions=Execution.objects.all())
    drain()
    assert stage.names == ["a", "a", "a", "b"]
    assert states() == ["succeeded", "succeeded"]


def test_crash_after_the_result_cannot_forget_the_next_action(
    executions: MakeExecutions, stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    """State, attempt and the next one's turn are one transaction: either all of it is written, or nothing."""
    executions("a", "b")
    from rules_engine.delivery import succession

    def crash(*args: Any) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(succession, "after", crash)
        drain()

    first = Execution.objects.get(position=1)
    assert (first.state, first.attempts.count()) == ("claimed", 0)


def test_rule_switched_off_between_two_actions_cancels_the_rest(executions: MakeExecutions, stage: Stage) -> None:
    """What has run has run."""
    stage("a", lambda event, run: str(Rule.objects.update(mode="off")))
    executions("a", "b", "c")

    drain()

    assert stage.names == ["a"]
    assert states() == ["succeeded", "cancelled", "cancelled"]
    assert set(Execution.objects.filter(state="cancelled").values_list("reason", flat=True)) == {"rule_off"}
