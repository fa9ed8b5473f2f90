"""The examples in the docstrings of functions."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from rules_engine.conditions import ConditionEvaluationError, compile_condition, function_help
from rules_engine.conditions.examples import Example, examples_of
from tests.conditions.strategies import lazy
from tests.conditions.test_compliance import same


def examples() -> Iterator[Any]:
    """One parameter an example of a function of this package."""
    for item in function_help():
        for number, example in enumerate(item.examples):
            yield pytest.param(example, id=f"{item.name}-{number}")


@pytest.mark.parametrize("example", list(examples()))
def test_an_example_gives_what_it_says(example: Example) -> None:
    """On plain dicts and on lazy mappings alike, the value or the error is the one in the docstring."""
    for context in (example.context, lazy(example.context)):
        condition = compile_condition(example.condition)
        if example.error:
            with pytest.raises(ConditionEvaluationError) as caught:
                condition.evaluate(context)
            assert caught.value.summary == example.error
        else:
            value = condition.evaluate(context)
            assert same(value, example.value), value


@pytest.mark.parametrize("name", [item.name for item in function_help() if item.subject])
def test_a_function_is_described_and_has_examples(name: str) -> None:
    """Each built-in function says what it gives in a sentence, and each of its examples calls it."""
    (found,) = (item for item in function_help() if item.name == name)
    assert found.doc.endswith((".", "``"))
    assert found.examples
    assert all(f"{name}(" in example.condition for example in found.examples)


def test_a_line_that_is_no_example_is_refused() -> None:
    """A docstring whose examples could not be tested fails at once."""
    with pytest.raises(ValueError, match=r"no example of the form .*: lower"):
        examples_of("Examples:\n    lower('A')\n")
