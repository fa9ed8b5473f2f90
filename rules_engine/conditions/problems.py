"""Something a person should mend in a condition that is otherwise sound."""

from __future__ import annotations

from dataclasses import dataclass

from rules_engine.exceptions import caret

ERROR, WARNING = "error", "warning"


@dataclass(frozen=True)
class Problem:
    """One finding: ``message`` says what is wrong and how to mend it, ``position`` is its offset in ``text``.

    An error stops the save of a rule, a warning is shown.
    """

    message: str
    position: int
    text: str
    severity: str = ERROR

    def __str__(self) -> str:
        return f"{self.message}\n{caret(self.text, self.position)}"
