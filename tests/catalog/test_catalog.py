"""The catalogue: signals, senders, what a condition may read."""

from __future__ import annotations

from typing import Any

import pytest
from django.dispatch import Signal

from rules_engine import register_signal
from rules_engine.catalog import (
    all_signals,
    context_shape,
    get_signal,
    resolve_sender,
    sender_choices,
    sender_model,
)
from rules_engine.conditions import check_paths, compile_condition
from rules_engine.exceptions import AlreadyRegistered, InvalidKey, UnknownKey
from rules_engine.models import Rule
from tests.testapp.models import Order

BUILT_IN = [
    "pre_save",
    "post_save",
    "pre_delete",
    "post_delete",
    "m2m_changed",
    "request_started",
    "request_finished",
    "got_request_exception",
    "user_logged_in",
    "user_logged_out",
    "user_login_failed",
]


def test_catalogue_has_djangos_signals_under_bare_keys() -> None:
    """Django's own signals keep their names."""
    assert [spec.key for spec in all_signals()][: len(BUILT_IN)] == BUILT_IN


@pytest.mark.parametrize("spec", all_signals(), ids=lambda spec: spec.key)
def test_every_signal_explains_itself(spec: Any) -> None:
    """Each has a title, and its example names only arguments that are explained."""
    assert spec.title
    assert set(spec.example) <= set(spec.arguments)


def test_hosts_signal_is_found_in_its_rules_module() -> None:
    """rules.py of an installed app is imported at start-up."""
    assert get_signal("testapp.stock_counted").description == "Sent after each count."


def test_key_of_another_signal_is_refused_naming_its_holder() -> None:
    """Keys are stored in rules, so two signals must not share one."""
    with pytest.raises(AlreadyRegistered, match=r"'testapp\.stock_counted' .* is already registered by"):
        register_signal("testapp.stock_counted", Signal())


def test_key_without_an_app_is_refused() -> None:
    """Bare keys are the engine's."""
    with pytest.raises(InvalidKey, match=r"not of the form 'app\.name'"):
        register_signal("paid", Signal())


def test_something_else_than_a_signal_is_refused() -> None:
    """A function is not a signal."""
    with pytest.raises(TypeError, match=r"is not a django\.dispatch\.Signal"):
        register_signal("testapp.thing", print)  # type: ignore[arg-type]


def test_senders_of_a_model_signal_are_the_allowed_models() -> None:
    """The form offers models, without bookkeeping and without the engine's own."""
    labels = [sender.label for sender in sender_choices(get_signal("post_save"))]

    assert "testapp.order" in labels
    assert not [label for label in labels if label.split(".")[0] in ("rules_engine", "sessions", "admin")]


def test_allowed_senders_take_an_apps_wildcard(settings: Any) -> None:
    """``testapp.*`` stands for all models of the app."""
    settings.RULES_ENGINE = {"ALLOWED_SENDERS": ["testapp.*"]}
    labels = {sender.label.split(".")[0] for sender in sender_choices(get_signal("post_save"))}

    assert labels == {"testapp"}


def test_senders_of_many_to_many_are_fields() -> None:
    """m2m_changed is chosen by field."""
    assert "testapp.order.tags" in [sender.label for sender in sender_choices(get_signal("m2m_changed"))]


@pytest.mark.parametrize(
    ("key", "label", "message"),
    [
        ("post_save", "testapp.ordr", r"Did you mean 'testapp\.order'\?"),
        ("m2m_changed", "testapp.order", "is not a sender of m2m_changed"),
        ("request_started", "testapp.order", r"it has none to choose from"),
        ("user_logged_in", "testapp.order", "is not a sender of user_logged_in"),
    ],
)
def test_sender_that_a_signal_does_not_have_is_refused(key: str, label: str, message: str) -> None:
    """Each signal knows its senders, and suggests the closest."""
    with pytest.raises(UnknownKey, match=message):
        resolve_sender(get_signal(key), label)


@pytest.mark.parametrize(
    ("key", "label", "model"),
    [
        ("post_save", "testapp.order", "testapp.order"),
        ("m2m_changed", "testapp.order.tags", "testapp.order"),
        ("user_logged_in", "", "auth.user"),
        ("request_started", "", None),
        ("post_save", "", None),
    ],
)
def test_sender_model(key: str, label: str, model: str | None) -> None:
    """The model whose permission guards an event's payload."""
    found = sender_model(get_signal(key), label)

    assert (found._meta.label_lower if found else None) == model


@pytest.mark.parametrize(
    ("condition", "message"),
    [
        ("instance.statsu == 'paid'", "Order has no field 'statsu'. Did you mean 'status'?"),
        ("instanse.status == 'paid'", "has no field 'instanse'. Did you mean 'instance'?"),
        ("instance.customer.nmae == 'x'", "Customer has no field 'nmae'. Did you mean 'name'?"),
        ("instance.customer.password == 'x'", "'password' is redacted and never available to rules."),
        ("instance.status.name == 'x'", "'status' is a text and has nothing below it."),
        ("instance.lines.sku == 'a'", "'lines' is a list of Line: write lines[*].sku"),
        ("instance.customer_id.x == 'a'", "'customer_id' is a number and has nothing below it."),
    ],
)
def test_path_that_the_sender_does_not_have_is_found(condition: str, message: str) -> None:
    """A typo is an error when the rule is saved: under != it would match everything."""
    problems = check_paths(compile_condition(condition), context_shape(get_signal("post_save"), "testapp.order"))

    assert message in str(problems[0])


@pytest.mark.parametrize(
    ("key", "label", "condition"),
    [
        ("post_save", "testapp.order", "instance.lines[?sku == 'a'] && instance.customer.name && created"),
        ("post_save", "testapp.sample", "instance.data.anything.below[0]"),
        ("post_save", "", "instance.whatever"),
        ("m2m_changed", "testapp.order.tags", "instance.name && action == 'post_add'"),
        ("got_request_exception", "", "request.path && exception.type"),
        ("user_logged_in", "", "user.username"),
        ("testapp.stock_counted", "", "count < `3`"),
        ("post_save", "testapp.order", "cause.depth && event.time && instance.pk"),
    ],
)
def test_path_that_exists_is_fine(key: str, label: str, condition: str) -> None:
    """Columns, relations, arguments, JSON columns and unknown senders pass."""
    assert check_paths(compile_condition(condition), context_shape(get_signal(key), label)) == []


@pytest.mark.django_db
def test_rule_is_refused_where_it_is_made() -> None:
    """full_clean() of a rule gives the same messages by field as admin and API."""
    rule = Rule(name="x", signal="post_save", sender=Order._meta.label_lower, condition="instance.statsu == 'x'")
    with pytest.raises(Exception, match="Did you mean 'status'") as caught:
        rule.full_clean()

    assert list(caught.value.message_dict) == ["condition"]  # type: ignore[attr-defined]
