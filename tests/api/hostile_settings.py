"""Settings of a host whose REST framework settings suit nothing but its own API."""

from __future__ import annotations

from tests.settings import *  # noqa: F403 - one set of settings on top of another

DATABASES = {"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}}
REST_FRAMEWORK = {
    "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.AllowAny"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.StaticHTMLRenderer"],
    "DEFAULT_PARSER_CLASSES": ["rest_framework.parsers.FormParser"],
    "DEFAULT_PAGINATION_CLASS": "tests.api.hostile.Pages",
    "DEFAULT_FILTER_BACKENDS": ["tests.api.hostile.NothingFilter"],
    "DEFAULT_VERSIONING_CLASS": "rest_framework.versioning.AcceptHeaderVersioning",
    "DEFAULT_VERSION": "7",
    "ALLOWED_VERSIONS": ["7"],
    "DEFAULT_THROTTLE_CLASSES": ["rest_framework.throttling.ScopedRateThrottle"],
    "DEFAULT_CONTENT_NEGOTIATION_CLASS": "tests.api.hostile.Negotiation",
    "DEFAULT_METADATA_CLASS": None,
    "DEFAULT_SCHEMA_CLASS": "rest_framework.schemas.openapi.AutoSchema",
    "EXCEPTION_HANDLER": "tests.api.hostile.handler",
    "UNAUTHENTICATED_USER": None,
    "DATETIME_FORMAT": "%d.%m.%Y",
    "DATETIME_INPUT_FORMATS": ["%d.%m.%Y"],
    "COERCE_DECIMAL_TO_STRING": True,
    "PAGE_SIZE": 1,
    "ORDERING_PARAM": "state",
}
FILTERS_DEFAULT_LOOKUP_EXPR = "icontains"
FILTERS_NULL_CHOICE_LABEL = "Nothing"
FILTERS_EMPTY_CHOICE_LABEL = None
FILTERS_DISABLE_HELP_TEXT = True
SPECTACULAR_SETTINGS = {
    "OAS_VERSION": "3.0.3",
    "ENUM_GENERATE_CHOICE_DESCRIPTION": False,
    "TITLE": "The host's own API",
    "SCHEMA_PATH_PREFIX": "/api",
    "COMPONENT_SPLIT_REQUEST": False,
    "POSTPROCESSING_HOOKS": [],
    "SERVE_PUBLIC": False,
    "SERVE_PERMISSIONS": ["rest_framework.permissions.AllowAny"],
}
