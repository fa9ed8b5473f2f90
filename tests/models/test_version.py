"""Snapshots of rules, and the token of the rule set."""

from __future__ import annotations

import pytest

from rules_engine.models import Rule, RuleSetToken, RuleVersion

pytestmark = pytest.mark.django_db


def test_renewed_token_is_another_one_in_the_same_row() -> None:
    """Random, never a counter, and never more than one row."""
    seen = set()
    for _ in range(5):
        RuleSetToken.renew("default")
        seen.add(RuleSetToken.current("default"))

    assert len(seen) == 5
    assert RuleSetToken.objects.count() == 1


def test_current_token_of_a_new_database_is_empty() -> None:
    """Rules were never changed there."""
    RuleSetToken.objects.all().delete()

    assert RuleSetToken.current("default") == ""


def test_newest_version_comes_first() -> None:
    """The history of a rule reads downwards."""
    rule = Rule.objects.create(name="Paid", signal="post_save")
    for text in ("a", "b"):
        rule.description = text
        rule.save()

    assert [str(version) for version in rule.versions.all()] == ["paid v3", "paid v2", "paid v1"]


def test_snapshot_does_not_change_with_the_rule() -> None:
    """It is a copy."""
    rule = Rule.objects.create(name="Paid", signal="post_save", condition="created")
    rule.condition = ""
    rule.save()

    assert RuleVersion.objects.get(number=1).snapshot["condition"] == "created"
