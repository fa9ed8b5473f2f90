"""The OpenAPI 3.1 document of the API, made by drf-spectacular; imported only where that is installed.

The views know nothing of it: what their code cannot tell (bodies, answers, polymorphic actions) stands here.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable, Sequence
from copy import deepcopy
from dataclasses import dataclass
from typing import Any

from django.utils import translation
from django.utils.encoding import force_str
from django.utils.functional import Promise
from drf_spectacular.extensions import OpenApiSerializerExtension
from drf_spectacular.generators import SchemaGenerator
from drf_spectacular.openapi import AutoSchema
from drf_spectacular.plumbing import ResolvedComponent
from drf_spectacular.settings import patched_settings
from drf_spectacular.utils import OpenApiExample, OpenApiParameter

from rules_engine.actions import action_schema, all_actions
from rules_engine.api.serializers.dryruns import DryRunRequestSerializer, DryRunSerializer
from rules_engine.api.serializers.history import ExecutionDetailSerializer
from rules_engine.api.serializers.rules import RuleSerializer, RuleVersionSerializer
from rules_engine.models import Rule, RuleAction

SETTINGS: dict[str, Any] = {
    "OAS_VERSION": "3.1.1",
    "TITLE": "Rules engine",
    "DESCRIPTION": (
        "Rules: when this signal is sent by this sender and this condition holds, run these actions. What is wrong "
        "with a body is told by field, in the words of the admin; `codes` has the same shape with a word for each "
        "message."
    ),
    "VERSION": "1",
    "SCHEMA_PATH_PREFIX": "",
    "SCHEMA_PATH_PREFIX_TRIM": False,
    "SCHEMA_PATH_PREFIX_INSERT": "",
    "COMPONENT_SPLIT_REQUEST": True,
    "COMPONENT_SPLIT_PATCH": True,
    "ENUM_NAME_OVERRIDES": {},
    "ENUM_GENERATE_CHOICE_DESCRIPTION": True,
    "PREPROCESSING_HOOKS": [],
    "POSTPROCESSING_HOOKS": ["drf_spectacular.hooks.postprocess_schema_enums"],
    "APPEND_COMPONENTS": {},
    "SECURITY": [],
    "SERVERS": [],
    "TAGS": [{"name": name} for name in ("rules", "executions", "events", "signals", "actions", "functions")],
    "EXTENSIONS_INFO": {},
    "EXTENSIONS_ROOT": {},
    "CAMELIZE_NAMES": False,
    "SORT_OPERATIONS": True,
    "SORT_OPERATION_PARAMETERS": True,
}
"""Settings of drf-spectacular for this document, whatever the host's are for its own."""

_lock = threading.Lock()
_made: dict[tuple[str, ...], dict[str, Any]] = {}


def document(patterns: Iterable[Any], *, server: str) -> dict[str, Any]:
    """Return the OpenAPI document of the API that is mounted at ``server``.

    It is made once in a process, because drf-spectacular's settings are global: they are changed for as long as
    that takes, and a host's own document that is made at the same moment would see it.
    """
    kinds = tuple(kind for kind, _ in all_actions())
    with _lock:
        if kinds not in _made:
            _made[kinds] = generate(patterns, quiet=True)
        return {**_made[kinds], "servers": [{"url": server}]}


def generate(patterns: Iterable[Any], *, quiet: bool = False) -> dict[str, Any]:
    """Make the document; ``quiet`` keeps drf-spectacular's remarks on a host's authentication off its log."""
    settings = {**SETTINGS, "DISABLE_ERRORS_AND_WARNINGS": quiet}
    # One document for all languages: it is made once, and names of components come from texts.
    with translation.override("en"), patched_settings(settings):
        made = SchemaGenerator(patterns=list(patterns)).get_schema(request=None, public=True)
        return _completed(_plain(made))


def _plain(node: Any) -> Any:
    if isinstance(node, dict):
        return {force_str(key): _plain(value) for key, value in node.items()}
    if isinstance(node, (list, tuple)):
        return [_plain(value) for value in node]
    return force_str(node) if isinstance(node, Promise) else node


# --- errors -----------------------------------------------------------------------------------------------

_ERRORS = {
    "401": "Not logged in.",
    "403": "Not staff, or without the permission that this takes.",
    "404": "There is no such thing.",
    "409": "The state does not allow it, or another change was made at the same moment. Nothing was saved.",
    "412": "`If-Match` or `version` names a version that is not the present one. Nothing was saved.",
}
_COMPONENTS = {
    "Error": {
        "type": "object",
        "required": ["detail", "code"],
        "properties": {
            "detail": {"type": "string", "description": "What is wrong, and how to mend it."},
            "code": {"type": "string", "description": "The same as a word for programs."},
            "version": {"type": ["integer", "null"], "description": "With 412: the present version of the rule."},
        },
    },
    "Invalid": {
        "description": "Messages by field; a body that is no JSON has `detail` and `code` instead.",
        "type": "object",
        "properties": {
            "codes": {
                "type": "object",
                "description": "Words for programs, in the shape of the messages.",
                "additionalProperties": True,
            },
            "actions": {"type": "array", "description": "Messages by field for each action, or about the list."},
        },
        "additionalProperties": True,
    },
}


def _completed(made: dict[str, Any]) -> dict[str, Any]:
    made["components"]["schemas"] |= deepcopy(_COMPONENTS)
    for kind, _ in all_actions():
        # Added last, as it is: drf-spectacular gives names to choices, and those of two kinds would collide.
        made["components"]["schemas"][f"{_name(kind)}Config"] = _plain(action_schema(kind))
    for path, operations in made["paths"].items():
        for method, operation in operations.items():
            answers = operation["responses"]
            if "requestBody" in operation or any(item["in"] == "query" for item in operation.get("parameters", [])):
                answers["400"] = _answer("Something in the request is wrong.", "Invalid")
            for code in _codes(path, method):
                answers[code] = _answer(_ERRORS[code], "Error")
            operation["responses"] = dict(sorted(answers.items()))
    return made


def _codes(path: str, method: str) -> list[str]:
    codes = ["401", "403"]
    if "{" in path:
        codes.append("404")
    if path.endswith("/retry/") or (path.startswith("/rules/") and method != "get" and "dry-run" not in path):
        codes.append("409")
    if path == "/rules/{slug}/" and method != "get":
        codes.append("412")
    return codes


def _answer(description: str, component: str) -> dict[str, Any]:
    schema = {"$ref": f"#/components/schemas/{component}"}
    return {"description": description, "content": {"application/json": {"schema": schema}}}


# --- components -------------------------------------------------------------------------------------------


class RuleShape(OpenApiSerializerExtension):
    """What the model says of a rule's fields and the serializer leaves to it: lengths and choices."""

    target_class = RuleSerializer

    def map_serializer(self, auto_schema: Any, direction: Any) -> Any:
        shape = auto_schema._map_serializer(self.target, direction, bypass_extensions=True)
        for name, schema in shape["properties"].items():
            if name in ("version", "actions") or schema.get("readOnly"):
                continue
            field: Any = Rule._meta.get_field(name)
            if field.max_length and not field.choices:
                schema["maxLength"] = field.max_length
            if field.choices:
                schema["enum"] = [value for value, _ in field.choices]
            if field.has_default() and direction == "request":
                schema["default"] = _plain(getattr(field.default, "value", field.default))
        if direction == "response":
            # Every answer has every field.
            shape["required"] = sorted(shape["properties"])
        return shape


class ActionShape(OpenApiSerializerExtension):
    """An action is one of the kinds that are installed, each with the schema of its configuration."""

    target_class = "rules_engine.api.serializers.rules.ActionSerializer"

    def map_serializer(self, auto_schema: Any, direction: Any) -> Any:
        common = auto_schema._map_serializer(self.target, direction, bypass_extensions=True)
        common["properties"]["on_error"]["enum"] = RuleAction.OnError.values
        mapping = {
            kind: self._component(auto_schema, direction, kind, common["properties"]).ref["$ref"]
            for kind, _ in all_actions()
        }
        return {
            "oneOf": [{"$ref": reference} for reference in mapping.values()],
            "discriminator": {"propertyName": "kind", "mapping": mapping},
        }

    def _component(self, auto_schema: Any, direction: Any, kind: str, common: dict[str, Any]) -> Any:
        asked = direction == "request"
        properties = {
            **deepcopy(common),
            "kind": {"const": kind, "type": "string"},
            "config": {"$ref": f"#/components/schemas/{_name(kind)}Config"},
        }
        if asked:
            properties["on_error"]["default"] = RuleAction.OnError.CONTINUE.value
            properties["enabled"]["default"] = True
        needed = ["kind", "config"] if action_schema(kind)["required"] else ["kind"]
        component = ResolvedComponent(
            name=f"{_name(kind)}Action{'Request' if asked else ''}",
            type=ResolvedComponent.SCHEMA,
            object=kind,
            schema={"type": "object", "properties": properties, "required": needed if asked else sorted(properties)},
        )
        auto_schema.registry.register_on_missing(component)
        return component


def _name(kind: str) -> str:
    return "".join(word.capitalize() for word in kind.replace(".", "_").split("_"))


# --- operations -------------------------------------------------------------------------------------------

_ETAG = OpenApiParameter(
    "ETag", str, OpenApiParameter.HEADER, response=[200, 201], description="Version of the rule, in quotes."
)
_IF_MATCH = OpenApiParameter(
    "If-Match", str, OpenApiParameter.HEADER, description="ETag that was read; 412 if the rule has changed since."
)


@dataclass(frozen=True)
class Operation:
    """What an operation takes and answers, where the view's code does not tell."""

    request: Any = None
    response: Any = None
    parameters: Sequence[Any] = ()
    example: Any = None
    """A body to begin with."""


_EXAMPLE = {
    "name": "Paid orders",
    "signal": "post_save",
    "sender": "shop.order",
    "condition": "instance.status == 'paid'",
    "actions": [{"kind": "log", "config": {"message": "Order {{ instance.pk }} was paid."}}],
}

_OPERATIONS = {
    ("rule", "retrieve"): Operation(parameters=[_ETAG]),
    ("rule", "create"): Operation(parameters=[_ETAG], example=_EXAMPLE),
    ("rule", "update"): Operation(parameters=[_ETAG, _IF_MATCH], example=_EXAMPLE),
    ("rule", "partial_update"): Operation(parameters=[_ETAG, _IF_MATCH], example={"mode": "live"}),
    ("rule", "destroy"): Operation(parameters=[_IF_MATCH]),
    ("rule", "versions"): Operation(response=RuleVersionSerializer),
    ("rule", "dry_run"): Operation(
        request=DryRunRequestSerializer,
        response=DryRunSerializer,
        example={"condition": "instance.status == 'paid'"},
    ),
    ("execution", "retry"): Operation(response=ExecutionDetailSerializer),
}


class EngineSchema(AutoSchema):
    """Describes the operations of the API.

    drf-spectacular's decorators are no way to do it: they build on the schema class of the host's settings.
    """

    view: Any

    def get_operation_id(self) -> str:
        return f"{self.view.basename}s_{self.view.action}"

    def get_override_parameters(self) -> list[Any]:
        return list(self._operation().parameters)

    def get_request_serializer(self) -> Any:
        if self.view.action in ("retry", "dry_run"):
            return self._operation().request
        return super().get_request_serializer()

    def get_response_serializers(self) -> Any:
        response = self._operation().response
        if response is None:
            return super().get_response_serializers()
        return response(many=True) if self.view.action == "versions" else response

    def get_examples(self) -> list[Any]:
        example = self._operation().example
        return [] if example is None else [OpenApiExample("An example", value=example, request_only=True)]

    def _is_list_view(self, serializer: Any = None) -> bool:
        return self.view.action in ("list", "versions")

    def _operation(self) -> Operation:
        return _OPERATIONS.get((self.view.basename, self.view.action), Operation())
