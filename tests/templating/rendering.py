"""Rendering over an example of data."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from rules_engine.exceptions import TemplateInvalid
from rules_engine.templating import compile_template

DATA: dict[str, Any] = {
    "name": "Ada <ada@example.com>",
    "nothing": None,
    "yes": True,
    "no": False,
    "count": 1_234_567,
    "total": Decimal("1234.50"),
    "zero": Decimal("0E-8"),
    "tags": ["new", "vip"],
    "mixed": [1, Decimal("2.50"), None, True, {"k": "v"}],
    "lines": [{"sku": "A1", "n": 2}, {"sku": "B2", "n": 1}],
    "pairs": [["a", 1], ["b", 2]],
    "object": {"keys": "own keys", "b": {"c": 3}},
    "with_items": {"items": [["own", "items"]]},
    "empty": [],
    "when": "2024-07-01T12:30:00.000000Z",
    "winter": "2024-01-01T23:30:00.000000Z",
    "day": "2024-07-01",
    "never": "9999-12-31T23:59:59.999999Z",
    "text": "one two three",
}


def render(text: str, data: dict[str, Any] | None = None, **options: Any) -> str:
    """The text of a template over ``data``, or the example."""
    return compile_template(text, html=options.pop("html", False)).render(DATA if data is None else data, **options)


def message(text: str, data: dict[str, Any] | None = None, **options: Any) -> str:
    """The message of the failure that compiling or rendering ends with."""
    with pytest.raises(TemplateInvalid) as caught:
        render(text, data, **options)
    return str(caught.value)


def outcome(text: str, data: dict[str, Any]) -> tuple[str, str]:
    """The text or the failure, to compare."""
    try:
        return "text", compile_template(text).render(data)
    except TemplateInvalid as error:
        return "error", str(error)
