"""The form of a rule: what it takes, what it refuses, and what it never loses."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse

from rules_engine import services
from rules_engine.models import Rule, RuleAction, RuleVersion
from tests.admin.conftest import LogIn, errors_of, rule_form
from tests.fixtures import MakeRule
from tests.testapp.models import Customer

pytestmark = pytest.mark.django_db

ADD = "/admin/rules_engine/rule/add/"


def change_url(rule: Rule) -> str:
    """The page of a rule."""
    return reverse("admin:rules_engine_rule_change", args=[rule.pk])


def stored_row(rule: Rule, **values: Any) -> dict[str, Any]:
    """The row of a rule's only action, as a browser posts it."""
    action = rule.actions.get()
    row = {"id": str(action.pk), "rule": str(rule.pk), "kind": action.kind, "config": action.config, "position": "1"}
    return {**row, **values}


def texts(response: Any) -> list[str]:
    """The messages that a page shows."""
    return [str(message) for message in response.context["messages"]]


def test_new_rule_is_saved_with_its_actions_as_one_version(log_in: LogIn) -> None:
    """A rule and two actions make one RuleVersion, by the user who saved."""
    client = log_in()

    response = client.post(ADD, rule_form({}, {"kind": "email", "config": MAIL}))

    assert response.status_code == 302, errors_of(response)
    rule = Rule.objects.get()
    ada = User.objects.get()
    assert (rule.slug, rule.mode, rule.created_by, rule.updated_by) == ("paid-orders", "shadow", ada, ada)
    assert [(a.position, a.kind) for a in rule.actions.all()] == [(1, "log"), (2, "email")]
    version = RuleVersion.objects.get()
    assert (version.change, version.created_by) == ("created", ada)
    assert len(version.snapshot["actions"]) == 2


MAIL = {"to": "a@example.com", "subject": "s", "body": "b"}


def test_new_rule_stores_only_what_differs_from_the_defaults(log_in: LogIn) -> None:
    """The form fills every field; what is the default anyway is not stored."""
    config = {"message": "paid", "level": "info", "logger": "shop"}

    log_in().post(ADD, rule_form({"config": config}))

    assert RuleAction.objects.get().config == {"message": "paid", "logger": "shop"}


def test_new_rule_with_an_untouched_row_is_saved_without_action(log_in: LogIn) -> None:
    """The empty row that stands ready counts as none, whatever its drawn fields hold."""
    response = log_in().post(ADD, rule_form({"kind": "", "config": {"message": ""}}))

    assert response.status_code == 302, errors_of(response)
    assert not RuleAction.objects.exists()


def test_add_form_has_one_empty_row_and_the_change_form_none(log_in: LogIn, make_rule: MakeRule) -> None:
    """A first action can be filled in at once; an existing rule is not given another."""
    client = log_in()
    rule = make_rule(load=False)

    assert "actions-0-kind" in client.get(ADD).content.decode()
    assert "actions-1-kind" not in client.get(change_url(rule)).content.decode()


@pytest.mark.parametrize(
    ("values", "field", "message"),
    [
        ({"condition": "instance.statsu == 'paid'"}, "condition", "Did you mean 'status'?"),
        ({"condition": "instance.status = 'paid'"}, "condition", "Write =="),
        ({"condition": "instance.total > 100"}, "condition", "`100`"),
        ({"signal": "post_svae"}, "signal", "Did you mean 'post_save'?"),
        ({"sender": "testapp.ordr"}, "sender", "Did you mean 'testapp.order'?"),
        ({"name": "x" * 201}, "name", "at most 200 characters"),
        ({"signal": ""}, "signal", "This field is required."),
    ],
)
def test_bad_rule_is_refused_at_its_field(log_in: LogIn, values: dict[str, str], field: str, message: str) -> None:
    """One clear message where the mistake was made, and what was typed is still there."""
    response = log_in().post(ADD, rule_form({}, **values))

    errors = errors_of(response)
    assert set(errors) == {field}
    assert len(errors[field]) == 1
    assert message in errors[field][0]
    assert not Rule.objects.exists()
    content = response.content.decode()
    assert "paid" in content
    assert response.context["adminform"].form[field].value() == values[field]


@pytest.mark.parametrize(
    ("row", "located", "message"),
    [
        ({"config": {"message": ""}}, "message", "Must not be empty."),
        ({"config": {"message": "{% load x %}"}}, "message", "load"),
        (
            {"kind": "webhook", "config": {"url": "ftp://example.com/"}},
            "url",
            "http",
        ),
        (
            {"kind": "webhook", "config": {"url": "https://u:p@example.com/"}},
            "url",
            "",
        ),
        (
            {
                "kind": "webhook",
                "config": {"url": "https://example.com/", "headers": [{"name": "X-A", "value": "a\nb"}]},
            },
            "headers§0§value",
            "",
        ),
    ],
)
def test_bad_config_is_refused_at_its_drawn_field(
    log_in: LogIn, row: dict[str, Any], located: str, message: str
) -> None:
    """The message stands at the field of the configuration that it is about."""
    response = log_in().post(ADD, rule_form(row))

    assert errors_of(response)["actions"] == [{"config": ["Please correct the marked fields below."]}]
    widget = response.context["inline_admin_formsets"][0].formset.forms[0].fields["config"].widget
    assert list(widget.error_map) == [located]
    assert message in widget.error_map[located][0]
    assert not Rule.objects.exists()


def test_config_with_an_unknown_key_says_so(log_in: LogIn) -> None:
    """A problem of no drawn field is told above them."""
    response = log_in().post(ADD, rule_form({"config": {"message": "a", "colour": "red"}}))

    (row,) = errors_of(response)["actions"]
    assert "'colour' is not a setting here" in row["config"][0]


@pytest.mark.parametrize(
    ("posted", "message"),
    [
        ("", "The configuration did not arrive"),
        ("{bad", "Enter a valid JSON."),
        ("[1]", "The configuration must be a JSON object"),
        ('"text"', "The configuration must be a JSON object"),
        ("null", "The configuration did not arrive"),
    ],
)
def test_config_that_did_not_arrive_is_refused(log_in: LogIn, make_rule: MakeRule, posted: str, message: str) -> None:
    """A crashed or switched-off script posts nothing; that must not empty a stored configuration."""
    rule = make_rule(load=False)
    client = log_in()

    response = client.post(change_url(rule), rule_form(stored_row(rule, config=posted), initial=1))

    (row,) = errors_of(response)["actions"]
    assert len(row["config"]) == 1
    assert message in row["config"][0]
    assert rule.actions.get().config == {"message": "{{ signal }} {{ instance.pk }}"}


def test_action_without_kind_that_was_stored_is_refused(log_in: LogIn, make_rule: MakeRule) -> None:
    """Emptying the kind is not a way to delete an action."""
    rule = make_rule(load=False)

    response = log_in().post(change_url(rule), rule_form(stored_row(rule, kind="", config={}), initial=1))

    assert errors_of(response)["actions"] == [{"kind": ["This field is required."]}]


def test_change_without_a_difference_makes_no_version(log_in: LogIn, make_rule: MakeRule) -> None:
    """Pressing Save on an unchanged form changes nothing, though the form fills in defaults."""
    rule = make_rule(load=False, condition="instance.status == 'paid'", slug="paid")
    filled = {"message": "{{ signal }} {{ instance.pk }}", "level": "info", "logger": "rules_engine.log"}

    response = log_in().post(
        change_url(rule), rule_form(stored_row(rule, config=filled), initial=1, mode="live", slug="paid")
    )

    assert response.status_code == 302, errors_of(response)
    assert RuleVersion.objects.count() == 1
    rule.refresh_from_db()
    assert rule.version == 1


def test_change_of_an_action_alone_makes_one_version(log_in: LogIn, make_rule: MakeRule) -> None:
    """An action belongs to its rule: the rule's version counts up once, by whom is kept."""
    rule = make_rule(load=False, condition="instance.status == 'paid'", slug="paid")
    row = stored_row(rule, config={"message": "other"})

    response = log_in().post(
        change_url(rule), rule_form(row, {"kind": "email", "config": MAIL}, initial=1, mode="live", slug="paid")
    )

    assert response.status_code == 302, errors_of(response)
    rule.refresh_from_db()
    assert (rule.version, str(rule.updated_by)) == (2, "ada")
    assert [action.config.get("message") for action in rule.actions.all()] == ["other", None]
    assert RuleVersion.objects.count() == 2


def test_position_typed_into_a_row_moves_it_before_the_one_that_has_it(log_in: LogIn, make_rule: MakeRule) -> None:
    """Positions are numbered anew, and a new row without one is the last."""
    rule = make_rule(load=False, actions=[{"kind": "log", "config": {"message": text}} for text in "ab"])
    rows = [
        {"id": str(a.pk), "rule": str(rule.pk), "config": a.config, "position": str(a.position)}
        for a in rule.actions.all()
    ]
    rows[1]["position"] = "1"

    response = log_in().post(
        change_url(rule),
        rule_form(*rows, {"config": {"message": "c"}}, initial=2, mode="live", slug=rule.slug),
    )

    assert response.status_code == 302, errors_of(response)
    assert [(a.position, a.config["message"]) for a in rule.actions.all()] == [(1, "b"), (2, "a"), (3, "c")]


def test_deleting_an_action_in_the_form_is_one_change(log_in: LogIn, make_rule: MakeRule) -> None:
    """Who may change the rule may remove its actions, though actions have no permissions of their own."""
    rule = make_rule(load=False)

    response = log_in().post(
        change_url(rule), rule_form(stored_row(rule, DELETE="on"), initial=1, mode="live", slug=rule.slug)
    )

    assert response.status_code == 302, errors_of(response)
    assert not rule.actions.exists()
    assert RuleVersion.objects.count() == 2


# --- two people at once -----------------------------------------------------------------------------------


def assert_conflict(messages: list[str], who: str) -> None:
    """One message: who was faster and when, what became of the change, how to go on."""
    assert len(messages) == 1
    assert re.fullmatch(
        rf"“Paid orders” was changed by {who} at \d\d:\d\d:\d\d\. "
        "You edited version 1, it is now at version 2\\. Nothing was saved, and what you typed is still below\\. "
        "See above what was changed, then open the stored rule in a new tab and make your change there\\.",
        messages[0],
    )


def test_stale_form_names_who_was_faster(log_in: LogIn, make_rule: MakeRule) -> None:
    """So that the two can talk."""
    rule = make_rule(load=False, mode="shadow")
    services.save_rule(rule=rule, actions=None, by=User.objects.create_user("rita"))

    response = log_in().post(change_url(rule), rule_form(stored_row(rule), initial=1, edited_version="1"))

    assert_conflict(errors_of(response)["__all__"], "rita")


@pytest.mark.parametrize("button", ["_save", "_continue", "_addanother"])
@pytest.mark.parametrize(
    ("mode", "text"),
    [
        ("live", "“Paid orders” is live: its actions run."),
        ("shadow", "“Paid orders” is in shadow mode: recorded only, nothing is sent."),
        ("off", "“Paid orders” is switched off."),
    ],
)
def test_every_save_tells_the_mode(log_in: LogIn, button: str, mode: str, text: str) -> None:
    """A rule that sends from now on is not saved without a word; the list's buttons say it in the same words."""
    response = log_in().post(ADD, {**rule_form({}, mode=mode), button: "1"}, follow=True)

    found = [str(message) for message in response.context["messages"]]
    assert [message.partition(" <button")[0].strip() for message in found[1:]] == [text]


def test_action_is_headed_by_its_kind_in_words(log_in: LogIn, make_rule: MakeRule) -> None:
    """The name that is shown everywhere else, not the key."""
    rule = make_rule(load=False)

    for client in (log_in(), log_in("view_rule", name="eve")):
        shown = client.get(change_url(rule)).content.decode()
        assert re.search(r'<span class="inline_label">\s*1\. Log a line\b', shown)


def test_stale_form_is_refused_and_keeps_what_was_typed(log_in: LogIn, make_rule: MakeRule) -> None:
    """The second of two editors gets one message; the first one's change stays, the typed text too."""
    rule = make_rule(load=False, mode="shadow")
    client = log_in()
    opened = client.get(change_url(rule)).context["adminform"].form["edited_version"].value()
    Rule.objects.get().save()

    response = client.post(
        change_url(rule),
        rule_form(stored_row(rule, config={"message": "mine"}), initial=1, name="Mine", edited_version=opened),
    )

    found = errors_of(response)
    assert set(found) == {"__all__"}
    assert_conflict(found["__all__"], "someone else")
    content = response.content.decode()
    assert 'value="Mine"' in content
    assert "mine" in content
    rule.refresh_from_db()
    assert rule.name == "Paid orders"


def test_banner_of_a_refused_form_tells_what_is_stored(log_in: LogIn, make_rule: MakeRule) -> None:
    """A mode or condition that was only typed is not shown as if it were in force."""
    rule = make_rule(load=False, mode="shadow", condition="instance.status == 'paid'")

    response = log_in().post(
        change_url(rule), rule_form(stored_row(rule), initial=1, mode="live", condition="instance.statsu")
    )

    content = response.content.decode()
    assert "<strong>Shadow.</strong>" in content
    assert "<code>instance.status == &#x27;paid&#x27;</code>" in content


def test_stale_form_whose_action_was_deleted_is_refused_without_a_crash(log_in: LogIn, make_rule: MakeRule) -> None:
    """A row that somebody else removed is no reason to fail in another way."""
    rule = make_rule(load=False, mode="shadow")
    row = stored_row(rule)
    rule.actions.get().delete()

    response = log_in().post(change_url(rule), rule_form(row, initial=1, edited_version="1"))

    assert response.status_code == 200
    assert_conflict(errors_of(response)["__all__"], "someone else")


def test_rule_changed_while_the_form_was_saved_is_refused(
    log_in: LogIn, make_rule: MakeRule, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also between our reading and our writing, somebody else's change is not overwritten."""
    rule = make_rule(load=False, mode="shadow")
    original = Rule.full_clean

    def meanwhile(self: Rule, *args: Any, **kwargs: Any) -> None:
        Rule.objects.filter(pk=rule.pk).update_quietly(version=7)
        original(self, *args, **kwargs)

    client = log_in()
    monkeypatch.setattr(Rule, "full_clean", meanwhile)

    response = client.post(
        change_url(rule), rule_form(stored_row(rule), initial=1, name="Mine", slug="x", edited_version="1")
    )

    assert response.status_code == 200
    assert "was changed by someone else" in errors_of(response)["__all__"][0]
    assert 'value="Mine"' in response.content.decode()


# --- copies -----------------------------------------------------------------------------------------------


def test_save_as_new_makes_a_shadow_copy_with_a_free_slug_and_the_actions(log_in: LogIn, make_rule: MakeRule) -> None:
    """The copy sends nothing before somebody has looked at it; the original stays as it is."""
    rule = make_rule(load=False, slug="paid")

    response = log_in().post(
        change_url(rule),
        rule_form(stored_row(rule), initial=1, mode="live", slug="paid", edited_version="1", _saveasnew="1"),
    )

    assert response.status_code == 302, errors_of(response)
    copy = Rule.objects.exclude(pk=rule.pk).get()
    assert (copy.name, copy.slug, copy.mode, copy.version) == ("Paid orders (copy)", "paid-orders-copy", "shadow", 1)
    assert copy.actions.get().config == {"message": "{{ signal }} {{ instance.pk }}"}
    rule.refresh_from_db()
    assert (rule.mode, rule.version, rule.actions.count()) == ("live", 1, 1)


def test_save_as_new_copies_an_action_that_is_not_installed(log_in: LogIn, make_rule: MakeRule) -> None:
    """Validation refuses to make a new one of it, and says which; nothing is dropped in silence."""
    rule = make_rule(load=False, slug="paid")
    RuleAction.objects.update(kind="slack", config={"channel": "#ops"})

    response = log_in().post(change_url(rule), rule_form(stored_row(rule), initial=1, _saveasnew="1"))

    assert errors_of(response)["actions"] == [{"kind": ["'slack' is not an action known here."]}]
    assert Rule.objects.count() == 1


# --- what is not installed --------------------------------------------------------------------------------


def test_action_that_is_not_installed_is_shown_and_left_untouched(log_in: LogIn, make_rule: MakeRule) -> None:
    """The rule can be edited around it; whatever is posted for it, its configuration stays."""
    rule = make_rule(load=False)
    config = {"channel": "#ops", "n": 1, "blocks": [{}]}
    RuleAction.objects.update(kind="slack", config=config)
    client = log_in()

    shown = client.get(change_url(rule)).content.decode()
    response = client.post(
        change_url(rule),
        rule_form(stored_row(rule, config="", enabled=None), initial=1, name="Renamed", mode="live", slug="s"),
    )

    assert '<option value="slack" selected>slack (not installed)</option>' in shown
    assert response.status_code == 302, errors_of(response)
    action = rule.actions.get()
    assert (action.kind, action.config, action.enabled) == (
        "slack",
        {"channel": "#ops", "n": 1, "blocks": [{}]},
        False,
    )
    assert Rule.objects.get().name == "Renamed"


def test_rule_whose_sender_is_not_installed_can_still_be_renamed(log_in: LogIn, make_rule: MakeRule) -> None:
    """The stored value is shown and kept; choosing another that is wrong is refused."""
    rule = make_rule(load=False)
    Rule.objects.update(sender="shop.gone")
    client = log_in()
    form = rule_form(stored_row(rule), initial=1, sender="shop.gone", condition="", mode="off", slug="s")

    assert "shop.gone (not installed)" in client.get(change_url(rule)).content.decode()
    assert client.post(change_url(rule), {**form, "name": "Renamed"}).status_code == 302
    assert Rule.objects.get().name == "Renamed"
    refused = client.post(change_url(rule), {**form, "sender": "shop.other"})
    assert "'shop.other' is not a sender of post_save known here" in errors_of(refused)["sender"][0]


# --- what is said after saving ----------------------------------------------------------------------------


def test_saving_a_shadow_rule_says_so_with_a_button(log_in: LogIn) -> None:
    """Nobody takes a shadow rule for a live one."""
    client = log_in()

    response = client.post(ADD, rule_form({}), follow=True)

    content = response.content.decode()
    rule = Rule.objects.get()
    assert "“Paid orders” is in shadow mode: recorded only, nothing is sent." in content
    assert f'form="rules-post" formaction="/admin/rules_engine/rule/{rule.pk}/mode/"' in content
    assert '<form id="rules-post" method="post">' in content


def test_change_page_of_a_shadow_rule_always_says_so(log_in: LogIn, make_rule: MakeRule) -> None:
    """The banner has the sentence of the rule and the buttons."""
    rule = make_rule(load=False, mode="shadow", condition="instance.status == 'paid'")

    content = log_in().get(change_url(rule)).content.decode()

    assert "Recorded only, nothing is sent." in content
    assert "When an order was saved and <code>instance.status == &#x27;paid&#x27;</code>: log a line" in content
    assert ">Go live</button>" in content
    assert ">Switch off</button>" in content


def test_condition_with_a_doubt_is_saved_and_warned_of(log_in: LogIn) -> None:
    """What is allowed but perhaps not meant is said after saving."""
    response = log_in().post(ADD, rule_form({}, condition="!created == `true`"), follow=True)

    (warning,) = [text for text in texts(response) if "negates the left side alone" in text]
    assert "Is !(created == `true`) meant?" in warning


# --- permissions ------------------------------------------------------------------------------------------


def test_viewer_sees_the_rule_and_cannot_post(log_in: LogIn, make_rule: MakeRule) -> None:
    """Looking is not changing; the buttons are not even drawn."""
    rule = make_rule(load=False)
    client = log_in("view_rule")

    content = client.get(change_url(rule)).content.decode()

    assert "Log a line" in content
    assert "Switch off" not in content
    assert client.post(change_url(rule), rule_form()).status_code == 403
    assert client.post(reverse("admin:rules_engine_rule_mode", args=[rule.pk]), {"mode": "off"}).status_code == 403
    assert client.get(ADD).status_code == 403


def test_adder_makes_a_rule_with_actions(log_in: LogIn) -> None:
    """The permission to add rules is enough for their actions."""
    response = log_in("add_rule").post(ADD, rule_form({}))

    assert response.status_code == 302
    assert RuleAction.objects.count() == 1


@pytest.mark.parametrize("page", ["mode", "dry_run", "versions"])
def test_pages_of_a_rule_need_a_log_in_and_permission(log_in: LogIn, make_rule: MakeRule, page: str) -> None:
    """Strangers are sent to the log-in, staff without permission get 403."""
    rule = make_rule(load=False)
    url = reverse(f"admin:rules_engine_rule_{page}", args=[rule.pk])
    stranger, clerk = Client(), log_in("testapp.view_order")
    method = "post" if page == "mode" else "get"

    assert "/login/" in getattr(stranger, method)(url, {"mode": "live"}).url
    assert getattr(clerk, method)(url, {"mode": "live"}).status_code == 403


# --- help -------------------------------------------------------------------------------------------------


def test_condition_help_names_arguments_fields_and_functions(log_in: LogIn) -> None:
    """What can be written is told for the chosen signal and sender."""
    url = reverse("admin:rules_engine_rule_help")

    found = log_in().get(url, {"signal": "post_save", "sender": "testapp.customer"}).json()

    names = {item["path"]: item["kind"] for item in found["names"]}
    assert names["instance.name"] == "text"
    assert names["instance.password"] == "***"
    assert {item["name"] for item in found["arguments"]} >= {"instance", "created"}
    assert any(item["usage"].startswith("starts_with(") for item in found["functions"])
    assert "QuerySet.update()" in found["description"]


def test_condition_help_follows_relations_and_shows_an_object(log_in: LogIn) -> None:
    """What an order's customer has is offered too, arguments have types, and the example has a made-up object."""
    Customer.objects.create(name="Somebody real")
    url = reverse("admin:rules_engine_rule_help")

    found = log_in().get(url, {"signal": "post_save", "sender": "testapp.order"}).json()

    names = {item["path"]: item["kind"] for item in found["names"]}
    assert names["instance.customer.name"] == "text"
    assert names["instance.customer.password"] == "***"
    assert (names["created"], names["using"]) == ("true or false", "text")
    assert names["update_fields"] == "list of texts, or null"
    example = json.loads(found["example"])
    assert example["instance"]["status"] == "pending"
    assert example["created"] is True
    assert "Somebody real" not in found["example"]


def test_condition_help_for_an_unknown_signal_says_so(log_in: LogIn) -> None:
    """A stored signal that is gone has no help."""
    response = log_in().get(reverse("admin:rules_engine_rule_help"), {"signal": "nope"})

    assert response.status_code == 404
    assert response.json() == {"error": "'nope' is not a signal known here."}


def test_form_carries_senders_by_signal_and_schemas_by_kind(log_in: LogIn) -> None:
    """The scripts have what they need on the page, as data."""
    response = log_in().get(ADD)

    data = response.context["rules_form"]
    senders = data["senders"][data["signals"]["m2m_changed"]]
    assert "testapp.order.tags" in dict(senders)
    assert data["senders"][data["signals"]["request_started"]] == [
        ("", "(this signal has no senders to choose from)")
    ]
    assert set(data["kinds"]) >= {"log", "email", "webhook", "cache_delete"}
    assert data["kinds"]["log"]["blank"] == {"message": "", "level": "info", "logger": "rules_engine.log"}
    assert json.loads(json.dumps(data["kinds"]["webhook"]["schema"]))["keys"]["url"]["required"] is True


def test_save_rule_service_and_form_number_alike(log_in: LogIn, make_rule: MakeRule) -> None:
    """A rule saved by the form keeps its action rows when it is saved through the service."""
    client = log_in()
    client.post(ADD, rule_form({}, {"kind": "email", "config": MAIL}))
    rule = Rule.objects.get()
    before = list(rule.actions.values_list("pk", flat=True))

    services.save_rule(
        rule=rule,
        actions=[{"kind": "log", "config": {"message": "x"}}, {"kind": "email", "config": MAIL}],
        by=None,
    )

    assert list(rule.actions.values_list("pk", flat=True)) == before
