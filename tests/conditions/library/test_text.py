"""Functions on texts."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rules_engine.conditions import ConditionEvaluationError, compile_condition


def value(text: str, /, **context: Any) -> Any:
    """The value of a condition on a context."""
    return compile_condition(text).evaluate(context)


@given(st.text(max_size=20), st.text(max_size=2), st.integers(-1, 5))
def test_split_and_replace_are_pythons(text: str, part: str, count: int) -> None:
    """The parts joined again give the text; a count bounds the separators that are used."""
    context = {"text": text, "part": part, "count": count}

    if part:
        parts = value("split(text, part, count)", **context)
        assert parts == text.split(part, count)
        assert part.join(parts) == text
    else:
        assert "".join(value("split(text, part, count)", **context)) == text
    assert value("replace(text, part, '--', count)", **context) == text.replace(part, "--", count)


@given(st.text(max_size=8), st.integers(-3, 12))
def test_padding_never_shortens(text: str, width: int) -> None:
    """The text has the width that was asked for, or its own if that is longer."""
    for name, expected in (("pad_left", text.rjust(width, "0")), ("pad_right", text.ljust(width, "0"))):
        assert value(f"{name}(text, width, '0')", text=text, width=width) == expected


@pytest.mark.parametrize(
    "text",
    [
        "pad_left('x', `1000001`)",
        "pad_right('x', `1000001`)",
        "replace(long, 'x', long)",
        "replace(long, '', long)",
    ],
)
def test_a_text_that_would_be_too_long_is_not_built(text: str) -> None:
    """A million characters is the most; the check comes before the memory is taken."""
    with pytest.raises(ConditionEvaluationError, match="would build a text of more than 1,000,000 characters"):
        value(text, long="x" * 10_000)


def test_the_parts_of_a_split_count_as_steps() -> None:
    """A text cannot be parted again and again into millions of pieces for nothing."""
    with pytest.raises(ConditionEvaluationError, match="more than 200,000 steps"):
        value("split(long, '')", long="x" * 200_001)


@pytest.mark.parametrize(("text", "kind"), [("lower(`1`)", "a number"), ("trim(missing)", "null")])
def test_another_type_than_text_is_an_error(text: str, kind: str) -> None:
    """Nothing is taken for a text that is none."""
    with pytest.raises(ConditionEvaluationError, match=rf"needs a text as argument 1, but it is {kind}\."):
        value(text)


def test_a_text_of_a_subclass_is_a_text() -> None:
    """Choices and safe strings are texts."""

    class Choice(str):
        """What Django's TextChoices are."""

    assert value("upper(status)", status=Choice("paid")) == "PAID"
