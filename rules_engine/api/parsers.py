"""JSON bodies, read exactly and within limits."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Any

from django.conf import settings as django_settings
from rest_framework.exceptions import ParseError
from rest_framework.parsers import BaseParser

from rules_engine.api.errors import TooLarge

MAX_DEPTH = 50
"""Levels of lists and objects in a body."""


class ExactJSONParser(BaseParser):
    """Reads UTF-8 JSON; numbers with a fraction or an exponent become Decimals.

    Raises ParseError for what is no JSON, for NaN and Infinity, and for nesting that would exhaust the stack of
    whatever reads the document next; TooLarge above Django's ``DATA_UPLOAD_MAX_MEMORY_SIZE``, which REST framework's
    own parser does not ask for.
    """

    media_type = "application/json"

    def parse(
        self, stream: Any, media_type: str | None = None, parser_context: Mapping[str, Any] | None = None
    ) -> Any:
        try:
            document = json.loads(_read(stream).decode(), parse_float=Decimal, parse_constant=_refuse_constant)
        except (ValueError, RecursionError) as error:
            reason = "too many levels of nesting" if isinstance(error, RecursionError) else str(error)
            raise ParseError(f"The body is not JSON: {reason}.") from error
        if _is_deeper_than(document, MAX_DEPTH):
            raise ParseError(f"The body is nested deeper than {MAX_DEPTH} levels.")
        return document


def _read(stream: Any) -> bytes:
    limit: int | None = django_settings.DATA_UPLOAD_MAX_MEMORY_SIZE
    body: bytes = stream.read(-1 if limit is None else limit + 1)
    if limit is not None and len(body) > limit:
        raise TooLarge(f"The body is larger than {limit} bytes.")
    return body


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is not a number of JSON")


def _is_deeper_than(document: Any, limit: int) -> bool:
    level = [document]
    for _ in range(limit + 1):
        level = [child for node in level for child in _children(node)]
        if not level:
            return False
    return True


def _children(node: Any) -> Iterator[Any]:
    if isinstance(node, dict):
        yield from node.values()
    elif isinstance(node, list):
        yield from node
