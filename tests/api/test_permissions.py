"""Who may do what: staff with Django's model permissions, and nobody else."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth.models import User
from django.urls import get_resolver
from django.urls.resolvers import URLPattern, URLResolver

from rules_engine.api import urls
from rules_engine.models import Execution, Rule
from tests.api.conftest import Api, MakePerson
from tests.fixtures import MakeRule
from tests.testapp.models import Order

pytestmark = pytest.mark.django_db

METHODS = ("GET", "HEAD", "OPTIONS", "POST", "PUT", "PATCH", "DELETE")
RULE = {"name": "New", "signal": "post_save"}

ALLOWED: dict[tuple[str, str], tuple[tuple[str, ...], int]] = {
    ("GET", "rules/"): (("rules_engine.view_rule",), 200),
    ("POST", "rules/"): (("rules_engine.add_rule",), 201),
    ("GET", "rules/{slug}/"): (("rules_engine.view_rule",), 200),
    ("PUT", "rules/{slug}/"): (("rules_engine.change_rule",), 200),
    ("PATCH", "rules/{slug}/"): (("rules_engine.change_rule",), 200),
    ("DELETE", "rules/{slug}/"): (("rules_engine.delete_rule",), 204),
    ("GET", "rules/{slug}/versions/"): (("rules_engine.view_rule", "rules_engine.view_ruleversion"), 200),
    ("POST", "rules/{slug}/dry-run/"): (("rules_engine.view_rule",), 200),
    ("POST", "executions/{execution}/retry/"): (("rules_engine.retry_execution",), 200),
    ("GET", "signals/"): (("rules_engine.view_rule",), 200),
    ("GET", "signals/post_save/"): (("rules_engine.view_rule",), 200),
    ("GET", "actions/"): (("rules_engine.view_rule",), 200),
    ("GET", "actions/log/"): (("rules_engine.view_rule",), 200),
    ("GET", "functions/"): (("rules_engine.view_rule",), 200),
    # Pages that show no data: any permission of the engine.
    ("GET", ""): (("rules_engine.view_event",), 200),
    ("GET", "schema/"): (("rules_engine.view_event",), 200),
    ("GET", "docs/"): (("rules_engine.view_event",), 200),
}
"""What each operation takes, and what it answers then."""

HISTORY = {
    "events/": "view_event",
    "events/{event}/": "view_event",
    "executions/": "view_execution",
    "executions/{execution}/": "view_execution",
}
"""Addresses of the history: its own permission opens them, and so does any that shows the rules."""

ADDRESSES = sorted({*HISTORY, *(path for _, path in ALLOWED)})
EVERYTHING = sorted(
    {
        *(name for names, _ in ALLOWED.values() for name in names),
        *(f"rules_engine.{name}" for name in HISTORY.values()),
    }
)


@pytest.fixture
def paths(make_rule: MakeRule) -> dict[str, Any]:
    """Keys of a rule, an event and a failed execution."""
    make_rule(actions=[{"kind": "log", "config": {"message": "x"}}])
    Order.objects.create()
    execution = Execution.objects.get()
    Execution.objects.update(state=Execution.State.FAILED)
    return {"slug": "paid-orders", "event": execution.event_id, "execution": execution.pk}


def body_of(method: str, path: str) -> Any:
    """A body that is valid for the operation."""
    if "dry-run" in path:
        return {"data": {}}
    return RULE if method in ("POST", "PUT") and path.startswith("rules/") else {} if method == "PATCH" else None


def test_table_names_every_address() -> None:
    """No address of the API is missing from the tables of this file."""

    def addresses(patterns: list[Any], prefix: str = "") -> set[str]:
        found = set()
        for item in patterns:
            here = prefix + str(item.pattern)
            found |= {here} if isinstance(item, URLPattern) else addresses(item.url_patterns, here)
        return found

    shown = {
        path.replace("{slug}", "<slug:slug>")
        .replace("{event}", "<uuid:pk>")
        .replace("{execution}", "<uuid:pk>")
        .replace("signals/post_save/", "signals/<str:key>/")
        .replace("actions/log/", "actions/<str:key>/")
        for path in ADDRESSES
    }
    assert addresses(urls.urlpatterns) - {"<path:rest>"} == shown
    assert isinstance(get_resolver(), URLResolver)


@pytest.mark.parametrize("path", ADDRESSES)
def test_anonymous_is_refused_everywhere(paths: dict[str, Any], path: str) -> None:
    """Nobody gets anything without logging in, by whatever method."""
    for method in METHODS:
        answer = Api().call(method, path.format(**paths), body_of(method, path))
        assert answer.status in (401, 403), f"{method} {path}"


@pytest.mark.parametrize("path", ADDRESSES)
def test_non_staff_is_refused_everywhere(paths: dict[str, Any], person: MakePerson, path: str) -> None:
    """Permissions without the staff flag open nothing."""
    api = Api(person(*EVERYTHING, staff=False))

    for method in METHODS:
        assert api.call(method, path.format(**paths), body_of(method, path)).status == 403, f"{method} {path}"


@pytest.mark.parametrize("path", ADDRESSES)
def test_staff_without_permissions_is_refused_everywhere(
    paths: dict[str, Any], person: MakePerson, path: str
) -> None:
    """The staff flag alone opens nothing."""
    api = Api(person())

    for method in METHODS:
        assert api.call(method, path.format(**paths), body_of(method, path)).status == 403, f"{method} {path}"


@pytest.mark.parametrize(("method", "path"), ALLOWED, ids=" ".join)
def test_operation_takes_exactly_its_permissions(
    paths: dict[str, Any], person: MakePerson, method: str, path: str
) -> None:
    """With its permissions it works; with all others and one of its own missing it does not."""
    needed, status = ALLOWED[method, path]
    address, body = path.format(**paths), body_of(method, path)

    if path not in ("", "schema/", "docs/"):
        for missing in needed:
            others = [name for name in EVERYTHING if name != missing]
            user = person(*others, name=f"without-{missing}")
            assert Api(user).call(method, address, body).status == 403, missing
    answer = Api(person(*needed, name="with")).call(method, address, body)
    assert answer.status == status, answer.text


@pytest.mark.parametrize("path", HISTORY)
def test_history_is_for_those_who_see_it_or_the_rules(paths: dict[str, Any], person: MakePerson, path: str) -> None:
    """Any one of its own permission and those to view or change rules opens it; all others together do not."""
    opening = [f"rules_engine.{name}" for name in (HISTORY[path], "view_rule", "change_rule")]
    address = path.format(**paths)

    for name in opening:
        assert Api(person(name, name=name.replace(".", "-"))).call("GET", address, None).status == 200, name
    others = [name for name in EVERYTHING if name not in opening]
    assert Api(person(*others, name="others")).call("GET", address, None).status == 403


@pytest.mark.parametrize("path", ADDRESSES)
def test_other_methods_are_405(api: Api, paths: dict[str, Any], path: str) -> None:
    """What an address does not offer is told, and history cannot be written."""
    offered = {method for method, known in ALLOWED if known == path} | ({"GET"} if path in HISTORY else set())

    for method in ("POST", "PUT", "PATCH", "DELETE"):
        if method not in offered:
            answer = api.call(method, path.format(**paths), body_of(method, path))
            assert answer.status == 405, f"{method} {path}"


def test_permission_that_was_taken_away_counts_at_once(person: MakePerson, make_rule: MakeRule) -> None:
    """Every request asks anew."""
    make_rule(load=False)
    user = person("rules_engine.view_rule")
    api = Api(user)
    assert api.get("rules/").status == 200

    User.objects.filter(pk=user.pk).update(is_staff=False)
    assert api.get("rules/").status == 403

    User.objects.filter(pk=user.pk).update(is_staff=True, is_active=False)
    assert api.get("rules/").status == 403


def test_change_without_csrf_token_is_refused(admin: User, make_rule: MakeRule) -> None:
    """A session alone changes nothing: another site could make the browser send it."""
    make_rule(load=False)
    api = Api(admin)
    api.client.handler.enforce_csrf_checks = True

    assert api.delete("rules/paid-orders/").status == 403
    assert Rule.objects.exists()


def test_refusal_names_reason_and_code(person: MakePerson) -> None:
    """A refusal is an answer of the API like any other."""
    assert Api(person()).get("rules/").body == {
        "detail": "You do not have permission to perform this action.",
        "code": "permission_denied",
    }
    assert Api().get("rules/").body == {
        "detail": "Authentication credentials were not provided.",
        "code": "not_authenticated",
    }
