"""The admin in a real browser: a rule from the first try to its history."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.urls import reverse

from rules_engine.models import Execution, Rule, RuleAction
from tests.e2e.conftest import UNLABELLED, Visit
from tests.fixtures import MakeRule
from tests.testapp.models import Order

pytestmark = [pytest.mark.e2e, pytest.mark.slow, pytest.mark.django_db(transaction=True)]

ADD = "/admin/rules_engine/rule/add/"


def change_url(rule: Rule) -> str:
    """The page of a rule."""
    return reverse("admin:rules_engine_rule_change", args=[rule.pk])


CUT_OFF = """() => {
    const list = document.querySelector('#result_list');
    return list ? list.scrollWidth - list.parentElement.clientWidth : 0;
}"""
"""Pixels of a list that stand outside of its box."""


def texts(page: Any, selector: str) -> str:
    """All that is visible of the elements, as one text, once there is one."""
    page.locator(selector).first.wait_for()
    return "\n".join(page.locator(selector).all_inner_texts())


def test_rule_is_made_refused_mended_tried_in_shadow_gone_live_and_seen_in_history(visit: Visit) -> None:
    """A staff user with the permissions of rules only needs nothing but the browser."""
    page = visit(ADD)

    # Made: the senders follow the signal, the fields follow the kind.
    page.get_by_label("Name:").fill("Paid orders")
    assert page.get_by_label("Sender:").locator("option").all_inner_texts() == ["Choose a signal first"]
    page.get_by_label("Signal:").select_option("post_save")
    page.get_by_label("Sender:").select_option("testapp.order")
    page.get_by_label("Condition:").fill("instance.statsu == 'paid'")
    page.get_by_label("Kind:").first.select_option("log")
    page.get_by_role("textbox", name="Message").fill("Order {{ instance.number }} was paid")
    assert page.evaluate(UNLABELLED) == []
    page.get_by_role("button", name="Save", exact=True).click()

    # Refused: at the field, readable, nothing lost.
    problem = texts(page, ".field-condition .errorlist")
    assert "Order has no field 'statsu'. Did you mean 'status'?" in problem
    assert "^" in problem
    assert page.get_by_role("textbox", name="Message").input_value() == "Order {{ instance.number }} was paid"
    assert not Rule.objects.exists()

    # Mended.
    page.get_by_label("Condition:").fill("instance.status == 'paid'")
    page.get_by_role("button", name="Save", exact=True).click()
    assert "“Paid orders” is in shadow mode: recorded only, nothing is sent." in texts(page, ".messagelist")

    # Tried in shadow: recorded, nothing done.
    Order.objects.create(number="A-1", status="paid")
    assert Execution.objects.get().state == "shadow"

    # Gone live, by the button of its page.
    page.get_by_role("link", name="Paid orders").first.click()
    assert "Recorded only, nothing is sent." in texts(page, ".rules-banner")
    page.get_by_role("button", name="Go live").click()
    assert "“Paid orders” is live: its actions run." in texts(page, ".messagelist")
    assert "Live. When it matches, its actions run." in texts(page, ".rules-banner")

    # Fired, and seen in the history.
    Order.objects.create(number="A-2", status="paid")
    Order.objects.create(number="A-3")
    page.get_by_role("link", name="Executions", exact=True).and_(page.locator(".object-tools a")).click()
    assert texts(page, "#result_list .field-state_badge").split("\n") == ["succeeded", "shadow: nothing sent"]
    page.locator("#result_list tbody th a").first.click()
    assert "succeeded" in texts(page, ".field-shown_state .readonly")
    assert "Hidden: needs the permission “view order”" in texts(page, ".field-attempts .readonly")


def test_go_live_button_of_the_message_after_saving(visit: Visit) -> None:
    """The message that a rule is in shadow has the button that changes it, also on the list."""
    page = visit(ADD)
    page.get_by_label("Name:").fill("Log-ins")
    page.get_by_label("Signal:").select_option("user_logged_in")
    page.get_by_role("button", name="Save", exact=True).click()

    page.locator(".messagelist").get_by_role("button", name="Go live").click()

    assert "“Log-ins” is live" in texts(page, ".messagelist")
    assert Rule.objects.get().mode == "live"


def test_switching_the_kind_and_back_keeps_what_was_typed(visit: Visit) -> None:
    """A slip of the hand loses nothing, and only what is chosen is saved."""
    page = visit(ADD)
    page.get_by_label("Name:").fill("Any")
    page.get_by_label("Signal:").select_option("request_finished")
    kind = page.get_by_label("Kind:").first
    assert page.get_by_role("textbox", name="Message").count() == 0
    kind.select_option("webhook")
    page.get_by_role("textbox", name="URL").fill("https://example.com/hook")
    kind.select_option("log")
    page.get_by_role("textbox", name="Message").fill("done")
    kind.select_option("webhook")
    assert page.get_by_role("textbox", name="URL").input_value() == "https://example.com/hook"
    kind.select_option("log")
    assert page.get_by_role("textbox", name="Message").input_value() == "done"

    page.get_by_role("button", name="Save", exact=True).click()

    page.wait_for_url("**/admin/rules_engine/rule/")
    assert RuleAction.objects.values_list("kind", "config").get() == ("log", {"message": "done"})


def test_error_in_a_configuration_stands_at_its_field(visit: Visit) -> None:
    """The drawn field says what is wrong with it, also to a screen reader."""
    page = visit(ADD)
    page.get_by_label("Name:").fill("Any")
    page.get_by_label("Signal:").select_option("request_finished")
    page.get_by_label("Kind:").first.select_option("webhook")
    page.get_by_role("textbox", name="URL").fill("ftp://example.com/")
    page.get_by_role("button", name="Add item").click()
    page.get_by_role("textbox", name="Name").nth(1).fill("X-Shop")

    page.get_by_role("button", name="Save", exact=True).click()

    url = page.get_by_role("textbox", name="URL")
    assert url.get_attribute("aria-invalid") == "true"
    described = (url.get_attribute("aria-describedby") or "").split()
    assert "http" in page.locator(f"[id='{described[0]}']").inner_text()
    assert page.get_by_role("textbox", name="Name").nth(1).input_value() == "X-Shop"
    assert page.evaluate(UNLABELLED) == []


def test_rows_that_are_added_and_removed_keep_their_own_fields(visit: Visit) -> None:
    """Removing a row renames the ones after it; each kind still draws into its own row."""
    page = visit(ADD)
    page.get_by_label("Name:").fill("Two")
    page.get_by_label("Signal:").select_option("request_finished")
    for _ in range(2):
        page.get_by_role("button", name="Add another Action").click()
    kinds = page.locator("select[name^='actions-'][name$='-kind']:visible")
    assert kinds.count() == 3
    for number, text in enumerate("abc"):
        kinds.nth(number).select_option("log")
        page.locator(f"#actions-{number}").get_by_role("textbox", name="Message").fill(text)
    page.locator("#actions-1 .inline-deletelink").click()
    kinds.nth(1).select_option("email")
    kinds.nth(1).select_option("log")
    messages = page.get_by_role("textbox", name="Message")
    assert [messages.nth(0).input_value(), messages.nth(1).input_value()] == ["a", "c"]
    assert page.evaluate(UNLABELLED) == []

    page.get_by_role("button", name="Save", exact=True).click()

    page.wait_for_url("**/admin/rules_engine/rule/")
    assert [action.config for action in RuleAction.objects.all()] == [{"message": "a"}, {"message": "c"}]


def test_action_that_is_not_installed_is_shown_and_kept(visit: Visit, make_rule: MakeRule) -> None:
    """The form works around it."""
    rule = make_rule(load=False)
    config = {"channel": "#ops", "blocks": [{"text": "x"}], "n": 1, "quiet": None}
    RuleAction.objects.update(kind="slack", config=config)
    page = visit(change_url(rule))

    chosen = page.get_by_label("Kind:").first.locator("option:checked").inner_text()
    assert chosen == "slack (not installed)"
    fields = page.locator("#actions-0 .field-config input")
    assert [fields.nth(n).input_value() for n in range(4)] == ["#ops", '[{"text": "x"}]', "1", "null"]
    assert fields.first.is_disabled()
    kind = page.get_by_label("Kind:").first
    kind.select_option("log")
    kind.select_option("slack")
    assert fields.first.input_value() == "#ops"
    page.get_by_label("Name:").fill("Renamed")
    page.get_by_role("button", name="Save", exact=True).click()

    page.wait_for_url("**/admin/rules_engine/rule/")
    assert Rule.objects.get().name == "Renamed"
    assert RuleAction.objects.values_list("kind", "config").get() == ("slack", config)


def test_second_of_two_editors_is_told_and_loses_nothing(visit: Visit, make_rule: MakeRule) -> None:
    """One message, the first one's change in place, the second one's text still in the form."""
    rule = make_rule(load=False)
    page = visit(change_url(rule))
    rule.name = "By somebody else"
    rule.save()

    page.get_by_label("Name:").fill("Mine")
    page.get_by_role("textbox", name="Message").fill("my text")
    page.get_by_role("button", name="Save", exact=True).click()

    assert "You edited version 1, it is now at version 2." in texts(page, ".errorlist")
    assert page.get_by_label("Name:").input_value() == "Mine"
    assert page.get_by_role("textbox", name="Message").input_value() == "my text"
    assert Rule.objects.get().name == "By somebody else"


def test_mode_button_warns_of_unsaved_edits(visit: Visit, make_rule: MakeRule) -> None:
    """Edits are not lost by a click on a button that leaves the page."""
    rule = make_rule(load=False, mode="shadow")
    page = visit(change_url(rule))
    page.get_by_label("Name:").fill("Edited")
    asked = []

    def refuse(dialog: Any) -> None:
        asked.append(dialog.message)
        dialog.dismiss()

    page.on("dialog", refuse)
    page.get_by_role("button", name="Go live").click()

    assert asked == ["You have changes that are not saved. They are lost if you go on."]
    assert page.get_by_label("Name:").input_value() == "Edited"
    assert Rule.objects.get().mode == "shadow"


def test_condition_help_inserts_names(visit: Visit) -> None:
    """What the signal and sender have can be clicked together."""
    page = visit(ADD)
    page.get_by_label("Signal:").select_option("post_save")
    page.get_by_label("Sender:").select_option("testapp.order")
    page.get_by_text("What can a condition read?").click()

    page.get_by_role("button", name="Insert instance.status into the condition").click()

    assert page.get_by_label("Condition:").input_value() == "instance.status"


def test_senders_are_free_text_for_a_signal_without_a_list(visit: Visit) -> None:
    """A signal of the site may be sent by anything; going back to models offers models again."""
    from django.dispatch import Signal

    from rules_engine.catalog import register_signal
    from rules_engine.catalog import registry as signals

    register_signal("testapp.pinged", Signal(), title="a ping came in")
    try:
        page = visit(ADD)
        page.get_by_label("Signal:").select_option("testapp.pinged")
        sender = page.get_by_label("Sender:")
        assert sender.evaluate("(field) => field.tagName") == "INPUT"
        sender.fill("cron")
        page.get_by_label("Signal:").select_option("post_save")
        assert "testapp.order" in page.get_by_label("Sender:").inner_html()
        page.get_by_label("Signal:").select_option("m2m_changed")
        assert "testapp.order.tags" in page.get_by_label("Sender:").inner_html()
    finally:
        signals._signals.remove("testapp.pinged")


@pytest.mark.parametrize("width", [390, 1280])
def test_pages_fit_the_screen_and_have_labels(visit: Visit, make_rule: MakeRule, width: int) -> None:
    """On a phone nothing but tables scrolls sideways; every visible field has a name."""
    rule = make_rule(condition="instance.status == 'paid'")
    Order.objects.create(number="A-1", status="paid")
    execution = Execution.objects.get()
    page = visit(
        change_url(rule), "change_rule", "view_rule", "testapp.view_order", viewport={"width": width, "height": 844}
    )
    paths = [
        change_url(rule),
        ADD.replace("add/", ""),
        ADD.replace("rule/add/", "execution/"),
        ADD.replace("rule/add/", "event/"),
        reverse("admin:rules_engine_rule_dry_run", args=[rule.pk]),
        reverse("admin:rules_engine_rule_versions", args=[rule.pk]),
        reverse("admin:rules_engine_execution_change", args=[execution.pk]),
        reverse("admin:rules_engine_event_change", args=[execution.event_id]),
    ]
    for path in paths:
        page.goto(path)
        wide = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
        assert wide <= 0, f"{path} is {wide} pixels too wide"
        if width == 1280:
            hidden = page.evaluate(CUT_OFF)
            assert hidden <= 0, f"{path} cuts {hidden} pixels off its list"
        assert re.sub(r"_selected_action|action-toggle", "", "".join(page.evaluate(UNLABELLED))) == "", path
