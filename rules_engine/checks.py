"""System checks: what is wrong with the configuration, each with an id and a hint."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.apps import apps
from django.conf import settings as django_settings
from django.core.checks import CheckMessage, Error, Tags, Warning, register

from rules_engine import conf


def register_all() -> None:
    """Register the checks with Django."""
    register(check_settings)
    register(check_senders)
    register(check_sqlite, Tags.database)


def check_settings(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    """E001: a value that cannot be used. E002: a name that is not a setting."""
    return [
        Error(
            f"{problem.path} {problem.message}.",
            hint=problem.hint,
            id="rules_engine.E002" if problem.unknown else "rules_engine.E001",
        )
        for problem in conf.problems()
    ]


def check_senders(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    """E003: a setting names a model that does not exist."""
    known = {model._meta.label_lower for model in apps.get_models()}
    apps_known = {f"{config.label.lower()}.*" for config in apps.get_app_configs()}
    named: dict[str, Sequence[str]] = {
        "ALLOWED_SENDERS": conf.settings.ALLOWED_SENDERS or [],
        "ATOMIC_SAVES": [] if conf.settings.ATOMIC_SAVES == "*" else conf.settings.ATOMIC_SAVES,
        "EVENT_FIELDS": list(conf.settings.EVENT_FIELDS),
    }
    return [
        Error(
            f'RULES_ENGINE["{setting}"] names {label!r}, which is not a model.',
            hint="Write it as app_label.model, such as shop.order.",
            id="rules_engine.E003",
        )
        for setting, labels in named.items()
        for label in labels
        if label.lower() not in known | apps_known | {"*"}
    ]


def check_sqlite(app_configs: Any, databases: Sequence[str] | None = None, **kwargs: Any) -> list[CheckMessage]:
    """W001: SQLite without immediate transactions answers "database is locked" under load."""
    found: list[CheckMessage] = []
    for alias in databases or []:
        options = django_settings.DATABASES[alias]
        if not options["ENGINE"].endswith("sqlite3"):
            continue
        if options.get("OPTIONS", {}).get("transaction_mode", "").upper() not in ("IMMEDIATE", "EXCLUSIVE"):
            found.append(
                Warning(
                    f"SQLite database {alias!r} does not use immediate transactions.",
                    hint='Set OPTIONS = {"transaction_mode": "IMMEDIATE", "timeout": 20, "init_command": '
                    '"PRAGMA journal_mode=WAL"}, or writers fail with "database is locked".',
                    id="rules_engine.W001",
                )
            )
    return found
