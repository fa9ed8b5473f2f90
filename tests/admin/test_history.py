"""Events and executions in the admin: read-only, found by id, guarded, retried."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.urls import reverse
from django.utils import timezone

from rules_engine import testing
from rules_engine.admin.display import moment, short_moment
from rules_engine.models import Event, Execution, Rule
from tests.admin.conftest import LogIn
from tests.fixtures import MakeRule
from tests.testapp.models import Order

pytestmark = pytest.mark.django_db

EXECUTIONS = "/admin/rules_engine/execution/"
EVENTS = "/admin/rules_engine/event/"
SECRETIVE = [{"kind": "log", "config": {"message": "number {{ instance.number }}"}}]


def found(response: Any) -> list[Any]:
    """Keys of the rows that a list shows."""
    assert response.status_code == 200
    return [row.pk for row in response.context["cl"].result_list]


def page(client: Any, row: Any) -> str:
    """The page of an event or execution."""
    name = f"admin:rules_engine_{row._meta.model_name}_change"
    response = client.get(reverse(name, args=[row.pk]))
    assert response.status_code == 200
    content: str = response.content.decode()
    return content


@pytest.fixture
def done(make_rule: MakeRule) -> Execution:
    """A log action that has run for an order."""
    make_rule(actions=SECRETIVE)
    Order.objects.create(number="A-17")
    testing.drain_now()
    return Execution.objects.get()


@pytest.fixture
def failed(make_rule: MakeRule) -> Execution:
    """An email that failed for good: there is nobody to send it to."""
    config = {"to": "{{ instance.note }}", "subject": "s", "body": "b"}
    make_rule(actions=[{"kind": "email", "config": config}])
    Order.objects.create(note="nobody A-17")
    testing.drain_now()
    return Execution.objects.get()


def test_execution_page_shows_all_to_who_may_view_the_model(log_in: LogIn, done: Execution) -> None:
    """State, attempt, what was rendered, and the recorded data."""
    shown = page(log_in("view_rule", "testapp.view_order"), done)

    assert '<span class="rules-badge rules-badge-succeeded">succeeded</span>' in shown
    assert shown.count("number A-17") >= 2
    assert "&quot;number&quot;: &quot;A-17&quot;" in shown


def test_execution_page_hides_the_data_from_others(log_in: LogIn, done: Execution) -> None:
    """Whoever may see the rules sees what became of it, and no word of the order."""
    client = log_in()

    shown = page(client, done)

    assert '<span class="rules-badge rules-badge-succeeded">succeeded</span>' in shown
    assert "A-17" not in shown
    assert "Hidden: needs the permission “view order” (testapp.view_order)." in shown
    assert "A-17" not in client.get(EXECUTIONS).content.decode()
    assert "A-17" not in page(client, done.event)


def test_failed_execution_hides_errors_that_quote_the_data(log_in: LogIn, failed: Execution) -> None:
    """The reason is a sentence for all; the error itself may quote the order."""
    guarded = page(log_in(), failed)
    shown = page(log_in("view_rule", "testapp.view_order", name="bob"), failed)

    assert "The action failed in a way that another try would not mend." in guarded
    assert "nobody A-17" not in guarded
    assert "is not an email address" in shown


def test_data_of_events_without_model_needs_view_event(log_in: LogIn, make_rule: MakeRule) -> None:
    """Failed log-ins, requests and the like are guarded by the permission to view events."""
    make_rule(signal="user_login_failed", sender="")
    from django.contrib.auth import authenticate

    authenticate(username="mallory", password="x")
    event = Event.objects.get()

    assert "mallory" not in page(log_in(), event)
    assert "mallory" in page(log_in("view_event", name="bob"), event)


def test_data_of_a_model_that_is_gone_is_for_superusers(log_in: LogIn, done: Execution) -> None:
    """Nobody can be given the permission to view a model that is not installed."""
    Event.objects.update(sender="shop.gone")

    assert "only superusers may see it" in page(log_in("view_rule", "view_event", "testapp.view_order"), done)
    assert "A-17" in page(log_in(name="root", superuser=True), done)


def test_shadow_execution_shows_a_preview(log_in: LogIn, make_rule: MakeRule) -> None:
    """What it would have done, rendered now; the same guard."""
    make_rule(actions=SECRETIVE, mode="shadow")
    Order.objects.create(number="A-17")
    execution = Execution.objects.get()

    assert "number A-17" in page(log_in("view_rule", "testapp.view_order"), execution)
    guarded = page(log_in(name="bob"), execution)
    assert "Preview" in guarded
    assert "A-17" not in guarded


def test_execution_page_lists_its_siblings(log_in: LogIn, make_rule: MakeRule) -> None:
    """What else the same event brought about."""
    make_rule("First")
    make_rule("Second")
    Order.objects.create()
    execution = Execution.objects.get(rule_name="First")

    other = Execution.objects.get(rule_name="Second")
    assert reverse("admin:rules_engine_execution_change", args=[other.pk]) in page(log_in(), execution)


def test_execution_of_a_deleted_rule_is_still_shown(log_in: LogIn, make_rule: MakeRule) -> None:
    """History stays, under the name that the rule had."""
    rule = make_rule()
    Order.objects.create()
    rule.delete()
    execution = Execution.objects.get()

    shown = page(log_in(), execution)

    assert "Paid orders (deleted)" in shown
    assert "The rule was deleted before this ran." in shown


@pytest.mark.parametrize("url", [EXECUTIONS, EVENTS])
def test_history_is_read_only(log_in: LogIn, done: Execution, url: str) -> None:
    """Nobody adds or edits it, not even a superuser."""
    client = log_in(superuser=True)
    row = done if url == EXECUTIONS else done.event

    assert client.get(f"{url}add/").status_code == 403
    assert client.post(f"{url}{row.pk}/change/", {"state": "failed"}).status_code == 403
    assert 'name="_save"' not in page(client, row)


@pytest.mark.parametrize("codename", ["view_rule", "change_rule", "view_execution"])
def test_executions_are_seen_with_the_permission_for_rules(log_in: LogIn, done: Execution, codename: str) -> None:
    """The history belongs to the rules."""
    assert found(log_in(codename).get(EXECUTIONS)) == [done.pk]


def test_history_needs_a_permission(log_in: LogIn, done: Execution) -> None:
    """Staff without one see none of it."""
    client = log_in("testapp.view_order")

    assert client.get(EXECUTIONS).status_code == 403
    assert client.get(reverse("admin:rules_engine_execution_change", args=[done.pk])).status_code == 403
    assert client.get(EVENTS).status_code == 403


def test_search_finds_by_execution_event_and_object_id(log_in: LogIn, done: Execution) -> None:
    """Ids are found whole, however the database stores them; with or without hyphens."""
    client = log_in()
    Execution.objects.create(event=Event.objects.create(signal="post_save", data={}), rule_slug="x", rule_name="x")
    queries = [str(done.pk), done.pk.hex, str(done.event_id), done.event.object_id, "paid-ord", " Paid Orders"]

    assert [found(client.get(EXECUTIONS, {"q": query})) for query in queries] == [[done.pk]] * 6
    assert found(client.get(EXECUTIONS, {"q": "01900000-0000-7000-8000-000000000000"})) == []
    for query in [str(done.pk), str(done.event_id), done.event.object_id]:
        assert found(client.get(EVENTS, {"q": query})) == [done.event_id]


def test_search_finds_objects_whose_id_is_a_uuid(log_in: LogIn) -> None:
    """A model's own UUID is text in the event."""
    key = "5a3f1a60-0000-4000-8000-000000000001"
    event = Event.objects.create(signal="post_save", sender="shop.gift", object_id=key, data={})

    assert found(log_in().get(EVENTS, {"q": key})) == [event.pk]


@pytest.mark.parametrize(
    "query",
    [
        {"state__exact": "succeeded"},
        {"rule_slug": "paid-orders"},
        {"action_kind": "log"},
        {"sender": "testapp.order"},
    ],
)
def test_filters_narrow_executions(log_in: LogIn, done: Execution, query: dict[str, str]) -> None:
    """By state, rule, kind and sender; a value that is not offered is still filtered by."""
    client = log_in()
    other = dict.fromkeys(query, "skipped" if "state__exact" in query else "other.thing")

    assert found(client.get(EXECUTIONS, query)) == [done.pk]
    assert found(client.get(EXECUTIONS, other)) == []


@pytest.mark.parametrize(
    "query", [{"signal": "post_save"}, {"sender": "testapp.order"}, {"rule_slug": "paid-orders"}, {}]
)
def test_filters_narrow_events(log_in: LogIn, done: Execution, query: dict[str, str]) -> None:
    """By signal, sender and rule."""
    client = log_in()
    since = str(done.event.created_at)

    assert found(client.get(EVENTS, query)) == [done.event_id]
    assert found(client.get(EVENTS, {**query, "created_at__gte": since})) == [done.event_id]
    assert found(client.get(EVENTS, dict.fromkeys(query or ["q"], "none.such"))) == []


@pytest.mark.parametrize(("url", "number"), [(EXECUTIONS, 8), (EVENTS, 9)])
def test_lists_make_the_same_queries_for_many_rows(
    log_in: LogIn, make_rule: MakeRule, django_assert_max_num_queries: Any, url: str, number: int
) -> None:
    """Rows bring no query of their own, and no list reads the recorded documents."""
    make_rule()
    client = log_in("view_rule", "testapp.view_order")

    def queries(rows: int) -> list[str]:
        with django_assert_max_num_queries(100) as captured:
            assert len(found(client.get(url))) == rows
        return [query["sql"] for query in captured.captured_queries]

    Order.objects.create()
    one = queries(1)
    for _ in range(7):
        Order.objects.create()
    many = queries(8)

    # Session, user, two for permissions, two for filters, the count, the rows; events: and their executions.
    assert len(many) == len(one) == number, "\n".join(one)
    assert not [sql for sql in many if '"data"' in sql or "`data`" in sql]


def here(moment: datetime) -> datetime:
    """A moment in the site's zone, with and without USE_TZ."""
    return timezone.localtime(moment) if timezone.is_aware(moment) else moment


def test_execution_that_will_be_tried_again_tells_when(log_in: LogIn, done: Execution) -> None:
    """Beside what went wrong, on its page and in the list; the time alone if it is today's."""
    due = timezone.now()
    Execution.objects.update(state="pending", note="HTTP 503 in 20 ms", due_at=due, finished_at=None)
    client = log_in("view_rule", "testapp.view_order")
    text = f"next try at {here(due):%H:%M:%S}"

    assert f"HTTP 503 in 20 ms; {text}" in client.get(EXECUTIONS).content.decode()
    assert f"<div>{text}</div>" in page(client, done)
    assert text in page(client, done.event)
    Execution.objects.update(due_at=due + timedelta(days=2))
    assert f"next try at {moment(due + timedelta(days=2))}" in page(client, done)
    Execution.objects.update(attempts_made=0)
    assert "next try" not in page(client, done)


def test_lists_shorten_moments() -> None:
    """Today's are a time, this year's a day and month, older ones have their year; the whole is in the title."""
    today = here(timezone.now()).replace(microsecond=0)
    other = today.replace(month=today.month % 12 + 1, day=1)
    older = other.replace(year=today.year - 3)

    assert short_moment(today) == f'<span class="rules-when" title="{moment(today)}"> <wbr>{today:%H:%M:%S}</span>'
    assert f">{other:%-d %b} <wbr>" in short_moment(other)
    assert f">{older:%-d %b %Y} <wbr>" in short_moment(older)


# --- retry ------------------------------------------------------------------------------------------------


def retry_url(execution: Execution) -> str:
    """Where the button posts to."""
    return reverse("admin:rules_engine_execution_retry", args=[execution.pk])


def test_retry_button_needs_its_own_permission(log_in: LogIn, failed: Execution) -> None:
    """Seeing is not sending."""
    client = log_in()

    assert "Retry" not in page(client, failed)
    assert client.post(retry_url(failed)).status_code == 403
    failed.refresh_from_db()
    assert failed.state == "failed"


def test_retry_button_tries_again(log_in: LogIn, failed: Execution) -> None:
    """A failed one is due again, under the same id; who did it is logged."""
    client = log_in("view_rule", "retry_execution")

    assert ">Retry</button>" in page(client, failed)
    response = client.post(retry_url(failed), follow=True)

    failed.refresh_from_db()
    assert failed.state == "pending"
    assert [str(text) for text in response.context["messages"]] == [
        "It is tried again, with the rule's current configuration."
    ]
    assert LogEntry.objects.get().get_change_message() == "Retried."


def test_retry_of_a_succeeded_one_is_refused(log_in: LogIn, done: Execution) -> None:
    """What was sent is not sent twice; the button is not drawn, and a post says why not."""
    client = log_in("view_rule", "retry_execution")

    assert ">Retry</button>" not in page(client, done)
    response = client.post(retry_url(done), follow=True)

    assert [str(text) for text in response.context["messages"]] == [
        "Only a failed or cancelled execution can be retried; this one is succeeded."
    ]


def test_retry_list_action_takes_the_failed_ones(log_in: LogIn, failed: Execution) -> None:
    """The others are counted and left as they are."""
    other = Execution.objects.create(event=failed.event, rule_slug="x", rule_name="x", state="succeeded")
    client = log_in("view_rule", "retry_execution")

    response = client.post(
        EXECUTIONS, {"action": "retry_selected", "_selected_action": [failed.pk, other.pk]}, follow=True
    )

    assert [str(text) for text in response.context["messages"]] == [
        "1 execution is tried again.",
        "1 execution was left as it is: only failed and cancelled ones can be retried.",
    ]
    failed.refresh_from_db()
    assert failed.state == "pending"


def test_retry_is_not_offered_for_a_deleted_rule(log_in: LogIn, failed: Execution) -> None:
    """The page says why there is no button; a post and the list action say the same."""
    Rule.objects.get().delete()
    client = log_in("view_rule", "retry_execution")

    shown = page(client, failed)
    assert ">Retry</button>" not in shown
    assert "The rule was deleted; there is nothing to run." in shown
    posted = client.post(retry_url(failed), follow=True)
    assert [str(text) for text in posted.context["messages"]] == ["The rule was deleted; there is nothing to run."]
    chosen = {"action": "retry_selected", "_selected_action": [failed.pk]}
    assert [str(text) for text in client.post(EXECUTIONS, chosen, follow=True).context["messages"]] == [
        "1 execution was left as it is: its rule was deleted, so there is nothing to run."
    ]
    failed.refresh_from_db()
    assert failed.state == "failed"
    assert not LogEntry.objects.exists()


def test_retry_list_action_is_not_offered_without_permission(log_in: LogIn, failed: Execution) -> None:
    """Nor can it be posted."""
    client = log_in()

    assert "retry_selected" not in client.get(EXECUTIONS).content.decode()
    client.post(EXECUTIONS, {"action": "retry_selected", "_selected_action": [failed.pk]})
    failed.refresh_from_db()
    assert failed.state == "failed"


def test_event_is_deleted_with_its_executions_by_who_may(log_in: LogIn, done: Execution) -> None:
    """For data that must go; the permissions of both are needed."""
    url = reverse("admin:rules_engine_event_delete", args=[done.event_id])

    assert log_in("view_rule", "delete_event").post(url, {"post": "yes"}).status_code == 403
    assert Event.objects.exists()
    bob = log_in("view_rule", "delete_event", "delete_execution", name="bob")
    assert bob.post(url, {"post": "yes"}).status_code == 302
    assert not Event.objects.exists()
    assert not Execution.objects.exists()
