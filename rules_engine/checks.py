"""System checks: what is wrong with the configuration, each with an id and a hint."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.apps import apps
from django.conf import settings as django_settings
from django.core.checks import CheckMessage, Error, Info, Tags, Warning, register
from django.db import DatabaseError, router
from django.db.models import Model

from rules_engine import conf
from rules_engine.catalog import get_signal, resolve_sender
from rules_engine.exceptions import UnknownKey
from rules_engine.models import Rule


def register_all() -> None:
    """Register the checks with Django."""
    register(check_settings)
    register(check_senders)
    register(check_sqlite, Tags.database)
    register(check_saves, Tags.database)


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
        mode = str(options.get("OPTIONS", {}).get("transaction_mode"))
        if mode.upper() not in ("IMMEDIATE", "EXCLUSIVE"):
            found.append(
                Warning(
                    f"SQLite database {alias!r} does not use immediate transactions.",
                    hint='Set OPTIONS = {"transaction_mode": "IMMEDIATE", "timeout": 20, "init_command": '
                    '"PRAGMA journal_mode=WAL"}, or writers fail with "database is locked".',
                    id="rules_engine.W001",
                )
            )
    return found


def check_saves(app_configs: Any, databases: Sequence[str] | None = None, **kwargs: Any) -> list[CheckMessage]:
    """I001: live rules on saves that may be outside a transaction. Deletes and many-to-many changes never are."""
    alias = router.db_for_read(Rule)
    if alias not in (databases or []) or conf.settings.ATOMIC_SAVES == "*":
        return []
    live = Rule.objects.using(alias).filter(mode=Rule.Mode.LIVE, signal__in=["pre_save", "post_save"])
    try:
        rules = list(live)
    except DatabaseError:
        return []  # not migrated yet, or away: other checks and commands say so
    exposed = [labels for labels in map(_open_to_a_crash, rules) if labels]
    if not exposed:
        return []
    named = ", ".join(sorted(set[str]().union(*exposed)))
    return [
        Info(
            f"{len(exposed)} live rules would miss a save if the process died right after it.",
            hint=f"Outside a transaction, row and event are two commits. For {named}: "
            'save inside transaction.atomic(), set ATOMIC_REQUESTS, or name them in RULES_ENGINE["ATOMIC_SAVES"].',
            id="rules_engine.I001",
        )
    ]


def _open_to_a_crash(rule: Rule) -> set[str]:
    """Labels of the models whose saves this rule may miss."""
    try:
        senders = resolve_sender(get_signal(rule.signal), rule.sender)
    except UnknownKey:
        return set()  # quarantined
    atomic = {label.lower() for label in conf.settings.ATOMIC_SAVES}
    return {sender.label for sender in senders if sender.label not in atomic and not _in_requests(sender.sends)}


def _in_requests(model: type[Model]) -> bool:
    return bool(django_settings.DATABASES[router.db_for_write(model)].get("ATOMIC_REQUESTS"))
