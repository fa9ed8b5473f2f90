"""People who use the admin, and the forms they post."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import Permission, User
from django.test import Client

RULE_PERMISSIONS = ("add_rule", "change_rule", "view_rule", "delete_rule")

LogIn = Callable[..., Client]


def staff_user(name: str, *codenames: str) -> User:
    """A staff user with these permissions of the engine, or of any app where written ``app.codename``."""
    user = User.objects.create_user(name, password="secret", is_staff=True)
    for codename in codenames:
        app, _, code = codename.rpartition(".")
        user.user_permissions.add(
            Permission.objects.get(codename=code, content_type__app_label=app or "rules_engine")
        )
    return user


@pytest.fixture
def log_in() -> LogIn:
    """Return a function that logs a new staff user in: rule permissions only, or those that are named."""

    def make(*codenames: str, name: str = "ada", superuser: bool = False) -> Client:
        user = staff_user(name, *(codenames or RULE_PERMISSIONS))
        if superuser:
            user.is_superuser = True
            user.save()
        client = Client()
        client.force_login(user)
        return client

    return make


def rule_form(*actions: dict[str, Any], initial: Any = 0, **values: Any) -> dict[str, Any]:
    """What a browser posts for a rule on orders; ``actions`` are rows, ``initial`` of them stored already."""
    form: dict[str, Any] = {
        "name": "Paid orders",
        "slug": "",
        "description": "",
        "mode": "shadow",
        "signal": "post_save",
        "sender": "testapp.order",
        "condition": "instance.status == 'paid'",
        "priority": "100",
        "actions-TOTAL_FORMS": str(len(actions)),
        "actions-INITIAL_FORMS": str(initial),
        "actions-MIN_NUM_FORMS": "0",
        "actions-MAX_NUM_FORMS": "1000",
    }
    for number, action in enumerate(actions):
        row = {"kind": "log", "config": {"message": "paid"}, "on_error": "continue", "enabled": "on", "position": ""}
        for name, value in {**row, **action}.items():
            text = json.dumps(value) if name == "config" and not isinstance(value, str) else value
            if text is not None:
                form[f"actions-{number}-{name}"] = text
    return {**form, **values}


def errors_of(response: Any) -> dict[str, Any]:
    """Messages of the rule's form, and of each action's, as plain text."""
    context = response.context
    found = {name: list(messages) for name, messages in context["adminform"].form.errors.items()}
    rows = [
        {name: list(messages) for name, messages in form.errors.items()}
        for formset in context["inline_admin_formsets"]
        for form in formset.formset.forms
    ]
    return {**found, "actions": rows} if any(rows) else found
