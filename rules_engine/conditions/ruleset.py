"""Many conditions matched against one context."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable
from typing import Any, Generic, TypeVar

from rules_engine.conditions.expression import Condition, compile_condition

I = TypeVar("I", bound=Hashable)  # noqa: E741

OnError = Callable[[I, Exception], None]


class RuleSet(Generic[I]):
    """Conditions by id, in order; texts that several ids share are evaluated once per context.

    ``on_error(id, exception)`` hears of every condition that raised in ``match``; without it, such a condition
    just does not match.
    """

    def __init__(self, rules: Iterable[tuple[I, str | Condition]] = (), on_error: OnError[I] | None = None) -> None:
        self._conditions: dict[I, Condition] = {}
        self._on_error = on_error
        for identity, condition in rules:
            self.add(identity, condition)

    def __len__(self) -> int:
        return len(self._conditions)

    def __contains__(self, identity: object) -> bool:
        return identity in self._conditions

    def add(self, identity: I, condition: str | Condition) -> None:
        """Add a condition at the end; raises ValueError for an id that is there, and ConditionSyntaxError."""
        if identity in self._conditions:
            raise ValueError(f"There is already a condition with the id {identity!r}. Use replace() to change it.")
        self._conditions[identity] = _compiled(condition)

    def remove(self, identity: I) -> None:
        """Take a condition out; raises LookupError for an unknown id."""
        self._check_known(identity)
        del self._conditions[identity]

    def replace(self, identity: I, condition: str | Condition) -> None:
        """Change a condition in its place; raises LookupError for an unknown id, and ConditionSyntaxError."""
        self._check_known(identity)
        self._conditions[identity] = _compiled(condition)

    def match(self, context: Any) -> list[I]:
        """Return the ids whose condition is true for ``context``, in order; never raises for a condition."""
        outcomes: dict[Condition, bool | Exception] = {}
        matching = []
        for identity, condition in self._conditions.items():
            if condition not in outcomes:
                outcomes[condition] = _outcome(condition, context)
            outcome = outcomes[condition]
            if outcome is True:
                matching.append(identity)
            elif outcome is not False and self._on_error is not None:
                self._on_error(identity, outcome)
        return matching

    def _check_known(self, identity: I) -> None:
        if identity not in self._conditions:
            raise LookupError(f"There is no condition with the id {identity!r}.")


def _compiled(condition: str | Condition) -> Condition:
    return compile_condition(condition) if isinstance(condition, str) else condition


def _outcome(condition: Condition, context: Any) -> bool | Exception:
    try:
        return condition.matches(context)
    except Exception as error:  # noqa: BLE001 - one broken condition must not stop the others
        return error
