"""What failed is tried again."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.utils import timezone

from rules_engine import services
from rules_engine.delivery import executors
from rules_engine.exceptions import StateConflict
from rules_engine.models import Execution
from tests.services.conftest import an_execution, saved

pytestmark = pytest.mark.django_db


class TestRetry:
    """A person moves executions out of failed and cancelled."""

    @pytest.fixture(autouse=True)
    def _wakes(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.wakes: list[str] = []
        monkeypatch.setattr(executors, "wake", lambda: self.wakes.append("wake"))

    def test_one_is_due_again_with_its_key(self, django_capture_on_commit_callbacks: Callable[..., Any]) -> None:
        """And the executor is woken when that is committed."""
        execution = an_execution(
            saved(), state="failed", attempts_made=10, reason="exhausted", finished_at=timezone.now()
        )

        with django_capture_on_commit_callbacks(execute=True):
            again = services.retry_one(execution=execution)

        assert (again.pk, again.state, again.attempts_made, again.reason) == (execution.pk, "pending", 10, "")
        assert again.finished_at is None
        assert self.wakes == ["wake"]

    @pytest.mark.parametrize(
        ("state", "shown"), [("pending", "pending"), ("claimed", "claimed"), ("succeeded", "succeeded")]
    )
    def test_other_states_are_refused(self, state: str, shown: str) -> None:
        """The message says in which one it is."""
        execution = an_execution(state=state)

        with pytest.raises(StateConflict) as caught:
            services.retry_one(execution=execution)

        assert str(caught.value) == f"Only a failed or cancelled execution can be retried; this one is {shown}."

    def test_many_are_counted_and_the_others_left(
        self, django_capture_on_commit_callbacks: Callable[..., Any]
    ) -> None:
        """One wake for all of them."""
        rule = saved()
        for state in Execution.State.values:
            an_execution(rule, state=state)

        with django_capture_on_commit_callbacks(execute=True):
            assert services.retry(executions=Execution.objects.all()) == 2

        assert Execution.objects.filter(state="pending").count() == 3
        assert self.wakes == ["wake"]

    def test_execution_of_a_deleted_rule_is_refused(self) -> None:
        """There is no action that could run."""
        execution = an_execution(state="failed")

        with pytest.raises(StateConflict, match=r"^The rule was deleted; there is nothing to run\.$"):
            services.retry_one(execution=execution)

        execution.refresh_from_db()
        assert execution.state == "failed"
        assert self.wakes == []

    def test_many_leave_those_of_deleted_rules(self) -> None:
        """They stay failed, and do not count."""
        kept, gone = an_execution(saved(), state="failed"), an_execution(state="cancelled")

        assert services.retry(executions=Execution.objects.all()) == 1

        assert Execution.objects.get(pk=kept.pk).state == "pending"
        assert Execution.objects.get(pk=gone.pk).state == "cancelled"

    def test_nothing_to_retry_wakes_nobody(self, django_capture_on_commit_callbacks: Callable[..., Any]) -> None:
        """There is no work."""
        with django_capture_on_commit_callbacks(execute=True):
            assert services.retry(executions=Execution.objects.all()) == 0

        assert self.wakes == []
