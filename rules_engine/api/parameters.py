"""Kinds of query parameters: django-filter's, strict where those let a wrong value pass for none.

Nothing here depends on a host's ``FILTERS_…`` settings: what they are the defaults of is always given.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from difflib import get_close_matches
from typing import Any

from django import forms
from django.conf import settings as django_settings
from django.db.models import QuerySet
from django.utils import timezone
from django.utils.dateparse import parse_datetime
from django_filters import filters
from django_filters.fields import BaseCSVField, MultipleChoiceField
from rest_framework.exceptions import ErrorDetail, ValidationError
from rest_framework.serializers import BooleanField

from rules_engine.api.moments import utc

MAX_TEXT = 1000
"""Characters of a text: more than any column holds, and less than SQLite refuses in a LIKE (50,000 bytes)."""

FOREIGN = frozenset({"_", "format"})
"""Parameters that ask for nothing here: clients add them against caches, or out of habit."""


def check_names(given: Iterable[str], known: Sequence[str]) -> None:
    """Raise ValidationError for parameters that a list does not have: a misspelt filter must not give every row."""
    problems = {}
    for name in given:
        if name not in known and name not in FOREIGN:
            close = get_close_matches(name, known, n=1)
            hint = f"Did you mean {close[0]!r}?" if close else f"Known: {', '.join(known)}."
            message = f"This is not a parameter of this list. {hint}"
            problems[name] = [ErrorDetail(message, "unknown_parameter")]
    if problems:
        raise ValidationError(problems)


class TextFilter(filters.CharFilter):
    """A text, compared exactly unless told otherwise."""

    def __init__(self, field_name: str | None = None, lookup_expr: str = "exact", **kwargs: Any) -> None:
        super().__init__(field_name, lookup_expr, max_length=MAX_TEXT, **kwargs)


class WordField(forms.Field):
    """The words for true and false that REST framework takes; Django's own field takes all others for no answer."""

    default_error_messages = {"invalid": "'%(value)s' is neither true nor false."}

    def to_python(self, value: Any) -> bool | None:
        word = "" if value is None else value.lower()
        if word in BooleanField.NULL_VALUES:
            return None
        if word not in BooleanField.TRUE_VALUES | BooleanField.FALSE_VALUES:
            raise forms.ValidationError(self.error_messages["invalid"], "invalid", {"value": value})
        return word in BooleanField.TRUE_VALUES


class WordFilter(filters.BooleanFilter):
    """True or false."""

    field_class = WordField


class MomentField(forms.DateTimeField):
    """A point in time, ISO 8601 whatever the host's input formats; without an offset in the site's time zone.

    Django's own field refuses a local time that a change of clocks skips or repeats, such as the first day of summer
    time where it begins at midnight.
    """

    default_error_messages = {
        "invalid": "'%(value)s' is not a moment in ISO 8601, such as 2026-11-20T18:04:05Z.",
        "out_of_range": "'%(value)s' is out of range: in UTC it is before the year 1 or after the year 9999.",
    }

    def to_python(self, value: Any) -> datetime | None:
        if value in self.empty_values:
            return None
        moment = self._parsed(value)
        try:
            # Databases are asked in UTC, which the first and last days of the calendar have no form in.
            moment = utc(moment)
            return moment if django_settings.USE_TZ else timezone.make_naive(moment)
        except (OverflowError, ValueError):
            raise self._refused("out_of_range", value) from None

    def _parsed(self, text: str) -> datetime:
        try:
            moment = parse_datetime(text.strip())
        except ValueError:
            moment = None
        if moment is None:
            raise self._refused("invalid", text)
        return moment

    def _refused(self, code: str, text: str) -> forms.ValidationError:
        return forms.ValidationError(self.error_messages[code], code, {"value": text})


class MomentFilter(filters.IsoDateTimeFilter):
    """A bound of points in time."""

    field_class = MomentField


class ChoicesField(MultipleChoiceField):
    """Some of the choices; an empty one asks for nothing."""

    def to_python(self, value: Any) -> list[str]:
        return [choice for choice in super().to_python(value) if choice]


class ChoicesFilter(filters.MultipleChoiceFilter):
    """A choice that may be repeated, ``state=failed&state=cancelled``."""

    field_class = ChoicesField

    def __init__(self, choices: Iterable[tuple[str, Any]], **kwargs: Any) -> None:
        known = list(choices)
        super().__init__(
            lookup_expr="exact",
            choices=known,
            # A column of the row itself: no row is found twice.
            distinct=False,
            null_label=None,
            error_messages={"invalid_choice": f"'%(value)s' is not one of {', '.join(value for value, _ in known)}."},
            **kwargs,
        )


class NamesField(BaseCSVField):
    """Names separated by commas; spaces around them do not count, and none may be empty."""

    def clean(self, value: list[str] | None) -> Any:
        names = None if value is None else [name.strip() for name in value]
        if names and "" in names:
            # A choice is optional, so the library would pass over it.
            raise forms.ValidationError(self.error_messages["invalid_choice"], "invalid_choice", {"value": ""})
        return super().clean(names)


class OrderFilter(filters.OrderingFilter):
    """The names that a list can be ordered by, each with the column it stands for; ``-`` before one is descending."""

    base_field_class = NamesField

    def __init__(self, columns: Mapping[str, str]) -> None:
        known = ", ".join(columns)
        super().__init__(
            lookup_expr="exact",
            fields={column: name for name, column in columns.items()},
            empty_label=None,
            error_messages={"invalid_choice": f"'%(value)s' is not an ordering. Known: {known}."},
            help_text=f"Order by {known}; `-` before a name is descending.",
        )

    def build_choices(self, fields: Mapping[str, str], labels: Any) -> list[tuple[str, str]]:
        # The library's labels are translated as soon as they are made, into the language of whoever comes first.
        return [pair for name in fields.values() for pair in ((name, "ascending"), (f"-{name}", "descending"))]

    def filter(self, qs: QuerySet[Any], value: list[str] | None) -> QuerySet[Any]:
        # The key makes the order total: without it a row could stand on two pages, and another on none.
        ordered: QuerySet[Any] = super().filter(qs, [*value, "-pk"] if value else value)
        return ordered
