"""Rules and their actions: slugs, order, and what is refused when they are checked."""

from __future__ import annotations

from typing import Any

import pytest
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction

from rules_engine.models import Rule, RuleAction

pytestmark = pytest.mark.django_db


def a_rule(**values: Any) -> Rule:
    """A sound rule, not saved."""
    return Rule(**{"name": "Paid", "signal": "post_save", "sender": "testapp.order", **values})


def test_new_rule_is_a_shadow() -> None:
    """Nothing is sent until somebody says so."""
    rule = Rule.objects.create(name="Paid", signal="post_save")

    assert (rule.mode, rule.version, rule.priority, rule.stop_on_match) == ("shadow", 1, 100, False)
    assert str(rule) == "Paid"


@pytest.mark.parametrize(
    ("name", "slug"),
    [
        ("Paid orders", "paid-orders"),
        ("Größe & Maß", "groe-ma"),
        ("规则", "rule"),
        ("x" * 200, "x" * 90),
    ],
)
def test_slug_is_made_from_the_name(name: str, slug: str) -> None:
    """Short enough for a number behind it; a name without any letter that fits is called rule."""
    assert Rule.objects.create(name=name, signal="post_save").slug == slug


def test_slug_that_is_taken_gets_a_number() -> None:
    """The first free one, whatever lies around."""
    for slug in ("paid", "paid-2", "paid-again"):
        Rule.objects.create(name="Paid", slug=slug, signal="post_save")

    assert Rule.objects.create(name="Paid", signal="post_save").slug == "paid-3"


def test_slug_stays_when_the_name_changes() -> None:
    """It is what files, API and history refer to."""
    rule = Rule.objects.create(name="Paid", signal="post_save")
    rule.name = "Settled"
    rule.save()

    assert Rule.objects.get(pk=rule.pk).slug == "paid"


def test_slug_is_unique_in_the_database() -> None:
    """Also for who does not check."""
    Rule.objects.create(name="Paid", slug="paid", signal="post_save")

    with pytest.raises(IntegrityError), transaction.atomic():
        Rule.objects.create(name="Other", slug="paid", signal="post_save")


def test_mode_is_held_by_the_database() -> None:
    """A mode that nobody knows cannot be stored, not even by update()."""
    Rule.objects.create(name="Paid", signal="post_save")

    with pytest.raises(IntegrityError), transaction.atomic():
        Rule.objects.update(mode="loud")


def test_listening_leaves_out_what_is_off_in_the_order_of_running() -> None:
    """By priority, then by name."""
    for name, priority, mode in (("b", 5, "live"), ("a", 5, "shadow"), ("c", 1, "live"), ("off", 0, "off")):
        Rule.objects.create(name=name, priority=priority, mode=mode, signal="post_save")

    assert [rule.name for rule in Rule.objects.listening()] == ["c", "a", "b"]


@pytest.mark.parametrize(
    ("values", "field", "message"),
    [
        ({"signal": "post_saved"}, "signal", "'post_saved' is not a signal known here. Did you mean 'post_save'?"),
        (
            {"sender": "testapp.ordr"},
            "sender",
            "'testapp.ordr' is not a sender of post_save known here. Did you mean 'testapp.order'?",
        ),
        ({"sender": "rules_engine.rule"}, "sender", "'rules_engine.rule' is not a sender of post_save known here."),
        ({"name": ""}, "name", "This field cannot be blank."),
        ({"name": "x" * 201}, "name", "Ensure this value has at most 200 characters (it has 201)."),
        ({"mode": "loud"}, "mode", "Value 'loud' is not a valid choice."),
    ],
)
def test_unsound_rule_is_refused_at_the_field(values: dict[str, Any], field: str, message: str) -> None:
    """One message, where the mistake was made, with the nearest thing that would be right."""
    with pytest.raises(ValidationError) as caught:
        a_rule(slug="paid", **values).full_clean()

    assert caught.value.message_dict[field] == [message]


@pytest.mark.parametrize(
    ("condition", "said"),
    [
        ("instance.status ==", "instance.status ==\n"),
        ("instance.statsu == 'paid'", "Did you mean 'status'?"),
        ("instance.status = 'paid'", "=="),
        ("instance.total > 5", "`5`"),
        ('instance.status == "paid"', "'paid'"),
    ],
)
def test_unsound_condition_is_refused_with_its_remedy(condition: str, said: str) -> None:
    """Syntax, typos in names and the traps of JMESPath are told apart when the rule is checked."""
    with pytest.raises(ValidationError) as caught:
        a_rule(slug="paid", condition=condition).full_clean()

    assert list(caught.value.message_dict) == ["condition"]
    assert said in "\n".join(caught.value.message_dict["condition"])


def test_condition_is_checked_also_where_the_sender_is_wrong() -> None:
    """Both mistakes are told at once."""
    with pytest.raises(ValidationError) as caught:
        a_rule(slug="paid", sender="testapp.nothing", condition="(").full_clean()

    assert set(caught.value.message_dict) == {"sender", "condition"}


def test_sound_rule_is_accepted() -> None:
    """With a condition and for any sender."""
    a_rule(slug="a", condition="instance.status == 'paid' && instance.total > `5`").full_clean()
    a_rule(slug="b", sender="", signal="post_delete").full_clean()


def test_action_without_a_position_goes_last() -> None:
    """Positions count from one."""
    rule = Rule.objects.create(name="Paid", signal="post_save")

    first = rule.actions.create(kind="log", config={"message": "a"})
    far = rule.actions.create(kind="log", config={"message": "b"}, position=7)
    last = rule.actions.create(kind="log", config={"message": "c"})

    assert [first.position, far.position, last.position] == [1, 7, 8]
    assert str(last) == "8. log"


@pytest.mark.parametrize(
    ("values", "field", "message"),
    [
        ({"kind": "lgo"}, "kind", "'lgo' is not an action known here. Did you mean 'log'?"),
        ({"config": {}}, "config", "message is required."),
        ({"config": {"message": "{{ x|nope }}"}}, "config", "message: "),
        ({"config": []}, "config", "must be an object, not a list."),
        ({"config": {"message": "x", "levle": "info"}}, "config", "'levle' is not a setting here."),
        ({"on_error": "explode"}, "on_error", "Value 'explode' is not a valid choice."),
    ],
)
def test_unsound_action_is_refused_at_the_field(values: dict[str, Any], field: str, message: str) -> None:
    """Kind and configuration are checked alike for admin, API and Python."""
    rule = Rule.objects.create(name="Paid", signal="post_save")
    action = RuleAction(rule=rule, position=1, **{"kind": "log", "config": {"message": "x"}, **values})

    with pytest.raises(ValidationError) as caught:
        action.full_clean()

    assert message in caught.value.message_dict[field][0]
    assert list(caught.value.message_dict) == [field]


def test_snapshot_holds_what_makes_the_rule() -> None:
    """Rule and actions in their order as plain data; bookkeeping is left out."""
    rule = Rule.objects.create(name="Paid", signal="post_save", sender="testapp.order", mode="live")
    rule.actions.create(kind="log", config={"message": "b"}, position=2)
    rule.actions.create(kind="email", config={}, position=1, enabled=False, on_error="stop")

    assert rule.snapshot() == {
        "name": "Paid",
        "slug": "paid",
        "description": "",
        "mode": "live",
        "signal": "post_save",
        "sender": "testapp.order",
        "condition": "",
        "priority": 100,
        "stop_on_match": False,
        "actions": [
            {"position": 1, "kind": "email", "config": {}, "on_error": "stop", "enabled": False},
            {"position": 2, "kind": "log", "config": {"message": "b"}, "on_error": "continue", "enabled": True},
        ],
    }
