"""What ``hostile_settings`` name, and a script that uses the API under them and prints what it answered."""

from __future__ import annotations

import importlib.util
import json
import sys
from typing import Any

if __name__ == "__main__":
    BLOCKED = tuple(sys.argv[1:])
    find_spec = importlib.util.find_spec

    class Blocker:
        """Stands for packages that are not installed."""

        def find_spec(self, name: str, *args: Any) -> None:
            if name.partition(".")[0] in BLOCKED:
                raise ModuleNotFoundError(f"No module named {name!r}")

    importlib.util.find_spec = lambda name, package=None: None if name in BLOCKED else find_spec(name, package)
    sys.meta_path.insert(0, Blocker())

    import django
    from django.conf import settings

    settings.INSTALLED_APPS = [name for name in settings.INSTALLED_APPS if name not in BLOCKED]
    django.setup()

from rest_framework.filters import BaseFilterBackend
from rest_framework.negotiation import BaseContentNegotiation
from rest_framework.pagination import LimitOffsetPagination
from rest_framework.response import Response


class Pages(LimitOffsetPagination):
    """Another way to page."""


class NothingFilter(BaseFilterBackend):
    """Hides every row."""

    def filter_queryset(self, request: Any, queryset: Any, view: Any) -> Any:
        return queryset.none()


class Negotiation(BaseContentNegotiation):
    """Chooses the last renderer, and no parser."""

    def select_parser(self, request: Any, parsers: Any) -> Any:
        return None

    def select_renderer(self, request: Any, renderers: Any, format_suffix: Any = None) -> Any:
        return renderers[-1], renderers[-1].media_type


def handler(error: Exception, context: Any) -> Response:
    """Make every error a success."""
    return Response({"oops": True}, status=200)


def main() -> dict[str, Any]:
    """Use the API; return what was answered."""
    from django.contrib.auth.models import User
    from django.core.management import call_command

    from tests.api.conftest import Api

    call_command("migrate", verbosity=0)
    api = Api(User.objects.create_superuser("admin"))
    rule = {"name": "a", "signal": "post_save", "sender": "testapp.order", "actions": []}
    found: dict[str, Any] = {
        "anonymous": [Api().get(path).status for path in ("", "rules/", "schema/", "docs/", "signals/")],
        "created": api.post("rules/", rule).status,
        "broken": api.post("rules/", {**rule, "condition": "=="}).status,
        "second": api.post("rules/", {**rule, "name": "b"}).status,
        "listed": api.get("rules/").body,
        "missing": api.get("rules/none/").body,
        "stale": api.patch("rules/a/", {"version": 9}).status,
        "filtered": api.get("executions/?state=failed&created_after=2026-01-01T00:00:00Z").status,
        "refused": [api.get(f"rules/?{query}").status for query in ("mode=null", "ordering=state", "has_problem=x")],
        "exact": api.get("rules/?signal=post&ordering=name").body["count"],
        "options": api.call("OPTIONS", "rules/").status,
        "docs": api.get("docs/").status,
    }
    schema = api.get("schema/")
    found["schema"] = json.loads(schema.text) if schema.status == 200 else schema.status
    return found


if __name__ == "__main__":
    json.dump(main(), sys.stdout, default=str)
