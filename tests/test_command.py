"""``manage.py rules``: parse, call a service, print."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
from collections.abc import Callable
from datetime import timedelta
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError
from django.utils import timezone

from rules_engine.models import Event, Execution, Rule, recording

ROOT = Path(__file__).resolve().parents[1]


def rules(*arguments: str) -> str:
    """What the command prints."""
    out = StringIO()
    call_command("rules", *arguments, stdout=out, no_color=True)
    return out.getvalue()


def due(number: int = 1) -> list[Execution]:
    """Due executions of one live rule that logs."""
    with recording():
        rule = Rule.objects.create(name="Paid", signal="post_save", sender="testapp.order", mode="live")
        action = rule.actions.create(kind="log", config={"message": "x"})
    rows = []
    for _ in range(number):
        event = Event.objects.create(signal="post_save", sender="testapp.order", data={})
        rows.append(
            Execution.objects.create(
                event=event, rule=rule, action=action, rule_slug="paid", rule_name="Paid", due_at=timezone.now()
            )
        )
    return rows


@pytest.mark.django_db
class TestList:
    """Rules, their mode, and what is wrong with them."""

    def test_rules_are_listed_in_the_order_in_which_they_run(self) -> None:
        """Mode, slug, signal and sender of each."""
        Rule.objects.create(name="Second", signal="post_save", sender="testapp.order", mode="live")
        Rule.objects.create(name="First", signal="user_login_failed", priority=1)

        assert rules("list").splitlines() == [
            "shadow  first                          user_login_failed from any sender",
            "live    second                         post_save from testapp.order",
        ]

    def test_quarantined_rule_is_shown_with_its_problem(self) -> None:
        """Found by looking now, not when somebody happens to save."""
        Rule.objects.create(name="Broken", signal="post_save", sender="testapp.order", condition="(", mode="live")

        # A TestCase's transaction counts as none, so the command loads the rules.
        assert "        quarantined: " in rules("list")

    def test_empty_list_says_what_to_do(self) -> None:
        """For the first minute."""
        assert rules("list") == "There are no rules yet. Make one in the admin or over the API.\n"


@pytest.mark.django_db
class TestDrain:
    """Run what is due."""

    def test_everything_due_is_run(self) -> None:
        """And what is left is told."""
        first, _ = due(2)
        Execution.objects.filter(pk=first.pk).update(due_at=timezone.now() + timedelta(hours=1))

        assert rules("drain") == "1 run, 1 unfinished.\n"

    def test_limit_is_kept(self) -> None:
        """For those who run it by hand."""
        due(3)

        assert rules("drain", "--limit", "2") == "2 run, 1 unfinished.\n"

    @pytest.mark.parametrize("limit", ["0", "-1"])
    def test_limit_below_one_is_refused(self, limit: str) -> None:
        """It would run nothing and look as if all were well."""
        with pytest.raises(CommandError, match="--limit must be at least 1"):
            rules("drain", f"--limit={limit}")

    def test_limit_and_loop_exclude_each_other(self) -> None:
        """A loop has no end to count to."""
        with pytest.raises(CommandError, match="not allowed with argument"):
            rules("drain", "--loop", "--limit", "5")

    def test_switched_off_engine_says_so(self, settings: Any) -> None:
        """Rather than running nothing."""
        settings.RULES_ENGINE = {**settings.RULES_ENGINE, "ENABLED": False}

        with pytest.raises(CommandError, match=r'RULES_ENGINE\["ENABLED"\] is False: nothing is run'):
            rules("drain")


@pytest.mark.django_db
class TestPrune:
    """Delete old history."""

    @pytest.fixture(autouse=True)
    def _old(self) -> None:
        for age in (10, 40):
            Event.objects.create(signal="x", data={}, created_at=timezone.now() - timedelta(days=age))

    def test_age_is_that_of_the_settings_or_the_one_given(self) -> None:
        """Thirty days by default."""
        assert rules("prune") == "1 events deleted.\n"
        assert rules("prune", "--days", "5.5") == "1 events deleted.\n"

    @pytest.mark.parametrize("days", ["-1", "nan"])
    def test_age_that_would_delete_everything_is_refused(self, days: str) -> None:
        """Nobody means it."""
        with pytest.raises(CommandError, match="--days must be a number of at least 0"):
            rules("prune", f"--days={days}")

        assert Event.objects.count() == 2

    def test_retention_without_end_says_so(self, settings: Any) -> None:
        """An age on the command line still counts."""
        settings.RULES_ENGINE = {**settings.RULES_ENGINE, "RETENTION_DAYS": None}

        assert rules("prune") == 'RULES_ENGINE["RETENTION_DAYS"] is None: all is kept. Give --days to delete some.\n'
        assert rules("prune", "--days", "0") == "2 events deleted.\n"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [([], "the following arguments are required: verb"), (["drian"], "invalid choice: 'drian'")],
)
def test_missing_or_unknown_verb_is_refused(arguments: list[str], said: str) -> None:
    """With the verbs that there are."""
    with pytest.raises(CommandError, match=said):
        rules(*arguments)


@pytest.mark.slow
@pytest.mark.parametrize("stop", [signal.SIGTERM, signal.SIGINT])
def test_loop_drains_until_it_is_stopped(tmp_path: Path, stop: signal.Signals) -> None:
    """A worker of its own: it finds what other processes commit, and ends at once and well."""
    settings = """
        SECRET_KEY = "x"
        USE_TZ = True
        DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
        INSTALLED_APPS = ["django.contrib.contenttypes", "django.contrib.auth", "rules_engine", "tests.testapp"]
        DATABASES = {"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": "db.sqlite3",
            "OPTIONS": {"transaction_mode": "IMMEDIATE", "timeout": 20, "init_command": "PRAGMA journal_mode=WAL"}}}
        RULES_ENGINE = {"EXECUTOR": "none", "POLL_SECONDS": 0.1}
    """
    script = """
        import django
        django.setup()
        from rules_engine.models import Rule, recording
        from tests.testapp.models import Order
        with recording():
            rule = Rule.objects.create(name="Paid", signal="post_save", sender="testapp.order", mode="live")
            rule.actions.create(kind="log", config={"message": "x"})
        Order.objects.create(number="1")
    """
    (tmp_path / "project.py").write_text(textwrap.dedent(settings))
    environment = {
        **os.environ,
        "DJANGO_SETTINGS_MODULE": "project",
        "PYTHONPATH": f"{ROOT}:{tmp_path}",
        "PYTHONUNBUFFERED": "1",
    }

    def python(*arguments: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [sys.executable, *arguments], cwd=tmp_path, env=environment, text=True, stdout=subprocess.PIPE
        )

    with python("-m", "django", "migrate", "--run-syncdb", "--verbosity=0") as migrate:
        migrate.wait(60)
    with python("-m", "django", "rules", "drain", "--loop") as worker:
        try:
            read: Callable[[], str] = worker.stdout.readline  # type: ignore[union-attr]
            assert read() == "Draining; stop with SIGTERM or Ctrl+C.\n"
            with python("-c", textwrap.dedent(script)) as other:
                assert other.wait(60) == 0
            assert read() == "1 run.\n"

            worker.send_signal(stop)

            assert read() == "Stopped.\n"
            assert worker.wait(10) == 0
        finally:
            worker.kill()
