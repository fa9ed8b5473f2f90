"""Conditions: JMESPath texts that decide whether a rule matches. Pure Python, without Django."""

from __future__ import annotations

from rules_engine.conditions.check import check_condition, check_paths
from rules_engine.conditions.explanation import Part
from rules_engine.conditions.expression import Condition, compile_condition
from rules_engine.conditions.problems import Problem
from rules_engine.conditions.registry import function_help, register_function
from rules_engine.conditions.ruleset import RuleSet
from rules_engine.conditions.shapes import Leaf, Shape
from rules_engine.conditions.traps import check_traps
from rules_engine.exceptions import ConditionError, ConditionEvaluationError, ConditionSyntaxError

__all__ = [
    "Condition",
    "ConditionError",
    "ConditionEvaluationError",
    "ConditionSyntaxError",
    "Leaf",
    "Part",
    "Problem",
    "RuleSet",
    "Shape",
    "check_condition",
    "check_paths",
    "check_traps",
    "compile_condition",
    "function_help",
    "register_function",
]
