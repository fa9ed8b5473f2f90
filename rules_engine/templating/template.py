"""A compiled template, and the cache of them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from django.conf import settings
from django.template import TemplateSyntaxError
from django.utils import translation

from rules_engine.exceptions import TemplateInvalid
from rules_engine.templating.block_parser import BlockParser
from rules_engine.templating.limits import MAX_TEMPLATE
from rules_engine.templating.nodes import Node, render_all
from rules_engine.templating.problem import Problem
from rules_engine.templating.run import Run
from rules_engine.templating.tags import TAGS

_CACHE_SIZE = 256


def compile_template(text: str, *, html: bool = False) -> CompiledTemplate:
    """Return the template, ready to render; compiled ones are kept in a cache of limited size.

    Raises TemplateInvalid, naming the line and the remedy, for whatever does not parse or is not allowed.
    """
    if not isinstance(text, str):
        raise TemplateInvalid(f"A template is a text, not {type(text).__name__}.")
    if len(text) > MAX_TEMPLATE:
        raise TemplateInvalid(f"The template has {len(text)} characters; {MAX_TEMPLATE} are allowed. Shorten it.")
    return compile_cached(str(text), bool(html))


@dataclass(frozen=True)
class CompiledTemplate:
    """A template that parsed; it holds no data and may be shared between threads."""

    text: str
    html: bool
    paths: frozenset[tuple[str, ...]]
    """Every path into the data that rendering can read, without positions in lists: a path stands for the
    value and all below it, and leads through lists to each of their items."""
    secrets: frozenset[str]
    """Names read as ``{{ secrets.NAME }}``."""
    _nodes: list[Node] = field(repr=False, compare=False)

    def render(self, data: Mapping[str, Any], *, secrets: Mapping[str, str] | None = None) -> str:
        """Return the text for ``data``; ``secrets=None`` is for showing it: each secret is then ``***``.

        Raises TemplateInvalid when a secret is missing, a limit is hit or anything else fails. The original
        error is its cause; it is replaced when the template was given secrets, as its text might hold one.
        """
        for name in sorted(self.secrets.difference(self.secrets if secrets is None else secrets)):
            raise TemplateInvalid(f'There is no secret named {name!r}. Add it to RULES_ENGINE["SECRETS"].')
        run = Run(data, secrets, self.html)
        try:
            with translation.override(settings.LANGUAGE_CODE):
                return render_all(self._nodes, run)
        except Exception as error:  # noqa: BLE001 - whatever happens, callers handle one kind of failure
            cause = self._presentable(error, secrets)
        # Raised out here so that the original is not reachable as __context__ either.
        reason = str(cause) if isinstance(cause, Problem) else f"{type(cause).__name__}: {cause}"
        raise TemplateInvalid(f"Line {run.line}: the template cannot be rendered: {reason}") from cause

    def _presentable(self, error: Exception, secrets: Mapping[str, str] | None) -> Exception:
        if isinstance(error, Problem) or secrets is None or not self.secrets:
            return error
        return RuntimeError(f"{type(error).__name__} (its text is withheld, because the template reads secrets)")


@lru_cache(maxsize=_CACHE_SIZE)
def compile_cached(text: str, html: bool) -> CompiledTemplate:
    parser = BlockParser(TAGS, html=html)
    try:
        nodes = parser.template(text)
    except (TemplateSyntaxError, ValueError, ArithmeticError, RecursionError) as error:
        # Django's own messages repeat the line.
        reason = re.sub(r" on line \d+", "", str(error))
        raise TemplateInvalid(f"Line {parser.line}: {reason}") from error
    read = parser.expressions
    return CompiledTemplate(text, html, frozenset(read.paths), frozenset(read.secrets), nodes)
