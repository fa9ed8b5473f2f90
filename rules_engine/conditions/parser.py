"""The jmespath library's parser with what it lacks: positions, exact numbers, and a limit on nesting.

The tree is the library's own (dicts with ``type``, ``value`` and ``children``) with these additions: nodes carry
``span``, their (start, end) offsets in the text; ``grouped`` is set on what stands in parentheses of its own;
chains of ``||``, ``&&`` and ``|`` are one node with many children, so that a long chain is not a deep tree.
The library's shared cache is not used, so the tree belongs to this package.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from jmespath import parser as jmespath_parser
from jmespath.exceptions import IncompleteExpressionError, LexerError, ParseError
from jmespath.lexer import Lexer

from rules_engine.conditions import hints, limits
from rules_engine.conditions.moments import canonical_moment
from rules_engine.exceptions import ConditionSyntaxError

Node = dict[str, Any]
Token = dict[str, Any]


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
        tokens.extend(_ExactLexer().tokenize(text))
    except LexerError as error:
        raise hints.lexer_failure(text, tokens, error.lexer_position, error.message) from None
    except ValueError:
        # Python refuses to read an integer of thousands of digits; only an index can get here.
        position = tokens[-1]["end"] if tokens else 0
        raise ConditionSyntaxError("This number is too long.", text=text, position=position) from None
    except RecursionError:
        raise _too_deep(text, tokens[-1]["end"] if tokens else 0) from None
    return tokens


class _ExactLexer(Lexer):
    """Yields tokens with right ends, and literals whose numbers are ints and Decimals."""

    def tokenize(self, expression: str) -> Iterator[Token]:
        for token in super().tokenize(expression):
            if token["type"] == "eq" or token["type"] in _ONE_CHARACTER:
                # The library yields these before it moves on.
                token["end"] = token["start"] + len(token["value"])
            else:
                token["end"] = self._length if self._current is None else self._position
            yield token

    def _consume_literal(self) -> Token:
        start = self._position
        lexeme = self._consume_until("`").replace("\\`", "`")
        try:
            value = _literal(lexeme)
        except ValueError as error:
            raise LexerError(lexer_position=start, lexer_value=lexeme, message=str(error)) from None
        _check_depth(value, start)
        return {"type": "literal", "value": value, "start": start}


_ONE_CHARACTER = frozenset(Lexer.SIMPLE_TOKENS.values())


class _BadNumber(Exception):
    """A number in a literal that Python cannot hold. No ValueError: those mean "not JSON" here."""


def _literal(lexeme: str) -> Any:
    try:
        return _loads(lexeme)
    except _BadNumber:
        raise ValueError("This number is too large.") from None
    except ValueError:
        # JEP 12: what is not JSON was once a text, and the compliance suite still has such literals.
        try:
            return _loads(f'"{lexeme.lstrip()}"')
        except ValueError:
            raise ValueError("What stands between backticks is not JSON.") from None


def _loads(text: str) -> Any:
    # NaN and Infinity, which Python's reader accepts, are null as everywhere in conditions.
    return json.loads(text, parse_float=_decimal, parse_int=_integer, parse_constant=lambda name: None)


def _decimal(digits: str) -> Decimal:
    try:
        number = Decimal(digits)
    except ArithmeticError:
        raise _BadNumber from None
    if not number.is_finite():
        raise _BadNumber
    return number


def _integer(digits: str) -> int:
    try:
        return int(digits)
    except ValueError:
        raise _BadNumber from None


def _check_depth(value: Any, position: int) -> None:
    level = [value]
    for _ in range(limits.MAX_DEPTH):
        level = [item for outer in level for item in _items(outer)]
        if not level:
            return
    raise LexerError(
        lexer_position=position,
        lexer_value="",
        message=f"This literal is nested too deeply: at most {limits.MAX_DEPTH} levels are allowed.",
    )


def _items(value: Any) -> list[Any]:
    if isinstance(value, dict):
        return list(value.values())
    return value if isinstance(value, list) else []


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
        level = [tree]
        for _ in range(limits.MAX_DEPTH):
            level = [child for node in level for child in children_of(node)]
            if not level:
                return
        raise _TooDeep(tree["span"][0])

    def _expression(self, binding_power: int = 0) -> Node:
        # In step with jmespath.parser.Parser._expression; the marks and the depth are what is added.
        token = self._lookahead_token(0)
        start = token["start"]
        self._depth += 1
        if self._depth > limits.MAX_DEPTH:
            raise _TooDeep(start)
        self._advance()
        nud: Any = getattr(self, f"_token_nud_{token['type']}", self._error_nud_token)
        left: Node = nud(token)
        self._mark(left, start)
        while binding_power < self.BINDING_POWER[self._current_token()]:
            led = getattr(self, f"_token_led_{self._current_token()}", self._misplaced)
            self._advance()
            left = led(left)
            self._mark(left, start)
        self._depth -= 1
        return left

    def _misplaced(self, left: Node) -> Node:
        token = self._tokens[self._index - 1]
        raise ParseError(token["start"], token["value"], token["type"])

    def _mark(self, node: Node, start: int) -> None:
        node["span"] = (start, self._tokens[self._index - 1]["end"])

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
