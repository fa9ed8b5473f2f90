"""Rule sets against conditions evaluated one by one."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from decimal import Decimal
from typing import Any
from unittest import mock

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from rules_engine.conditions import RuleSet, compile_condition, remainder, sieve
from tests.conditions.strategies import NAMES, lazy
from tests.conditions.test_program import ANY_DOCUMENTS, CONDITIONS

PATHS = st.sampled_from([*NAMES, *NAMES, "a.b", "length(a)", "a[0]", "a[*].b"])
VALUES = st.sampled_from([None, True, False, 0, 1, 2, 2.0, Decimal("2.5"), 3, 19.99, "", "a", "ab", "b", "bab"])
FULL_DOCUMENTS = st.fixed_dictionaries(
    dict.fromkeys(
        NAMES,
        st.one_of(
            VALUES,
            VALUES,
            st.lists(VALUES, max_size=3),
            st.dictionaries(st.sampled_from("bc"), VALUES),
            st.lists(st.one_of(st.none(), st.fixed_dictionaries({"b": VALUES, "c": VALUES})), max_size=3),
        ),
    )
)
LITERALS = st.sampled_from(
    ["`null`", "`true`", "`false`", "`0`", "`1`", "`2`", "`2.0`", "`2.5`", "`19.99`", "'a'", "'ab'", "''", "'b'"]
)
SIGNS = st.sampled_from(["==", "==", "==", "!=", "<", "<=", ">", ">="])
TESTS = st.one_of(
    st.tuples(PATHS, SIGNS, LITERALS).map(" ".join),
    st.tuples(LITERALS, SIGNS, PATHS).map(" ".join),
    PATHS,
    PATHS.map("!({})".format),
    st.tuples(PATHS, st.sampled_from(["'a'", "'ab'", "''", "'b'"])).flatmap(
        lambda pair: st.sampled_from(["contains", "starts_with", "ends_with"]).map(
            lambda name: f"{name}({pair[0]}, {pair[1]})"
        )
    ),
    PATHS.map('contains(`["a", 2, 2.5, true]`, {})'.format),
    st.tuples(PATHS, st.sampled_from(NAMES), SIGNS, LITERALS).map(lambda parts: "{}[?{} {} {}]".format(*parts)),
    st.tuples(PATHS, LITERALS).map(lambda parts: "{}[?@ == {} && b]".format(*parts)),
    st.tuples(PATHS, SIGNS, PATHS).map(" ".join),
)
JOINED = st.one_of(
    TESTS,
    TESTS.map("!({})".format),
    st.lists(TESTS, min_size=2, max_size=3).map(" && ".join),
    st.lists(TESTS, min_size=2, max_size=3).map(" || ".join),
)
RULES = st.one_of(JOINED, st.lists(JOINED.map("({})".format), min_size=2, max_size=3).map(" && ".join))
RULES = st.one_of(RULES, RULES, RULES, CONDITIONS)


def one_by_one(texts: list[str], context: Any) -> tuple[list[int], set[int]]:
    """The numbers that match, and those that raise."""
    matching, raising = [], set()
    for number, text in enumerate(texts):
        try:
            if compile_condition(text).matches(context):
                matching.append(number)
        except ValueError:
            raising.add(number)
    return matching, raising


MANNERS = {"indexed": (0, 1, 0), "fused": (10**6, 4, 0), "usual": (24, 4, 16)}
"""Indexes for everything; no index, and all that can be fused is; as in production."""


@contextmanager
def working(manner: str) -> Iterator[None]:
    """Let rule sets work in one manner."""
    worthwhile, shared, settled = MANNERS[manner]
    with (
        mock.patch.object(sieve, "WORTHWHILE", worthwhile),
        mock.patch.object(sieve, "SHARED", shared),
        mock.patch.object(remainder, "SETTLED", settled),
    ):
        yield


@pytest.mark.parametrize("manner", MANNERS)
@settings(max_examples=200)
@given(
    st.lists(RULES, min_size=1, max_size=40),
    st.lists(st.tuples(st.integers(0, 45), st.one_of(st.none(), RULES)), max_size=8),
    st.lists(st.one_of(FULL_DOCUMENTS, FULL_DOCUMENTS, ANY_DOCUMENTS), min_size=1, max_size=4),
)
@example(["a != 'a' && a != 'b'", "a == `1`", "a == `true`"], [(0, None)], [{"a": True}, {"a": 1}, {"a": "b"}])
@example(["(contains(a, 'x') || b == `1`) && c == `1`"], [], [{"b": 1, "c": 1}])
@example(["a", ""], [(0, ""), (5, "")], [{}])
@example(["a[?@ == `null`]", "a[?b == `null`]", "!(a[?@ == `null`])"], [], [{"a": [None]}, {"a": [{"b": None}]}, {}])
def test_a_set_matches_what_its_conditions_match(
    manner: str, texts: list[str], changes: list[tuple[int, str | None]], documents: list[dict[str, Any]]
) -> None:
    """The ids are those that match one by one, in order; the errors heard of are among those raised one by one."""
    heard: list[int] = []
    with working(manner):
        rules = RuleSet(enumerate(texts), on_error=lambda number, error: heard.append(number))
        numbered = dict(enumerate(texts))
        compare(rules, numbered, documents, heard)

        for number, text in changes:
            change(rules, numbered, number, text)

        compare(rules, numbered, documents, heard)


def compare(rules: RuleSet[int], texts: dict[int, str], documents: list[dict[str, Any]], heard: list[int]) -> None:
    """Match every document twice, plain and lazy."""
    numbers = list(texts)
    for context in [form for document in documents for form in (document, lazy(document))]:
        heard.clear()
        matching, raising = one_by_one(list(texts.values()), context)

        found = rules.match(context)

        assert found == [numbers[place] for place in matching]
        assert set(heard) <= {numbers[place] for place in raising}
        assert sorted(heard, key=numbers.index) == heard


def change(rules: RuleSet[int], texts: dict[int, str], number: int, text: str | None) -> None:
    """Add, replace or remove one rule."""
    if text is None:
        if texts.pop(number, None) is not None:
            rules.remove(number)
    elif number in texts:
        texts[number] = text
        rules.replace(number, text)
    else:
        texts[number] = text
        rules.add(number, text)
