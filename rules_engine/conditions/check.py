"""Whether a condition fits what its context can hold: a misspelt name must be found before ``!=`` makes it true."""

from __future__ import annotations

from dataclasses import replace
from difflib import get_close_matches

from rules_engine.conditions.expression import Condition
from rules_engine.conditions.parser import parse
from rules_engine.conditions.paths import Opening, Path, Place, Read
from rules_engine.conditions.problems import WARNING, Problem
from rules_engine.conditions.registry import registered
from rules_engine.conditions.shapes import OTHERS, Fields, Leaf, Shape, fields_of, resolved
from rules_engine.conditions.traps import check_traps, warnings_of
from rules_engine.conditions.typechecks import type_problems

Known = Shape | Leaf | Fields | None
_SHOWN_NAMES = 12


def check_condition(condition: Condition, schema: Fields | Shape | None = None) -> list[Problem]:
    """Return all that can be said of ``condition`` before its first event, in the order of the text.

    These are the beginner's mistakes, what it reads and ``schema`` does not have, and types and constants that do not
    fit; without a schema, only what is wrong whatever the context holds. Errors stop the save of a rule, warnings
    are shown. A mistake that makes others is reported alone.
    """
    if not condition.text.strip():
        return []
    parsed = parse(condition.text)
    warnings = [replace(problem, severity=WARNING) for problem in warnings_of(parsed)]
    found = check_traps(condition.text)
    if not found and schema is not None:
        found = check_paths(condition, schema)
    if not found:
        found = type_problems(parsed, schema, registered)
    return sorted([*found, *warnings], key=lambda problem: problem.position)


def check_paths(condition: Condition, schema: Fields | Shape) -> list[Problem]:
    """Return what ``condition`` reads and ``schema`` does not have, in the order of the text.

    ``schema`` holds the root's names. See ``Shape``, ``Leaf`` and ``OTHERS`` for what it may be made of.
    """
    checker = _Checker(schema)
    found = {(read.position, checker.read_problem(read)) for read in condition.reads.fields}
    found |= {(opening.position, checker.opening_problem(opening)) for opening in condition.reads.openings}
    messages = sorted((position, message) for position, message in found if message)
    return [Problem(message, position, condition.text) for position, message in messages]


class _Unknown(Exception):
    """The path is not in the schema; the read of its first missing name reports that."""


class _Checker:
    def __init__(self, schema: Fields | Shape) -> None:
        self._known: dict[Path, Known] = {(): schema}

    def read_problem(self, read: Read) -> str:
        """Say what is wrong with one read, or return an empty text."""
        try:
            parent = self._at(read.place.path)
        except _Unknown:
            return ""
        return _below(parent, read) or _missing(parent, read) or self._redacted(read)

    def opening_problem(self, opening: Opening) -> str:
        """Say what is wrong with opening a list here, or return an empty text."""
        place = opening.place
        if place.level is None or place.level > 0:
            return ""
        try:
            node = self._at(place.path)
        except _Unknown:
            return ""
        name = place.path[-1] if place.path else "the context"
        if isinstance(node, Leaf) and not node.open and not node.redacted:
            return f"'{name}' is {_article(node.kind)} and no list."
        if isinstance(node, Shape) and not (node.many and place.level == 0):
            return f"'{name}' is one {node.title} and no list: read its fields with a dot, as in {name}.x."
        return ""

    def _redacted(self, read: Read) -> str:
        node = self._at(read.path)
        if isinstance(node, Leaf) and node.redacted:
            return f"'{read.name}' is redacted and never available to rules."
        return ""

    def _at(self, path: Path) -> Known:
        if path not in self._known:
            self._known[path] = _child(self._at(path[:-1]), path[-1])
        return self._known[path]


def _child(parent: Known, name: str) -> Known:
    if parent is None:
        return None
    if isinstance(parent, Leaf):
        # What stands below a redacted value is not looked at: that it is redacted has been said.
        if parent.open or parent.redacted:
            return None
        raise _Unknown
    fields = fields_of(parent)
    if name in fields:
        return resolved(fields[name])
    if OTHERS in fields:
        return resolved(fields[OTHERS])
    raise _Unknown


def _below(parent: Known, read: Read) -> str:
    """A field of something that has none."""
    above = read.place.path[-1] if read.place.path else ""
    if isinstance(parent, Leaf) and not parent.open and not parent.redacted:
        return f"'{above}' is {_article(parent.kind)} and has nothing below it."
    if isinstance(parent, Shape) and parent.many and _is_list(read.place):
        return (
            f"'{above}' is a list of {parent.title}: write {above}[*].{read.name} for all of them, or "
            f"{above}[?…].{read.name} for some."
        )
    return ""


def _is_list(place: Place) -> bool:
    return place.level is not None and place.level >= 0


def _missing(parent: Known, read: Read) -> str:
    if parent is None or isinstance(parent, Leaf):
        return ""
    fields = fields_of(parent)
    if read.name in fields or OTHERS in fields:
        return ""
    close = get_close_matches(read.name.lower(), fields, n=1)
    if close:
        hint = f"Did you mean '{close[0]}'?"
    else:
        names = sorted(fields)
        more = ", …" if len(names) > _SHOWN_NAMES else ""
        hint = f"It has: {', '.join(names[:_SHOWN_NAMES])}{more}."
    return f"{_owner(parent, read.place.path)} has no field '{read.name}'. {hint}"


def _owner(parent: Shape | Fields, path: Path) -> str:
    if isinstance(parent, Shape):
        return parent.title
    return f"'{path[-1]}'" if path else "The context"


def _article(kind: str) -> str:
    return f"{'an' if kind[:1].lower() in 'aeiou' else 'a'} {kind}"
