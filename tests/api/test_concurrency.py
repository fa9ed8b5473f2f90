"""Two people who edit one rule: nobody overwrites what they have not seen."""

from __future__ import annotations

from typing import Any

import pytest

from rules_engine import services
from rules_engine.models import Rule
from tests.api.conftest import Api
from tests.fixtures import MakeRule

pytestmark = pytest.mark.django_db

STALE = (
    'Rule "Paid orders" was changed by someone else: you edited version 1, it is now at version 2. '
    "Nothing was saved. Look at the rule as it is now, then make your change again."
)


@pytest.fixture
def changed(make_rule: MakeRule) -> Rule:
    """A rule at version 2."""
    rule: Rule = make_rule(load=False)
    services.save_rule(rule=rule, actions=None, by=None)
    return rule


@pytest.mark.parametrize(
    "body", [{"name": "Mine", "signal": "post_save"}, {"name": "Mine"}, None], ids=["PUT", "PATCH", "DELETE"]
)
@pytest.mark.usefixtures("changed")
def test_stale_if_match_is_412_and_nothing_happens(api: Api, body: dict[str, Any] | None) -> None:
    """A change for a version that is gone is refused in the words of the admin, and tells the present version."""
    method = "DELETE" if body is None else "PUT" if "signal" in body else "PATCH"

    answer = api.call(method, "rules/paid-orders/", body, if_match='"1"')

    assert answer.status == 412
    assert answer.body == {"detail": STALE, "code": "stale_rule", "version": 2}
    assert Rule.objects.get().name == "Paid orders"


@pytest.mark.usefixtures("changed")
def test_stale_version_in_the_body_is_412(api: Api) -> None:
    """Sending back what was read an edit ago is refused without any header."""
    answer = api.patch("rules/paid-orders/", {"name": "Mine", "version": 1})

    assert (answer.status, answer.body["detail"]) == (412, STALE)


@pytest.mark.usefixtures("changed")
def test_stale_version_comes_before_what_else_is_wrong(api: Api) -> None:
    """Who edited an old version need not mend it first."""
    assert api.patch("rules/paid-orders/", {"condition": "==", "version": 1}).status == 412


@pytest.mark.parametrize("tag", ['"2"', 'W/"2"', '"1", "2"', "*", ' "2" '])
@pytest.mark.usefixtures("changed")
def test_matching_if_match_is_accepted(api: Api, tag: str) -> None:
    """The present version, also weakened by a proxy or among others, and ``*`` let the change through."""
    assert api.patch("rules/paid-orders/", {"name": "Mine"}, if_match=tag).status == 200


@pytest.mark.usefixtures("changed")
def test_header_and_body_that_disagree_are_412(api: Api) -> None:
    """Both conditions must hold."""
    assert api.patch("rules/paid-orders/", {"version": 1}, if_match='"2"').status == 412
    assert api.patch("rules/paid-orders/", {"version": 2}, if_match='"1"').status == 412


@pytest.mark.parametrize("tag", ["2", "nonsense", '"abc"', "", '"' + "9" * 5000 + '"', '"2'])
@pytest.mark.usefixtures("changed")
def test_if_match_that_is_no_etag_is_412_and_says_how_it_looks(api: Api, tag: str) -> None:
    """A condition that cannot be understood must not count as met."""
    answer = api.patch("rules/paid-orders/", {"name": "Mine"}, if_match=tag)

    assert answer.status == 412
    assert 'version in double quotes such as "3"' in answer.body["detail"]


@pytest.mark.usefixtures("changed")
def test_no_condition_changes_the_rule(api: Api) -> None:
    """Conditions are offered, not demanded."""
    assert api.patch("rules/paid-orders/", {"name": "Mine"}).body["version"] == 3
    assert api.delete("rules/paid-orders/", if_match='"3"').status == 204


@pytest.mark.parametrize("condition", [{}, {"if_match": '"1"'}], ids=["without", "with"])
def test_change_between_reading_and_writing_is_told(
    api: Api, make_rule: MakeRule, monkeypatch: pytest.MonkeyPatch, condition: dict[str, str]
) -> None:
    """A change by another request in the same moment is 412 where a version was named, else 409."""
    make_rule(load=False)
    check = services.validate_rule

    def slow_check(*, rule: Rule, actions: Any) -> None:
        check(rule=rule, actions=actions)
        Rule.objects.filter(pk=rule.pk).update_quietly(version=2)

    monkeypatch.setattr(services.rules, "validate_rule", slow_check)

    answer = api.patch("rules/paid-orders/", {"priority": 5}, **condition)

    assert answer.status == (412 if condition else 409)
    assert (answer.body["detail"], answer.body["code"]) == (STALE, "stale_rule")
    assert Rule.objects.get().priority == 100


def test_two_new_rules_with_one_slug_at_once_is_409(
    api: Api, paid: dict[str, Any], make_rule: MakeRule, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The second of two that both passed validation is told to try again."""
    make_rule(load=False)
    monkeypatch.setattr(services.rules, "validate_rule", lambda **_: None)

    answer = api.post("rules/", {**paid, "slug": "paid-orders"})

    assert answer.status == 409
    assert answer.body == {
        "detail": "Another change was made at the same moment. Nothing was saved; try again.",
        "code": "conflict",
    }
