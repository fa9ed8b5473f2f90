"""Signal to event: what is recorded, at what cost, and that nothing of it breaks the host."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from decimal import Decimal
from types import SimpleNamespace
from typing import Any

import pytest
from django.contrib.auth import authenticate, get_user_model
from django.core import serializers
from django.db import connection, transaction
from django.db.migrations.state import ModelState, ProjectState
from django.db.models.signals import post_save
from django.test import Client

from rules_engine import testing
from rules_engine.catalog import get_signal
from rules_engine.models import Event, Execution, Rule
from rules_engine.receivers import handler
from rules_engine.receivers.guards import ErrorCap
from tests.testapp.models import Customer, Line, Order, Sample, Tag, Untouched

pytestmark = pytest.mark.django_db


@contextmanager
def connected(signal: Any, receiver: Any, sender: Any) -> Iterator[None]:
    """Have a receiver of the host connected inside the block."""
    signal.connect(receiver, sender=sender, weak=False)
    try:
        yield
    finally:
        signal.disconnect(receiver, sender=sender)


WRITES = ["INSERT rules_engine_event", "INSERT rules_engine_execution"]


def test_match_records_event_and_execution(make_rule: Any) -> None:
    """A matching save leaves one event with the whole context and one execution for each action."""
    log = {"kind": "log", "config": {"message": "a"}}
    rule = make_rule(condition="instance.status == 'paid'", actions=[log, {**log, "enabled": False}, log])
    order = Order.objects.create(status="paid", total=Decimal("19.99"))

    event = Event.objects.get()
    assert (event.signal, event.sender, event.object_id) == ("post_save", "testapp.order", str(order.pk))
    assert event.data["instance"]["total"] == Decimal("19.99")
    assert event.data["event"]["id"] == str(event.pk)
    rows = list(event.executions.order_by("position").values_list("rule", "action_kind", "position", "state"))
    assert rows == [(rule.pk, "log", 1, "pending"), (rule.pk, "log", 3, "pending")]


def test_event_is_stored_as_exact_text(make_rule: Any) -> None:
    """The stored text keeps the digits of a Decimal: they are what is signed and replayed."""
    make_rule()
    Order.objects.create(total=Decimal("20.10"))

    with connection.cursor() as cursor:
        cursor.execute("SELECT data FROM rules_engine_event")
        (text,) = cursor.fetchone()
    assert '"total":20.10' in text


def test_shadow_rule_records_and_sends_nothing(make_rule: Any, caplog: Any) -> None:
    """A shadow rule leaves executions in state shadow, which no worker takes."""
    caplog.set_level(logging.INFO, "rules_engine.log")
    make_rule(mode="shadow")
    Order.objects.create()
    testing.drain_now()

    assert Execution.objects.get().state == "shadow"
    assert caplog.records == []


def test_save_without_rules_costs_nothing(make_rule: Any, statements: Any) -> None:
    """A model that no rule listens to makes the queries it always made."""
    make_rule(sender="testapp.order")
    with statements() as made:
        Untouched.objects.create(name="x")

    assert made.kinds == ["INSERT testapp_untouched"]


def test_hundred_rules_that_do_not_match_make_no_query(make_rule: Any, statements: Any) -> None:
    """With 100 rules on the sender a save that matches none makes its own query only."""
    for number in range(100):
        make_rule(f"Rule {number}", condition=f"instance.number == 'N{number}'", load=False)
    testing.load_rules()
    with statements() as made:
        Order.objects.create(number="none")

    assert made.kinds == ["INSERT testapp_order"]


@pytest.mark.django_db(transaction=True)
def test_only_added_query_of_a_serving_process_is_the_version(make_rule: Any, statements: Any, settings: Any) -> None:
    """Where processes follow each other's changes, a save that matches nothing adds one SELECT of the token."""
    make_rule(condition="instance.number == 'N'")
    settings.RULES_ENGINE = {**settings.RULES_ENGINE, "SYNC_INTERVAL_SECONDS": 0}
    with statements() as made:
        Order.objects.create(number="none")

    assert made.kinds == ["INSERT testapp_order", "SELECT rules_engine_rulesettoken"]


@pytest.mark.parametrize("rules", [1, 5])
def test_match_costs_two_inserts(make_rule: Any, statements: Any, rules: int) -> None:
    """One match or five: two INSERTs."""
    for number in range(rules):
        make_rule(f"Rule {number}", load=False)
    testing.load_rules()
    with statements() as made:
        Order.objects.create()

    assert made.kinds == ["INSERT testapp_order", *WRITES]
    assert Execution.objects.count() == rules


def test_raw_fixture_fires_nothing(make_rule: Any) -> None:
    """loaddata is not a business event."""
    make_rule()
    fixture = json.dumps([{"model": "testapp.order", "pk": 5, "fields": {"number": "F", "status": "paid"}}])
    for item in serializers.deserialize("json", fixture):
        item.save()

    assert not Event.objects.exists()


def test_historical_model_fires_nothing(make_rule: Any) -> None:
    """What a data migration saves through the models of its own time is not a business event."""
    make_rule(sender="")
    state = ProjectState()
    state.add_model(ModelState.from_model(Tag))
    state.apps.get_model("testapp", "Tag").objects.create(name="from a migration")

    assert Tag.objects.count() == 1
    assert not Event.objects.exists()


def test_broken_condition_is_recorded_and_the_others_run(make_rule: Any) -> None:
    """A condition that raises leaves a skipped execution with the reason; other rules match as ever."""
    make_rule("Broken", condition="divide(`1`, instance.total) > `0`")
    make_rule("Sound")
    Order.objects.create()

    assert list(Execution.objects.order_by("rule_name").values_list("rule_name", "state", "reason")) == [
        ("Broken", "skipped", "condition_error"),
        ("Sound", "pending", ""),
    ]
    assert "divide" in Execution.objects.get(rule_name="Broken").note


def test_relation_that_cannot_be_read_stops_only_its_rule(make_rule: Any, monkeypatch: Any) -> None:
    """A host's manager that raises is a condition error of the rule that reads it; the others are recorded."""
    make_rule("Reads", condition="instance.customer.name == 'Ada'")
    make_rule("Sound")

    def fail(*args: Any, **kwargs: Any) -> None:
        raise RuntimeError("no tenant")

    customer = Customer.objects.create(name="Ada")
    monkeypatch.setattr(Customer._meta, "base_manager", SimpleNamespace(using=fail))
    Order.objects.create(customer_id=customer.pk)

    rows = Execution.objects.order_by("rule_name").values_list("rule_name", "state", "reason")
    assert list(rows) == [("Reads", "skipped", "condition_error"), ("Sound", "pending", "")]


def test_condition_errors_are_capped_per_rule_and_minute(make_rule: Any, monkeypatch: Any) -> None:
    """A condition that always raises does not fill the history: ten a minute are recorded."""
    monkeypatch.setattr(handler, "error_cap", ErrorCap())
    make_rule(condition="divide(`1`, instance.total) > `0`")
    for _ in range(13):
        Order.objects.create()

    assert Execution.objects.filter(reason="condition_error").count() == 10


def test_rule_without_actions_says_so(make_rule: Any) -> None:
    """A match without an action that is switched on is recorded as skipped."""
    make_rule(actions=[])
    Order.objects.create()

    assert Execution.objects.get().reason == "no_actions"


@pytest.mark.parametrize("hook", ["freeze", "suppressed"])
def test_bug_in_the_engine_never_breaks_a_save(make_rule: Any, monkeypatch: Any, caplog: Any, hook: str) -> None:
    """Whatever goes wrong between signal and outbox, the row is saved and the log says what did not run."""
    make_rule()

    def fail(*args: Any, **kwargs: Any) -> None:
        raise ZeroDivisionError("bug")

    monkeypatch.setattr(handler, hook, fail)
    order = Order.objects.create()

    assert Order.objects.filter(pk=order.pk).exists()
    assert "post_save of testapp.order was not evaluated; no rule ran for it" in caplog.text


def test_hostile_data_never_breaks_a_save(make_rule: Any) -> None:
    """NaN, bytes, NUL, surrogates, 10 MB and a __str__ that raises pass through a save with a matching rule."""
    make_rule(sender="testapp.sample", condition="instance.text != 'x'")
    values: list[dict[str, Any]] = [
        {"real": float("inf")},
        {"blob": b"\x00\xff"},
        {"data": {"a": "\x00" if connection.vendor != "postgresql" else "", "deep": [[[[1.5]]]]}},
        {"text": "x" * 10_000_000},
        {"text": "\N{PILE OF POO}"},
    ]
    for item in values:
        if "real" in item and connection.vendor == "mysql":
            continue  # MySQL itself refuses infinity in a column
        Sample.objects.create(**item)

    stored = Event.objects.count()
    assert stored == Sample.objects.count()
    assert Event.objects.filter(signal="post_save").first() is not None


def test_unstorable_text_in_memory_never_breaks_a_save(make_rule: Any, monkeypatch: Any) -> None:
    """A NUL or a lone surrogate on the instance, set after the database took the row, is replaced in the event."""
    make_rule(sender="testapp.tag")
    tag = Tag(name="fine")
    tag.save()
    tag.name = "a\x00\ud800"
    handler.handle(get_signal("post_save"), "testapp.tag", Tag, {"instance": tag, "created": False})

    assert Event.objects.order_by("-id")[0].data["instance"]["name"] == "a" + 2 * "\N{REPLACEMENT CHARACTER}"


def test_stop_on_match_hides_the_event_from_later_rules(make_rule: Any) -> None:
    """A live rule that stops leaves later ones without the event; lower priorities run first."""
    make_rule("Second", priority=20)
    make_rule("First", priority=10, stop_on_match=True)
    Order.objects.create()

    assert [row.rule_name for row in Execution.objects.all()] == ["First"]


def test_shadow_rule_never_stops_live_ones(make_rule: Any) -> None:
    """A shadow rule must not change what live rules do."""
    make_rule("Second", priority=20)
    make_rule("First", priority=10, stop_on_match=True, mode="shadow")
    Order.objects.create()

    assert {row.rule_name for row in Execution.objects.all()} == {"First", "Second"}


def test_relation_that_a_template_reads_is_recorded(make_rule: Any) -> None:
    """What templates and bodies of the pair name is in the event, besides the columns."""
    make_rule(actions=[{"kind": "log", "config": {"message": "{{ instance.customer.name }}"}}])
    Order.objects.create(customer=Customer.objects.create(name="Ada", password="pw"))

    customer = Event.objects.get().data["instance"]["customer"]
    assert (customer["name"], customer["password"]) == ("Ada", "***")


def test_condition_over_lines_reads_the_relation(make_rule: Any) -> None:
    """A condition may filter a to-many relation."""
    make_rule(sender="testapp.line", condition="instance.order.lines[?sku == 'a'] | length(@) == `1`")
    order = Order.objects.create()
    Line.objects.create(order=order, sku="a")
    Line.objects.create(order=order, sku="a")

    assert Event.objects.count() == 1


class TestSignals:
    """Every signal of the catalogue, sent for real."""

    def test_delete(self, make_rule: Any) -> None:
        """A deleted object's event still has its key and columns."""
        make_rule(signal="post_delete", condition="instance.number == 'D'")
        order = Order.objects.create(number="D")
        key = order.pk
        order.delete()

        assert Event.objects.get().object_id == str(key)

    def test_pre_save_waits_for_the_save(self, make_rule: Any) -> None:
        """A pre_save rule's deferred actions are written with post_save, under the key that the insert gave."""
        make_rule(signal="pre_save", condition="created == `true`")
        order = Order.objects.create()

        event = Event.objects.get()
        assert (event.signal, event.object_id) == ("pre_save", str(order.pk))
        assert event.data["instance"]["id"] is None

    def test_pre_save_of_a_failed_save_leaves_nothing(self, make_rule: Any) -> None:
        """A save that fails leaves no event of its pre_save rules."""
        make_rule(signal="pre_save", sender="testapp.tag")
        Tag.objects.create(name="same")
        Event.objects.all().delete()
        with pytest.raises(Exception, match=r"(?i)unique|duplicate"), transaction.atomic():
            Tag.objects.create(name="same")

        assert not Event.objects.exists()

    def test_failed_save_leaves_nothing_for_the_next_one(self, make_rule: Any) -> None:
        """What a failed save brought about is not released by a later save of the instance that matches nothing."""
        make_rule(signal="pre_save", sender="testapp.tag", condition="instance.name == 'same'")
        Tag.objects.create(name="same")
        Event.objects.all().delete()
        tag = Tag(name="same")
        with pytest.raises(Exception, match=r"(?i)unique|duplicate"), transaction.atomic():
            tag.save()
        tag.name = "other"
        tag.save()

        assert not Event.objects.exists()

    def test_saves_inside_each_other_are_all_recorded(self, make_rule: Any) -> None:
        """A host's receiver that saves the instance again hides neither save from pre_save rules."""
        make_rule(signal="pre_save")

        def save_again(instance: Order, created: bool, **kwargs: Any) -> None:
            if created:
                instance.save(update_fields=["note"])

        with connected(post_save, save_again, sender=Order):
            Order.objects.create()

        events = Event.objects.order_by("id")
        assert [event.data["update_fields"] for event in events] == [None, ["note"]]

    def test_pre_delete_waits_for_the_delete(self, make_rule: Any) -> None:
        """A pre_delete rule sees relations that are still there."""
        make_rule(signal="pre_delete", condition="length(instance.lines) == `1`")
        order = Order.objects.create()
        Line.objects.create(order=order, sku="a")
        order.delete()

        assert Event.objects.get().data["instance"]["lines"][0]["sku"] == "a"

    def test_many_to_many(self, make_rule: Any) -> None:
        """Adding a tag sends pre_add and post_add with the keys."""
        make_rule(signal="m2m_changed", sender="testapp.order.tags", condition="action == 'post_add'")
        order, tag = Order.objects.create(), Tag.objects.create(name="gift")
        order.tags.add(tag)

        event = Event.objects.get()
        assert (event.sender, event.data["pk_set"]) == ("testapp.order.tags", [tag.pk])
        assert event.data["model"] == "testapp.tag"

    def test_reverse_many_to_many_has_the_other_model(self, make_rule: Any) -> None:
        """A change made from the tag's side has the tag as its instance, and says so."""
        make_rule(signal="m2m_changed", sender="testapp.order.tags", condition="reverse && action == 'post_add'")
        order, tag = Order.objects.create(), Tag.objects.create(name="gift")
        tag.orders.add(order)

        assert Event.objects.get().data["instance"]["name"] == "gift"

    def test_request_signals(self, make_rule: Any) -> None:
        """A request sends started with method and path, and finished."""
        make_rule("Started", signal="request_started", sender="", condition="request.path == '/fine/'")
        make_rule("Finished", signal="request_finished", sender="")
        Client().get("/fine/?token=secret")

        started = Event.objects.get(signal="request_started")
        assert started.data["request"] == {"method": "GET", "path": "/fine/", "route": None, "view": None}
        assert Event.objects.filter(signal="request_finished").exists()
        assert "secret" not in str(started.data)

    def test_crash(self, make_rule: Any) -> None:
        """A page that crashes tells its exception and route."""
        make_rule(signal="got_request_exception", sender="", condition="exception.type == 'RuntimeError'")
        Client(raise_request_exception=False).get("/crash/")

        data = Event.objects.get().data
        assert data["exception"] == {"type": "RuntimeError", "message": "this page is broken"}
        assert data["request"]["route"] == "crash/"

    def test_log_in_and_out(self, make_rule: Any) -> None:
        """Logging in and out tells the user, without the password hash."""
        for signal in ("user_logged_in", "user_logged_out"):
            make_rule(signal, signal=signal, sender="auth.user", condition="user.username == 'ada'")
        user = get_user_model().objects.create_user("ada", password="pw-of-ada")
        client = Client()
        assert client.login(username="ada", password="pw-of-ada")
        client.logout()

        events = Event.objects.order_by("id")
        assert [event.signal for event in events] == ["user_logged_in", "user_logged_out"]
        assert {event.object_id for event in events} == {str(user.pk)}
        assert {event.sender for event in events} == {"auth.user"}
        assert events[0].data["user"]["password"] == "***"

    def test_failed_log_in(self, make_rule: Any) -> None:
        """A failed log-in tells the name that was tried, never the password."""
        make_rule(signal="user_login_failed", sender="")
        assert authenticate(username="mallory", password="guess") is None

        data = Event.objects.get().data
        assert data["credentials"]["username"] == "mallory"
        assert "guess" not in str(data)


def test_rule_deleted_by_update_of_its_sender_follows(make_rule: Any) -> None:
    """A rule that moves to another sender is heard there and no longer here."""
    rule = make_rule(sender="testapp.order")
    Rule.objects.filter(pk=rule.pk).update(sender="testapp.tag")
    testing.load_rules()
    Order.objects.create()
    Tag.objects.create(name="t")

    assert [event.sender for event in Event.objects.all()] == ["testapp.tag"]
