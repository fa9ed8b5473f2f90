"""Seeding the demo."""

from __future__ import annotations

import pytest
from django.contrib.auth import authenticate
from django.contrib.auth.models import User

from rules_engine.models import Rule, RuleAction, RuleVersion
from shop.models import Customer, Product, Tag
from shop.seeded_rules import inbox_url, seeded_rules
from shop.seeding import seed

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("seeded")]


def counts() -> dict[str, int]:
    """How many rows there are of everything that is seeded."""
    models = (User, Customer, Product, Tag, Rule, RuleAction, RuleVersion)
    return {model.__name__: model._default_manager.count() for model in models}


def test_seed_twice_adds_and_changes_nothing(port: int) -> None:
    """A second run finds everything and says so."""
    before, versions = counts(), dict(Rule.objects.values_list("slug", "version"))

    assert seed(port) == []
    assert counts() == before
    assert dict(Rule.objects.values_list("slug", "version")) == versions


def test_seed_makes_sound_rules_one_in_shadow(port: int) -> None:
    """Every rule passes its own checks; all are live but one."""
    rules = {rule.slug: rule for rule in Rule.objects.all()}

    assert set(rules) == {rule.slug for rule in seeded_rules(port)}
    assert sorted(rule.mode for rule in rules.values()) == ["live"] * 9 + ["shadow"]
    for rule in rules.values():
        rule.full_clean()
        for action in rule.actions.all():
            action.full_clean()


def test_seed_keeps_what_a_visitor_changed(port: int) -> None:
    """A rule that somebody edited stays so, until the seeds are asked to put it back."""
    rule = Rule.objects.get(slug="large-order")
    rule.condition = "created"
    rule.save()

    seed(port)
    assert Rule.objects.get(slug="large-order").condition == "created"
    assert "rule large-order as it began" in seed(port, reset_rules=True)
    assert Rule.objects.get(slug="large-order").condition == "created && instance.total > `1000`"


def test_seed_lets_the_inbox_follow_the_port(settings: object) -> None:
    """A site on another port is sent its webhooks there; a visitor's own address is left alone."""
    action = RuleAction.objects.get(rule__slug="paid-order-webhook")
    settings.RULES_ENGINE = {**settings.RULES_ENGINE, "OUTBOUND": {"ALLOWED_HOSTS": ["127.0.0.1:8123"]}}  # type: ignore[attr-defined]

    assert seed(8123) == ["rule paid-order-webhook: the inbox is now at port 8123"]
    action.refresh_from_db()
    assert action.config["url"] == inbox_url(8123)

    action.config["url"] = "https://example.org/hook"
    action.save()
    assert seed(8123) == []


def test_seed_makes_the_log_ins_of_the_home_page() -> None:
    """The three log-ins work, and each may do what its role says."""
    admin, rita, carl = (authenticate(username=name, password=name) for name in ("admin", "rita", "carl"))
    assert admin is not None
    assert rita is not None
    assert carl is not None

    assert admin.is_superuser
    assert rita.is_staff
    assert not rita.is_superuser
    assert rita.has_perms(["rules_engine.change_rule", "rules_engine.retry_execution", "shop.view_order"])
    assert not rita.has_perm("shop.change_order")
    assert not carl.is_staff
