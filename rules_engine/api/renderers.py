"""JSON answers whose numbers are exact."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import simplejson
from rest_framework.renderers import JSONRenderer
from rest_framework.utils.encoders import JSONEncoder


class ExactJSONRenderer(JSONRenderer):
    """Writes a Decimal as its own digits, not as a float and not as a text.

    Text outside ASCII is escaped: a lone surrogate, which a host's data may hold, has no UTF-8 form.
    """

    def render(
        self,
        data: Any,
        accepted_media_type: str | None = None,
        renderer_context: Mapping[str, Any] | None = None,
    ) -> bytes:
        if data is None:
            return b""
        indent = self.get_indent(accepted_media_type or "", dict(renderer_context or {}))
        text = simplejson.dumps(
            data,
            default=JSONEncoder().default,
            use_decimal=True,
            ignore_nan=True,
            indent=indent,
            separators=(",", ":") if indent is None else (",", ": "),
        )
        return text.encode("ascii")
