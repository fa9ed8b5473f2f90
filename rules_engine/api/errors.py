"""Errors of the API: one shape, with the texts that admin and Python show and a machine-readable code.

What is wrong with single fields is ``{"condition": ["…"], "actions": [{}, {"config": ["…"]}], "codes": {…}}``, where
``codes`` has the shape of the rest. Everything else is ``{"detail": "…", "code": "…"}``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from django.core.exceptions import NON_FIELD_ERRORS
from django.db import IntegrityError
from rest_framework import status
from rest_framework.exceptions import APIException, ErrorDetail, ValidationError
from rest_framework.response import Response
from rest_framework.views import exception_handler

from rules_engine.conditions import check_traps, compile_condition
from rules_engine.exceptions import ConditionError, StateConflict
from rules_engine.models import Rule
from rules_engine.services import RuleInvalid

CODES = {
    "signal": "unknown_signal",
    "sender": "unknown_sender",
    "kind": "unknown_action",
    "config": "config_invalid",
}
"""Codes of fields that can be wrong in one way that matters to a program."""


class PreconditionFailed(APIException):
    """The rule is not at the version that the request names; nothing was written."""

    status_code = status.HTTP_412_PRECONDITION_FAILED
    default_detail = "The rule was changed by someone else. Nothing was saved."
    default_code = "stale_rule"

    def __init__(self, detail: str | None = None, *, version: int | None = None) -> None:
        super().__init__(detail)
        self.version = version


class Conflict(APIException):
    """The request does not fit the state that the thing is in."""

    status_code = status.HTTP_409_CONFLICT
    default_detail = "Another change was made at the same moment. Nothing was saved; try again."
    default_code = "conflict"


class TooLarge(APIException):
    """The body exceeds the site's limit."""

    status_code = status.HTTP_413_REQUEST_ENTITY_TOO_LARGE
    default_detail = "The body is too large."
    default_code = "too_large"


def handle(error: Exception, context: dict[str, Any]) -> Response | None:
    """The exception handler of every view of the API; None lets the site answer 500."""
    if isinstance(error, StateConflict):
        error = Conflict(str(error), "state_conflict")
    elif isinstance(error, IntegrityError):
        # Two requests passed validation before either was saved, such as two new rules with one slug.
        error = Conflict()
    response = exception_handler(error, context)
    if response is not None and isinstance(error, APIException):
        response.data = _body(error)
    elif response is not None:
        # REST framework has made Http404 and PermissionDenied of Django into answers of its own.
        code = "not_found" if response.status_code == status.HTTP_404_NOT_FOUND else "permission_denied"
        response.data = {"detail": response.data["detail"], "code": code}
    return response


def _body(error: APIException) -> dict[str, Any]:
    if isinstance(error.detail, dict):
        return {**error.detail, "codes": error.get_codes()}
    if isinstance(error.detail, list):
        return {"detail": " ".join(map(str, error.detail)), "code": error.default_code}
    body: dict[str, Any] = {"detail": error.detail, "code": error.get_codes()}
    if isinstance(error, PreconditionFailed):
        body["version"] = error.version
    return body


def invalid_rule(error: RuleInvalid, rule: Rule) -> ValidationError:
    """Return what is wrong with a rule as an error of the API, with a code for each message."""
    detail: dict[str, Any] = {
        "non_field_errors" if name == NON_FIELD_ERRORS else name: _coded(messages, _code(name, rule))
        for name, messages in error.fields.items()
    }
    if any(error.actions):
        detail["actions"] = [_of_action(problems) for problems in error.actions]
    return ValidationError(detail)


def _of_action(problems: Mapping[str, Sequence[str]]) -> dict[str, list[ErrorDetail]]:
    return {name: _coded(messages, CODES.get(name, "invalid")) for name, messages in problems.items()}


def _coded(messages: Sequence[str], code: str) -> list[ErrorDetail]:
    return [ErrorDetail(message, code) for message in messages]


def _code(name: str, rule: Rule) -> str:
    return condition_code(rule.condition) if name == "condition" else CODES.get(name, "invalid")


def condition_code(text: str) -> str:
    """The kind of mistake in a condition that was refused.

    ``condition_syntax``: it does not compile. ``condition_trap``: it does, and means something else than it seems to.
    ``condition_field``: it reads a field that is not there.
    """
    try:
        compile_condition(text)
    except ConditionError:
        return "condition_syntax"
    return "condition_trap" if check_traps(text) else "condition_field"
