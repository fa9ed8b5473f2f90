"""One rendering: what it reads, the names its tags bound, and the work it has done."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.utils.html import conditional_escape

from rules_engine.templating.limits import MAX_OUTPUT, MAX_WORK
from rules_engine.templating.problem import Problem, too_long
from rules_engine.templating.values import MISSING, as_text, weigh


class Run:
    """The state of one rendering: data, secrets, names bound by tags, and what the limits count."""

    def __init__(self, data: Mapping[str, Any], secrets: Mapping[str, str] | None, html: bool) -> None:
        self.data, self.secrets, self.html = data, secrets, html
        self.frames: list[dict[str, object]] = [{}]
        self.line = 1
        self.work = self.written = 0

    def charge(self, work: int) -> None:
        """Count work. Raises Problem when it was too much."""
        self.work += work
        if self.work > MAX_WORK:
            raise Problem("it takes too much work. Loop over shorter lists, or nest fewer loops.")

    def write(self, piece: str) -> str:
        """Count and return a piece of the output. Raises Problem when the output becomes too long."""
        self.charge(len(piece))
        self.written += len(piece)
        if self.written > MAX_OUTPUT:
            raise too_long()
        return piece

    def present(self, value: object) -> str:
        """Return the value as text, escaped in HTML."""
        self.charge(weigh(value))
        text = as_text(value)
        return conditional_escape(text) if self.html else text

    def bound(self, name: str) -> object:
        """Return what the innermost tag bound to the name, or MISSING."""
        for frame in reversed(self.frames):
            if name in frame:
                return frame[name]
        return MISSING
