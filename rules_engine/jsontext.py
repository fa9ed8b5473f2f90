"""JSON text that keeps numbers exact: the form in which events are stored, signed and replayed.

A Decimal is written as its own digits and read back as a Decimal; the standard library can read so, but
not write so, which is why simplejson is a dependency. Integers stay integers.
"""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import simplejson


def dumps(document: Any) -> str:
    """Return ``document`` (dicts, lists, text, numbers, booleans, None) as compact JSON text.

    NaN and Infinity become null, which JSON has no word for. Text outside ASCII is escaped, so that every
    database encoding can hold it. Raises TypeError for a value that has no JSON form.
    """
    return simplejson.dumps(document, use_decimal=True, ignore_nan=True, separators=(",", ":"))


def loads(text: str) -> Any:
    """Return the document of a JSON text; numbers with a fraction or exponent become Decimals."""
    return json.loads(text, parse_float=Decimal)
