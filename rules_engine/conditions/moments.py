"""Date-times in conditions: the one text form in which contexts hold them, so that text order is time order.

A text that is compared (``==``, ``!=``, ``<``, ``<=``, ``>``, ``>=``) and is a complete ISO 8601 date-time is brought
to the form of contexts, ``YYYY-MM-DDTHH:MM:SS.ffffffZ`` in UTC, when the condition is compiled:

=====================================  ====================================
written                                compared as
=====================================  ====================================
``'2026-03-01T12:00:00Z'``             ``'2026-03-01T12:00:00.000000Z'``
``'2026-03-01T12:00+02:00'``           ``'2026-03-01T10:00:00.000000Z'``
``'2026-03-01T12:00:00.5'``            ``'2026-03-01T12:00:00.500000Z'`` (no zone: UTC)
``'2026-03-01'``                       as written: a date without a time
``'2026-03-01 12:00'``                 as written: ISO 8601 has a ``T`` between
=====================================  ====================================

Both raw strings (``'…'``) and literals (`` `"…"` ``) are treated so. Texts that are not an operand of a comparison
(an argument of ``starts_with``, an item of a literal list) stay as they are.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime

_MOMENT = re.compile(
    r"\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d([.,]\d+)?)?(Z|[+-]\d\d(:?\d\d)?)?",
    re.ASCII,
)


def canonical_moment(text: str) -> str:
    """Return a complete ISO 8601 date-time in the form of contexts; any other text unchanged."""
    if not _MOMENT.fullmatch(text):
        return text
    try:
        moment = datetime.fromisoformat(text)
        if moment.tzinfo is None:
            moment = moment.replace(tzinfo=UTC)
        moment = moment.astimezone(UTC)
    except (ValueError, OverflowError):
        # It only looks like one: a 13th month, or a moment before year 1 in UTC.
        return text
    return moment.replace(tzinfo=None).isoformat(timespec="microseconds") + "Z"
