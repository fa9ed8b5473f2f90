"""The catalogues over the API: what rules can be made of."""

from __future__ import annotations

import pytest
from django.test import override_settings

from rules_engine.actions import action_schema, all_actions
from rules_engine.catalog import all_signals
from rules_engine.conditions import function_help
from tests.api.conftest import Api

pytestmark = pytest.mark.django_db


def test_root_names_every_address(api: Api) -> None:
    """Who opens the root finds the rest."""
    body = api.get("").body

    assert sorted(body) == ["actions", "docs", "events", "executions", "functions", "rules", "schema", "signals"]
    assert body["rules"] == "http://testserver/rules-api/rules/"
    for url in body.values():
        assert api.client.get(url).status_code == 200, url


def test_signals_hold_what_a_form_needs(api: Api) -> None:
    """Each signal comes with its arguments, its senders and an example."""
    found = {row["key"]: row for row in api.get("signals/").body}

    assert list(found) == [spec.key for spec in all_signals()]
    saved = found["post_save"]
    assert saved["title"] == "an object was saved"
    assert {"instance", "created"} <= set(saved["arguments"])
    assert {"label": "testapp.order", "title": "Testapp: order"} in saved["senders"]
    assert saved["example"] == {"created": True, "update_fields": None, "using": "default"}
    assert found["request_started"]["senders"] == []
    assert api.get("signals/post_save/").body == saved


@override_settings(RULES_ENGINE={"ALLOWED_SENDERS": ["testapp.tag"]})
def test_signals_offer_allowed_senders_only(api: Api) -> None:
    """The settings bound what rules may listen to."""
    assert [row["label"] for row in api.get("signals/post_save/").body["senders"]] == ["testapp.tag"]


def test_actions_hold_their_schemas(api: Api) -> None:
    """Each kind comes with the JSON Schema by which its configuration is judged."""
    found = {row["kind"]: row for row in api.get("actions/").body}

    assert list(found) == [kind for kind, _ in all_actions()]
    log = found["log"]
    assert (log["title"], log["phase"]) == ("Log a line", "after_commit")
    assert log["schema"] == action_schema("log")
    assert api.get("actions/log/").body == log


def test_functions_hold_their_usage(api: Api) -> None:
    """Each function comes with how it is called and what it does."""
    found = {row["name"]: row for row in api.get("functions/").body}

    assert set(found) == {item.name for item in function_help()}
    assert "contains(" in found["contains"]["usage"]
    assert found["contains"]["doc"]
