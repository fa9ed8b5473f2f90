"""Something a person should mend in a condition that is otherwise sound."""

from __future__ import annotations

from dataclasses import dataclass

from rules_engine.exceptions import caret


@dataclass(frozen=True)
class Problem:
    """One finding: ``message`` says what is wrong and how to mend it, ``position`` is its offset in ``text``."""

    message: str
    position: int
    text: str

    def __str__(self) -> str:
        return f"{self.message}\n{caret(self.text, self.position)}"
