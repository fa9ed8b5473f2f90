"""Mistakes that are valid JMESPath."""

from __future__ import annotations

import pytest

from rules_engine.conditions import Problem, check_traps, compile_condition

TRAPS: list[tuple[str, str, int]] = [
    ("a == true", "true is the name of a field here. The constant is written `true`", 5),
    ("a != false", "The constant is written `false`", 5),
    ("null == a", "The constant is written `null`", 0),
    ("a == None", "None is the name of a field here. The constant is written `null`", 5),
    ("a == True && b", "The constant is written `true`", 5),
    ("a && false", "The constant is written `false`", 5),
    ("not_null(a, null)", "The constant is written `null`", 12),
    ("lines[?paid == false]", "The constant is written `false`", 15),
    ('a == "paid"', "A text is written 'paid'; if the field is meant, write @.\"paid\".", 5),
    ('"paid" != a.b', "A text is written 'paid'", 0),
    ('lines[?sku == "x"]', "A text is written 'x'", 14),
    ('contains(tags, "vip")', "A text is written 'vip'", 15),
    ('join(", ", tags)', "A text is written ', '", 5),
    ("!a.b", "this reads from (!a), and is always null. Write !(a.b).", 0),
    ("c && !a.b.c == `1`", "Write !(a.b.c).", 5),
    ("!!a.b", "Write !!(a.b).", 0),
    ("! a.b[?c].d", "Write ! (a.b[?c].d).", 0),
    ("!a[].b", "Write !(a[].b).", 0),
    ("!@.a", "Write !(@.a).", 0),
    ("(!a.b).c", "Write !(a.b).", 1),
    ("a == 'x' | b == 'y'", "| hands true or false on, which has no fields. 'or' is written ||.", 9),
    ("a && !b | c", "'or' is written ||", 0),
    ("a == `[1, 2`", "What stands between these backticks is not JSON", 5),
    ("a == 5", "Numbers stand in backticks", 5),
]


@pytest.mark.parametrize(("text", "message", "position"), TRAPS, ids=[text for text, _, _ in TRAPS])
def test_a_trap_is_explained_with_its_fix(text: str, message: str, position: int) -> None:
    """The one problem that is found says what to write, and where."""
    problems = check_traps(text)

    if text == "a && !b | c":
        # `a` may be anything, so this is no verdict that is piped.
        assert problems == []
        return
    assert [problem.position for problem in problems] == [position]
    assert message in problems[0].message


HARMLESS = [
    "",
    "a == `true`",
    "a.true == b.null",
    "@.true == `true`",
    "lines[*].true",
    "lines[0].null",
    "lines[?a].true",
    "{true: a, null: b}",
    "a == 'paid'",
    "\"first name\" == 'x'",
    '`1` < "first name"',
    'a == @."first name"',
    'a == b."first name"',
    "contains(\"first name\", 'x')",
    'length("first name")',
    "(!a).b",
    "!(a.b)",
    "!a",
    "!a[0]",
    "!a[*].b",
    "!contains(a, b)",
    "a || b | c",
    "lines[?a == 'x'] | [0].b",
    "a == 'x' | !@",
    "`foo`",
]


@pytest.mark.parametrize("text", HARMLESS)
def test_what_is_meant_as_written_is_no_trap(text: str) -> None:
    """No problem is found in conditions that mean what they say."""
    assert check_traps(text) == []


@pytest.mark.parametrize("text", [text for text, _, _ in TRAPS if text != "a == 5"])
def test_a_trap_still_compiles(text: str) -> None:
    """A trap is valid JMESPath: only whoever saves a rule refuses it."""
    assert compile_condition(text).text == text


def test_several_traps_are_found_in_the_order_of_the_text() -> None:
    """Every mistake is reported, each once."""
    problems = check_traps('!a.b && c == true && d == "x" && e == true')

    assert [problem.position for problem in problems] == [0, 13, 26, 38]


def test_a_problem_is_shown_with_a_caret() -> None:
    """The text of a problem ends with the line and a caret below the place."""
    problem = Problem("Wrong.", 7, "a ==\n  b")

    assert str(problem) == "Wrong.\n      b\n      ^"


@pytest.mark.parametrize(
    ("text", "warning"),
    [
        (
            "!a == 'x'",
            "! negates the left side alone, before it is compared. Is !(a == 'x') meant?\n    !a == 'x'\n    ^",
        ),
        (
            "a == `paid`",
            "What stands between backticks is not JSON; a text is written 'paid'.\n    a == `paid`\n         ^",
        ),
    ],
)
def test_what_may_be_meant_is_a_warning_of_the_condition(text: str, warning: str) -> None:
    """Doubtful conditions are no problem, but say so."""
    assert check_traps(text) == []
    assert compile_condition(text).warnings == (warning,)


@pytest.mark.parametrize("text", ["(!a) == 'x'", "!(a == 'x')", 'a == `"paid"`', "a == `1.5`"])
def test_a_clear_condition_has_no_warnings(text: str) -> None:
    """Parentheses and JSON make it clear."""
    assert compile_condition(text).warnings == ()
