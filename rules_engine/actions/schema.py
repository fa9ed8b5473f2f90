"""JSON Schemas from dataclass fields, and their validation by the ``jsonschema`` library."""

from __future__ import annotations

import math
import re
import types
from collections.abc import Iterator, Mapping
from dataclasses import MISSING, Field, fields, is_dataclass
from functools import lru_cache
from typing import Any, Literal, Union, cast, get_args, get_origin, get_type_hints

from jsonschema import Draft202012Validator
from jsonschema.exceptions import ValidationError, best_match

_TYPES: dict[Any, str] = {str: "string", int: "integer", float: "number", bool: "boolean"}

_NOT_TEXT = re.compile("[\x00\ud800-\udfff]")

MAX_NESTING = 50
"""Deepest nesting of a configuration."""
MAX_TEXT = 50_000
"""Longest text of a configuration, where a field does not set its own ``maxLength``."""


@lru_cache(maxsize=256)
def schema_of(cls: type[Any]) -> dict[str, Any]:
    """Return the JSON Schema (draft 2020-12) of a dataclass; unknown keys are refused.

    Raises TypeError for an annotation that has no schema: give ``metadata={"schema": {...}}`` then.
    """
    hints = get_type_hints(cls)
    members = {item.name: _property(item, hints[item.name]) for item in fields(cls)}
    required = [item.name for item in fields(cls) if item.default is MISSING and item.default_factory is MISSING]
    return {"type": "object", "properties": members, "required": required, "additionalProperties": False}


def _property(item: Field[Any], hint: Any) -> dict[str, Any]:
    meta = item.metadata
    schema = _of_hint(hint, meta)
    schema["title"] = meta.get("title") or item.name.replace("_", " ").capitalize()
    if meta.get("help"):
        schema["description"] = meta["help"]
    if item.default is not MISSING:
        schema["default"] = list(item.default) if isinstance(item.default, tuple) else item.default
    if meta.get("template"):
        schema["x-template"] = "html" if meta["template"] == "html" else "text"
    if meta.get("expression"):
        schema["x-expression"] = True
    return {**schema, **meta.get("schema", {})}


def _of_hint(hint: Any, meta: Mapping[str, Any]) -> dict[str, Any]:
    if hint in _TYPES:
        return {"type": _TYPES[hint], **({"maxLength": MAX_TEXT} if hint is str else {})}
    origin, arguments = get_origin(hint), get_args(hint)
    if origin is Literal:
        return {"type": "string", "enum": list(arguments)}
    if origin in (Union, types.UnionType) and type(None) in arguments:
        (inner,) = [item for item in arguments if item is not type(None)]
        schema = _of_hint(inner, meta)
        choices = {"enum": [*schema["enum"], None]} if "enum" in schema else {}
        return {**schema, **choices, "type": [schema["type"], "null"]}
    if origin in (list, tuple):
        return {"type": "array", "items": _items(arguments[0]), "maxItems": 100}
    if "schema" in meta:
        return {}
    raise TypeError(f"{hint!r} has no JSON Schema: give the field metadata={{'schema': {{...}}}}.")


def _items(hint: Any) -> dict[str, Any]:
    if is_dataclass(hint):
        return schema_of(hint)  # type: ignore[arg-type]
    schema = _of_hint(hint, {})
    # The form adds an empty row at a click; nobody means it.
    return {**schema, "minLength": 1} if hint is str else schema


def validate(schema: Mapping[str, Any], config: Any) -> list[tuple[tuple[str | int, ...], str]]:
    """Return (path, message) pairs of what does not fit the schema or cannot be stored; empty if all is well."""
    if _deeper_than(MAX_NESTING, config):
        return [((), f"must not be nested deeper than {MAX_NESTING} levels.")]
    errors = sorted(Draft202012Validator(schema).iter_errors(config), key=_order)
    return [(tuple(error.absolute_path), _explain(error)) for error in errors] or list(_unstorable(config, ()))


def _deeper_than(levels: int, node: Any) -> bool:
    """Tell whether a value is nested so deep that describing it would exhaust Python's stack."""
    if not isinstance(node, (dict, list, tuple)):
        return False
    inner = node.values() if isinstance(node, dict) else node
    return levels == 0 or any(_deeper_than(levels - 1, item) for item in inner)


def _unstorable(node: Any, path: tuple[str | int, ...]) -> Iterator[tuple[tuple[str | int, ...], str]]:
    """What Python's JSON can say and databases or the schema's limits cannot judge."""
    if isinstance(node, str) and _NOT_TEXT.search(node):
        yield path, "holds a NUL or half a character (lone surrogate), which databases do not take. Remove it."
    elif isinstance(node, float) and not math.isfinite(node):
        yield path, "must be a finite number."
    elif isinstance(node, dict):
        for key, value in node.items():
            yield from _unstorable(key, path)
            yield from _unstorable(value, (*path, str(key)))
    elif isinstance(node, (list, tuple)):
        for number, value in enumerate(node):
            yield from _unstorable(value, (*path, number))


def _order(error: ValidationError) -> list[str]:
    return [str(part) for part in error.absolute_path]


def _explain(error: ValidationError) -> str:
    """The message of one error in the words of a form, without the schema's own text."""
    error = best_match([error]) or error
    value: Any = error.validator_value
    rule, judged = error.validator, cast("Any", error.instance)
    if rule == "required":
        missing = [name for name in value if name not in judged]
        return f"{', '.join(missing)} is required."
    if rule == "additionalProperties":
        known = cast("Any", error.schema).get("properties", {})
        extra = [name for name in judged if name not in known]
        return f"{', '.join(map(repr, extra))} is not a setting here. Known: {', '.join(known)}."
    messages = {
        "type": lambda: f"must be {_kinds(value)}, not {_kind(judged)}.",
        "enum": lambda: f"must be one of {', '.join(map(str, value))}.",
        "minLength": lambda: "must not be empty." if value == 1 else f"must have at least {value} characters.",
        "maxLength": lambda: f"must have at most {value} characters; it has {len(judged)}.",
        "minimum": lambda: f"must be at least {value}.",
        "maximum": lambda: f"must be at most {value}.",
        "minItems": lambda: "must have at least one item." if value == 1 else f"must have at least {value} items.",
        "maxItems": lambda: f"must have at most {value} items.",
        "pattern": lambda: f"must match {value}.",
    }
    return messages[rule]() if rule in messages else error.message


def _kinds(value: Any) -> str:
    names = {"string": "a text", "integer": "a whole number", "number": "a number", "boolean": "true or false"}
    names |= {"array": "a list", "object": "an object", "null": "null"}
    return " or ".join(names.get(item, item) for item in ([value] if isinstance(value, str) else value))


def _kind(value: Any) -> str:
    for kinds, name in (
        (bool, "true or false"),
        (str, "a text"),
        ((int, float), f"{value!r:.20}"),
        (list, "a list"),
        (dict, "an object"),
    ):
        if isinstance(value, kinds):
            return name
    return "null"
