"""Points in time, always in UTC: ``2026-11-20T18:04:05.123456Z``, whatever the host's format settings say."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from django.utils import timezone
from rest_framework import serializers


def utc(moment: datetime) -> datetime:
    """Return the moment in UTC; a naive one is in the site's time zone (``USE_TZ = False``)."""
    aware = timezone.make_aware(moment) if timezone.is_naive(moment) else moment
    return aware.astimezone(UTC)


class MomentField(serializers.DateTimeField):
    """A column with a point in time, read only."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**{"read_only": True, **kwargs})

    def to_representation(self, value: datetime | None) -> str | None:  # type: ignore[override]
        return None if value is None else utc(value).isoformat().replace("+00:00", "Z")
