"""One condition of a rule set, with the ids that share it."""

from __future__ import annotations

from typing import Any

from rules_engine.conditions.expression import Condition


class Entry:
    """A condition that one or more ids have; known by identity."""

    __slots__ = ("bits", "condition", "ids")

    def __init__(self, condition: Condition) -> None:
        self.condition = condition
        self.ids: dict[Any, None] = {}
        self.bits: tuple[int, ...] = ()

    def outcome(self, context: Any) -> bool | Exception:
        """The verdict, or what the condition raised."""
        try:
            return self.condition.matches(context)
        except Exception as error:  # noqa: BLE001 - one broken condition must not stop the others
            return error
