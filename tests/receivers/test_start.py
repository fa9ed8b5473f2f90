"""Start-up in real processes: before ``migrate``, without a database, with a broken rule, and next to each other."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import textwrap
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]

pytestmark = pytest.mark.slow

OF_THIS_RUN = ("TEST_DATABASE", "DJANGO_SETTINGS_MODULE", "SQLITE_NAME", "SQLITE_TEST_NAME")

SETTINGS = """
from tests.settings import *
import os
NAME = os.environ["HOST_DATABASE"]
DATABASES = {"default": {**DATABASES["default"], "NAME": NAME, "TEST": {"NAME": f"{NAME}.test"}}}
RULES_ENGINE = {"EXECUTOR": "none", "SYNC_INTERVAL_SECONDS": 0}
LOGGING = {
    "version": 1,
    "handlers": {"out": {"class": "logging.StreamHandler", "stream": "ext://sys.stdout"}},
    "loggers": {"rules_engine": {"handlers": ["out"], "level": "INFO"}},
}
"""
CLOSED_PORT = """
DATABASES = {"default": {"ENGINE": "django.db.backends.postgresql", "NAME": "x", "USER": "x", "PASSWORD": "x",
             "HOST": "127.0.0.1", "PORT": os.environ["CLOSED_PORT"], "OPTIONS": {"connect_timeout": 2}}}
"""
SETUP = """
import django
django.setup()
from rules_engine.models import *
from tests.testapp.models import *
from rules_engine.receivers import loader
from rules_engine.receivers.connections import connected_pairs
"""


class Host:
    """A project of its own in a folder, run in processes that are not tests."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        (folder / "hostsettings.py").write_text(SETTINGS)
        self.environ = {
            **{name: value for name, value in os.environ.items() if name not in OF_THIS_RUN},
            "PYTHONPATH": f"{folder}{os.pathsep}{ROOT}",
            "DJANGO_SETTINGS_MODULE": "hostsettings",
            "HOST_DATABASE": str(folder / "host.sqlite3"),
            "PYTHONWARNINGS": "error",
        }

    def process(self, code: str) -> subprocess.Popen[str]:
        """Start Python with ``code`` after Django's set-up."""
        return subprocess.Popen(
            [sys.executable, "-u", "-c", SETUP + textwrap.dedent(code)],
            env=self.environ,
            text=True,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )

    def run(self, code: str) -> str:
        """Run ``code`` to its end and return what it printed; a failure shows that text."""
        process = self.process(code)
        output, _ = process.communicate(timeout=60)
        assert process.returncode == 0, output
        return output

    def manage(self, *words: str) -> str:
        """Run a management command and return what it printed."""
        done = subprocess.run(
            [sys.executable, "-m", "django", *words], env=self.environ, text=True, capture_output=True, timeout=120
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout + done.stderr


@pytest.fixture
def host(tmp_path: Path) -> Host:
    """A project whose database has no tables yet."""
    return Host(tmp_path)


@pytest.fixture
def migrated(host: Host) -> Host:
    """A project with tables."""
    host.manage("migrate", "--run-syncdb", "-v0")
    return host


MAKE_RULE = """
rule = Rule.objects.create(name="Any order", signal="post_save", sender="testapp.order", mode="live")
rule.actions.create(kind="log", config={"message": "seen"})
"""


def test_ready_makes_no_query(host: Host) -> None:
    """Setting Django up opens no connection."""
    output = host.run("from django.db import connection; print(connection.connection)")

    assert output.strip() == "None"


def test_site_works_before_migrate(host: Host) -> None:
    """Without tables a request is served, and the log says once what to do."""
    output = host.run(
        """
        from django.core.handlers.wsgi import WSGIHandler
        from django.test import RequestFactory
        from django.core.signals import request_started, request_finished
        for _ in range(3):
            request_started.send(sender=None, environ=RequestFactory().get("/fine/").environ)
        request_finished.send(sender=None)
        print("served", connected_pairs())
        """
    )

    assert "served frozenset()" in output
    assert output.count("run: manage.py migrate rules_engine") == 1


def test_first_migrate_is_quiet(host: Host) -> None:
    """Migrations run although signals are sent while our tables are missing, and say nothing of it."""
    output = host.manage("migrate", "--run-syncdb")

    assert "Applying rules_engine.0001_initial... OK" in output
    assert "cannot be read" not in output


def test_site_works_without_a_database(host: Host) -> None:
    """With the database's port closed, set-up and a request work, and the log says so once."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        host.environ["CLOSED_PORT"] = str(free.getsockname()[1])
    (host.folder / "hostsettings.py").write_text(SETTINGS + CLOSED_PORT)
    output = host.run(
        """
        from django.core.signals import request_started
        request_started.send(sender=None, environ={})
        request_started.send(sender=None, environ={})
        print("served")
        """
    )

    assert output.count("rules: cannot be read (OperationalError") == 1
    assert output.strip().endswith("served")


def test_first_signal_loads_the_rules_and_is_served(migrated: Host) -> None:
    """The very first save of a process is seen by a rule; afterwards no primer is left."""
    migrated.run(MAKE_RULE)
    output = migrated.run(
        """
        from django.db.models.signals import post_save, pre_save, post_delete
        Order.objects.create()
        Order.objects.create()
        print(Event.objects.count(), sorted(connected_pairs()))
        print(pre_save.has_listeners(Order), post_delete.has_listeners(Customer), post_save.has_listeners(Tag))
        """
    )

    assert output.splitlines()[0] == "2 [('post_save', 'testapp.order')]"
    assert output.splitlines()[1] == "False False False"


def test_first_signal_inside_a_transaction_is_served(migrated: Host) -> None:
    """A process whose first signal comes inside atomic() loads there, and the event is part of the transaction."""
    migrated.run(MAKE_RULE)
    output = migrated.run(
        """
        from django.db import transaction
        try:
            with transaction.atomic():
                Order.objects.create()
                print(Event.objects.count())
                raise ZeroDivisionError
        except ZeroDivisionError:
            print(Event.objects.count())
        """
    )

    assert output.split() == ["1", "0"]


def test_broken_rule_in_the_table_does_not_stop_the_others(migrated: Host) -> None:
    """A stored rule that does not fit is quarantined, listed with its problem, and the others run."""
    migrated.run(MAKE_RULE + 'Rule.objects.create(name="Broken", signal="gone.signal", mode="live")')
    output = migrated.run("Order.objects.create(); print(*Execution.objects.values_list('rule_slug', flat=True))")

    assert output.splitlines()[-1] == "any-order"
    assert "quarantined: 'gone.signal' is not a signal known here." in migrated.manage("rules", "list")


def test_old_tables_under_new_code_do_not_break_the_site(migrated: Host) -> None:
    """A missing column (old schema, new code) leaves the site working and says so."""
    output = migrated.run(
        """
        from django.db import connection
        connection.cursor().execute("ALTER TABLE rules_engine_rule RENAME COLUMN condition TO old_condition")
        Order.objects.create()
        print("saved", Order.objects.count())
        """
    )

    assert "saved 1" in output
    assert "rules: cannot be read (OperationalError" in output


def test_disabled_engine_connects_nothing(migrated: Host) -> None:
    """ENABLED = False leaves every signal as Django has it."""
    migrated.run(MAKE_RULE)
    (migrated.folder / "hostsettings.py").write_text(SETTINGS + 'RULES_ENGINE = {"ENABLED": False}\n')
    output = migrated.run(
        """
        from django.db.models.signals import post_save, post_delete
        from django.core.signals import request_started
        Order.objects.create()
        mine = [r for r in request_started.receivers if "rules_engine" in str(r)]
        print(Event.objects.count(), post_save.has_listeners(Order), post_delete.has_listeners(Order), len(mine))
        """
    )

    assert output.strip() == "0 False False 0"


def test_threads_that_meet_the_first_load_lose_and_double_nothing(migrated: Host) -> None:
    """While one thread loads, the signals of others wait; each is served exactly once, with and without a twin."""
    migrated.run(
        MAKE_RULE
        + """
rule = Rule.objects.create(name="Counted", signal="testapp.stock_counted", mode="live")
rule.actions.create(kind="log", config={"message": "seen"})
"""
    )
    output = migrated.run(
        """
        import sys, threading, time
        from django.db import connection
        from tests.testapp.rules import stock_counted
        sys.setswitchinterval(1e-5)
        from rules_engine.receivers import loading
        read, follow = loading.read_book, loading.follow
        def slow_read(using):
            time.sleep(0.3)
            return read(using)
        def slow_follow(book):
            follow(book)
            time.sleep(0.3)
        loading.read_book, loading.follow = slow_read, slow_follow
        def work(number):
            time.sleep(number * 0.05)
            if number % 2:
                Order.objects.create(number=str(number))
            else:
                stock_counted.send(sender=None, sku=str(number))
            connection.close()
        threads = [threading.Thread(target=work, args=[n]) for n in range(16)]
        for thread in threads: thread.start()
        for thread in threads: thread.join()
        orders = sorted(int(e.data["instance"]["number"]) for e in Event.objects.filter(signal="post_save"))
        counts = sorted(int(e.data["sku"]) for e in Event.objects.filter(signal="testapp.stock_counted"))
        print(orders == list(range(1, 16, 2)), counts == list(range(0, 16, 2)), orders, counts)
        """
    )

    assert output.splitlines()[-1].startswith("True True"), output


@pytest.fixture
def follower(migrated: Host) -> Iterator[Any]:
    """A second process that saves an order for each line it reads and answers with the number of events."""
    process = migrated.process(
        """
        import sys
        print("ready", flush=True)
        for line in sys.stdin:
            before = Event.objects.count()
            Order.objects.create()
            print(Event.objects.count() - before, flush=True)
        """
    )
    stdin, stdout = process.stdin, process.stdout
    assert stdin is not None and stdout is not None
    assert stdout.readline().strip() == "ready"

    def ask() -> str:
        stdin.write("save\n")
        stdin.flush()
        answer: str = stdout.readline()
        return answer.strip()

    yield ask
    process.communicate(timeout=20)


def test_another_process_follows_a_change(migrated: Host, follower: Any) -> None:
    """A rule that one process switches off is off at the next event of another."""
    migrated.run(MAKE_RULE)
    before = [follower(), follower()]
    migrated.run("Rule.objects.update(mode='off')")

    assert [*before, follower()] == ["1", "1", "0"]


def test_serving_process_follows_at_its_next_request(migrated: Host) -> None:
    """A process in which no rule is connected looks at its next request."""
    process = migrated.process(
        """
        import sys
        from django.core.signals import request_started
        print("ready", flush=True)
        for line in sys.stdin:
            request_started.send(sender=None, environ={})
            before = Event.objects.count()
            Order.objects.create()
            print(Event.objects.count() - before, flush=True)
        """
    )
    assert process.stdin is not None and process.stdout is not None
    answers = []
    assert process.stdout.readline().strip() == "ready"
    for change in ("", MAKE_RULE):
        if change:
            migrated.run(change)
            time.sleep(0.1)
        process.stdin.write("save\n")
        process.stdin.flush()
        answers.append(process.stdout.readline().strip())
    process.communicate(timeout=20)

    assert answers == ["0", "1"]


HOST_TESTS = """
import threading
from django.db import connection
from django.test import Client, TestCase, TransactionTestCase
from rules_engine.models import Execution
from tests.testapp.models import Order
from rules_engine.models import Rule
from rules_engine.receivers.connections import connected_pairs


class AInTransactions(TestCase):
    def test_first_save_and_request_cost_what_they_always_cost(self):
        with self.assertNumQueries(1):
            Order.objects.create()
        with self.assertNumQueries(0):
            Client().get("/fine/")

    def test_rule_made_by_the_host_is_not_in_force_by_itself(self):
        rule = Rule.objects.create(name="x", signal="post_save", sender="testapp.order", mode="live")
        rule.actions.create(kind="log", config={"message": "x"})
        with self.assertNumQueries(1):
            Order.objects.create()


class BCommitted(TransactionTestCase):
    def test_no_thread_is_started(self):
        rule = Rule.objects.create(name="x", signal="post_save", sender="testapp.order", mode="live")
        rule.actions.create(kind="log", config={"message": "x"})
        Order.objects.create()
        self.assertEqual(Execution.objects.get().state, "pending")
        self.assertEqual([t.name for t in threading.enumerate() if "rules" in t.name], [])
"""


def test_hosts_own_tests_are_not_disturbed(host: Host) -> None:
    """A host's test run has no thread, no query and no rule that it did not ask for, with the default executor."""
    (host.folder / "hostsettings.py").write_text(
        SETTINGS.replace('"EXECUTOR": "none", "SYNC_INTERVAL_SECONDS": 0', "")
    )
    tests = host.folder / "hosttests"
    tests.mkdir()
    (tests / "__init__.py").touch()
    (tests / "test_host.py").write_text(HOST_TESTS)

    assert "OK" in host.manage("test", "hosttests")
