"""The error that travels inside an evaluation, before the condition's text is added to it."""

from __future__ import annotations


class Fault(Exception):
    """An evaluation cannot go on; ``position`` is the offset of the sub-expression at fault, once known.

    ``Condition`` turns it into a ``ConditionEvaluationError``; it never leaves this package.
    """

    def __init__(self, summary: str, position: int | None = None) -> None:
        self.summary, self.position = summary, position
        super().__init__(summary)
