"""The page that shows the OpenAPI document, from files of this site alone."""

from __future__ import annotations

from typing import Any

from django.apps import apps
from django.conf import settings as django_settings
from rest_framework.renderers import TemplateHTMLRenderer
from rest_framework.request import Request
from rest_framework.response import Response

from rules_engine.api.base import ApiView
from rules_engine.api.permissions import StaffOfTheEngine


class DocsView(ApiView):
    """Swagger UI, served by drf-spectacular-sidecar; no inline script or style, so a strict policy admits it."""

    permission_classes = [StaffOfTheEngine]
    schema = None
    renderer_classes = [TemplateHTMLRenderer]

    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Answer with the page."""
        header = django_settings.CSRF_HEADER_NAME.removeprefix("HTTP_").replace("_", "-")
        context = {
            "installed": apps.is_installed("drf_spectacular_sidecar"),
            "schema_url": f"{request.path.removesuffix('docs/')}schema/?format=json",
            "csrf_header": header,
        }
        return Response(context, template_name="rules_engine/api/docs.html")
