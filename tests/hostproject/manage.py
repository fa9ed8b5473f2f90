"""The smallest project that uses the app; HOST_APPS names what is installed besides Django's users."""

from __future__ import annotations

import os
import sys

from django.conf import settings
from django.core.management import execute_from_command_line

settings.configure(
    SECRET_KEY="of the host project",
    INSTALLED_APPS=["django.contrib.auth", "django.contrib.contenttypes", *os.environ["HOST_APPS"].split()],
    DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": "host.sqlite3"}},
    RULES_ENGINE={"EXECUTOR": "none"},
)
execute_from_command_line(sys.argv)
