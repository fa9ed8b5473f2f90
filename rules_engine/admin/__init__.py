"""The admin: rules with their actions, and the history.

Each class is a mixin over Django's ``ModelAdmin``: unregister it and mix it into another theme's to change the look.
"""

from __future__ import annotations

from rules_engine.admin.events import EventAdmin, EventAdminMixin
from rules_engine.admin.executions import ExecutionAdmin, ExecutionAdminMixin
from rules_engine.admin.rules import RuleActionInline, RuleAdmin, RuleAdminMixin

__all__ = [
    "EventAdmin",
    "EventAdminMixin",
    "ExecutionAdmin",
    "ExecutionAdminMixin",
    "RuleActionInline",
    "RuleAdmin",
    "RuleAdminMixin",
]
