"""Python values brought to the few types of a context: text, int, Decimal, bool, None, dict, list.

The same function serves the live and the frozen context, which is why both give one answer. It never raises:
hostile data must not cause an error inside a host's ``save()``.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Mapping
from decimal import Decimal
from enum import Enum
from itertools import islice
from typing import Any
from uuid import UUID

from django.core.files import File
from django.db.models import Model
from django.http import HttpRequest
from django.utils import timezone
from django.utils.functional import Promise

from rules_engine.conf import settings
from rules_engine.context.redaction import REDACTED, is_secret_name

MAX_DEPTH = 20
"""Deeper nesting of dicts and lists (or a cycle) is replaced by a marker."""
MAX_ITEMS = 10_000
"""Longer lists and dicts are cut."""
MAX_INTEGER_BITS = 13_000
"""Python refuses to write integers above 4,300 digits as text."""

_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")
_INTEGER = re.compile(r"-?\d+\Z")


def typed(value: Any, depth: int = 0) -> Any:
    """Return ``value`` in its context form; see the module's docstring and docs/reference/context."""
    if value is None or value is True or value is False:
        return value
    convert = None
    try:
        convert = _CONVERTERS.get(type(value)) or _converter_of_base(value)
        return convert(value, depth)
    except Exception as error:  # noqa: BLE001 - foreign code, such as the items of a subclass of dict
        return f"<{type(value).__name__}: {_ASKED.get(convert, 'reading it')} raised {type(error).__name__}>"


def _converter_of_base(value: Any) -> Any:
    return next((convert for base, convert in _BASES if isinstance(value, base)), _described)


def _enum(value: Enum, depth: int) -> Any:
    return typed(value.value, depth)


def _described(value: Any, depth: int = 0) -> str:
    """The text of an object that has no JSON form."""
    return _text(str(value), 0)


def _text(value: str, depth: int) -> str:
    text = str.__str__(value)
    limit = settings.MAX_TEXT_LENGTH
    if len(text) > limit:
        text = f"{text[:limit]}… [cut: {len(text)} characters]"
    return _UNSTORABLE.sub("\N{REPLACEMENT CHARACTER}", text)


def _integer(value: int, depth: int) -> int | str:
    number = int(value)
    return number if number.bit_length() <= MAX_INTEGER_BITS else f"<integer of {number.bit_length()} bits>"


def _float(value: float, depth: int) -> Any:
    return _decimal(Decimal(repr(float(value))), depth)


def _decimal(value: Decimal, depth: int) -> Any:
    if type(value) is not Decimal:
        # A subclass may have a text of its own, which would be written into the event.
        value = Decimal(value)
    if not value.is_finite():
        return None
    text = str(value)
    if len(text) > 4_000:
        return f"<number of {len(text)} characters>"
    # A Decimal without fraction reads back from JSON text as an integer, so it is one in the live context too.
    return int(text) if _INTEGER.match(text) else value


def _datetime(value: dt.datetime, depth: int) -> str:
    try:
        if timezone.is_naive(value):
            value = value.replace(tzinfo=timezone.get_default_timezone())
        value = value.astimezone(dt.UTC)
    except (OverflowError, ValueError):
        # The edge of the calendar: year 1 or 9999, moved across it by the time zone.
        value = value.replace(tzinfo=dt.UTC)
    # The base's own method: subclasses may write other forms.
    return dt.datetime.isoformat(value.replace(tzinfo=None), timespec="microseconds") + "Z"


def _date(value: dt.date, depth: int) -> str:
    return dt.date.isoformat(value)


def _time(value: dt.time, depth: int) -> str:
    return dt.time.isoformat(value.replace(tzinfo=None), timespec="microseconds")


def _duration(value: dt.timedelta, depth: int) -> Any:
    """Seconds, so that durations can be compared and added; text forms of durations do not order."""
    microseconds = value // dt.timedelta(microseconds=1)
    return _decimal(Decimal(microseconds) / 1_000_000, depth)


def _bytes(value: bytes | bytearray | memoryview, depth: int) -> str:
    return f"<{len(value)} bytes>"


def _file(value: File[Any], depth: int) -> str | None:
    return _text(value.name, depth) if value.name else None


def _mapping(value: Mapping[Any, Any], depth: int) -> Any:
    if depth >= MAX_DEPTH:
        return f"<nested deeper than {MAX_DEPTH} levels>"
    document = {}
    for key, item in list(islice(value.items(), MAX_ITEMS)):
        name = key if type(key) is str else str(typed(key))
        document[_text(name, 0)] = REDACTED if is_secret_name(name) else typed(item, depth + 1)
    return document


def _list(value: Any, depth: int) -> Any:
    if depth >= MAX_DEPTH:
        return f"<nested deeper than {MAX_DEPTH} levels>"
    return [typed(item, depth + 1) for item in list(islice(value, MAX_ITEMS))]


def _set(value: Any, depth: int) -> Any:
    """Sets have no order: theirs is that of the values where they can be compared, else of their text."""
    items = _list(value, depth)
    if not isinstance(items, list):
        return items
    try:
        return sorted(items)
    except TypeError:
        return sorted(items, key=str)


def _model(value: Model, depth: int) -> dict[str, Any]:
    """An object met inside another value, named only; ``ModelDocument`` reads the columns of whole objects."""
    return {"model": value._meta.label_lower, "pk": typed(value.pk)}


def _exception(value: BaseException, depth: int) -> dict[str, Any]:
    return {"type": type(value).__name__, "message": _message(value)}


def _message(value: BaseException) -> str:
    try:
        return _described(value)
    except Exception as error:  # noqa: BLE001 - a host's error, whose class is worth keeping
        return f"<{type(value).__name__}: __str__ raised {type(error).__name__}>"


def request_document(request: Any) -> dict[str, Any] | None:
    """Method, path and route of a request; never headers, cookies, query values or body."""
    if request is None:
        return None
    match = getattr(request, "resolver_match", None)
    return {
        "method": typed(getattr(request, "method", None)),
        "path": typed(getattr(request, "path", None)),
        "route": typed(getattr(match, "route", None)),
        "view": typed(getattr(match, "view_name", None)),
    }


def _request(value: HttpRequest, depth: int) -> Any:
    return request_document(value)


def _uuid(value: UUID, depth: int) -> str:
    return UUID.__str__(value)


def _class(value: type, depth: int) -> str:
    if issubclass(value, Model):
        return value._meta.label_lower
    return f"{value.__module__}.{value.__qualname__}"


_CONVERTERS: dict[type, Any] = {
    str: _text,
    int: _integer,
    float: _float,
    Decimal: _decimal,
    dt.datetime: _datetime,
    dt.date: _date,
    dt.time: _time,
    dt.timedelta: _duration,
    UUID: _uuid,
    bytes: _bytes,
    dict: _mapping,
    list: _list,
    tuple: _list,
    set: _set,
    frozenset: _set,
}

# Order matters: a member of an enumeration may be a text, a datetime is a date, and a FieldFile is a File.
_BASES: tuple[tuple[Any, Any], ...] = (
    (Enum, _enum),
    (str, _text),
    (int, _integer),
    (float, _float),
    (Decimal, _decimal),
    (dt.datetime, _datetime),
    (dt.date, _date),
    (dt.time, _time),
    (dt.timedelta, _duration),
    (UUID, _uuid),
    ((bytes, bytearray, memoryview), _bytes),
    (Mapping, _mapping),
    ((set, frozenset), _set),
    ((list, tuple), _list),
    (File, _file),
    (Model, _model),
    (BaseException, _exception),
    (HttpRequest, _request),
    (type, _class),
    (Promise, _described),
)

_ASKED: dict[Any, str] = {
    _described: "__str__",
    _mapping: "items",
    _list: "iteration",
    _set: "iteration",
    _datetime: "its time zone",
    _enum: "value",
    _model: "pk",
    _file: "name",
}
"""What a converter asks of a value whose class may be a host's: named in the marker when that raises."""
