"""The conditions that no index narrows down, evaluated for every context: fused, so that they share their reads."""

from __future__ import annotations

from collections import defaultdict
from typing import Any

from rules_engine.conditions.closures import weight_of
from rules_engine.conditions.codegen import TooComplex
from rules_engine.conditions.entries import Entry
from rules_engine.conditions.program import Fused, fused, pays

CHUNK = 32
"""Conditions in one piece of fused code."""
SETTLED = 16
"""Matches without a change before conditions are fused: it takes as long as thousands of matches."""
MAX_WEIGHT = 60
"""A larger condition stays alone; it shares little."""


class Remainder:
    """Conditions that are evaluated for every context."""

    def __init__(self) -> None:
        self._places: dict[Entry, _Chunk | None] = {}
        """Every entry, and the chunk that it is fused into."""
        self._parts: tuple[list[_Chunk], list[Entry]] | None = None
        """The chunks and the entries that stand alone; replaced as a whole, since other threads may be matching."""
        self._calm = 0
        self._is_fused = True

    def __len__(self) -> int:
        return len(self._places)

    def add(self, entry: Entry) -> None:
        """Hold an entry, if it is not there."""
        if entry not in self._places:
            self._places[entry] = None
            self._changed()

    def discard(self, entry: Entry) -> None:
        """Let go of an entry, if it is there. Those that were fused with it are fused anew, later."""
        if entry not in self._places:
            return
        chunk = self._places.pop(entry)
        for member in chunk.entries if chunk is not None else ():
            if member is not entry:
                self._places[member] = None
        self._changed()

    def _changed(self) -> None:
        self._parts, self._calm, self._is_fused = None, 0, False

    def outcomes(self, context: Any) -> list[tuple[Entry, bool | Exception]]:
        """Return the verdicts that are not false, and the errors."""
        if not self._is_fused:
            self._calm += 1
            if self._calm > SETTLED:
                self._is_fused = True
                self._fuse()
        chunks, single = self._parts if self._parts is not None else self._parted()
        found: list[tuple[Entry, bool | Exception]] = []
        for chunk in chunks:
            found += chunk.outcomes(context)
        for entry in single:
            outcome = entry.outcome(context)
            if outcome is not False:
                found.append((entry, outcome))
        return found

    def _parted(self) -> tuple[list[_Chunk], list[Entry]]:
        chunks = {chunk: None for chunk in self._places.values() if chunk is not None}
        self._parts = parts = (list(chunks), [entry for entry, chunk in self._places.items() if chunk is None])
        return parts

    def _fuse(self) -> None:
        alike: dict[int, list[Entry]] = defaultdict(list)
        for entry, chunk in self._places.items():
            if chunk is None and _may_be_fused(entry):
                alike[id(entry.condition.library)].append(entry)
        places = dict(self._places)
        for entries in alike.values():
            for start in range(0, len(entries), CHUNK):
                places |= _fused(entries[start : start + CHUNK])
        self._places, self._parts = places, None


def _may_be_fused(entry: Entry) -> bool:
    parsed = entry.condition.parsed
    return parsed is not None and pays(parsed.tree) and weight_of(parsed.tree) <= MAX_WEIGHT


def _fused(entries: list[Entry]) -> dict[Entry, _Chunk | None]:
    trees = [parsed.tree for entry in entries if (parsed := entry.condition.parsed)]
    try:
        run = fused(trees, entries[0].condition.library)
    except (TooComplex, RecursionError, MemoryError):
        return {}
    chunk = _Chunk(entries, run)
    return dict.fromkeys(entries, chunk)


class _Chunk:
    def __init__(self, entries: list[Entry], run: Fused) -> None:
        self.entries = entries
        self._run = run

    def outcomes(self, context: Any) -> list[tuple[Entry, bool | Exception]]:
        entries = self.entries
        try:
            found, raised = self._run(context)
        except Exception:  # noqa: BLE001 - each condition alone tells which one it was
            found, raised = [], range(len(entries))  # type: ignore[assignment]
        outcomes: list[tuple[Entry, bool | Exception]] = [(entries[number], True) for number in found]
        for number in raised:
            outcome = entries[number].outcome(context)
            if outcome is not False:
                outcomes.append((entries[number], outcome))
        return outcomes
