"""Templates that administrators write: Django's syntax over the JSON document of an event, with nothing to call.

Only Django's grammar is used (lexer, filter expressions, the operators of ``{% if %}``); looking up values and
rendering are done here. So there is no template engine that could load, include or reverse anything, and a
path reads keys of objects and positions of lists, never an attribute: ``{{ x.items }}`` is the key "items" or
empty. As in Django, a name that begins with an underscore is refused.

- Values: missing and null are the same and render as empty text; booleans render as ``true`` and ``false``;
  numbers exactly, in every language (``1234.50``); lists and objects as compact JSON.
- Language and time zone are the project's, whoever was active, so that a retry renders the same text. ``date``
  and ``time`` read the ISO texts of events.
- ``{% for k, v in x.items %}`` and ``{% for k, v in x %}`` run over the pairs of an object; one name runs over
  a list. Anything else that is not empty is an error, since it would silently render nothing.
- ``html=True`` escapes every value, and nothing can switch that off: there is neither ``safe`` nor
  ``autoescape``. Literals in the template are its author's own text and stay.
- ``{{ secrets.NAME }}`` reads a secret; ``secrets`` alone is refused.
- ``add`` is exact for decimals and joins texts also with numbers (``"Order "|add:instance.id``);
  ``floatformat`` always writes a point, with the suffix ``g`` commas between thousands.
- Text, nesting, work and output are limited; the limits count pieces of work, so that the same template over
  the same data always ends the same way.

A rendered text may hold line breaks that came with the data. Who puts it into a header (a mail subject, an
HTTP header) must refuse or replace them.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time
from decimal import ROUND_HALF_UP, Context, Decimal
from difflib import get_close_matches
from functools import lru_cache, partial
from typing import Any, ClassVar, NoReturn, Protocol, cast
from urllib.parse import quote

from django.conf import settings
from django.template import TemplateSyntaxError, defaultfilters
from django.template.base import (
    FilterExpression,
    Lexer,
    Parser,
    Token,
    TokenType,
    Variable,
    token_kwargs,
)
from django.template.smartif import IfParser, Literal
from django.utils import dateparse, formats, timezone, translation
from django.utils.functional import Promise
from django.utils.html import conditional_escape, strip_spaces_between_tags
from django.utils.safestring import SafeString, mark_safe
from django.utils.text import smart_split

from rules_engine import jsontext
from rules_engine.exceptions import TemplateInvalid

MAX_TEMPLATE = 50_000
"""Most characters of a template."""
MAX_OUTPUT = 200_000
"""Most characters of a rendered text, and of any value on the way to it."""
MAX_WORK = 10_000_000
"""Most characters handled while rendering; a tag, a variable or a round of a loop counts as ``STEP``."""
STEP = 100
MAX_DEPTH = 20
"""Most blocks inside each other."""
MAX_TAG = 2_000
"""Most characters between two braces."""
MAX_IF_WORDS = 60
"""Most words of one ``{% if %}``; its operators nest, so this bounds recursion."""
MAX_WIDTH = 200
"""Widest column of ``ljust``, ``rjust`` and ``center``."""
MAX_PLACES = 30
"""Most decimal places of ``floatformat``."""
MAX_DIGITS = 200
"""Numbers with more digits are written with an exponent, and are not calculated with."""
MASK = "***"

_ISO_LONGEST = 40
_CACHE_SIZE = 256
_EXACT = Context(prec=4 * MAX_DIGITS, rounding=ROUND_HALF_UP)
_CONSTANTS = {"True": True, "False": False, "None": None}
_RESERVED = {"secrets", "forloop", *_CONSTANTS}


class _Missing:
    """What a path without a value finds; apart from null only where a loop looks for a key named "items"."""


_MISSING = _Missing()


class _Problem(TemplateSyntaxError, ValueError):
    """Something that this module refuses. Its text never holds a value, because a value may be a secret."""


# --- public -----------------------------------------------------------------------------------------------


def compile_template(text: str, *, html: bool = False) -> CompiledTemplate:
    """Return the template, ready to render; compiled ones are kept in a cache of limited size.

    Raises TemplateInvalid, naming the line and the remedy, for whatever does not parse or is not allowed.
    """
    if not isinstance(text, str):
        raise TemplateInvalid(f"A template is a text, not {type(text).__name__}.")
    if len(text) > MAX_TEMPLATE:
        raise TemplateInvalid(f"The template has {len(text)} characters; {MAX_TEMPLATE} are allowed. Shorten it.")
    return _compile(str(text), bool(html))


@dataclass(frozen=True)
class CompiledTemplate:
    """A template that parsed; it holds no data and may be shared between threads."""

    text: str
    html: bool
    paths: frozenset[tuple[str, ...]]
    """Every path into the data that rendering can read, without positions in lists: a path stands for the
    value and all below it, and leads through lists to each of their items."""
    secrets: frozenset[str]
    """Names read as ``{{ secrets.NAME }}``."""
    _nodes: list[_Node] = field(repr=False, compare=False)

    def render(self, data: Mapping[str, Any], *, secrets: Mapping[str, str] | None = None) -> str:
        """Return the text for ``data``; ``secrets=None`` is for showing it: each secret is then ``***``.

        Raises TemplateInvalid when a secret is missing, a limit is hit or anything else fails. The original
        error is its cause; it is replaced when the template was given secrets, as its text might hold one.
        """
        for name in sorted(self.secrets.difference(self.secrets if secrets is None else secrets)):
            raise TemplateInvalid(f'There is no secret named {name!r}. Add it to RULES_ENGINE["SECRETS"].')
        run = _Run(data, secrets, self.html)
        try:
            with translation.override(settings.LANGUAGE_CODE):
                return _render(self._nodes, run)
        except Exception as error:  # noqa: BLE001 - whatever happens, callers handle one kind of failure
            cause = self._presentable(error, secrets)
        # Raised out here so that the original is not reachable as __context__ either.
        reason = str(cause) if isinstance(cause, _Problem) else f"{type(cause).__name__}: {cause}"
        raise TemplateInvalid(f"Line {run.line}: the template cannot be rendered: {reason}") from cause

    def _presentable(self, error: Exception, secrets: Mapping[str, str] | None) -> Exception:
        if isinstance(error, _Problem) or secrets is None or not self.secrets:
            return error
        return RuntimeError(f"{type(error).__name__} (its text is withheld, because the template reads secrets)")


@lru_cache(maxsize=_CACHE_SIZE)
def _compile(text: str, html: bool) -> CompiledTemplate:
    parser = _Parser(html=html)
    try:
        nodes = parser.template(text)
    except (TemplateSyntaxError, ValueError, ArithmeticError, RecursionError) as error:
        # Django's own messages repeat the line.
        reason = re.sub(r" on line \d+", "", str(error))
        raise TemplateInvalid(f"Line {parser.line}: {reason}") from error
    return CompiledTemplate(text, html, frozenset(parser.paths), frozenset(parser.secrets), nodes)


# --- values -----------------------------------------------------------------------------------------------


def _find(value: object, parts: Sequence[str]) -> object:
    """Return what lies at ``parts`` below ``value``: keys of objects, positions in lists, nothing else."""
    for part in parts:
        if isinstance(value, Mapping):
            value = value.get(part, _MISSING)
        elif isinstance(value, (list, tuple)) and _is_position(part):
            value = value[int(part)] if int(part) < len(value) else _MISSING
        else:
            return _MISSING
    return value


def _is_position(part: str) -> bool:
    return part.isascii() and part.isdecimal() and len(part) < 10


def _clean(value: object) -> object:
    """Return a value from the data as exactly one of the JSON types; the data never brings safe HTML."""
    if value is None or value is _MISSING:
        return None
    if isinstance(value, (bool, Decimal, list, dict)):
        return value
    if isinstance(value, str):
        # Adding a plain text turns a SafeString, or a member of TextChoices, into a plain text.
        return value if type(value) is str else value + ""
    if isinstance(value, int):
        return int(value)
    if isinstance(value, float):
        return Decimal(repr(value)) if math.isfinite(value) else None
    if isinstance(value, tuple):
        return list(value)
    if isinstance(value, Mapping):
        return dict(value)
    raise _Problem(f"the data holds a {type(value).__name__}, which is not a JSON value.")


def _text(value: object) -> str:
    """Return the text that a value renders as."""
    if isinstance(value, str):
        return value
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, Decimal):
        return _decimal_text(value)
    return str(value) if isinstance(value, int) else jsontext.dumps(value)


def _decimal_text(value: Decimal) -> str:
    if not value.is_finite():
        return ""
    # "f" writes 0E-8, the zero of a column with eight places, as 0.00000000; but 1E+999999999 would fill memory.
    return format(value, "f") if _is_handy(value) else str(value)


def _is_handy(value: int | Decimal) -> bool:
    if isinstance(value, int):
        return value.bit_length() < 3 * MAX_DIGITS
    parts = value.as_tuple()
    return isinstance(parts.exponent, int) and len(parts.digits) + abs(parts.exponent) <= MAX_DIGITS


def _number(value: object) -> int | Decimal | None:
    """Return the number that a value is or spells, or None. Raises _Problem for one of monstrous size."""
    if isinstance(value, str) and re.fullmatch(r"\s*[-+]?\d{1,60}(\.\d{1,60})?\s*", value, re.ASCII):
        value = Decimal(value) if "." in value else int(value)
    if not isinstance(value, (int, Decimal)) or (isinstance(value, Decimal) and not value.is_finite()):
        return None
    if not _is_handy(value):
        raise _Problem(f"a number has more than {MAX_DIGITS} digits.")
    return value


def _weigh(value: object) -> int:
    """Return about how many characters handling the value touches."""
    weight, waiting = 0, [value]
    while waiting and weight <= MAX_WORK:
        item = waiting.pop()
        weight += 10
        if isinstance(item, str):
            weight += len(item)
        elif isinstance(item, Mapping):
            weight += 10 * len(item)
            waiting.extend(item.values())
        elif isinstance(item, (list, tuple)):
            waiting.extend(item)
    return weight


def _kind(value: object) -> str:
    if isinstance(value, Mapping):
        return "an object"
    return {bool: "a boolean", str: "a text"}.get(type(value), "a number")


# --- filters ----------------------------------------------------------------------------------------------

_Filter = Callable[..., object]


def _on_text(function: _Filter) -> _Filter:
    """A filter of Django without argument; the text it gets is ours, so that null is not "None"."""

    def filter_(value: object) -> object:
        return function(_text(value))

    return filter_


def _on_text_with(function: _Filter) -> _Filter:
    """The same for a filter with one argument."""

    def filter_(value: object, arg: object) -> object:
        return function(_text(value), _text(arg))

    return filter_


def _urlencode(value: object, safe: object = "/") -> str:
    return quote(_text(value), safe=_text(safe))


def _column(method: Callable[[str, int], str]) -> _Filter:
    def filter_(value: object, width: object) -> str:
        columns = _number(width)
        if not isinstance(columns, int) or not 0 <= columns <= MAX_WIDTH:
            raise _Problem(f"the width of a column must be a whole number up to {MAX_WIDTH}.")
        return method(_text(value), columns)

    return filter_


def _join(value: object, separator: object, *, html: bool = False) -> object:
    if not isinstance(value, list):
        return value
    prepare = cast("Callable[[object], str]", conditional_escape) if html else str
    between, items = prepare(_text(separator)), [prepare(_text(item)) for item in map(_clean, value)]
    if sum(map(len, items)) + len(between) * len(items) > MAX_OUTPUT:
        raise _too_long()
    joined = between.join(items)
    return mark_safe(joined) if html else joined  # noqa: S308 - every part was escaped above


def _add(value: object, arg: object) -> object:
    left, right = _number(value), _number(arg)
    if left is not None and right is not None:
        whole = isinstance(left, int) and isinstance(right, int)
        return left + right if whole else _EXACT.add(Decimal(left), Decimal(right))
    if isinstance(value, list) and isinstance(arg, list):
        if len(value) + len(arg) > MAX_OUTPUT:
            raise _too_long()
        return value + arg
    return _text(value) + _text(arg)


def _divisibleby(value: object, arg: object) -> bool:
    number, divisor = _number(value), _number(arg)
    if not isinstance(divisor, int) or divisor == 0:
        raise _Problem("'divisibleby' needs a whole number other than zero.")
    return number is not None and _EXACT.remainder(Decimal(number), Decimal(divisor)) == 0


def _floatformat(value: object, arg: object = -1) -> str:
    number, wanted = _number(value), re.fullmatch(r"(-?\d{1,3})?([gu]{0,2})", _text(arg), re.ASCII)
    places = int(wanted[1] or -1) if wanted else 0
    if not wanted or abs(places) > MAX_PLACES:
        raise _Problem(f"'floatformat' takes up to {MAX_PLACES} places, such as 2, -2 or \"2g\".")
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
    return _clean(value[position]) if isinstance(value, (str, list)) and value else None


def _first(value: object) -> object:
    return _item(value, 0)


def _last(value: object) -> object:
    return _item(value, -1)


def _slice(value: object, arg: object) -> object:
    return defaultfilters.slice_filter(value, _text(arg)) if isinstance(value, (str, list)) else value


def _default(value: object, arg: object) -> object:
    return value or arg


def _default_if_none(value: object, arg: object) -> object:
    return arg if value is None else value


def _yesno(value: object, arg: object = None) -> object:
    answers = None if arg is None else _text(arg)
    return defaultfilters.yesno(cast("Any", value), answers)


def _pluralize(value: object, suffixes: object = "s") -> str:
    count = len(value) if isinstance(value, (list, dict)) else _number(value)
    return "" if count is None else defaultfilters.pluralize(count, _text(suffixes))


def _date(value: object, arg: object = None) -> str:
    return _formatted(formats.date_format, value, arg)


def _time(value: object, arg: object = None) -> str:
    return _formatted(formats.time_format, value, arg)


def _formatted(write: Callable[..., str], value: object, arg: object) -> str:
    moment = _moment(_text(value))
    if moment is None:
        return ""
    try:
        return write(moment, None if arg is None else _text(arg))
    except (AttributeError, TypeError):
        # The hour of a date without one, the year of a time.
        return ""


def _moment(text: str) -> date | time | None:
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


_FILTERS: dict[str, _Filter] = {
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
_HTML_FILTERS: dict[str, _Filter] = {
    **_FILTERS,
    "join": partial(_join, html=True),
    "linebreaks": _on_text(defaultfilters.linebreaks_filter),
    "linebreaksbr": _on_text(defaultfilters.linebreaksbr),
}
_COSTS = {
    **dict.fromkeys([_default, _default_if_none, _first, _last, _length, _pluralize, _yesno], 0),
    _FILTERS["striptags"]: 50,
    _FILTERS["urlencode"]: 5,
    _FILTERS["slugify"]: 5,
    _FILTERS["title"]: 2,
}
"""How much more a filter does than copy its value, measured on 60,000 characters; 0 looks at no content."""
_TRANSPARENT = {_first, _last, _slice}
"""Filters whose result holds items of the list as they are: paths lead through them."""

ALLOWED_FILTERS = tuple(_FILTERS)
HTML_ONLY_FILTERS = tuple(sorted(_HTML_FILTERS.keys() - _FILTERS.keys()))


# --- expressions ------------------------------------------------------------------------------------------


class _Run:
    """The state of one rendering: data, secrets, names bound by tags, and what the limits count."""

    def __init__(self, data: Mapping[str, Any], secrets: Mapping[str, str] | None, html: bool) -> None:
        self.data, self.secrets, self.html = data, secrets, html
        self.frames: list[dict[str, object]] = [{}]
        self.line = 1
        self.work = self.written = 0

    def charge(self, work: int) -> None:
        self.work += work
        if self.work > MAX_WORK:
            raise _Problem("it takes too much work. Loop over shorter lists, or nest fewer loops.")

    def write(self, piece: str) -> str:
        self.charge(len(piece))
        self.written += len(piece)
        if self.written > MAX_OUTPUT:
            raise _too_long()
        return piece

    def present(self, value: object) -> str:
        """Return the value as text, escaped in HTML."""
        self.charge(_weigh(value))
        text = _text(value)
        return conditional_escape(text) if self.html else text

    def bound(self, name: str) -> object:
        for frame in reversed(self.frames):
            if name in frame:
                return frame[name]
        return _MISSING


def _too_long() -> _Problem:
    return _Problem(
        f"the text is longer than {MAX_OUTPUT} characters. Loop over fewer items, or shorten values with "
        "the filters slice and truncatechars."
    )


class _Term(Protocol):
    def value(self, run: _Run) -> object: ...


@dataclass(frozen=True)
class _Constant:
    constant: object

    def value(self, run: _Run) -> object:
        return self.constant


@dataclass(frozen=True)
class _Secret:
    name: str

    def value(self, run: _Run) -> str:
        return MASK if run.secrets is None else run.secrets[self.name]


@dataclass(frozen=True)
class _Path:
    """A path that starts in the data, or, when ``local``, at a name that a tag bound."""

    parts: tuple[str, ...]
    local: bool

    def value(self, run: _Run) -> object:
        # A name that a tag bound holds a clean value already, perhaps one that is safe HTML.
        if self.local and len(self.parts) == 1:
            found = run.bound(self.parts[0])
            return None if found is _MISSING else found
        return _clean(self.find(run))

    def find(self, run: _Run) -> object:
        if self.local:
            return _find(run.bound(self.parts[0]), self.parts[1:])
        return _find(run.data, self.parts)


@dataclass(frozen=True)
class _Expression:
    """A value with the filters applied to it."""

    head: _Term
    calls: tuple[tuple[_Filter, tuple[_Term, ...]], ...]
    origin: tuple[str, ...] | None
    """The path in the data whose value, or whose items, this is; None for a value made by a filter."""

    def value(self, run: _Run) -> object:
        value = self.head.value(run)
        for function, terms in self.calls:
            args = [term.value(run) for term in terms]
            cost = _COSTS.get(function, 1)
            run.charge(STEP + (cost and cost * _weigh(value) + sum(map(_weigh, args))))
            value = function(value, *args)
            run.charge(cost and _weigh(value))
            if isinstance(value, str) and len(value) > MAX_OUTPUT:
                raise _too_long()
        return value


class _Operand(Literal):
    """A value in ``{% if %}``.

    Django's operators answer False whatever an operand raises. That suits comparing a text with a number; a
    failing operand must not pass for an answer, so it is kept for the tag to raise.
    """

    def __init__(self, expression: _Expression, text: str, *, compared: bool) -> None:
        self.expression, self.text, self.compared = expression, text, compared

    def display(self) -> str:
        return self.text

    def eval(self, context: Any) -> Any:
        test = cast("_Test", context)
        try:
            value = self.expression.value(test.run)
            test.run.charge(STEP + (_weigh(value) if self.compared else 0))
        except Exception as error:
            test.failure = error
            raise
        return value


@dataclass
class _Test:
    """One evaluation of a condition of ``{% if %}``."""

    run: _Run
    failure: Exception | None = None

    def holds(self, condition: Any) -> bool:
        answer = condition.eval(self)
        if self.failure is not None:
            raise self.failure
        return bool(answer)


class _IfParser(IfParser):
    error_class = TemplateSyntaxError

    def __init__(self, parser: _Parser, words: list[str]) -> None:
        self.parser = parser
        # Comparing and searching look at all of a value, ``and``, ``or`` and ``not`` do not.
        self.compares = not {"==", "!=", "<", "<=", ">", ">=", "in", "is"}.isdisjoint(words)
        super().__init__(cast("list[Any]", words))

    def create_var(self, value: Any) -> _Operand:
        return _Operand(self.parser.whole(value), value, compared=self.compares)


# --- nodes ------------------------------------------------------------------------------------------------


@dataclass
class _Node:
    line: int

    def render(self, run: _Run) -> str:
        raise NotImplementedError


def _render(nodes: list[_Node], run: _Run) -> str:
    pieces = []
    for node in nodes:
        run.line = node.line
        run.charge(STEP)
        pieces.append(node.render(run))
    return "".join(pieces)


@dataclass
class _Text(_Node):
    text: str

    def render(self, run: _Run) -> str:
        return run.write(self.text)


@dataclass
class _Output(_Node):
    expression: _Expression

    def render(self, run: _Run) -> str:
        return run.write(run.present(self.expression.value(run)))


@dataclass
class _If(_Node):
    branches: list[tuple[Any, list[_Node]]]
    """Conditions with what they guard; the condition of ``{% else %}`` is None."""

    def render(self, run: _Run) -> str:
        for condition, nodes in self.branches:
            if condition is None or _Test(run).holds(condition):
                return _render(nodes, run)
        return ""


@dataclass
class _For(_Node):
    names: list[str]
    sequence: _Expression
    pairs_of: _Path | None
    """The object before ``.items``, for when it has no key of that name."""
    is_reversed: bool
    body: list[_Node]
    empty: list[_Node]

    def render(self, run: _Run) -> str:
        items = self.items(run)
        if not items:
            return _render(self.empty, run)
        run.charge(len(items))
        outer = run.bound("forloop")
        loop: dict[str, object] = {"parentloop": {} if outer is _MISSING else outer, "length": len(items)}
        frame: dict[str, object] = {"forloop": loop}
        run.frames.append(frame)
        pieces = []
        for index, item in enumerate(reversed(items) if self.is_reversed else items):
            run.line = self.line
            run.charge(STEP)
            loop.update(_counters(index, len(items)))
            frame.update(self.bind(item))
            pieces.append(_render(self.body, run))
        run.frames.pop()
        return "".join(pieces)

    def items(self, run: _Run) -> Sequence[object]:
        value = self.source(run)
        if value is None or value == "" or isinstance(value, list):
            return value or []
        if isinstance(value, dict) and len(self.names) == 2:
            return list(value.items())
        names = ", ".join(self.names)
        remedy = " Give two names for an object: {% for key, value in … %}." if isinstance(value, dict) else ""
        raise _Problem(f"{{% for {names} in … %}} needs a list and found {_kind(value)}.{remedy}")

    def source(self, run: _Run) -> object:
        if self.pairs_of is None:
            return self.sequence.value(run)
        found = cast("_Path", self.sequence.head).find(run)
        return self.pairs_of.value(run) if found is _MISSING else _clean(found)

    def bind(self, item: object) -> dict[str, object]:
        if len(self.names) == 1:
            return {self.names[0]: _clean(item)}
        if not isinstance(item, (list, tuple)) or len(item) != len(self.names):
            raise _Problem(f"{{% for {', '.join(self.names)} in … %}} needs items of {len(self.names)} values.")
        return dict(zip(self.names, map(_clean, item), strict=True))


def _counters(index: int, length: int) -> dict[str, object]:
    return {
        "counter": index + 1,
        "counter0": index,
        "revcounter": length - index,
        "revcounter0": length - index - 1,
        "first": index == 0,
        "last": index == length - 1,
    }


@dataclass
class _With(_Node):
    values: dict[str, _Expression]
    body: list[_Node]

    def render(self, run: _Run) -> str:
        run.frames.append({name: expression.value(run) for name, expression in self.values.items()})
        text = _render(self.body, run)
        run.frames.pop()
        return text


@dataclass
class _FirstOf(_Node):
    values: list[_Expression]
    name: str

    def render(self, run: _Run) -> str:
        value = next(filter(None, (expression.value(run) for expression in self.values)), "")
        text = run.present(value)
        if not self.name:
            return run.write(text)
        run.frames[-1][self.name] = SafeString(text) if run.html else text
        return ""


@dataclass
class _Spaceless(_Node):
    body: list[_Node]

    def render(self, run: _Run) -> str:
        return strip_spaces_between_tags(_render(self.body, run).strip())


# --- parsing ----------------------------------------------------------------------------------------------

_CLOSERS = {"{%": "%}", "{{": "}}", "{#": "#}"}
_OPENER = re.compile(r"\{[%{#]")


def _pieces(line: str) -> Iterator[tuple[str, bool]]:
    """Split one line like Django's lexer, whose pattern takes seconds on a line of opening braces.

    Yields pieces and whether each is a tag. A tag does not extend over lines.
    """
    start = position = 0
    barren: set[str] = set()
    while match := _OPENER.search(line, position):
        kind, opening = match[0], match.start()
        closing = -1 if kind in barren else line.find(_CLOSERS[kind], opening + 2)
        if closing < 0:
            barren.add(kind)
            position = opening + 1
            continue
        if opening > start:
            yield line[start:opening], False
        start = position = closing + 2
        yield line[opening:start], True
    if start < len(line):
        yield line[start:], False


def _tokens(text: str) -> list[Token]:
    lexer = Lexer("")
    tokens: list[Token] = []
    for number, line in enumerate(text.split("\n"), start=1):
        if number > 1:
            # The break that was split off belongs to the text before this line.
            tokens.append(Token(TokenType.TEXT, "\n", None, number - 1))
        tokens.extend(lexer.create_token(piece, None, number, is_tag) for piece, is_tag in _pieces(line))
    return tokens


_Origin = tuple[str, ...] | None


class _Parser:
    """Turns tokens into nodes, and notes each path and secret that they read.

    Names that tags bind are told from names of the data here, by where they stand in the text: ``scopes`` maps
    each bound name to the path it stands for, or to None. Django calls ``find_filter`` and ``compile_filter``.
    """

    def __init__(self, *, html: bool) -> None:
        self.filters = _HTML_FILTERS if html else _FILTERS
        self.paths: set[tuple[str, ...]] = set()
        self.secrets: set[str] = set()
        self.scopes: list[dict[str, _Origin]] = [{}]
        self.waiting: list[Token] = []
        self.opened: list[Token] = []
        self.line = 1

    def template(self, text: str) -> list[_Node]:
        self.waiting = list(reversed(_tokens(text)))
        return self.block()[0]

    def block(self, *until: str) -> tuple[list[_Node], str]:
        """Parse up to one of the tags in ``until``; return the nodes before it and its content."""
        nodes: list[_Node] = []
        while self.waiting:
            token = self.waiting.pop()
            self.line = token.lineno or self.line
            if token.token_type is TokenType.TEXT:
                nodes.append(_Text(self.line, self.running_text(token)))
            elif token.token_type is TokenType.VAR:
                nodes.append(_Output(self.line, self.whole(token.contents)))
            elif token.token_type is TokenType.BLOCK:
                command = (token.contents.split() or [""])[0]
                if command in until:
                    return nodes, token.contents
                node = self.tag(command, token, until)
                nodes.extend([node] if node else [])
        if until:
            self.unclosed(until)
        return nodes, ""

    def running_text(self, token: Token) -> str:
        pieces = [token.contents]
        while self.waiting and self.waiting[-1].token_type is TokenType.TEXT:
            pieces.append(self.waiting.pop().contents)
        return "".join(pieces)

    def tag(self, command: str, token: Token, until: tuple[str, ...]) -> _Node | None:
        parse = self.TAGS.get(command)
        if parse is None:
            self.refuse_tag(command, until)
        if len(self.opened) >= MAX_DEPTH:
            raise _Problem(f"more than {MAX_DEPTH} blocks stand inside each other. Nest fewer.")
        self.check_length(token.contents)
        self.opened.append(token)
        node = parse(self, list(smart_split(token.contents))[1:])
        self.opened.pop()
        return node

    def refuse_tag(self, command: str, until: tuple[str, ...]) -> NoReturn:
        if not command:
            raise _Problem("{% %} is empty. Write a tag into it, or remove it.")
        if command.startswith("end") or command in {"else", "elif", "empty"}:
            expected = " or ".join(f"{{% {name} %}}" for name in until)
            remedy = f"Expected here: {expected}." if until else "No block is open here. Remove it."
            raise _Problem(f"{{% {command} %}} closes nothing. {remedy}")
        raise _not_allowed(command, "tags", ALLOWED_TAGS)

    def unclosed(self, until: tuple[str, ...]) -> NoReturn:
        token = self.opened[-1]
        self.line = token.lineno or self.line
        raise _Problem(f"{{% {token.contents.split()[0]} %}} is not closed. Add {{% {until[-1]} %}} after it.")

    def check_length(self, contents: str) -> None:
        if len(contents) > MAX_TAG:
            raise _Problem(f"a tag has more than {MAX_TAG} characters. Split it.")

    # --- expressions

    def whole(self, text: str) -> _Expression:
        """Parse an expression whose value is used as it is, with all that is below it."""
        expression = self.compile_filter(text)
        self.note(expression.origin)
        return expression

    def note(self, origin: _Origin) -> None:
        if origin is not None:
            self.paths.add(origin)

    def compile_filter(self, text: str) -> _Expression:
        """Parse an expression; its own path is not noted yet, as only a part of it may be read."""
        self.check_length(text)
        if not text:
            raise _Problem("{{ }} is empty. Write a path such as instance.name into it.")
        try:
            parsed = FilterExpression(text, cast("Parser", self))
        except _Problem:
            raise
        except TemplateSyntaxError as error:
            raise _explained(error) from error
        head, origin = self.term(parsed.var)
        calls = tuple((function, self.arguments(args)) for function, args in parsed.filters)
        if any(function not in _TRANSPARENT for function, _ in calls):
            self.note(origin)
            origin = None
        return _Expression(head, calls, origin)

    def find_filter(self, name: str) -> _Filter:
        if name in self.filters:
            return self.filters[name]
        if name in HTML_ONLY_FILTERS:
            raise _Problem(f"{name!r} makes HTML, and this is a plain text. Leave it out.")
        raise _not_allowed(name, "filters", sorted(self.filters))

    def arguments(self, args: Sequence[tuple[bool, Any]]) -> tuple[_Term, ...]:
        terms = []
        for _, argument in args:
            term, origin = self.term(argument)
            self.note(origin)
            terms.append(term)
        return tuple(terms)

    def term(self, parsed: Any) -> tuple[_Term, _Origin]:
        """Return the value that Django's grammar found, and its path in the data."""
        if isinstance(parsed, Promise) or (isinstance(parsed, Variable) and parsed.translate):
            raise _Problem('_("…") is not allowed in rule templates. Write the text itself.')
        if not isinstance(parsed, Variable):
            return _Constant(parsed), None
        if parsed.lookups is None:
            return _Constant(_literal(parsed)), None
        return self.path(parsed.lookups)

    def path(self, parts: tuple[str, ...]) -> tuple[_Term, _Origin]:
        root = parts[0]
        if "" in parts or root[0].isdigit():
            raise _Problem(f"{'.'.join(parts)!r} is not a path. Write names with single points between them.")
        if root == "secrets":
            return self.secret(parts), None
        if root in _CONSTANTS:
            return _Constant(_CONSTANTS[root] if len(parts) == 1 else None), None
        names = tuple(part for part in parts[1:] if not _is_position(part))
        for scope in reversed(self.scopes):
            if root in scope:
                origin = scope[root]
                return _Path(parts, local=True), None if origin is None else origin + names
        return _Path(parts, local=False), (root, *names)

    def secret(self, parts: tuple[str, ...]) -> _Secret:
        if len(parts) != 2:
            raise _Problem(f"{'.'.join(parts)!r} names no secret. Write {{{{ secrets.NAME }}}}.")
        self.secrets.add(parts[1])
        return _Secret(parts[1])

    def bindable(self, name: str) -> str:
        if name in _RESERVED:
            raise _Problem(f"{name!r} has a meaning of its own here. Choose another name.")
        if not re.fullmatch(r"[^\W\d_]\w*", name):
            raise _Problem(f"{name!r} is not a name. Use letters, digits and underscores.")
        return name

    def scoped(self, names: Mapping[str, _Origin], *until: str) -> tuple[list[_Node], str]:
        self.scopes.append(dict(names))
        result = self.block(*until)
        self.scopes.pop()
        return result

    # --- tags: each gets the words after its name

    def tag_comment(self, words: list[str]) -> None:
        while self.waiting:
            token = self.waiting.pop()
            if token.token_type is TokenType.BLOCK and token.contents == "endcomment":
                return
        self.unclosed(("endcomment",))

    def tag_firstof(self, words: list[str]) -> _Node:
        name = words[-1] if len(words) > 2 and words[-2] == "as" else ""
        values = words[:-2] if name else words
        if not values:
            raise _Problem("{% firstof %} needs values to choose from: {% firstof instance.name 'nobody' %}.")
        node = _FirstOf(self.line, [self.whole(word) for word in values], name)
        if name:
            self.scopes[-1][self.bindable(name)] = None
        return node

    def tag_for(self, words: list[str]) -> _Node:
        line, is_reversed = self.line, words[-1:] == ["reversed"]
        words = words[:-1] if is_reversed else words
        if len(words) < 3 or words[-2] != "in":
            raise _Problem("{% for %} is written like {% for line in instance.lines %}.")
        names = [self.bindable(name) for name in re.split(r" *, *", " ".join(words[:-2]))]
        sequence, pairs_of, origin = self.loop_over(words[-1], names)
        bound = {**dict.fromkeys(names, origin), "forloop": None}
        body, end = self.scoped(bound, "empty", "endfor")
        if origin is not None and not self.is_noted(origin):
            self.note(origin)
        empty = self.block("endfor")[0] if end == "empty" else []
        return _For(line, names, sequence, pairs_of, is_reversed, body, empty)

    def loop_over(self, word: str, names: list[str]) -> tuple[_Expression, _Path | None, _Origin]:
        """Return what a loop runs over, and the path that its name stands for.

        Several names take items apart, which paths cannot follow: the list, or the object before ``.items``, is
        noted as a whole.
        """
        if len(names) == 1:
            sequence = self.compile_filter(word)
            return sequence, None, sequence.origin
        if len(names) == 2 and re.fullmatch(r"[\w.]+\.items", word):
            before, _, _ = word.rpartition(".")
            parent = self.whole(before)
            if isinstance(parent.head, _Path):
                exact = _Path((*parent.head.parts, "items"), parent.head.local)
                return _Expression(exact, (), None), parent.head, None
        return self.whole(word), None, None

    def is_noted(self, origin: tuple[str, ...]) -> bool:
        """Tell whether a noted path keeps the items of the list at ``origin``: above it, at it or below it."""
        return any(path[: len(origin)] == origin[: len(path)] for path in self.paths)

    def tag_if(self, words: list[str]) -> _Node:
        line, branches = self.line, []
        condition: Any = self.condition(words)
        closers: tuple[str, ...] = ("elif", "else", "endif")
        while True:
            nodes, end = self.block(*closers)
            branches.append((condition, nodes))
            if end == "else":
                condition, closers = None, ("endif",)
            elif end.startswith("elif"):
                self.check_length(end)
                condition = self.condition(list(smart_split(end))[1:])
            else:
                return _If(line, branches)

    def condition(self, words: list[str]) -> Any:
        if not words or len(words) > MAX_IF_WORDS:
            raise _Problem(f"{{% if %}} takes 1 to {MAX_IF_WORDS} words, such as {{% if instance.total > 5 %}}.")
        return _IfParser(self, words).parse()

    def tag_spaceless(self, words: list[str]) -> _Node:
        return _Spaceless(self.line, self.block("endspaceless")[0])

    def tag_verbatim(self, words: list[str]) -> _Node:
        # The lexer has made everything up to the closing tag a text.
        line, (nodes, _) = self.line, self.block("endverbatim")
        return _Text(line, "".join(node.text for node in nodes if isinstance(node, _Text)))

    def tag_with(self, words: list[str]) -> _Node:
        line, rest = self.line, list(words)
        values = token_kwargs(rest, cast("Parser", self), support_legacy=True)
        if not values or rest:
            raise _Problem("{% with %} is written like {% with name=instance.name %}.")
        bound = cast("dict[str, _Expression]", values)
        names = {self.bindable(name): expression.origin for name, expression in bound.items()}
        return _With(line, bound, self.scoped(names, "endwith")[0])

    TAGS: ClassVar[Mapping[str, Callable[[_Parser, list[str]], _Node | None]]] = {
        "comment": tag_comment,
        "firstof": tag_firstof,
        "for": tag_for,
        "if": tag_if,
        "spaceless": tag_spaceless,
        "verbatim": tag_verbatim,
        "with": tag_with,
    }


ALLOWED_TAGS = tuple(_Parser.TAGS)


def _literal(number: Variable) -> object:
    """Return the number that the text of a template spells: 19.99 exactly, as in the data, not as a float."""
    if not isinstance(number.literal, float):
        return number.literal
    exact = Decimal(str(number.var))
    if not _is_handy(exact):
        raise _Problem(f"a number has more than {MAX_DIGITS} digits.")
    return exact


def _explained(error: TemplateSyntaxError) -> _Problem:
    """Return what Django's grammar found, with a remedy."""
    if counted := re.fullmatch(r"(\w+) requires (\d+) arguments, (\d+) provided", str(error)):
        name, needed, given = counted.groups()
        if int(given) < int(needed):
            return _Problem(f'{name!r} needs an argument. Write it like |{name}:"…".')
        return _Problem(f"{name!r} takes no argument. Leave out what follows the colon.")
    remedy = (
        "" if "underscores" in str(error) else " Write a path such as instance.name, then filters such as |upper."
    )
    return _Problem(f"{str(error).rstrip('.')}.{remedy}")


def _not_allowed(name: str, nouns: str, allowed: Sequence[str]) -> _Problem:
    close = get_close_matches(name, allowed, n=1)
    hint = f" Did you mean {close[0]!r}?" if close else ""
    return _Problem(f"{name!r} is not allowed in rule templates.{hint} Allowed {nouns}: {', '.join(allowed)}.")


__all__ = [
    "ALLOWED_FILTERS",
    "ALLOWED_TAGS",
    "HTML_ONLY_FILTERS",
    "MAX_OUTPUT",
    "MAX_TEMPLATE",
    "CompiledTemplate",
    "compile_template",
]
