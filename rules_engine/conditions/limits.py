"""What a condition may cost, so that a hostile one can neither hang nor exhaust a process."""

from __future__ import annotations

from rules_engine.conditions.faults import Fault

MAX_TEXT_LENGTH = 10_000
"""Characters of a condition."""

MAX_DEPTH = 128
"""Levels of nesting: parentheses, ``!``, function calls, projections in projections, lists in a literal.

Chains of ``&&``, ``||``, ``|`` and ``.`` are one level, however long they are.
"""

MAX_STEPS = 200_000
"""Sub-expressions and list items that one evaluation may visit; long texts count once per 1,024 characters."""

MAX_BUILT_TEXT = 1_000_000
"""Characters of a text that ``join`` or ``to_string`` builds."""


class Budget:
    """The steps that are left of one evaluation."""

    __slots__ = ("left",)

    def __init__(self, steps: int | None = None) -> None:
        self.left = MAX_STEPS if steps is None else steps

    def spend(self, steps: int = 1) -> None:
        """Count ``steps``; raises Fault when the evaluation has become too long."""
        self.left -= steps
        if self.left < 0:
            raise Fault(
                f"The condition takes more than {MAX_STEPS:,} steps on this context. "
                "Make it narrower: filter lists before sorting or comparing them."
            )

    def spend_text(self, text: str) -> None:
        """Count the reading of a text."""
        if len(text) > 1024:
            self.spend(len(text) >> 10)


def check_built_text(length: int, function: str) -> None:
    """Raise Fault if ``function`` would build a text of ``length`` characters and that is too long."""
    if length > MAX_BUILT_TEXT:
        raise Fault(f"{function}() would build a text of more than {MAX_BUILT_TEXT:,} characters.")
