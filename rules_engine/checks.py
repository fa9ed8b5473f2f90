"""System checks: what is wrong with the configuration, each with an id and a hint."""

from __future__ import annotations

from collections.abc import Sequence
from difflib import get_close_matches
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
    register(check_event_fields)
    register(check_form)
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
    patterns = {"*", *(f"{config.label.lower()}.*" for config in apps.get_app_configs())}
    atomic = conf.settings.ATOMIC_SAVES
    wrong = [("ALLOWED_SENDERS", x) for x in conf.settings.ALLOWED_SENDERS or [] if x.lower() not in known | patterns]
    wrong += [("ATOMIC_SAVES", x) for x in atomic if atomic != "*" and x.lower() not in known]
    # Found by its key as it is written: another case would record every column.
    wrong += [("EVENT_FIELDS", x) for x in conf.settings.EVENT_FIELDS if x not in known]
    return [
        Error(
            f'RULES_ENGINE["{setting}"] names {label!r}, which is not a model.',
            hint=f'Write it in lower case: "{label.lower()}".'
            if label.lower() in known
            else "Write it as app_label.model, such as shop.order.",
            id="rules_engine.E003",
        )
        for setting, label in wrong
    ]


def check_event_fields(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    """E004: ``EVENT_FIELDS`` names a column that its model does not have."""
    models = {model._meta.label_lower: model for model in apps.get_models()}
    return [
        _no_such_column(label, name, columns)
        for label, names in conf.settings.EVENT_FIELDS.items()
        if label in models
        for columns in [_columns(models[label])]
        for name in names
        if name not in columns
    ]


def _columns(model: type[Model]) -> list[str]:
    """Both spellings of each column, such as ``customer`` and ``customer_id``."""
    return sorted({name for field in model._meta.concrete_fields for name in (field.name, field.attname)})


def _no_such_column(label: str, name: str, columns: Sequence[str]) -> Error:
    close = get_close_matches(name, columns, n=1)
    return Error(
        f'RULES_ENGINE["EVENT_FIELDS"]: {label!r} has no column {name!r}.',
        hint=f'Did you mean "{close[0]}"?' if close else f"Known: {', '.join(columns)}.",
        id="rules_engine.E004",
    )


def check_form(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    """I002: without ``django_jsonform`` the admin shows an action's configuration as JSON text."""
    if not apps.is_installed("django.contrib.admin") or apps.is_installed("django_jsonform"):
        return []
    return [
        Info(
            "The admin shows the configuration of actions as JSON text.",
            hint='Add "django_jsonform" to INSTALLED_APPS for a form with a field for each setting.',
            id="rules_engine.I002",
        )
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
                    hint=f'Set DATABASES["{alias}"]["OPTIONS"] = {{"transaction_mode": "IMMEDIATE", "timeout": 20, '
                    '"init_command": "PRAGMA journal_mode=WAL"}, or writers fail with "database is locked".',
                    id="rules_engine.W001",
                )
            )
    return found


def check_saves(app_configs: Any, databases: Sequence[str] | None = None, **kwargs: Any) -> list[CheckMessage]:
    """I001: a live rule would lose its match if the process died between a save in autocommit and its event."""
    alias = router.db_for_read(Rule)
    if alias not in (databases or []) or conf.settings.ATOMIC_SAVES == "*":
        return []
    # Deletes and many-to-many changes are in a transaction by themselves.
    live = Rule.objects.using(alias).filter(mode=Rule.Mode.LIVE, signal__in=["pre_save", "post_save"])
    try:
        rules = list(live)
    except DatabaseError:
        return []  # not migrated yet, or away: other checks and commands say so
    exposed = [labels for labels in map(_open_to_a_crash, rules) if labels]
    if not exposed:
        return []
    named = ", ".join(sorted(set[str]().union(*exposed)))
    who = "1 live rule would lose its" if len(exposed) == 1 else f"{len(exposed)} live rules would lose their"
    return [
        Info(
            f"{who} match if the process died right after a save.",
            hint=f"Outside a transaction, row and event are two commits. For {named}: "
            'save inside transaction.atomic(), set ATOMIC_REQUESTS, or name them in RULES_ENGINE["ATOMIC_SAVES"].',
            id="rules_engine.I001",
        )
    ]


def _open_to_a_crash(rule: Rule) -> set[str]:
    """Labels of the models whose saves may be lost to this rule."""
    try:
        senders = resolve_sender(get_signal(rule.signal), rule.sender)
    except UnknownKey:
        return set()  # quarantined
    atomic = {label.lower() for label in conf.settings.ATOMIC_SAVES}
    return {sender.label for sender in senders if sender.label not in atomic and not _in_requests(sender.sends)}


def _in_requests(model: type[Model]) -> bool:
    return bool(django_settings.DATABASES[router.db_for_write(model)].get("ATOMIC_REQUESTS"))
