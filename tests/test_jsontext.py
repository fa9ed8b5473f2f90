"""JSON text that keeps numbers exact."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rules_engine import jsontext

DOCUMENTS = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.text()
    | st.decimals(allow_nan=False, allow_infinity=False).filter(lambda value: any(c in str(value) for c in ".E")),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=20,
)


@given(DOCUMENTS)
def test_document_reads_back_as_it_was_and_writes_the_same_text(document: Any) -> None:
    """Digit by digit, key by key: what is stored is what is signed."""
    text = jsontext.dumps(document)

    assert jsontext.loads(text) == document
    assert jsontext.dumps(jsontext.loads(text)) == text
    assert text.isascii()


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (Decimal("19.90"), "19.90"),
        (Decimal("1E+5"), "1E+5"),
        (Decimal("0.000000000000000000000000000001"), "1E-30"),
        (10**40, "1" + "0" * 40),
        (0.1, "0.1"),
        ({"b": 1, "a": [None, True]}, '{"b":1,"a":[null,true]}'),
        ("€\u2028", '"\\u20ac\\u2028"'),
    ],
)
def test_values_are_written_compactly_and_in_ascii(value: Any, text: str) -> None:
    """Every database encoding can hold it."""
    assert jsontext.dumps(value) == text
    json.loads(text)


@pytest.mark.parametrize("value", [float("nan"), float("-inf"), Decimal("NaN"), Decimal("Infinity")])
def test_numbers_that_json_has_no_word_for_are_null(value: Any) -> None:
    """Never the bare words NaN and Infinity, which other programs refuse."""
    assert jsontext.dumps([value]) == "[null]"


@pytest.mark.parametrize("value", [object(), {1, 2}, 1j])
def test_value_without_a_json_form_is_a_type_error(value: Any) -> None:
    """It is a mistake of the caller."""
    with pytest.raises(TypeError):
        jsontext.dumps(value)


def test_numbers_are_read_as_integers_and_decimals() -> None:
    """Never as floats."""
    found = jsontext.loads("[1, 1.0, 1e3, -0.5]")

    assert [(type(item), str(item)) for item in found] == [
        (int, "1"),
        (Decimal, "1.0"),
        (Decimal, "1E+3"),
        (Decimal, "-0.5"),
    ]
