"""Everything below the API that does not exist."""

from __future__ import annotations

from typing import Any

from django.conf import settings as django_settings
from django.http import Http404, HttpRequest, HttpResponseBase, HttpResponsePermanentRedirect
from django.urls import resolve
from rest_framework.request import Request

from rules_engine.api.base import ApiView
from rules_engine.api.permissions import StaffOfTheEngine


class MissingView(ApiView):
    """404 in the API's own shape, for every method: a program cannot read the site's page."""

    permission_classes = [StaffOfTheEngine]
    schema = None

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        # Django's own redirect does not come about where every address is taken.
        if django_settings.APPEND_SLASH and request.method in ("GET", "HEAD") and lacks_slash(request):
            return HttpResponsePermanentRedirect(request.get_full_path(force_append_slash=True))
        return super().dispatch(request, *args, **kwargs)

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        super().initial(request, *args, **kwargs)
        hint = f" Did you mean {request.path}/ with its slash?" if lacks_slash(request) else ""
        raise Http404(f"There is nothing at {request.path}.{hint}")


def lacks_slash(request: Any) -> bool:
    """Whether the address, which is not there, is there with a slash at its end."""
    if request.path_info.endswith("/"):
        return False
    found: Any = resolve(f"{request.path_info}/", getattr(request, "urlconf", None))
    return getattr(found.func, "cls", None) is not MissingView
