"""The beginner's mistakes that do parse: they are JMESPath, but hardly what their author means.

They are no syntax errors, because every JMESPath expression must compile; a form that saves a rule calls
``check_traps`` and refuses what it finds.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from json import JSONDecodeError, loads

from rules_engine.conditions.parser import Node, Parsed, nodes_of, parse, span_of
from rules_engine.conditions.problems import Problem
from rules_engine.exceptions import ConditionSyntaxError

_CONSTANTS = {"true": "true", "false": "false", "null": "null", "True": "true", "False": "false", "None": "null"}
_LOGICAL = ("and_expression", "or_expression")
_POSTFIX = ("subexpression", "index_expression", "projection", "filter_projection", "value_projection", "flatten")


def check_traps(text: str) -> list[Problem]:
    """Return the mistakes in a condition, in the order of the text; that it does not parse is one of them."""
    if not text.strip():
        return []
    try:
        parsed = parse(text)
    except ConditionSyntaxError as error:
        return [Problem(error.summary, error.position or 0, text)]
    found = {problem for rule in _RULES for problem in rule(parsed)}
    return sorted(found, key=lambda problem: (problem.position, problem.message))


def warnings_of(parsed: Parsed) -> list[Problem]:
    """Return what is allowed and perhaps meant, but worth a second look."""
    found = [*_negated_comparisons(parsed), *_bare_literals(parsed)]
    return sorted(found, key=lambda problem: problem.position)


# --- mistakes ---------------------------------------------------------------------------------------------


def _constants(parsed: Parsed) -> Iterator[Problem]:
    """``a == true`` compares with a field called "true"."""
    for node in _heads(parsed.tree):
        word = node["value"]
        if word in _CONSTANTS and not _quoted(parsed, node):
            yield _problem(
                parsed,
                node,
                f"{word} is the name of a field here. The constant is written `{_CONSTANTS[word]}`; if the field is "
                f"meant, write @.{word}.",
            )


def _heads(tree: Node) -> Iterator[Node]:
    """The fields that are read from the current value, not those behind a dot."""
    behind_a_dot = {
        id(link)
        for node in nodes_of(tree)
        if node["type"] in _POSTFIX
        # A filter's third child is its test, which begins with a name of its own.
        for child in (node["children"][1:] if node["type"] == "subexpression" else node["children"][1:2])
        for link in _leftmost(child)
    }
    return (node for node in nodes_of(tree) if node["type"] == "field" and id(node) not in behind_a_dot)


def _leftmost(node: Node) -> Iterator[Node]:
    """A node and, while it is a postfix of something, what it is a postfix of."""
    yield node
    while node["type"] in _POSTFIX:
        node = node["children"][0]
        yield node


def _quoted_texts(parsed: Parsed) -> Iterator[Problem]:
    """``a == "paid"`` compares with a field called "paid", as ``contains(tags, "vip")`` looks for one."""
    for node in nodes_of(parsed.tree):
        if node["type"] not in ("comparator", "function_expression"):
            continue
        operands = node["children"]
        # Beside a literal, or alone, the name of a field is the only sensible meaning.
        if len(operands) < 2 or any(operand["type"] == "literal" for operand in operands):
            continue
        for operand in operands:
            if operand["type"] == "field" and _quoted(parsed, operand):
                yield _problem(
                    parsed,
                    operand,
                    f"Double quotes stand around the name of a field. A text is written '{operand['value']}'; "
                    f'if the field is meant, write @."{operand["value"]}".',
                )


def _negated_heads(parsed: Parsed) -> Iterator[Problem]:
    """``!a.b`` is ``(!a).b``, and therefore always null."""
    seen: set[int] = set()
    for node in nodes_of(parsed.tree):
        if node["type"] not in _POSTFIX or id(node) in seen:
            continue
        *chain, head = _leftmost(node)
        seen.update(id(link) for link in chain)
        if head["type"] == "not_expression" and not head.get("grouped"):
            yield Problem(
                f"! binds tighter than what follows the name: this reads from ({_text(parsed, head)}), and is always "
                f"null. Write {_negated(parsed, head, node)}.",
                head["span"][0],
                parsed.text,
            )


def _negated(parsed: Parsed, head: Node, node: Node) -> str:
    """What ``node``, which begins with the negation ``head``, should have been."""
    inner = head
    while inner["type"] == "not_expression" and not inner.get("grouped"):
        inner = inner["children"][0]
    start, end = head["span"][0], _span(node, parsed)[1]
    meant = parsed.text[inner["span"][0] : end].strip()
    if meant.count("(") != meant.count(")"):
        return "!(a.b)"
    return f"{parsed.text[start : inner['span'][0]]}({meant})"


def _pipes_for_or(parsed: Parsed) -> Iterator[Problem]:
    """``a == 'x' | b == 'y'`` reads ``b`` from true or false."""
    for node in nodes_of(parsed.tree):
        if node["type"] != "pipe":
            continue
        for left, right in zip(node["children"], node["children"][1:], strict=False):
            if _is_verdict(left) and any(True for _ in _heads(right)):
                position = parsed.text.find("|", left["span"][1])
                yield Problem(
                    "| hands true or false on, which has no fields. 'or' is written ||.", position, parsed.text
                )


def _is_verdict(node: Node) -> bool:
    if node["type"] in _LOGICAL:
        return all(_is_verdict(child) for child in node["children"])
    return node["type"] in ("comparator", "not_expression")


def _broken_literals(parsed: Parsed) -> Iterator[Problem]:
    """`` `[1, 2` `` is no list but, by an old rule of JMESPath, the text "[1, 2"."""
    for start, inside in _no_json(parsed):
        if inside[:1] in '[{"-0123456789':
            yield Problem(
                "What stands between these backticks is not JSON: a bracket or quote is amiss.", start, parsed.text
            )


_RULES: tuple[Callable[[Parsed], Iterator[Problem]], ...] = (
    _constants,
    _quoted_texts,
    _negated_heads,
    _pipes_for_or,
    _broken_literals,
)


# --- warnings ---------------------------------------------------------------------------------------------


def _negated_comparisons(parsed: Parsed) -> Iterator[Problem]:
    for node in nodes_of(parsed.tree):
        if node["type"] != "comparator":
            continue
        left = node["children"][0]
        if left["type"] == "not_expression" and not left.get("grouped"):
            whole = parsed.text[left["span"][0] + 1 : node["span"][1]].strip()
            yield _problem(
                parsed, left, f"! negates the left side alone, before it is compared. Is !({whole}) meant?"
            )


def _bare_literals(parsed: Parsed) -> Iterator[Problem]:
    for start, inside in _no_json(parsed):
        yield Problem(f"What stands between backticks is not JSON; a text is written '{inside}'.", start, parsed.text)


def _no_json(parsed: Parsed) -> Iterator[tuple[int, str]]:
    """The literals that are not JSON, with their positions."""
    for token in parsed.tokens:
        start = token["start"]
        if token["type"] != "literal" or parsed.text[start] != "`":
            continue
        inside = parsed.text[start + 1 : token["end"] - 1].replace("\\`", "`").strip()
        if not _is_json(inside):
            yield start, inside


def _is_json(text: str) -> bool:
    try:
        loads(text, parse_int=str)
    except JSONDecodeError:
        return False
    return True


# --- places -----------------------------------------------------------------------------------------------


def _problem(parsed: Parsed, node: Node, message: str) -> Problem:
    return Problem(message, _span(node, parsed)[0], parsed.text)


def _text(parsed: Parsed, node: Node) -> str:
    start, end = _span(node, parsed)
    return parsed.text[start:end]


def _quoted(parsed: Parsed, node: Node) -> bool:
    return parsed.text[_span(node, parsed)[0]] == '"'


def _span(node: Node, parsed: Parsed) -> tuple[int, int]:
    return span_of(node) or (0, len(parsed.text))
