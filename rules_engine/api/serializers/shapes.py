"""Fields and bases that the serializers share."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from decimal import Decimal
from difflib import get_close_matches
from typing import Any

from rest_framework import serializers
from rest_framework.exceptions import ErrorDetail, ValidationError


class Text(serializers.CharField):
    """A text of which only the type is checked here.

    Length, choices and meaning are the model's business, so that the API says what admin and Python say.
    """

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**{"allow_blank": True, **kwargs})


class StrictSerializer(serializers.Serializer[Any]):
    """Refuses keys that it does not know: a misspelt ``condition`` must not make a rule that always matches."""

    noun = "the body"

    def to_internal_value(self, data: Any) -> Any:
        unknown = self._unknown(data) if isinstance(data, Mapping) else {}
        try:
            value = super().to_internal_value(data)
        except ValidationError as error:
            if isinstance(error.detail, dict):
                raise ValidationError({**unknown, **error.detail}) from None
            raise
        if unknown:
            raise ValidationError(unknown)
        return value

    def _unknown(self, data: Mapping[str, Any]) -> dict[str, list[ErrorDetail]]:
        found = {}
        for name in data:
            if name not in self.fields:
                close = get_close_matches(name, self.fields, n=1)
                hint = f"Did you mean {close[0]!r}?" if close else f"Known: {', '.join(self.fields)}."
                message = f"This is not a field of {self.noun}. {hint}"
                found[name] = [ErrorDetail(message, "unknown_field")]
        return found


class ExactDocument(serializers.JSONField):
    """A JSON document as it was read, its numbers exact; it is not stored."""

    def to_internal_value(self, data: Any) -> Any:
        return data


class Document(serializers.JSONField):
    """A JSON document that every database can hold, with floats for what is stored with a fraction."""

    def to_internal_value(self, data: Any) -> Any:
        problems = [f"{where}: {what}" if where else what for where, what in _unstorable(data, "")]
        if problems:
            raise ValidationError(problems)
        return _with_floats(data)


def _unstorable(node: Any, where: str) -> Iterator[tuple[str, str]]:
    if isinstance(node, str):
        if "\x00" in node:
            yield where, "Null characters are not allowed."
        elif not _encodable(node):
            yield where, "Surrogate characters are not allowed."
    elif isinstance(node, Decimal) and not math.isfinite(float(node)):
        yield where, "This number is too large."
    elif isinstance(node, dict):
        for key, value in node.items():
            yield from _unstorable(key, where)
            yield from _unstorable(value, f"{where}.{key}" if where else key)
    elif isinstance(node, list):
        for number, value in enumerate(node):
            yield from _unstorable(value, f"{where}.{number}" if where else str(number))


def _encodable(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _with_floats(node: Any) -> Any:
    if isinstance(node, Decimal):
        return float(node)
    if isinstance(node, dict):
        return {key: _with_floats(value) for key, value in node.items()}
    if isinstance(node, list):
        return [_with_floats(value) for value in node]
    return node
