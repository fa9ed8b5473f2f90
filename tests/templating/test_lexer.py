"""Splitting lines like Django, but in linear time."""

from __future__ import annotations

import time

import pytest
from django.template.base import tag_re
from hypothesis import given
from hypothesis import strategies as st

from rules_engine.templating import MAX_TEMPLATE
from rules_engine.templating.lexer import split_line
from tests.templating.rendering import render


@pytest.mark.parametrize("opener", ["{{", "{%", "{#", "{{}", "{{{%", "{{ }"])
def test_line_of_opening_braces_takes_linear_time(opener: str) -> None:
    """Django's lexer needs seconds for this text, because each brace is searched a partner anew."""
    text = opener * (MAX_TEMPLATE // len(opener))
    started = time.process_time()
    assert render(text) == text
    # A tenth of it is usual; searching anew takes more than a second.
    assert time.process_time() - started < 0.7


@given(line=st.text("{}%# a"))
def test_line_is_split_like_djangos_lexer_splits_it(line: str) -> None:
    """The faster search finds the same tags, of the Django that is installed."""
    pieces = [(piece, index % 2 == 1) for index, piece in enumerate(tag_re.split(line)) if piece]
    assert list(split_line(line)) == pieces
