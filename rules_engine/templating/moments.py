"""The dates and times that ISO texts mean, in the project's time zone."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date, datetime, time

from django.utils import dateparse, timezone

_ISO_LONGEST = 40


def read_moment(text: str) -> date | time | None:
    """Return what an ISO text means, a moment in the project's time zone; None for any other text."""
    if len(text) > _ISO_LONGEST:
        return None
    read: Sequence[Callable[[str], date | time | None]] = (
        dateparse.parse_date,
        dateparse.parse_datetime,
        dateparse.parse_time,
    )
    for parse in read if len(text) == len("YYYY-MM-DD") else read[1:]:
        try:
            found = parse(text)
        except ValueError:
            continue
        if found is not None:
            return _here(found)
    return None


def _here(moment: date | time) -> date | time:
    if not isinstance(moment, datetime) or moment.tzinfo is None:
        return moment
    try:
        return moment.astimezone(timezone.get_default_timezone())
    except OverflowError:
        # 9999-12-31T23:59:59Z, often written for "never", has no later hour to be shown in.
        return moment
