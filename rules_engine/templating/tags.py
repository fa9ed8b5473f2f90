"""The tags: each is a function that gets the parser and the words after its name."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, cast

from django.template.base import Parser, TokenType, token_kwargs

from rules_engine.templating.block_parser import BlockParser, Tag
from rules_engine.templating.conditions import parse_condition
from rules_engine.templating.expressions import Expression, Origin, Path
from rules_engine.templating.lexer import words_of
from rules_engine.templating.nodes import FirstOf, For, If, Node, Spaceless, Text, With
from rules_engine.templating.problem import Problem


def _comment(parser: BlockParser, words: list[str]) -> None:
    while parser.waiting:
        token = parser.waiting.pop()
        if token.token_type is TokenType.BLOCK and token.contents == "endcomment":
            return
    parser.unclosed(("endcomment",))


def _firstof(parser: BlockParser, words: list[str]) -> Node:
    name = words[-1] if len(words) > 2 and words[-2] == "as" else ""
    values = words[:-2] if name else words
    if not values:
        raise Problem("{% firstof %} needs values to choose from: {% firstof instance.name 'nobody' %}.")
    node = FirstOf(parser.line, [parser.expressions.whole(word) for word in values], name)
    if name:
        parser.expressions.bind(name)
    return node


def _for(parser: BlockParser, words: list[str]) -> Node:
    line, is_reversed = parser.line, words[-1:] == ["reversed"]
    words = words[:-1] if is_reversed else words
    if len(words) < 3 or words[-2] != "in":
        raise Problem("{% for %} is written like {% for line in instance.lines %}.")
    names = [parser.expressions.bindable(name) for name in re.split(r" *, *", " ".join(words[:-2]))]
    sequence, pairs_of, origin = _loop_over(parser, words[-1], names)
    bound = {**dict.fromkeys(names, origin), "forloop": None}
    body, end = parser.scoped(bound, "empty", "endfor")
    parser.expressions.note_items(origin)
    empty = parser.block("endfor")[0] if end == "empty" else []
    return For(line, names, sequence, pairs_of, is_reversed, body, empty)


def _loop_over(parser: BlockParser, word: str, names: list[str]) -> tuple[Expression, Path | None, Origin]:
    """Return what a loop runs over, and the path that its name stands for.

    Several names take items apart, which paths cannot follow: the list, or the object before ``.items``, is
    noted as a whole.
    """
    if len(names) == 1:
        sequence = parser.expressions.compile_filter(word)
        return sequence, None, sequence.origin
    if len(names) == 2 and re.fullmatch(r"[\w.]+\.items", word):
        before, _, _ = word.rpartition(".")
        parent = parser.expressions.whole(before)
        if isinstance(parent.head, Path):
            exact = Path((*parent.head.parts, "items"), parent.head.local)
            return Expression(exact, (), None), parent.head, None
    return parser.expressions.whole(word), None, None


def _if(parser: BlockParser, words: list[str]) -> Node:
    line, branches = parser.line, []
    condition: Any = parse_condition(words, parser.expressions.whole)
    closers: tuple[str, ...] = ("elif", "else", "endif")
    while True:
        nodes, end = parser.block(*closers)
        branches.append((condition, nodes))
        if end == "else":
            condition, closers = None, ("endif",)
        elif end.startswith("elif"):
            condition = parse_condition(words_of(end), parser.expressions.whole)
        else:
            return If(line, branches)


def _spaceless(parser: BlockParser, words: list[str]) -> Node:
    return Spaceless(parser.line, parser.block("endspaceless")[0])


def _verbatim(parser: BlockParser, words: list[str]) -> Node:
    # The lexer has made everything up to the closing tag a text.
    line, (nodes, _) = parser.line, parser.block("endverbatim")
    return Text(line, "".join(node.text for node in nodes if isinstance(node, Text)))


def _with(parser: BlockParser, words: list[str]) -> Node:
    line, rest = parser.line, list(words)
    values = token_kwargs(rest, cast("Parser", parser.expressions), support_legacy=True)
    if not values or rest:
        raise Problem("{% with %} is written like {% with name=instance.name %}.")
    bound = cast("dict[str, Expression]", values)
    names = {parser.expressions.bindable(name): expression.origin for name, expression in bound.items()}
    return With(line, bound, parser.scoped(names, "endwith")[0])


TAGS: Mapping[str, Tag] = {
    "comment": _comment,
    "firstof": _firstof,
    "for": _for,
    "if": _if,
    "spaceless": _spaceless,
    "verbatim": _verbatim,
    "with": _with,
}
ALLOWED_TAGS = tuple(TAGS)
