"""Checks of function calls when a condition is compiled, so that none waits for the first event to fail."""

from __future__ import annotations

from collections.abc import Sequence
from difflib import get_close_matches

from rules_engine.conditions.functions import builtin_signatures
from rules_engine.conditions.hints import WORDS
from rules_engine.conditions.hostfunctions import Library
from rules_engine.conditions.lookup import find_function, own_functions
from rules_engine.conditions.parser import Node, Parsed, children_of, nodes_of, span_of
from rules_engine.conditions.signatures import EXPREF, Signature
from rules_engine.exceptions import ConditionSyntaxError


def check_calls(parsed: Parsed, library: Library) -> None:
    """Raise ConditionSyntaxError for unknown functions, wrong arguments, and slices with step 0."""
    if parsed.tree["type"] == EXPREF:
        raise _error(parsed, parsed.tree, _STRAY)
    for node in nodes_of(parsed.tree):
        if node["type"] == "function_expression":
            _check_call(parsed, node, library)
        else:
            _check_other(parsed, node)


_STRAY = "& belongs in front of a function's argument. 'and' is written &&."


def _error(parsed: Parsed, node: Node, message: str) -> ConditionSyntaxError:
    start, _ = span_of(node) or (0, 0)
    return ConditionSyntaxError(message, text=parsed.text, position=start)


def _check_call(parsed: Parsed, node: Node, library: Library) -> None:
    name, arguments = node["value"], node["children"]
    signature = _signature(name, library)
    if signature is None:
        raise _error(
            parsed, node, _unknown(name, [*sorted(builtin_signatures()), *sorted({*own_functions(), *library})])
        )
    problem = signature.count_problem(name, len(arguments))
    if problem:
        raise _error(parsed, node, problem + _no_method(parsed, node))
    for index, argument in enumerate(arguments):
        wants = EXPREF in signature.kinds_at(index)
        if wants and argument["type"] != EXPREF:
            raise _error(
                parsed,
                argument,
                f"{name}() needs an expression as argument {index + 1}: put & in front, as in &name.",
            )
        if not wants and argument["type"] == EXPREF:
            raise _error(parsed, argument, f"{name}() takes no & in front of argument {index + 1}.")


def _no_method(parsed: Parsed, node: Node) -> str:
    if not parsed.text[: node["span"][0]].rstrip().endswith("."):
        return ""
    return f" Functions are not called with a dot: write {node['value']}(a, …), not a.{node['value']}(…)."


def _signature(name: str, library: Library) -> Signature | None:
    builtin = builtin_signatures().get(name)
    if builtin is not None:
        return builtin
    function = find_function(name, library)
    return function.signature if function is not None else None


def _unknown(name: str, known: Sequence[str]) -> str:
    if name.lower() in WORDS:
        return WORDS[name.lower()]
    # Other languages write startsWith: without case and underscores it is the same word.
    flat = {candidate.replace("_", "").lower(): candidate for candidate in known}
    close = get_close_matches(name.lower().replace("_", ""), flat, n=1, cutoff=0.7)
    hint = f" Did you mean {flat[close[0]]}()?" if close else f" Known: {', '.join(known)}."
    return f"There is no function {name}().{hint}"


def _check_other(parsed: Parsed, node: Node) -> None:
    if node["type"] == "index_expression" and any(_stands_still(child) for child in node["children"]):
        raise _error(parsed, node, "The step of a slice cannot be 0.")
    for child in children_of(node):
        if child["type"] == EXPREF:
            raise _error(parsed, child, _STRAY)


def _stands_still(node: Node) -> bool:
    return bool(node["type"] == "slice" and node["children"][2] == 0)
