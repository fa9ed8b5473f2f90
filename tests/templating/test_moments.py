"""The filters date and time."""

from __future__ import annotations

import pytest
from django.test import override_settings
from django.utils import timezone

from tests.templating.rendering import render


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("{{ when|date:'Y-m-d H:i' }}", "2024-07-01 14:30"),
        ("{{ winter|date:'Y-m-d H:i T' }}", "2024-01-02 00:30 CET"),
        ("{{ when|time:'H:i' }}", "14:30"),
        ("{{ '08:05:00'|time:'H:i' }}", "08:05"),
        ("{{ day|date:'j F Y' }}", "1 July 2024"),
        ("{{ day|date }}", "July 1, 2024"),
        ("{{ day|date:'SHORT_DATE_FORMAT' }}", "07/01/2024"),
        ("{{ never|date:'Y-m-d H:i' }}", "9999-12-31 23:59"),
        ("[{{ day|date:'H:i' }}{{ day|time }}{{ text|date }}{{ missing|date:'Y' }}{{ count|date:'Y' }}]", "[]"),
        ("[{{ '2024-13-45'|date:'Y' }}{{ '2024-13-45T00:00:00Z'|date:'Y' }}]", "[]"),
        ("{{ when }}", "2024-07-01T12:30:00.000000Z"),
    ],
)
@pytest.mark.parametrize("use_tz", [True, False])
def test_date_filters_show_iso_texts_in_the_time_zone_of_the_project(text: str, expected: str, use_tz: bool) -> None:
    """The texts of events become local dates and times, with and without USE_TZ; other texts become empty."""
    with override_settings(USE_TZ=use_tz):
        assert render(text) == expected


def test_date_filters_ignore_the_active_time_zone() -> None:
    """A rule caused by a visitor in Tokyo writes the project's time, as its retry in a worker will."""
    with timezone.override("Asia/Tokyo"):
        assert render("{{ when|date:'H:i' }} {{ when|time:'H:i' }}") == "14:30 14:30"
