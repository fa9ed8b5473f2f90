"""Regular expressions."""

from __future__ import annotations

import re
import sys
import time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rules_engine.conditions import ConditionEvaluationError, compile_condition
from rules_engine.conditions.library.patterns import _pattern


def value(text: str, /, **context: Any) -> Any:
    """The value of a condition on a context."""
    return compile_condition(text).evaluate(context)


PIECES = st.sampled_from(["a", "b", "[ab]", "a|b", "(a)", "a*", "b+", "a?", "^", "$", ".", "x{2}", "(?:ab)"])


@given(st.lists(PIECES, max_size=5).map("".join), st.text("abx", max_size=8))
def test_a_pattern_finds_what_pythons_engine_finds(pattern: str, text: str) -> None:
    """On what both engines know, the first match is the same."""
    try:
        expected = re.search(pattern, text)
    except re.error:
        return
    try:
        matched = value("[matches(text, pattern), find(text, pattern)]", text=text, pattern=pattern)
    except ConditionEvaluationError as error:
        # RE2 does not stack repetitions: a*? is another one, a** is refused.
        assert "bad repetition operator" in error.summary
        return

    assert matched == [expected is not None, expected.group() if expected else None]


CATASTROPHES = [
    (r"(a+)+$", "a" * 50_000 + "b"),
    (r"(a|aa)+$", "a" * 50_000 + "b"),
    (r"^(\w+\s?)*$", "word " * 10_000 + "!"),
    (r"(x+x+)+y", "x" * 50_000),
    ("(?:a?){30}a{30}", "a" * 30),
]


@pytest.mark.parametrize(("pattern", "text"), CATASTROPHES)
def test_a_pattern_that_hangs_other_engines_answers(pattern: str, text: str) -> None:
    """The time grows with the text, whatever the pattern."""
    start = time.process_time()

    value("matches(text, pattern)", text=text, pattern=pattern)

    assert time.process_time() - start < 1


def test_a_large_pattern_on_a_long_text_is_a_condition_error() -> None:
    """Linear time with a large factor is stopped too, before it is spent."""
    start = time.process_time()

    with pytest.raises(ConditionEvaluationError, match="more than 200,000 steps"):
        value("matches(text, '.{0,1000}.{0,1000}x')", text="y" * 100_000)
    assert time.process_time() - start < 1


def test_many_new_patterns_in_one_evaluation_are_a_condition_error() -> None:
    """Compiling is work: a list cannot bring a thousand patterns of its own."""
    patterns = [f"new{number}[a-z]{{1,90}}" for number in range(1000)]

    with pytest.raises(ConditionEvaluationError, match="more than 200,000 steps"):
        value("patterns[?matches('text', @)]", patterns=patterns)


@pytest.mark.parametrize(
    ("pattern", "reason"),
    [
        ("[", r"This is not a pattern: missing \]"),
        ("(?=x)", "This is not a pattern: invalid perl operator"),
        (r"(a)\1", "This is not a pattern: invalid escape sequence"),
        ("a" * 501, "A pattern has at most 500 characters"),
        (r"\pL{1000}", "This is not a pattern"),
        ("\ud800", "This pattern holds half of a surrogate pair"),
    ],
)
def test_what_is_no_pattern_is_a_condition_error(
    pattern: str, reason: str, capfd: pytest.CaptureFixture[str]
) -> None:
    """The message says why; nothing is written to standard error."""
    with pytest.raises(ConditionEvaluationError, match=reason):
        value("matches('x', pattern)", pattern=pattern)
    assert capfd.readouterr() == ("", "")


def test_a_text_with_half_a_surrogate_pair_is_read() -> None:
    """What no UTF-8 text can hold is one unknown character to a pattern."""
    assert value("matches(text, '^a.b$')", text="a\ud800b")
    assert value("find(text, 'b+')", text="a\ud800bb") == "bb"


def test_a_group_that_the_pattern_does_not_have_is_an_error() -> None:
    """The message says which there are; a group that took no part in the match is null."""
    with pytest.raises(ConditionEvaluationError, match="has the groups 0 to 1, but no group 2"):
        value("find('a', '(a)', `2`)")
    assert value("find('b', '(a)|b', `1`)") is None


def test_without_the_engine_the_message_names_the_package(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where google-re2 could not be installed, everything but regular expressions works."""
    _pattern.cache_clear()
    monkeypatch.setitem(sys.modules, "re2", None)

    with pytest.raises(ConditionEvaluationError, match="need the package google-re2, which is not installed"):
        value("matches('a', 'a')")
    _pattern.cache_clear()
