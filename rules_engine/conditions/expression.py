"""Conditions: compiled once, evaluated against many contexts."""

from __future__ import annotations

from collections import ChainMap
from collections.abc import Callable, Mapping
from functools import cached_property, lru_cache, partial
from typing import Any, NoReturn

from rules_engine.conditions.calls import check_calls
from rules_engine.conditions.explanation import Part, explain, reason
from rules_engine.conditions.faults import Fault
from rules_engine.conditions.hostfunctions import HostFunction, Library
from rules_engine.conditions.parser import Parsed, parse
from rules_engine.conditions.paths import Path, Reads, reads_of
from rules_engine.conditions.program import Fail, evaluator, matcher
from rules_engine.conditions.registry import functions as registry
from rules_engine.conditions.registry import registered
from rules_engine.conditions.traps import warnings_of
from rules_engine.exceptions import ConditionEvaluationError, ConditionSyntaxError, RulesEngineError

CACHE_SIZE = 2048
"""Compiled conditions that are kept, the least recently used ones going first."""


def compile_condition(text: str, functions: Mapping[str, Callable[..., Any]] | None = None) -> Condition:
    """Return the condition that ``text`` writes; a blank one is always true.

    Every JMESPath expression compiles. Raises ConditionSyntaxError, and nothing else, for a text that does not
    parse, calls an unknown function, calls one with a wrong number of arguments, or exceeds a limit.
    ``functions`` are Python functions for this condition alone, besides the registered ones.
    """
    if not isinstance(text, str):
        raise ConditionSyntaxError(f"A condition is a text, not {type(text).__name__}.")
    if functions is None:
        return _cached(text, registry.generation)
    extra = {name: HostFunction.of(name, function) for name, function in functions.items()}
    return _compiled(text, ChainMap(extra, registered))  # type: ignore[arg-type]


@lru_cache(maxsize=CACHE_SIZE)
def _cached(text: str, generation: int) -> Condition:
    return _compiled(text, registered)


def _compiled(text: str, library: Library) -> Condition:
    if text.strip():
        check_calls(_parsed(text), library)
    return Condition(text, library)


_parsed = lru_cache(maxsize=64)(parse)


def _fail(text: str, error: Exception) -> NoReturn:
    """Raise what the callers of the condition ``text`` shall see."""
    if isinstance(error, Fault):
        raise ConditionEvaluationError(error.summary, text=text, position=error.position) from error.__cause__
    if isinstance(error, RulesEngineError):
        raise error
    raise ConditionEvaluationError(reason(error), text=text) from error


def _always(context: Any) -> bool:
    return True


class Condition:
    """A compiled condition; immutable, shared between threads. Made by ``compile_condition``."""

    def __init__(self, text: str, library: Library) -> None:
        self.text = text
        self.library = library

    @property
    def parsed(self) -> Parsed | None:
        """The text with its tokens and its tree, not to be changed; None for a blank one.

        A condition does not keep them: they are several times larger than all else, and seldom needed twice.
        """
        return _parsed(self.text) if self.text.strip() else None

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Condition):
            return NotImplemented
        return self.text == other.text and self.library is other.library

    def __hash__(self) -> int:
        return hash(self.text)

    def __repr__(self) -> str:
        return f"Condition({self.text!r})"

    @cached_property
    def evaluate(self) -> Callable[[Any], Any]:
        """``evaluate(context)`` returns the value of the condition on ``context``; True for a blank one.

        Lists and dicts of the result are the caller's own; lazy mappings of the context are handed out as they are.
        Raises ConditionEvaluationError for a wrong type, a limit, and whatever a function or the context raises;
        the engine's own errors, raised by a lazy context, pass unchanged.
        """
        return self._compiled(evaluator)

    @cached_property
    def matches(self) -> Callable[[Any], bool]:
        """``matches(context)`` tells whether the value is true for JMESPath; raises as ``evaluate`` does."""
        # The generated function itself: a method around it would double what a simple condition costs.
        return self._compiled(matcher)

    def explain(self, context: Any) -> list[Part]:
        """Return the value and verdict of the whole and of each side of its logical operators; never raises."""
        parsed = self.parsed
        if parsed is None:
            return [Part(self.text, 0, len(self.text), 0, value=True, verdict=True)]
        return explain(parsed, self.library, context)

    @cached_property
    def reads(self) -> Reads:
        """What the condition reads, place by place."""
        return reads_of(self.parsed, self.library) if self.parsed is not None else Reads()

    @cached_property
    def paths(self) -> frozenset[Path]:
        """The paths that the condition reads from the root, as tuples of field names.

        Indexes, slices, filters and projections leave no trace: ``instance.lines[?sku == 'a'].price`` reads
        ``("instance", "lines", "sku")`` and ``("instance", "lines", "price")``. A path whose whole value is used
        stands for everything below it; the empty path is the whole context.
        """
        return self.reads.paths()

    @cached_property
    def warnings(self) -> tuple[str, ...]:
        """What is allowed, but perhaps not meant; each with a caret line."""
        return tuple(map(str, warnings_of(self.parsed))) if self.parsed is not None else ()

    def _compiled(self, compiler: Callable[[Parsed, Library, Fail], Callable[[Any], Any]]) -> Callable[[Any], Any]:
        parsed = self.parsed
        return compiler(parsed, self.library, partial(_fail, self.text)) if parsed is not None else _always
