"""What templates refuse, with the remedy."""

from __future__ import annotations

from collections.abc import Sequence
from difflib import get_close_matches

from django.template import TemplateSyntaxError

from rules_engine.templating.limits import MAX_OUTPUT


class Problem(TemplateSyntaxError, ValueError):
    """Something that templates refuse. Its text never holds a value, because a value may be a secret."""


def too_long() -> Problem:
    """The problem of a text above ``MAX_OUTPUT``."""
    return Problem(
        f"the text is longer than {MAX_OUTPUT} characters. Loop over fewer items, or shorten values with "
        "the filters slice and truncatechars."
    )


def not_allowed(name: str, nouns: str, allowed: Sequence[str]) -> Problem:
    """The problem of an unknown tag or filter, with the closest of the allowed ones."""
    close = get_close_matches(name, allowed, n=1)
    hint = f" Did you mean {close[0]!r}?" if close else ""
    return Problem(f"{name!r} is not allowed in rule templates.{hint} Allowed {nouns}: {', '.join(allowed)}.")
