"""The page that crashes on purpose."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse

from shop.exceptions import DemoCrash


def crash(request: HttpRequest) -> HttpResponse:
    """Raise DemoCrash, as a broken page would raise something."""
    request.deliberate = True  # type: ignore[attr-defined]  # see demo.logs
    raise DemoCrash("This page crashes on purpose.")
