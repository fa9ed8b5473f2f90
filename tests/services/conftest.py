"""Rules, actions and executions for the use cases to work on."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.utils import timezone

from rules_engine import services
from rules_engine.models import Event, Execution, Rule

LOG: dict[str, Any] = {"kind": "log", "config": {"message": "{{ instance.number }}"}}
MAIL: dict[str, Any] = {"kind": "email", "config": {"to": "a@example.com", "subject": "s", "body": "b"}}


def a_rule(**values: Any) -> Rule:
    """A sound rule, not saved."""
    return Rule(**{"name": "Paid", "signal": "post_save", "sender": "testapp.order", **values})


def saved(*actions: dict[str, Any], **values: Any) -> Rule:
    """A stored rule with these actions."""
    return services.save_rule(rule=a_rule(**values), actions=actions, by=None)


def an_execution(rule: Rule | None = None, *, age: float = 0, **values: Any) -> Execution:
    """An execution of an event of some days ago."""
    event = Event.objects.create(
        signal="post_save", sender="testapp.order", data={}, created_at=timezone.now() - timedelta(days=age)
    )
    slug = rule.slug if rule else "gone"
    return Execution.objects.create(event=event, rule=rule, rule_slug=slug, rule_name=slug, **values)


@pytest.fixture
def ada(db: None) -> Any:
    """A user."""
    return get_user_model().objects.create_user("ada")
