"""Who may see what was recorded: one answer for admin and API."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.contrib.auth.models import Permission

from rules_engine import services

pytestmark = pytest.mark.django_db


def someone(*codenames: str) -> Any:
    """A staff user with these permissions."""
    user = get_user_model().objects.create_user("someone", is_staff=True)
    user.user_permissions.set(Permission.objects.filter(codename__in=codenames))
    return user


@pytest.mark.parametrize(
    ("signal", "sender", "permissions"),
    [
        ("post_save", "testapp.order", ["testapp.view_order"]),
        ("m2m_changed", "testapp.order.tags", ["testapp.view_order", "testapp.view_tag"]),
        ("user_logged_in", "auth.user", ["auth.view_user"]),
        ("user_login_failed", "", ["rules_engine.view_event"]),
        ("testapp.stock_counted", "", ["rules_engine.view_event"]),
        ("testapp.order_shipped", "testapp.order", ["testapp.view_order"]),
        ("testapp.order_shipped", "builtins.object", [services.SUPERUSER]),
        ("post_save", "gone.model", [services.SUPERUSER]),
        ("gone.signal", "", [services.SUPERUSER]),
    ],
)
def test_payload_takes_the_permission_to_view_what_it_is_about(
    signal: str, sender: str, permissions: list[str]
) -> None:
    """The models on both sides, the events where there is no model, a superuser where the model is gone."""
    assert services.payload_permissions(signal, sender) == permissions


def test_permission_to_change_includes_viewing() -> None:
    """As everywhere in Django."""
    assert services.may_see_payload(user=someone("change_order"), signal="post_save", sender="testapp.order")


def test_half_of_the_permissions_is_not_enough() -> None:
    """A many-to-many change tells of both models."""
    assert not services.may_see_payload(user=someone("view_order"), signal="m2m_changed", sender="testapp.order.tags")


@pytest.mark.parametrize(
    ("codename", "allowed"), [("view_event", True), ("view_rule", True), ("change_rule", True), ("view_order", False)]
)
def test_history_belongs_to_the_rules(codename: str, allowed: bool) -> None:
    """Who may see rules may see that they ran."""
    assert services.may_see_history(user=someone(codename), model="event") is allowed
