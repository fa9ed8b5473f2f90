"""The context: the JSON-shaped document that conditions see, live and frozen alike."""

from __future__ import annotations

from rules_engine.context.documents import ModelDocument, freeze
from rules_engine.context.plan import Plan, missing_paths
from rules_engine.context.redaction import REDACTED, is_secret_field, is_secret_name
from rules_engine.context.values import typed

__all__ = [
    "REDACTED",
    "ModelDocument",
    "Plan",
    "freeze",
    "is_secret_field",
    "is_secret_name",
    "missing_paths",
    "typed",
]
