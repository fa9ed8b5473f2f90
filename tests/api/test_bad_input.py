"""Whatever is sent: one clear error where it was made, in the words of the admin and of Python, and nothing lost."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import override_settings

from rules_engine import services
from rules_engine.models import Rule
from tests.api.conftest import Api, MakePerson
from tests.fixtures import MakeRule

pytestmark = pytest.mark.django_db


def refused(api: Api, body: dict[str, Any]) -> dict[str, Any]:
    """Send a rule that must be refused with 400; return the messages and codes by field."""
    answer = api.post("rules/", body)

    assert answer.status == 400, answer.text
    assert not Rule.objects.exists()
    found: dict[str, Any] = answer.body
    return found


@pytest.mark.parametrize(
    ("change", "field", "message", "code"),
    [
        (
            {"signal": "post_sav"},
            "signal",
            "'post_sav' is not a signal known here. Did you mean 'post_save'?",
            "unknown_signal",
        ),
        (
            {"sender": "testapp.ordr"},
            "sender",
            "'testapp.ordr' is not a sender of post_save known here. Did you mean 'testapp.order'?",
            "unknown_sender",
        ),
        ({"sender": "rules_engine.rule"}, "sender", "'rules_engine.rule' is not a sender of", "unknown_sender"),
        ({"mode": "on"}, "mode", "Value 'on' is not a valid choice.", "invalid"),
        ({"name": ""}, "name", "This field cannot be blank.", "invalid"),
        ({"name": None}, "name", "This field may not be null.", "null"),
        ({"name": "x" * 201}, "name", "Ensure this value has at most 200 characters (it has 201).", "invalid"),
        ({"slug": "x" * 101}, "slug", "Ensure this value has at most 100 characters (it has 101).", "invalid"),
        ({"slug": "a b"}, "slug", "Enter a valid “slug”", "invalid"),
        ({"condition": "a" * 10_001}, "condition", "10,000", "condition_syntax"),
        ({"priority": "high"}, "priority", "A valid integer is required.", "invalid"),
        ({"priority": 10**30}, "priority", "Ensure this value is less than or equal to", "invalid"),
        ({"priority": [1]}, "priority", "A valid integer is required.", "invalid"),
        ({"name": ["x"]}, "name", "Not a valid string.", "invalid"),
        ({"condition": {"a": 1}}, "condition", "Not a valid string.", "invalid"),
        ({"stop_on_match": "maybe"}, "stop_on_match", "Must be a valid boolean.", "invalid"),
        ({"name": "a\x00b"}, "name", "Null characters are not allowed.", "null_characters_not_allowed"),
        ({"condition": "a\x00b"}, "condition", "Null characters are not allowed.", "null_characters_not_allowed"),
        ({"slug": "a\x00b"}, "slug", "Null characters are not allowed.", "null_characters_not_allowed"),
        ({"description": "\ud800"}, "description", "Surrogate characters are not allowed", "surrogate"),
        (
            {"conditon": "a"},
            "conditon",
            "This is not a field of a rule. Did you mean 'condition'?",
            "unknown_field",
        ),
        ({"actions": {"kind": "log"}}, "actions", "This must be a list of actions, not ", "not_a_list"),
        ({"actions": "log"}, "actions", "This must be a list of actions, not ", "not_a_list"),
        ({"actions": None}, "actions", "This field may not be null.", "null"),
    ],
)
def test_rule_field_is_refused(
    api: Api, paid: dict[str, Any], change: dict[str, Any], field: str, message: str, code: str
) -> None:
    """The error stands at its field, says what to do, and carries a word for programs."""
    found = refused(api, {**paid, **change})

    assert message in found[field][0]
    assert code in found["codes"][field][0]


@pytest.mark.parametrize(
    ("condition", "message", "code"),
    [
        ("instance.status == ", "", "condition_syntax"),
        ("instance.status = 'paid'", "One = does not compare. Write ==", "condition_syntax"),
        ("instance.total > 5", "backticks", "condition_syntax"),
        ("created == true", "The constant is written `true`", "condition_trap"),
        ('instance.status == "paid"', "A text is written 'paid'", "condition_trap"),
        ("nonsense(instance)", "nonsense", "condition_syntax"),
        ("instance.statsu == 'paid'", "Order has no field 'statsu'. Did you mean 'status'?", "condition_field"),
    ],
)
def test_condition_is_refused_with_a_caret(
    api: Api, paid: dict[str, Any], condition: str, message: str, code: str
) -> None:
    """A condition's error is that of Python, caret lines included."""
    found = refused(api, {**paid, "condition": condition})

    with pytest.raises(services.RuleInvalid) as raised:
        rule = Rule(**{**{k: v for k, v in paid.items() if k != "actions"}, "condition": condition.strip()})
        services.validate_rule(rule=rule, actions=[])
    assert found["condition"] == raised.value.fields["condition"]
    assert message in found["condition"][0]
    assert found["condition"][0].rstrip("\n").endswith("^")
    assert found["codes"]["condition"] == [code]


@pytest.mark.parametrize(
    ("action", "field", "message", "code"),
    [
        (
            {"kind": "webhok"},
            "kind",
            "'webhok' is not an action known here. Did you mean 'webhook'?",
            "unknown_action",
        ),
        ({}, "kind", "This field is required.", "required"),
        ({"kind": 5}, "kind", "'5' is not an action known here.", "unknown_action"),
        ({"kind": None}, "kind", "This field may not be null.", "null"),
        ({"kind": "log"}, "config", "message is required.", "config_invalid"),
        ({"kind": "log", "config": []}, "config", "must be an object, not a list.", "config_invalid"),
        ({"kind": "log", "config": None}, "config", "This field may not be null.", "null"),
        ({"kind": "log", "config": {"message": 5}}, "config", "message: must be a text, not 5.", "config_invalid"),
        (
            {"kind": "log", "config": {"message": "x", "levl": "info"}},
            "config",
            "'levl' is not a setting here.",
            "config_invalid",
        ),
        (
            {"kind": "log", "config": {"message": "x" * 5001}},
            "config",
            "message: must have at most 5000 characters; it has 5001.",
            "config_invalid",
        ),
        ({"kind": "log", "config": {"message": "{% load x %}"}}, "config", "message: ", "config_invalid"),
        (
            {"kind": "log", "config": {"message": "a\x00b"}},
            "config",
            "message: Null characters are not allowed.",
            "invalid",
        ),
        ({"kind": "log", "config": {"a\x00": 1}}, "config", "Null characters are not allowed.", "invalid"),
        (
            {"kind": "log", "config": {"message": "\udc80"}},
            "config",
            "message: Surrogate characters are not allowed.",
            "invalid",
        ),
        (
            {"kind": "webhook", "config": {"url": "https://user:pw@example.com/"}},
            "config",
            "url: ",
            "config_invalid",
        ),
        ({"kind": "webhook", "config": {"url": "ftp://example.com/"}}, "config", "url: ", "config_invalid"),
        ({"kind": "webhook", "config": {"url": "http://127.0.0.1/"}}, "config", "url: ", "config_invalid"),
        ({"kind": "webhook", "config": {"url": "http://[::1]/"}}, "config", "url: ", "config_invalid"),
        (
            {
                "kind": "webhook",
                "config": {"url": "https://example.com/", "headers": [{"name": "X-A", "value": "a\r\nX-B: b"}]},
            },
            "config",
            "headers.0.value: ",
            "config_invalid",
        ),
        (
            {"kind": "webhook", "config": {"url": "https://example.com/", "timeout_seconds": 1e30}},
            "config",
            "timeout_seconds: must be at most 60.",
            "config_invalid",
        ),
        ({"kind": "log", "on_error": "explode"}, "on_error", "Value 'explode' is not a valid choice.", "invalid"),
        ({"kind": "log", "enabled": []}, "enabled", "Must be a valid boolean.", "invalid"),
        (
            {"kind": "log", "confg": {}},
            "confg",
            "This is not a field of an action. Did you mean 'config'?",
            "unknown",
        ),
    ],
)
def test_action_field_is_refused_at_its_place(
    api: Api, paid: dict[str, Any], action: dict[str, Any], field: str, message: str, code: str
) -> None:
    """The list of errors has one entry for each action, so that the second's error stands at the second place."""
    found = refused(api, {**paid, "actions": [*paid["actions"], action]})

    first, second = found["actions"]
    assert first == {}
    assert message in second[field][0]
    assert code in found["codes"]["actions"][1][field][0]


def test_action_that_is_no_object_is_refused(api: Api, paid: dict[str, Any]) -> None:
    """An entry of another type says what is expected."""
    found = refused(api, {**paid, "actions": ["log"]})

    assert "Expected a dictionary" in found["actions"][0]["non_field_errors"][0]


def test_too_many_actions_are_refused(api: Api, paid: dict[str, Any]) -> None:
    """A rule has at most a hundred actions."""
    found = refused(api, {**paid, "actions": paid["actions"] * 101})

    assert found["actions"] == ["A rule has at most 100 actions; these are 101."]


def test_password_of_a_refused_url_is_not_repeated(api: Api, paid: dict[str, Any]) -> None:
    """Credentials in an address do not come back in the error."""
    url = "https://user:s3cr3t@example.com/"

    answer = api.post("rules/", {**paid, "actions": [{"kind": "webhook", "config": {"url": url}}]})

    assert answer.status == 400
    assert "s3cr3t" not in answer.text


def test_taken_slug_is_refused(api: Api, paid: dict[str, Any], make_rule: MakeRule) -> None:
    """Two rules cannot have one slug."""
    make_rule(load=False)

    answer = api.post("rules/", {**paid, "slug": "paid-orders"})

    assert (answer.status, answer.body["slug"]) == (400, ["Rule with this Slug already exists."])


def test_all_wrong_fields_are_named_at_once(api: Api, paid: dict[str, Any]) -> None:
    """Nobody has to send a body five times to learn five mistakes."""
    wrong = {"name": "", "signal": "x", "condition": "a ==", "actions": [{"kind": "x"}]}

    found = refused(api, {**paid, **wrong})

    assert sorted(found) == ["actions", "codes", "condition", "name", "signal"]


def test_refused_change_leaves_the_rule(api: Api, make_rule: MakeRule) -> None:
    """A change that is wrong in one action writes nothing."""
    make_rule(load=False)

    answer = api.patch("rules/paid-orders/", {"name": "New", "actions": [{"kind": "nope"}]})

    assert answer.status == 400
    after = api.get("rules/paid-orders/").body
    assert (after["name"], after["version"], len(after["actions"])) == ("Paid orders", 1, 1)


@pytest.mark.parametrize(
    ("raw", "message"),
    [
        (b"{", "The body is not JSON: Expecting property name"),
        (b"nonsense", "The body is not JSON"),
        (b'{"name": NaN}', "The body is not JSON: NaN is not a number of JSON."),
        (b'{"priority": -Infinity}', "-Infinity is not a number of JSON"),
        (b"\xff\xfe", "The body is not JSON"),
        (b'{"a": ' * 60 + b"1" + b"}" * 60, "The body is nested deeper than 50 levels."),
        (b"[" * 100_000, "too many levels of nesting"),
        (b'{"priority": ' + b"9" * 5000 + b"}", "The body is not JSON"),
    ],
    ids=["cut", "word", "nan", "infinity", "encoding", "deep", "bottomless", "digits"],
)
def test_body_that_is_no_json_is_refused(api: Api, raw: bytes, message: str) -> None:
    """A broken body is told as such, with 400 and never 500."""
    answer = api.call("POST", "rules/", raw=raw)

    assert answer.status == 400, answer.text
    assert message in answer.body["detail"]
    assert answer.body["code"] == "parse_error"


@pytest.mark.parametrize("raw", [b"[]", b'"text"', b"5", b"null", b"true"])
def test_body_that_is_no_object_is_refused(api: Api, raw: bytes) -> None:
    """A rule is an object."""
    answer = api.call("POST", "rules/", raw=raw)

    assert answer.status == 400, answer.text


def test_number_beyond_floats_in_a_config_is_refused(api: Api) -> None:
    """A number that no float holds would be stored as Infinity, which is no JSON."""
    config = b'{"url": "https://example.com/", "timeout_seconds": 1e999}'
    raw = b'{"name": "a", "signal": "post_save", "actions": [{"kind": "webhook", "config": ' + config + b"}]}"

    answer = api.call("POST", "rules/", raw=raw)

    assert answer.status == 400
    assert answer.body["actions"] == [{"config": ["timeout_seconds: This number is too large."]}]


def test_other_media_type_is_415(api: Api) -> None:
    """Bodies are JSON."""
    answer = api.call("POST", "rules/", raw=b"name=x", content_type="application/x-www-form-urlencoded")

    assert answer.status == 415
    assert answer.body["code"] == "unsupported_media_type"


def test_other_accept_is_406(api: Api) -> None:
    """Answers are JSON."""
    assert api.get("rules/", accept="text/csv").status == 406


@override_settings(DATA_UPLOAD_MAX_MEMORY_SIZE=100)
def test_body_above_the_limit_is_413(api: Api) -> None:
    """The site's limit on bodies holds, which REST framework's own parser would not ask for."""
    answer = api.call("POST", "rules/", raw=b'"' + b"x" * 200 + b'"')

    assert answer.status == 413
    assert answer.body == {"detail": "The body is larger than 100 bytes.", "code": "too_large"}


@pytest.mark.parametrize(
    ("path", "field", "message"),
    [
        ("rules/?mode=on", "mode", "'on' is not one of off, shadow, live."),
        ("rules/?has_problem=maybe", "has_problem", "'maybe' is neither true nor false."),
        ("rules/?has_problem=%00", "has_problem", "is neither true nor false."),
        ("rules/?ordering=password", "ordering", "'password' is not an ordering. Known: priority, name"),
        ("rules/?ordering=created_by__password", "ordering", "is not an ordering"),
        ("rules/?ordering=name,password", "ordering", "'password' is not an ordering."),
        ("rules/?ordering=--name", "ordering", "'--name' is not an ordering."),
        ("rules/?ordering=name,,mode", "ordering", "'' is not an ordering."),
        ("rules/?ordering=,", "ordering", "'' is not an ordering."),
        ("rules/?ordering=%00", "ordering", "is not an ordering"),
        ("rules/?ordering=%25s", "ordering", "'%s' is not an ordering."),
        ("rules/?mode=live&mode=on", "mode", "'on' is not one of off, shadow, live."),
        ("rules/?mode=null", "mode", "'null' is not one of off, shadow, live."),
        ("rules/?mode=%25(known)d", "mode", "'%(known)d' is not one of off, shadow, live."),
        ("rules/?mode=%00", "mode", "is not one of off, shadow, live."),
        (f"rules/?search={'a' * 1001}", "search", "Ensure this value has at most 1000 characters (it has 1001)."),
        ("rules/?signal=%00", "signal", "Null characters are not allowed."),
        ("rules/?search=%00", "search", "Null characters are not allowed."),
        ("rules/?page_size=abc", "page_size", "A valid positive whole number is required."),
        ("rules/?page_size=0", "page_size", "A valid positive whole number is required."),
        ("rules/?page_size=-5", "page_size", "A valid positive whole number is required."),
        ("executions/?state=done", "state", "'done' is not one of pending, claimed"),
        ("executions/?event=5", "event", "Enter a valid UUID."),
        ("executions/?event=%00", "event", "Enter a valid UUID."),
        ("executions/?created_after=yesterday", "created_after", "'yesterday' is not a moment in ISO 8601, such as"),
        ("executions/?created_after=2026-01-01%00", "created_after", "is not a moment in ISO 8601"),
        ("executions/?created_before=0001-01-01T00:00:00%2B14:00", "created_before", "is out of range: in UTC"),
        ("executions/?created_before=9999-12-31T23:59:59-14:00", "created_before", "is out of range: in UTC"),
        ("executions/?ordering=-event__data", "ordering", "is not an ordering"),
        ("executions/?rule=%00", "rule", "Null characters are not allowed."),
        ("events/?object_id=a%00", "object_id", "Null characters are not allowed."),
        ("events/?created_after=2026-13-45", "created_after", "'2026-13-45' is not a moment in ISO 8601"),
        ("events/?ordering=data", "ordering", "is not an ordering"),
    ],
)
def test_query_parameter_is_refused(api: Api, path: str, field: str, message: str) -> None:
    """A wrong filter is an error at its name, not an empty list and not a crash."""
    answer = api.get(path)

    assert answer.status == 400, answer.text
    assert message in answer.body[field][0]
    assert set(answer.body) == {field, "codes"}
    assert set(answer.body["codes"]) == {field}


def test_every_wrong_query_parameter_is_named(api: Api) -> None:
    """Whoever asks with two mistakes learns of both at once."""
    answer = api.get("executions/?state=done&event=5&rule=a")

    assert answer.status == 400
    assert set(answer.body) == {"state", "event", "codes"}
    assert answer.body["codes"] == {"state": ["invalid_choice"], "event": ["invalid"]}


@pytest.mark.parametrize(
    "path",
    [
        "rules/?page=0",
        "rules/?page=abc",
        "rules/?page=99999999999999999999999",
        "rules/a%00b/",
        "rules/..%2f/",
        "events/5/",
        "events/00000000-0000-0000-0000-000000000000/",
        "executions/zzz/",
        "signals/nope/",
        "signals/%00/",
        "actions/nope/",
        "nothing/",
    ],
)
def test_what_is_not_there_is_404(api: Api, path: str) -> None:
    """Addresses and pages that do not exist are 404, whatever stands in them."""
    answer = api.get(path)

    assert answer.status == 404
    assert answer.body["code"] == "not_found"


@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"])
@pytest.mark.parametrize("path", ["nope/", "executions/x/retry/", "rules/a/nope/", "nope"])
def test_address_that_does_not_exist_is_404_in_json(api: Api, method: str, path: str) -> None:
    """Every method is answered in the API's shape, not with the site's page."""
    answer = api.call(method, path)

    assert answer.status == 404
    assert answer.body == {"detail": f"There is nothing at /rules-api/{path}.", "code": "not_found"}


def test_address_without_its_slash_leads_to_the_one_with_it(api: Api) -> None:
    """Reading is redirected as Django does it; a body would be lost on the way, so writing is told."""
    assert api.get("rules?mode=live").response.headers["Location"] == "/rules-api/rules/?mode=live"
    with override_settings(APPEND_SLASH=False):
        read = api.get("rules")
    written = api.post("rules", {})

    assert read.status == written.status == 404
    assert read.body == written.body
    assert written.body["detail"] == (
        "There is nothing at /rules-api/rules. Did you mean /rules-api/rules/ with its slash?"
    )


def test_address_that_does_not_exist_needs_a_staff_user(person: MakePerson) -> None:
    """Others do not learn what is there and what is not."""
    assert Api().get("nope/").status in (401, 403)
    assert Api(person(staff=False)).get("nope/").status == 403


def test_page_size_above_the_largest_gives_the_largest(api: Api) -> None:
    """A list cannot be asked for at once, however large the wish."""
    from rules_engine.models import Event

    Event.objects.bulk_create([Event(signal="x", data={}) for _ in range(201)])

    for size in ("1000", "9" * 400):
        answer = api.get(f"events/?page_size={size}")
        assert (answer.body["count"], len(answer.body["results"])) == (201, 200)
    assert len(api.get("events/").body["results"]) == 50
