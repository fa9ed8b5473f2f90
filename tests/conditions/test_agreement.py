"""Conditions against jmespath.py, lazy against plain documents, and answers against the paths they claim to need."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jmespath
from hypothesis import assume, example, given
from jmespath.exceptions import JMESPathError

from rules_engine.conditions import compile_condition
from tests.conditions.strategies import documents, expressions, lazy, plain

FAILED = object()


def answer(run: Callable[[], Any]) -> Any:
    """The value, or FAILED for any error that is a ValueError."""
    try:
        return run()
    except ValueError:
        return FAILED


def strict(value: Any) -> Any:
    """A value in which true and 1 differ."""
    if isinstance(value, list):
        return [strict(item) for item in value]
    if isinstance(value, dict):
        return {key: strict(item) for key, item in value.items()}
    return (type(value).__name__, value)


@given(expressions, documents)
@example("(a) < (b)", {"a": 1, "b": 2})
@example("sort_by(a, &(b))", {"a": [{"b": 3}, {"b": 2}]})
@example("a[?b == 'x'].c | [0]", {"a": [{"b": "x", "c": 7}]})
def test_an_expression_has_the_value_that_jmespath_gives(text: str, document: dict[str, Any]) -> None:
    """Whole numbers, texts, lists and objects: the answer, or the failure, is that of the jmespath library."""
    try:
        expected = jmespath.search(text, document)
    except JMESPathError:
        expected = FAILED
    except TypeError:
        # Its ordering of a text against a number, and contains() of a number in a text; ours are documented.
        assume(False)

    found = answer(lambda: compile_condition(text).evaluate(document))

    assert (found is FAILED) == (expected is FAILED)
    assert strict(found) == strict(expected)


@given(expressions, documents)
@example("keys(@)", {"a": 1})
@example("[a] == [a]", {"a": {"b": [1]}})
@example("a.*", {"a": {"b": [1], "c": None}})
@example("merge(a, b)", {"a": {"b": [2]}, "b": {"c": {}}})
@example("to_string(@)", {"a": [{"b": None}]})
def test_a_lazy_document_has_the_answer_of_the_plain_one(text: str, document: dict[str, Any]) -> None:
    """Mappings that are no dicts, and tuples, are objects and arrays in every operator and function."""
    condition = compile_condition(text)

    expected = answer(lambda: condition.evaluate(document))
    found = answer(lambda: condition.evaluate(lazy(document)))

    assert strict(plain(found)) == strict(expected)
    assert answer(lambda: condition.matches(lazy(document))) == answer(lambda: condition.matches(document))


@given(expressions, documents)
@example("a[?b == 'x'].[c]", {"a": [{"b": "x", "c": 7, "d": 8}, 5]})
@example("a.{b: `1`}", {"a": {"b": 1}})
@example("(a || b).c", {"a": {}, "b": {"c": 2, "d": 3}})
@example("max_by(a, &(b)).c", {"a": [{"b": 2, "c": 7}, {"b": 3, "c": 8}]})
@example("a[?b].[b.c]", {"a": [{"b": {"d": 1}}]})
@example("a.b.c.d", {"a": {"b": {"c": {"d": 4}}}})
@example("map(&(a), b)[0].c", {"b": [{"a": {"c": 4}}]})
def test_what_is_pruned_to_the_paths_has_the_same_answer(text: str, document: dict[str, Any]) -> None:
    """No path that an evaluation needs is missing from ``paths``."""
    condition = compile_condition(text)

    expected = answer(lambda: condition.evaluate(document))
    found = answer(lambda: condition.evaluate(pruned(document, condition.paths)))

    assert strict(found) == strict(expected), condition.paths


def pruned(value: Any, paths: frozenset[tuple[str, ...]]) -> Any:
    """What is left of a document when only ``paths`` and all below them are kept; lists are transparent."""
    if () in paths:
        return value
    if isinstance(value, list):
        return [pruned(item, paths) for item in value]
    if not isinstance(value, dict):
        return value
    below = {name: frozenset(path[1:] for path in paths if path[0] == name) for name in {path[0] for path in paths}}
    return {name: pruned(value[name], below[name]) for name in below if name in value}


@given(expressions, documents)
def test_matching_is_the_truth_of_the_value(text: str, document: dict[str, Any]) -> None:
    """``matches`` is false for null, false, empty text, list and object, and true for all else."""
    condition = compile_condition(text)

    value = answer(lambda: condition.evaluate(document))
    verdict = answer(lambda: condition.matches(document))

    assert verdict is (FAILED if value is FAILED else value not in (None, "", [], {}) and value is not False)


@given(expressions, documents)
def test_the_explanation_begins_with_the_value_of_the_whole(text: str, document: dict[str, Any]) -> None:
    """The first part of ``explain`` is the whole condition with the verdict of ``matches``, or its error."""
    condition = compile_condition(text)

    whole = condition.explain(document)[0]

    verdict = answer(lambda: condition.matches(document))
    assert whole.verdict is (None if verdict is FAILED else verdict)
    assert bool(whole.error) is (verdict is FAILED)
    assert whole.text == text[whole.start : whole.end]
