"""All rules of the database, loaded and compiled, grouped by the (signal, sender) pair they listen to."""

from __future__ import annotations

import logging
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from rules_engine.actions import build_action
from rules_engine.catalog import get_signal, resolve_sender
from rules_engine.conditions import compile_condition
from rules_engine.evaluation import Group, LoadedAction, LoadedRule
from rules_engine.exceptions import ConfigInvalid, UnknownKey
from rules_engine.models import Rule, RuleSetToken
from rules_engine.models.validation import rule_problems

logger = logging.getLogger("rules_engine")

Pair = tuple[str, str]
"""Signal key and sender label."""


@dataclass(frozen=True)
class Finding:
    """That a rule is quarantined, or with an empty problem that it no longer is."""

    rule_id: int
    problem: str


@dataclass(frozen=True)
class Book:
    """The rules in force in this process; replaced as a whole, never changed."""

    token: str | None = None
    """Token of the rule set it was read at; None before the first load."""
    groups: Mapping[Pair, Group] = field(default_factory=dict)
    senders: Mapping[Pair, Any] = field(default_factory=dict)
    """What to connect for each pair: a model class, a through model, or None."""
    live: frozenset[str] = frozenset()
    """Labels of senders that a live rule listens to."""
    findings: tuple[Finding, ...] = ()
    """What reading it found out about rules and is to be stored with them."""

    @property
    def loaded(self) -> bool:
        """Whether rules were ever read."""
        return self.token is not None

    def group(self, key: str, label: str) -> Group | None:
        """The rules for an emission; those for any sender where none names this one."""
        return self.groups.get((key, label)) or self.groups.get((key, ""))


def read_book(using: str) -> Book:
    """Read all rules that are not switched off: three queries, whatever their number.

    A rule that does not fit (its plugin is gone, its condition is broken) is quarantined: left out, and found in
    ``findings``. The others are not affected. Nothing is written: this may be inside a host's transaction.
    """
    # The token first: a change that comes between makes this book look old, never new.
    token = RuleSetToken.current(using)
    members: dict[Pair, list[LoadedRule]] = defaultdict(list)
    senders: dict[Pair, Any] = {}
    problems: dict[int, str] = {}
    live: set[str] = set()
    rules = list(Rule.objects.using(using).listening().prefetch_related("actions"))
    for rule in rules:
        found = _problem(rule)
        problems[rule.pk] = found
        if found:
            continue
        loaded = _load(rule)
        for sender in resolve_sender(get_signal(rule.signal), rule.sender):
            pair = (rule.signal, sender.label)
            members[pair].append(loaded)
            senders[pair] = sender.sends
            if rule.mode == Rule.Mode.LIVE:
                live.add(sender.label)
    _spread(members)
    groups = {pair: Group(items) for pair, items in members.items()}
    return Book(token, groups, senders, frozenset(live), _findings(rules, problems))


def _findings(rules: Iterable[Rule], problems: Mapping[int, str]) -> tuple[Finding, ...]:
    """What is known of rules now and not yet stored with them."""
    found = []
    for rule in rules:
        problem = problems[rule.pk]
        if problem != rule.problem:
            found.append(Finding(rule.pk, problem))
            if problem:
                logger.error("rules: rule %r is quarantined and does not run: %s", rule.slug, problem)
    return tuple(found)


def _spread(members: dict[Pair, list[LoadedRule]]) -> None:
    """Add the rules for any sender to the pairs that name one, in the order in which rules run."""
    for (key, label), items in members.items():
        if label and (everyone := members.get((key, ""))):
            items.extend(everyone)
            items.sort(key=lambda rule: (rule.priority, rule.name, rule.id))


def _problem(rule: Rule) -> str:
    """Why a stored rule cannot take part, or the empty text."""
    try:
        problems = rule_problems(rule)
    except Exception as error:
        # A plugin's own code may fail here in any way; the other rules must still load.
        logger.exception("rules: rule %r cannot be checked", rule.slug)
        return f"{type(error).__name__}: {error}"
    return "\n".join(message for messages in problems.values() for message in messages)


def _load(rule: Rule) -> LoadedRule:
    condition = compile_condition(rule.condition)
    actions = tuple(
        LoadedAction(item.pk, item.kind, item.position, item.enabled)
        for item in sorted(rule.actions.all(), key=lambda item: (item.position, item.pk))
    )
    return LoadedRule(
        id=rule.pk,
        slug=rule.slug,
        name=rule.name,
        mode=rule.mode,
        priority=rule.priority,
        stop_on_match=rule.stop_on_match,
        condition=condition,
        actions=actions,
        paths=condition.paths | _action_paths(rule),
    )


def _action_paths(rule: Rule) -> frozenset[tuple[str, ...]]:
    found: set[tuple[str, ...]] = set()
    for item in rule.actions.all():
        try:
            found |= build_action(item.kind, item.config).paths()
        except (UnknownKey, ConfigInvalid) as error:
            # The rule still matches and is recorded; its execution fails with this message and can be retried.
            logger.warning("rules: action %s of rule %r: %s", item.position, rule.slug, error)
    return frozenset(found)


def write_problems(findings: Iterable[Finding], using: str) -> None:
    """Bring the ``problem`` of rules up to date, where people see it; not a change of the rules."""
    for finding in findings:
        rows = Rule.objects.using(using).filter(pk=finding.rule_id).exclude(problem=finding.problem)
        rows.update_quietly(problem=finding.problem)
