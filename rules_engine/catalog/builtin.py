"""The signals of Django itself that rules may listen to."""

from __future__ import annotations

import sys
from typing import Any

from django.contrib.auth.signals import user_logged_in, user_logged_out, user_login_failed
from django.core.signals import got_request_exception, request_finished, request_started
from django.db.models import Model
from django.db.models.signals import m2m_changed, post_delete, post_save, pre_delete, pre_save

from rules_engine.catalog.spec import Kind, SignalSpec
from rules_engine.context import typed
from rules_engine.context.values import request_document

_INSTANCE = "the object, with its columns and the relations that an expression names"
_USING = "alias of the database"
_REQUEST = "`method`, `path`, `route`, `view`"


def _save(sender: Any, given: dict[str, Any]) -> dict[str, Any]:
    fields = given.get("update_fields")
    return {
        "instance": given.get("instance"),
        "created": given.get("created"),
        "update_fields": sorted(fields) if fields is not None else None,
        "using": given.get("using"),
    }


def _pre_save(sender: Any, given: dict[str, Any]) -> dict[str, Any]:
    instance = given.get("instance")
    return {**_save(sender, given), "created": instance._state.adding if instance is not None else None}


def _delete(sender: Any, given: dict[str, Any]) -> dict[str, Any]:
    return {"instance": given.get("instance"), "using": given.get("using")}


def _m2m(sender: Any, given: dict[str, Any]) -> dict[str, Any]:
    keys = given.get("pk_set")
    model = given.get("model")
    return {
        "instance": given.get("instance"),
        "action": given.get("action"),
        "reverse": given.get("reverse"),
        "model": model._meta.label_lower if isinstance(model, type) and issubclass(model, Model) else None,
        "pk_set": typed(keys),
        "using": given.get("using"),
    }


def _started(sender: Any, given: dict[str, Any]) -> dict[str, Any]:
    environ, scope = given.get("environ"), given.get("scope") or {}
    # WSGI hands over the environ, ASGI its scope; nothing else of either may enter.
    source = (
        scope
        if environ is None
        else {
            "method": environ.get("REQUEST_METHOD"),
            "path": f"{environ.get('SCRIPT_NAME', '')}{environ.get('PATH_INFO', '/')}",
        }
    )
    return {"request": {"method": source.get("method"), "path": source.get("path"), "route": None, "view": None}}


def _crashed(sender: Any, given: dict[str, Any]) -> dict[str, Any]:
    # The signal carries no exception: Django sends it from inside the except block, where this finds it.
    return {"request": request_document(given.get("request")), "exception": sys.exc_info()[1]}


def _logged(sender: Any, given: dict[str, Any]) -> dict[str, Any]:
    return {"user": given.get("user"), "request": request_document(given.get("request"))}


def _login_failed(sender: Any, given: dict[str, Any]) -> dict[str, Any]:
    credentials = given.get("credentials") or {}
    return {"credentials": dict(credentials), "request": request_document(given.get("request"))}


_SAVE_ARGUMENTS = {
    "instance": _INSTANCE,
    "created": "true for a new object",
    "update_fields": "names given to `save(update_fields=…)`, else null",
    "using": _USING,
}
_LOG_IN_ARGUMENTS = {"user": "the user, as an object document", "request": _REQUEST}
_REQUEST_EXAMPLE = {"method": "POST", "path": "/shop/checkout/", "route": "shop/checkout/", "view": "checkout"}

BUILTIN: tuple[SignalSpec, ...] = (
    SignalSpec(
        key="pre_save",
        signal=pre_save,
        kind=Kind.MODEL,
        title="an object is about to be saved",
        description="Before the row is written. Deferred actions run once the save has succeeded.",
        arguments=_SAVE_ARGUMENTS,
        example={"created": True, "update_fields": None, "using": "default"},
        read=_pre_save,
        instance="instance",
        held_until="post_save",
    ),
    SignalSpec(
        key="post_save",
        signal=post_save,
        kind=Kind.MODEL,
        title="an object was saved",
        description="After the row is written. `QuerySet.update()`, `bulk_create()` and raw SQL send no signal.",
        arguments=_SAVE_ARGUMENTS,
        example={"created": True, "update_fields": None, "using": "default"},
        read=_save,
        instance="instance",
    ),
    SignalSpec(
        key="pre_delete",
        signal=pre_delete,
        kind=Kind.MODEL,
        title="an object is about to be deleted",
        description="Before the row is removed, its relations still there. Deferred actions run once it is gone.",
        arguments={"instance": _INSTANCE, "using": _USING},
        example={"using": "default"},
        read=_delete,
        instance="instance",
        held_until="post_delete",
    ),
    SignalSpec(
        key="post_delete",
        signal=post_delete,
        kind=Kind.MODEL,
        title="an object was deleted",
        description="After the row is removed; `instance` still has its columns. Also sent for cascades.",
        arguments={"instance": _INSTANCE, "using": _USING},
        example={"using": "default"},
        read=_delete,
        instance="instance",
    ),
    SignalSpec(
        key="m2m_changed",
        signal=m2m_changed,
        kind=Kind.M2M,
        title="a many-to-many relation changed",
        description="Sent before and after each change; test `action`, such as `action == 'post_add'`.",
        arguments={
            "instance": _INSTANCE,
            "action": "`pre_add`, `post_add`, `pre_remove`, `post_remove`, `pre_clear` or `post_clear`",
            "reverse": "true if the change was made from the other side: `instance` is then of the other model",
            "model": "label of the model that was added, removed or cleared",
            "pk_set": "keys that were added or removed; null for clear",
            "using": _USING,
        },
        example={"action": "post_add", "reverse": False, "pk_set": [1], "using": "default"},
        read=_m2m,
        instance="instance",
    ),
    SignalSpec(
        key="request_started",
        signal=request_started,
        kind=Kind.NONE,
        title="a request came in",
        description="For every request, before the URL is resolved. Use a narrow condition.",
        arguments={"request": "`method` and `path`"},
        example={"request": {"method": "GET", "path": "/shop/", "route": None, "view": None}},
        read=_started,
    ),
    SignalSpec(
        key="request_finished",
        signal=request_finished,
        kind=Kind.NONE,
        title="a request was answered",
        description="For every request, after the answer was sent. It tells nothing of the request.",
    ),
    SignalSpec(
        key="got_request_exception",
        signal=got_request_exception,
        kind=Kind.NONE,
        title="a page crashed",
        description="An exception that no view handled: the visitor got a page with status 500.",
        arguments={"request": _REQUEST, "exception": "`type` and `message`"},
        example={
            "request": _REQUEST_EXAMPLE,
            "exception": {"type": "ZeroDivisionError", "message": "division by zero"},
        },
        read=_crashed,
    ),
    SignalSpec(
        key="user_logged_in",
        signal=user_logged_in,
        kind=Kind.USER,
        title="a user logged in",
        arguments=_LOG_IN_ARGUMENTS,
        example={"request": _REQUEST_EXAMPLE},
        read=_logged,
        instance="user",
    ),
    SignalSpec(
        key="user_logged_out",
        signal=user_logged_out,
        kind=Kind.USER,
        title="a user logged out",
        description="`user` is null if nobody was logged in.",
        arguments=_LOG_IN_ARGUMENTS,
        example={"request": _REQUEST_EXAMPLE},
        read=_logged,
        instance="user",
    ),
    SignalSpec(
        key="user_login_failed",
        signal=user_login_failed,
        kind=Kind.NONE,
        title="a log-in failed",
        arguments={"credentials": "what was tried, passwords as `***`", "request": _REQUEST},
        example={"credentials": {"username": "mallory", "password": "***"}, "request": _REQUEST_EXAMPLE},
        read=_login_failed,
    ),
)
