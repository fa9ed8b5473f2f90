"""Which of many conditions can hold for a context? What remains of all rules after every index has been asked."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from rules_engine.conditions.clauses import Alternative, alternatives_of
from rules_engine.conditions.entries import Entry
from rules_engine.conditions.hostfunctions import Library
from rules_engine.conditions.indexes import MAX_ITEMS, Slot, Undecided
from rules_engine.conditions.masks import bits_of
from rules_engine.conditions.parser import parse
from rules_engine.conditions.program import reader
from rules_engine.conditions.remainder import Remainder

WORTHWHILE = 24
"""Up to so many conditions, asking them all is faster than asking indexes."""
SHARED = 4
"""Rules that must ask for a key before it is read for the index."""


class Sieve:
    """The conditions of a rule set, each once.

    Every alternative of a condition has a bit. A bit is *narrowed* while some index knows one of its clauses, and
    *settled* while indexes know all of it: then it needs no evaluation at all. Conditions of which some bit is not
    narrowed are evaluated for every context, in the remainder.
    """

    def __init__(self) -> None:
        self.remainder = Remainder()
        self._owners: list[Entry | None] = []
        self._free: list[int] = []
        self._slots: dict[tuple[str, str, int], Slot] = {}
        self._waiting: list[Slot] = []
        """Slots that would be active if there were more conditions."""
        self._plan: list[Slot] | None = None
        self._narrowed = self._settled = 0
        self._narrowing: list[int] = []
        """For each bit, how many active slots have it."""
        self._missing: list[int] = []
        """For each bit, how much of its condition no active slot knows."""
        self._count = 0

    def __len__(self) -> int:
        return self._count

    # --- changes ---

    def add(self, entry: Entry) -> None:
        """Hold a condition."""
        self._count += 1
        if entry.condition.parsed is None:
            self.remainder.add(entry)
            return
        alternatives = alternatives_of(entry.condition.parsed)
        entry.bits = tuple(self._bit(entry, alternative) for alternative in alternatives)
        for bit, alternative in zip(entry.bits, alternatives, strict=True):
            self._place(entry, bit, alternative)
        self._review(entry)
        if self._count > WORTHWHILE and self._waiting:
            self._open_waiting()

    def remove(self, entry: Entry) -> None:
        """Let go of a condition."""
        self._count -= 1
        self.remainder.discard(entry)
        parsed = entry.condition.parsed
        if parsed is None:
            return
        for bit, alternative in zip(entry.bits, alternatives_of(parsed), strict=True):
            self._displace(entry, bit, alternative)

    def _bit(self, entry: Entry, alternative: Alternative) -> int:
        if self._free:
            bit = self._free.pop()
            self._owners[bit] = entry
        else:
            bit = len(self._owners)
            self._owners.append(entry)
            self._narrowing.append(0)
            self._missing.append(0)
        self._narrowing[bit] = 0
        self._missing[bit] = 0 if alternative.complete else 1
        return bit

    def _place(self, entry: Entry, bit: int, alternative: Alternative) -> None:
        for clause in alternative.clauses:
            slot = self._slot(clause.key, clause.each, entry.condition.library)
            if not slot.users >> bit & 1:
                (self._narrowing if slot.active else self._missing)[bit] += 1
            slot.add(bit, clause)
            if not slot.active and slot.users.bit_count() >= SHARED and slot not in self._waiting:
                self._waiting.append(slot)

    def _displace(self, entry: Entry, bit: int, alternative: Alternative) -> None:
        keep = ~(1 << bit)
        self._narrowed &= keep
        self._settled &= keep
        for clause in alternative.clauses:
            name = self._name(clause.key, clause.each, entry.condition.library)
            slot = self._slots.get(name)
            if slot is None:
                continue
            slot.remove(bit, clause)
            if not slot.users:
                del self._slots[name]
                self._plan = None
        self._owners[bit] = None
        self._free.append(bit)

    def _name(self, key: str, each: str, library: Library) -> tuple[str, str, int]:
        # What a call means depends on the functions that the condition was compiled with.
        return key, each, id(library) if "(" in key or "(" in each else 0

    def _slot(self, key: str, each: str, library: Library) -> Slot:
        name = self._name(key, each, library)
        slot = self._slots.get(name)
        if slot is None:
            slot = self._slots[name] = Slot(key, each, library)
        return slot

    def _open_waiting(self) -> None:
        waiting, self._waiting, self._plan = self._waiting, [], None
        for slot in waiting:
            slot.opened(_reader(slot))
            entries = set()
            for bit in bits_of(slot.users):
                self._missing[bit] -= 1
                self._narrowing[bit] += 1
                entries.add(self._owners[bit])
            for entry in entries:
                assert entry is not None  # noqa: S101 - a slot has only bits of conditions that are there
                self._review(entry)

    def _review(self, entry: Entry) -> None:
        """See anew whether an entry needs evaluation, and when."""
        narrowed = all(self._narrowing[bit] for bit in entry.bits)
        for bit in entry.bits:
            mask = 1 << bit
            self._narrowed = self._narrowed | mask if narrowed else self._narrowed & ~mask
            self._settled = self._settled | mask if narrowed and not self._missing[bit] else self._settled & ~mask
        if narrowed:
            self.remainder.discard(entry)
        else:
            self.remainder.add(entry)

    # --- matching ---

    def sift(self, context: Any) -> tuple[list[Entry], list[Entry]]:
        """Return the entries that hold, and those that must be evaluated; the remainder is neither."""
        left, unsure = self._narrowed, 0
        if not left:
            return [], []
        for slot in self._plan if self._plan is not None else self._planned():
            need = left & slot.users
            if need:
                failed, doubtful = slot.judge(context, need)
                left ^= failed
                unsure |= doubtful
        if not left:
            return [], []
        return self._told_apart(left, left & self._settled & ~unsure)

    def _told_apart(self, left: int, certain: int) -> tuple[list[Entry], list[Entry]]:
        holding: dict[Entry, bool] = {}
        for bit in bits_of(left):
            entry = self._owners[bit]
            assert entry is not None  # noqa: S101 - bits without an owner are not narrowed
            # An alternative that holds is no proof while another one could not be told: it may raise.
            holding[entry] = holding.get(entry, True) and bool(certain >> bit & 1)
        return [entry for entry, sure in holding.items() if sure], [
            entry for entry, sure in holding.items() if not sure
        ]

    def _planned(self) -> list[Slot]:
        plan = sorted((slot for slot in self._slots.values() if slot.active), key=lambda slot: slot.rank)
        self._plan = plan
        return plan


def _reader(slot: Slot) -> Callable[[Any], Any]:
    read = reader(parse(slot.key).tree, slot.library)
    if not slot.each:
        return read
    item = reader(parse(slot.each).tree, slot.library)

    def values(context: Any) -> list[Any]:
        items = read(context)
        if not isinstance(items, (list, tuple)):
            return []
        if len(items) > MAX_ITEMS:
            raise Undecided
        return [item(each) for each in items]

    return values
