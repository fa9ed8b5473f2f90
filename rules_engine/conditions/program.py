"""From the tree of a condition to the functions that are called: code, or closures where that does not pay."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import lru_cache
from types import MappingProxyType
from typing import Any, NoReturn

from rules_engine.conditions.closures import Run, closure_of, weight_of
from rules_engine.conditions.codegen import Scope, TooComplex, Writer, is_total
from rules_engine.conditions.hostfunctions import Library
from rules_engine.conditions.limits import Budget
from rules_engine.conditions.parser import Node, Parsed, height, parse
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


def matcher(parsed: Parsed, library: Library, fail: Fail) -> Callable[[Any], bool]:
    """Return the function that tells whether a condition is true for a context."""

    def write(writer: Writer, tree: Node) -> None:
        writer.line(f"return True if {writer.test(tree, Scope())} else False")

    run = _generated(parsed.tree, library, write, fail, reparse=_reparse(parsed.text))
    return run or _guarded(closure_of(parsed.tree, library), lambda value, budget: is_true(value), fail)


def evaluator(parsed: Parsed, library: Library, fail: Fail) -> Callable[[Any], Any]:
    """Return the function that gives the value of a condition for a context, as the caller's own."""

    def write(writer: Writer, tree: Node) -> None:
        first, name = writer.named(writer.value(tree, Scope()))
        writer.line(
            f"return {name} if (y := type({first})) is bool or y is str or y is int or {name} is None "
            f"else detached({name}, {writer.budget}.spend)"
        )

    run = _generated(parsed.tree, library, write, fail, reparse=_reparse(parsed.text))
    return run or _guarded(
        closure_of(parsed.tree, library), lambda value, budget: detached(value, budget.spend), fail
    )


def _reparse(text: str) -> Callable[[], Node]:
    # The tree is not kept for the second version: it is many times larger than the text.
    return lambda: parse(text).tree


def reader(tree: Node, library: Library) -> Callable[[Any], Any]:
    """Return the function that gives the raw value of a sub-expression; errors come as they are."""
    run = _generated(tree, library, _write_value, None, reparse=lambda: tree)
    if run is not None:
        return run
    closure = closure_of(tree, library)
    return lambda context: closure(Budget(), context, context)


def _write_value(writer: Writer, tree: Node) -> None:
    writer.line(f"return {writer.value(tree, Scope()).text}")


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

    run = _generated(tree, library, _write_value, None, watched, {"enter": enter, "leave": leave})
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


Fused = Callable[[Any], tuple[list[int], list[int]]]
"""Gives the numbers of the trees that are true, and of those that raised something."""


def fused(trees: Sequence[Node], library: Library) -> Fused:
    """Return one function for many trees, in which a path that several of them read is read once.

    It raises only what reading the context raises, or a limit.
    """
    return _fused(trees, library, _later(lambda: _fused(trees, library, None)))


def _fused(trees: Sequence[Node], library: Library, again: Fused | None) -> Fused:
    writer = Writer(library, expecting=again is not None)
    writer.line("found, raised = [], []")
    for number, tree in enumerate(trees):
        if is_total(tree):
            writer.line(f"if {writer.test(tree, Scope())}: found.append({number})")
    for number, tree in enumerate(trees):
        if not is_total(tree):
            _write_guarded(writer, number, tree)
    writer.line("return found, raised")
    names = {"again": again} if again is not None and writer.may_miss else {}
    return _made(writer, names, _factory.__wrapped__)


def _write_guarded(writer: Writer, number: int, tree: Node) -> None:
    # What it reads is not shared, since it may end anywhere, and not expected, since it catches KeyError.
    with writer.branch(), writer.expecting_nothing():
        with writer.block("try:"):
            writer.line(f"if {writer.test(tree, Scope())}: found.append({number})")
        writer.line(f"except Exception: raised.append({number})")


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
    write: Callable[[Writer, Node], None],
    fail: Fail | None,
    watched: Sequence[Node] = (),
    names: Mapping[str, Any] = MappingProxyType({}),
    reparse: Callable[[], Node] | None = None,
) -> Callable[[Any], Any] | None:
    """Return the function that ``write`` writes, or None where it does not pay or Python's compiler refuses.

    With ``reparse``, which gives the tree once more, it expects fields to be there.
    """
    if not pays(tree):
        return None
    writer = Writer(library, watched, expecting=reparse is not None)
    names = dict(names)
    if fail is not None:
        names["fail"] = fail
    try:
        write(writer, tree)
        if writer.may_miss and reparse is not None:
            names["again"] = _later(lambda: _generated(reparse(), library, write, fail))
        return _made(writer, names, _factory)
    except (TooComplex, RecursionError, MemoryError):
        # RecursionError: called from deep inside somebody else's recursion, where closures still work.
        return None


def _later(make: Callable[[], Callable[[Any], Any] | None]) -> Callable[[Any], Any]:
    """Return a function that is made at its first call."""
    made: list[Callable[[Any], Any]] = []

    def again(context: Any) -> Any:
        if not made:
            run = make()
            if run is None:
                raise RecursionError
            made.append(run)
        return made[0](context)

    return again


def _made(
    writer: Writer, names: Mapping[str, Any], factory: Callable[[str], Callable[..., Any]]
) -> Callable[[Any], Any]:
    constants = {f"k{number}": value for number, value in enumerate(writer.constants)}
    function: Callable[[Any], Any] = factory(source_of(writer, names))(**constants, **names)
    return function


def source_of(writer: Writer, names: Iterable[str] = ()) -> str:
    """Return the source of ``make(...)``, which takes the constants and ``names`` and returns the function.

    Of the names, ``again`` is called where something expected is missing, and ``fail`` with every other error.
    """
    names = list(names)
    body = [*(["b = None"] if writer.needs_budget else []), *writer.lines]
    handlers = []
    if "again" in names:
        handlers += ["except KeyError:", "    return again(c)"]
    if "fail" in names:
        handlers += ["except Exception as error:", "    fail(error)"]
    if handlers:
        body = ["try:", *_indented(body), *handlers]
    functions = [*writer.functions, "def run(c):", *_indented(body), "return run"]
    parameters = [*(f"k{number}" for number in range(len(writer.constants))), *names]
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
