"""The jmespath library's parser with what it lacks: positions, exact numbers, and a limit on nesting.

The tree is the library's own (dicts with ``type``, ``value`` and ``children``) with these additions: nodes carry
``span``, their (start, end) offsets in the text; ``grouped`` is set on what stands in parentheses of its own;
chains of ``||``, ``&&`` and ``|`` are one node with many children, so that a long chain is not a deep tree.
The library's shared cache is not used, so the tree belongs to this package.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from jmespath import parser as jmespath_parser
from jmespath.exceptions import IncompleteExpressionError, LexerError, ParseError

from rules_engine.conditions import hints, limits
from rules_engine.conditions.lexer import Token, tokenize
from rules_engine.conditions.moments import canonical_moment
from rules_engine.exceptions import ConditionSyntaxError

Node = dict[str, Any]


@dataclass(frozen=True)
class Parsed:
    """A text with its tokens and its tree."""

    text: str
    tokens: list[Token]
    tree: Node


def parse(text: str) -> Parsed:
    """Parse a condition that is not blank; raises ConditionSyntaxError and nothing else."""
    if len(text) > limits.MAX_TEXT_LENGTH:
        raise ConditionSyntaxError(
            f"The condition has {len(text):,} characters; at most {limits.MAX_TEXT_LENGTH:,} are allowed.",
            text=text,
            position=limits.MAX_TEXT_LENGTH,
        )
    tokens = _tokens(text)
    try:
        tree = _Parser(tokens).tree()
    except IncompleteExpressionError:
        raise hints.failure(text, tokens, len(text)) from None
    except ParseError as error:
        raise hints.failure(text, tokens, error.lex_position) from None
    except _TooDeep as error:
        raise _too_deep(text, error.position) from None
    except RecursionError:
        # Within the limit, but called from deep inside somebody else's recursion.
        raise _too_deep(text, 0) from None
    return Parsed(text, tokens, tree)


def children_of(node: Node) -> list[Node]:
    """The sub-expressions of a node; a slice's children are numbers and do not count."""
    children: list[Node] = node["children"]
    return [] if node["type"] == "slice" else children


def height(tree: Node, most: int) -> int:
    """Levels of a tree; at ``most`` plus one it stops counting."""
    level = [tree]
    for count in range(1, most + 1):
        level = [child for node in level if node["type"] != "slice" for child in node["children"]]
        if not level:
            return count
    return most + 1


def nodes_of(tree: Node) -> Iterator[Node]:
    """All nodes of a tree, each before its children, in the order of the text."""
    waiting = [tree]
    while waiting:
        node = waiting.pop()
        yield node
        waiting.extend(reversed(children_of(node)))


def span_of(node: Node) -> tuple[int, int] | None:
    """Where a node stands in the text: its own span, or that of the first of its children that has one."""
    span: tuple[int, int] | None = node.get("span")
    return span or next(filter(None, map(span_of, children_of(node))), None)


class _TooDeep(Exception):
    def __init__(self, position: int) -> None:
        self.position = position
        super().__init__(position)


def _too_deep(text: str, position: int) -> ConditionSyntaxError:
    return ConditionSyntaxError(
        f"The condition is nested too deeply: at most {limits.MAX_DEPTH} levels are allowed.",
        text=text,
        position=position,
    )


# --- tokens -----------------------------------------------------------------------------------------------


def _tokens(text: str) -> list[Token]:
    tokens: list[Token] = []
    try:
        tokens.extend(tokenize(text))
    except LexerError as error:
        raise hints.lexer_failure(text, tokens, error.lexer_position, error.message) from None
    except ValueError:
        # Python refuses to read an integer of thousands of digits; only an index can get here.
        position = tokens[-1]["end"] if tokens else 0
        raise ConditionSyntaxError("This number is too long.", text=text, position=position) from None
    except RecursionError:
        raise _too_deep(text, tokens[-1]["end"] if tokens else 0) from None
    return tokens


# --- tree -------------------------------------------------------------------------------------------------


class _Parser(jmespath_parser.Parser):
    """One parse of one token list. Overridden methods keep the library's behaviour and add to it."""

    def __init__(self, tokens: list[Token]) -> None:
        super().__init__()
        self._tokens = tokens
        self._depth = 0

    def tree(self) -> Node:
        tree = self._expression()
        if self._current_token() != "eof":
            self._raise_parse_error_for_token(self._lookahead_token(0), "unexpected")
        self._check_height(tree)
        return tree

    def _check_height(self, tree: Node) -> None:
        # Comparisons and `[]` in a row make a deep tree without nesting in the text.
        if height(tree, limits.MAX_DEPTH) <= limits.MAX_DEPTH:
            return
        raise _TooDeep(tree["span"][0])

    def _expression(self, binding_power: int = 0) -> Node:
        # In step with jmespath.parser.Parser._expression; the marks and the depth are what is added.
        tokens, powers = self._tokens, self.BINDING_POWER
        token = tokens[self._index]
        start = token["start"]
        self._depth += 1
        if self._depth > limits.MAX_DEPTH:
            raise _TooDeep(start)
        self._index += 1
        nud: Any = getattr(self, "_token_nud_" + token["type"], self._error_nud_token)
        left: Node = nud(token)
        left["span"] = (start, tokens[self._index - 1]["end"])
        while binding_power < powers[kind := tokens[self._index]["type"]]:
            led = getattr(self, "_token_led_" + kind, self._misplaced)
            self._index += 1
            left = led(left)
            left["span"] = (start, tokens[self._index - 1]["end"])
        self._depth -= 1
        return left

    def _misplaced(self, left: Node) -> Node:
        token = self._tokens[self._index - 1]
        raise ParseError(token["start"], token["value"], token["type"])

    def _token_nud_lparen(self, token: Token) -> Node:
        node: Node = super()._token_nud_lparen(token)
        node["grouped"] = True
        return node

    def _token_nud_quoted_identifier(self, token: Token) -> Node:
        if self._current_token() == "lparen":
            # The library reports this one at offset 0.
            self._raise_parse_error_for_token(token, "quoted function name")
        node: Node = super()._token_nud_quoted_identifier(token)
        return node

    def _token_led_pipe(self, left: Node) -> Node:
        return _chained(left, super()._token_led_pipe(left))

    def _token_led_or(self, left: Node) -> Node:
        return _chained(left, super()._token_led_or(left))

    def _token_led_and(self, left: Node) -> Node:
        return _chained(left, super()._token_led_and(left))

    def _parse_comparator(self, left: Node, comparator: str) -> Node:
        node: Node = super()._parse_comparator(left, comparator)
        for operand in node["children"]:
            if operand["type"] == "literal" and isinstance(operand["value"], str):
                operand["value"] = canonical_moment(operand["value"])
        return node


def _chained(left: Node, node: Node) -> Node:
    """Return ``(a || b) || c`` as one node of three, unless somebody wrote those parentheses."""
    if left["type"] != node["type"] or left.get("grouped"):
        return node
    left["children"].append(node["children"][1])
    return left
