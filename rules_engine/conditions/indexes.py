"""Indexes over clauses: for the value of a key, which of many rules does it suit?

A ``Slot`` reads one key and asks its families; a family holds the clauses of one kind on that key. ``met(value)`` is
the set of the clauses that hold, or raises Undecided where a function of the condition would raise: then the
conditions concerned are evaluated themselves.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from rules_engine.conditions.clauses import ABOVE, BELOW, EQUAL, HOLDS, PREFIX, SUFFIX, TRUE, Clause
from rules_engine.conditions.hostfunctions import Library
from rules_engine.conditions.masks import Ladder, Table
from rules_engine.conditions.runtime import key_of
from rules_engine.conditions.values import ARRAY, NUMBER, STRING, exact, is_true, kind_of

MAX_ITEMS = 10_000
"""Longer lists are left to the conditions, which count their steps."""


class Undecided(Exception):
    """A value of a kind that the clauses' function does not take."""


class Family:
    """The clauses of one kind on one key. ``users`` have one, ``negated`` have it with a ``!`` before it."""

    def __init__(self) -> None:
        self.users = 0
        self.negated = 0

    def add(self, bit: int, clause: Clause) -> None:
        self.users |= 1 << bit
        if clause.negated:
            self.negated |= 1 << bit
        for operand in self.operands(clause):
            self.insert(operand, bit)

    def remove(self, bit: int, clause: Clause) -> None:
        self.users &= ~(1 << bit)
        self.negated &= self.users
        for operand in self.operands(clause):
            self.delete(operand, bit)

    def operands(self, clause: Clause) -> Iterable[Any]:
        return (clause.operand,)

    def insert(self, operand: Any, bit: int) -> None:
        """Hold a clause."""

    def delete(self, operand: Any, bit: int) -> None:
        """Let go of a clause."""

    def met(self, value: Any) -> int:
        """The clauses that hold for a value, before their negation."""
        raise NotImplementedError

    @property
    def share(self) -> float:
        """The share of its clauses that one value rules out, more or less."""
        return 0.5


class _True(Family):
    def met(self, value: Any) -> int:
        return self.users if is_true(value) else 0


class _Tabled(Family):
    def __init__(self) -> None:
        super().__init__()
        self.table = Table()

    @property
    def share(self) -> float:
        return 1 - 1 / (1 + len(self.table))

    def insert(self, operand: Any, bit: int) -> None:
        self.table.add(operand, bit)

    def delete(self, operand: Any, bit: int) -> None:
        self.table.remove(operand, bit)


class _Equal(_Tabled):
    def operands(self, clause: Clause) -> Iterable[Any]:
        operands: tuple[Any, ...] = clause.operand
        return operands

    def met(self, value: Any) -> int:
        return self.table.get(value if type(value) is str else key_of(value))


class _Range(Family):
    def __init__(self) -> None:
        super().__init__()
        self._numbers, self._texts = Ladder(), Ladder()
        self._number_users = self._text_users = 0

    def insert(self, operand: tuple[Any, bool], bit: int) -> None:
        bound, _ = operand
        if isinstance(bound, str):
            self._text_users |= 1 << bit
            self._texts.add(self.step(operand), bit)
        else:
            self._number_users |= 1 << bit
            self._numbers.add(self.step(operand), bit)

    def delete(self, operand: tuple[Any, bool], bit: int) -> None:
        bound, _ = operand
        if isinstance(bound, str):
            self._text_users &= ~(1 << bit)
            self._texts.remove(self.step(operand), bit)
        else:
            self._number_users &= ~(1 << bit)
            self._numbers.remove(self.step(operand), bit)

    def step(self, operand: tuple[Any, bool]) -> tuple[Any, int]:
        """The step of a bound; a value has reached it if its step comes before ``(value, 0)`` or is that."""
        raise NotImplementedError

    def met(self, value: Any) -> int:
        kind = kind_of(value)
        if kind == NUMBER:
            return self.chosen(self._numbers.below(exact(value)), self._number_users)
        if kind == STRING:
            return self.chosen(self._texts.below(str.__str__(value)), self._text_users)
        return 0

    def chosen(self, below: int, users: int) -> int:
        """The clauses that hold, of those whose bound the value has reached and all of its kind."""
        raise NotImplementedError


class _Above(_Range):
    def step(self, operand: tuple[Any, bool]) -> tuple[Any, int]:
        bound, included = operand
        return bound, 0 if included else 1

    def chosen(self, below: int, users: int) -> int:
        return below


class _Below(_Range):
    def step(self, operand: tuple[Any, bool]) -> tuple[Any, int]:
        bound, included = operand
        return bound, 1 if included else 0

    def chosen(self, below: int, users: int) -> int:
        return users ^ below


class _Affixed(_Tabled):
    """Tables by affix: of each length that occurs, one piece of the value is looked up."""

    def __init__(self) -> None:
        super().__init__()
        self._lengths: dict[int, int] = {}

    def insert(self, operand: str, bit: int) -> None:
        super().insert(operand, bit)
        self._lengths[len(operand)] = self._lengths.get(len(operand), 0) + 1

    def delete(self, operand: str, bit: int) -> None:
        super().delete(operand, bit)
        self._lengths[len(operand)] -= 1
        if not self._lengths[len(operand)]:
            del self._lengths[len(operand)]

    def met(self, value: Any) -> int:
        if kind_of(value) != STRING:
            raise Undecided
        text, found, get = str.__str__(value), 0, self.table.get
        for length in self._lengths:
            found |= get(self.piece(text, length))
        return found

    def piece(self, text: str, length: int) -> str:
        """The part of a text that an affix of this length would be."""
        raise NotImplementedError


class _Prefix(_Affixed):
    def piece(self, text: str, length: int) -> str:
        return text[:length]


class _Suffix(_Affixed):
    def piece(self, text: str, length: int) -> str:
        return text[len(text) - length :] if length <= len(text) else text


class _Holds(_Affixed):
    """``contains(key, 'text')``: of a list, every item is looked up; of a text, every piece or every operand."""

    def met(self, value: Any) -> int:
        kind = kind_of(value)
        if kind == STRING:
            return self._in_text(str.__str__(value))
        if kind != ARRAY or len(value) > MAX_ITEMS:
            raise Undecided
        found, get = 0, self.table.get
        for item in value:
            found |= get(item if type(item) is str else key_of(item))
        return found

    def _in_text(self, text: str) -> int:
        found, get = 0, self.table.get
        if len(text) * len(self._lengths) > len(self.table):
            for operand in self.table:
                if operand in text:
                    found |= get(operand)
            return found
        for length in self._lengths:
            for start in range(len(text) - length + 1):
                found |= get(text[start : start + length])
        return found


_FAMILIES: dict[str, Callable[[], Family]] = {
    ABOVE: _Above,
    BELOW: _Below,
    EQUAL: _Equal,
    HOLDS: _Holds,
    PREFIX: _Prefix,
    SUFFIX: _Suffix,
    TRUE: _True,
}


class Slot:
    """One key, and the clauses on it."""

    __slots__ = ("_read", "active", "each", "families", "key", "library", "users")

    def __init__(self, key: str, each: str, library: Library) -> None:
        self.key = key
        self.each = each
        self.library = library
        self.users = 0
        self.families: dict[str, Family] = {}
        self.active = False
        """Whether it takes part in matching; one with few users is not worth its reading."""
        self._read: Callable[[Any], Any] | None = None

    def add(self, bit: int, clause: Clause) -> None:
        """Hold a clause of the rule ``bit``."""
        self.users |= 1 << bit
        family = self.families.get(clause.family)
        if family is None:
            family = self.families[clause.family] = _FAMILIES[clause.family]()
        family.add(bit, clause)

    def remove(self, bit: int, clause: Clause) -> None:
        """Let go of a clause."""
        self.users &= ~(1 << bit)
        family = self.families.get(clause.family)
        if family is None:
            return
        family.remove(bit, clause)
        if not family.users:
            del self.families[clause.family]

    def opened(self, read: Callable[[Any], Any]) -> None:
        """Take part in matching from now on; ``read`` gives the key's value in a context, or the items' values."""
        self._read, self.active = read, True

    @property
    def rank(self) -> tuple[int, float]:
        """Slots of low rank are asked first: what is read easily and rules out many."""
        steps = self.key.count(".") + 2 * (self.key.count("(") + bool(self.each))
        return max(steps, 1), -sum(family.users.bit_count() * family.share for family in self.families.values())

    def judge(self, context: Any, need: int) -> tuple[int, int]:
        """Return which of the rules ``need`` fail, and about which this slot cannot tell."""
        assert self._read is not None  # noqa: S101 - set with ``active``
        try:
            value = self._read(context)
        except Exception:  # noqa: BLE001 - the conditions concerned are evaluated, and raise it themselves
            return 0, need
        failed = unsure = 0
        for family in self.families.values():
            mine = need & family.users
            if not mine:
                continue
            try:
                met = self._any(family, value) if self.each else family.met(value)
            except Undecided:
                unsure |= mine
                continue
            if family.negated:
                met ^= family.negated
            failed |= mine ^ (mine & met)
        return failed, unsure

    def _any(self, family: Family, values: list[Any]) -> int:
        met = 0
        for value in values:
            met |= family.met(value)
        return met
