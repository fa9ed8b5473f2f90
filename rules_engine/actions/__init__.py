"""Actions: what a rule does. One kind a file; ``register_action`` adds a host's own."""

from __future__ import annotations

from rules_engine.actions import cache_delete, email, log, webhook
from rules_engine.actions.base import Action, Phase, Run, default_run
from rules_engine.actions.registry import action_schema, all_actions, build_action, get_action, register_action

BUILTIN = (webhook, email, cache_delete, log)
"""The engine's own kinds: each module registers itself when it is imported."""

__all__ = [
    "BUILTIN",
    "Action",
    "Phase",
    "Run",
    "action_schema",
    "all_actions",
    "build_action",
    "default_run",
    "get_action",
    "register_action",
]
