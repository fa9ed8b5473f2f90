"""Settings of the demo site. Everything secret in here is made up and shown on the home page.

Environment: ``DEMO_PORT`` (8000), ``DEMO_DATABASE`` (``var/demo.sqlite3``), ``DEMO_DEBUG`` (off).
"""

from __future__ import annotations

import os
from pathlib import Path

import django

BASE_DIR = Path(__file__).resolve().parent.parent.parent
DEBUG = os.environ.get("DEMO_DEBUG", "") not in {"", "0"}
SECRET_KEY = "demo-only-never-use-this-anywhere-else-0123456789"
ALLOWED_HOSTS = ["127.0.0.1", "localhost"]
DEMO_PORT = int(os.environ.get("DEMO_PORT", "8000"))

INSTALLED_APPS = [
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "rest_framework",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "django_jsonform",
    "rules_engine",
    "shop",
]
MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "demo.middleware.content_security_policy",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]
ROOT_URLCONF = "demo.urls"
WSGI_APPLICATION = "demo.wsgi.application"
ASGI_APPLICATION = "demo.asgi.application"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ]
        },
    }
]

DATABASE = Path(os.environ.get("DEMO_DATABASE") or BASE_DIR / "var" / "demo.sqlite3").resolve()
DATABASE.parent.mkdir(parents=True, exist_ok=True)
DATABASES = {
    "default": {
        "ENGINE": "django.db.backends.sqlite3",
        "NAME": str(DATABASE),
        # Requests and the worker thread write at the same time. A transaction that starts as a reader and then
        # writes fails at once ("database is locked"); one that starts IMMEDIATE waits for its turn instead.
        "OPTIONS": {
            "transaction_mode": "IMMEDIATE",
            "timeout": 20,
            "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL;",
        },
        # A file, not memory: the tests start a real server with threads.
        "TEST": {"NAME": os.environ.get("SQLITE_TEST_NAME", str(BASE_DIR / "var" / "demo-tests.sqlite3"))},
    }
}
# Every view decides for itself what belongs in one transaction; see ATOMIC_SAVES below.
ATOMIC_REQUESTS = False
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
# Files, not memory: a rule that deletes a key runs in one process and all of them must see it.
CACHES = {
    "default": {
        "BACKEND": "django.core.cache.backends.filebased.FileBasedCache",
        "LOCATION": str(DATABASE.with_name(f"{DATABASE.stem}-cache")),
    }
}

LANGUAGE_CODE = "en"
TIME_ZONE = "UTC"
USE_TZ = True
STATIC_URL = "/static/"
LOGIN_URL = "login"
LOGIN_REDIRECT_URL = "home"
LOGOUT_REDIRECT_URL = "home"
if django.VERSION >= (6, 1):
    MAILERS = {"default": {"BACKEND": "shop.mail.DatabaseBackend"}}
else:
    EMAIL_BACKEND = "shop.mail.DatabaseBackend"
DEFAULT_FROM_EMAIL = "shop@demo.example"
MESSAGE_STORAGE = "django.contrib.messages.storage.session.SessionStorage"
# Another demo on another port of this machine would otherwise log its visitors out of this one.
SESSION_COOKIE_NAME = f"rules_demo_session_{DEMO_PORT}"
CSRF_COOKIE_NAME = f"rules_demo_csrf_{DEMO_PORT}"

REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": [
        "rest_framework.authentication.SessionAuthentication",
        "rest_framework.authentication.BasicAuthentication",
    ],
}

INBOX_SECRET = "whsec_ZGVtby1vbmx5LXNpZ25pbmctc2VjcmV0LW9mLXRoZS1pbmJveA=="
RULES_ENGINE = {
    "SECRETS": {"inbox": INBOX_SECRET},
    # The demo's own inbox and nothing else that is private.
    "OUTBOUND": {"ALLOWED_HOSTS": [f"127.0.0.1:{DEMO_PORT}"]},
    # Nobody waits five minutes in front of a demo. The default is the schedule of Standard Webhooks.
    "RETRY_SCHEDULE": (0, 3, 10, 30, 120, 600),
    "POLL_SECONDS": 1,
    # Saves outside a transaction, such as those of the buttons, lose no match if the process dies right after them.
    "ATOMIC_SAVES": "*",
    "ALLOWED_SENDERS": ["shop.customer", "shop.product", "shop.order", "shop.line", "shop.tag", "auth.user"],
}

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "filters": {"deliberate": {"()": "demo.logs.NotDeliberate"}},
    "formatters": {"rules": {"format": "rule says [{levelname}] {message}", "style": "{"}},
    "handlers": {
        "rules": {"class": "logging.StreamHandler", "formatter": "rules"},
        "errors": {"class": "logging.StreamHandler", "filters": ["deliberate"]},
    },
    "loggers": {
        "shop.rules": {"handlers": ["rules"], "level": "INFO", "propagate": False},
        "rules_engine": {"handlers": ["errors"], "level": "WARNING"},
        "django.request": {"handlers": ["errors"], "level": "ERROR", "propagate": False},
        # One line per request would drown the rules' lines: the home page asks for news each second.
        "django.server": {"handlers": ["errors"], "level": "CRITICAL", "propagate": False},
    },
}
