"""Tokens: running text, and what stands between braces."""

from __future__ import annotations

import re
from collections.abc import Iterator

from django.template.base import Lexer, Token, TokenType
from django.utils.text import smart_split

from rules_engine.templating.limits import MAX_TAG
from rules_engine.templating.problem import Problem

_CLOSERS = {"{%": "%}", "{{": "}}", "{#": "#}"}
_OPENER = re.compile(r"\{[%{#]")


def tokenize(text: str) -> list[Token]:
    """Return the tokens of Django's lexer, with their lines; running text may come in several pieces."""
    lexer = Lexer("")
    tokens: list[Token] = []
    for number, line in enumerate(text.split("\n"), start=1):
        if number > 1:
            # The break that was split off belongs to the text before this line.
            tokens.append(Token(TokenType.TEXT, "\n", None, number - 1))
        tokens.extend(lexer.create_token(piece, None, number, is_tag) for piece, is_tag in split_line(line))
    return tokens


def split_line(line: str) -> Iterator[tuple[str, bool]]:
    """Split one line like Django's lexer, whose pattern takes seconds on a line of opening braces.

    Yields pieces and whether each is a tag. A tag does not extend over lines.
    """
    start = position = 0
    barren: set[str] = set()
    while match := _OPENER.search(line, position):
        kind, opening = match[0], match.start()
        closing = -1 if kind in barren else line.find(_CLOSERS[kind], opening + 2)
        if closing < 0:
            barren.add(kind)
            position = opening + 1
            continue
        if opening > start:
            yield line[start:opening], False
        start = position = closing + 2
        yield line[opening:start], True
    if start < len(line):
        yield line[start:], False


def words_of(contents: str) -> list[str]:
    """Return the words after the name of a tag; quoted texts are not torn apart."""
    check_length(contents)
    return list(smart_split(contents))[1:]


def check_length(contents: str) -> None:
    """Raise Problem for a tag or a variable that is too long to be parsed soon."""
    if len(contents) > MAX_TAG:
        raise Problem(f"a tag has more than {MAX_TAG} characters. Split it.")
