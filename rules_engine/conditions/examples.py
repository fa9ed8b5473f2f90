"""The docstrings of functions: a description, and examples in one format that documents and tests alike.

An example is one line below ``Examples:``, a condition and what it gives as JSON; where it needs a context, that
stands behind ``on``, and for an error its message stands in place of the value::

    lower('PAID') -> "paid"
    in_group(user, 'Staff') on {"user": null} -> false
    divide(`1`, `0`) -> error: divide() cannot divide by zero.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

_EXAMPLE = re.compile(r"(?P<condition>.+?)(?: on (?P<context>\{.*\}))? -> (?:error: (?P<error>.+)|(?P<value>.+))")
_HEADING = "Examples:"


@dataclass(frozen=True)
class Example:
    """A condition, the context that it is evaluated on, and its value or the message of its error."""

    condition: str
    context: Any
    value: Any
    error: str = ""


def description_of(doc: str) -> str:
    """A docstring without its examples."""
    return doc.partition(_HEADING)[0].strip()


def examples_of(doc: str) -> list[Example]:
    """The examples of a docstring; raises ValueError for a line that is none."""
    return [_example(line.strip()) for line in doc.partition(_HEADING)[2].splitlines() if line.strip()]


def _example(line: str) -> Example:
    found = _EXAMPLE.fullmatch(line)
    if found is None:
        raise ValueError(f"This line is no example of the form 'condition on {{context}} -> value': {line}")
    context = _loaded(found["context"]) if found["context"] else {}
    if found["error"]:
        return Example(found["condition"], context, None, found["error"])
    return Example(found["condition"], context, _loaded(found["value"]))


def _loaded(text: str) -> Any:
    return json.loads(text, parse_float=Decimal)
