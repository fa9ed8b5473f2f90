"""System checks: each with an id of its own, a message of one line, and a hint."""

from __future__ import annotations

import ast
import inspect
from collections import Counter
from typing import Any

import pytest
from django.apps import apps
from django.conf import settings as django_settings
from django.core.checks import CheckMessage, run_checks
from django.db import DatabaseError

from rules_engine import checks
from rules_engine.models import Rule
from rules_engine.models.rule import RuleQuerySet


def ours(databases: list[str] | None = None) -> list[CheckMessage]:
    """What Django's check command finds of the engine's."""
    return [item for item in run_checks(databases=databases) if str(item.id).startswith("rules_engine.")]


def set_rules_engine(settings: Any, **values: Any) -> None:
    """Put values into the settings of the suite."""
    settings.RULES_ENGINE = {**settings.RULES_ENGINE, **values}


def test_settings_of_the_suite_pass() -> None:
    """No noise where all is well."""
    assert ours() == []


def test_every_id_is_used_once() -> None:
    """One id is one problem, so that it can be silenced and looked up."""
    found = Counter(
        node.value
        for node in ast.walk(ast.parse(inspect.getsource(checks)))
        if isinstance(node, ast.Constant)
        and isinstance(node.value, str)
        and node.value.startswith("rules_engine.")
        and node.value[-1].isdigit()
    )

    assert found
    assert set(found.values()) == {1}


@pytest.mark.parametrize(
    ("values", "id_", "message", "hint"),
    [
        (
            {"LEASE_SECONDS": 0},
            "rules_engine.E001",
            'RULES_ENGINE["LEASE_SECONDS"] must be a number from 1 to 1,000,000,000.',
            "The default is used instead until this is mended.",
        ),
        (
            {"LEASE_SECOND": 5},
            "rules_engine.E002",
            'RULES_ENGINE["LEASE_SECOND"] is not a setting.',
            'Did you mean "LEASE_SECONDS"?',
        ),
        (
            {"ALLOWED_SENDERS": ["testapp.ordr"]},
            "rules_engine.E003",
            "RULES_ENGINE[\"ALLOWED_SENDERS\"] names 'testapp.ordr', which is not a model.",
            "Write it as app_label.model, such as shop.order.",
        ),
        (
            {"ATOMIC_SAVES": ["shop.order"]},
            "rules_engine.E003",
            "RULES_ENGINE[\"ATOMIC_SAVES\"] names 'shop.order', which is not a model.",
            "Write it as app_label.model, such as shop.order.",
        ),
        (
            {"EVENT_FIELDS": {"Order": ["id"]}},
            "rules_engine.E003",
            "RULES_ENGINE[\"EVENT_FIELDS\"] names 'Order', which is not a model.",
            "Write it as app_label.model, such as shop.order.",
        ),
        (
            {"EVENT_FIELDS": {"testapp.Order": ["id"]}},
            "rules_engine.E003",
            "RULES_ENGINE[\"EVENT_FIELDS\"] names 'testapp.Order', which is not a model.",
            'Write it in lower case: "testapp.order".',
        ),
        (
            {"ATOMIC_SAVES": ["testapp.*"]},
            "rules_engine.E003",
            "RULES_ENGINE[\"ATOMIC_SAVES\"] names 'testapp.*', which is not a model.",
            "Write it as app_label.model, such as shop.order.",
        ),
        (
            {"EVENT_FIELDS": {"testapp.order": ["id", "nmber"]}},
            "rules_engine.E004",
            "RULES_ENGINE[\"EVENT_FIELDS\"]: 'testapp.order' has no column 'nmber'.",
            'Did you mean "number"?',
        ),
    ],
)
def test_mistake_in_the_settings_is_an_error(
    settings: Any, values: dict[str, Any], id_: str, message: str, hint: str
) -> None:
    """One line of at most 80 characters, and what to do."""
    set_rules_engine(settings, **values)

    (found,) = ours()

    assert (found.id, found.msg, found.hint) == (id_, message, hint)
    assert len(found.msg) <= 80
    assert found.is_serious()


def test_what_may_be_named_passes(settings: Any) -> None:
    """Apps with a star, any spelling, everything."""
    set_rules_engine(
        settings,
        ALLOWED_SENDERS=["testapp.*", "TestApp.Order", "*"],
        ATOMIC_SAVES="*",
        EVENT_FIELDS={"testapp.order": ["id", "customer", "customer_id"]},
    )

    assert ours() == []


def test_column_like_no_other_is_answered_with_the_known_ones(settings: Any) -> None:
    """A relation from the other side is no column: an expression that names it records it."""
    set_rules_engine(settings, EVENT_FIELDS={"testapp.tag": ["zzz"]})

    (found,) = ours()

    assert found.hint == "Known: id, name."


@pytest.mark.parametrize(
    ("missing", "ids"),
    [({"django_jsonform"}, ["rules_engine.I002"]), ({"django_jsonform", "django.contrib.admin"}, [])],
)
def test_admin_without_the_form_is_told(monkeypatch: pytest.MonkeyPatch, missing: set[str], ids: list[str]) -> None:
    """What is installed as a package alone does nothing; who has no admin needs none."""
    installed = apps.is_installed
    monkeypatch.setattr(apps, "is_installed", lambda name: name not in missing and installed(name))

    found = ours()

    assert [item.id for item in found] == ids
    for item in found:
        assert item.hint == 'Add "django_jsonform" to INSTALLED_APPS for a form with a field for each setting.'
        assert not item.is_serious()


def test_secrets_are_not_printed(settings: Any) -> None:
    """Checks are read in logs of deployments."""
    set_rules_engine(settings, SECRETS={"bad name": "hunter2"})

    assert "hunter2" not in str(ours())


@pytest.mark.parametrize(
    ("engine", "options", "warned"),
    [
        ("django.db.backends.sqlite3", {}, True),
        ("django.db.backends.sqlite3", {"transaction_mode": "DEFERRED"}, True),
        ("django.db.backends.sqlite3", {"transaction_mode": None}, True),
        ("django.db.backends.sqlite3", {"transaction_mode": "immediate"}, False),
        ("django.db.backends.sqlite3", {"transaction_mode": "EXCLUSIVE"}, False),
        ("django.db.backends.postgresql", {}, False),
    ],
)
def test_sqlite_without_immediate_transactions_is_warned_of(
    monkeypatch: pytest.MonkeyPatch, engine: str, options: dict[str, Any], warned: bool
) -> None:
    """Writers would fail with "database is locked"; other databases are not asked."""
    monkeypatch.setattr(django_settings, "DATABASES", {"default": {"ENGINE": engine, "OPTIONS": options}})

    found = checks.check_sqlite(None, databases=["default"])

    assert [item.id for item in found] == (["rules_engine.W001"] if warned else [])
    for item in found:
        assert len(item.msg) <= 80
        assert str(item.hint).startswith('Set DATABASES["default"]["OPTIONS"] = {"transaction_mode": "IMMEDIATE", ')
    assert checks.check_sqlite(None) == []


@pytest.mark.django_db
class TestSaves:
    """Which saves a rule may miss."""

    def live(self, sender: str = "testapp.order", **values: Any) -> Rule:
        """A rule on saves."""
        given = {"name": sender, "signal": "post_save", "mode": "live", **values}
        return Rule.objects.create(sender=sender, **given)

    def test_rules_on_saves_outside_a_transaction_are_told_in_one_message(self) -> None:
        """With the models, and the three ways to close the gap."""
        self.live()
        self.live("testapp.line", signal="pre_save")

        (found,) = ours(["default"])

        assert (found.id, found.is_serious()) == ("rules_engine.I001", False)
        assert found.msg == "2 live rules would lose their match if the process died right after a save."
        assert len(found.msg) <= 80
        assert found.hint == (
            "Outside a transaction, row and event are two commits. For testapp.line, testapp.order: save inside "
            'transaction.atomic(), set ATOMIC_REQUESTS, or name them in RULES_ENGINE["ATOMIC_SAVES"].'
        )

    def test_one_rule_is_told_in_the_singular(self) -> None:
        """A text that a person reads."""
        self.live()

        (found,) = ours(["default"])

        assert found.msg == "1 live rule would lose its match if the process died right after a save."

    @pytest.mark.parametrize(
        "values",
        [{"mode": "shadow"}, {"signal": "post_delete"}, {"sender": "testapp.nothing"}, {"signal": "nothing"}],
    )
    def test_rules_that_cannot_miss_one_are_left_out(self, values: dict[str, str]) -> None:
        """Deletes are in a transaction by themselves, and what does not run misses nothing."""
        self.live(**values)

        assert ours(["default"]) == []

    @pytest.mark.parametrize("named", ["*", ["TestApp.Order"]])
    def test_atomic_saves_close_the_gap(self, settings: Any, named: Any) -> None:
        """By name, or all of them."""
        self.live()
        set_rules_engine(settings, ATOMIC_SAVES=named)

        assert ours(["default"]) == []

    def test_atomic_requests_close_it_for_requests(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """As far as a check can tell."""
        self.live()
        databases = {"default": {**django_settings.DATABASES["default"], "ATOMIC_REQUESTS": True}}
        monkeypatch.setattr(django_settings, "DATABASES", databases)

        assert ours(["default"]) == []

    def test_check_without_a_database_makes_no_query(self, django_assert_num_queries: Any) -> None:
        """``manage.py check`` must work without one."""
        with django_assert_num_queries(0):
            assert ours() == []

    def test_missing_tables_are_no_error_of_this_check(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """``migrate`` runs it before they exist."""

        def missing(self: Any) -> Any:
            raise DatabaseError("no such table")

        monkeypatch.setattr(RuleQuerySet, "__iter__", missing)

        assert checks.check_saves(None, databases=["default"]) == []
