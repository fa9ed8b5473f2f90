"""URLs of the test project: the admin, the API and a page that crashes."""

from __future__ import annotations

from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django.urls import include, path


def crash(request: HttpRequest) -> HttpResponse:
    """Raise, as a broken page does."""
    raise RuntimeError("this page is broken")


def fine(request: HttpRequest) -> HttpResponse:
    """Answer 200."""
    return HttpResponse("fine")


urlpatterns = [
    path("admin/", admin.site.urls),
    path("rules-api/", include("rules_engine.api.urls")),
    path("crash/", crash),
    path("fine/", fine),
]
