"""When to try again."""

from __future__ import annotations

import random
from itertools import pairwise

import pytest

from rules_engine.conf import STANDARD_RETRY_SCHEDULE
from rules_engine.delivery.retry import JITTER, LONGEST_RETRY_AFTER, next_delay


class Middle(random.Random):
    """No jitter."""

    def uniform(self, a: float, b: float) -> float:
        return (a + b) / 2


def test_schedule_is_followed_and_ends() -> None:
    """After ten attempts in about three days there is no next one."""
    delays = [next_delay(STANDARD_RETRY_SCHEDULE, made, rng=Middle()) for made in range(12)]

    assert delays == [0, 5, 300, 1800, 7200, 18000, 36000, 50400, 72000, 86400, None, None]


def test_jitter_spreads_by_a_fifth_either_way() -> None:
    """Many failures do not come back at the same moment, and not far from it either."""
    rng = random.Random(7)
    delays = [next_delay([0, 100], 1, rng=rng) or 0 for _ in range(1_000)]

    assert 100 * (1 - JITTER) <= min(delays) < 82
    assert 118 < max(delays) <= 100 * (1 + JITTER)
    assert len({round(delay, 3) for delay in delays}) > 900


def test_without_a_generator_it_is_random_too() -> None:
    """Production hands none in."""
    assert any(a != b for a, b in pairwise(next_delay([0, 100], 1) for _ in range(20)))


@pytest.mark.parametrize(
    ("wish", "delay"),
    [
        (None, 100),
        (5, 100),
        (100.5, 100.5),
        (7_200, 7_200),
        (10**9, LONGEST_RETRY_AFTER),
        (float("inf"), LONGEST_RETRY_AFTER),
        (float("nan"), 100),
        (-5, 100),
        ("120", 100),
    ],
)
def test_wish_of_the_receiver_lengthens_and_never_shortens(wish: object, delay: float) -> None:
    """Up to a day; what is no number is no wish."""
    assert next_delay([0, 100], 1, retry_after=wish, rng=Middle()) == delay


def test_wish_does_not_lengthen_the_schedule() -> None:
    """The last failure is the last one."""
    assert next_delay([0, 100], 2, retry_after=60) is None
