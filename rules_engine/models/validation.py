"""What is wrong with a rule or an action, by field; the same answer for admin, API and Python."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rules_engine.actions import build_action
from rules_engine.catalog import context_shape, get_signal, resolve_sender
from rules_engine.conditions import check_condition, compile_condition
from rules_engine.exceptions import ConditionError, ConfigInvalid, UnknownKey

if TYPE_CHECKING:
    from rules_engine.models.rule import Rule, RuleAction

Problems = dict[str, list[str]]


_TEXTS = ("name", "description", "signal", "sender", "condition")


def rule_problems(rule: Rule) -> Problems:
    """Return messages by field name; empty for a sound rule."""
    unstorable = {name: [problem] for name in _TEXTS if (problem := text_problem(getattr(rule, name)))}
    if unstorable:
        return unstorable
    try:
        spec = get_signal(rule.signal)
    except UnknownKey as error:
        return {"signal": [str(error)], **_condition(rule, check=False)}
    try:
        resolve_sender(spec, rule.sender)
    except UnknownKey as error:
        return {"sender": [str(error)], **_condition(rule, check=False)}
    return _condition(rule, check=True)


def _condition(rule: Rule, *, check: bool) -> Problems:
    messages = condition_problems(rule.condition, rule.signal if check else "", rule.sender)
    return {"condition": messages} if messages else {}


def condition_problems(text: str, signal: str, sender: str) -> list[str]:
    """Return what is wrong with a condition's text, and with what it reads where ``signal`` is given."""
    return _findings(text, signal, sender, "error")


def condition_warnings(text: str, signal: str, sender: str) -> list[str]:
    """Return what is allowed in a condition, but perhaps not meant."""
    return _findings(text, signal, sender, "warning")


def _findings(text: str, signal: str, sender: str, severity: str) -> list[str]:
    try:
        condition = compile_condition(text)
        shape = context_shape(get_signal(signal), sender) if signal else None
    except ConditionError as error:
        return [str(error)] if severity == "error" else []
    return [str(problem) for problem in check_condition(condition, shape) if problem.severity == severity]


def text_problem(text: str) -> str:
    """Say which character no database can hold, or return an empty text."""
    if "\x00" in text:
        return "It holds a NUL character, which databases cannot store. Remove it."
    if any("\ud800" <= character <= "\udfff" for character in text):
        return "It holds half of a character (a lone surrogate), which has no encoding. Remove it."
    return ""


def action_problems(action: RuleAction) -> Problems:
    """Return messages by field name; empty for a sound action."""
    try:
        build_action(action.kind, action.config)
    except UnknownKey as error:
        return {"kind": [str(error)]}
    except ConfigInvalid as error:
        return {"config": [_located(path, message) for path, message in error.problems]}
    return {}


def _located(path: tuple[str | int, ...], message: str) -> str:
    where = ".".join(str(part) for part in path)
    return f"{where}: {message}" if where else message
