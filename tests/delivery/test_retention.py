"""Old history goes."""

from __future__ import annotations

import time
from typing import Any

import pytest

from rules_engine import services
from rules_engine.delivery import retention
from rules_engine.delivery.worker import work
from rules_engine.models import Event, Execution
from rules_engine.models.fields import FrozenText
from tests.services.conftest import an_execution

pytestmark = pytest.mark.django_db


class TestPrune:
    """Finished history is deleted at its age."""

    def test_old_and_finished_goes_the_rest_stays(self, settings: Any) -> None:
        """With executions and attempts; what still has to run is never old."""
        settings.RULES_ENGINE = {**settings.RULES_ENGINE, "RETENTION_DAYS": 7}
        an_execution(age=8, state="succeeded")
        an_execution(age=8, state="failed")
        kept = [an_execution(age=6, state="succeeded"), an_execution(age=99), an_execution(age=99, state="claimed")]

        assert services.prune() == 2

        assert set(Execution.objects.values_list("pk", flat=True)) == {row.pk for row in kept}
        assert Event.objects.count() == 3

    def test_event_with_one_unfinished_execution_stays(self) -> None:
        """The others of it are what a person looks at."""
        row = an_execution(age=99, state="succeeded")
        Execution.objects.create(event=row.event, rule_slug="b", rule_name="b")

        assert services.prune() == 0

    def test_batches_are_committed_one_by_one(self) -> None:
        """As many as it takes."""
        for _ in range(5):
            an_execution(age=99, state="succeeded")

        assert services.prune(batch=2) == 5
        assert not Event.objects.exists()

    def test_none_keeps_everything_unless_an_age_is_given(self, settings: Any) -> None:
        """``RETENTION_DAYS = None``."""
        settings.RULES_ENGINE = {**settings.RULES_ENGINE, "RETENTION_DAYS": None}
        an_execution(age=99, state="succeeded")

        assert services.prune() == 0
        assert services.prune(older_than_days=100) == 0
        assert services.prune(older_than_days=1) == 1

    def test_age_beyond_the_calendar_is_no_error(self) -> None:
        """Nothing is that old."""
        an_execution(age=99, state="succeeded")

        assert services.prune(older_than_days=1e12) == 0


def test_event_that_is_no_json_goes_like_any_other() -> None:
    """One unreadable row must not keep the others for ever."""
    row = an_execution(age=99, state="succeeded")
    Event.objects.filter(pk=row.event_id).update(data=FrozenText("{broken"))

    assert retention.prune(older_than_days=1) == 1


class TestPruneIfDue:
    """Workers do it by the way."""

    @pytest.fixture(autouse=True)
    def _never_yet(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(retention, "_next", 0.0)

    def test_history_is_pruned_once_an_hour_and_process(
        self, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
    ) -> None:
        """Not between every two rounds."""
        clock = [1_000_000.0]
        monkeypatch.setattr(time, "monotonic", lambda: clock[0])
        caplog.set_level("INFO", "rules_engine")

        left = []
        for pause in (0, retention.EVERY_SECONDS - 1, 1):
            an_execution(age=99, state="succeeded")
            clock[0] += pause
            retention.prune_if_due()
            left.append(Event.objects.count())

        assert left == [0, 1, 0]
        assert [record.getMessage() for record in caplog.records] == [
            "rules: 1 events older than RETENTION_DAYS were deleted",
            "rules: 2 events older than RETENTION_DAYS were deleted",
        ]

    def test_failure_is_logged_and_ends_no_worker(
        self, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
    ) -> None:
        """It is tried again later."""

        def away() -> int:
            raise RuntimeError("database is away")

        monkeypatch.setattr(retention, "prune", away)

        retention.prune_if_due()

        assert "rules: old history could not be deleted; it is tried again in an hour" in caplog.text

    def test_round_of_a_worker_drains_and_prunes(self) -> None:
        """Both, and says what the drain did."""
        an_execution(age=99, state="succeeded")

        assert work(1.0).finished == 0

        assert not Event.objects.exists()
