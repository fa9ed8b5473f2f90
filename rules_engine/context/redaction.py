"""Which names are secrets: their values never enter a context, and so no condition, history, log or API."""

from __future__ import annotations

from fnmatch import fnmatchcase
from functools import lru_cache

from django.db.models import Field, Model

from rules_engine.conf import settings

REDACTED = "***"
"""Stands where a secret would."""

SECRET_NAMES = (
    "*password*",
    "*passwd*",
    "*passphrase*",
    "*secret*",
    "*token*",
    "*api_key*",
    "*apikey*",
    "*api-key*",
    "*private_key*",
    "*access_key*",
    "*signing_key*",
    "*encryption_key*",
    "*session_key*",
    "*sessionid*",
    "*session_data*",
    "*credential*",
    "*authorization*",
    "*cookie*",
    "*csrf*",
    "*otp*key*",
    "*card_number*",
    "*cvv*",
    "*cvc*",
)
"""Patterns of field names (lower case) whose values are secrets."""


def is_secret_name(name: str) -> bool:
    """Tell whether a key of this name holds a secret, by the built-in patterns and ``REDACT``."""
    return _matches(name.lower(), tuple(item for item in settings.REDACT if "." not in item))


@lru_cache(maxsize=10_000)
def _matches(name: str, more: tuple[str, ...]) -> bool:
    return any(fnmatchcase(name, pattern) for pattern in (*SECRET_NAMES, *(item.lower() for item in more)))


def is_secret_field(model: type[Model], field: Field) -> bool:  # type: ignore[type-arg]
    """Tell whether a column is a secret: by its name, or by ``app.model.field`` in ``REDACT``."""
    if is_secret_name(field.name):
        return True
    return f"{model._meta.label_lower}.{field.name}" in {item.lower() for item in settings.REDACT if "." in item}
