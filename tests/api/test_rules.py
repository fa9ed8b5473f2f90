"""Rules over the API: create, read, change, delete."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import User

from rules_engine.models import Execution, Rule, RuleAction, RuleVersion
from tests.api.conftest import Api
from tests.fixtures import MakeRule
from tests.testapp.models import Order

pytestmark = pytest.mark.django_db


def test_create_minimal_makes_a_shadow_rule(api: Api, paid: dict[str, Any], admin: User) -> None:
    """A rule that is made is in shadow mode, has version 1 and a slug of its name, and tells who made it."""
    answer = api.post("rules/", paid)

    assert answer.status == 201, answer.text
    assert answer.body == {
        "name": "Paid orders",
        "slug": "paid-orders",
        "description": "",
        "mode": "shadow",
        "signal": "post_save",
        "sender": "testapp.order",
        "condition": "instance.status == 'paid'",
        "priority": 100,
        "stop_on_match": False,
        "actions": [
            {
                "position": 1,
                "kind": "log",
                "config": {"message": "Order {{ instance.number }} was paid."},
                "on_error": "continue",
                "enabled": True,
            }
        ],
        "version": 1,
        "problem": "",
        "created_at": answer.body["created_at"],
        "updated_at": answer.body["updated_at"],
        "created_by": "admin",
        "updated_by": "admin",
    }
    assert answer.body["created_at"].endswith("Z")
    assert answer.response["ETag"] == '"1"'
    assert answer.response["Location"] == "http://testserver/rules-api/rules/paid-orders/"
    assert Rule.objects.get().created_by == admin


def test_create_without_actions_makes_a_rule_without_actions(api: Api, paid: dict[str, Any]) -> None:
    """Actions may come later."""
    del paid["actions"]

    assert api.post("rules/", paid).body["actions"] == []


def test_create_ignores_what_the_engine_counts(api: Api, paid: dict[str, Any]) -> None:
    """A body copied from another rule makes a new one: what the engine keeps itself is not taken over."""
    copied = {**paid, "version": 12, "problem": "x", "created_by": "eve", "created_at": "2001-01-01T00:00:00Z"}

    answer = api.post("rules/", copied)

    assert answer.status == 201, answer.text
    assert (answer.body["version"], answer.body["problem"], answer.body["created_by"]) == (1, "", "admin")
    assert not answer.body["created_at"].startswith("2001")


def test_retrieve_unknown_slug_is_404(api: Api) -> None:
    """An unknown rule is told as such."""
    answer = api.get("rules/nothing/")

    assert answer.status == 404
    assert answer.body["code"] == "not_found"


def test_round_trip_changes_nothing_but_the_version(api: Api, paid: dict[str, Any]) -> None:
    """What was read can be sent back as it is, read-only fields included."""
    before = api.post("rules/", paid).body

    answer = api.put("rules/paid-orders/", before)

    assert answer.status == 200, answer.text
    changing = ("version", "updated_at")
    assert {k: v for k, v in answer.body.items() if k not in changing} == {
        k: v for k, v in before.items() if k not in changing
    }
    assert answer.body["version"] == 2
    assert answer.response["ETag"] == '"2"'


def test_put_without_optional_fields_leaves_them(api: Api, make_rule: MakeRule) -> None:
    """A PUT without ``mode`` and ``actions`` does not switch a live rule back or empty it."""
    make_rule(mode="live", priority=7, load=False)

    answer = api.put(
        "rules/paid-orders/", {"name": "Paid", "signal": "post_save", "sender": "testapp.order", "condition": ""}
    )

    assert answer.status == 200, answer.text
    assert (answer.body["name"], answer.body["mode"], answer.body["priority"]) == ("Paid", "live", 7)
    assert len(answer.body["actions"]) == 1


def test_put_without_required_field_names_it(api: Api, make_rule: MakeRule) -> None:
    """A PUT needs what a new rule needs."""
    make_rule(load=False)

    answer = api.put("rules/paid-orders/", {"name": "Paid"})

    assert answer.status == 400
    assert answer.body == {"signal": ["This field is required."], "codes": {"signal": ["required"]}}


def test_patch_mode_sets_it_and_records_who(api: Api, make_rule: MakeRule, admin: User) -> None:
    """The mode is switched by PATCH, as one version by the user who did it."""
    make_rule(mode="shadow", load=False)

    answer = api.patch("rules/paid-orders/", {"mode": "live"})

    assert answer.status == 200, answer.text
    assert answer.body["mode"] == "live"
    version = RuleVersion.objects.get(number=2)
    assert (version.change, version.created_by, version.snapshot["mode"]) == ("changed", admin, "live")


def test_patch_actions_keeps_rows_of_same_kind_and_place(api: Api, make_rule: MakeRule) -> None:
    """An action that stays at its place and kind keeps its row, so that what waits for it still finds it."""
    log = {"kind": "log", "config": {"message": "one"}}
    rule = make_rule(actions=[log, {"kind": "cache_delete", "config": {"keys": ["a"]}}, log], load=False)
    first, second, third = rule.actions.values_list("pk", flat=True)

    answer = api.patch(
        "rules/paid-orders/",
        {"actions": [{"kind": "log", "config": {"message": "new"}}, {"kind": "log", "config": {"message": "two"}}]},
    )

    assert answer.status == 200, answer.text
    kept, fresh = RuleAction.objects.order_by("position")
    assert (kept.pk, kept.config) == (first, {"message": "new"})
    assert fresh.pk not in (first, second, third)
    assert [action["position"] for action in answer.body["actions"]] == [1, 2]


def test_patch_actions_resets_what_an_entry_leaves_out(api: Api, make_rule: MakeRule) -> None:
    """The list replaces the old one: an entry without ``enabled`` and ``on_error`` has the defaults."""
    config = {"message": "one"}
    make_rule(actions=[{"kind": "log", "config": config, "enabled": False, "on_error": "stop"}], load=False)

    answer = api.patch("rules/paid-orders/", {"actions": [{"kind": "log", "config": config}]})

    assert answer.body["actions"][0]["enabled"] is True
    assert answer.body["actions"][0]["on_error"] == "continue"


def test_patch_of_nothing_known_to_actions_leaves_them(api: Api, make_rule: MakeRule) -> None:
    """A PATCH without ``actions`` keeps their rows and their values."""
    rule = make_rule(load=False)
    before = list(rule.actions.values())

    api.patch("rules/paid-orders/", {"name": "Renamed"})

    assert list(rule.actions.values()) == before


def test_patch_slug_moves_the_rule(api: Api, make_rule: MakeRule) -> None:
    """A rule can get another slug, and is found under it."""
    make_rule(load=False)

    assert api.patch("rules/paid-orders/", {"slug": "paid"}).body["slug"] == "paid"
    assert api.get("rules/paid/").status == 200
    assert api.get("rules/paid-orders/").status == 404


def test_delete_removes_the_rule_and_records_who(api: Api, make_rule: MakeRule, admin: User) -> None:
    """A deleted rule leaves its last version, by the user who deleted it, and cancels what it has pending."""

    make_rule(load=True)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("rules_engine.delivery.executors.wake", lambda: None)
        Order.objects.create(number="A1")

    answer = api.delete("rules/paid-orders/")

    assert (answer.status, answer.text) == (204, "")
    assert not Rule.objects.exists()
    last = RuleVersion.objects.first()
    assert last is not None
    assert (last.change, last.created_by, last.number) == ("deleted", admin, 2)
    assert Execution.objects.get().state == Execution.State.CANCELLED


def test_versions_lists_the_newest_first(api: Api, make_rule: MakeRule) -> None:
    """Every change of a rule can be read again."""
    make_rule(load=False)
    api.patch("rules/paid-orders/", {"priority": 5})

    answer = api.get("rules/paid-orders/versions/")

    assert [(row["number"], row["change"], row["created_by"]) for row in answer.body["results"]] == [
        (2, "changed", "admin"),
        (1, "created", None),
    ]
    assert answer.body["results"][0]["snapshot"]["priority"] == 5


def test_versions_of_deleted_rule_are_still_there(api: Api, make_rule: MakeRule) -> None:
    """Who deleted a rule, and what it was, can be found out under its slug."""
    make_rule(load=False)
    api.delete("rules/paid-orders/")

    answer = api.get("rules/paid-orders/versions/")

    assert [row["change"] for row in answer.body["results"]] == ["deleted", "created"]
    assert api.get("rules/never-was/versions/").status == 404


def test_list_is_in_the_order_in_which_rules_run(api: Api, make_rule: MakeRule) -> None:
    """The list shows rules by priority and name."""
    make_rule("B", load=False)
    make_rule("A", load=False)
    make_rule("C", priority=1, load=False)

    assert [row["name"] for row in api.get("rules/").body["results"]] == ["C", "A", "B"]


def test_list_makes_a_fixed_number_of_queries(
    api: Api, make_rule: MakeRule, django_assert_num_queries: Callable[..., Any]
) -> None:
    """However many rules there are: session, user, count, rules with users, actions."""
    for number in range(5):
        make_rule(f"Rule {number}", load=False)

    with django_assert_num_queries(5):
        assert len(api.get("rules/").body["results"]) == 5


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("mode=live", ["a"]),
        ("mode=live&mode=off", ["a", "b"]),
        ("mode=", ["a", "b", "c"]),
        ("signal=pre_delete", ["c"]),
        ("sender=testapp.customer", ["b"]),
        ("action_kind=cache_delete", ["b"]),
        ("has_problem=true", ["c"]),
        ("has_problem=false", ["a", "b"]),
        ("has_problem=Yes", ["c"]),
        ("has_problem=0", ["a", "b"]),
        ("has_problem=", ["a", "b", "c"]),
        ("search=ARE", ["c"]),
        ("ordering=-name", ["c", "b", "a"]),
        ("ordering=mode,-name", ["a", "b", "c"]),
        ("ordering=mode,%20-name", ["a", "b", "c"]),
        ("ordering=", ["a", "b", "c"]),
        ("mode=live&mode=&mode=live", ["a"]),
        ("signal=post", []),
        ("signal=", ["a", "b", "c"]),
        ("page_size=2", ["a", "b"]),
        ("page_size=2&page=2", ["c"]),
        ("_=1&format=json", ["a", "b", "c"]),
    ],
)
def test_list_filters(api: Api, make_rule: MakeRule, query: str, found: list[str]) -> None:
    """Rules are found by what they are; what clients add on their own changes nothing."""
    make_rule("a", mode="live", load=False)
    keys = [{"kind": "cache_delete", "config": {"keys": ["a"]}}] * 2
    make_rule("b", mode="off", sender="testapp.customer", actions=keys, load=False)
    make_rule("c", mode="shadow", signal="pre_delete", description="A square", load=False)
    Rule.objects.filter(slug="c").update_quietly(problem="It no longer fits.")

    answer = api.get(f"rules/?{query}")

    assert [row["slug"] for row in answer.body["results"]] == found


@pytest.mark.parametrize(
    ("path", "name", "hint"),
    [
        ("rules/?mod=live", "mod", "Did you mean 'mode'?"),
        ("rules/?mode[]=live", "mode[]", "Did you mean 'mode'?"),
        ("rules/?pagesize=2", "pagesize", "Did you mean 'page_size'?"),
        ("events/?rules=paid", "rules", "Did you mean 'rule'?"),
        (
            "events/?zzz=1",
            "zzz",
            "Known: signal, sender, object_id, rule, created_after, created_before, ordering, page, page_size.",
        ),
        ("executions/?status=failed", "status", "Did you mean 'state'?"),
    ],
)
def test_list_refuses_a_parameter_that_it_does_not_have(api: Api, path: str, name: str, hint: str) -> None:
    """A misspelt filter would give every row; the message names what was meant, or all there are."""
    answer = api.get(path)

    assert answer.status == 400
    assert answer.body == {
        name: [f"This is not a parameter of this list. {hint}"],
        "codes": {name: ["unknown_parameter"]},
    }


def test_list_ordered_by_equal_values_has_stable_pages(api: Api, make_rule: MakeRule) -> None:
    """Rows that are equal by what was asked for stand in one order, so that no page repeats or loses any."""
    made = [make_rule(name, load=False).slug for name in "cab"]

    pages = [api.get(f"rules/?ordering=priority&page_size=1&page={number}").body for number in (1, 2, 3)]

    assert [page["results"][0]["slug"] for page in pages] == made[::-1]


def test_parameters_of_lists_are_nothing_to_one_rule(api: Api, make_rule: MakeRule) -> None:
    """A rule is found by its slug alone, whatever else the address holds."""
    make_rule(mode="live", load=False)

    assert api.get("rules/paid-orders/?mode=off&has_problem=maybe").status == 200
    assert api.get("rules/paid-orders/versions/?ordering=nonsense").status == 200
    assert api.patch("rules/paid-orders/?mode=off", {"priority": 5}).status == 200
