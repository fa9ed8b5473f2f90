"""The short path that runs on every database, MariaDB included: the tables and one delivery."""

from __future__ import annotations

import os
from io import StringIO

import pytest
from django.core.management import call_command
from django.db import connection

from rules_engine.models import Attempt, Event, Execution, Rule, RuleAction
from tests.testapp.models import Order

pytestmark = [pytest.mark.every_database, pytest.mark.django_db(transaction=True)]

VENDORS = {"sqlite": "sqlite", "postgresql": "postgresql", "mariadb": "mysql"}


def engine_tables() -> set[str]:
    """Names of the app's tables in the test database."""
    return {name for name in connection.introspection.table_names() if name.startswith("rules_engine_")}


def test_database_is_the_one_that_was_asked_for() -> None:
    """A run on MariaDB is not one on SQLite by mistake."""
    wanted = os.environ.get("TEST_DATABASE", "sqlite")

    assert connection.vendor == VENDORS[wanted]
    assert getattr(connection, "mysql_is_mariadb", False) is (wanted == "mariadb")


def test_migrations_to_zero_and_back_leave_the_same_tables() -> None:
    """The app can be taken out of a database and put in again, and its models need no other migration."""
    before = engine_tables()
    call_command("migrate", "rules_engine", "zero", verbosity=0)
    try:
        assert engine_tables() == set()
    finally:
        call_command("migrate", "rules_engine", verbosity=0)

    assert before == engine_tables() != set()
    call_command("makemigrations", "rules_engine", check=True, dry_run=True, verbosity=0)


def test_saved_object_that_matches_a_rule_is_delivered(caplog: pytest.LogCaptureFixture) -> None:
    """A rule made through the ORM sees the next save, records it once, and its log line is written."""
    rule = Rule.objects.create(
        name="Paid orders",
        mode="live",
        signal="post_save",
        sender="testapp.order",
        condition="instance.status == 'paid'",
    )
    RuleAction.objects.create(
        rule=rule, kind="log", config={"message": "Paid: {{ instance.number }} {{ instance.total }}"}
    )

    with caplog.at_level("INFO", "rules_engine.log"):
        Order.objects.create(number="N-1 €", status="pending", total="5.10")
        order = Order.objects.create(number="N-2 €", status="paid", total="19.99")
        call_command("rules", "drain", stdout=StringIO())

    event = Event.objects.get()
    assert (event.signal, event.sender, event.object_id) == ("post_save", "testapp.order", str(order.pk))
    execution = Execution.objects.get()
    assert (execution.event_id, execution.rule_slug, execution.state) == (event.pk, "paid-orders", "succeeded")
    assert [attempt.outcome for attempt in Attempt.objects.all()] == ["succeeded"]
    assert [record.getMessage() for record in caplog.records if record.name == "rules_engine.log"] == [
        "Paid: N-2 € 19.99"
    ]
