"""Parsing blocks: what stands between an opening tag and its closing one."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import NoReturn, TypeAlias

from django.template.base import Token, TokenType

from rules_engine.templating.expression_parser import ExpressionParser
from rules_engine.templating.expressions import Origin
from rules_engine.templating.lexer import tokenize, words_of
from rules_engine.templating.limits import MAX_DEPTH
from rules_engine.templating.nodes import Node, Output, Text
from rules_engine.templating.problem import Problem, not_allowed


class BlockParser:
    """Turns the tokens of a template into nodes; ``tags`` parse what is their own, up to their closing tags."""

    def __init__(self, tags: Mapping[str, Tag], *, html: bool) -> None:
        self.tags = tags
        self.expressions = ExpressionParser(html=html)
        self.waiting: list[Token] = []
        self.opened: list[Token] = []
        self.line = 1

    def template(self, text: str) -> list[Node]:
        """Parse a whole template. After a failure ``line`` is where it lies."""
        self.waiting = list(reversed(tokenize(text)))
        return self.block()[0]

    def block(self, *until: str) -> tuple[list[Node], str]:
        """Parse up to one of the tags in ``until``; return the nodes before it and its content."""
        nodes: list[Node] = []
        while self.waiting:
            token = self.waiting.pop()
            self.line = token.lineno or self.line
            if token.token_type is TokenType.TEXT:
                nodes.append(Text(self.line, self.running_text(token)))
            elif token.token_type is TokenType.VAR:
                nodes.append(Output(self.line, self.expressions.whole(token.contents)))
            elif token.token_type is TokenType.BLOCK:
                command = (token.contents.split() or [""])[0]
                if command in until:
                    return nodes, token.contents
                node = self.tag(command, token, until)
                nodes.extend([node] if node else [])
        if until:
            self.unclosed(until)
        return nodes, ""

    def running_text(self, token: Token) -> str:
        pieces = [token.contents]
        while self.waiting and self.waiting[-1].token_type is TokenType.TEXT:
            pieces.append(self.waiting.pop().contents)
        return "".join(pieces)

    def tag(self, command: str, token: Token, until: tuple[str, ...]) -> Node | None:
        parse = self.tags.get(command)
        if parse is None:
            self.refuse_tag(command, until)
        if len(self.opened) >= MAX_DEPTH:
            raise Problem(f"more than {MAX_DEPTH} blocks stand inside each other. Nest fewer.")
        words = words_of(token.contents)
        self.opened.append(token)
        node = parse(self, words)
        self.opened.pop()
        return node

    def refuse_tag(self, command: str, until: tuple[str, ...]) -> NoReturn:
        if not command:
            raise Problem("{% %} is empty. Write a tag into it, or remove it.")
        if command.startswith("end") or command in {"else", "elif", "empty"}:
            expected = " or ".join(f"{{% {name} %}}" for name in until)
            remedy = f"Expected here: {expected}." if until else "No block is open here. Remove it."
            raise Problem(f"{{% {command} %}} closes nothing. {remedy}")
        raise not_allowed(command, "tags", tuple(self.tags))

    def unclosed(self, until: tuple[str, ...]) -> NoReturn:
        """Raise Problem for the innermost open tag, at its line; the last of ``until`` closes it."""
        token = self.opened[-1]
        self.line = token.lineno or self.line
        raise Problem(f"{{% {token.contents.split()[0]} %}} is not closed. Add {{% {until[-1]} %}} after it.")

    def scoped(self, names: Mapping[str, Origin], *until: str) -> tuple[list[Node], str]:
        """Parse like ``block``, with names bound to the paths they stand for."""
        self.expressions.scopes.append(dict(names))
        result = self.block(*until)
        self.expressions.scopes.pop()
        return result


Tag: TypeAlias = Callable[[BlockParser, list[str]], Node | None]
"""Parses a tag, given the words after its name; a tag that renders nothing has no node."""
