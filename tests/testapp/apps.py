"""The app of the test suite."""

from __future__ import annotations

from django.apps import AppConfig


class TestappConfig(AppConfig):
    """Label ``testapp``, so that senders read ``testapp.order``."""

    name = "tests.testapp"
    label = "testapp"
    default_auto_field = "django.db.models.BigAutoField"
