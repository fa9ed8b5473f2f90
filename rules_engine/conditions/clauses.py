"""A condition taken apart into tests that an index can answer.

The truth of a condition is brought to alternatives of which one must hold, each a conjunction of clauses::

    instance.status == 'paid' && (instance.total > `100` || !(instance.vip == `false`))

    1. instance.status EQUAL 'paid',  instance.total ABOVE 100
    2. instance.status EQUAL 'paid',  instance.vip not EQUAL false

A clause compares one sub-expression, its key, with constants. What is no such comparison becomes a clause TRUE on
the whole test, so that rules that share the test share its value. Clauses only ever rule out: where they do not say
all (``complete`` is false), the condition itself is asked in the end.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from rules_engine.conditions.parser import Node, Parsed, span_of
from rules_engine.conditions.runtime import NO_KEY, key_of
from rules_engine.conditions.values import NUMBER, STRING, kind_of

MAX_ALTERNATIVES = 4
"""Alternatives of one condition; a test that would make more of them stays in one piece."""

EQUAL, ABOVE, BELOW, TRUE, PREFIX, SUFFIX, HOLDS = "equal", "above", "below", "true", "prefix", "suffix", "holds"


@dataclass(frozen=True, slots=True)
class Clause:
    """One test: of ``key``, or with ``each`` of that part of any item of the list ``key``."""

    key: str
    """The sub-expression as it is written."""
    family: str
    operand: Any = None
    """EQUAL: the keys of the values, in a tuple; ABOVE, BELOW: the bound and whether it is included; else a text."""
    negated: bool = False
    each: str = ""


@dataclass(frozen=True, slots=True)
class Alternative:
    """Clauses that must all hold, and whether nothing else must."""

    clauses: tuple[Clause, ...]
    complete: bool = True


def alternatives_of(parsed: Parsed) -> list[Alternative]:
    """Return the alternatives of a condition."""
    return [_tidy(found) for found in _Outline(parsed.text).alternatives(parsed.tree, negated=False)]


def _tidy(alternative: Alternative) -> Alternative:
    """Leave one clause for each index: a second bound or value for the same key is not looked up, but evaluated."""
    kept: dict[tuple[str, str, str], list[Clause]] = {}
    complete = alternative.complete
    for clause in alternative.clauses:
        mine = kept.setdefault((clause.key, clause.each, clause.family), [])
        # Of values that are all excluded, any number may be.
        if not mine or (clause.family == EQUAL and clause.negated and all(other.negated for other in mine)):
            mine.append(clause)
        elif clause not in mine:
            complete = False
    return Alternative(tuple(clause for clauses in kept.values() for clause in clauses), complete)


class _Outline:
    def __init__(self, text: str) -> None:
        self._text = text

    def alternatives(self, node: Node, *, negated: bool) -> list[Alternative]:
        kind = node["type"]
        if kind == "not_expression":
            return self.alternatives(node["children"][0], negated=not negated)
        if kind in ("and_expression", "or_expression"):
            # Not (a and b) is (not a) or (not b).
            combine = self._all_of if (kind == "and_expression") != negated else self._any_of
            return combine(node, negated)
        return [self._leaf(node, negated)]

    def _all_of(self, node: Node, negated: bool) -> list[Alternative]:
        found = [Alternative(())]
        for child in node["children"]:
            parts = self.alternatives(child, negated=negated)
            if len(found) * len(parts) > MAX_ALTERNATIVES:
                parts = [self._whole(child, negated)]
            found = [_joined(mine, yours) for mine in found for yours in parts]
        return found

    def _any_of(self, node: Node, negated: bool) -> list[Alternative]:
        parts = [self.alternatives(child, negated=negated) for child in node["children"]]
        found = _merged([alternative for part in parts for alternative in part])
        return found if len(found) <= MAX_ALTERNATIVES else [self._whole(node, negated)]

    def _whole(self, node: Node, negated: bool) -> Alternative:
        return Alternative((Clause(self._written(node), TRUE, negated=negated),))

    def _leaf(self, node: Node, negated: bool) -> Alternative:
        clause = self._clause(node)
        if clause is not None:
            return Alternative((replace(clause, negated=clause.negated != negated),))
        if node["type"] == "filter_projection" and not negated:
            found = self._filter(node)
            if found is not None:
                return found
        if node["type"] == "literal":
            return Alternative((), complete=False)
        return self._whole(node, negated)

    def _written(self, node: Node) -> str:
        start, end = span_of(node) or (0, 0)
        return self._text[start:end]

    def _clause(self, node: Node) -> Clause | None:
        if node["type"] == "comparator":
            return self._comparison(node)
        if node["type"] == "function_expression":
            return self._call(node)
        if node["type"] == "filter_projection":
            found = self._filter(node)
            return found.clauses[0] if found is not None and found.complete and len(found.clauses) == 1 else None
        return None

    # --- comparisons ---

    def _comparison(self, node: Node) -> Clause | None:
        sign, (left, right) = node["value"], node["children"]
        if left["type"] == "literal":
            sign, left, right = _TURNED[sign], right, left
        if right["type"] != "literal" or left["type"] == "literal":
            return None
        key, value = self._written(left), right["value"]
        if sign in ("eq", "ne"):
            known = key_of(value)
            return None if known is NO_KEY else Clause(key, EQUAL, (known,), negated=sign == "ne")
        if kind_of(value) not in (NUMBER, STRING):
            return None
        family = ABOVE if sign in ("gt", "gte") else BELOW
        return Clause(key, family, (value, sign in ("gte", "lte")))

    # --- functions ---

    def _call(self, node: Node) -> Clause | None:
        maker = _CALLS.get(node["value"])
        return maker(self, *node["children"]) if maker is not None else None

    def contains(self, subject: Node, search: Node) -> Clause | None:
        if subject["type"] == "literal" and isinstance(subject["value"], list):
            keys = tuple(dict.fromkeys(key_of(item) for item in subject["value"]))
            return (
                None if NO_KEY in keys or search["type"] == "literal" else Clause(self._written(search), EQUAL, keys)
            )
        if search["type"] != "literal" or subject["type"] == "literal" or kind_of(search["value"]) != STRING:
            return None
        return Clause(self._written(subject), HOLDS, search["value"])

    def prefix(self, subject: Node, affix: Node) -> Clause | None:
        return self._affix(PREFIX, subject, affix)

    def suffix(self, subject: Node, affix: Node) -> Clause | None:
        return self._affix(SUFFIX, subject, affix)

    def _affix(self, family: str, subject: Node, affix: Node) -> Clause | None:
        if affix["type"] != "literal" or kind_of(affix["value"]) != STRING or subject["type"] == "literal":
            return None
        return Clause(self._written(subject), family, affix["value"])

    # --- filters ---

    def _filter(self, node: Node) -> Alternative | None:
        """``lines[?sku == 'a' && …]`` finds something only if some item passes each of its tests."""
        base, right, test = node["children"]
        if "span" not in base:
            return None
        tests = test["children"] if test["type"] == "and_expression" else [test]
        clauses = [self._item_clause(self._written(base), each) for each in tests]
        found = tuple(clause for clause in clauses if clause is not None)
        if not found:
            return None
        complete = len(tests) == len(found) == 1 and right["type"] == "identity"
        return Alternative(found, complete)

    def _item_clause(self, base: str, test: Node) -> Clause | None:
        if test["type"] in ("field", "subexpression"):
            return Clause(base, TRUE, each=self._written(test))
        clause = self._comparison(test) if test["type"] == "comparator" else None
        # A null item may pass a test on null, or a negated one, but is never part of the result.
        if clause is None or clause.negated or (clause.family == EQUAL and None in clause.operand):
            return None
        return replace(clause, key=base, each=clause.key)


_TURNED = {"eq": "eq", "ne": "ne", "lt": "gt", "lte": "gte", "gt": "lt", "gte": "lte"}
_CALLS: dict[str, Callable[..., Clause | None]] = {
    "contains": _Outline.contains,
    "ends_with": _Outline.suffix,
    "starts_with": _Outline.prefix,
}


def _joined(mine: Alternative, yours: Alternative) -> Alternative:
    return Alternative((*mine.clauses, *yours.clauses), mine.complete and yours.complete)


def _merged(alternatives: list[Alternative]) -> list[Alternative]:
    """Make one alternative of those that ask whether one key equals something."""
    equalities: dict[tuple[str, str], list[Any]] = {}
    others = []
    for alternative in alternatives:
        clause = alternative.clauses[0] if len(alternative.clauses) == 1 and alternative.complete else None
        if clause is not None and clause.family == EQUAL and not clause.negated:
            equalities.setdefault((clause.key, clause.each), []).extend(clause.operand)
        else:
            others.append(alternative)
    found = [
        Alternative((Clause(key, EQUAL, tuple(dict.fromkeys(operands)), each=each),))
        for (key, each), operands in equalities.items()
    ]
    return found + others
