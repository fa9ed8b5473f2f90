"""Regular expressions by RE2, whose time grows with the length of the text and never explodes.

Linear is not yet cheap: RE2 may take some 10 ns for each byte of the text and each instruction of the pattern. Both
are counted as steps of the evaluation, so that a large pattern cannot read a long text for seconds.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Annotated, Any

from rules_engine.conditions.faults import Fault
from rules_engine.conditions.hostfunctions import Checked, HostFunction
from rules_engine.conditions.values import Spend

MAX_PATTERN_LENGTH = 500
"""Characters of a regular expression."""

_MEMORY = 1 << 20
"""Bytes of a compiled pattern with what RE2 keeps of its states; the library's default is eight times that."""

_STEPS_TO_COMPILE = 2_000
_WORK_OF_A_STEP = 128
"""Bytes of the text times instructions of the pattern that are one step."""


class _Pattern:
    """A compiled pattern, or why there is none."""

    def __init__(self, text: str) -> None:
        self.used = False
        self.problem = ""
        try:
            self.compiled = _compiled(text)
        except _Unusable as error:
            self.problem = str(error)


class _Unusable(Exception):
    """A text is no pattern; the message says why."""


def _compiled(text: str) -> Any:
    try:
        import re2
    except ImportError:
        raise _Unusable("Regular expressions need the package google-re2, which is not installed.") from None
    if len(text) > MAX_PATTERN_LENGTH:
        raise _Unusable(f"A pattern has at most {MAX_PATTERN_LENGTH} characters.")
    options = re2.Options()
    options.max_mem = _MEMORY
    # The library would write to the process's standard error.
    options.log_errors = False
    try:
        return re2.compile(text, options)
    except UnicodeEncodeError:
        raise _Unusable("This pattern holds half of a surrogate pair.") from None
    except re2.error as error:
        reason = error.args[0].decode(errors="replace") if error.args else ""
        raise _Unusable(f"This is not a pattern: {reason}. Patterns are written as RE2 reads them.") from None


@lru_cache(maxsize=512)
def _pattern(text: str) -> _Pattern:
    return _Pattern(text)


def _searched(text: str, pattern: str, spend: Spend) -> Any:
    """The first match in the text, or None."""
    found = _pattern(pattern)
    if not found.used:
        spend(_STEPS_TO_COMPILE)
        found.used = True
    if found.problem:
        raise Fault(found.problem)
    spend(len(text) * found.compiled.programsize // _WORK_OF_A_STEP)
    try:
        return found.compiled.search(text)
    except UnicodeEncodeError:
        # Half of a surrogate pair, which no UTF-8 text can hold; contexts of events have none.
        return found.compiled.search(text.encode("utf-16", "surrogatepass").decode("utf-16", "replace"))


def check_pattern(pattern: str) -> None:
    """Raise Fault for a text that is no pattern."""
    if problem := _pattern(pattern).problem:
        raise Fault(problem)


Pattern = Annotated[str, Checked(check_pattern)]


def matches(text: str, pattern: Pattern, *, spend: Spend = lambda steps: None) -> bool:
    r"""Whether a regular expression matches somewhere in the text; ``^`` and ``$`` bind it to the ends.

    The syntax is RE2's: like Perl's and Python's, without look-around and back references. ``(?i)`` in front ignores
    capitals; ``\d`` and ``\w`` are ASCII, ``\p{L}`` is any letter.

    Examples:
        matches('A-1042', '^[A-Z]-\d+$') -> true
        matches('see A-1042', '[A-Z]-\d+') -> true
        matches('see A-1042', '^[A-Z]-\d+$') -> false
        matches('Überweisung', '(?i)überw') -> true
        matches('x', '[') -> error: This is not a pattern: missing ]: [. Patterns are written as RE2 reads them.
    """
    return _searched(text, pattern, spend) is not None


def find(text: str, pattern: Pattern, group: int = 0, *, spend: Spend = lambda steps: None) -> str | None:
    r"""The first part of the text that a regular expression matches; null if none does.

    With a number, what the group of that number in the pattern matched.

    Examples:
        find('order A-1042 of May', '[A-Z]-\d+') -> "A-1042"
        find('order A-1042 of May', '[A-Z]-(\d+)', `1`) -> "1042"
        find('no order', '\d+') -> null
    """
    match = _searched(text, pattern, spend)
    groups = _pattern(pattern).compiled.groups
    if not 0 <= group <= groups:
        raise Fault(f"This pattern has the groups 0 to {groups}, but no group {group}.")
    part: str | None = match.group(group) if match is not None else None
    return part


FUNCTIONS = (HostFunction.of("matches", matches), HostFunction.of("find", find))
