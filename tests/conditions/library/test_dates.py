"""Dates and times."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rules_engine.conditions import ConditionEvaluationError, compile_condition

ZONES = ["UTC", "Europe/Berlin", "America/New_York", "Asia/Kolkata", "Pacific/Apia"]
moments = st.datetimes(dt.datetime(1980, 1, 1), dt.datetime(2090, 1, 1))
UNITS = ["seconds", "minutes", "hours", "days", "weeks", "months", "years"]


def written(moment: dt.datetime) -> str:
    """A moment in UTC as contexts hold it."""
    return moment.isoformat(timespec="microseconds") + "Z"


def value(text: str, /, *, time: str = "2026-03-01T23:30:00.000000Z", zone: str | None = None, **context: Any) -> Any:
    """The value of a condition on an event."""
    event = {"time": time} if zone is None else {"time": time, "timezone": zone}
    return compile_condition(text).evaluate({"event": event, **context})


@given(moments, st.sampled_from(ZONES))
def test_hour_weekday_and_today_are_those_of_the_projects_zone(moment: dt.datetime, zone: str) -> None:
    """As the standard library computes them."""
    local = moment.replace(tzinfo=dt.UTC).astimezone(ZoneInfo(zone))

    found = value("[hour(now()), weekday(now()), today(), weekday(today())]", time=written(moment), zone=zone)

    assert found == [local.hour, local.isoweekday(), local.date().isoformat(), local.isoweekday()]


@given(moments, st.sampled_from(ZONES), st.sampled_from(ZONES))
def test_in_timezone_keeps_the_moment_and_shows_the_clock(moment: dt.datetime, project: str, zone: str) -> None:
    """Its text goes back to the same moment, and hour() reads the clock of that zone, whatever the project's."""
    local = moment.replace(tzinfo=dt.UTC).astimezone(ZoneInfo(zone))

    shown = value(f"in_timezone(at, '{zone}')", zone=project, at=written(moment))

    assert shown == local.isoformat(timespec="microseconds")
    assert value("parse_date(shown)", shown=shown) == written(moment)
    assert value("hour(shown)", zone=project, shown=shown) == local.hour


@given(moments, st.integers(-400, 400), st.sampled_from(UNITS[:3]), st.sampled_from(ZONES))
def test_clock_units_are_exact_and_date_diff_undoes_date_add(
    moment: dt.datetime, amount: int, unit: str, zone: str
) -> None:
    """An hour is 3,600 seconds, across every change of the clocks."""
    context: dict[str, Any] = {"at": written(moment), "amount": amount}

    later = value(f"date_add(at, amount, '{unit}')", zone=zone, **context)

    assert later == written(moment + dt.timedelta(**{unit: amount}))
    assert value(f"date_diff(later, at, '{unit}')", zone=zone, later=later, **context) == amount


@given(st.dates(dt.date(1900, 1, 1), dt.date(2200, 1, 1)), st.integers(-500, 500), st.sampled_from(UNITS[3:]))
def test_days_stay_days_and_date_diff_undoes_date_add(day: dt.date, amount: int, unit: str) -> None:
    """A day plus calendar units is a day; for months from the 29th on, the difference may be one short."""
    context: dict[str, Any] = {"day": day.isoformat(), "amount": amount}

    later = value(f"date_add(day, amount, '{unit}')", **context)
    difference = value(f"date_diff(later, day, '{unit}')", later=later, **context)

    assert len(later) == 10
    if unit in ("days", "weeks") or day.day <= 28:
        assert difference == amount
    else:
        assert abs(difference - amount) <= 1


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        # The night in which clocks go forward at 02:00: 02:30 does not exist, and is 03:30.
        ("date_add('2026-03-28T01:30:00Z', `1`, 'day')", "2026-03-29T01:30:00.000000Z"),
        ("date_add('2026-03-28T12:00:00Z', `24`, 'hours')", "2026-03-29T12:00:00.000000Z"),
        ("date_add('2026-03-28T12:00:00Z', `1`, 'day')", "2026-03-29T11:00:00.000000Z"),
        ("date_add('2026-03-28', `24`, 'hours')", "2026-03-28T23:00:00.000000Z"),
        ("date_add('2024-02-29', `1`, 'year')", "2025-02-28"),
        ("date_add('2026-12-31', `2`, 'months')", "2027-02-28"),
        ("date_add('9999-12-01', `30`, 'days')", "9999-12-31"),
        ("date_add('9999-11-30', `1`, 'month')", "9999-12-30"),
        ("date_diff('2026-03-30', '2026-03-29T00:00:00Z')", Decimal(22) / 24),
        ("date_diff('2026-01-31T23:30:00Z', '2026-01-31', 'months')", 0),
        ("date_diff('2026-02-28T22:30:00Z', '2026-01-31T23:30:00Z', 'months')", 0),
        ("date_diff('2026-02-28T23:30:00Z', '2026-01-31T23:30:00Z', 'months')", 1),
        ("date_diff('2025-02-28', '2024-02-29', 'years')", 1),
        ("date_diff('2024-02-29', '2025-02-28', 'years')", -1),
        ("parse_date('2026-06-01')", "2026-05-31T22:00:00.000000Z"),
        ("parse_date('20260601T120000Z')", "2026-06-01T12:00:00.000000Z"),
        ("parse_date('2026-06-01T12:00')", "2026-06-01T12:00:00.000000Z"),
        ("parse_date(`20260601`)", None),
        ("parse_date('2026-13-01')", None),
    ],
)
def test_a_case_of_the_calendar(text: str, expected: Any) -> None:
    """In Berlin: days are days of the calendar, hours are hours, months end where they end."""
    found = value(text, zone="Europe/Berlin")

    if isinstance(expected, Decimal):
        assert abs(found - expected) < Decimal("1e-20")
    else:
        assert found == expected


def test_now_is_the_time_of_the_event() -> None:
    """The same in every condition, at any time of evaluation, and in any form that the event has it."""
    assert value("now() == now()") is True
    assert value("now()") == "2026-03-01T23:30:00.000000Z"
    assert value("now()", time="2026-03-01T23:30:00+02:00") == "2026-03-01T21:30:00.000000Z"
    assert value("now() > '2026-03-01T23:29:00Z'") is True


@pytest.mark.parametrize("event", [None, {}, {"time": None}, {"time": "soon"}, {"time": 1}, {"time": "2026-03-01"}])
def test_without_the_time_of_the_event_now_is_a_condition_error(event: Any) -> None:
    """The clock is never read: a replay could not know what it said."""
    for text in ("now()", "today()"):
        with pytest.raises(ConditionEvaluationError, match="needs the time of the event"):
            compile_condition(text).evaluate({"event": event})


ERRORS = [
    ("date_add('soon', `1`, 'day')", r"date_add\(\) needs a date such as '2026-03-01'"),
    ("hour('25:00')", r"hour\(\) needs a date such as"),
    ("date_add('9999-12-31', `1`, 'day')", r"result of date_add\(\) lies outside the years 1 to 9999"),
    ("date_add('9999-12-31T23:00:00Z', `1`, 'month')", "outside the years 1 to 9999"),
    ("date_add('2026-01-01', multiply(`9999999999`, `9999999999`), 'years')", "outside the years 1 to 9999"),
    ("date_add('2026-01-01T00:00:00Z', multiply(`9999999999`, `9999999999`), 'hours')", "outside the years"),
    ("in_timezone('9999-12-31T23:00:00Z', 'Asia/Tokyo')", "outside the years 1 to 9999"),
    ("date_add('2026-01-01', `1.5`, 'days')", r"date_add\(\) needs a whole number as 'amount'"),
    ("date_diff('2026-01-01', '2026-01-01', 'eons')", "'eons' is no unit of time. Units are seconds, minutes"),
    ("in_timezone(now(), 'Europe')", "There is no time zone 'Europe'"),
    ("in_timezone(now(), '../../etc/passwd')", "There is no time zone"),
    ("in_timezone(now(), '')", "There is no time zone ''"),
    (f"in_timezone(now(), '{'x' * 5000}')", "There is no time zone 'xxx"),
    ("hour(now())", "There is no time zone 'Nowhere'"),
]


@pytest.mark.parametrize(("text", "message"), ERRORS)
def test_what_cannot_be_computed_is_a_condition_error(text: str, message: str) -> None:
    """The message says which function, and what it needs."""
    with pytest.raises(ConditionEvaluationError, match=message):
        value(text, zone="Nowhere" if text == "hour(now())" else "UTC")


@given(st.text(max_size=30))
def test_any_text_is_a_date_or_none(text: str) -> None:
    """parse_date() never raises for a text."""
    found = value("parse_date(text)", text=text)

    assert found is None or dt.datetime.fromisoformat(found)
