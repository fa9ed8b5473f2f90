"""How a condition came to its verdict: the value of each part, as production evaluates it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from rules_engine.conditions.faults import Fault
from rules_engine.conditions.hostfunctions import Library
from rules_engine.conditions.interpreter import Interpreter
from rules_engine.conditions.parser import Node, Parsed
from rules_engine.conditions.values import is_true, present
from rules_engine.exceptions import RulesEngineError

_LOGICAL = ("or_expression", "and_expression", "not_expression")


@dataclass(frozen=True)
class Part:
    """One part of a condition: the whole, and each side of ``&&``, ``||`` and ``!`` below it.

    ``verdict`` is None for a part that was not evaluated, because a part before it had decided, and for one that
    failed; then ``error`` says why.
    """

    text: str
    start: int
    end: int
    depth: int
    """How many logical operators stand around it; 0 for the whole condition."""
    value: Any = None
    verdict: bool | None = None
    error: str = ""


def explain(parsed: Parsed, library: Library, context: Any) -> list[Part]:
    """Evaluate once and return the parts in the order of the text, each before what it consists of."""
    tracer = _Tracer(library, {id(node) for node, _ in _parts(parsed.tree, 0)})
    # The tracer has recorded the error with every part that it passed through, the whole condition included.
    with suppress(Exception):
        tracer.run(parsed.tree, present(context))
    return [_part(parsed, tracer, node, depth) for node, depth in _parts(parsed.tree, 0)]


def _parts(node: Node, depth: int) -> Iterator[tuple[Node, int]]:
    yield node, depth
    if node["type"] in _LOGICAL:
        for child in node["children"]:
            yield from _parts(child, depth + 1)


def _part(parsed: Parsed, tracer: _Tracer, node: Node, depth: int) -> Part:
    start, end = node["span"]
    text = parsed.text[start:end]
    if id(node) in tracer.errors:
        return Part(text, start, end, depth, error=tracer.errors[id(node)])
    if id(node) not in tracer.values:
        return Part(text, start, end, depth)
    value = tracer.values[id(node)]
    return Part(text, start, end, depth, value=value, verdict=is_true(value))


class _Tracer(Interpreter):
    """The interpreter of production, which remembers the values of some nodes."""

    def __init__(self, library: Library, watched: set[int]) -> None:
        super().__init__(library)
        self._watched = watched
        self.values: dict[int, Any] = {}
        self.errors: dict[int, str] = {}

    def visit(self, node: Node, value: Any) -> Any:
        if id(node) not in self._watched:
            return super().visit(node, value)
        try:
            result = super().visit(node, value)
        except Exception as error:
            self.errors[id(node)] = reason(error)
            raise
        self.values[id(node)] = result
        return result


def reason(error: Exception) -> str:
    """One sentence for what stopped an evaluation; the text of a foreign error is never shown."""
    if isinstance(error, Fault):
        return error.summary
    if isinstance(error, RecursionError):
        return "The context is nested too deeply."
    if isinstance(error, RulesEngineError):
        return str(error)
    return f"The context could not be read: {type(error).__name__}."
