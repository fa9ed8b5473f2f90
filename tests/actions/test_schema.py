"""JSON Schemas from dataclass fields, and what is said about a configuration that does not fit."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal

import pytest
from jsonschema import Draft202012Validator

from rules_engine.actions.schema import MAX_TEXT, schema_of, validate


@dataclass(frozen=True)
class Item:
    """Part of a list."""

    name: str
    count: int = 1


@dataclass(frozen=True, kw_only=True)
class Everything:
    """One field of each kind."""

    text: str = field(metadata={"help": "Some text.", "title": "A text"})
    number: int
    ratio: float = field(default=0.5, metadata={"schema": {"minimum": 0, "maximum": 1}})
    flag: bool = False
    choice: Literal["a", "b"] = "a"
    maybe: int | None = None
    perhaps: Literal["x", "y"] | None = None
    words: list[str] = field(default_factory=list)
    pairs: tuple[Item, ...] = field(default=(), metadata={"items": Item, "schema": {"minItems": 1}})
    shout: str = field(default="A", metadata={"template": True, "schema": {"pattern": "^[A-Z]+$", "minLength": 1}})
    page: str = field(default="", metadata={"template": "html"})
    query: str = field(default="", metadata={"expression": True})
    free: Any = field(default=None, metadata={"schema": {"type": ["object", "null"]}})


SCHEMA = schema_of(Everything)
SOUND: dict[str, Any] = {"text": "x", "number": 1}


def test_schema_says_what_the_annotations_say() -> None:
    """Types, defaults, titles, help and what marks templates."""
    Draft202012Validator.check_schema(SCHEMA)
    members = SCHEMA["properties"]

    assert SCHEMA["required"] == ["text", "number"]
    assert SCHEMA["additionalProperties"] is False
    assert members["text"] == {
        "type": "string",
        "maxLength": MAX_TEXT,
        "title": "A text",
        "description": "Some text.",
    }
    assert members["number"] == {"type": "integer", "title": "Number"}
    assert members["ratio"] == {"type": "number", "title": "Ratio", "default": 0.5, "minimum": 0, "maximum": 1}
    assert members["flag"] == {"type": "boolean", "title": "Flag", "default": False}
    assert members["choice"]["enum"] == ["a", "b"]
    assert members["maybe"]["type"] == ["integer", "null"]
    assert members["perhaps"]["enum"] == ["x", "y", None]
    assert members["words"]["items"] == {"type": "string", "maxLength": MAX_TEXT, "minLength": 1}
    assert members["pairs"]["items"] == schema_of(Item)
    assert members["pairs"]["default"] == []
    assert (members["shout"]["x-template"], members["page"]["x-template"]) == ("text", "html")
    assert members["query"]["x-expression"] is True
    assert members["free"]["type"] == ["object", "null"]


def test_annotation_without_a_schema_says_how_to_give_one() -> None:
    """Where it is written, not in the admin."""

    @dataclass(frozen=True)
    class Odd:
        when: complex

    with pytest.raises(TypeError, match=r"complex.*give the field metadata=\{'schema': \{\.\.\.\}\}"):
        schema_of(Odd)


def test_sound_configuration_has_no_problems() -> None:
    """With the least, and with all of it."""
    assert validate(SCHEMA, SOUND) == []
    assert (
        validate(SCHEMA, {**SOUND, "maybe": None, "perhaps": None, "pairs": [{"name": "a"}], "free": {"x": 1}}) == []
    )


@pytest.mark.parametrize(
    ("values", "path", "message"),
    [
        ({"number": "1"}, ("number",), "must be a whole number, not a text."),
        ({"number": 1.5}, ("number",), "must be a whole number, not 1.5."),
        ({"number": True}, ("number",), "must be a whole number, not true or false."),
        ({"text": None}, ("text",), "must be a text, not null."),
        ({"text": {}}, ("text",), "must be a text, not an object."),
        ({"flag": "yes"}, ("flag",), "must be true or false, not a text."),
        ({"maybe": "x"}, ("maybe",), "must be a whole number or null, not a text."),
        ({"ratio": -0.1}, ("ratio",), "must be at least 0."),
        ({"ratio": 1.1}, ("ratio",), "must be at most 1."),
        ({"choice": "c"}, ("choice",), "must be one of a, b."),
        ({"shout": "abc"}, ("shout",), "must match ^[A-Z]+$."),
        (
            {"text": "x" * (MAX_TEXT + 1)},
            ("text",),
            f"must have at most {MAX_TEXT} characters; it has {MAX_TEXT + 1}.",
        ),
        ({"words": [""]}, ("words", 0), "must not be empty."),
        ({"words": ["x"] * 101}, ("words",), "must have at most 100 items."),
        ({"pairs": []}, ("pairs",), "must have at least one item."),
        ({"pairs": [{"name": "a"}, {"nam": "a", "name": "b"}]}, ("pairs", 1), "'nam' is not a setting here."),
        ({"pairs": [{}]}, ("pairs", 0), "name is required."),
        ({"free": []}, ("free",), "must be an object or null, not a list."),
        ({"ratio": float("nan")}, ("ratio",), "must be a finite number."),
        ({"free": {"a": [float("inf")]}}, ("free", "a", 0), "must be a finite number."),
        ({"text": "a\x00"}, ("text",), "holds a NUL or half a character"),
        ({"free": {"a\ud800": 1}}, ("free",), "holds a NUL or half a character"),
    ],
)
def test_problem_is_told_in_words_at_its_place(values: dict[str, Any], path: tuple[Any, ...], message: str) -> None:
    """Without the schema's own text, and without repeating what may be long."""
    ((found_path, found),) = validate(SCHEMA, {**SOUND, **values})

    assert found_path == path
    assert found.startswith(message)


def test_all_problems_are_told_in_the_order_of_their_places() -> None:
    """Nobody likes to mend one after the other."""
    found = validate(SCHEMA, {"txt": "x", "number": "1", "choice": "c"})

    assert [path for path, _ in found] == [(), (), ("choice",), ("number",)]
    assert {"text is required.", "'txt' is not a setting here. Known: " + ", ".join(SCHEMA["properties"]) + "."} == {
        message for path, message in found if path == ()
    }


def test_configuration_without_end_is_refused_like_any_other() -> None:
    """Nested deeper than Python's own limits."""
    deep: Any = []
    for _ in range(100_000):
        deep = [deep]

    assert validate(SCHEMA, {**SOUND, "text": deep}) == [((), "must not be nested deeper than 50 levels.")]
