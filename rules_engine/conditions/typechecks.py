"""Whether the types and constants of a condition fit each other and what its context can hold."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from rules_engine.conditions.comparisons import comparison_problem, value_problem
from rules_engine.conditions.faults import Fault
from rules_engine.conditions.functions import builtin_signatures
from rules_engine.conditions.guesses import Guess, guess_at, guesses_of
from rules_engine.conditions.hostfunctions import HostFunction, Library
from rules_engine.conditions.library.changes import CHANGES
from rules_engine.conditions.lookup import find_function
from rules_engine.conditions.moments import canonical_moment
from rules_engine.conditions.parser import Node, Parsed, children_of, nodes_of, span_of
from rules_engine.conditions.problems import ERROR, WARNING, Problem
from rules_engine.conditions.shapes import DATE_AND_TIME, Fields, Leaf, Shape
from rules_engine.conditions.signatures import EXPREF, Signature, fitting, wording
from rules_engine.conditions.values import ARRAY, NULL, NUMBER, STRING, equal, is_true

_LOGICAL = ("and_expression", "or_expression", "not_expression")


def type_problems(parsed: Parsed, schema: Fields | Shape | None, library: Library) -> list[Problem]:
    """Return what cannot work in a condition, or is perhaps not meant, in the order of the text."""
    checker = _Checker(parsed, schema, library)
    found = {problem for rule in _RULES for problem in rule(checker)}
    return sorted(found, key=lambda problem: (problem.position, problem.message))


class _Checker:
    def __init__(self, parsed: Parsed, schema: Fields | Shape | None, library: Library) -> None:
        self.tree = parsed.tree
        self.schema = schema
        self.library = library
        self._parsed = parsed
        self._guesses = guesses_of(parsed.tree, schema, library)
        self.guarded = _guarded(parsed)

    def guess(self, node: Node) -> Guess:
        """What the value of a node can be."""
        return self._guesses[id(node)]

    def text(self, node: Node) -> str:
        """What is written of a node."""
        return _text(self._parsed, node)

    def problem(self, node: Node, message: str, severity: str = ERROR) -> Problem:
        """A finding at a node."""
        return Problem(message, (span_of(node) or (0, 0))[0], self._parsed.text, severity)


def _text(parsed: Parsed, node: Node) -> str:
    start, end = node.get("span") or span_of(node) or (0, 0)
    text = parsed.text[start:end]
    return text[1:-1].strip() if node.get("grouped") else text


# --- comparisons ------------------------------------------------------------------------------------------


def _comparisons(checker: _Checker) -> Iterator[Problem]:
    for node in nodes_of(checker.tree):
        if node["type"] != "comparator":
            continue
        left, right = ((checker.text(child), checker.guess(child)) for child in node["children"])
        if left[1].constant and right[1].constant:
            yield checker.problem(node, "This compares two constants: it is always the same.", WARNING)
        elif left[0] == right[0]:
            yield checker.problem(node, f"This compares {left[0]} with itself: it is always the same.", WARNING)
        elif message := comparison_problem(node["value"], left, right):
            yield checker.problem(node, message)


def _members(checker: _Checker) -> Iterator[Problem]:
    """The constants of ``contains(`["paid", …]`, status)``."""
    for node in _calls(checker, "contains"):
        holder, wanted = map(checker.guess, node["children"])
        if not holder.constant or not isinstance(holder.constant[0], list) or not isinstance(wanted.known, Leaf):
            continue
        for value in holder.constant[0]:
            message = value_problem(checker.text(node["children"][1]), wanted.known, value)
            if not message and wanted.known.kind == DATE_AND_TIME and value != canonical_moment(value):
                message = f"Inside a list a date-time is written as contexts have it: '{canonical_moment(value)}'."
            if message:
                yield checker.problem(node["children"][0], message)


# --- calls ------------------------------------------------------------------------------------------------


def _calls(checker: _Checker, *names: str) -> Iterator[Node]:
    for node in nodes_of(checker.tree):
        if node["type"] == "function_expression" and (not names or node["value"] in names):
            yield node


def _arguments(checker: _Checker) -> Iterator[Problem]:
    for node in _calls(checker):
        signature = _signature(checker, node["value"])
        for index, argument in enumerate(node["children"]):
            kinds = signature.kinds_at(index) if signature is not None else ()
            guess = checker.guess(argument)
            if kinds and argument["type"] != EXPREF:
                yield from _argument(checker, node["value"], argument, guess, kinds)
            yield from _constant(checker, node["value"], index, argument, guess)


def _signature(checker: _Checker, name: str) -> Signature | None:
    function = find_function(name, checker.library)
    return builtin_signatures().get(name) or (function.signature if function is not None else None)


def _argument(
    checker: _Checker, name: str, argument: Node, guess: Guess, kinds: tuple[str, ...]
) -> Iterator[Problem]:
    text, fits = checker.text(argument), fitting(kinds)
    if not guess.kinds & fits:
        message = f"{name}() needs {wording(kinds)}, but {text} is {_words(guess)}.{_hint(name, text, guess)}"
        yield checker.problem(argument, message)
        return
    of = {kind.partition("-")[2] for kind in kinds if "-" in kind}
    if of and ARRAY not in kinds and guess.kinds - {NULL} == {ARRAY} and not guess.items().kinds & of:
        message = f"{name}() needs {wording(kinds)}, but the items of {text} are not: {_words(guess.items())}."
        yield checker.problem(argument, message)
    elif NULL not in fits and isinstance(guess.known, Leaf) and guess.known.nullable and text not in checker.guarded:
        yield checker.problem(
            argument,
            f"{text} may be null, and {name}() fails on null. Guard it: {text} && …, or coalesce({text}, …).",
            WARNING,
        )


def _words(guess: Guess) -> str:
    return wording(tuple(sorted(guess.kinds - {NULL} or guess.kinds)))


def _hint(name: str, text: str, guess: Guess) -> str:
    if guess.kinds - {NULL} == {ARRAY} and name in ("lower", "upper", "trim", "starts_with", "ends_with", "matches"):
        return f" Call it for each item, as in {text}[?{name}(@, …)]."
    return ""


def _constant(checker: _Checker, name: str, index: int, argument: Node, guess: Guess) -> Iterator[Problem]:
    """A constant is checked against the choices and the ``Checked`` of its parameter."""
    function = find_function(name, checker.library)
    plain = function if isinstance(function, HostFunction) or function is None else function.plain
    if plain is None or not plain.parameters or not guess.constant or name in builtin_signatures():
        return
    parameter, value = plain.parameter_at(index), guess.constant[0]
    if parameter.choices and value not in parameter.choices:
        shown = ", ".join(f"'{choice}'" for choice in parameter.choices)
        message = f"{name}() knows no {parameter.name} {checker.text(argument)}. There are: {shown}."
        yield checker.problem(argument, message)
    if parameter.check is not None and isinstance(value, str):
        try:
            parameter.check(value)
        except Fault as fault:
            yield checker.problem(argument, f"{name}(): {fault.summary}")


def _texts_in_texts(checker: _Checker) -> Iterator[Problem]:
    """``contains('5', `5`)`` raises."""
    for node in _calls(checker, "contains"):
        holder, wanted = map(checker.guess, node["children"])
        if holder.kinds - {NULL} == {STRING} and STRING not in wanted.kinds:
            yield checker.problem(
                node["children"][1],
                f"{checker.text(node['children'][0])} is a text, which contains texts only. "
                f"Write to_string({checker.text(node['children'][1])}).",
            )


def _changed_values(checker: _Checker) -> Iterator[Problem]:
    """The value of ``changed_to('status', value)`` is one that the field can hold."""
    for name, side in (("changed_to", "new"), ("changed_from", "old")):
        for node in _calls(checker, name):
            field, value = map(checker.guess, node["children"])
            if not field.constant or not isinstance(field.constant[0], str):
                continue
            held = guess_at(checker.schema, CHANGES, field.constant[0], side)
            texts = field.constant[0], checker.text(node["children"][1])
            if message := comparison_problem("eq", (texts[0], held), (texts[1], value)):
                yield checker.problem(node["children"][1], message)


# --- truth ------------------------------------------------------------------------------------------------


def _truths(checker: _Checker) -> Iterator[Problem]:
    """What is always true or never where only its truth counts."""
    for node, outer in _tested(checker.tree):
        guess, text = checker.guess(node), checker.text(node)
        if node["type"] in _LOGICAL or node["type"] == "comparator":
            continue
        if guess.constant:
            yield checker.problem(node, *_constant_truth(text, outer, true=is_true(guess.constant[0])))
        elif guess.kinds == {NUMBER}:
            yield checker.problem(
                node, f"{text} is a number, and every number is true, 0 too. Compare it, as in {text} > `0`."
            )


def _constant_truth(text: str, outer: str, *, true: bool) -> tuple[str, str]:
    verdict = "always true" if true else "never true"
    if outer in ("and_expression", "or_expression"):
        sign = "||" if outer == "or_expression" else "&&"
        message = f"{text} stands alone here and is {verdict}. Each side of {sign} compares by itself: a == {text}."
        return message, ERROR
    return f"{text} is {verdict}.", WARNING


def _tested(tree: Node) -> Iterator[tuple[Node, str]]:
    """The nodes of which only the truth counts, each with the operator whose side it is."""
    waiting = [(tree, ""), *((test, "") for node in nodes_of(tree) for test in _tests_of(node))]
    while waiting:
        node, outer = waiting.pop()
        yield node, outer
        if node["type"] in ("and_expression", "or_expression"):
            waiting += [(child, node["type"]) for child in children_of(node)]


def _tests_of(node: Node) -> list[Node]:
    if node["type"] == "filter_projection":
        return [node["children"][2]]
    if node["type"] == "not_expression":
        return children_of(node)
    if node["type"] == "function_expression" and node["value"] in ("if", "became"):
        return children_of(node)[:1]
    return []


def _contradictions(checker: _Checker) -> Iterator[Problem]:
    """``a == 'x' && a == 'y'`` is never true, ``a != 'x' || a != 'y'`` always."""
    for node in nodes_of(checker.tree):
        for outer, sign, verdict, meant in _CLASHES:
            if node["type"] != outer:
                continue
            seen: dict[str, Node] = {}
            for child in children_of(node):
                text, constant = _compared(checker, child, sign)
                if constant is not None and not _same(seen.setdefault(text, constant), constant):
                    values = f"{checker.text(seen[text])} and with {checker.text(constant)}"
                    yield checker.problem(child, f"{text} is compared with {values}: this is {verdict}. {meant}")


_CLASHES = (
    ("and_expression", "eq", "never true", "'or' is written ||."),
    ("or_expression", "ne", "always true", "'and' is written &&."),
)


def _compared(checker: _Checker, node: Node, sign: str) -> tuple[str, Node | None]:
    """The text of what a comparison compares, and the constant; None for any other node."""
    if node["type"] != "comparator" or node["value"] != sign:
        return "", None
    left, right = node["children"]
    if left["type"] == "literal":
        left, right = right, left
    if left["type"] == "literal" or right["type"] != "literal":
        return "", None
    return checker.text(left), right


def _same(left: Node, right: Node) -> bool:
    return equal(left["value"], right["value"], lambda steps: None)


def _guarded(parsed: Parsed) -> set[str]:
    """The texts of all that is tested before something else: left of ``&&``, or as the condition of ``if``."""
    found: set[str] = set()
    for node in nodes_of(parsed.tree):
        if node["type"] == "and_expression":
            tests = children_of(node)[:-1]
        elif node["type"] == "function_expression" and node["value"] == "if":
            tests = node["children"][:1]
        else:
            continue
        found.update(_text(parsed, below) for test in tests for below in nodes_of(test))
    return found


_RULES: tuple[Callable[[_Checker], Iterator[Problem]], ...] = (
    _comparisons,
    _members,
    _arguments,
    _texts_in_texts,
    _changed_values,
    _truths,
    _contradictions,
)
