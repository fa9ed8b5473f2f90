"""Every change of rules is recorded, counted and announced in its own transaction."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.core import serializers
from django.db import transaction

from rules_engine import services
from rules_engine.exceptions import StaleRule
from rules_engine.models import Event, Execution, Rule, RuleAction, RuleSetToken, RuleVersion, recording
from rules_engine.signals import rules_changed

LOG = {"message": "{{ signal }}"}


def token() -> str:
    """The token in force."""
    return RuleSetToken.current("default")


def versions(slug: str = "paid") -> list[tuple[int, str]]:
    """Number and change of each recorded version of a rule, oldest first."""
    return list(RuleVersion.objects.filter(rule_slug=slug).order_by("id").values_list("number", "change"))


def new_rule(name: str = "Paid", **values: Any) -> Rule:
    """A stored rule with one action."""
    with recording():
        rule = Rule.objects.create(name=name, signal="post_save", sender="testapp.order", **values)
        RuleAction.objects.create(rule=rule, kind="log", config=LOG)
    return rule


@pytest.fixture
def rule(db: None) -> Rule:
    """Version 1 of a live rule."""
    return new_rule(mode="live")


@pytest.fixture
def ada(db: None) -> Any:
    """A user."""
    return get_user_model().objects.create_user("ada")


@pytest.fixture
def reloads() -> Iterator[list[bool]]:
    """Grows by one whenever this process is told to load the rules again."""
    heard: list[bool] = []

    def hear(**kwargs: Any) -> None:
        heard.append(True)

    rules_changed.connect(hear)
    yield heard
    rules_changed.disconnect(hear)


def test_new_rule_with_actions_in_one_recording_is_one_version(rule: Rule) -> None:
    """What belongs together is one change, and its snapshot holds rule and actions."""
    (version,) = RuleVersion.objects.all()

    assert (version.rule_id, version.rule_slug, version.number, version.change) == (rule.pk, "paid", 1, "created")
    assert version.snapshot["mode"] == "live"
    assert version.snapshot["actions"] == [
        {"position": 1, "kind": "log", "config": LOG, "on_error": "continue", "enabled": True}
    ]


def change_by_save(rule: Rule) -> None:
    rule.description = "new"
    rule.save()


def change_by_one_field(rule: Rule) -> None:
    rule.description = "new"
    rule.save(update_fields=["description"])


def change_by_update(rule: Rule) -> None:
    Rule.objects.filter(pk=rule.pk).update(description="new")


def change_by_bulk_update(rule: Rule) -> None:
    rule.description = "new"
    Rule.objects.bulk_update([rule], ["description"])


def change_by_update_or_create(rule: Rule) -> None:
    Rule.objects.update_or_create(slug=rule.slug, defaults={"description": "new"})


def change_by_upsert(rule: Rule) -> None:
    Rule.objects.bulk_create(
        [Rule(name="Paid", slug="paid", signal="post_save", mode="live", description="new")],
        update_conflicts=True,
        update_fields=["description"],
        # MySQL finds the conflict by itself and takes no names.
        **({"unique_fields": ["slug"]} if transaction.get_connection().vendor != "mysql" else {}),
    )


@pytest.mark.parametrize(
    "change",
    [
        change_by_save,
        change_by_one_field,
        change_by_update,
        change_by_bulk_update,
        change_by_update_or_create,
        change_by_upsert,
    ],
)
def test_changed_rule_gets_one_version_and_a_fresh_token(rule: Rule, change: Callable[[Rule], None]) -> None:
    """However a rule is changed: its version counts up by one, a snapshot is kept, processes will notice."""
    before = token()

    change(rule)

    stored = Rule.objects.get(pk=rule.pk)
    assert (stored.version, stored.description) == (2, "new")
    assert versions() == [(1, "created"), (2, "changed")]
    assert RuleVersion.objects.get(number=2).snapshot["description"] == "new"
    assert token() != before


def act_by_creating(rule: Rule, action: RuleAction) -> None:
    rule.actions.create(kind="log", config=LOG)


def act_by_saving(rule: Rule, action: RuleAction) -> None:
    action.enabled = False
    action.save()


def act_by_deleting(rule: Rule, action: RuleAction) -> None:
    action.delete()


def act_by_update(rule: Rule, action: RuleAction) -> None:
    RuleAction.objects.filter(rule=rule).update(enabled=False)


def act_by_deleting_all(rule: Rule, action: RuleAction) -> None:
    rule.actions.all().delete()


def act_in_bulk(rule: Rule, action: RuleAction) -> None:
    RuleAction.objects.bulk_create([RuleAction(rule=rule, kind="log", config=LOG) for _ in range(2)])


@pytest.mark.parametrize(
    "change",
    [act_by_creating, act_by_saving, act_by_deleting, act_by_update, act_by_deleting_all, act_in_bulk],
)
@pytest.mark.parametrize("known", [True, False], ids=["rule at hand", "rule not at hand"])
def test_changed_action_is_a_change_of_its_rule(
    rule: Rule, change: Callable[[Rule, RuleAction], None], known: bool
) -> None:
    """An action has no version of its own: the rule's counts up, and the snapshot shows the actions as they are."""
    action = RuleAction.objects.get(rule=rule)
    if known:
        action.rule = rule
    before = token()

    change(rule, action)

    assert Rule.objects.get(pk=rule.pk).version == 2
    assert versions() == [(1, "created"), (2, "changed")]
    actions = RuleAction.objects.filter(rule=rule).order_by("position", "pk")
    assert RuleVersion.objects.get(number=2).snapshot["actions"] == [item.snapshot() for item in actions]
    assert token() != before


def test_action_of_an_up_to_date_rule_leaves_it_up_to_date(rule: Rule) -> None:
    """Adding an action through a rule and then saving that rule is not stale."""
    rule.actions.create(kind="log", config=LOG)
    rule.description = "new"

    rule.save()

    assert rule.version == 3


def test_action_saved_with_a_stale_rule_still_counts(rule: Rule) -> None:
    """Adding an action overwrites nothing of the rule, so it is allowed, and counted on what is stored."""
    Rule.objects.filter(pk=rule.pk).update(description="theirs")

    RuleAction(rule=rule, kind="log", config=LOG).save()

    assert Rule.objects.get(pk=rule.pk).version == 3
    assert rule.version == 1


def test_several_changes_in_one_recording_are_one_version(rule: Rule) -> None:
    """The version shows what the whole use case left behind."""
    with recording():
        rule.description = "new"
        rule.save()
        rule.actions.create(kind="log", config=LOG)
        RuleAction.objects.filter(rule=rule).update(on_error="stop")
        rule.priority = 5
        rule.save()

    assert versions() == [(1, "created"), (2, "changed")]
    snapshot = RuleVersion.objects.get(number=2).snapshot
    assert (snapshot["description"], snapshot["priority"]) == ("new", 5)
    assert [action["on_error"] for action in snapshot["actions"]] == ["stop", "stop"]


def test_rule_saved_after_its_action_in_one_recording_keeps_the_new_version(rule: Rule) -> None:
    """An instance read before the recording catches up: the stored version never goes back."""
    with recording():
        RuleAction.objects.filter(rule=rule).update(enabled=False)
        rule.description = "new"
        rule.save()

    assert rule.version == Rule.objects.get(pk=rule.pk).version == 2
    assert versions() == [(1, "created"), (2, "changed")]


def test_stale_rule_is_refused_also_after_a_change_in_the_same_recording(rule: Rule) -> None:
    """That this transaction has touched the rule is no licence to overwrite somebody else's change."""
    Rule.objects.filter(pk=rule.pk).update(description="theirs")

    with pytest.raises(StaleRule, match="you edited version 1, it is now at version 3"), recording():
        RuleAction.objects.filter(rule=rule).update(enabled=False)
        rule.description = "mine"
        rule.save()

    assert Rule.objects.get(pk=rule.pk).description == "theirs"


@pytest.mark.django_db
def test_bulk_create_records_each_rule_with_a_slug_of_its_own() -> None:
    """Two rules of one name in one call get two slugs, and each its first version."""
    Rule.objects.create(name="Paid", signal="post_save")

    Rule.objects.bulk_create([Rule(name="Paid", signal="post_save") for _ in range(2)])

    assert list(Rule.objects.order_by("pk").values_list("slug", "version")) == [
        ("paid", 1),
        ("paid-2", 1),
        ("paid-3", 1),
    ]
    assert versions("paid-2") == versions("paid-3") == [(1, "created")]


@pytest.mark.parametrize("how", ["instance", "queryset"])
def test_deleted_rule_leaves_its_last_version_behind(rule: Rule, ada: Any, how: str) -> None:
    """The snapshot can still be read when the rule is gone, and tells who deleted it."""
    before = token()

    with recording(by=ada):
        if how == "instance":
            rule.delete()
        else:
            Rule.objects.filter(slug="paid").delete()

    version = RuleVersion.objects.get(change="deleted")
    assert (version.rule_id, version.rule_slug, version.number) == (None, "paid", 2)
    assert version.created_by == ada
    assert [action["kind"] for action in version.snapshot["actions"]] == ["log"]
    assert token() != before
    assert not RuleAction.objects.exists()


def test_version_says_who_and_when(rule: Rule, ada: Any) -> None:
    """The user of the recording is on the version and on the rule; the creator stays."""
    with recording(by=ada):
        rule.description = "new"
        rule.save()

    version = RuleVersion.objects.get(number=2)
    stored = Rule.objects.get(pk=rule.pk)
    assert version.created_by == stored.updated_by == ada
    assert stored.created_by is None
    assert stored.created_at < stored.updated_at <= version.created_at


def test_new_rule_names_its_creator(ada: Any) -> None:
    """Who made it is who changed it last, also for rules made in bulk."""
    with recording(by=ada):
        one = new_rule()
        Rule.objects.bulk_create([Rule(name="Two", signal="post_save")])

    for stored in (Rule.objects.get(pk=one.pk), Rule.objects.get(name="Two")):
        assert stored.created_by == stored.updated_by == ada


def test_nested_recording_belongs_to_the_outer_and_names_the_first_user(rule: Rule, ada: Any) -> None:
    """Services call each other: it stays one change, and a user named inside is not lost."""
    with recording():
        services.set_mode(rules=[rule], mode="off", by=ada)
        rule.actions.create(kind="log", config=LOG)

    assert versions() == [(1, "created"), (2, "changed")]
    assert RuleVersion.objects.get(number=2).created_by == ada


@pytest.mark.django_db
def test_recording_without_a_change_writes_nothing(django_assert_num_queries: Any) -> None:
    """No version, no token, no reload."""
    before = token()

    with recording():
        Rule.objects.filter(slug="nothing").update(mode="off")

    assert token() == before
    assert not RuleVersion.objects.exists()


# --- the optimistic lock ------------------------------------------------------------------------------------


def test_rule_changed_by_somebody_else_is_refused_and_nothing_is_written(rule: Rule) -> None:
    """Of two editors the second is told, with both versions and the remedy."""
    mine, theirs = Rule.objects.get(pk=rule.pk), Rule.objects.get(pk=rule.pk)
    theirs.description = "theirs"
    theirs.save()
    mine.description = "mine"

    with pytest.raises(StaleRule) as caught:
        mine.save()

    assert str(caught.value) == (
        'Rule "Paid" was changed by someone else: you edited version 1, it is now at version 2. '
        "Nothing was saved. Look at the rule as it is now, then make your change again."
    )
    assert (caught.value.expected, caught.value.actual) == (1, 2)
    stored = Rule.objects.get(pk=rule.pk)
    assert (stored.description, stored.version) == ("theirs", 2)
    assert len(versions()) == 2


def test_deleted_rule_is_not_written_again(rule: Rule) -> None:
    """Saving a rule that somebody deleted says so, and does not bring it back."""
    Rule.objects.filter(pk=rule.pk).delete()

    with pytest.raises(StaleRule, match="it no longer exists"):
        rule.save()

    assert not Rule.objects.exists()


def test_failed_change_gives_the_instance_its_version_back(rule: Rule) -> None:
    """After an error inside the recording the same instance can be mended and saved."""
    with pytest.raises(RuntimeError), recording():
        rule.save()
        raise RuntimeError

    assert rule.version == 1
    rule.save()
    assert versions() == [(1, "created"), (2, "changed")]


@pytest.mark.django_db
def test_failed_creation_leaves_the_instance_new() -> None:
    """A rule whose creation was rolled back can be saved again, as a new one."""
    rule = Rule(name="Paid", signal="post_save")
    with pytest.raises(RuntimeError), recording():
        rule.save()
        raise RuntimeError

    rule.save()

    assert Rule.objects.get().pk == rule.pk
    assert versions() == [(1, "created")]


# --- the token ----------------------------------------------------------------------------------------------


def test_token_is_renewed_in_the_transaction_of_the_change(rule: Rule) -> None:
    """Rolled back with it: other processes never see a token for a change that did not happen."""
    before = token()

    with pytest.raises(RuntimeError), transaction.atomic():
        rule.save()
        assert token() != before
        raise RuntimeError

    assert token() == before
    assert len(versions()) == 1


@pytest.mark.django_db
def test_token_is_written_where_a_flushed_database_has_no_row() -> None:
    """The one row is made when it is missing."""
    RuleSetToken.objects.all().delete()
    assert token() == ""

    new_rule()

    assert len(token()) == 32
    assert str(RuleSetToken.objects.get()) == token()


@pytest.mark.django_db(transaction=True)
def test_process_is_told_once_and_after_commit(reloads: list[bool]) -> None:
    """Ten changes in one transaction are one reload, and only when they are there to be read."""
    with transaction.atomic():
        for number in range(10):
            new_rule(f"Rule {number}")
        assert reloads == []

    assert reloads == [True]


@pytest.mark.django_db(transaction=True)
def test_process_is_not_told_of_a_change_that_was_rolled_back(reloads: list[bool]) -> None:
    """Neither of a whole transaction nor of a savepoint inside one that is committed."""
    with transaction.atomic(), pytest.raises(RuntimeError), transaction.atomic():
        new_rule()
        raise RuntimeError

    assert reloads == []
    assert token() == ""


@pytest.mark.django_db(transaction=True)
def test_fixture_is_announced(reloads: list[bool]) -> None:
    """``loaddata`` writes past ``save()``: processes load the rules all the same, and versions stay as they were."""
    rule = new_rule()
    fixture = serializers.serialize("json", [rule, *rule.actions.all()])
    Rule.objects.all().delete()
    before, known = token(), len(versions())
    reloads.clear()

    with transaction.atomic():
        for item in serializers.deserialize("json", fixture):
            item.save()

    assert Rule.objects.get().version == 1
    assert token() != before
    assert reloads == [True]
    assert len(versions()) == known


# --- what is pending when a rule changes --------------------------------------------------------------------


def pending_of(rule: Rule, state: str = "pending") -> Execution:
    """An execution of a rule."""
    event = Event.objects.create(signal="post_save", sender="testapp.order", data={})
    return Execution.objects.create(
        event=event, rule=rule, rule_slug=rule.slug, rule_name=rule.name, state=state, due_at=event.created_at
    )


STOPPED = {
    "off": ("rule_off", "The rule was switched off before this ran."),
    "shadow": ("rule_shadow", "The rule was set to shadow mode before this ran."),
    "deleted": ("rule_deleted", "The rule was deleted before this ran."),
}


@pytest.mark.parametrize("how", STOPPED)
@pytest.mark.parametrize("through", ["instance", "queryset"])
def test_rule_that_no_longer_runs_has_its_pending_executions_cancelled(rule: Rule, how: str, through: str) -> None:
    """Switched off, set to shadow or deleted: the reason is kept, and history of other rules is not touched."""
    other = new_rule("Other", mode="live")
    mine, theirs = pending_of(rule), pending_of(other)
    claimed, done = pending_of(rule, "claimed"), pending_of(rule, "succeeded")

    if through == "queryset":
        rows = Rule.objects.filter(pk=rule.pk)
        rows.delete() if how == "deleted" else rows.update(mode=how)
    elif how == "deleted":
        rule.delete()
    else:
        rule.mode = how
        rule.save()

    mine.refresh_from_db()
    reason, note = STOPPED[how]
    assert (mine.state, mine.reason, mine.note, mine.due_at) == ("cancelled", reason, note, None)
    assert mine.finished_at is not None
    assert mine.rule_name == "Paid"
    states = dict(Execution.objects.values_list("pk", "state"))
    assert (states[theirs.pk], states[claimed.pk], states[done.pk]) == ("pending", "claimed", "succeeded")


def test_changed_live_rule_keeps_what_is_pending(rule: Rule) -> None:
    """A new description is no reason to cancel anything."""
    execution = pending_of(rule)

    rule.description = "new"
    rule.save()

    execution.refresh_from_db()
    assert execution.state == "pending"
