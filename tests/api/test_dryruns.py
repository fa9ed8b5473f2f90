"""Dry runs over the API: what would happen, with nothing written or sent."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest

from rules_engine.models import Event, Execution, Rule
from tests.api.conftest import Api, MakePerson
from tests.fixtures import MakeRule
from tests.testapp.models import Order

pytestmark = pytest.mark.django_db

PATH = "rules/paid-orders/dry-run/"


@pytest.fixture
def rule(make_rule: MakeRule) -> Rule:
    """A rule on paid orders."""
    made: Rule = make_rule(
        condition="instance.status == 'paid' && instance.total > `10`",
        actions=[{"kind": "log", "config": {"message": "Paid: {{ instance.note }}"}}],
        load=False,
    )
    return made


@pytest.mark.usefixtures("rule")
def test_dry_run_on_an_object_explains_and_previews(api: Api) -> None:
    """The verdict comes with the value of each part, the document and what the actions would do."""
    order = Order.objects.create(status="paid", total=Decimal("19.90"), note="Ada")

    answer = api.post(PATH, {"object_id": str(order.pk)})

    assert answer.status == 200, answer.text
    body = answer.body
    assert (body["matches"], body["value"], body["error"], body["missing"]) == (True, True, "", [])
    assert [(part["text"], part["verdict"]) for part in body["explanation"]] == [
        ("instance.status == 'paid' && instance.total > `10`", True),
        ("instance.status == 'paid'", True),
        ("instance.total > `10`", True),
    ]
    assert [part["reads"] for part in body["explanation"]] == [
        [],
        [{"path": "instance.status", "value": "paid"}],
        [{"path": "instance.total", "value": Decimal("19.90")}],
    ]
    assert body["actions"][0]["kind"] == "log"
    assert body["actions"][0]["preview"]["message"] == "Paid: Ada"
    assert '"total":19.90' in answer.text
    assert (body["data_hidden"], body["warnings"]) == (False, [])


@pytest.mark.usefixtures("rule")
def test_dry_run_writes_nothing(api: Api, statements: Callable[[], Any]) -> None:
    """A dry run reads, whatever it finds; nothing is inserted or changed."""
    Order.objects.create(status="paid", total=Decimal("19.90"))

    with statements() as made:
        assert api.post(PATH).body["matches"] is True

    assert {kind.split()[0] for kind in made.kinds} == {"SELECT"}
    assert not Event.objects.exists()
    assert not Execution.objects.exists()


@pytest.mark.usefixtures("rule")
def test_dry_run_without_a_body_takes_the_latest_object(api: Api) -> None:
    """With nothing said, the newest object of the sender is put into the signal's example."""
    Order.objects.create(status="paid", total=Decimal("99"))
    latest = Order.objects.create(status="pending")

    body = api.post(PATH).body

    assert body["matches"] is False
    assert body["data"]["instance"]["pk"] == latest.pk


@pytest.mark.usefixtures("rule")
def test_dry_run_on_own_data(api: Api) -> None:
    """A document can be given as it is, numbers exact."""
    raw = b'{"data": {"instance": {"status": "paid", "total": 10.000000000000000000001, "note": "x"}}}'

    answer = api.call("POST", PATH, raw=raw)

    assert answer.body["matches"] is True
    assert "10.000000000000000000001" in answer.text


def test_dry_run_on_a_recorded_event(api: Api, make_rule: MakeRule) -> None:
    """An event is replayed as it was recorded, whatever became of the object."""
    make_rule(condition="instance.status == 'paid'", mode="shadow")
    order = Order.objects.create(status="paid")
    order.delete()
    event = Event.objects.get()

    body = api.post(PATH, {"event": str(event.pk)}).body

    assert body["matches"] is True
    assert body["data"] == event.data


@pytest.mark.usefixtures("rule")
def test_dry_run_tries_an_unsaved_change(api: Api) -> None:
    """Another condition and other actions are tried without being saved."""
    Order.objects.create(status="pending", note="Ada")
    change = {
        "condition": "instance.status == 'pending'",
        "actions": [
            {"kind": "log", "config": {"message": "{{ instance.note }}!"}},
            {"kind": "nope", "config": {}, "enabled": False},
        ],
    }

    body = api.post(PATH, change).body

    assert body["matches"] is True
    assert body["actions"][0]["preview"]["message"] == "Ada!"
    assert body["actions"][1] == {
        "kind": "nope",
        "enabled": False,
        "error": "'nope' is not an action known here.",
    }
    rule = Rule.objects.get()
    assert (rule.condition, rule.version) == ("instance.status == 'paid' && instance.total > `10`", 1)


@pytest.mark.usefixtures("rule")
def test_dry_run_of_condition_that_does_not_compile_says_so(api: Api) -> None:
    """A mistake in the condition is an outcome of the dry run, caret included."""
    body = api.post(PATH, {"condition": "instance.status = 'x'", "data": {}}).body

    assert body["matches"] is None
    assert "One = does not compare." in body["error"]
    assert body["error"].endswith("^")


@pytest.mark.usefixtures("rule")
def test_dry_run_shows_warnings(api: Api) -> None:
    """What is allowed but perhaps not meant is pointed out."""
    body = api.post(PATH, {"condition": "!created == `true`", "data": {}}).body

    assert "! negates the left side alone" in body["warnings"][0]


def test_dry_run_of_a_path_that_was_not_recorded_is_unknown(api: Api, rule: Rule) -> None:
    """A frozen document without what the condition asks for answers neither yes nor no."""
    event = Event.objects.create(signal="post_save", sender="testapp.order", data={"instance": {"status": "paid"}})

    body = api.post(PATH, {"event": str(event.pk)}).body

    assert body["matches"] is None
    assert "instance.total" in body["missing"]


@pytest.mark.parametrize(
    ("body", "field", "message"),
    [
        ({"event": "5"}, "event", "Must be a valid UUID."),
        ({"event": "00000000-0000-0000-0000-000000000000"}, "event", "There is no such event."),
        ({"object_id": "999"}, "object_id", "There is no order with this key."),
        ({"object_id": "abc"}, "object_id", "There is no order with this key."),
        ({"object_id": "9" * 200}, "object_id", "There is no order with this key."),
        ({"object_id": "a\x00"}, "object_id", "Null characters are not allowed."),
        ({"object_id": "9" * 300}, "object_id", "no more than 255 characters"),
        ({"data": []}, "data", "This must be an object."),
        ({"data": {}, "object_id": "1"}, "data", "Give one of event, object_id, data, not several."),
        ({"conditon": "a"}, "conditon", "Did you mean 'condition'?"),
        ({"actions": [{}]}, "actions", "This field is required."),
    ],
)
@pytest.mark.usefixtures("rule")
def test_dry_run_refuses_bad_input(api: Api, body: dict[str, Any], field: str, message: str) -> None:
    """What cannot be tried is told at its field."""
    answer = api.post(PATH, body)

    assert answer.status == 400, answer.text
    assert message in str(answer.body[field])


@pytest.mark.usefixtures("rule")
def test_dry_run_refuses_an_event_of_something_else(api: Api) -> None:
    """A rule on saved orders has nothing to say of a deleted customer."""
    event = Event.objects.create(signal="post_delete", sender="testapp.customer", data={})

    answer = api.post(PATH, {"event": str(event.pk)})

    assert answer.status == 400
    assert answer.body["event"] == [
        "This is an event of post_delete from testapp.customer; the rule listens to post_save from testapp.order."
    ]


def test_dry_run_on_an_object_of_any_sender_is_refused(api: Api, make_rule: MakeRule) -> None:
    """Where a rule listens to every model, a key alone says nothing."""
    make_rule(sender="", condition="created", load=False)

    for body in ({"object_id": "1"}, None):
        answer = api.post(PATH, body)
        assert answer.status == 400
        assert "does not listen to one model" in answer.body["object_id"][0]
    assert api.post(PATH, {"data": {"created": True}}).body["matches"] is True


def test_dry_run_of_a_signal_without_an_object(api: Api, make_rule: MakeRule) -> None:
    """The example of the catalogue is the document; a key of an object means nothing there."""
    make_rule(signal="user_login_failed", sender="", condition="credentials.username == 'mallory'", load=False)

    assert api.post(PATH).body["matches"] is True
    answer = api.post(PATH, {"object_id": "1"})
    assert (answer.status, answer.body["object_id"]) == (
        400,
        ["user_login_failed is not about an object. Leave this out, or give `event` or `data`."],
    )


def test_dry_run_of_a_signal_that_is_gone_says_so(api: Api, make_rule: MakeRule) -> None:
    """A rule whose signal is no longer registered is told so, and nothing breaks."""
    make_rule(load=False)
    Rule.objects.update(signal="gone.signal")

    assert "'gone.signal' is not a signal known here." in api.post(PATH).body["error"]
    assert api.post(PATH, {"object_id": "1"}).status == 400


class TestWithoutPermissionOnTheModel:
    """Somebody who may view rules, but not orders."""

    @pytest.fixture
    def viewer(self, person: MakePerson) -> Api:
        """That person."""
        return Api(person("rules_engine.view_rule", "rules_engine.view_event"))

    @pytest.mark.usefixtures("rule")
    def test_the_verdict_is_shown_and_the_data_is_not(self, viewer: Api) -> None:
        """The outcome tells whether the rule matches, and nothing of what the order holds."""
        order = Order.objects.create(status="paid", total=Decimal("19.90"), note="Ada")

        for body in ({"object_id": str(order.pk)}, None):
            answer = viewer.post(PATH, body)
            assert answer.status == 200
            assert answer.body == {
                "matches": True,
                "value": None,
                "error": "",
                "missing": [],
                "warnings": [],
                "explanation": [],
                "actions": [],
                "data": None,
                "data_hidden": True,
            }

    def test_an_event_is_hidden_too(self, viewer: Api, rule: Rule) -> None:
        """A recorded order is as private as the order."""
        data = {"instance": {"status": "paid", "total": 20, "note": "Ada"}}
        event = Event.objects.create(signal="post_save", sender="testapp.order", data=data)

        answer = viewer.post(PATH, {"event": str(event.pk)})

        assert (answer.body["matches"], answer.body["data_hidden"]) == (True, True)
        assert "Ada" not in answer.text

    def test_an_error_does_not_quote_the_data(self, viewer: Api, make_rule: MakeRule) -> None:
        """An error of the evaluation names values; here it only says that there was one."""
        make_rule(condition="divide(`1`, subtract(instance.total, `19.9`)) > `0`", load=False)
        Order.objects.create(total=Decimal("19.90"))

        body = viewer.post(PATH).body

        assert (body["matches"], body["error"]) == (False, "The condition could not be evaluated.")

    @pytest.mark.parametrize("change", [{"condition": "instance.note == 'Ada'"}, {"actions": []}])
    @pytest.mark.usefixtures("rule")
    def test_an_unsaved_change_cannot_be_tried(self, viewer: Api, change: dict[str, Any]) -> None:
        """Conditions of one's own choice would find out every value, question by question."""
        Order.objects.create()

        answer = viewer.post(PATH, change)

        assert answer.status == 403
        assert "permission to view the sender's model" in answer.body["detail"]

    @pytest.mark.usefixtures("rule")
    def test_own_data_is_shown(self, viewer: Api) -> None:
        """What somebody sends may come back to them."""
        data = {"instance": {"status": "paid", "total": 20, "note": "Ada"}}

        body = viewer.post(PATH, {"data": data, "condition": "instance.note == 'Ada'"}).body

        assert (body["matches"], body["data"]["instance"]) == (True, data["instance"])
