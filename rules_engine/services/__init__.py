"""Use cases shared by admin, API and commands; keyword arguments throughout."""

from __future__ import annotations

from rules_engine.delivery.retention import prune
from rules_engine.services.dryruns import DryRun, dry_run, paths_of, preview_action
from rules_engine.services.history import retry, retry_one
from rules_engine.services.rules import (
    RuleInvalid,
    condition_warnings,
    delete_rule,
    save_rule,
    set_mode,
    validate_rule,
)
from rules_engine.services.visibility import SUPERUSER, may_see_history, may_see_payload, payload_permissions

__all__ = [
    "SUPERUSER",
    "DryRun",
    "RuleInvalid",
    "condition_warnings",
    "delete_rule",
    "dry_run",
    "may_see_history",
    "may_see_payload",
    "paths_of",
    "payload_permissions",
    "preview_action",
    "prune",
    "retry",
    "retry_one",
    "save_rule",
    "set_mode",
    "validate_rule",
]
