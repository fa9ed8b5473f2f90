"""Functions of a host."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from decimal import Decimal
from typing import Any, Literal

import pytest

from rules_engine.conditions import (
    ConditionEvaluationError,
    ConditionSyntaxError,
    compile_condition,
    function_help,
    register_function,
)
from rules_engine.conditions.registry import functions
from rules_engine.exceptions import AlreadyRegistered, InvalidKey, RulesEngineError


@pytest.fixture(autouse=True)
def _forgotten_afterwards() -> Iterator[None]:
    before = set(functions)
    yield
    for name in set(functions) - before:
        functions.remove(name)


def test_a_registered_function_is_called_in_conditions() -> None:
    """The decorator returns the function; conditions that failed to compile before compile now."""
    with pytest.raises(ConditionSyntaxError, match=r"There is no function is_weekend\(\)"):
        compile_condition("is_weekend(day)")

    @register_function("is_weekend")
    def is_weekend(day: str) -> bool:
        """True for Saturdays and Sundays."""
        return date.fromisoformat(day).weekday() >= 5

    condition = compile_condition("is_weekend(day)")
    assert condition.matches({"day": "2026-03-01"})
    assert not condition.matches({"day": "2026-03-02"})
    assert is_weekend("2026-03-01") is True


def test_a_registered_function_is_in_the_help_with_its_docstring() -> None:
    """The help lists built-in and registered functions by name, each with usage and description."""

    @register_function("shout")
    def shout(text: str, times: int = 1, *more: Any) -> str:
        """The text in capitals."""
        return text.upper() * times

    helped = {item.name: item for item in function_help()}

    assert helped["shout"].usage == "shout(a text, [a number], [anything], …)"
    assert helped["shout"].doc == "The text in capitals."
    assert helped["contains"].usage == "contains(a list or a text, anything)"
    assert all(item.doc for item in helped.values())
    assert list(helped) == sorted(helped)


def test_a_new_registration_compiles_cached_conditions_anew() -> None:
    """The cache does not keep a condition that was compiled with another function of that name."""
    register_function("answer")(lambda: 1)
    first = compile_condition("answer()")
    functions.remove("answer")
    with pytest.raises(ConditionSyntaxError):
        compile_condition("answer()")
    with pytest.raises(ConditionEvaluationError, match=r"There is no function answer\(\) any more"):
        first.evaluate({})


@pytest.mark.parametrize("name", ["is-weekend", "shop.is_weekend", "2nd", "", "é", "a b"])
def test_a_name_that_no_condition_could_write_is_refused(name: str) -> None:
    """Names are JMESPath identifiers."""
    with pytest.raises(InvalidKey, match="cannot be written in a condition"):
        register_function(name)(lambda: True)


def test_a_name_of_jmespath_is_refused() -> None:
    """Built-in functions keep their meaning."""
    with pytest.raises(AlreadyRegistered, match=r"The function 'length' of .*lambda.* JMESPath itself defines it"):
        register_function("length")(lambda value: 1)


def test_a_name_that_is_taken_is_refused_and_both_holders_named() -> None:
    """Two apps cannot claim one name; the same function may be registered again."""

    def mine() -> bool:
        return True

    def yours() -> bool:
        return False

    register_function("verdict")(mine)
    register_function("verdict")(mine)
    with pytest.raises(AlreadyRegistered, match=r"of .*yours is already registered by .*mine"):
        register_function("verdict")(yours)
    assert compile_condition("verdict()").matches({})


def takes(annotation: Any) -> Any:
    """A function of one argument with this annotation, which returns the argument's class and value."""

    def function(value: Any) -> list[Any]:
        return [type(value).__name__, value]

    function.__annotations__["value"] = annotation
    return function


NUMBERS: list[tuple[Any, str, Any]] = [
    (str, "text", ["str", "x"]),
    (bool, "flag", ["bool", True]),
    (int, "whole", ["int", 3]),
    (int, "round", ["int", 2]),
    (float, "money", ["float", 19.99]),
    (float, "whole", ["float", 3.0]),
    (Decimal, "real", ["Decimal", Decimal("0.1")]),
    (Decimal, "whole", ["Decimal", Decimal(3)]),
    (list, "pair", ["list", [1, 2]]),
    (list[int], "pair", ["list", [1, 2]]),
    (list[float], "pair", ["list", [1.0, 2.0]]),
    (Sequence[str], "texts", ["list", ["x"]]),
    (dict, "object", ["dict", {"a": 1}]),
    (Mapping[str, Any], "object", ["dict", {"a": 1}]),
    (str | None, "missing", ["NoneType", None]),
    (int | None, "round", ["int", 2]),
    (str | int, "whole", ["int", 3]),
    (Literal["x"], "text", ["str", "x"]),
    (Any, "money", ["Decimal", Decimal("19.99")]),
    (object, "missing", ["NoneType", None]),
]
CONTEXT = {
    "text": "x",
    "flag": True,
    "whole": 3,
    "round": Decimal("2.00"),
    "money": Decimal("19.99"),
    "real": 0.1,
    "pair": (1, 2),
    "texts": ["x"],
    "object": {"a": 1},
    "huge": Decimal("1e2000"),
}


@pytest.mark.parametrize(("annotation", "argument", "expected"), NUMBERS)
def test_an_argument_arrives_as_it_is_annotated(annotation: Any, argument: str, expected: list[Any]) -> None:
    """Numbers are converted to the annotated class, tuples to lists; None passes where it is allowed."""
    value = compile_condition(f"f({argument})", {"f": takes(annotation)}).evaluate(CONTEXT)

    assert value == expected
    assert type(value[1]) is type(expected[1])


@pytest.mark.parametrize(
    ("annotation", "argument", "message"),
    [
        (str, "whole", "f() needs a text as argument 1, but it is a number."),
        (str, "missing", "f() needs a text as argument 1, but it is null. It may be missing"),
        (int, "flag", "f() needs a number as argument 1, but it is true or false."),
        (int, "money", "f() needs a whole number as 'value'."),
        (int, "huge", "f() needs a whole number as 'value'."),
        (float, "huge", "f() cannot take so large a number as 'value'."),
        (list[str], "pair", "f() needs a list of texts as argument 1, but item 1 of the list is a number."),
        (dict, "pair", "f() needs an object as argument 1, but it is a list."),
        (str | None, "pair", "f() needs a text or null as argument 1, but it is a list."),
    ],
)
def test_an_argument_of_another_type_is_a_condition_error(annotation: Any, argument: str, message: str) -> None:
    """Annotations are checked before the function is called."""
    with pytest.raises(ConditionEvaluationError) as caught:
        compile_condition(f"f({argument})", {"f": takes(annotation)}).evaluate(CONTEXT)

    assert message in caught.value.summary
    assert caught.value.position == 0


def test_the_number_of_arguments_follows_defaults_and_star_arguments() -> None:
    """Missing and surplus arguments are found when the condition is compiled."""

    def some(first: int, second: int = 5, *, keyword: int = 1) -> int:
        return first + second + keyword

    def many(first: str, *rest: str) -> str:
        return first + "".join(rest)

    extra: dict[str, Any] = {"some": some, "many": many}
    assert compile_condition("some(`1`)", extra).evaluate({}) == 7
    assert compile_condition("some(`1`, `2`)", extra).evaluate({}) == 4
    assert compile_condition("many('a', 'b', 'c')", extra).evaluate({}) == "abc"
    with pytest.raises(ConditionSyntaxError, match=r"some\(\) takes 1 to 2 arguments, not 3"):
        compile_condition("some(`1`, `2`, `3`)", extra)
    with pytest.raises(ConditionSyntaxError, match=r"many\(\) takes at least 1 argument, not 0"):
        compile_condition("many()", extra)
    with pytest.raises(ConditionEvaluationError, match=r"many\(\) needs a text as argument 3"):
        compile_condition("many('a', 'b', `1`)", extra).evaluate({})


def test_a_function_that_raises_is_a_condition_error_that_names_it() -> None:
    """The error is the cause; its text, which may hold a secret, is not repeated."""

    def broken() -> bool:
        raise KeyError("hunter2")

    with pytest.raises(ConditionEvaluationError) as caught:
        compile_condition("a || broken()", {"broken": broken}).evaluate({})

    assert str(caught.value) == "The function broken() failed with KeyError.\n    a || broken()\n         ^"
    assert isinstance(caught.value.__cause__, KeyError)


def test_a_function_that_returns_no_json_is_a_condition_error() -> None:
    """A date, which has no JSON form, is refused; NaN is null."""
    extra = {"today": lambda: date(2026, 3, 1), "nan": lambda: float("nan")}

    with pytest.raises(
        ConditionEvaluationError, match=r"The function today\(\) returned a date, which is no JSON value"
    ):
        compile_condition("today()", extra).evaluate({})
    assert compile_condition("nan()", extra).evaluate({}) is None


def test_annotations_without_a_jmespath_type_are_refused() -> None:
    """The message says what to write instead."""
    with pytest.raises(TypeError, match=r"'value' is a date, which JMESPath does not know. .* dates are texts"):
        register_function("f")(takes(date))
    with pytest.raises(TypeError, match=r"The annotations of f\(\) cannot be read: name 'Missing' is not defined"):
        register_function("f")(takes("Missing"))


def test_a_keyword_only_argument_without_default_is_refused() -> None:
    """A condition has no way to name an argument."""

    def strict(*, value: int) -> int:
        return value

    with pytest.raises(TypeError, match="'value' is keyword-only"):
        register_function("f")(strict)


def test_the_engines_own_errors_pass_through_a_function() -> None:
    """What a lazy context raises inside a function keeps its class."""

    class NotRecorded(RulesEngineError):
        pass

    def reads(value: dict[str, Any]) -> bool:
        raise NotRecorded("not recorded")

    with pytest.raises(NotRecorded):
        compile_condition("reads(@)", {"reads": reads}).evaluate({})
