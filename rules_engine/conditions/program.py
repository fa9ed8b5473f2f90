"""From the tree of a condition to the functions that are called: code, or closures where that does not pay."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Any, NoReturn

from rules_engine.conditions.closures import Run, closure_of, weight_of
from rules_engine.conditions.codegen import Scope, TooComplex, Writer
from rules_engine.conditions.hostfunctions import Library
from rules_engine.conditions.limits import Budget
from rules_engine.conditions.parser import Node, height
from rules_engine.conditions.runtime import NAMESPACE
from rules_engine.conditions.values import detached, is_true

MAX_NODES = 400
"""A larger tree is not worth the time that compiling its code takes."""
MAX_HEIGHT = 24
"""A higher tree could be too deep for Python's compiler."""
KEPT_CODES = 512
"""Code objects that are kept for further conditions of the same shape."""

Fail = Callable[[Exception], NoReturn]
"""Raises the error that the callers of a condition shall see."""


def matcher(tree: Node, library: Library, fail: Fail) -> Callable[[Any], bool]:
    """Return the function that tells whether a condition is true for a context."""

    def write(writer: Writer) -> None:
        writer.line(f"return True if {writer.test(tree, Scope())} else False")

    run = _generated(tree, library, write, fail)
    return run or _guarded(closure_of(tree, library), lambda value, budget: is_true(value), fail)


def evaluator(tree: Node, library: Library, fail: Fail) -> Callable[[Any], Any]:
    """Return the function that gives the value of a condition for a context, as the caller's own."""

    def write(writer: Writer) -> None:
        first, name = writer.named(writer.value(tree, Scope()))
        writer.line(
            f"return {name} if (y := type({first})) is bool or y is str or y is int or {name} is None "
            f"else detached({name}, {writer.budget}.spend)"
        )

    run = _generated(tree, library, write, fail)
    return run or _guarded(closure_of(tree, library), lambda value, budget: detached(value, budget.spend), fail)


def reader(tree: Node, library: Library) -> Callable[[Any], Any]:
    """Return the function that gives the raw value of a sub-expression; errors come as they are."""

    def write(writer: Writer) -> None:
        writer.line(f"return {writer.value(tree, Scope()).text}")

    closure: Run
    run = _generated(tree, library, write, None)
    if run is not None:
        return run
    closure = closure_of(tree, library)
    return lambda context: closure(Budget(), context, context)


def tracer(
    tree: Node,
    library: Library,
    watched: Sequence[Node],
    enter: Callable[[int], None],
    leave: Callable[[int, Any], None],
) -> Callable[[Any], Any]:
    """Return a function that evaluates a tree and tells of some of its nodes, by their number in ``watched``.

    ``enter(number)`` is called before a node is evaluated, ``leave(number, value)`` after it has been.
    """

    def write(writer: Writer) -> None:
        writer.line(f"return {writer.value(tree, Scope()).text}")

    run = _generated(tree, library, write, None, watched, {"enter": enter, "leave": leave})
    if run is not None:
        return run
    numbers = {id(node): number for number, node in enumerate(watched)}

    def watching(node: Node, inner: Run) -> Run:
        if id(node) not in numbers:
            return inner
        number = numbers[id(node)]

        def outer(budget: Budget, root: Any, current: Any) -> Any:
            enter(number)
            value = inner(budget, root, current)
            leave(number, value)
            return value

        return outer

    closure = closure_of(tree, library, watching)
    return lambda context: closure(Budget(), context, context)


def fused(trees: Sequence[Node], library: Library) -> Callable[[Any], list[int]]:
    """Return one function that gives the numbers of the trees that are true; it raises if one of them does.

    A path that several of them read is read once.
    """
    writer = Writer(library)
    writer.line("found = []")
    for number, tree in enumerate(trees):
        writer.line(f"if {writer.test(tree, Scope())}: found.append({number})")
    writer.line("return found")
    return _made(writer, None, {}, _factory.__wrapped__)


def pays(tree: Node) -> bool:
    """Tell whether a tree is small enough to be written as code."""
    return height(tree, MAX_HEIGHT) <= MAX_HEIGHT and weight_of(tree) <= MAX_NODES


def _guarded(run: Run, finish: Callable[[Any, Budget], Any], fail: Fail) -> Callable[[Any], Any]:
    def guarded(context: Any) -> Any:
        budget = Budget()
        try:
            return finish(run(budget, context, context), budget)
        except Exception as error:  # noqa: BLE001 - fail() tells them apart
            fail(error)

    return guarded


# --- source to function -----------------------------------------------------------------------------------


def _generated(
    tree: Node,
    library: Library,
    write: Callable[[Writer], None],
    fail: Fail | None,
    watched: Sequence[Node] = (),
    extra: dict[str, Any] | None = None,
) -> Callable[[Any], Any] | None:
    """Return the function that ``write`` writes, or None where it does not pay or Python's compiler refuses."""
    if not pays(tree):
        return None
    writer = Writer(library, watched)
    try:
        write(writer)
        return _made(writer, fail, extra or {}, _factory)
    except (TooComplex, RecursionError, MemoryError):
        # RecursionError: called from deep inside somebody else's recursion, where closures still work.
        return None


def _made(
    writer: Writer, fail: Fail | None, extra: dict[str, Any], factory: Callable[[str], Callable[..., Any]]
) -> Callable[[Any], Any]:
    constants = {f"k{number}": value for number, value in enumerate(writer.constants)}
    if fail is not None:
        extra = {**extra, "fail": fail}
    source = source_of(writer, [*constants, *extra], guarded=fail is not None)
    function: Callable[[Any], Any] = factory(source)(**constants, **extra)
    return function


def source_of(writer: Writer, parameters: Sequence[str], *, guarded: bool) -> str:
    """Return the source of ``make(...)``, which takes the constants and returns the function of a context."""
    body = [*(["b = Budget()"] if writer.needs_budget else []), *writer.lines]
    if guarded:
        body = ["try:", *_indented(body), "except Exception as error:", "    fail(error)"]
    functions = [*writer.functions, "def run(c):", *_indented(body), "return run"]
    return "\n".join([f"def make({', '.join(parameters)}):", *_indented(functions), ""])


def _indented(lines: Sequence[str]) -> list[str]:
    return [f"    {line}" for line in lines]


@lru_cache(maxsize=KEPT_CODES)
def _factory(source: str) -> Callable[..., Any]:
    found: dict[str, Any] = {}
    # Nothing that somebody wrote is part of the source: names and literals are parameters of make().
    exec(compile(source, "<condition>", "exec"), NAMESPACE, found)  # noqa: S102
    make: Callable[..., Any] = found["make"]
    return make
