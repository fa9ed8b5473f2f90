"""What functions take: kinds and numbers of arguments, checked alike for built-in functions and a host's."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from rules_engine.conditions.faults import Fault
from rules_engine.conditions.values import ARRAY, STRING, kind_of, present

EXPREF = "expref"

_LONG = 1024
"""Characters of a text that are one step; the reading of a shorter one is not counted."""

_WORDS = {
    "null": "null",
    "boolean": "true or false",
    "number": "a number",
    "string": "a text",
    "array": "a list",
    "object": "an object",
    "array-number": "a list of numbers",
    "array-string": "a list of texts",
    "array-boolean": "a list of true or false",
    "array-object": "a list of objects",
    EXPREF: "an expression such as &name",
    "unknown": "something that is no JSON value",
}


@dataclass(frozen=True)
class Signature:
    """The arguments of a function.

    ``kinds`` has one tuple of JMESPath types for each argument, ``("array-number", "array-string")``; an empty one
    takes anything. The last one stands for all further arguments of a variadic function.
    """

    kinds: tuple[tuple[str, ...], ...]
    required: int
    variadic: bool = False

    def count_problem(self, name: str, count: int) -> str | None:
        """Say what is wrong with calling ``name`` with ``count`` arguments, or return None."""
        most = None if self.variadic else len(self.kinds)
        if count >= self.required and (most is None or count <= most):
            return None
        wanted = f"at least {self.required}" if most is None else str(self.required)
        if most is not None and most != self.required:
            wanted = f"{self.required} to {most}"
        plural = "" if wanted.endswith("1") else "s"
        return f"{name}() takes {wanted} argument{plural}, not {count}."

    def usage(self, name: str) -> str:
        """How a condition calls the function ``name``: "contains(a list or a text, anything)"."""
        shown = [wording(kinds) for kinds in self.kinds]
        shown[self.required :] = [f"[{word}]" for word in shown[self.required :]]
        return f"{name}({', '.join(shown)}{', …' if self.variadic else ''})"

    def kinds_at(self, index: int) -> tuple[str, ...]:
        """The types that argument ``index`` may have; empty for any."""
        return self.kinds[min(index, len(self.kinds) - 1)] if self.kinds else ()

    def check(self, name: str, arguments: list[Any], spend: Callable[[int], None]) -> None:
        """Raise Fault unless every argument has a type that the function takes."""
        for index, argument in enumerate(arguments):
            kinds = self.kinds_at(index)
            if type(argument) is str and STRING in kinds and len(argument) < _LONG:
                continue
            if kinds:
                _check_argument(name, index, argument, kinds, spend)


def argument_kind(argument: Any) -> str:
    """The JMESPath type of an argument: like ``kind_of``, and ``expref`` for ``&expression``."""
    return EXPREF if isinstance(argument, Expression) else kind_of(argument)


class Expression:
    """An ``&expression`` handed to a function, which calls it with each item."""

    __slots__ = ("_run",)

    def __init__(self, run: Callable[[Any], Any]) -> None:
        self._run = run

    def __call__(self, item: Any) -> Any:
        return present(self._run(present(item)))


def _check_argument(
    name: str, index: int, argument: Any, kinds: tuple[str, ...], spend: Callable[[int], None]
) -> None:
    kind = argument_kind(argument)
    if kind == STRING:
        spend(len(argument) >> 10)
    if kind in kinds:
        return
    if kind == ARRAY:
        of = [wanted.removeprefix("array-") for wanted in kinds if wanted.startswith("array-")]
        if of:
            _check_items(name, index, argument, kinds, of, spend)
            return
    hint = " It may be missing: guard it with && in front." if kind == "null" else ""
    raise Fault(f"{name}() needs {wording(kinds)} as argument {index + 1}, but it is {_WORDS[kind]}.{hint}")


def _check_items(
    name: str, index: int, items: Any, kinds: tuple[str, ...], of: list[str], spend: Callable[[int], None]
) -> None:
    spend(len(items))
    found = [kind_of(item) for item in items]
    # A list of numbers or a list of texts, but not of both: the first item decides.
    allowed = found[:1] if found and found[0] in of else of
    for number, kind in enumerate(found, 1):
        if kind not in allowed:
            raise Fault(
                f"{name}() needs {wording(kinds)} as argument {index + 1}, "
                f"but item {number} of the list is {_WORDS[kind]}."
            )


def fitting(kinds: tuple[str, ...]) -> frozenset[str]:
    """The JMESPath types of arguments that ``kinds`` take, whatever a list holds."""
    return frozenset(kind.partition("-")[0] for kind in kinds)


def wording(kinds: tuple[str, ...]) -> str:
    """The kinds in words: "a text or a list"."""
    words = [_WORDS[kind] for kind in kinds] or ["anything"]
    return " or ".join(words)
