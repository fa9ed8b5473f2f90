"""The OpenAPI document over HTTP; imported only where drf-spectacular is installed."""

from __future__ import annotations

from typing import Any

from drf_spectacular.renderers import (
    OpenApiJsonRenderer,
    OpenApiJsonRenderer2,
    OpenApiYamlRenderer,
    OpenApiYamlRenderer2,
)
from rest_framework.request import Request
from rest_framework.response import Response

from rules_engine.api.base import ApiView
from rules_engine.api.permissions import StaffOfTheEngine
from rules_engine.api.schema import document


class SchemaView(ApiView):
    """The OpenAPI 3.1 document, as JSON unless the ``Accept`` header or ``?format=yaml`` asks for YAML."""

    permission_classes = [StaffOfTheEngine]
    schema = None
    renderer_classes = [OpenApiJsonRenderer2, OpenApiJsonRenderer, OpenApiYamlRenderer2, OpenApiYamlRenderer]
    patterns: Any = ()

    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Answer with the document; its server is where the API is mounted."""
        return Response(document(self.patterns, server=request.path.removesuffix("schema/").rstrip("/") or "/"))
