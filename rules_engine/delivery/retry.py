"""When to try again; pure arithmetic."""

from __future__ import annotations

import random
from collections.abc import Sequence

JITTER = 0.2
"""Delays vary by this share up and down, so that many failures do not come back at the same moment."""
LONGEST_RETRY_AFTER = 86_400.0
"""A receiver's wish is honoured up to one day."""


def next_delay(
    schedule: Sequence[float],
    attempts_made: int,
    *,
    retry_after: object = None,
    rng: random.Random | None = None,
) -> float | None:
    """Return the seconds until the next attempt, or None if the schedule is used up.

    ``schedule`` holds the delay before each attempt, the first one included. ``retry_after``, the receiver's wish in
    seconds, lengthens the delay and never shortens it; anything but a number is no wish.
    """
    if attempts_made >= len(schedule):
        return None
    base = schedule[attempts_made]
    # Not a secret: only spreads load.
    delay = base * (1 + (rng or random).uniform(-JITTER, JITTER))
    if isinstance(retry_after, (int, float)):
        delay = max(delay, min(retry_after, LONGEST_RETRY_AFTER))
    return delay
