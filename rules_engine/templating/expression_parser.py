"""Parsing expressions: Django's grammar over the data, the secrets and the names that tags bind."""

from __future__ import annotations

import re
from collections.abc import Sequence
from decimal import Decimal
from typing import Any, cast

from django.template import TemplateSyntaxError
from django.template.base import FilterExpression, Parser, Variable
from django.utils.functional import Promise

from rules_engine.templating.expressions import Constant, Expression, Origin, Path, Secret, Term
from rules_engine.templating.filters import HTML_FILTERS, HTML_ONLY_FILTERS, TEXT_FILTERS, TRANSPARENT, Filter
from rules_engine.templating.lexer import check_length
from rules_engine.templating.problem import Problem, not_allowed
from rules_engine.templating.values import checked_number, is_position

_CONSTANTS = {"True": True, "False": False, "None": None}
_RESERVED = {"secrets", "forloop", *_CONSTANTS}


class ExpressionParser:
    """Parses expressions, and notes each path and secret that they read.

    Names that tags bind are told from names of the data here, by where they stand in the text: ``scopes`` maps
    each bound name to the path it stands for, or to None. Django calls ``find_filter`` and ``compile_filter``.
    """

    def __init__(self, *, html: bool) -> None:
        self.filters = HTML_FILTERS if html else TEXT_FILTERS
        self.paths: set[tuple[str, ...]] = set()
        self.secrets: set[str] = set()
        self.scopes: list[dict[str, Origin]] = [{}]

    def whole(self, text: str) -> Expression:
        """Parse an expression whose value is used as it is, with all that is below it."""
        expression = self.compile_filter(text)
        self.note(expression.origin)
        return expression

    def note(self, origin: Origin) -> None:
        """Remember that all of the value at ``origin`` may be read."""
        if origin is not None:
            self.paths.add(origin)

    def note_items(self, origin: Origin) -> None:
        """Remember that the items of the list at ``origin`` are counted, unless a noted path keeps them already.

        Such a path lies above the list, at it or below it.
        """
        if origin is not None and not any(path[: len(origin)] == origin[: len(path)] for path in self.paths):
            self.paths.add(origin)

    def compile_filter(self, text: str) -> Expression:
        """Parse an expression; its own path is not noted yet, as only a part of it may be read."""
        check_length(text)
        if not text:
            raise Problem("{{ }} is empty. Write a path such as instance.name into it.")
        try:
            parsed = FilterExpression(text, cast("Parser", self))
        except Problem:
            raise
        except TemplateSyntaxError as error:
            raise _explained(error) from error
        head, origin = self.term(parsed.var)
        calls = tuple((function, self.arguments(args)) for function, args in parsed.filters)
        if any(function not in TRANSPARENT for function, _ in calls):
            self.note(origin)
            origin = None
        return Expression(head, calls, origin)

    def find_filter(self, name: str) -> Filter:
        """Return the filter of that name. Raises Problem for one that is not allowed here."""
        if name in self.filters:
            return self.filters[name]
        if name in HTML_ONLY_FILTERS:
            raise Problem(f"{name!r} makes HTML, and this is a plain text. Leave it out.")
        raise not_allowed(name, "filters", sorted(self.filters))

    def arguments(self, args: Sequence[tuple[bool, Any]]) -> tuple[Term, ...]:
        terms = []
        for _, argument in args:
            term, origin = self.term(argument)
            self.note(origin)
            terms.append(term)
        return tuple(terms)

    def term(self, parsed: Any) -> tuple[Term, Origin]:
        """Return the value that Django's grammar found, and its path in the data."""
        if isinstance(parsed, Promise) or (isinstance(parsed, Variable) and parsed.translate):
            raise Problem('_("…") is not allowed in rule templates. Write the text itself.')
        if not isinstance(parsed, Variable):
            return Constant(parsed), None
        if parsed.lookups is None:
            return Constant(_literal(parsed)), None
        return self.path(parsed.lookups)

    def path(self, parts: tuple[str, ...]) -> tuple[Term, Origin]:
        root = parts[0]
        if "" in parts or root[0].isdigit():
            raise Problem(f"{'.'.join(parts)!r} is not a path. Write names with single points between them.")
        if root == "secrets":
            return self.secret(parts), None
        if root in _CONSTANTS:
            return Constant(_CONSTANTS[root] if len(parts) == 1 else None), None
        names = tuple(part for part in parts[1:] if not is_position(part))
        for scope in reversed(self.scopes):
            if root in scope:
                origin = scope[root]
                return Path(parts, local=True), None if origin is None else origin + names
        return Path(parts, local=False), (root, *names)

    def secret(self, parts: tuple[str, ...]) -> Secret:
        if len(parts) != 2:
            raise Problem(f"{'.'.join(parts)!r} names no secret. Write {{{{ secrets.NAME }}}}.")
        self.secrets.add(parts[1])
        return Secret(parts[1])

    def bindable(self, name: str) -> str:
        """Return the name, which a tag wants to bind. Raises Problem for one that it may not."""
        if name in _RESERVED:
            raise Problem(f"{name!r} has a meaning of its own here. Choose another name.")
        if not re.fullmatch(r"[^\W\d_]\w*", name):
            raise Problem(f"{name!r} is not a name. Use letters, digits and underscores.")
        return name

    def bind(self, name: str) -> None:
        """Take a name for a value without a path, from here to the end of the block."""
        self.scopes[-1][self.bindable(name)] = None


def _literal(number: Variable) -> object:
    """Return the number that the text of a template spells: 19.99 exactly, as in the data, not as a float."""
    if not isinstance(number.literal, float):
        return number.literal
    return checked_number(Decimal(str(number.var)))


def _explained(error: TemplateSyntaxError) -> Problem:
    """Return what Django's grammar found, with a remedy."""
    if counted := re.fullmatch(r"(\w+) requires (\d+) arguments, (\d+) provided", str(error)):
        name, needed, given = counted.groups()
        if int(given) < int(needed):
            return Problem(f'{name!r} needs an argument. Write it like |{name}:"…".')
        return Problem(f"{name!r} takes no argument. Leave out what follows the colon.")
    reason = f"{str(error).rstrip('.')}."
    if "underscores" in reason:
        return Problem(reason)
    return Problem(f"{reason} Write a path such as instance.name, then filters such as |upper.")
