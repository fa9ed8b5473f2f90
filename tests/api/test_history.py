"""Events, executions and attempts over the API, and retry."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.conf import settings
from django.contrib.auth.models import Permission, User
from django.utils import timezone

from rules_engine import testing
from rules_engine.models import Attempt, Event, Execution, Rule
from tests.api.conftest import Api, MakePerson
from tests.fixtures import MakeRule
from tests.testapp.models import Order, Tag

pytestmark = pytest.mark.django_db

READ = ("rules_engine.view_event", "rules_engine.view_execution")


@pytest.fixture
def delivered(make_rule: MakeRule, django_capture_on_commit_callbacks: Any) -> Execution:
    """An execution that has run, for an order with an exact total."""
    make_rule(
        condition="instance.total > `1`",
        actions=[{"kind": "log", "config": {"message": "Total {{ instance.total }} of {{ instance.note }}"}}],
    )
    with django_capture_on_commit_callbacks(execute=True):
        Order.objects.create(number="A1", total=Decimal("19.90"), note="Ada")
    return Execution.objects.get()


def test_event_shows_its_data_with_exact_numbers(api: Api, delivered: Execution) -> None:
    """19.90 stays 19.90: neither a float nor a text."""
    answer = api.get(f"events/{delivered.event_id}/")

    assert answer.status == 200
    assert '"total":19.90' in answer.text
    assert answer.body["data"] == delivered.event.data
    assert answer.body["data"]["instance"]["total"] == Decimal("19.90")
    assert {name: answer.body[name] for name in ("signal", "sender", "object_id", "cause", "data_hidden")} == {
        "signal": "post_save",
        "sender": "testapp.order",
        "object_id": delivered.event.object_id,
        "cause": None,
        "data_hidden": False,
    }


@pytest.mark.parametrize("text", ["0.1", "1E+3", "123456789012345678901234567890.5", "-0.00", "12345678901234567890"])
def test_event_number_comes_out_as_it_was_stored(api: Api, text: str) -> None:
    """No digit of a number is lost or added on the way."""
    number: Any = Decimal(text) if "." in text or "E" in text else int(text)
    event = Event.objects.create(signal="request_started", data={"n": number})

    assert f'"n":{text}' in api.get(f"events/{event.pk}/").text


def test_event_data_with_odd_texts_is_valid_json(api: Api) -> None:
    """Characters that have no UTF-8 form, or end a line of JavaScript, come out escaped."""
    event = Event.objects.create(signal="request_started", data={"n": "é\u2028\ud800"})

    answer = api.get(f"events/{event.pk}/")

    assert answer.text.isascii()
    assert answer.body["data"] == {"n": "é\u2028\ud800"}


def test_event_list_leaves_the_data_out(api: Api, delivered: Execution) -> None:
    """A list is light: data is read one event at a time."""
    (row,) = api.get("events/").body["results"]

    assert sorted(row) == ["cause", "created_at", "id", "object_id", "sender", "signal"]
    assert row["id"] == str(delivered.event_id)


def test_execution_shows_its_attempts(api: Api, delivered: Execution) -> None:
    """One execution tells what was tried, with what outcome, and what came of it."""
    body = api.get(f"executions/{delivered.pk}/").body

    assert {
        name: body[name] for name in ("state", "rule", "rule_slug", "rule_name", "action_kind", "attempts_made")
    } == {
        "state": "succeeded",
        "rule": "paid-orders",
        "rule_slug": "paid-orders",
        "rule_name": "Paid orders",
        "action_kind": "log",
        "attempts_made": 1,
    }
    assert body["note"] == "info: Total 19.90 of Ada"
    (attempt,) = body["attempts"]
    assert (attempt["number"], attempt["outcome"], attempt["rule_version"], attempt["error"]) == (
        1,
        "succeeded",
        1,
        "",
    )
    assert attempt["detail"]["message"] == "Total 19.90 of Ada"
    assert body["data_hidden"] is False


def test_execution_of_deleted_rule_keeps_its_slug(api: Api, delivered: Execution) -> None:
    """History outlives the rule."""
    api.delete("rules/paid-orders/")

    body = api.get(f"executions/{delivered.pk}/").body

    assert (body["rule"], body["rule_slug"]) == (None, "paid-orders")
    assert api.get("executions/?rule=paid-orders").body["count"] == 1


def test_payload_is_hidden_without_permission_on_the_model(person: MakePerson, delivered: Execution) -> None:
    """Who may see the history but not orders learns that something ran, and nothing of what orders hold."""
    api = Api(person(*READ))

    event = api.get(f"events/{delivered.event_id}/")
    execution = api.get(f"executions/{delivered.pk}/")
    listed = api.get("executions/")

    assert (event.body["data"], event.body["data_hidden"]) == (None, True)
    assert (execution.body["note"], execution.body["data_hidden"]) == ("", True)
    assert execution.body["attempts"][0]["detail"] is None
    assert execution.body["attempts"][0]["error"] is None
    assert execution.body["attempts"][0]["outcome"] == "succeeded"
    for answer in (event, execution, listed):
        assert "Ada" not in answer.text
        assert "19.90" not in answer.text


@pytest.mark.parametrize("permission", ["testapp.view_order", "testapp.change_order"])
def test_payload_is_shown_with_permission_on_the_model(
    person: MakePerson, delivered: Execution, permission: str
) -> None:
    """Who may view orders, or change them, sees what an order was when a rule matched."""
    api = Api(person(*READ, permission))

    assert api.get(f"events/{delivered.event_id}/").body["data"]["instance"]["note"] == "Ada"
    assert "Ada" in api.get("executions/").text


def test_reason_is_told_where_the_note_is_hidden(person: MakePerson, delivered: Execution) -> None:
    """The sentence of a reason holds no data."""
    Execution.objects.update(state="skipped", reason="loop", note="Order of Ada")

    (row,) = Api(person(*READ)).get("executions/").body["results"]

    assert row["note"] == "The rule ran for this object already in the same chain of causes."


@pytest.mark.parametrize(
    ("signal", "sender", "needed"),
    [
        ("request_started", "", ()),
        ("user_login_failed", "", ()),
        ("user_logged_in", "", ("auth.view_user",)),
        ("user_logged_in", "auth.user", ("auth.view_user",)),
        ("m2m_changed", "testapp.order.tags", ("testapp.view_order", "testapp.view_tag")),
        ("post_save", "gone.thing", None),
        ("gone.signal", "testapp.order", None),
    ],
)
def test_payload_permission_follows_signal_and_sender(
    person: MakePerson, admin: User, signal: str, sender: str, needed: tuple[str, ...] | None
) -> None:
    """A payload takes the permissions of every model it is about; of what is gone, a superuser's."""
    event = Event.objects.create(signal=signal, sender=sender, data={"a": 1})
    user = person(*READ)
    path = f"events/{event.pk}/"

    for permission in needed or ():
        assert Api(user).get(path).body["data_hidden"] is True, permission
        app, codename = permission.split(".")
        user.user_permissions.add(Permission.objects.get(content_type__app_label=app, codename=codename))
    assert Api(user).get(path).body["data_hidden"] is (needed is None)
    assert Api(admin).get(path).body["data"] == {"a": 1}


def test_lists_make_a_fixed_number_of_queries(
    person: MakePerson, delivered: Execution, django_assert_num_queries: Callable[..., Any]
) -> None:
    """However long the lists, and also where payloads are judged: session, user, permissions (2), count, rows."""
    for _ in range(5):
        event = Event.objects.create(signal="post_save", sender="testapp.order", data={})
        Execution.objects.create(event=event, rule=delivered.rule, rule_slug="x", rule_name="x")
    api = Api(person(*READ))

    for path in ("executions/", "events/"):
        with django_assert_num_queries(6):
            assert api.get(path).body["count"] == 6
    with django_assert_num_queries(6):
        assert api.get(f"executions/{delivered.pk}/").status == 200


@pytest.fixture
def history(make_rule: MakeRule) -> dict[str, Execution]:
    """Three executions by name, each of its own event, an hour apart."""
    start = timezone.now() - timedelta(hours=3)
    make_rule("a", load=False)
    rows = {}
    for number, (name, values, of_event) in enumerate(
        [
            ("a", {"state": "failed", "action_kind": "log", "reason": "refused"}, {"object_id": "1"}),
            ("b", {"state": "pending", "action_kind": "email"}, {"sender": "testapp.customer"}),
            ("c", {"state": "failed", "action_kind": "webhook"}, {"signal": "pre_delete"}),
        ]
    ):
        event = Event.objects.create(
            **{"signal": "post_save", "sender": "testapp.order", "data": {}, **of_event},
            created_at=start + timedelta(hours=number),
        )
        rows[name] = Execution.objects.create(event=event, rule_slug=name, rule_name=name, **values)
    return rows


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("", "cba"),
        ("state=failed", "ca"),
        ("state=failed&state=pending", "cba"),
        ("state=", "cba"),
        ("rule=a", "a"),
        ("rule=nothing", ""),
        ("action_kind=email", "b"),
        ("reason=refused", "a"),
        ("signal=pre_delete", "c"),
        ("sender=testapp.customer", "b"),
        ("object_id=1", "a"),
        ("ordering=created_at", "abc"),
        ("ordering=action_kind", "bac"),
        ("ordering=state,-rule", "cab"),
        ("page_size=1&page=3", "a"),
    ],
)
def test_executions_are_filtered_and_ordered(api: Api, history: dict[str, Execution], query: str, found: str) -> None:
    """Executions are found by what they are and by the event they are of; the newest come first."""
    answer = api.get(f"executions/?{query}")

    assert "".join(row["rule_slug"] for row in answer.body["results"]) == found


def test_executions_of_one_event(api: Api, history: dict[str, Execution]) -> None:
    """Siblings are the executions of the same event."""
    answer = api.get(f"executions/?event={history['b'].event_id}")

    assert [row["rule_slug"] for row in answer.body["results"]] == ["b"]


@pytest.mark.parametrize("path", ["executions/", "events/"])
def test_history_between_two_moments(api: Api, history: dict[str, Execution], path: str) -> None:
    """``created_after`` includes its moment, ``created_before`` does not; ``+`` in an address must be encoded."""
    middle = history["b"].event.created_at

    def count(**moments: datetime | str) -> int:
        query = {name: value if isinstance(value, str) else value.isoformat() for name, value in moments.items()}
        answer = Api.get(api, f"{path}?" + "&".join(f"{k}={v.replace('+', '%2B')}" for k, v in query.items()))
        assert answer.status == 200, answer.text
        found: int = answer.body["count"]
        return found

    assert count(created_after=middle) == 2
    assert count(created_before=middle) == 1
    assert count(created_after=middle, created_before=middle + timedelta(minutes=1)) == 1
    assert count(created_after="2001-01-01") == 3
    assert count(created_after="2001-01-01T10:00:00Z", created_before="2001-01-02T10:00:00+02:00") == 0
    assert count(created_after="", created_before="") == 3


@pytest.mark.parametrize("path", ["executions/", "events/"])
@pytest.mark.parametrize(
    ("bound", "found"),
    [
        ("2026-06-01T10:00:00Z", 1),
        ("2026-06-01T12:00:00%2B02:00", 1),
        ("2026-06-01T12:00:00", 1),
        ("2026-06-01T12:00:01", 0),
        ("2026-06-01T10:00:00.000001Z", 0),
        ("2026-06-01 12:00", 1),
        ("2026-06-01", 1),
    ],
)
def test_moment_without_offset_is_in_the_sites_time_zone(api: Api, path: str, bound: str, found: int) -> None:
    """Berlin is two hours ahead of UTC in summer; an offset says otherwise."""
    moment = datetime(2026, 6, 1, 10, tzinfo=UTC)
    made = moment if settings.USE_TZ else timezone.make_naive(moment)
    event = Event.objects.create(signal="x", data={}, created_at=made)
    Execution.objects.create(event=event, rule_slug="x", rule_name="x")

    assert api.get(f"{path}?created_after={bound}").body["count"] == found


@pytest.mark.parametrize("moment", ["2026-03-29T02:30:00", "2026-10-25T02:30:00"])
def test_moment_at_a_change_of_clocks_is_taken(api: Api, moment: str) -> None:
    """A local time that is skipped or repeated is still a bound, not an error."""
    Event.objects.create(signal="x", data={})

    assert api.get(f"events/?created_before={moment}").status == 200


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("", 3),
        ("signal=pre_delete", 1),
        ("sender=testapp.order", 2),
        ("object_id=1", 1),
        ("rule=b", 1),
        ("rule=z", 0),
    ],
)
def test_events_are_filtered(api: Api, history: dict[str, Execution], query: str, found: int) -> None:
    """Events are found by what they are and by the rules that matched them."""
    assert api.get(f"events/?{query}").body["count"] == found


def test_pages_link_to_each_other(api: Api, history: dict[str, Execution]) -> None:
    """A page tells the address of the next one and of the one before, filters kept."""
    first = api.get("events/?sender=testapp.order&page_size=1").body

    assert first["previous"] is None
    assert first["next"] == "http://testserver/rules-api/events/?page=2&page_size=1&sender=testapp.order"


def test_retry_of_failed_execution_runs_it_again(api: Api, delivered: Execution) -> None:
    """A failed execution is made due, with its key, and runs."""
    Execution.objects.update(state=Execution.State.FAILED, reason="refused", note="no")

    answer = api.post(f"executions/{delivered.pk}/retry/")

    assert answer.status == 200, answer.text
    assert answer.body["id"] == str(delivered.pk)
    assert (answer.body["state"], answer.body["reason"]) == ("pending", "")
    testing.drain_now()
    assert api.get(f"executions/{delivered.pk}/").body["state"] == "succeeded"
    assert Attempt.objects.count() == 2


@pytest.mark.parametrize("state", ["pending", "claimed", "succeeded", "skipped", "shadow"])
def test_retry_in_another_state_is_409(api: Api, delivered: Execution, state: str) -> None:
    """What has not failed is left alone, and the answer says why."""
    Execution.objects.update(state=state)

    answer = api.post(f"executions/{delivered.pk}/retry/")

    assert answer.status == 409
    assert answer.body["code"] == "state_conflict"
    assert answer.body["detail"].startswith("Only a failed or cancelled execution can be retried; this one is ")
    assert Execution.objects.get().state == state


def test_retry_of_a_deleted_rules_execution_is_409(api: Api, delivered: Execution) -> None:
    """There is nothing to run any more, and the answer says so."""
    Rule.objects.get().delete()
    Execution.objects.update(state="failed")

    answer = api.post(f"executions/{delivered.pk}/retry/")

    assert answer.status == 409
    assert answer.body == {"detail": "The rule was deleted; there is nothing to run.", "code": "state_conflict"}
    assert Execution.objects.get().state == "failed"


def test_retry_hides_what_reading_hides(person: MakePerson, delivered: Execution) -> None:
    """The answer to a retry shows no more than the execution itself."""
    Execution.objects.update(state="failed", note="of Ada")

    answer = Api(person("rules_engine.retry_execution")).post(f"executions/{delivered.pk}/retry/")

    assert answer.status == 200
    assert "Ada" not in answer.text


def test_moments_are_in_utc(api: Api) -> None:
    """A moment is written one way, whatever the site's time zone."""
    event = Event.objects.create(signal="x", data={})
    written = api.get(f"events/{event.pk}/").body["created_at"]

    assert written.endswith("Z")
    moment = datetime.fromisoformat(written)
    made = event.created_at if timezone.is_aware(event.created_at) else timezone.make_aware(event.created_at)
    assert abs(moment - made) < timedelta(seconds=1)


def test_many_to_many_payload_of_real_change(api: Api, make_rule: MakeRule) -> None:
    """A recorded tag change is found by its sender and shows its keys."""
    make_rule(signal="m2m_changed", sender="testapp.order.tags", condition="action == 'post_add'", mode="shadow")
    order, tag = Order.objects.create(), Tag.objects.create(name="vip")
    order.tags.add(tag)

    (row,) = api.get("events/?sender=testapp.order.tags").body["results"]
    assert api.get(f"events/{row['id']}/").body["data"]["pk_set"] == [tag.pk]
