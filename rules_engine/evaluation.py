"""Event in, matching rules out: the rules of one (signal, sender) pair, loaded and compiled; writes nothing."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from rules_engine.conditions import Condition, RuleSet
from rules_engine.context import Plan


@dataclass(frozen=True)
class LoadedAction:
    """What the receiving side needs of an action; its configuration is read when it runs."""

    id: int
    kind: str
    position: int
    enabled: bool


@dataclass(frozen=True)
class LoadedRule:
    """A rule as it takes part in matching."""

    id: int
    slug: str
    name: str
    mode: str
    priority: int
    stop_on_match: bool
    condition: Condition
    actions: tuple[LoadedAction, ...]
    paths: frozenset[tuple[str, ...]]
    """What its condition, templates and bodies read."""


@dataclass(frozen=True)
class Verdict:
    """What one event means for the rules of its pair."""

    matched: list[LoadedRule]
    errors: list[tuple[LoadedRule, Exception]]

    def __bool__(self) -> bool:
        return bool(self.matched or self.errors)


class Group:
    """The rules of one (signal, sender) pair, in the order in which they run."""

    def __init__(self, rules: Iterable[LoadedRule]) -> None:
        self.rules = {rule.id: rule for rule in rules}
        self.plan = Plan(path for rule in self.rules.values() for path in rule.paths)
        self._local = threading.local()
        pairs = [(rule.id, rule.condition) for rule in self.rules.values()]
        self._set = RuleSet(pairs, on_error=self._note)

    def _note(self, rule_id: Any, error: Exception) -> None:
        self._local.errors.append((self.rules[rule_id], error))

    def evaluate(self, context: Mapping[str, Any]) -> Verdict:
        """Return the rules that match, up to a live one that stops the others, and those that raised."""
        errors = self._local.errors = []
        ids = self._set.match(context)
        if not ids and not errors:
            return NOTHING
        return Verdict(self._until_stop(ids), errors)

    def _until_stop(self, ids: Iterable[Any]) -> list[LoadedRule]:
        matched = []
        for rule_id in ids:
            rule = self.rules[rule_id]
            matched.append(rule)
            # A shadow rule shows what it would do, and must not change what live rules do.
            if rule.stop_on_match and rule.mode == "live":
                break
        return matched


NOTHING = Verdict([], [])
