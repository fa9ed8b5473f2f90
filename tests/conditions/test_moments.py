"""Date-times in comparisons."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rules_engine.conditions import compile_condition
from rules_engine.conditions.moments import canonical_moment


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2026-03-01T12:00:00Z", "2026-03-01T12:00:00.000000Z"),
        ("2026-03-01T12:00:00.000000Z", "2026-03-01T12:00:00.000000Z"),
        ("2026-03-01T12:00:00.5Z", "2026-03-01T12:00:00.500000Z"),
        ("2026-03-01T12:00:00,25Z", "2026-03-01T12:00:00.250000Z"),
        ("2026-03-01T12:00+02:00", "2026-03-01T10:00:00.000000Z"),
        ("2026-03-01T00:30+0100", "2026-02-28T23:30:00.000000Z"),
        ("2026-03-01T12:00-08", "2026-03-01T20:00:00.000000Z"),
        ("2026-03-01T12:00", "2026-03-01T12:00:00.000000Z"),
        ("0099-03-01T12:00Z", "0099-03-01T12:00:00.000000Z"),
    ],
)
def test_a_complete_date_time_is_brought_to_utc(text: str, expected: str) -> None:
    """Time zones are converted, fractions filled up, and a missing zone is UTC."""
    assert canonical_moment(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "2026-03-01",
        "2026-03",
        "12:00:00Z",
        "2026-03-01T12",
        "2026-03-01 12:00",
        "20260301T120000Z",
        "2026-W09-7T12:00Z",
        "2026-13-01T12:00:00Z",
        "2026-03-01T25:00:00Z",
        "0001-01-01T00:00:00+23:00",
        "2026-03-01T12:00:00Zulu",
        "on 2026-03-01T12:00:00Z",
        "٢٠٢٦-03-01T12:00:00Z",
        "paid",
        "",
    ],
)
def test_any_other_text_stays_as_it_is(text: str) -> None:
    """Dates without a time, and what only looks like a date-time, are compared as written."""
    assert canonical_moment(text) == text


@given(
    st.datetimes(min_value=datetime(2, 1, 1), max_value=datetime(9998, 1, 1)),
    st.datetimes(min_value=datetime(2, 1, 1), max_value=datetime(9998, 1, 1)),
    st.integers(-14 * 60, 14 * 60),
)
def test_the_order_of_texts_is_the_order_of_time(first: datetime, second: datetime, offset: int) -> None:
    """A stored moment is before a written one if and only if its text is, whatever the zone that is written."""
    stored = first.isoformat(timespec="microseconds") + "Z"
    written = second.replace(tzinfo=UTC).astimezone(timezone(timedelta(minutes=offset))).isoformat()

    assert compile_condition(f"at < '{written}'").matches({"at": stored}) is (first < second)
    assert compile_condition(f"'{written}' == at").matches({"at": stored}) is (first == second)


@pytest.mark.parametrize(
    "text",
    ["at {} '2026-03-01T13:00+01:00'", "at {} ('2026-03-01T13:00+01:00')", 'at {} `"2026-03-01T13:00+01:00"`'],
)
@pytest.mark.parametrize(
    ("sign", "expected"), [("==", True), ("!=", False), ("<=", True), (">=", True), ("<", False)]
)
def test_both_kinds_of_literals_are_brought_to_utc_under_every_sign(text: str, sign: str, expected: bool) -> None:
    """Raw strings and JSON literals count, in parentheses too."""
    assert compile_condition(text.format(sign)).evaluate({"at": "2026-03-01T12:00:00.000000Z"}) is expected


def test_a_date_time_outside_a_comparison_stays_as_it_is() -> None:
    """An argument of a function, a result, and an item of a list are texts as written."""
    condition = compile_condition(
        "['2026-03-01T13:00Z', `[\"2026-03-01T13:00Z\"]`, starts_with(a, '2026-03-01T13:00Z')]"
    )

    assert condition.evaluate({"a": "2026-03-01T13:00Z"}) == ["2026-03-01T13:00Z", ["2026-03-01T13:00Z"], True]
