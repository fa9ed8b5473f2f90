"""Many conditions matched against one context."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable
from itertools import count
from operator import itemgetter
from typing import Any, Generic, TypeVar

from rules_engine.conditions.entries import Entry
from rules_engine.conditions.expression import Condition, compile_condition
from rules_engine.conditions.sieve import Sieve

I = TypeVar("I", bound=Hashable)  # noqa: E741

OnError = Callable[[I, Exception], None]


class RuleSet(Generic[I]):
    """Conditions by id, in order, indexed by what they ask for.

    ``on_error(id, exception)`` hears of every condition that raised in ``match``; without it, such a condition
    just does not match. A condition that an index rules out is not evaluated, and so raises nothing.

    Any number of threads may match at the same time, but not while the set is changed.
    """

    def __init__(self, rules: Iterable[tuple[I, str | Condition]] = (), on_error: OnError[I] | None = None) -> None:
        self._entries: dict[Condition, Entry] = {}
        self._members: dict[I, tuple[int, Entry]] = {}
        """The place of each id in the order, and its condition."""
        self._places = count()
        self._sieve = Sieve()
        self._on_error = on_error
        for identity, condition in rules:
            self.add(identity, condition)

    def __len__(self) -> int:
        return len(self._members)

    def __contains__(self, identity: object) -> bool:
        return identity in self._members

    def add(self, identity: I, condition: str | Condition) -> None:
        """Add a condition at the end; raises ValueError for an id that is there, and ConditionSyntaxError."""
        if identity in self._members:
            raise ValueError(f"There is already a condition with the id {identity!r}. Use replace() to change it.")
        self._members[identity] = (next(self._places), self._joined(identity, _compiled(condition)))

    def remove(self, identity: I) -> None:
        """Take a condition out; raises LookupError for an unknown id."""
        self._check_known(identity)
        _, entry = self._members.pop(identity)
        self._leave(identity, entry)

    def replace(self, identity: I, condition: str | Condition) -> None:
        """Change a condition in its place; raises LookupError for an unknown id, and ConditionSyntaxError."""
        self._check_known(identity)
        compiled = _compiled(condition)
        place, entry = self._members[identity]
        self._leave(identity, entry)
        self._members[identity] = (place, self._joined(identity, compiled))

    def match(self, context: Any) -> list[I]:
        """Return the ids whose condition is true for ``context``, in order; never raises for a condition."""
        holding, doubtful = self._sieve.sift(context)
        outcomes = self._sieve.remainder.outcomes(context)
        if doubtful:
            outcomes += [(entry, entry.outcome(context)) for entry in doubtful]
        failed: list[tuple[Entry, Exception]] = []
        for entry, outcome in outcomes:
            if outcome is True:
                holding.append(entry)
            elif isinstance(outcome, Exception):
                failed.append((entry, outcome))
        if failed and self._on_error is not None:
            self._report(failed, self._on_error)
        return self._in_order(holding) if holding else []

    def _in_order(self, entries: list[Entry]) -> list[I]:
        members = self._members
        places = sorted(
            ((members[identity][0], identity) for entry in entries for identity in entry.ids), key=itemgetter(0)
        )
        return [identity for _, identity in places]

    def _report(self, failed: list[tuple[Entry, Exception]], on_error: OnError[I]) -> None:
        errors = dict(failed)
        for identity in self._in_order(list(errors)):
            on_error(identity, errors[self._members[identity][1]])

    def _joined(self, identity: I, condition: Condition) -> Entry:
        entry = self._entries.get(condition)
        if entry is None:
            entry = self._entries[condition] = Entry(condition)
            self._sieve.add(entry)
        entry.ids[identity] = None
        return entry

    def _leave(self, identity: I, entry: Entry) -> None:
        del entry.ids[identity]
        if not entry.ids:
            del self._entries[entry.condition]
            self._sieve.remove(entry)

    def _check_known(self, identity: I) -> None:
        if identity not in self._members:
            raise LookupError(f"There is no condition with the id {identity!r}.")


def _compiled(condition: str | Condition) -> Condition:
    return compile_condition(condition) if isinstance(condition, str) else condition
