"""Tokens: the jmespath library's lexer, made exact and fast.

Nearly every condition consists of names, signs, raw strings and plain literals. One regular expression splits those,
four times faster than the library goes through the characters; a text with anything else (escapes, an error) goes to
the library's lexer as a whole, so that tokens and messages are its own. A test holds the two equal.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

from jmespath.exceptions import LexerError
from jmespath.lexer import Lexer

from rules_engine.conditions import limits

Token = dict[str, Any]


def tokenize(text: str) -> Iterator[Token]:
    """Yield the tokens of ``text`` with right ends; raises LexerError, and ValueError for an endless number."""
    tokens = _fast(text)
    if tokens is None:
        return ExactLexer().tokenize(text)
    return iter(tokens)


# --- the fast way -----------------------------------------------------------------------------------------

_SIGNS = {
    "==": "eq",
    "!=": "ne",
    "<=": "lte",
    ">=": "gte",
    "<": "lt",
    ">": "gt",
    "&&": "and",
    "||": "or",
    "|": "pipe",
    "&": "expref",
    "!": "not",
    "[?": "filter",
    "[]": "flatten",
    "[": "lbracket",
    **Lexer.SIMPLE_TOKENS,
}
_TOKEN = re.compile(
    r"""[ \t\n\r]*(?:
        ([A-Za-z_][A-Za-z0-9_]*)
      | (==|!=|<=|>=|&&|\|\||\[\?|\[\]|[<>|&!\[.*\],:@(){}])
      | '([^'\\]*)'
      | `([^`\\]*)`
      | (-?[0-9]{1,18})(?![0-9])
      | "([^"\\\x00-\x1f]*)"
    )""",
    re.VERBOSE,
)
_TYPES = (None, "unquoted_identifier", None, "literal", "literal", "number", "quoted_identifier")
_BLANK = re.compile(r"[ \t\n\r]*\Z")


def _fast(text: str) -> list[Token] | None:
    """Return the tokens, or None for a text that needs the library's lexer."""
    tokens: list[Token] = []
    position, match = 0, _TOKEN.match
    while found := match(text, position):
        group = found.lastindex or 0
        value: Any = found.group(group)
        start, position = found.start(), found.end()
        kind = _SIGNS[value] if group == 2 else _TYPES[group]
        if group == 5:
            value = int(value)
        elif group == 4:
            try:
                value = literal(value)
                check_depth(value, start)
            except (ValueError, LexerError):
                return None
        start = found.start(group) - (group in _QUOTED)
        tokens.append({"type": kind, "value": value, "start": start, "end": position})
    if not tokens or not _BLANK.match(text, position):
        return None
    tokens.append({"type": "eof", "value": "", "start": len(text), "end": len(text)})
    return tokens


_QUOTED = frozenset({3, 4, 6})


# --- the exact way ----------------------------------------------------------------------------------------


class ExactLexer(Lexer):
    """The library's lexer with right ends, and literals whose numbers are ints and Decimals."""

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
            value = literal(lexeme)
        except ValueError as error:
            raise LexerError(lexer_position=start, lexer_value=lexeme, message=str(error)) from None
        check_depth(value, start)
        return {"type": "literal", "value": value, "start": start}


_ONE_CHARACTER = frozenset(Lexer.SIMPLE_TOKENS.values())


# --- literals ---------------------------------------------------------------------------------------------


class _BadNumber(Exception):
    """A number in a literal that Python cannot hold. No ValueError: those mean "not JSON" here."""


_WHOLE = re.compile(r"-?(?:0|[1-9][0-9]{0,17})\Z")


def literal(lexeme: str) -> Any:
    """Return the value between two backticks; raises ValueError."""
    if _WHOLE.match(lexeme):
        return int(lexeme)
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


# NaN and Infinity, which Python's reader accepts, are null as everywhere in conditions.
_loads = json.JSONDecoder(parse_float=_decimal, parse_int=_integer, parse_constant=lambda name: None).decode


def check_depth(value: Any, position: int) -> None:
    """Raise LexerError for a literal that is nested too deeply."""
    if not isinstance(value, (dict, list)):
        return
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
