"""The filters: Django's, over texts and numbers that mean the same in every language."""

from __future__ import annotations

import re
from collections.abc import Callable
from decimal import ROUND_HALF_UP, Context, Decimal
from functools import partial
from typing import Any, cast
from urllib.parse import quote

from django.template import defaultfilters
from django.utils import formats
from django.utils.html import conditional_escape
from django.utils.safestring import mark_safe

from rules_engine import jsontext
from rules_engine.templating.limits import MAX_DIGITS, MAX_OUTPUT, MAX_PLACES, MAX_WIDTH
from rules_engine.templating.moments import read_moment
from rules_engine.templating.problem import Problem, too_long
from rules_engine.templating.values import as_number, as_text, clean

Filter = Callable[..., object]
_EXACT = Context(prec=4 * MAX_DIGITS, rounding=ROUND_HALF_UP)


def _on_text(function: Filter) -> Filter:
    """A filter of Django without argument; the text it gets is ours, so that null is not "None"."""

    def filter_(value: object) -> object:
        return function(as_text(value))

    return filter_


def _on_text_with(function: Filter) -> Filter:
    """The same for a filter with one argument."""

    def filter_(value: object, arg: object) -> object:
        return function(as_text(value), as_text(arg))

    return filter_


def _urlencode(value: object, safe: object = "/") -> str:
    return quote(as_text(value), safe=as_text(safe))


def _column(method: Callable[[str, int], str]) -> Filter:
    def filter_(value: object, width: object) -> str:
        columns = as_number(width)
        if not isinstance(columns, int) or not 0 <= columns <= MAX_WIDTH:
            raise Problem(f"the width of a column must be a whole number up to {MAX_WIDTH}.")
        return method(as_text(value), columns)

    return filter_


def _join(value: object, separator: object, *, html: bool = False) -> object:
    if not isinstance(value, list):
        return value
    prepare = cast("Callable[[object], str]", conditional_escape) if html else str
    between, items = prepare(as_text(separator)), [prepare(as_text(item)) for item in map(clean, value)]
    if sum(map(len, items)) + len(between) * len(items) > MAX_OUTPUT:
        raise too_long()
    joined = between.join(items)
    return mark_safe(joined) if html else joined  # noqa: S308 - every part was escaped above


def _add(value: object, arg: object) -> object:
    left, right = as_number(value), as_number(arg)
    if left is not None and right is not None:
        whole = isinstance(left, int) and isinstance(right, int)
        return left + right if whole else _EXACT.add(Decimal(left), Decimal(right))
    if isinstance(value, list) and isinstance(arg, list):
        if len(value) + len(arg) > MAX_OUTPUT:
            raise too_long()
        return value + arg
    return as_text(value) + as_text(arg)


def _divisibleby(value: object, arg: object) -> bool:
    number, divisor = as_number(value), as_number(arg)
    if not isinstance(divisor, int) or divisor == 0:
        raise Problem("'divisibleby' needs a whole number other than zero.")
    return number is not None and _EXACT.remainder(Decimal(number), Decimal(divisor)) == 0


def _floatformat(value: object, arg: object = -1) -> str:
    number, wanted = as_number(value), re.fullmatch(r"(-?\d{1,3})?([gu]{0,2})", as_text(arg), re.ASCII)
    places = int(wanted[1] or -1) if wanted else 0
    if not wanted or abs(places) > MAX_PLACES:
        raise Problem(f"'floatformat' takes up to {MAX_PLACES} places, such as 2, -2 or \"2g\".")
    if number is None:
        return ""
    exact = Decimal(number)
    if places < 0 and exact == exact.to_integral_value():
        places = 0
    rounded = exact.quantize(Decimal(1).scaleb(-abs(places)), context=_EXACT)
    return format(rounded if rounded else abs(rounded), ",f" if "g" in wanted[2] else "f")


def _length(value: object) -> int:
    return len(value) if isinstance(value, (str, list, dict)) else 0


def _item(value: object, position: int) -> object:
    return clean(value[position]) if isinstance(value, (str, list)) and value else None


def _first(value: object) -> object:
    return _item(value, 0)


def _last(value: object) -> object:
    return _item(value, -1)


def _slice(value: object, arg: object) -> object:
    return defaultfilters.slice_filter(value, as_text(arg)) if isinstance(value, (str, list)) else value


def _default(value: object, arg: object) -> object:
    return value or arg


def _default_if_none(value: object, arg: object) -> object:
    return arg if value is None else value


def _yesno(value: object, arg: object = None) -> object:
    answers = None if arg is None else as_text(arg)
    return defaultfilters.yesno(cast("Any", value), answers)


def _pluralize(value: object, suffixes: object = "s") -> str:
    count = len(value) if isinstance(value, (list, dict)) else as_number(value)
    return "" if count is None else defaultfilters.pluralize(count, as_text(suffixes))


def _date(value: object, arg: object = None) -> str:
    return _formatted(formats.date_format, value, arg)


def _time(value: object, arg: object = None) -> str:
    return _formatted(formats.time_format, value, arg)


def _formatted(write: Callable[..., str], value: object, arg: object) -> str:
    moment = read_moment(as_text(value))
    if moment is None:
        return ""
    try:
        return write(moment, None if arg is None else as_text(arg))
    except (AttributeError, TypeError):
        # The hour of a date without one, the year of a time.
        return ""


TEXT_FILTERS: dict[str, Filter] = {
    "add": _add,
    "addslashes": _on_text(defaultfilters.addslashes),
    "capfirst": _on_text(defaultfilters.capfirst),
    "center": _column(str.center),
    "cut": _on_text_with(defaultfilters.cut),
    "date": _date,
    "default": _default,
    "default_if_none": _default_if_none,
    "divisibleby": _divisibleby,
    "escape": _on_text(defaultfilters.escape_filter),
    "first": _first,
    "floatformat": _floatformat,
    "force_escape": _on_text(defaultfilters.force_escape),
    "join": _join,
    "json": jsontext.dumps,
    "last": _last,
    "length": _length,
    "ljust": _column(str.ljust),
    "lower": _on_text(defaultfilters.lower),
    "pluralize": _pluralize,
    "rjust": _column(str.rjust),
    "slice": _slice,
    "slugify": _on_text(defaultfilters.slugify),
    "striptags": _on_text(defaultfilters.striptags),
    "time": _time,
    "title": _on_text(defaultfilters.title),
    "truncatechars": _on_text_with(defaultfilters.truncatechars),
    "truncatewords": _on_text_with(defaultfilters.truncatewords),
    "upper": _on_text(defaultfilters.upper),
    "urlencode": _urlencode,
    "wordcount": _on_text(defaultfilters.wordcount),
    "yesno": _yesno,
}
HTML_FILTERS: dict[str, Filter] = {
    **TEXT_FILTERS,
    "join": partial(_join, html=True),
    "linebreaks": _on_text(defaultfilters.linebreaks_filter),
    "linebreaksbr": _on_text(defaultfilters.linebreaksbr),
}
COSTS = {
    **dict.fromkeys([_default, _default_if_none, _first, _last, _length, _pluralize, _yesno], 0),
    TEXT_FILTERS["striptags"]: 50,
    TEXT_FILTERS["urlencode"]: 5,
    TEXT_FILTERS["slugify"]: 5,
    TEXT_FILTERS["title"]: 2,
}
"""How much more a filter does than copy its value, measured on 60,000 characters; 0 looks at no content."""
TRANSPARENT = {_first, _last, _slice}
"""Filters whose result holds items of the list as they are: paths lead through them."""

ALLOWED_FILTERS = tuple(TEXT_FILTERS)
HTML_ONLY_FILTERS = tuple(sorted(HTML_FILTERS.keys() - TEXT_FILTERS.keys()))
