"""What a context can hold, as far as it is known without one: what ``check_paths`` checks paths against."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Union

from rules_engine.conditions.values import BOOLEAN, NUMBER, STRING

OTHERS = "*"
"""The key of a mapping of fields that stands for all names that it does not list."""


@dataclass(frozen=True)
class Leaf:
    """A value without known fields.

    An ``open`` one may have any (a JSON column); one that is not is a scalar. ``kind`` is the word for it in
    messages and says what it holds, see ``KINDS``.
    """

    redacted: bool = False
    open: bool = False
    kind: str = "single value"
    choices: tuple[Any, ...] = ()
    """All values that it can hold besides null and the empty text; empty where there is no list of them."""
    max_length: int | None = None
    """Characters that a text can have."""
    whole: bool = False
    """Whether a number has no fraction."""
    nullable: bool = False
    """Whether it is known that it may be null."""


DATE, DATE_AND_TIME, TIME = "date", "date and time", "time"

KINDS: Mapping[str, tuple[str, ...]] = {
    "text": (STRING,),
    "number": (NUMBER,),
    "number of seconds": (NUMBER,),
    "true or false": (BOOLEAN,),
    DATE: (STRING,),
    DATE_AND_TIME: (STRING,),
    TIME: (STRING,),
    "key": (STRING, NUMBER),
}
"""The JMESPath types of what a leaf holds, by its ``kind``; any other kind may hold any scalar."""


@dataclass(frozen=True)
class Shape:
    """An object with known fields, or with ``many`` a list of such objects; ``title`` is its name in messages.

    Shapes refer to each other in cycles, as models do, so ``fields`` may be a callable, or a mapping that builds
    its values when they are asked for, and every value may be a callable.
    """

    title: str
    fields: Fields | Callable[[], Fields]
    many: bool = False


Field = Union[Shape, Leaf, "Fields", Callable[[], "Field"], None]
"""A plain mapping is an object without a title; None is open-ended, whatever comes below."""

Fields = Mapping[str, Field]


def resolved(field: Field) -> Shape | Leaf | Fields | None:
    """Return what a field is, built if need be."""
    while callable(field):
        field = field()
    return field


def fields_of(node: Shape | Fields) -> Fields:
    """The fields of an object."""
    if not isinstance(node, Shape):
        return node
    return node.fields() if callable(node.fields) else node.fields
