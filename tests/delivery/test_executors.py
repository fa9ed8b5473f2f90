"""Executors: who calls ``drain``, and that a thread lives as long as it should."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
import textwrap
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from rules_engine.conf import settings as engine_settings
from rules_engine.delivery import executors, worker
from rules_engine.delivery.executors import Inline, Nobody, Thread, pause
from rules_engine.delivery.worker import Drained
from rules_engine.models import Execution
from tests.delivery.conftest import MakeExecutions, Stage
from tests.testapp.models import Order

ROOT = Path(__file__).resolve().parents[2]


class Drains:
    """Stands for ``drain``: counts its calls, says what it is told to say."""

    def __init__(self) -> None:
        self.calls: list[float | None] = []
        self.seen = threading.Semaphore(0)
        self.answer: Drained | Exception = Drained(0, None)

    def __call__(self, limit: int | None = None, deadline: float | None = None) -> Drained:
        self.calls.append(deadline)
        self.seen.release()
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer

    def wait(self) -> bool:
        """Wait for the next call."""
        return self.seen.acquire(timeout=10)


@pytest.fixture
def drains(monkeypatch: pytest.MonkeyPatch) -> Drains:
    """``drain``, replaced."""
    found = Drains()
    monkeypatch.setattr(worker, "drain", found)
    monkeypatch.setattr(worker, "prune_if_due", lambda: None)
    return found


@pytest.fixture
def thread(monkeypatch: pytest.MonkeyPatch) -> Iterator[Thread]:
    """A thread executor outside any test, as far as it knows."""
    monkeypatch.setattr(executors, "under_test", lambda: False)
    found = Thread()
    yield found
    found.stop()


def workers() -> list[threading.Thread]:
    """The engine's threads that are alive."""
    return [item for item in threading.enumerate() if item.name == "rules-engine"]


class TestThread:
    """The embedded default."""

    def test_nothing_is_started_before_it_is_needed(self, thread: Thread, drains: Drains) -> None:
        """A management command that changes nothing has no thread."""
        assert workers() == []

    @pytest.mark.parametrize("method", ["wake", "serve"])
    def test_wake_and_serving_start_it_and_it_drains_at_once(
        self, thread: Thread, drains: Drains, method: str
    ) -> None:
        """What an earlier process left is due at once."""
        getattr(thread, method)()

        assert drains.wait()
        (worker_thread,) = workers()
        assert worker_thread.daemon is True
        assert drains.calls[0] == executors.ROUND_SECONDS

    def test_wake_is_heard_while_it_sleeps_and_starts_no_second_one(self, thread: Thread, drains: Drains) -> None:
        """The poll interval is a net, not the pace."""
        thread.wake()
        assert drains.wait()

        for _ in range(3):
            thread.wake()
            assert drains.wait()

        assert len(workers()) == 1

    def test_serving_does_not_wake_it(self, thread: Thread, drains: Drains) -> None:
        """A request is no work."""
        thread.serve()
        assert drains.wait()

        thread.serve()
        time.sleep(0.1)

        assert len(drains.calls) == 1

    def test_next_due_execution_wakes_it(self, thread: Thread, drains: Drains) -> None:
        """A retry in 50 ms is not left until the next poll."""
        drains.answer = Drained(0, 0.05)

        thread.serve()

        assert drains.wait()
        assert drains.wait()

    def test_failing_drain_does_not_end_it(
        self, thread: Thread, drains: Drains, caplog: pytest.LogCaptureFixture
    ) -> None:
        """A database that is away comes back."""
        drains.answer = RuntimeError("database is away")
        thread.wake()
        assert drains.wait()
        drains.answer = Drained(0, None)

        thread.wake()

        assert drains.wait()
        assert "rules: the worker failed; what is due stays due and is tried again" in caplog.text

    def test_stop_ends_it_and_a_wake_starts_another(self, thread: Thread, drains: Drains) -> None:
        """Stopping is heard at once; twice does no harm."""
        thread.wake()
        assert drains.wait()
        (first,) = workers()

        thread.stop()
        thread.stop()

        assert not first.is_alive()
        thread.wake()
        assert drains.wait()
        assert workers() != [first]

    @pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
    def test_thread_that_died_is_replaced(
        self, thread: Thread, drains: Drains, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Something in it called sys.exit()."""
        with monkeypatch.context() as patch:
            patch.setattr(executors, "_drain", lambda deadline=None: sys.exit())
            thread.wake()
            deadline = time.monotonic() + 10
            while workers() and time.monotonic() < deadline:
                time.sleep(0.01)

        thread.wake()

        assert drains.wait()

    @pytest.mark.filterwarnings("ignore:This process:DeprecationWarning")
    def test_forked_child_is_not_blocked_by_a_lock_of_its_parent(self, thread: Thread, drains: Drains) -> None:
        """Whoever held it does not exist there."""
        thread._lock.acquire()

        child = os.fork()
        if child == 0:
            thread.wake()
            os._exit(0 if drains.wait() else 1)
        thread._lock.release()

        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0

    def test_nothing_is_started_under_test(self, drains: Drains) -> None:
        """A thread in a host's test run would touch its database while the test rolls back."""
        found = Thread()

        found.wake()
        found.serve()

        assert workers() == []


@pytest.mark.parametrize(
    ("next_due", "seconds"),
    [(None, 5), (60, 5), (2.5, 2.5), (0, executors.SHORTEST_PAUSE), (-9, executors.SHORTEST_PAUSE)],
)
def test_pause_lasts_until_the_next_is_due_and_never_longer_than_the_poll(
    next_due: float | None, seconds: float
) -> None:
    """And never quite nothing, or it would run hot."""
    assert engine_settings.POLL_SECONDS == 5
    assert pause(next_due) == seconds


# --- inline, none, and the choice between them --------------------------------------------------------------


def test_inline_drains_where_it_is_woken(drains: Drains) -> None:
    """In the calling thread, until nothing is due; serving is nothing to it."""
    inline = Inline()

    inline.serve()
    inline.wake()
    inline.wake()

    assert drains.calls == [None, None]


def test_inline_drains_again_after_an_error(drains: Drains, caplog: pytest.LogCaptureFixture) -> None:
    """The error is logged: who committed must not be hurt by it."""
    inline = Inline()
    drains.answer = RuntimeError("boom")

    inline.wake()
    inline.wake()

    assert len(drains.calls) == 2
    assert "the worker failed" in caplog.text


@pytest.mark.django_db(transaction=True)
def test_inline_does_not_drain_inside_its_own_drain(stage: Stage, make_rule: Any) -> None:
    """An action that saves wakes again: its work is done after it, not inside it."""
    order: list[str] = []

    def save_another(event: Any, run: Any) -> str:
        order.append("first begins")
        Order.objects.create(number="2")
        order.append("first ends")
        return "saved"

    def second(event: Any, run: Any) -> str:
        order.append("second")
        return "done"

    make_rule("Answer", condition="instance.number == '1'", actions=[stage("a", save_another)])
    make_rule("Echo", condition="instance.number == '2'", actions=[stage("b", second)])

    Order.objects.create(number="1")

    assert order == ["first begins", "first ends", "second"]
    assert set(Execution.objects.values_list("state", flat=True)) == {"succeeded"}


def test_nobody_leaves_the_work_to_the_command(drains: Drains) -> None:
    """``EXECUTOR = "none"``."""
    Nobody().wake()
    Nobody().serve()

    assert drains.calls == []


@pytest.mark.parametrize(("name", "kind"), [("inline", Inline), ("thread", Thread), ("none", Nobody)])
def test_executor_is_chosen_by_setting(settings: Any, name: str, kind: type) -> None:
    """Read per access."""
    settings.RULES_ENGINE = {**settings.RULES_ENGINE, "EXECUTOR": name}

    assert isinstance(executors.current(), kind)


def test_wake_never_raises(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    """It is called on a host's commit."""

    class Broken(Nobody):
        def wake(self) -> None:
            raise RuntimeError("can't start new thread")

    monkeypatch.setattr(executors, "current", Broken)

    executors.wake()

    assert "rules: the executor could not be woken; the work waits for the next poll" in caplog.text


@pytest.mark.django_db
def test_switched_off_engine_is_not_woken(executions: MakeExecutions, drains: Drains, settings: Any) -> None:
    """Nothing runs."""
    settings.RULES_ENGINE = {**settings.RULES_ENGINE, "ENABLED": False}

    executors.wake()

    assert drains.calls == []


# --- in a process of its own --------------------------------------------------------------------------------

PROLOGUE = """
    import os, sys, threading, time
    from django.conf import settings
    settings.configure(
        SECRET_KEY="x", USE_TZ=True, DEFAULT_AUTO_FIELD="django.db.models.BigAutoField",
        INSTALLED_APPS=["django.contrib.contenttypes", "django.contrib.auth", "rules_engine", "tests.testapp"],
        DATABASES={"default": {
            "ENGINE": "django.db.backends.sqlite3", "NAME": "db.sqlite3",
            "OPTIONS": {"transaction_mode": "IMMEDIATE", "timeout": 20, "init_command": "PRAGMA journal_mode=WAL"},
        }},
        LOGGING={"version": 1, "handlers": {"out": {"class": "logging.StreamHandler", "stream": "ext://sys.stdout"}},
                 "loggers": {"rules_engine": {"handlers": ["out"], "level": "INFO"}}},
        RULES_ENGINE={"EXECUTOR": "thread", "POLL_SECONDS": 60, "RETRY_SCHEDULE": [0, 0.5, 0.5]},
    )
    import django
    django.setup()
    from django.core.management import call_command
    from django.db import connections
    from rules_engine.models import Execution, Rule
    from tests.testapp.models import Order

    def workers():
        return [item for item in threading.enumerate() if item.name == "rules-engine"]

    def wait_for(count, state="succeeded"):
        end = time.monotonic() + 20
        while Execution.objects.filter(state=state).count() < count:
            if time.monotonic() > end:
                sys.exit(f"still {list(Execution.objects.values_list('state', 'note'))}")
            time.sleep(0.02)

    def log_rule(message="paid {{ instance.number }}"):
        call_command("migrate", run_syncdb=True, verbosity=0)
        rule = Rule.objects.create(name="Paid", signal="post_save", sender="testapp.order", mode="live")
        rule.actions.create(kind="log", config={"message": message})
"""

RunScript = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture
def run_script(tmp_path: Path) -> RunScript:
    """Return a function that runs a script in a new process, in a project with the thread executor."""

    def run(script: str) -> subprocess.CompletedProcess[str]:
        (tmp_path / "script.py").write_text(textwrap.dedent(PROLOGUE) + textwrap.dedent(script))
        environment = {name: value for name, value in os.environ.items() if name != "DJANGO_SETTINGS_MODULE"}
        return subprocess.run(
            # From Python 3.12 on a process with threads is warned of forking, which is what one script is about.
            [sys.executable, "-W", "error", "-W", "ignore:This process:DeprecationWarning", "script.py"],
            cwd=tmp_path,
            env={**environment, "PYTHONPATH": str(ROOT)},
            capture_output=True,
            text=True,
            timeout=100,
            check=False,
        )

    return run


def lines(done: subprocess.CompletedProcess[str]) -> list[str]:
    """What a script printed, if it ended well."""
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout.splitlines()


@pytest.mark.slow
def test_thread_runs_what_a_process_commits_and_stops_at_its_end(run_script: RunScript) -> None:
    """Really: no test environment, nobody but the thread to drain. The process ends without waiting for a poll."""
    started = time.monotonic()

    done = run_script("""
        log_rule()
        print("threads", len(workers()))
        Order.objects.create(number="1")
        wait_for(1)
        print("threads", len(workers()))
    """)

    assert lines(done) == ["threads 0", "paid 1", "threads 1"]
    assert time.monotonic() - started < 50


@pytest.mark.slow
def test_thread_comes_back_for_a_retry(run_script: RunScript) -> None:
    """Due in half a second, with a poll interval of a minute and nobody to wake it."""
    done = run_script("""
        log_rule("{{ instance.number }}")
        from rules_engine.actions import log
        from rules_engine.exceptions import ActionError
        tries = []
        def run(self, event, run):
            tries.append(run.attempt)
            if run.attempt == 1:
                raise ActionError("not yet")
            return "now"
        log.Log.run = run
        Order.objects.create(number="1")
        wait_for(1)
        print("tries", tries)
    """)

    assert lines(done)[-1] == "tries [1, 2]"


@pytest.mark.slow
def test_running_action_is_finished_before_the_process_ends(run_script: RunScript, tmp_path: Path) -> None:
    """A stop waits for the execution that runs, and gives back the ones that were not started."""
    done = run_script("""
        log_rule()
        from django.db import transaction
        from rules_engine.actions import log
        begun = threading.Event()
        def run(self, event, run):
            begun.set()
            time.sleep(1.5)
            return "done"
        log.Log.run = run
        with transaction.atomic():
            for number in range(3):
                Order.objects.create(number=str(number))
        begun.wait(20)
    """)

    assert lines(done) == []
    with closing(sqlite3.connect(tmp_path / "db.sqlite3")) as stored:
        rows = stored.execute("SELECT state, claim_token FROM rules_engine_execution ORDER BY event_id").fetchall()
    assert rows == [("succeeded", None), ("pending", None), ("pending", None)]


@pytest.mark.slow
def test_forked_process_has_a_thread_of_its_own(run_script: RunScript) -> None:
    """As under a server that forks after loading: the parent's thread is not there, and the child starts one."""
    done = run_script("""
        log_rule()
        from rules_engine.delivery import executors
        asleep, pause = threading.Event(), executors.pause
        def about_to_sleep(next_due):
            if not executors.current()._wanted.is_set():
                asleep.set()
            return pause(next_due)
        executors.pause = about_to_sleep
        Order.objects.create(number="parent")
        wait_for(1)
        # SQLite forbids to carry an open connection over a fork: the thread has closed its own before it sleeps.
        asleep.wait(20)
        connections.close_all()
        child = os.fork()
        if child == 0:
            print("inherited", len(workers()), flush=True)
            Order.objects.create(number="child")
            wait_for(2)
            print("own", len(workers()), flush=True)
            os._exit(0)
        print("child ended with", os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
        print("threads", len(workers()))
    """)

    assert lines(done) == ["paid parent", "inherited 0", "paid child", "own 1", "child ended with 0", "threads 1"]
