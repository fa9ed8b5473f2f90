"""Conditions: compiled once, evaluated against many contexts."""

from __future__ import annotations

from collections import ChainMap
from collections.abc import Callable, Mapping
from functools import cached_property, lru_cache
from typing import Any

from rules_engine.conditions.calls import check_calls
from rules_engine.conditions.explanation import Part, explain, reason
from rules_engine.conditions.faults import Fault
from rules_engine.conditions.hostfunctions import HostFunction, Library
from rules_engine.conditions.interpreter import Interpreter
from rules_engine.conditions.parser import Parsed, parse
from rules_engine.conditions.paths import Path, Reads, reads_of
from rules_engine.conditions.registry import functions as registry
from rules_engine.conditions.registry import registered
from rules_engine.conditions.traps import warnings_of
from rules_engine.conditions.values import detached, is_true, present
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
    if not text.strip():
        return Condition(text, None, library)
    parsed = parse(text)
    check_calls(parsed, library)
    return Condition(text, parsed, library)


class Condition:
    """A compiled condition; immutable, shared between threads. Made by ``compile_condition``."""

    def __init__(self, text: str, parsed: Parsed | None, library: Library) -> None:
        self.text = text
        self._parsed = parsed
        self._library = library

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Condition):
            return NotImplemented
        return self.text == other.text and self._library is other._library

    def __hash__(self) -> int:
        return hash(self.text)

    def __repr__(self) -> str:
        return f"Condition({self.text!r})"

    def evaluate(self, context: Any) -> Any:
        """Return the value of the condition on ``context``; True for a blank one.

        Lists and dicts of the result are the caller's own; lazy mappings of the context are handed out as they are.
        Raises ConditionEvaluationError for a wrong type, a limit, and whatever a function or the context raises;
        the engine's own errors, raised by a lazy context, pass unchanged.
        """
        if self._parsed is None:
            return True
        return self._run(context, detached)

    def matches(self, context: Any) -> bool:
        """Tell whether the value is true for JMESPath; raises as ``evaluate`` does."""
        if self._parsed is None:
            return True
        return bool(self._run(context, lambda value, spend: is_true(value)))

    def explain(self, context: Any) -> list[Part]:
        """Return the value and verdict of the whole and of each side of its logical operators; never raises."""
        if self._parsed is None:
            return [Part(self.text, 0, len(self.text), 0, value=True, verdict=True)]
        return explain(self._parsed, self._library, context)

    @cached_property
    def reads(self) -> Reads:
        """What the condition reads, place by place."""
        return reads_of(self._parsed, self._library) if self._parsed is not None else Reads()

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
        return tuple(map(str, warnings_of(self._parsed))) if self._parsed is not None else ()

    def _run(self, context: Any, finish: Callable[[Any, Callable[[int], None]], Any]) -> Any:
        assert self._parsed is not None  # noqa: S101 - the callers have looked
        interpreter = Interpreter(self._library)
        try:
            return finish(interpreter.run(self._parsed.tree, present(context)), interpreter.budget.spend)
        except Fault as fault:
            raise self._error(fault.summary, fault.position) from fault.__cause__
        except RulesEngineError:
            raise
        except Exception as error:
            raise self._error(reason(error)) from error

    def _error(self, summary: str, position: int | None = None) -> ConditionEvaluationError:
        return ConditionEvaluationError(summary, text=self.text, position=position)
