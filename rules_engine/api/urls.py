"""URLs of the API, for ``path("rules-api/", include("rules_engine.api.urls"))``.

The prefix is the API's own: what is not there below it is answered with a 404 in JSON, so nothing else can be
mounted behind it under the same one.

Reverse them as ``rules_engine_api:rule-list``. ``schema/`` is there where drf-spectacular is installed, and
``docs/`` where drf-spectacular-sidecar is too (``pip install "django-rules-engine[api]"``).
"""

from __future__ import annotations

from importlib.util import find_spec

from django.urls import URLPattern, URLResolver, include, path
from rest_framework.routers import SimpleRouter

from rules_engine.api.base import HAS_OPENAPI
from rules_engine.api.views.catalogues import ActionViewSet, FunctionViewSet, RootView, SignalViewSet
from rules_engine.api.views.history import EventViewSet, ExecutionViewSet
from rules_engine.api.views.missing import MissingView
from rules_engine.api.views.rules import RuleViewSet

app_name = "rules_engine_api"

router = SimpleRouter(use_regex_path=False)
router.register("rules", RuleViewSet, basename="rule")
router.register("events", EventViewSet, basename="event")
router.register("executions", ExecutionViewSet, basename="execution")

router.register("signals", SignalViewSet, basename="signal")
router.register("actions", ActionViewSet, basename="action")
router.register("functions", FunctionViewSet, basename="function")

names = [prefix for prefix, *_ in router.registry]
described: list[URLPattern | URLResolver] = [path("", include(router.urls))]
"""What the OpenAPI document describes."""

urlpatterns: list[URLPattern | URLResolver] = [*described]

if HAS_OPENAPI:
    from rules_engine.api.views.openapi import SchemaView

    urlpatterns.append(path("schema/", SchemaView.as_view(patterns=described), name="schema"))
    names.append("schema")
    if find_spec("drf_spectacular_sidecar") is not None:
        from rules_engine.api.views.docs import DocsView

        urlpatterns.append(path("docs/", DocsView.as_view(), name="docs"))
        names.append("docs")

urlpatterns += [
    path("", RootView.as_view(names=tuple(names)), name="root"),
    # Whatever else is asked for below the API is answered by it, as JSON.
    path("<path:rest>", MissingView.as_view(), name="missing"),
]
