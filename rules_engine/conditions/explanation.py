"""How a condition came to its verdict: the value of each part, as production evaluates it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from rules_engine.conditions.faults import Fault
from rules_engine.conditions.hostfunctions import Library
from rules_engine.conditions.parser import Node, Parsed
from rules_engine.conditions.program import tracer
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
    found = list(_parts(parsed.tree, 0))
    watch = _Watch()
    run = tracer(parsed.tree, library, [node for node, _ in found], watch.enter, watch.leave)
    error = ""
    try:
        run(context)
    except Exception as failure:  # noqa: BLE001 - shown with every part that it passed through
        error = reason(failure)
    return [_part(parsed, watch, number, node, depth, error) for number, (node, depth) in enumerate(found)]


def _parts(node: Node, depth: int) -> Iterator[tuple[Node, int]]:
    yield node, depth
    if node["type"] in _LOGICAL:
        for child in node["children"]:
            yield from _parts(child, depth + 1)


def _part(parsed: Parsed, watch: _Watch, number: int, node: Node, depth: int, error: str) -> Part:
    start, end = node["span"]
    text = parsed.text[start:end]
    if number in watch.open:
        return Part(text, start, end, depth, error=error)
    if number not in watch.values:
        return Part(text, start, end, depth)
    value = present(watch.values[number])
    return Part(text, start, end, depth, value=value, verdict=is_true(value))


class _Watch:
    """Hears of the parts from the code of production, compiled with a call before and after each of them."""

    def __init__(self) -> None:
        self.values: dict[int, Any] = {}
        self.open: set[int] = set()
        """Parts that were begun and not finished."""

    def enter(self, number: int) -> None:
        self.open.add(number)

    def leave(self, number: int, value: Any) -> None:
        self.open.discard(number)
        self.values[number] = value


def reason(error: Exception) -> str:
    """One sentence for what stopped an evaluation; the text of a foreign error is never shown."""
    if isinstance(error, Fault):
        return error.summary
    if isinstance(error, RecursionError):
        return "The context is nested too deeply."
    if isinstance(error, RulesEngineError):
        return str(error)
    return f"The context could not be read: {type(error).__name__}."
