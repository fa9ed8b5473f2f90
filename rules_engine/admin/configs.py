"""Configurations of actions in the form: the schema as django-jsonform draws it, defaults, secrets."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator, Mapping
from typing import Any

from rules_engine.actions import action_schema, all_actions
from rules_engine.admin.display import kind_title
from rules_engine.context import REDACTED
from rules_engine.exceptions import UnknownKey

Schema = dict[str, Any]

_MISSING = object()
_KEPT = ("type", "title", "default", "enum", "placeholder", "readonly", "minimum", "maximum")
"""Keywords that mean the same to the widget; it ignores the others or stumbles over them."""
_FORMATS = {"date", "time", "date-time", "email", "uri", "color"}
NOTHING: Schema = {"type": "object", "keys": {}}
"""Draws no field, while no kind is chosen."""


def schema_of(kind: str) -> Schema | None:
    """The JSON Schema of a kind's configuration; None if it is not installed."""
    try:
        return action_schema(kind)
    except UnknownKey:
        return None


def drawn(kind: str, stored: Any = None) -> Schema:
    """The schema of a kind in the widget's dialect; a fresh copy each time, since the widget changes it.

    For a kind that is not installed: what is ``stored``, as texts that cannot be changed.
    """
    if not kind:
        return copy.deepcopy(NOTHING)
    schema = schema_of(kind)
    if schema is None:
        keys = {name: {"type": "string", "title": name, "readonly": True} for name in as_texts(stored)}
        return {"type": "object", "keys": keys}
    return {**_object(schema), "title": ""}


def as_texts(config: Any) -> dict[str, str]:
    """A configuration that nobody understands, flat: the widget stumbles over what its schema does not foresee."""
    items = config.items() if isinstance(config, Mapping) else []
    return {name: value if isinstance(value, str) else json.dumps(value) for name, value in items}


def drawn_kinds() -> dict[str, Schema]:
    """Every installed kind with what the page needs to draw it when it is chosen."""
    return {
        kind: {"schema": drawn(kind), "blank": filled(kind, {}), "help": describe(kind)} for kind, _ in all_actions()
    }


def describe(kind: str) -> str:
    """One line on a kind, from its class."""
    schema = schema_of(kind)
    text = str(schema["description"]) if schema else ""
    # What only repeats the title beside it says nothing.
    return "" if text.rstrip(".") == kind_title(kind) else text


def _object(schema: Mapping[str, Any]) -> Schema:
    required = schema.get("required", [])
    keys = {}
    for name, member in schema.get("properties", {}).items():
        keys[name] = _member(member)
        if name in required:
            keys[name]["required"] = True
    return {"type": "object", "keys": keys}


def _member(schema: Mapping[str, Any]) -> Schema:
    found = {name: copy.deepcopy(schema[name]) for name in _KEPT if name in schema}
    if schema.get("description"):
        found["helpText"] = schema["description"]
    if _is_secret(schema):
        found |= {"format": "password"}
    elif schema.get("format") == "textarea":
        found["widget"] = "textarea"
    elif schema.get("format") in _FORMATS:
        found["format"] = schema["format"]
    if "items" in schema:
        items = schema["items"]
        found["items"] = _object(items) if "properties" in items else _member(items)
    elif "properties" in schema:
        found |= _object(schema)
    return found


def filled(kind: str, config: Any) -> dict[str, Any]:
    """A configuration with the keys it leaves out, so that every field has something to show."""
    config = dict(config) if isinstance(config, Mapping) else {}
    blanks = {name: _blank(member) for name, member in _members(kind)}
    return {**blanks, **config}


def _blank(schema: Mapping[str, Any]) -> Any:
    if "default" in schema:
        return copy.deepcopy(schema["default"])
    kind = schema.get("type")
    if "enum" in schema:
        return schema["enum"][0]
    empty: dict[str, Any] = {"string": "", "array": [], "object": {}, "boolean": False}
    return empty.get(kind) if isinstance(kind, str) else None


def thinned(kind: str, config: dict[str, Any], stored: Mapping[str, Any]) -> dict[str, Any]:
    """Undo ``filled``: leave out what is the default anyway and was not stored before."""
    members = dict(_members(kind))
    return {
        name: value
        for name, value in config.items()
        if name in stored or name not in members or not _is_left_out(members[name], value)
    }


def _is_left_out(schema: Mapping[str, Any], value: Any) -> bool:
    if "default" not in schema:
        return False
    # An emptied number field arrives as null, which means the default.
    return bool(value == schema["default"]) or (value is None and "null" not in schema.get("type", ""))


def _members(kind: str) -> Iterator[tuple[str, Mapping[str, Any]]]:
    schema = schema_of(kind)
    yield from (schema or {}).get("properties", {}).items()


# --- secrets: fields of format "password" never leave the server ------------------------------------------


def _is_secret(schema: Mapping[str, Any]) -> bool:
    return schema.get("format") == "password" or bool(schema.get("writeOnly"))


def masked(kind: str, config: Any, mask: str = REDACTED) -> Any:
    """A configuration for showing: secrets are ``mask``."""
    return _masked(schema_of(kind) or {}, config, mask)


def _masked(schema: Mapping[str, Any], value: Any, mask: str) -> Any:
    if _is_secret(schema):
        return mask if value else value
    if isinstance(value, dict):
        members = schema.get("properties", {})
        return {name: _masked(members.get(name, {}), item, mask) for name, item in value.items()}
    if isinstance(value, list):
        return [_masked(schema.get("items", {}), item, mask) for item in value]
    return value


def restored(kind: str, config: Any, stored: Any) -> Any:
    """Put stored secrets back where the form sent nothing: an untouched field is an empty one."""
    return _restored(schema_of(kind) or {}, config, stored)


def _restored(schema: Mapping[str, Any], value: Any, stored: Any) -> Any:
    if _is_secret(schema):
        return value or ("" if stored is _MISSING or stored is None else stored)
    if isinstance(value, dict) and isinstance(stored, dict):
        members = schema.get("properties", {})
        return {
            name: _restored(members.get(name, {}), item, stored.get(name, _MISSING)) for name, item in value.items()
        }
    if isinstance(value, list) and isinstance(stored, list):
        inner = schema.get("items", {})
        return [_restored(inner, item, old) for item, old in zip(value, _padded(stored, len(value)), strict=False)]
    return value


def _padded(items: list[Any], length: int) -> list[Any]:
    return [*items, *([_MISSING] * (length - len(items)))]
