"""Whatever JSON is sent: an answer of the API, never a crash."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from rules_engine.models import Rule
from tests.api.conftest import Api
from tests.fixtures import MakeRule

pytestmark = pytest.mark.django_db

WORDS = st.sampled_from(
    [
        "",
        "post_save",
        "m2m_changed",
        "testapp.order",
        "testapp.order.tags",
        "live",
        "log",
        "webhook",
        "a == 'b'",
        "\x00",
    ]
)
SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.decimals(allow_nan=False, allow_infinity=False),
    st.text(max_size=20),
    st.text(alphabet=st.characters(categories=["Cs", "Cc", "Lu"]), max_size=5),
    WORDS,
)
JSON = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5) | WORDS, inner, max_size=3),
    max_leaves=8,
)
ACTION = st.fixed_dictionaries(
    {},
    optional={
        "kind": JSON | WORDS,
        "config": JSON
        | st.fixed_dictionaries({}, optional={"message": JSON, "url": JSON, "headers": JSON, "to": JSON}),
        "on_error": JSON,
        "enabled": JSON,
        "position": JSON,
    },
)
RULE = st.fixed_dictionaries(
    {},
    optional={
        "name": JSON | st.just("a"),
        "slug": JSON | st.uuids().map(str),
        "description": JSON,
        "mode": JSON | WORDS,
        "signal": JSON | WORDS,
        "sender": JSON | WORDS,
        "condition": JSON | WORDS,
        "priority": JSON,
        "stop_on_match": JSON,
        "actions": JSON | st.lists(ACTION, max_size=3),
        "version": JSON,
    },
)
DRY_RUN = st.fixed_dictionaries(
    {},
    optional={"event": JSON, "object_id": JSON, "data": JSON, "condition": JSON | WORDS, "actions": st.lists(ACTION)},
)
EXAMPLES = settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])


def check(api: Api, method: str, path: str, body: Any) -> None:
    """Send a body; the answer is a success or an error of the client."""
    answer = api.call(method, path, body)

    assert answer.status < 500
    assert answer.status in (200, 201, 400, 412), answer.text
    if answer.status == 400:
        assert {"code", "codes"} & set(answer.body), answer.text


@EXAMPLES
@given(body=RULE | JSON)
def test_any_new_rule_is_made_or_refused(api: Api, body: Any) -> None:
    """Creating a rule answers 201 or 400."""
    check(api, "POST", "rules/", body)


@EXAMPLES
@given(body=RULE | JSON)
def test_any_change_of_a_rule_is_made_or_refused(api: Api, make_rule: MakeRule, body: Any) -> None:
    """Changing a rule answers 200, 400 or 412."""
    Rule.objects.all().delete()
    make_rule(load=False)

    check(api, "PATCH", "rules/paid-orders/", body)


@EXAMPLES
@given(body=DRY_RUN | JSON)
def test_any_dry_run_is_answered_or_refused(api: Api, make_rule: MakeRule, body: Any) -> None:
    """A dry run answers 200 or 400."""
    if not Rule.objects.exists():
        make_rule(load=False)

    check(api, "POST", "rules/paid-orders/dry-run/", body)


@EXAMPLES
@given(
    path=st.sampled_from(["rules/", "events/", "executions/"]),
    name=st.sampled_from(["state", "mode", "rule", "event", "created_after", "ordering", "page_size", "has_problem"]),
    value=st.text(max_size=30),
)
def test_any_query_is_answered_or_refused(api: Api, path: str, name: str, value: str) -> None:
    """A list answers 200 or 400, whatever a parameter holds."""
    answer = api.get(f"{path}?{name}={quote(value, errors='surrogatepass')}")

    assert answer.status in (200, 400), answer.text
