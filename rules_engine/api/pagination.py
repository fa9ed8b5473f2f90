"""Pages of lists."""

from __future__ import annotations

from typing import Any

from rest_framework.exceptions import ValidationError
from rest_framework.pagination import PageNumberPagination
from rest_framework.request import Request

PAGING = ("page", "page_size")
"""Parameters that every list has."""


class Pages(PageNumberPagination):
    """``page`` and ``page_size``; sizes above the largest one give the largest one."""

    page_size = 50
    page_size_query_param = "page_size"
    max_page_size = 200

    def get_page_size(self, request: Request) -> int:
        """Return the size asked for; raises ValidationError for what is no positive whole number."""
        given = request.query_params.get("page_size", "")
        if not given:
            return self.page_size
        if not (given.isascii() and given.isdigit() and given.strip("0")):
            raise ValidationError({"page_size": ["A valid positive whole number is required."]})
        return self.max_page_size if len(given) > 9 else min(int(given), self.max_page_size)

    def get_paginated_response_schema(self, schema: dict[str, Any]) -> dict[str, Any]:
        """The schema of a page as OpenAPI 3.1 writes it (REST framework's says ``nullable``, which is 3.0)."""
        link = {"type": ["string", "null"], "format": "uri"}
        return {
            "type": "object",
            "required": ["count", "next", "previous", "results"],
            "properties": {
                "count": {"type": "integer", "description": "Rows on all pages."},
                "next": {**link, "description": "Address of the next page."},
                "previous": {**link, "description": "Address of the page before."},
                "results": schema,
            },
        }
