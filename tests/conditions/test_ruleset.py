"""Sets of conditions."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from rules_engine.conditions import ConditionEvaluationError, ConditionSyntaxError, RuleSet, compile_condition


def test_the_ids_that_match_come_in_the_order_given() -> None:
    """Order is that of the rules, not of the ids; blank conditions match always."""
    rules = RuleSet([(3, "a > `1`"), (1, ""), (2, "a > `5`"), ("x", "b == 'c'")])

    assert rules.match({"a": 3, "b": "c"}) == [3, 1, "x"]
    assert rules.match({}) == [1]


def test_a_set_takes_compiled_conditions_too() -> None:
    """Texts and conditions may be mixed."""
    assert RuleSet([(1, compile_condition("a")), (2, "b")]).match({"a": 1, "b": 2}) == [1, 2]


def test_rules_are_added_removed_and_replaced_in_their_place() -> None:
    """A new rule comes last; a replaced one keeps its place."""
    rules = RuleSet([(1, "a"), (2, "a"), (3, "a")])

    rules.add(4, "a")
    rules.remove(2)
    rules.replace(1, "a && b")

    assert rules.match({"a": 1, "b": 1}) == [1, 3, 4]
    assert rules.match({"a": 1}) == [3, 4]
    assert (len(rules), 1 in rules, 2 in rules) == (3, True, False)


def test_an_id_is_added_once() -> None:
    """A second rule with the same id is refused, and the first stays."""
    rules = RuleSet([(1, "a")])

    with pytest.raises(ValueError, match="There is already a condition with the id 1"):
        rules.add(1, "b")
    with pytest.raises(ValueError, match="There is already a condition with the id 7"):
        RuleSet([(7, "a"), (7, "a")])

    assert rules.match({"a": 1}) == [1]


def test_an_unknown_id_is_neither_removed_nor_replaced() -> None:
    """Both are a LookupError that names the id."""
    rules = RuleSet([(1, "a")])

    with pytest.raises(LookupError, match="There is no condition with the id 2"):
        rules.remove(2)
    with pytest.raises(LookupError, match="There is no condition with the id 2"):
        rules.replace(2, "a")


def test_a_broken_text_is_refused_and_changes_nothing() -> None:
    """A syntax error is raised to whoever adds the rule."""
    rules = RuleSet([(1, "a")])

    with pytest.raises(ConditionSyntaxError):
        rules.add(2, "a = 1")
    with pytest.raises(ConditionSyntaxError):
        rules.replace(1, "a = 1")

    assert rules.match({"a": 1}) == [1]


def test_a_condition_that_raises_does_not_match_and_is_reported() -> None:
    """The other rules match; every id of the failing text is heard of, in order."""
    heard: list[tuple[object, Exception]] = []
    rules = RuleSet(
        [(1, "length(a) > `1`"), (2, "b"), (3, "length(a) > `1`")], on_error=lambda *args: heard.append(args)
    )

    assert rules.match({"b": 1}) == [2]
    assert [identity for identity, _ in heard] == [1, 3]
    assert all(isinstance(error, ConditionEvaluationError) for _, error in heard)
    assert "length() needs" in str(heard[0][1])


def test_a_condition_that_raises_is_silent_without_on_error() -> None:
    """It just does not match."""
    assert RuleSet([(1, "length(a)"), (2, "")]).match({}) == [2]


class _Counting(Mapping[str, Any]):
    def __init__(self) -> None:
        self.reads: list[str] = []

    def __getitem__(self, key: str) -> Any:
        self.reads.append(key)
        return 1

    def __iter__(self) -> Iterator[str]:
        return iter(())

    def __len__(self) -> int:
        return 0


def test_identical_texts_are_evaluated_once_for_a_context() -> None:
    """A hundred rules with one text read the context once; the next context is read anew."""
    rules = RuleSet([(number, "a == `1`") for number in range(100)])
    context = _Counting()

    assert rules.match(context) == list(range(100))
    assert context.reads == ["a"]
    assert rules.match({"a": 2}) == []


def test_a_text_with_functions_of_its_own_is_not_mixed_up() -> None:
    """Two conditions of one text and different functions are two."""
    yes = compile_condition("f()", {"f": lambda: True})
    no = compile_condition("f()", {"f": lambda: False})

    assert RuleSet([(1, yes), (2, no)]).match({}) == [1]
