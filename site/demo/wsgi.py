"""WSGI entry point: ``gunicorn --chdir site --pythonpath "$PWD" demo.wsgi``."""

from __future__ import annotations

import os

from django.contrib.staticfiles.handlers import StaticFilesHandler
from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "demo.settings")

# Static files come from the finders, so the demo needs neither `collectstatic` nor DEBUG nor another server.
application = StaticFilesHandler(get_wsgi_application())
