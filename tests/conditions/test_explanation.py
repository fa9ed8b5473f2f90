"""Explanations of verdicts."""

from __future__ import annotations

from rules_engine.conditions import compile_condition


def rows(text: str, context: object) -> list[tuple[int, str, object, bool | None]]:
    """Depth, text, value and verdict of each part."""
    return [(part.depth, part.text, part.value, part.verdict) for part in compile_condition(text).explain(context)]


def test_each_side_of_a_logical_operator_is_a_part() -> None:
    """The whole comes first, then its sides as written, parentheses included."""
    assert rows("a > `1` && (b || !c)", {"a": 2, "b": 0, "c": 1}) == [
        (0, "a > `1` && (b || !c)", 0, True),
        (1, "a > `1`", True, True),
        (1, "(b || !c)", 0, True),
        (2, "b", 0, True),
        (2, "!c", None, None),
        (3, "c", None, None),
    ]


def test_a_chain_is_one_part_with_many_sides_unless_it_is_grouped() -> None:
    """``a || b || c`` has three sides; parentheses that somebody wrote are kept."""
    assert [(depth, text) for depth, text, *_ in rows("a || b || c", {})][1:] == [(1, "a"), (1, "b"), (1, "c")]
    assert [(depth, text) for depth, text, *_ in rows("(a || b) || c", {})][1:] == [
        (1, "(a || b)"),
        (2, "a"),
        (2, "b"),
        (1, "c"),
    ]


def test_what_was_not_evaluated_has_no_verdict() -> None:
    """After the part that decides, nothing is evaluated, as in production."""
    assert rows("a && length(b) > `1`", {"a": None}) == [
        (0, "a && length(b) > `1`", None, False),
        (1, "a", None, False),
        (1, "length(b) > `1`", None, None),
    ]


def test_the_part_that_failed_says_why() -> None:
    """An error is shown with the part that raised it and with the whole; parts before it keep their verdict."""
    parts = compile_condition("a && length(b) > `1`").explain({"a": 1})

    assert [part.verdict for part in parts] == [None, True, None]
    assert parts[0].error == parts[2].error
    assert parts[2].error.startswith("length() needs a text or a list or an object as argument 1, but it is null.")
    assert parts[1].error == ""


def test_a_condition_without_logic_is_one_part() -> None:
    """Spans are offsets in the text."""
    (part,) = compile_condition("  a.b == 'x' ").explain({"a": {"b": "x"}})

    assert (part.text, part.start, part.end, part.verdict) == ("a.b == 'x'", 2, 12, True)


def test_a_blank_condition_is_explained_as_true() -> None:
    """One part, true."""
    assert rows(" ", {}) == [(0, " ", True, True)]


def test_a_failing_context_is_explained_without_its_text() -> None:
    """Explaining raises nothing, and shows nothing of a foreign error."""

    def f() -> bool:
        raise RuntimeError("secret")

    (part,) = compile_condition("f()", {"f": f}).explain({})

    assert part.error == "The function f() failed with RuntimeError."
