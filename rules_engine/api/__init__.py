"""The REST API: rules, their dry runs and versions, the history, the catalogues.

A host mounts it with ``path("rules-api/", include("rules_engine.api.urls"))``. It brings its own parsers, renderers,
permissions, pagination and error format, so the host's ``REST_FRAMEWORK`` settings neither break nor open it. The
host's authentication and throttling stay in force.
"""

from __future__ import annotations

from importlib.util import find_spec

from django.core.exceptions import ImproperlyConfigured

if find_spec("django_filters") is None:
    raise ImproperlyConfigured(
        "The REST API of the rules engine needs django-filter, which is not installed. "
        'Install it with: pip install "django-rules-engine[api]"'
    )
