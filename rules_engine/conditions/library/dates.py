"""Dates and times: ISO 8601 in, and out in the one form of contexts.

A *moment* is ``YYYY-MM-DDTHH:MM:SS.ffffffZ``, a *day* is ``YYYY-MM-DD``. Days are days of the project's time zone,
which the event keeps (``event.timezone``; UTC where it does not); the time is the event's own (``event.time``), so
that an event that is replayed years later gives the same answers.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping
from decimal import Decimal
from functools import lru_cache, partial
from typing import Annotated, Any, TypeVar
from zoneinfo import ZoneInfo

from rules_engine.conditions.arithmetic import divided
from rules_engine.conditions.faults import Fault
from rules_engine.conditions.hostfunctions import Checked
from rules_engine.conditions.library.making import rooted

TIME, ZONE = ("event", "time"), ("event", "timezone")

Root = Any
T = TypeVar("T")


# --- reading ----------------------------------------------------------------------------------------------


def _read(text: str) -> dt.datetime | dt.date | None:
    """The day or the date-time that a text is, or None; a date-time without an offset has no time zone yet."""
    return _parsed(text) if len(text) <= _LONGEST else None


_LONGEST = 40


@lru_cache(maxsize=1024)
def _parsed(text: str) -> dt.datetime | dt.date | None:
    # Every condition of an event reads the same few texts, above all the time of the event.
    for read in (dt.date.fromisoformat, dt.datetime.fromisoformat):
        try:
            return read(text)
        except ValueError:
            continue
    return None


def _day_or_time(name: str, text: str) -> dt.datetime | dt.date:
    found = _read(text)
    if found is None:
        raise Fault(f"{name}() needs a date such as '2026-03-01' or '2026-03-01T12:00:00Z'.")
    return found


def check_date(text: str) -> None:
    """Raise Fault for a text that is neither a day nor a date-time."""
    if _read(text) is None:
        raise Fault("This is no date: dates are written '2026-03-01' or '2026-03-01T12:00:00Z'.")


def _moment(name: str, text: str, root: Root) -> dt.datetime:
    """The moment that a text names; a day is its first moment in the project's zone."""
    found = _day_or_time(name, text)
    if not isinstance(found, dt.datetime):
        found = dt.datetime.combine(found, dt.time(), _zone_of(root))
    elif found.tzinfo is None:
        found = found.replace(tzinfo=dt.UTC)
    return _in_range(name, lambda: found.astimezone(dt.UTC))


def _local(name: str, text: str, root: Root) -> dt.datetime:
    """The wall clock at a moment: that of its own offset, or of the project's zone for one in UTC."""
    found = _day_or_time(name, text)
    if not isinstance(found, dt.datetime):
        return dt.datetime.combine(found, dt.time())
    if found.tzinfo is not None and not text.endswith(("Z", "z")):
        return found
    return _in_range(name, lambda: found.replace(tzinfo=dt.UTC).astimezone(_zone_of(root)))


def _in_range(name: str, compute: Callable[[], T]) -> T:
    try:
        return compute()
    except (OverflowError, ValueError):
        raise Fault(f"The result of {name}() lies outside the years 1 to 9999.") from None


def _written(moment: dt.datetime) -> str:
    return moment.astimezone(dt.UTC).replace(tzinfo=None).isoformat(timespec="microseconds") + "Z"


# --- the event --------------------------------------------------------------------------------------------


def _event_value(root: Root, path: tuple[str, ...]) -> Any:
    value = root
    for name in path:
        value = value.get(name) if isinstance(value, Mapping) else None
    return value


def _event_time(name: str, root: Root) -> dt.datetime:
    text = _event_value(root, TIME)
    found = _read(text) if isinstance(text, str) else None
    if not isinstance(found, dt.datetime):
        raise Fault(f"{name}() needs the time of the event, but the context has no date-time at event.time.")
    return found.replace(tzinfo=found.tzinfo or dt.UTC).astimezone(dt.UTC)


def _zone_of(root: Root) -> dt.tzinfo:
    name = _event_value(root, ZONE)
    return _zone(name) if isinstance(name, str) else dt.UTC


@lru_cache(maxsize=64)
def _zone(name: str) -> dt.tzinfo:
    # OSError and ValueError: a name that is a folder, too long for a file, or leads out of the database.
    try:
        return ZoneInfo(name)
    except (KeyError, OSError, ValueError):
        raise Fault(
            f"There is no time zone {name[:60]!r}. Zones are named as in 'UTC' and 'Europe/Berlin'."
        ) from None


def check_zone(name: str) -> None:
    """Raise Fault for a name that is no time zone."""
    _zone(name)


# --- units ------------------------------------------------------------------------------------------------

_SECONDS = {"seconds": 1, "minutes": 60, "hours": 3600, "days": 86_400, "weeks": 604_800}
_MONTHS = {"months": 1, "years": 12}
_CLOCK = ("seconds", "minutes", "hours")


def check_unit(unit: str) -> str:
    """Return the unit in the plural; raises Fault for what is none."""
    plural = unit if unit.endswith("s") else f"{unit}s"
    if plural not in _SECONDS and plural not in _MONTHS:
        known = ", ".join([*_SECONDS, *_MONTHS])
        raise Fault(f"{unit[:60]!r} is no unit of time. Units are {known}.")
    return plural


Day = Annotated[str, Checked(check_date)]
Unit = Annotated[str, Checked(check_unit)]
Zone = Annotated[str, Checked(check_zone)]


# --- functions --------------------------------------------------------------------------------------------


def now(*, root: Root = None) -> str:
    """The time of the event, not of the clock: the same in all conditions of an event, and when it is replayed.

    Examples:
        now() on {"event": {"time": "2026-03-01T12:00:00.000000Z"}} -> "2026-03-01T12:00:00.000000Z"
        due < now() on {"due": "2026-02-01T00:00:00.000000Z", "event": {"time": "2026-03-01T12:00:00Z"}} -> true
        now() on {} -> error: now() needs the time of the event, but the context has no date-time at event.time.
    """
    return _written(_event_time("now", root))


def today(*, root: Root = None) -> str:
    """The day of the event in the project's time zone.

    Examples:
        today() on {"event": {"time": "2026-03-01T23:30:00Z", "timezone": "Europe/Berlin"}} -> "2026-03-02"
        today() on {"event": {"time": "2026-03-01T23:30:00Z"}} -> "2026-03-01"
    """
    moment: dt.datetime = _in_range("today", lambda: _event_time("today", root).astimezone(_zone_of(root)))
    return moment.date().isoformat()


def parse_date(text: Any, *, root: Root = None) -> str | None:
    """The moment that a text names, in the form that contexts have; null for what is no date.

    A date-time without an offset is in UTC; a day is its first moment in the project's time zone.

    Examples:
        parse_date('2026-03-01T12:00:00+02:00') -> "2026-03-01T10:00:00.000000Z"
        parse_date('2026-03-01 12:00') -> "2026-03-01T12:00:00.000000Z"
        parse_date('2026-03-01') on {"event": {"timezone": "Europe/Berlin"}} -> "2026-02-28T23:00:00.000000Z"
        parse_date('soon') -> null
        parse_date(due) on {"due": null} -> null
    """
    if not isinstance(text, str) or _read(text) is None:
        return None
    return _written(_moment("parse_date", text, root))


def date_add(date: Day, amount: int, unit: Unit, *, root: Root = None) -> str:
    """A moment or day, so many seconds, minutes, hours, days, weeks, months or years later; earlier if negative.

    From a day on, units are counted on the calendar of the project's time zone: a day later is the same time of
    day, and a month later the same day of the month, or the last one if that month is shorter.

    Examples:
        date_add('2026-03-01T12:00:00Z', `-2`, 'hours') -> "2026-03-01T10:00:00.000000Z"
        date_add('2026-01-31', `1`, 'month') -> "2026-02-28"
        date_add(now(), `-7`, 'days') on {"event": {"time": "2026-03-08T12:00:00Z"}} -> "2026-03-01T12:00:00.000000Z"
        date_add(at, `1`, 'day') on {"at": "2026-03-28T12:00:00Z", "event": {"timezone": "Europe/Berlin"}} -> "2026-03-29T11:00:00.000000Z"
        date_add('2026-03-01', `1`, 'fortnight') -> error: 'fortnight' is no unit of time. Units are seconds, minutes, hours, days, weeks, months, years.
    """  # noqa: E501 - an example is one line
    unit, found = check_unit(unit), _day_or_time("date_add", date)
    if not isinstance(found, dt.datetime) and unit not in _CLOCK:
        later: dt.date = _in_range("date_add", lambda: _later(found, amount, unit))
        return later.isoformat()
    moment = _moment("date_add", date, root)
    if unit in _CLOCK:
        result = _in_range("date_add", lambda: moment + dt.timedelta(seconds=amount * _SECONDS[unit]))
    else:
        zone = _zone_of(root)
        result = _in_range("date_add", lambda: _later(moment.astimezone(zone), amount, unit).astimezone(dt.UTC))
    return _written(result)


def _later(day: Any, amount: int, unit: str) -> Any:
    """A day or wall clock time, moved along the calendar; raises OverflowError and ValueError."""
    if unit in _SECONDS:
        return day + dt.timedelta(seconds=amount * _SECONDS[unit])
    months = day.year * 12 + day.month - 1 + amount * _MONTHS[unit]
    year, month = divmod(months, 12)
    return day.replace(year=year, month=month + 1, day=min(day.day, _days_of(year, month + 1)))


def _days_of(year: int, month: int) -> int:
    after = dt.date(year + month // 12, month % 12 + 1, 1) if (year, month) != (9999, 12) else None
    return (after - dt.timedelta(days=1)).day if after is not None else 31


def date_diff(date: Day, other: Day, unit: Unit = "days", *, root: Root = None) -> int | Decimal:
    """How much later the first moment or day is than the second, in days or another unit; negative if earlier.

    Seconds to weeks are exact, with a fraction; months and years are whole ones that have passed.

    Examples:
        date_diff('2026-03-08', '2026-03-01') -> 7
        date_diff('2026-03-01T18:00:00Z', '2026-03-01T12:00:00Z') -> 0.25
        date_diff('2026-03-01T12:00:00Z', '2026-03-01T13:30:00Z', 'hours') -> -1.5
        date_diff('2026-03-30', '2025-12-31', 'months') -> 2
        date_diff(now(), due) > `14` on {"due": "2026-03-01", "event": {"time": "2026-03-20T12:00:00Z"}} -> true
    """
    unit = check_unit(unit)
    later, earlier = _comparable(date, other, unit, root)
    if unit in _MONTHS:
        sign = 1 if later >= earlier else -1
        return sign * (_months_between(max(later, earlier), min(later, earlier)) // _MONTHS[unit])
    microseconds = (later - earlier) // dt.timedelta(microseconds=1)
    return divided("date_diff", microseconds, _SECONDS[unit] * 1_000_000)


def _comparable(date: str, other: str, unit: str, root: Root) -> tuple[Any, Any]:
    """Two days, two moments, or for calendar units the wall clock at two moments."""
    found = _day_or_time("date_diff", date), _day_or_time("date_diff", other)
    if not any(isinstance(item, dt.datetime) for item in found):
        return found
    moments = _moment("date_diff", date, root), _moment("date_diff", other, root)
    if unit not in _MONTHS:
        return moments
    zone = _zone_of(root)
    first, second = (_in_range("date_diff", partial(moment.astimezone, zone)) for moment in moments)
    return first.replace(tzinfo=None), second.replace(tzinfo=None)


def _months_between(later: Any, earlier: Any) -> int:
    months: int = (later.year - earlier.year) * 12 + later.month - earlier.month
    # The last month counts when the earlier day, moved on by that many months, is reached.
    return months if _later(earlier, months, "months") <= later else months - 1


def weekday(date: Day, *, root: Root = None) -> int:
    """The day of the week as ISO 8601 counts: 1 for Monday to 7 for Sunday, in the project's time zone.

    A date-time with an offset of its own, as ``in_timezone`` gives, keeps to that.

    Examples:
        weekday('2026-03-01') -> 7
        weekday(at) on {"at": "2026-03-01T23:30:00Z", "event": {"timezone": "Europe/Berlin"}} -> 1
        weekday(today()) < `6` on {"event": {"time": "2026-03-02T12:00:00Z"}} -> true
    """
    return _local("weekday", date, root).isoweekday()


def hour(date: Day, *, root: Root = None) -> int:
    """The hour of the day, 0 to 23, in the project's time zone.

    A date-time with an offset of its own, as ``in_timezone`` gives, keeps to that.

    Examples:
        hour('2026-03-01T12:30:00Z') -> 12
        hour(at) on {"at": "2026-03-01T12:30:00Z", "event": {"timezone": "Europe/Berlin"}} -> 13
        hour(in_timezone(at, 'Asia/Tokyo')) on {"at": "2026-03-01T12:30:00Z"} -> 21
        hour(now()) >= `18` on {"event": {"time": "2026-03-01T18:30:00Z"}} -> true
    """
    return _local("hour", date, root).hour


def in_timezone(date: Day, zone: Zone, *, root: Root = None) -> str:
    """A moment as clocks show it in a time zone, with its offset; to show it, or for ``hour`` and ``weekday``.

    Such texts are not for comparisons: those need moments in UTC, as contexts have them and ``parse_date`` gives.

    Examples:
        in_timezone('2026-03-01T12:00:00Z', 'Europe/Berlin') -> "2026-03-01T13:00:00.000000+01:00"
        parse_date(in_timezone('2026-03-01T12:00:00Z', 'Asia/Tokyo')) -> "2026-03-01T12:00:00.000000Z"
        in_timezone(at, 'Mars') on {"at": "2026-03-01"} -> error: There is no time zone 'Mars'. Zones are named as in 'UTC' and 'Europe/Berlin'.
    """  # noqa: E501 - an example is one line
    moment: dt.datetime = _in_range("in_timezone", lambda: _moment("in_timezone", date, root).astimezone(_zone(zone)))
    return moment.isoformat(timespec="microseconds")


FUNCTIONS = (
    rooted("now", now, TIME),
    rooted("today", today, TIME, ZONE),
    *(rooted(item.__name__, item, ZONE) for item in (parse_date, date_add, date_diff, weekday, hour, in_timezone)),
)
