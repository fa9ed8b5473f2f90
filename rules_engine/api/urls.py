"""URLs of the API, for ``include("rules_engine.api.urls")``."""

from __future__ import annotations

urlpatterns: list[object] = []
