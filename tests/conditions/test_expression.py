"""Compiling conditions."""

from __future__ import annotations

import subprocess
import sys
import threading
from pathlib import Path

import pytest

from rules_engine.conditions import Condition, ConditionError, ConditionSyntaxError, compile_condition
from rules_engine.conditions.expression import CACHE_SIZE

MISTAKES: list[tuple[str, str, int]] = [
    # Each: the text, what the message must say, and the offset it points at.
    ("total == 5", "Numbers stand in backticks: `5`.", 9),
    ("total > 19.99", "Numbers stand in backticks: `19.99`.", 8),
    ("total == -5", "Numbers stand in backticks: `-5`.", 9),
    ("contains(a, 1e3)", "Numbers stand in backticks: `1e3`.", 12),
    ("5 < total", "Numbers stand in backticks: `5`.", 0),
    ("status = 'x'", "Write ==, as in: a == 'x'.", 7),
    ("status =", "Write ==, as in: a == 'x'.", 7),
    ("status === 'x'", "Comparisons are written ==, !=, <, <=, > and >=.", 9),
    ("status <> 'x'", "'Not equal' is written !=", 7),
    ("a and b", "'and' is written &&, as in: a && b.", 2),
    ("a == `1` AND b", "'and' is written &&", 9),
    ("(a or b)", "'or' is written ||", 3),
    ("not a", "'not' is written !", 0),
    ("not(a)", "'not' is written !", 0),
    ("a && not b", "'not' is written !", 5),
    ("a is null", "'is' is written ==, as in: a == `null` or a != `null`.", 2),
    ("a is not null", "a != `null`", 2),
    ("a in ['x']", "'in' is written contains(list, value)", 2),
    ("a not in b", "'in' is written contains(list, value)", 2),
    ("a in ('x', 'y') and c = 'x'", "'in' is written contains(list, value)", 2),
    ("a like 'x%'", "contains(text, part)", 2),
    ("a & b", "two ampersands: &&", 2),
    ("&a", "'and' is written &&", 0),
    ("a || &b", "'and' is written &&", 5),
    ("a['b']", "A field is read with a dot", 2),
    ("a.5", "An item of a list is read with brackets, as in: a[5].", 2),
    ("first-name", 'put the name in double quotes: "first-name"', 5),
    ("a + b", "Conditions have no arithmetic signs: write add(a, b)", 2),
    ("a * b", "Conditions have no arithmetic signs: write add(a, b)", 2),
    ("a-5", "Conditions have no arithmetic signs: write add(a, b)", 1),
    ("{{ a }}", "A condition stands without {{ }}.", 0),
    ("{% a %}", "A condition is also not a template", 1),
    ("a == “x”", "Texts stand in straight single quotes", 5),
    ("a == 'x", "This text is not closed: a second ' is missing.", 5),
    ('a == "x', "This quoted name is not closed", 5),
    ("a == `1", "This literal is not closed", 5),
    ('"a\\x"', "This quoted name is not valid: Invalid \\escape.", 0),
    ("(a == 'x'", "This ( is not closed.", 0),
    ("a[?b == 'x'", "This [? is not closed.", 1),
    ("a ==", "The condition ends too early: something is missing after ==", 4),
    ("a b", "An operator (==, &&, || …) is missing between a and b", 2),
    ("== a", "A condition cannot begin with ==", 0),
    ("a)", ") cannot follow a", 1),
    ("a ? b", "'?' has no meaning here.", 2),
    ('"abs"(a)', "The name of a function stands without quotes: abs(…).", 0),
    ("lenght(a)", "There is no function lenght(). Did you mean length()?", 0),
    ("a && startsWith(b, 'x')", "There is no function startsWith(). Did you mean starts_with()?", 5),
    ("zzz(a)", "There is no function zzz(). Known: abs, avg,", 0),
    ("a[?zzz(@)]", "There is no function zzz().", 3),
    ("`false` && abs()", "abs() takes 1 argument, not 0.", 11),
    ("contains(a)", "contains() takes 2 arguments, not 1.", 0),
    ("not_null()", "not_null() takes at least 1 argument, not 0.", 0),
    ("a.starts_with('x')", "Functions are not called with a dot: write starts_with(a, …)", 2),
    ("sort_by(a, b)", "put & in front, as in &name", 11),
    ("abs(&a)", "abs() takes no & in front of argument 1.", 4),
    ("a[::0]", "The step of a slice cannot be 0.", 0),
    ("a == `1e99999999999999999999`", "This number is too large.", 5),
    ("a\n  && b and c", "'and' is written &&", 9),
]


@pytest.mark.parametrize(("text", "message", "position"), MISTAKES, ids=[text for text, _, _ in MISTAKES])
def test_a_text_that_is_no_condition_is_explained_where_it_fails(text: str, message: str, position: int) -> None:
    """The error says how to write it, and its caret stands below the mistake."""
    with pytest.raises(ConditionSyntaxError) as caught:
        compile_condition(text)

    error = caught.value
    assert message in error.summary
    assert (error.text, error.position) == (text, position)
    line, caret = str(error).split("\n")[-2:]
    column = position - (text.rfind("\n", 0, position) + 1)
    assert line.strip() in text
    assert caret == " " * (4 + column) + "^"


@pytest.mark.parametrize("text", ["", " ", "\n\t  \n"])
def test_a_blank_condition_is_always_true(text: str) -> None:
    """An empty condition matches every context and reads nothing."""
    condition = compile_condition(text)

    assert condition.matches({}) is True
    assert condition.evaluate({}) is True
    assert condition.paths == frozenset()
    assert condition.warnings == ()


def test_something_that_is_no_text_is_a_syntax_error() -> None:
    """None or a number in place of a text is refused with the engine's own error."""
    with pytest.raises(ConditionSyntaxError, match="A condition is a text, not NoneType"):
        compile_condition(None)  # type: ignore[arg-type]


def test_condition_errors_are_value_errors() -> None:
    """Callers who know jmespath catch ValueError."""
    assert issubclass(ConditionError, ValueError)


def test_compiling_a_text_twice_gives_the_same_condition() -> None:
    """Conditions are cached by text."""
    assert compile_condition("a.b == 'cached'") is compile_condition("a.b == 'cached'")


def test_the_cache_is_bounded() -> None:
    """Many conditions push the least recently used one out; it compiles again to an equal one."""
    first = compile_condition("first == 'one'")

    for number in range(CACHE_SIZE):
        compile_condition(f"a{number}")

    again = compile_condition("first == 'one'")
    assert again is not first
    assert again == first


def test_a_condition_is_shown_by_its_text() -> None:
    """The repr holds the text."""
    assert repr(compile_condition("a > `1`")) == "Condition('a > `1`')"


def test_one_condition_is_evaluated_by_many_threads_at_once() -> None:
    """Conditions hold no state of an evaluation."""
    condition = compile_condition("sum(a[?@ > `1`]) == to_number(b)")
    results: list[bool] = []

    def run(offset: int) -> None:
        for number in range(200):
            context = {"a": [1, 2, offset + number], "b": str(2 + offset + number)}
            results.append(condition.matches(context))

    threads = [threading.Thread(target=run, args=(10 * index + 10,)) for index in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert results == [True] * 800


def test_functions_may_be_given_for_one_condition() -> None:
    """Extra functions belong to the condition that was compiled with them, and to no other."""

    def double(number: int) -> int:
        return 2 * number

    condition: Condition = compile_condition("double(a) == `4`", {"double": double})

    assert condition.matches({"a": 2})
    with pytest.raises(ConditionSyntaxError, match=r"There is no function double\(\)"):
        compile_condition("double(a) == `4`")


WITHOUT_DJANGO = """
import sys

class Blocked:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in ("django", "rest_framework"):
            raise ImportError(f"{name} is blocked")

sys.meta_path.insert(0, Blocked())
import rules_engine.conditions as conditions
assert conditions.RuleSet([(1, "a > `1.5`")]).match({"a": 2}) == [1]
assert conditions.compile_condition("to_string(a)").evaluate({"a": 2}) == "2"
assert not any(name.split(".")[0] == "django" for name in sys.modules)
"""


def test_conditions_run_without_django() -> None:
    """The package works in an interpreter that cannot import Django."""
    root = Path(__file__).resolve().parents[2]

    result = subprocess.run(
        [sys.executable, "-c", WITHOUT_DJANGO], cwd=root, capture_output=True, text=True, timeout=60
    )

    assert result.returncode == 0, result.stderr
