"""The tables: rules with their actions and versions, events, executions and attempts."""

from __future__ import annotations

from rules_engine.models.changes import recording
from rules_engine.models.execution import Attempt, Event, Execution, Reason
from rules_engine.models.rule import Rule, RuleAction
from rules_engine.models.version import RuleSetToken, RuleVersion

__all__ = [
    "Attempt",
    "Event",
    "Execution",
    "Reason",
    "Rule",
    "RuleAction",
    "RuleSetToken",
    "RuleVersion",
    "recording",
]
